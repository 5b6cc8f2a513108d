"""Writes the readings of a recording as columns: each of them (Parquet), or a grid of steps (Zarr)."""

from __future__ import annotations

import json
from pathlib import Path

from telemetry.export.columns import MARK, Exported, Maker
from telemetry.export.grid import to_grid
from telemetry.export.parquet import to_parquet
from telemetry.recording.read import Recording
from twin.core.errors import InputError, Problem, option

PARQUET, ZARR = ".parquet", ".zarr"
ROOT_FILE = "zarr.json"


def check_target(target: Path, every_s: int | None, *, overwrite: bool) -> None:
    """Raise ``InputError`` with all that speaks against writing to ``target``."""
    problems = []
    kind = target.suffix.lower()
    if kind not in (PARQUET, ZARR):
        problems.append(Problem("", f"expected a name that ends in {PARQUET} or {ZARR}", str(target)))
    if every_s is not None and kind == PARQUET:
        problems.append(Problem(option("every="), f"is the step of a grid, {ZARR}; {PARQUET} has each reading"))
    if every_s is not None and every_s < 1:
        problems.append(Problem(option("every="), "expected whole seconds, at least 1"))
    if not target.absolute().parent.is_dir():
        problems.append(Problem("", f"there is no folder {target.parent}: make it first", str(target)))
    if target.exists():
        if target.is_dir() != (kind == ZARR) or (kind == ZARR and not _is_ours(target)):
            problems.append(Problem("", "is not an export of telemetry: choose another name", str(target)))
        elif not overwrite:
            problems.append(Problem("", f"is there already: replace it with {option('overwrite=True')}", str(target)))
    if problems:
        raise InputError(problems)


def _is_ours(folder: Path) -> bool:
    """Whether a folder is empty or an export of readings."""
    if not any(folder.iterdir()):
        return True
    try:
        return MARK in json.loads((folder / ROOT_FILE).read_bytes())["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def export(
    recording: Recording,
    maker: Maker,
    target: Path,
    *,
    every_s: int | None = None,
    epoch_ns: int | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write readings: each of them to a ``.parquet`` file, or a grid of ``every_s`` (10 s) to a ``.zarr`` folder.

    ``maker`` makes a decoder of the recording's dialect. Raises ``InputError`` where it cannot be written, there is
    nothing to write, or (Parquet) the extra ``halltwin[parquet]`` is missing.
    """
    check_target(target, every_s, overwrite=overwrite)
    if target.suffix.lower() == PARQUET:
        told = to_parquet(recording, maker, target, epoch_ns)
    else:
        told = to_grid(recording, maker, target, 10 if every_s is None else every_s, epoch_ns)
    for what, refused in (("messages", told.rejects), ("parts of messages", told.parts)):
        if refused:
            words = ", ".join(f"{reason} {count:,}" for reason, count in sorted(refused.items()))
            told.notes.append(f"{what} that were refused are not in it: {words}")
    told.notes += recording.notes()
    return told
