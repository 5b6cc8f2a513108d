"""What Numba is told to do differently: private helpers, and less work for the same machine code.

Each function below replaces a method of Numba, once, when ``twin.core.jit`` is imported.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from threading import RLock
from typing import Any

import llvmlite.binding
from llvmlite.binding import Linkage
from numba import config as numba_config
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.cpu import CPUContext
from numba.core.targetconfig import ConfigStack, TargetConfig
from numba.core.types import functions

# How the symbols of this package's functions begin, those that twin.core.dispatch binds among them.
OUR_SYMBOLS = re.compile(r"_ZN\d+twin")
# How a function begins that unpacks Python's objects and calls a kernel.
WAY_IN = re.compile(r"_ZN7cpython")


def widen() -> None:
    """Let LLVM use 512-bit registers where they cost no clock (Sapphire Rapids and later, which have AVX512-FP16)."""
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512fp16") and numba_config.CPU_FEATURES is None:
        numba_config.CPU_FEATURES = features.flatten() + ",-prefer-256-bit"


@cache
def processor() -> str:
    """The processor that machine code is made for, with all that it can do: another one may round differently."""
    name, features = llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features()
    return f"{name} {numba_config.CPU_FEATURES or features.flatten()}"


def leave_scipy() -> None:
    """Do not load SciPy's linear algebra where SciPy is installed: 0.2 s of each process that calls a kernel.

    Numba loads it to see whether it is there, for products of matrices; where anybody compiles one it does so again.
    """
    load, one = CPUContext.load_additional_registries, RLock()

    def ensure_blas() -> None:
        if find_spec("scipy") is None:
            raise ImportError

    def load_without_scipy(context: Any) -> None:
        linalg: Any = import_module("numba.np.linalg")
        with one:
            before, linalg.ensure_blas = linalg.ensure_blas, ensure_blas
            try:
                import_module("numba.np.arraymath")
            finally:
                linalg.ensure_blas = before
        load(context)

    CPUContext.load_additional_registries = load_without_scipy


def optimise_once() -> None:
    """Optimise a helper within its callers only, and by itself just so far that a caller can judge what it costs.

    Numba takes every function through all passes of LLVM before it links it into its callers, which go through them
    with it again: the code of a step eight times over.
    """
    whole = JITCodeLibrary._optimize_final_module

    def optimise(library: Any) -> None:
        if _only_called(library):
            manager, builder = library._codegen._module_pass_manager(
                loop_vectorize=False, slp_vectorize=False, opt=0, cost="cheap"
            )
            manager.run(library._final_module, builder)
        else:
            whole(library)

    JITCodeLibrary._optimize_final_module = optimise


def _only_called(library: Any) -> bool:
    """Whether a library is of ours and has no way in from Python."""
    names = [f.name for f in library._final_module.functions if not f.is_declaration]
    return any(map(OUR_SYMBOLS.match, names)) and not any(map(WAY_IN.match, names))


def keep_helpers_private() -> None:
    """Bind every call inside a compiled kernel to the copy of the helper that was compiled with it.

    A helper that is called and not inlined goes into each caller's object code as a weak symbol; the loader binds weak
    symbols of one name to the copy it met first, which was optimised in another context and rounds differently. The
    wet bulbs of a year then depended on what else the process had compiled before.

    A helper without a way in from Python is never run by itself but linked into its callers: no machine code is made
    of it (7 s of the first start).
    """
    finalize, set_env = JITCodeLibrary._finalize_final_module, JITCPUCodegen.set_env

    def finalize_private(library: Any) -> None:
        module = library._final_module
        if _only_called(library):
            _share(module)
            library._shared_module, library._finalized = module, True
            return
        weak = [f for f in module.functions if _is_weak_helper(f)]
        if weak:
            library._shared_module = module.clone()
            _share(library._shared_module)
        for helper in weak:
            helper.linkage = Linkage.internal
        finalize(library)

    def set_env_of_code(codegen: Any, name: str, env: Any) -> None:
        if codegen._engine.is_symbol_defined(name):
            set_env(codegen, name, env)

    JITCodeLibrary._finalize_final_module = finalize_private
    JITCPUCodegen.set_env = set_env_of_code


def _is_weak_helper(f: Any) -> bool:
    weak = f.linkage == Linkage.linkonce_odr
    return weak and not f.is_declaration and OUR_SYMBOLS.match(f.name) is not None


def _share(module: Any) -> None:
    """Make of a module what callers link with: every function shared (Numba's own way, done earlier)."""
    for f in module.functions:
        if not f.is_declaration and f.linkage == Linkage.external:
            f.linkage = Linkage.linkonce_odr


def compare_flags_quickly() -> None:
    """Compare two sets of compiler flags by those that are set in either.

    For every operator in a kernel Numba looks into a table by the flags, a dozen times; it reads all forty then, twice
    (8 s of the first start). All tables have a few entries only, so one hash for all flags does, as in Numba.
    """

    def equal(flags: Any, other: Any) -> Any:
        if type(flags) is not type(other):
            return NotImplemented
        mine, its = flags._values, other._values
        return mine == its or all(getattr(flags, name) == getattr(other, name) for name in mine.keys() | its.keys())

    TargetConfig.__eq__ = equal
    TargetConfig.__hash__ = lambda flags: hash(type(flags))


def remember_operators() -> None:
    """Ask once what an operator makes of operands of given types: Numba tries its dozen meanings at every use."""
    operators: Any = functions.BaseFunction
    resolve = operators.get_call_type
    known: dict[Any, Any] = {}

    def remembered(function: Any, context: Any, args: Any, kws: Any) -> Any:
        if kws or not all(arg.is_precise() for arg in args):
            return resolve(function, context, args, kws)
        key = id(function), context, tuple(args), ConfigStack.top_or_none()
        if key not in known:
            known[key] = function, resolve(function, context, args, kws)  # the function, so that its id stays its own
        return known[key][1]

    operators.get_call_type = remembered


__all__ = [
    "compare_flags_quickly",
    "keep_helpers_private",
    "leave_scipy",
    "optimise_once",
    "processor",
    "remember_operators",
    "widen",
]
