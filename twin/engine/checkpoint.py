"""The checkpoint of a run: the state between two blocks, in one file that is replaced as a whole.

Accumulators are empty between blocks, so the State is all that a later block depends on. The file is an ``.npz``
without pickled objects; it stands beside the arrays of the store while a run is unfinished and is removed at its end.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from twin.core.errors import one, option
from twin.engine.arrays import State

NAME = ".checkpoint.npz"
FRESH = ".checkpoint.new"
PREFIX = "state_"


def save(folder: Path, next_block: int, digest: str, state: State) -> None:
    """Write the state at the beginning of ``next_block``; a crash leaves the old file or the new one, whole."""
    arrays: dict[str, Any] = {f"{PREFIX}{name}": value for name, value in zip(State._fields, state, strict=True)}
    arrays |= {"next_block": np.int64(next_block), "digest": np.frombuffer(digest.encode(), np.uint8)}
    fresh = folder / FRESH
    with fresh.open("wb") as stream:
        np.savez(stream, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(folder / NAME)
    sync_folder(folder)


def load(folder: Path, digest: str, state: State) -> int:
    """The next block; fills ``state``, whose arrays stay where they are (``twin.engine.arrays.apart``).

    Raises ``InputError`` when there is no checkpoint, it cannot be read, or it belongs to another run.
    """
    path, again = folder / NAME, option("overwrite=True")
    if not path.is_file():
        raise one(f"there is no checkpoint to resume from: start again with {again}", file=str(folder))
    try:
        with np.load(path, allow_pickle=False) as found:
            saved = State(*(found[f"{PREFIX}{name}"] for name in State._fields))
            next_block, owner = int(found["next_block"]), bytes(found["digest"]).decode()
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise one(f"the checkpoint cannot be read ({error}): start again with {again}", file=str(path)) from None
    if owner != digest or any(a.shape != b.shape or a.dtype != b.dtype for a, b in zip(saved, state, strict=True)):
        raise one(f"the checkpoint belongs to another run: start again with {again}", file=str(path))
    for into, value in zip(state, saved, strict=True):
        into[...] = value
    return next_block


def next_block(folder: Path) -> int | None:
    """First block that is not yet recorded; None without a readable checkpoint."""
    try:
        with np.load(folder / NAME, allow_pickle=False) as found:
            return int(found["next_block"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None


def forget(folder: Path) -> None:
    """Remove the checkpoint at the end of a run."""
    for name in (NAME, FRESH):
        (folder / name).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a loss of power, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
