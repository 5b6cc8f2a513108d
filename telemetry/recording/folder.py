"""The folder of a recording: names and order of its files, one writer at a time, and what is too old or too much.

A file is named by the UTC time of its start and a number that counts up, ``20280712T180000Z-000042.mcap``: the number
keeps the order where a clock was set back. Only files with such names are ever changed or removed.
"""

from __future__ import annotations

import os
import re
import sys
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from twin.core.errors import one

if sys.platform != "win32":
    import fcntl

SUFFIX = ".mcap"
NAME = re.compile(r"\d{8}T\d{6}Z-(\d{6,})\.mcap")
NS = 1_000_000_000


def number_of(path: Path) -> int | None:
    """Number of a file of ours, None for others."""
    match = NAME.fullmatch(path.name)
    return None if match is None else int(match[1])


def files(folder: Path) -> list[Path]:
    """Files of ours in their order."""
    found = [(number, path) for path in folder.iterdir() if (number := number_of(path)) is not None]
    return [path for _, path in sorted(found)]


def instant(at_ns: int) -> str:
    """An instant in ISO 8601."""
    return f"{datetime.fromtimestamp(at_ns // NS, UTC):%Y-%m-%dT%H:%M:%SZ}"


def name(start_ns: int, number: int) -> str:
    """The name of a file that starts at ``start_ns``."""
    return f"{datetime.fromtimestamp(start_ns // NS, UTC):%Y%m%dT%H%M%SZ}-{number:06d}{SUFFIX}"


def sync(folder: Path) -> None:
    """Make a file that appeared in ``folder`` durable under its name."""
    with suppress(OSError):  # some systems cannot flush a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class Held:
    """The right to write to a folder; it dies with its holder. Raises ``InputError`` while somebody else has it."""

    def __init__(self, folder: Path) -> None:
        self._release: Callable[[], object] = lambda: None
        if sys.platform == "win32":
            return
        handle = os.open(folder, os.O_RDONLY)
        release = self._release = weakref.finalize(self, os.close, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            release()
            raise one("another process records into this folder: choose another one", file=str(folder)) from None
        except OSError:
            pass  # a file system without locks

    def release(self) -> None:
        """Let others write."""
        self._release()


def remove(paths: Iterable[Path]) -> None:
    """Remove files; what cannot be removed stays."""
    for path in paths:
        with suppress(OSError):
            path.unlink()
