"""Tables that take long to make, kept in a file beside the compiled kernels that make them.

A table is named by all that it is made of: the bytes it is handed, the processor, and with the folder the sources of
the kernels. So the one that is read is the one that would be made, to the last bit. A file holds the SHA-256 of the
table's bytes and these bytes (float64, little-endian); one that is not whole is made anew, and where there is no room
none is left. Whoever compiles kernels keeps nothing: it may round differently (``twin.core.jit``).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import get_ident

import numpy as np
from numpy.typing import NDArray

from twin.core.codegen import processor
from twin.core.jit import CACHE_BYTES, COMPILING, cache_folder

Floats = NDArray[np.float64]
ENDING = ".table"
# The oldest go: a campus has a dozen of 0.4 MB.
MOST = 64
DIGEST = sha256().digest_size


def kept(name: str, made_of: bytes, shape: tuple[int, ...], make: Callable[[], Floats]) -> Floats:
    """The table ``name`` of ``shape`` that ``make`` makes of ``made_of`` and nothing else: read, or made and kept."""
    if os.environ.get(COMPILING):
        return make()
    digest = sha256(f"{name} {processor()} ".encode() + made_of).hexdigest()
    file = cache_folder() / f"{name}-{digest[:32]}{ENDING}"
    found = _read(file, shape)
    if found is None:
        found = make()
        with suppress(OSError):
            _write(file, found.astype("<f8").tobytes())
    return found


def _read(file: Path, shape: tuple[int, ...]) -> Floats | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest, table = data[:DIGEST], data[DIGEST:]
    if sha256(table).digest() != digest or len(table) != 8 * np.prod(shape):
        return None
    return np.frombuffer(table, dtype="<f8").astype(np.float64).reshape(shape)


def _write(file: Path, table: bytes) -> None:
    """Whole or not at all, where there is room for it."""
    total, _, free = shutil.disk_usage(file.parent)
    if total and free < CACHE_BYTES:  # all zero where the system does not say
        return
    _forget_oldest(file.parent)
    new = file.with_suffix(f".{os.getpid()}-{get_ident()}")
    try:
        new.write_bytes(sha256(table).digest() + table)
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob(f"*{ENDING}"), key=lambda path: path.stat().st_mtime)
    for old in files[: max(0, len(files) - MOST + 1)]:
        old.unlink(missing_ok=True)


__all__ = ["kept"]
