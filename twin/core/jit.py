"""The one way to compile a kernel: ``@kernel``, cached on disk under a digest of the sources.

Numba's own disk cache looks at the file that holds a function, not at the helpers it inlines from other files: an
edited helper would leave a stale binary. The cache folder is therefore named by a digest of every kernel source.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import llvmlite.binding
import numba
import numpy as np
from numba import config as numba_config
from numba.core.codegen import JITCodeLibrary

from twin.core.errors import one

F = TypeVar("F", bound=Callable[..., Any])

ROOT = Path(__file__).resolve().parents[1]
KERNEL_ROOMS = ("core", "racks", "power", "cooling", "inference", "engine")
# Not 'nnan'/'ninf': a NaN in a reading has to stay a NaN.
FAST_MATH = {"reassoc", "contract", "arcp", "nsz"}
# How the symbols of this package's functions begin, those that twin.core.dispatch binds among them.
OUR_SYMBOLS = re.compile(r"_ZN\d+twin")
KEPT_CACHES = 4
CACHE_BYTES = 16_000_000  # the kernels take 4 MB
READY = "ready"
COMPILING = "HALLTWIN_COMPILING"
# By name: core imports nothing above it.
WARM_MODULE = "twin.engine.warm"
NOT_WRITTEN = 74  # what it ends with when the cache cannot be written: EX_IOERR of sysexits.h


@cache
def source_digest() -> str:
    """SHA-256 (16 hex digits) over every source of the kernel rooms and the versions of Numba and NumPy."""
    digest = hashlib.sha256(f"numba {numba.__version__} numpy {np.__version__}".encode())
    for room in KERNEL_ROOMS:
        for path in sorted((ROOT / room).glob("*.py")):
            text = path.read_bytes()
            # What is compiled: kernels, the tuples they take, and the constants of core that are frozen into them.
            if room == "core" or b"twin.core.jit" in text or b"NamedTuple" in text:
                digest.update(path.name.encode() + b"\0" + text)
    return digest.hexdigest()[:16]


@cache
def cache_folder() -> Path:
    """Folder of the compiled kernels: ``$HALLTWIN_CACHE``, else the user's cache folder.

    Where nothing can be written there, or there is no room, a temporary one that is removed as the process ends.
    """
    named = os.environ.get("HALLTWIN_CACHE")
    base = Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "halltwin"
    folder = base / "kernels" / source_digest()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        disk = shutil.disk_usage(folder)  # all zero where the system does not say
        usable = (folder / READY).exists() or not disk.total or disk.free >= CACHE_BYTES
    except OSError:
        usable = False
    if not usable:
        base = Path(tempfile.mkdtemp(prefix="halltwin-"))
        atexit.register(shutil.rmtree, base, ignore_errors=True)
        folder = base / "kernels" / source_digest()
        folder.mkdir(parents=True)
        return folder
    _forget_old(folder)
    return folder


def _forget_old(current: Path) -> None:
    """Keep the newest few caches: each edit of a kernel makes a new one of some megabytes."""
    others = [p for p in current.parent.iterdir() if p.is_dir() and p != current]
    others.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[KEPT_CACHES - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def is_compiled() -> bool:
    """True when a process has left compiled kernels for exactly these sources."""
    return (cache_folder() / READY).exists()


def mark_compiled() -> None:
    """Say that the kernels of a run are in the cache; called by ``WARM_MODULE`` when it has run them all."""
    (cache_folder() / READY).touch()


@cache
def _warm() -> None:
    """Compile the kernels of a run in a child process, once per cache.

    The process that compiles binds some helper calls to another copy of the code than a process that loads the cache,
    and rounds differently in the last bit. So nobody computes with what it has just compiled: the first run gives
    the same bytes as every later one.

    Raises ``InputError`` where the kernels cannot be written.
    """
    if os.environ.get(COMPILING) or is_compiled():
        return
    with tempfile.TemporaryDirectory(prefix="halltwin-", ignore_cleanup_errors=True) as scratch:
        base = str(cache_folder().parents[1])
        environment = {**os.environ, COMPILING: "1", "HALLTWIN_CACHE": base, "TMPDIR": scratch}
        # A session of its own: Ctrl-C reaches this process alone, which ends the child and the child's child.
        child = subprocess.Popen(
            [sys.executable, "-m", WARM_MODULE], env=environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            code = child.wait()
        except BaseException:
            if hasattr(os, "killpg"):
                os.killpg(child.pid, signal.SIGKILL)
            else:
                child.kill()
            child.wait()
            raise
    if code == NOT_WRITTEN:
        what = "the compiled kernels cannot be written: make room, or name another folder in HALLTWIN_CACHE"
        raise one(what, file=str(cache_folder()))


def ensure_compiled() -> None:
    """Compile the kernels of a run now where nobody has. Raises ``InputError`` where they cannot be written."""
    _warm()


def kernel(function: F) -> F:
    """Compile ``function`` without the interpreter lock, deterministic, cached on disk.

    Division by zero gives inf or NaN as in NumPy. Sums may be reassociated (vectorised), NaNs are honoured.

    Kernels borrow the arrays they are handed and allocate none: Numba's reference counting is off. With it, every call
    that takes the Plan counted some sixty arrays up and down by atomic operations, 1.3 us for 20 ns of arithmetic, and
    two threads fought over the counters.
    """
    return _compile(function, counted=False)


def inner(function: F) -> F:
    """Like :func:`kernel`, for functions that only kernels call: no way in from Python, no disk cache of their own.

    Unpacking the Plan's arrays from Python objects costs 0.3-1 s of compilation per function; the outer kernel's
    cache holds the inlined code anyway.
    """
    return _compile(function, counted=False, entry=False)


def allocating_kernel(function: F) -> F:
    """Like :func:`kernel`, for the few functions at the edge that make new arrays."""
    return _compile(function, counted=True)


def constant(value: int) -> int:
    """An integer constant to pass between kernels: Numba compiles a function anew for every *literal* argument."""
    return np.int64(value)  # type: ignore[return-value]


def fused(function: F) -> F:
    """Like :func:`kernel`, always inlined: for short loops over the racks of a group, whose call pushes 24 words."""
    return _compile(function, counted=False, inlined=True)


def _widen() -> None:
    """Let LLVM use 512-bit registers where they cost no clock (Sapphire Rapids and later, which have AVX512-FP16)."""
    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512fp16") and numba_config.CPU_FEATURES is None:
        numba_config.CPU_FEATURES = features.flatten() + ",-prefer-256-bit"


_widen()


def _keep_helpers_private() -> None:
    """Bind every call inside a compiled kernel to the copy of the helper that was compiled with it.

    A helper that is called and not inlined goes into each caller's object code as a weak symbol; the loader binds weak
    symbols of one name to the copy it met first, which was optimised in another context and rounds differently. The
    wet bulbs of a year then depended on what else the process had compiled before.
    """
    finalize = JITCodeLibrary._finalize_final_module

    def finalize_private(library: Any) -> None:
        weak = [f for f in library._final_module.functions if _is_weak_helper(f)]
        if weak:
            library._shared_module = _shareable(library._final_module)
        for helper in weak:
            helper.linkage = llvmlite.binding.Linkage.internal
        finalize(library)

    JITCodeLibrary._finalize_final_module = finalize_private


def _shareable(module: Any) -> Any:
    """What callers link with: the module as it was, with every function shared (Numba's own way, done earlier)."""
    shared = module.clone()
    for f in shared.functions:
        if not f.is_declaration and f.linkage == llvmlite.binding.Linkage.external:
            f.linkage = llvmlite.binding.Linkage.linkonce_odr
    return shared


def _is_weak_helper(f: Any) -> bool:
    weak = f.linkage == llvmlite.binding.Linkage.linkonce_odr
    return weak and not f.is_declaration and OUR_SYMBOLS.match(f.name) is not None


_keep_helpers_private()


def _compile(function: F, *, counted: bool, entry: bool = True, inlined: bool = False) -> F:
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = str(cache_folder())
    try:
        compiled = numba.njit(
            cache=entry,
            nogil=True,
            fastmath=FAST_MATH,
            error_model="numpy",
            _nrt=counted,
            forceinline=inlined,
            no_cpython_wrapper=not entry,
            no_cfunc_wrapper=not entry,
        )(function)
        if entry:
            compiled.compile = _from_cache(compiled.compile)
    finally:
        numba_config.CACHE_DIR = before
    return compiled  # type: ignore[no-any-return]


def _from_cache(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """``Dispatcher.compile``, which looks into the disk cache first, after the child process has filled it."""

    def compile_warm(signature: Any) -> Any:
        _warm()
        return compile_(signature)

    return compile_warm


__all__ = [
    "FAST_MATH",
    "allocating_kernel",
    "cache_folder",
    "constant",
    "ensure_compiled",
    "fused",
    "inner",
    "is_compiled",
    "kernel",
    "mark_compiled",
    "source_digest",
]
