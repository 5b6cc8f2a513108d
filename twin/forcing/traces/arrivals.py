"""How requests come: resolution of the times, regularity of the gaps, burstiness, without keeping the times.

Equal times are legal. A file whose times are written in ticks (Mooncake: 3 s) says that a request came at some instant
of its tick, so what follows is the expectation over instants spread evenly and independently over it::

    tick q = the least gap between different times (0 where no two times are equal)
    gaps inside a group of m equal times:  E sum g^2 = 2 q^2 (m - 1)/((m + 1)(m + 2))
    gap from a group of m to one of m', D later:
        (D - q)^2 + 2 (D - q) q (a + a') + q^2 (b + b' + 2 a a'),  a = 1/(m + 1), b = 2/((m + 1)(m + 2))
    Fano factor of counts over w from those over q > w:  F_w = 1 + (F_q - 1) w/q   (thinning of a count)

a and b are mean and mean square of the least of m even draws (David and Nagaraja, Order Statistics, 2003, 2.2). The
Fano factor is the variance per mean of the counts over all whole windows of 1 s; ``fano_minute`` takes the variance
within windows of a minute only, so that a slow change of the rate does not count as burstiness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.forcing.stream.chunk import Floats, Ints

SECOND = 10**9
MINUTE = 60
LARGEST = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Arrivals:
    """What is known of the arrivals; None where there are too few. ``tick_s``: see the equations above."""

    first_ns: int
    last_ns: int
    count: int
    tied: int
    tick_s: float
    gap_cv: float | None
    fano: float | None
    fano_minute: float | None
    peak_count_1s: int | None


class ArrivalCounts:
    """Collects arrival times (ns, ascending); any cut into chunks gives the same."""

    def __init__(self) -> None:
        self._count = self._tied = 0
        self._first_ns: int | None = None
        self._first_size = 0
        self._group = (0, 0)  # time and size of the last group of equal times, which may yet grow
        self._before = (0, 0)  # the group before it
        self._least = LARGEST
        # Sums over groups: m^2, inner gaps; over pairs of groups: D^2, D, 1, D(a + a'), a + a', b + b' + 2 a a'.
        self._squares = self._inner = 0.0
        self._pairs = np.zeros(6)
        self._seconds, self._minutes = _Windows(SECOND), _Windows(SECOND * MINUTE)

    def add(self, time_ns: Ints) -> None:
        """Count the arrivals of a chunk."""
        if not len(time_ns):
            return
        if self._first_ns is None:
            self._first_ns = int(time_ns[0])
        self._count += len(time_ns)
        times, sizes = runs(time_ns, *self._group)
        self._group = (int(times[-1]), int(sizes[-1]))
        self._add_groups(times[:-1], sizes[:-1])
        self._seconds.add(time_ns - self._first_ns)
        self._minutes.add(time_ns - self._first_ns)

    def _add_groups(self, times: Ints, sizes: Ints) -> None:
        """Groups that will not grow any more."""
        if not len(times):
            return
        self._first_size = self._first_size or int(sizes[0])
        self._squares += float((sizes.astype(np.float64) ** 2).sum())
        self._tied += int(sizes[sizes > 1].sum())
        self._inner += float(((sizes - 1) * _square(sizes)).sum())
        if self._before[1]:
            times, sizes = np.append(self._before[0], times), np.append(self._before[1], sizes)
        self._before = (int(times[-1]), int(sizes[-1]))
        if len(times) < 2:
            return
        gap = np.diff(times)
        self._least = min(self._least, int(gap.min()))
        apart, lead, square = gap / SECOND, 1.0 / (sizes + 1.0), _square(sizes)
        both = lead[:-1] + lead[1:]
        ends = square[:-1] + square[1:] + 2.0 * lead[:-1] * lead[1:]
        self._pairs += [(apart**2).sum(), apart.sum(), len(gap), (apart * both).sum(), both.sum(), ends.sum()]

    def result(self) -> Arrivals | None:
        """What was found; None of nothing. Nothing may be added after it."""
        if self._first_ns is None:
            return None
        last, size = self._group
        self._add_groups(np.array([last]), np.array([size]))
        tick = self._least / SECOND if self._tied and self._least < LARGEST else 0.0
        fine = tick <= 1.0
        seconds = (last - self._first_ns) // SECOND + 1
        if fine:
            fano = variance_per_mean(self._count, self._seconds.squares(), seconds)
        else:
            ticks = round((last - self._first_ns) / SECOND / tick) + 1
            over_tick = variance_per_mean(self._count, self._squares, ticks)
            fano = None if over_tick is None else 1.0 + (over_tick - 1.0) / tick
        return Arrivals(
            first_ns=self._first_ns,
            last_ns=last,
            count=self._count,
            tied=self._tied,
            tick_s=tick,
            gap_cv=self._cv(tick),
            fano=fano,
            fano_minute=self._within_minutes(seconds) if fine else None,
            peak_count_1s=self._seconds.most if fine else None,
        )

    def _cv(self, q: float) -> float | None:
        """Coefficient of variation of the gaps between arrivals."""
        gaps = self._count - 1
        if gaps < 2 or self._first_ns is None:
            return None
        squares, apart, pairs, weighted, both, ends = self._pairs.tolist()
        between = squares - 2.0 * q * apart + q * q * pairs + 2.0 * q * (weighted - q * both) + q * q * ends
        last = self._group[1]
        length = apart + q * (last / (last + 1.0) - 1.0 / (self._first_size + 1.0))
        if length <= 0.0:
            return None
        mean = length / gaps
        return float(np.sqrt(max(0.0, (between + q * q * self._inner) / gaps - mean * mean)) / mean)

    def _within_minutes(self, seconds: int) -> float | None:
        """Fano factor at 1 s from the variance within minutes, all minutes taken together."""
        minutes = -(-seconds // MINUTE)
        if minutes < 2:
            return None
        within = (self._seconds.squares() - self._minutes.squares() / MINUTE) / (minutes * (MINUTE - 1))
        return within / (self._count / (minutes * MINUTE))


class _Windows:
    """Squares of the counts in windows of a fixed width that follow each other from 0 ns on."""

    def __init__(self, width_ns: int) -> None:
        self._width = width_ns
        self._open = (0, 0)  # number and count of the last window, which may yet grow
        self._squares = 0
        self.most = 0

    def add(self, time_ns: Ints) -> None:
        windows, counts = runs(time_ns // self._width, *self._open)
        self._open = (int(windows[-1]), int(counts[-1]))
        self._squares += int((counts[:-1] ** 2).sum())
        self.most = max(self.most, int(counts.max()))

    def squares(self) -> int:
        return self._squares + self._open[1] ** 2


def runs(values: Ints, value: int, count: int) -> tuple[Ints, Ints]:
    """Different values and how often each stands in ascending ``values``, after ``count`` times ``value`` before."""
    first = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    counts = np.diff(first, append=len(values))
    found = values[first]
    if count and found[0] == value:
        counts[0] += count
    elif count:
        found, counts = np.append(value, found), np.append(count, counts)
    return found, counts


def variance_per_mean(count: float, squares: float, windows: int) -> float | None:
    """Variance per mean of the counts of ``windows``, of which the sum and the sum of squares are given."""
    if windows < 2 or count <= 0:
        return None
    mean = count / windows
    return (squares - windows * mean * mean) / (windows - 1) / mean


def _square(sizes: Ints) -> Floats:
    """Mean square of the least of m even draws from 0..1."""
    return 2.0 / ((sizes + 1.0) * (sizes + 2.0))


__all__ = ["ArrivalCounts", "Arrivals", "runs", "variance_per_mean"]
