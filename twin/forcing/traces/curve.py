"""The rate of a trace over time: counts in bins for requests, the rows themselves for a rate curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from twin.core.errors import InputError, Problem
from twin.forcing.stream.chunk import Flags, Floats, Ints, RateRows
from twin.forcing.stream.faults import SHOWN, Faults

SECOND = 10**9
# Each width divides the next, so that bins are merged and never cut.
WIDTHS_S = (1, 10, 60, 600, 3600, 86_400, 864_000, 8_640_000, 86_400_000, 864_000_000)
MOST_BINS = 40_000
MOST_ASKED = 4_000_000
MOST_DRAWN = 1500
TICKS = 20


@dataclass(frozen=True)
class Curve:
    """Requests/s ``rps`` (n) between the ``edges_s`` (n + 1, ascending, from the trace's start); NaN in a gap.

    ``lines`` (n): 1-based line of a row that was read as such, else 0.
    """

    edges_s: Floats
    rps: Floats
    lines: Ints

    @property
    def gaps(self) -> Flags:
        """Rows without a rate (n)."""
        return np.isnan(self.rps)

    def filled(self) -> Curve:
        """Gaps interpolated linearly between the middles of their neighbours; at an end the neighbour's rate."""
        gap = self.gaps
        if not gap.any():
            return self
        if gap.all():
            raise InputError([Problem("rps", "every row is a gap: there is nothing to interpolate between")])
        middle = 0.5 * (self.edges_s[1:] + self.edges_s[:-1])
        rps = self.rps.copy()
        rps[gap] = np.interp(middle[gap], middle[~gap], rps[~gap])
        return Curve(self.edges_s, rps, self.lines)

    def requests(self) -> float:
        """Requests over all rows that are no gaps."""
        return float(np.nansum(self.rps * np.diff(self.edges_s)))

    def resampled(self, width_s: float) -> Curve:
        """Rows of ``width_s`` (the last maybe shorter): means over what is known; a gap where nothing is."""
        end = float(self.edges_s[-1])
        edges = np.append(np.arange(0.0, end, width_s), end)
        widths = np.where(self.gaps, 0.0, np.diff(self.edges_s))
        count = np.append(0.0, np.cumsum(np.where(self.gaps, 0.0, self.rps) * widths))
        known = np.append(0.0, np.cumsum(widths))
        some = np.diff(np.interp(edges, self.edges_s, known))
        rps = np.diff(np.interp(edges, self.edges_s, count))
        rps = np.divide(rps, some, out=np.full(len(some), np.nan), where=some > 1e-9 * width_s)
        return Curve(edges, rps, np.zeros(len(some), np.int64))

    def merged(self, most: int = MOST_DRAWN) -> Curve:
        """At most ``most`` rows: neighbours put together by their time, gaps left out of the mean."""
        together = -(-len(self.rps) // most)
        if together <= 1:
            return self
        first = np.arange(0, len(self.rps), together)
        width = np.where(self.gaps, 0.0, np.diff(self.edges_s))
        count = np.add.reduceat(np.where(self.gaps, 0.0, self.rps) * width, first)
        known = np.add.reduceat(width, first)
        rps = np.divide(count, known, out=np.full(len(first), np.nan), where=known > 0.0)
        return Curve(np.append(self.edges_s[first], self.edges_s[-1]), rps, self.lines[first])


class CurveCounts:
    """Counts arrivals in bins from the first arrival on: of ``every_s``, else as fine as ``MOST_BINS`` allow."""

    def __init__(self, every_s: int | None = None) -> None:
        self._fixed = every_s is not None
        self._width = every_s or WIDTHS_S[0]
        self._first: int | None = None
        self._last = 0
        self._counts = np.zeros(1024, np.int64)

    def add(self, time_ns: Ints, faults: Faults) -> None:
        """Count the arrivals of a chunk (ns, ascending)."""
        if not len(time_ns):
            return
        if self._first is None:
            self._first = int(time_ns[0])
        self._last = int(time_ns[-1])
        needed = (self._last - self._first) // (self._width * SECOND) + 1
        if self._fixed and needed > MOST_ASKED:
            faults.add(f"bins of {self._width} s would be more than {MOST_ASKED:,}: choose longer ones")
            faults.stop()
        while not self._fixed and needed > MOST_BINS:
            self._coarser()
            needed = (self._last - self._first) // (self._width * SECOND) + 1
        if needed > len(self._counts):
            grown = np.zeros(1 << (needed - 1).bit_length(), np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        bins = (time_ns - self._first) // (self._width * SECOND)
        low = int(bins[0])
        counted = np.bincount(bins - low)
        self._counts[low : low + len(counted)] += counted

    def _coarser(self) -> None:
        wider = WIDTHS_S[WIDTHS_S.index(self._width) + 1]
        ratio = wider // self._width
        rest = -len(self._counts) % ratio
        self._counts = np.append(self._counts, np.zeros(rest, np.int64)).reshape(-1, ratio).sum(axis=1)
        self._width = wider

    def result(self, tick_s: float) -> Curve | None:
        """The curve; the last bin ends with the last arrival's tick, but lasts at least half a bin."""
        if self._first is None:
            return None
        while not self._fixed and not _holds(self._width, tick_s):
            self._coarser()
        n = (self._last - self._first) // (self._width * SECOND) + 1
        edges = np.arange(n + 1, dtype=np.float64) * self._width
        end = (self._last - self._first) / SECOND + tick_s
        edges[-1] = min(edges[-1], max(end, edges[-2] + 0.5 * self._width))
        rps: Floats = self._counts[:n] / np.diff(edges)
        return Curve(edges, rps, np.zeros(n, np.int64))


def _holds(width: int, tick_s: float) -> bool:
    """Whether bins hold whole ticks, or so many of them that one more or less is no burst."""
    return tick_s == 0.0 or width >= TICKS * tick_s or abs(width / tick_s - max(1, round(width / tick_s))) < 1e-6


def curve_of_rows(rows: Iterator[RateRows], faults: Faults, *, zero_is_gap: bool = True, end_s: float = 0.0) -> Curve:
    """A rate curve that was read as such; it ends at ``end_s`` where that is later than the last row's begin.

    Raises :class:`InputError` with all faults of the file.
    """
    read = list(rows)
    line, time, rps = (
        np.concatenate([getattr(part, name) for part in read]) if read else np.zeros(0)
        for name in ("line", "time_ns", "rps")
    )
    if len(line) < 2 and not faults.count:
        faults.add("a rate curve needs at least two rows")
    late = np.flatnonzero(np.diff(time) <= 0) + 1
    faults.add_rows(late, lambda row: ("times must ascend", int(line[row]), None), "t_s")
    faults.stop_if_any()
    at = (time - time[0]) / SECOND
    end = end_s - time[0] / SECOND
    edges = np.append(at, end if end > at[-1] else 2.0 * at[-1] - at[-2])
    gaps = (rps == 0.0) & zero_is_gap
    if gaps.any():
        count, lines = int(gaps.sum()), line[gaps][:SHOWN].astype(np.int64).tolist()
        where = ", ".join(map(str, lines)) + (", ..." if count > len(lines) else "")
        faults.warn(
            f"{count} rows of zero requests/s are gaps of the recording (lines {where})",
            lines[0],
            "rps",
        )
    return Curve(edges, np.where(gaps, np.nan, rps), line.astype(np.int64))


__all__ = ["Curve", "CurveCounts", "curve_of_rows"]
