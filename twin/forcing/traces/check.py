"""What must hold between the rows of a trace: times ascend, no row stands twice."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from twin.forcing.stream.chunk import Chunk, Ints
from twin.forcing.stream.faults import Faults

KEPT = 100_000


def ascending(chunks: Iterator[Chunk], faults: Faults) -> Iterator[Chunk]:
    """The chunks as they are; every row that is before the row above is a fault."""
    last: int | None = None
    for chunk in chunks:
        if len(chunk):
            first = int(chunk.time_ns[0]) if last is None else last
            late = np.flatnonzero(np.diff(chunk.time_ns, prepend=first) < 0)
            faults.add_rows(late, partial(_late, chunk.line), "")
            last = int(chunk.time_ns[-1])
        yield chunk


def _late(line: Ints, row: int) -> tuple[str, int, int | None]:
    return "the time is before that of the row above: --sort sorts", int(line[row]), None


class Duplicates:
    """Counts rows that equal an earlier row of the same time in every cell; they may be real, so they stay."""

    def __init__(self) -> None:
        self.count = 0
        self.first_line: int | None = None
        self._time: int | None = None
        self._held: Chunk | None = None

    def add(self, chunk: Chunk) -> None:
        """Look through a chunk; times ascend."""
        if not len(chunk):
            return
        held = self._held if self._time == int(chunk.time_ns[0]) else None
        parts = [chunk] if held is None else [held, chunk]
        line, time, into, out, key = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("line", "time_ns", "input_tokens", "output_tokens", "key")
        )
        same = time[1:] == time[:-1]
        rows = np.flatnonzero(np.append(same, False) | np.append(False, same))
        old = 0 if held is None else len(held)
        if len(rows):
            self._count(rows, [column[rows] for column in (time, into, out, key)], line, old)
        self._time = int(time[-1])
        begin = max(int(np.searchsorted(time, self._time)), len(time) - KEPT)
        self._held = _joined(parts, begin)

    def _count(self, rows: Ints, cells: list[Ints], line: Ints, old: int) -> None:
        order = np.lexsort((rows, *reversed(cells)))
        twice = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in cells])
        again = rows[order][1:][twice]
        again = again[again >= old]  # those held from before were counted then
        self.count += len(again)
        if len(again):
            first = int(line[again].min())
            self.first_line = first if self.first_line is None else min(first, self.first_line)

    def warn(self, faults: Faults) -> None:
        """Say how many there were."""
        if self.count:
            what = "row is" if self.count == 1 else "rows are"
            faults.warn(f"{self.count:,} {what} the same as an earlier row of the same time", self.first_line)


def _joined(parts: list[Chunk], begin: int) -> Chunk:
    """The requests from ``begin`` on over all parts."""
    if len(parts) == 1:
        return parts[0].part(slice(begin, None))
    names = Chunk.__slots__
    return Chunk(*(np.concatenate([getattr(part, name) for part in parts])[begin:] for name in names))


__all__ = ["Duplicates", "ascending"]
