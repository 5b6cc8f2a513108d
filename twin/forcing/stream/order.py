"""Requests put in the order of their times, in bounded memory: sorted runs on disk, merged block by block."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.forcing.stream.chunk import Chunk

RUN = 1 << 19
MERGED = 1 << 13
ROW = np.dtype(
    [
        ("line", np.int64), ("time_ns", np.int64), ("input_tokens", np.int64), ("output_tokens", np.int64),
        ("hit_share", np.float64), ("blocks", np.int64), ("failed", np.bool_), ("key", np.int64),
    ]
)  # fmt: skip
Rows = NDArray[Any]  # of ROW


def in_order(chunks: Iterator[Chunk], run: int = RUN) -> Iterator[Chunk]:
    """The requests of ``chunks`` by time, those of equal times by line; at most about ``run`` are held in memory."""
    with tempfile.TemporaryDirectory(prefix="halltwin-sort-") as folder:
        runs: list[Path] = []
        held: list[Rows] = []
        for chunk in chunks:
            held.append(_packed(chunk))
            if sum(map(len, held)) >= run:
                runs.append(_written(held, Path(folder, f"{len(runs)}.run")))
                held = []
        if not runs:
            if held:
                yield _unpacked(_sorted(np.concatenate(held)))
            return
        if held:
            runs.append(_written(held, Path(folder, f"{len(runs)}.run")))
        yield from _merged(runs, max(256, min(MERGED, 4 * run // len(runs))))


def _merged(runs: list[Path], block: int) -> Iterator[Chunk]:
    """Blocks of all runs: what is not after the last row of any run's block is in its place."""
    at = [0] * len(runs)
    held = [_read(path, 0, block) for path in runs]
    while any(map(len, held)):
        for i, rows in enumerate(held):
            if not len(rows):
                held[i] = _read(runs[i], at[i], block)
        # A run that has more on disk may bring rows after its last one in memory, none before it.
        ends = [
            tuple(rows[-1][["time_ns", "line"]].tolist())
            for i, rows in enumerate(held)
            if len(rows) and _left(runs[i], at[i] + len(rows))
        ]
        upto = min(ends, default=None)
        taken = []
        for i, rows in enumerate(held):
            count = len(rows) if upto is None else _count_upto(rows, *upto)
            taken.append(rows[:count])
            at[i] += count
            held[i] = rows[count:] if count < len(rows) else _read(runs[i], at[i], block)
        whole = np.concatenate(taken)
        if len(whole):
            yield _unpacked(_sorted(whole))


def _count_upto(rows: Rows, time_ns: int, line: int) -> int:
    first = int(np.searchsorted(rows["time_ns"], time_ns, side="left"))
    last = int(np.searchsorted(rows["time_ns"], time_ns, side="right"))
    return first + int(np.searchsorted(rows["line"][first:last], line, side="right"))


def _packed(chunk: Chunk) -> Rows:
    rows = np.empty(len(chunk), ROW)
    for item in fields(chunk):
        rows[item.name] = getattr(chunk, item.name)
    return rows


def _unpacked(rows: Rows) -> Chunk:
    return Chunk(*(np.ascontiguousarray(rows[item.name]) for item in fields(Chunk)))


def _sorted(rows: Rows) -> Rows:
    return rows[np.lexsort((rows["line"], rows["time_ns"]))]


def _written(held: list[Rows], path: Path) -> Path:
    _sorted(np.concatenate(held)).tofile(path)
    return path


def _left(path: Path, at: int) -> bool:
    return path.stat().st_size > at * ROW.itemsize


def _read(path: Path, at: int, count: int) -> Rows:
    return np.fromfile(path, ROW, count, offset=at * ROW.itemsize)


__all__ = ["in_order"]
