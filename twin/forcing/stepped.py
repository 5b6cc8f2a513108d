"""Prices and intensities as they are published: a number that holds from its instant until the next.

Equation: mean over [s, e] = (I(e) - I(s))/(e - s) with I the integral of the steps. The last number holds as long as
the one before it; outside what is covered the mean is not a number. A CSV has the columns ``time`` (ISO 8601, UTC
unless an offset is given, ascending) and ``value``; the site says its unit.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, Problem, one

Floats = NDArray[np.float64]
HEADER = ["time", "value"]
MOST_FAULTS = 20


@dataclass(frozen=True)
class Stepped:
    """``values`` (n) hold from ``times_s`` (n, s since 1970 UTC, ascending) on; n >= 2."""

    times_s: Floats
    values: Floats

    @property
    def edges_s(self) -> Floats:
        """Where the numbers begin, and where the last of them ends."""
        return np.append(self.times_s, 2.0 * self.times_s[-1] - self.times_s[-2])

    def mean(self, start_s: Floats, end_s: Floats) -> Floats:
        """Means over intervals (m); NaN where they are not covered."""
        edges = self.edges_s
        area = np.append(0.0, np.cumsum(np.diff(edges) * self.values))
        made = (np.interp(end_s, edges, area) - np.interp(start_s, edges, area)) / (end_s - start_s)
        return np.where((start_s >= edges[0]) & (end_s <= edges[-1]), made, np.nan)

    def within(self, start_s: float, end_s: float) -> Stepped:
        """The part that covers a period; the whole where it has fewer than two numbers there."""
        first = max(0, int(np.searchsorted(self.times_s, start_s, side="right")) - 1)
        last = int(np.searchsorted(self.times_s, end_s, side="left")) + 1
        part = Stepped(self.times_s[first:last], self.values[first:last])
        return part if len(part.times_s) > 1 else self

    def plain(self) -> dict[str, Any]:
        """Plain JSON types; a regular series by its first instant and step."""
        step = np.diff(self.times_s)
        times = self.times_s.tolist() if np.ptp(step) > 0.0 else [float(self.times_s[0]), float(self.times_s[1])]
        return {"times_s": times, "values": self.values.tolist()}

    @staticmethod
    def of(plain: dict[str, Any]) -> Stepped:
        """The series of :meth:`plain`."""
        times, values = np.array(plain["times_s"], np.float64), np.array(plain["values"], np.float64)
        if len(times) < len(values):
            times = times[0] + (times[1] - times[0]) * np.arange(len(values))
        return Stepped(times, values)


def daily(hours: list[float], start_s: float, end_s: float, utc_offset_s: float) -> Stepped:
    """24 numbers by hour of the local day, over a period."""
    first = np.floor((start_s + utc_offset_s) / 3600.0)
    count = int(np.ceil((end_s + utc_offset_s) / 3600.0) - first) + 1
    local = first + np.arange(max(2, count))
    return Stepped(local * 3600.0 - utc_offset_s, np.asarray(hours, np.float64)[(local % 24).astype(np.int64)])


def read_stepped(path: Path) -> Stepped:
    """Read a CSV. Raises ``InputError`` with every fault at its line and column (the first 20)."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise one(f"cannot be read: {error}", file=str(path)) from None
    if len(lines) < 3 or [cell.strip() for cell in lines[0]] != HEADER:
        raise one(f"expected a header `{','.join(HEADER)}` and at least two rows", file=str(path))
    faults: list[Problem] = []
    table = np.full((len(lines) - 1, 2), np.nan)
    for n, row in enumerate(lines[1:]):
        for k, name in enumerate(HEADER):
            cell = row[k].strip() if k < len(row) else ""
            number = _time(cell) if k == 0 else _number(cell)
            if number is None:
                wanted = "an ISO 8601 time" if k == 0 else "a number"
                faults.append(Problem(name, f"expected {wanted}, got {cell!r}", str(path), n + 2, k + 1))
            else:
                table[n, k] = number
    for late in np.flatnonzero(np.diff(table[:, 0]) <= 0.0).tolist():
        faults.append(Problem("time", "times must ascend", str(path), late + 3, 1))
    if faults:
        more = [Problem("", f"and {len(faults) - MOST_FAULTS} more", str(path))] if len(faults) > MOST_FAULTS else []
        raise InputError(faults[:MOST_FAULTS] + more)
    return Stepped(table[:, 0], table[:, 1])


def _time(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


__all__ = ["Stepped", "daily", "read_stepped"]
