"""One writer for a folder of results: a lock of the operating system, which dies with the process that holds it.

The file lies beside the folder, as ``.NAME.lock``, so that the store holds nothing but the run, and is removed at the
end. Whoever opened it just before that finds another file, or none, under the name, and tries again. Where there are no
such locks (Windows, some network file systems) nothing is locked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from twin.core.errors import InputError, one, option

if sys.platform != "win32":
    import fcntl


def lock_file(folder: Path) -> Path:
    """The lock's file of a folder."""
    return folder.with_name(f".{folder.name}.lock")


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``. Raises ``InputError`` while another process holds it, ``OSError`` for the file."""
    path = lock_file(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _take(path, folder)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(handle)


def refuse_if_held(folder: Path) -> None:
    """Raise ``InputError`` while another process writes to ``folder``; leaves no trace."""
    try:
        handle = os.open(lock_file(folder), os.O_RDWR)
    except OSError:
        return
    try:
        _lock(handle, folder)
    finally:
        os.close(handle)


def _take(path: Path, folder: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle, folder)
        except BaseException:
            os.close(handle)
            raise
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
        os.close(handle)  # its holder has removed it since


def _lock(handle: int, folder: Path) -> None:
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(folder) from None
        except OSError:
            pass  # a file system without locks


def _taken(folder: Path) -> InputError:
    out = option("out=")
    return one(f"another process is writing a run here: wait for its end, or choose another {out}", file=str(folder))
