"""The folder that a run writes to: is it free, ours, finished; may it be replaced; is there room?

A store appears under its name only when its metadata are whole: it is built beside it and renamed. What is not a run of
halltwin is never touched.
"""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twin.core.errors import one, option
from twin.engine import checkpoint, lock
from twin.engine.identity import COMPLETE, differences

ROOT_FILE = "zarr.json"
PARTIAL = "*.partial"  # what zarr leaves of a file when it is killed while writing it
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Recorded runs take a third to a thirtieth of their numbers; ten times less room than the numbers cannot do.
LEAST_SHARE = 0.1
MB = 1e6
Action = Literal["new", "resume", "done"]


@dataclass(frozen=True)
class Standing:
    """What stands at a path: nothing (no attributes), or a run with its attributes."""

    attrs: Mapping[str, Any] | None

    @property
    def complete(self) -> bool:
        """True for a finished run."""
        return self.attrs is not None and bool(self.attrs[COMPLETE])


def examine(folder: Path) -> Standing:
    """What stands at ``folder``.

    Raises ``InputError`` for a file, a folder of something else, one we may not read, or where none can be made.
    """
    with telling(folder):
        if not folder.exists():
            _try_beside(folder)
            return Standing(None)
        if not folder.is_dir():
            raise one(f"is a file: choose another {option('out=')}", file=str(folder))
        if not any(folder.iterdir()):
            return Standing(None)
    attrs = read_attributes(folder)
    if attrs is None:
        raise one(f"is not empty and not a halltwin run: choose another {option('out=')}", file=str(folder))
    return Standing(attrs)


def _try_beside(folder: Path) -> None:
    """Raise ``OSError`` where no folder can be made at ``folder``: better told now than when all is computed."""
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    with tempfile.TemporaryFile(dir=above):
        pass


def read_attributes(folder: Path) -> Mapping[str, Any] | None:
    """Global attributes of a run; None where the folder holds none."""
    try:
        attrs = json.loads((folder / ROOT_FILE).read_bytes())["attributes"]
        return attrs if COMPLETE in attrs and "engine_digest" in attrs else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_out(folder: Path | None, *, resume: bool, overwrite: bool) -> None:
    """Raise ``InputError`` where a run may not be written to ``folder`` (None: into memory) as it is asked for."""
    again, replace = option("resume=True"), option("overwrite=True")
    if resume and overwrite:
        raise one(f"{again} and {replace} exclude each other")
    if folder is not None:
        lock.refuse_if_held(folder)
        _standing(folder, resume=resume, overwrite=overwrite)
    elif resume or overwrite:
        raise one(f"there is nothing to {'resume' if resume else 'overwrite'} without a folder", path=option("out="))


def _standing(folder: Path, *, resume: bool, overwrite: bool) -> Standing:
    """What stands at ``folder``. Raises ``InputError`` for a run that shall neither be resumed nor replaced."""
    standing = examine(folder)
    if standing.attrs is None or resume or overwrite:
        return standing
    again, replace, out = option("resume=True"), option("overwrite=True"), option("out=")
    if standing.complete:
        raise one(f"holds a finished run: replace it with {replace}, or choose another {out}", file=str(folder))
    raise one(f"holds an unfinished run: continue with {again}, or replace it with {replace}", file=str(folder))


def decide(folder: Path, attrs: Mapping[str, Any], *, resume: bool, overwrite: bool) -> Action:
    """What to do at ``folder`` for a run with ``attrs``.

    Raises ``InputError`` when a run stands there and neither ``resume`` nor ``overwrite`` is given, and when the run to
    resume is another one (it says in what).
    """
    standing = _standing(folder, resume=resume, overwrite=overwrite)
    if standing.attrs is None or overwrite:
        return "new"
    different = differences(standing.attrs, attrs)
    if different:
        raise one(f"holds a run of another {', '.join(different)}: it cannot be resumed", file=str(folder))
    return "done" if standing.complete else "resume"


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A fresh folder beside ``folder`` that takes its name at the end; an older run of ours under it is removed."""
    fresh, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    with telling(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
        fresh.mkdir()
        try:
            yield fresh
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        checkpoint.sync_folder(folder.parent)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def telling(folder: Path, still_needed: float | None = None) -> Iterator[None]:
    """Turn an error of the file system into an ``InputError`` that says what to do.

    ``still_needed`` (bytes, uncompressed) is what a run under way has yet to write.
    """
    try:
        yield
    except OSError as error:
        text = f"cannot be written: {error.strerror or error}"
        full, free = error.errno in FULL, free_bytes(folder)
        if full and free is not None:
            text += f", {free / MB:.1f} MB are free"
        if still_needed is not None:
            if full:
                text += f"; at most {still_needed / MB:.1f} MB are still to come"
            text += (
                f"; what is recorded is kept: {'make room and ' if full else ''}continue with {option('resume=True')}"
            )
        raise one(text, file=str(folder)) from None


def write_whole(path: Path, text: str) -> None:
    """Write a text file that appears under its name when it is whole; what stood there before stays until then.

    A link keeps pointing where it points, and what is no file (a pipe, a terminal) is written to as it is. Raises
    ``InputError`` where it cannot be written.
    """
    with telling(path):
        real = path.resolve()
        if real.exists() and not real.is_file():
            real.write_text(text, encoding="utf-8", newline="\n")
            return
        fresh = real.with_name(f".{real.name}.partial")
        try:
            fresh.write_text(text, encoding="utf-8", newline="\n")
            fresh.replace(real)
        finally:
            fresh.unlink(missing_ok=True)


def free_bytes(folder: Path) -> float | None:
    """Free bytes where ``folder`` is or will be; None where the system does not say."""
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        usage = shutil.disk_usage(place)
    except OSError:
        return None
    return float(usage.free) if usage.total else None


def room_for(folder: Path, needed: float) -> str | None:
    """A warning when ``needed`` (bytes, uncompressed) may not fit. Raises ``InputError`` when it cannot."""
    free = free_bytes(folder)
    if free is None or needed <= free:
        return None
    text = f"the results may take up to {needed / MB:.1f} MB, {free / MB:.1f} MB are free"
    if LEAST_SHARE * needed > free:
        out, every, level = option("out="), option("every="), option("level=")
        raise one(f"{text}: choose another {out}, a coarser {every} or {level}", file=str(folder))
    return text


def sweep(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for left in sorted(folder.rglob(PARTIAL)):
        left.unlink(missing_ok=True)
    (folder / checkpoint.FRESH).unlink(missing_ok=True)


def mark_complete(folder: Path) -> None:
    """Say in the attributes that the run is finished, then remove its checkpoint."""
    path, fresh = folder / ROOT_FILE, folder / f".{ROOT_FILE}.partial"
    root = json.loads(path.read_bytes())
    if not root["attributes"][COMPLETE]:
        root["attributes"][COMPLETE] = 1
        fresh.write_text(json.dumps(root, indent=2), encoding="utf-8")
        fresh.replace(path)
    checkpoint.forget(folder)
    checkpoint.sync_folder(folder)
