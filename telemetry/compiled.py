"""Compiled loops of this room: cached on disk like the engine's kernels, without compiling these.

Numba's cache does not see an edited helper of another file, so the folder is named by a digest of this room's sources
that ask for compilation, and of Numba. Integers, copies and comparisons only: who needs arithmetic that is the same in
the process that compiles and in those that load belongs to ``twin.core.jit``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba import config

from twin.core.jit import cache_folder

F = TypeVar("F", bound=Callable[..., Any])
ROOM = Path(__file__).resolve().parent
KEPT = 4


@cache
def folder() -> Path:
    """Where the compiled loops of exactly these sources are; older ones beyond a few are removed."""
    digest = hashlib.sha256(f"numba {numba.__version__} numpy {np.__version__}".encode())
    for path in sorted(ROOM.rglob("*.py")):
        text = path.read_bytes()
        if b"telemetry.compiled" in text or path == Path(__file__):
            digest.update(path.relative_to(ROOM).as_posix().encode() + b"\0" + text)
    made = cache_folder().parents[1] / "telemetry" / digest.hexdigest()[:16]
    made.mkdir(parents=True, exist_ok=True)
    others = sorted((p for p in made.parent.iterdir() if p != made), key=lambda p: p.stat().st_mtime)
    for old in others[: 1 - KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return made


def compiled(function: F) -> F:
    """Compile ``function`` at its first call, without the interpreter lock, and keep it on disk.

    Division by zero gives inf or NaN, indices are not checked: who calls it answers for the bounds.
    """
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder())
    try:
        made: F = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before
    return made


def inlined(function: F) -> F:
    """For helpers that only compiled loops call."""
    made: F = numba.njit(nogil=True, error_model="numpy")(function)
    return made


__all__ = ["compiled", "inlined"]
