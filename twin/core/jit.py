"""The one way to compile a kernel: ``@kernel``, cached on disk under a digest of the sources.

Numba's own disk cache looks at the file that holds a function, not at the helpers it inlines from other files: an
edited helper would leave a stale binary. The cache folder is therefore named by a digest of every kernel source.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba import config as numba_config
from numba.core.types.misc import unliteral

from twin.core import codegen
from twin.core.errors import InputError, one

F = TypeVar("F", bound=Callable[..., Any])

ROOT = Path(__file__).resolve().parents[1]
KERNEL_ROOMS = ("core", "racks", "power", "cooling", "inference", "engine")
# Not 'nnan'/'ninf': a NaN in a reading has to stay a NaN.
FAST_MATH = {"reassoc", "contract", "arcp", "nsz"}
KEPT_CACHES = 4
CACHE_BYTES = 16_000_000  # the kernels take 4 MB
READY = "ready"
# The passes of the power path's machine, which only some failures need: a share of their own, compiled when needed.
POWER = "power"
COMPILING = "HALLTWIN_COMPILING"
# By name: core imports nothing above it.
WARM_MODULE = "twin.engine.warm"
_CALLED: list[Any] = []
_SAY: list[Callable[[str], None]] = []
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


def note_compiled(share: str) -> None:
    """Leave a list of the helpers that this process has compiled beside the kernels: its share of ``WARM_MODULE``."""
    (cache_folder() / f"{share}.json").write_text(json.dumps(specialisations(), indent=0))


def mark_compiled(share: str = READY) -> None:
    """Say that the kernels of a run, or those of a share, are in the cache; ``WARM_MODULE`` does when it ran them."""
    (cache_folder() / share).touch()


@cache
def _warm() -> None:
    """Compile the kernels of a run in a child process, once per cache.

    The process that compiles binds some helper calls to another copy of the code than a process that loads the cache,
    and rounds differently in the last bit. So nobody computes with what it has just compiled: the first run gives
    the same bytes as every later one.

    Raises ``InputError`` where the kernels cannot be written.
    """
    if not (os.environ.get(COMPILING) or is_compiled()):
        _in_child()


@cache
def _warm_power() -> None:
    """As :func:`_warm`, of the passes of the power path's machine."""
    if os.environ.get(COMPILING) or (cache_folder() / POWER).exists():
        return
    for say in _SAY:
        say("compiling the power path once, about 10 s")
    _in_child(POWER)


def _in_child(*share: str) -> None:
    """Run ``WARM_MODULE`` on a share of the kernels. Raises ``InputError`` where they cannot be written."""
    with tempfile.TemporaryDirectory(prefix="halltwin-", ignore_cleanup_errors=True) as scratch:
        base = str(cache_folder().parents[1])
        environment = {**os.environ, COMPILING: "1", "HALLTWIN_CACHE": base, "TMPDIR": scratch}
        # A session of its own: Ctrl-C reaches this process alone, which ends the child and the child's child.
        child = subprocess.Popen(
            [sys.executable, "-m", WARM_MODULE, *share],
            env=environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
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
        raise _unwritten()


def _unwritten() -> InputError:
    what = "the compiled kernels cannot be written: make room, or name another folder in HALLTWIN_CACHE"
    return one(what, file=str(cache_folder()))


def ensure_compiled(*, power: bool = False) -> None:
    """Compile the kernels of a run now where nobody has, with ``power`` those of the power path's machine as well.

    Raises ``InputError`` where they cannot be written.
    """
    _warm()
    if power:
        _warm_power()


def tell_compiling(say: Callable[[str], None]) -> None:
    """Have ``say`` called with words when kernels are compiled that only this run turns out to need."""
    _SAY[:] = [say]


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


def apart(function: F) -> F:
    """Like :func:`kernel`, for kernels that no run calls: compiled where they are first called, and nothing with them.

    They call nothing of another file: only their own is looked at to see whether what is cached is stale.
    """
    return _compile(function, counted=False, run=False)


def constant(value: int) -> int:
    """An integer constant as an int64: what a literal becomes, too, where a kernel hands it to another."""
    return np.int64(value)  # type: ignore[return-value]


def fused(function: F) -> F:
    """Like :func:`kernel`, always inlined: for short loops over the racks of a group, whose call pushes 24 words."""
    return _compile(function, counted=False, inlined=True)


codegen.widen()
codegen.keep_helpers_private()
codegen.compare_flags_quickly()
codegen.remember_operators()
codegen.optimise_once()
codegen.leave_scipy()


def _compile(function: F, *, counted: bool, entry: bool = True, inlined: bool = False, run: bool = True) -> F:
    called: Any = _dispatcher(function, counted=counted, entry=False, inlined=inlined)
    _CALLED.append(called)
    template = called.get_call_template
    # Numba compiles a function anew for every literal (True, 0) that it is handed; ours are compiled once.
    called.get_call_template = lambda args, kws: template(tuple(unliteral(arg) for arg in args), kws)
    if not entry:
        return called  # type: ignore[no-any-return]
    before = numba_config.CACHE_DIR
    numba_config.CACHE_DIR = str(cache_folder())
    try:
        compiled = _dispatcher(function, counted=counted, entry=True, inlined=inlined)
    finally:
        numba_config.CACHE_DIR = before
    compiled.compile = _kept(_from_cache(compiled.compile) if run else compiled.compile)
    # Another kernel calls the form without a way in from Python.
    compiled.get_call_template = called.get_call_template
    compiled.get_overload = called.get_overload
    return compiled  # type: ignore[no-any-return]


def _kept(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """``Dispatcher.compile``, which says what it is that finds no room on the disk; to ``WARM_MODULE`` as it is."""

    def compile_kept(signature: Any) -> Any:
        try:
            return compile_(signature)
        except OSError:
            if os.environ.get(COMPILING):
                raise
            raise _unwritten() from None

    return compile_kept


def specialisations() -> dict[str, int]:
    """For how many signatures this process has compiled each kernel that a kernel calls."""
    return {f"{k.py_func.__module__}.{k.py_func.__name__}": len(k.overloads) for k in _CALLED if k.overloads}


def _dispatcher(function: Callable[..., Any], *, counted: bool, entry: bool, inlined: bool) -> Any:
    return numba.njit(
        cache=entry,
        nogil=True,
        fastmath=FAST_MATH,
        error_model="numpy",
        _nrt=counted,
        forceinline=inlined,
        no_cpython_wrapper=not entry,
        no_cfunc_wrapper=True,
    )(function)


def _from_cache(compile_: Callable[..., Any]) -> Callable[..., Any]:
    """``Dispatcher.compile``, which looks into the disk cache first, after the child process has filled it."""

    def compile_warm(signature: Any) -> Any:
        _warm()
        return compile_(signature)

    return compile_warm


__all__ = [
    "FAST_MATH",
    "POWER",
    "allocating_kernel",
    "apart",
    "cache_folder",
    "constant",
    "ensure_compiled",
    "fused",
    "inner",
    "is_compiled",
    "kernel",
    "mark_compiled",
    "note_compiled",
    "source_digest",
    "tell_compiling",
]
