"""Output intervals gathered into hours, days, weeks or months, so that a page of a year stays small.

A bin holds the intervals that begin in it, in the site's local standard time. Bins follow each other without a gap as
long as the run does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HOUR, DAY, WEEK = 3600, 86_400, 604_800
WIDTHS = ((HOUR, "hour"), (DAY, "day"), (WEEK, "week"))
MOST_POINTS, MOST_ROWS = 1200, 400


@dataclass(frozen=True)
class Bins:
    """``first`` interval of each bin, its beginning ``left`` and the ``width`` of a bin in s; local time since 1970."""

    first: Ints
    left: Ints
    width: int
    unit: str

    def __len__(self) -> int:
        return len(self.first)

    @property
    def edges_ms(self) -> Floats:
        """Beginnings of the bins and the end of the last, ms."""
        return np.append(self.left, self.left[-1] + self.width).astype(np.float64) * 1e3

    @property
    def centre_ms(self) -> Floats:
        """Middles of the bins, ms."""
        return np.asarray(self.left, np.float64) * 1e3 + 500.0 * self.width

    def mean(self, series: Floats) -> Floats:
        """Mean over each bin of what is known; NaN where nothing is."""
        known = np.isfinite(series)
        count = np.add.reduceat(known.astype(np.float64), self.first, axis=0)
        total = np.add.reduceat(np.where(known, series, 0.0), self.first, axis=0)
        return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)

    def total(self, series: Floats) -> Floats:
        """Sum over each bin."""
        return np.add.reduceat(series, self.first, axis=0)

    def low(self, series: Floats) -> Floats:
        """Smallest known value of each bin; NaN where nothing is known."""
        found = np.minimum.reduceat(np.where(np.isfinite(series), series, np.inf), self.first, axis=0)
        return np.where(np.isfinite(found), found, np.nan)

    def high(self, series: Floats) -> Floats:
        """Largest known value of each bin; NaN where nothing is known."""
        return -self.low(-series)

    def last(self, series: Floats) -> Floats:
        """Value of the last interval of each bin."""
        return np.asarray(series[np.append(self.first[1:], len(series)) - 1])

    def names(self) -> list[str]:
        """What a table calls each bin."""
        moments = self.left.astype("datetime64[s]")
        form = {"hour": "datetime64[m]", "month": "datetime64[M]"}.get(self.unit, "datetime64[D]")
        return [str(m).replace("T", " ") for m in moments.astype(form)]


def stepped(series: Floats) -> Floats:
    """The values with the last repeated, for lines and areas drawn in steps over the edges."""
    return np.append(series, series[-1])


def regular(start_s: Ints, interval_s: float, width: int, unit: str) -> Bins:
    """Bins of a fixed width, or of one interval where that is longer."""
    width = max(width, round(interval_s))
    slots = start_s // width
    first = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    return Bins(first, slots[first] * width, width, unit)


def monthly(start_s: Ints) -> Bins:
    """Bins of calendar months; the width is that of a mean month."""
    months = start_s.astype("datetime64[s]").astype("datetime64[M]")
    slots = months.astype(np.int64)
    first = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
    return Bins(first, months[first].astype("datetime64[s]").astype(np.int64), 2_629_746, "month")


def for_charts(start_s: Ints, interval_s: float) -> Bins:
    """The finest of hours, days and weeks that a chart can carry."""
    found = regular(start_s, interval_s, *WIDTHS[-1])
    for width, unit in reversed(WIDTHS[:-1]):
        finer = regular(start_s, interval_s, width, unit)
        found = finer if len(finer) <= MOST_POINTS else found
    return found


def for_tables(start_s: Ints, interval_s: float, charts: Bins) -> Bins:
    """The bins of the charts where their number can be read, else days, else months."""
    days = regular(start_s, interval_s, DAY, "day")
    fits = [bins for bins in (charts, days) if len(bins) <= MOST_ROWS]
    return fits[0] if fits else monthly(start_s)
