"""Utilisation of the racks over time: a daily curve, or a recorded CSV, as means over steps.

A daily curve is ``mean + amplitude cos(2 pi (h - peak)/24)`` in local standard time, times the weekend factor on
Saturday and Sunday, linear between whole hours. A CSV has a column ``time`` (ISO 8601, UTC unless an offset is
given) and columns named ``all``, ``hall`` (as ``B1/H1``) or ``hall/rack`` (as ``B1/H1/cs3-x2``) with utilisations in
0..1, linear between rows. The inference model of a later issue takes this place.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from math import cos, isfinite, pi
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, Problem, did_you_mean, one
from twin.core.units import HOUR
from twin.forcing.step_mean import step_means

Floats = NDArray[np.float64]
# 1970-01-01 was a Thursday.
FIRST_WEEKDAY = 3
SATURDAY = 5
MOST_FAULTS = 20


@dataclass(frozen=True)
class Daily:
    """Parameters of a daily curve (see ``twin.site.model.LoadCurve``); utilisation 0..1, hours local."""

    mean: float
    amplitude: float
    peak_hour: float
    weekend_factor: float

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n); times in s since 1970, UTC."""
        start, end = start_s + utc_offset_s, end_s + utc_offset_s
        first = int(np.floor(start.min() / HOUR))
        hours = np.arange(first, int(np.floor(end.max() / HOUR)) + 2)
        day = np.floor_divide(hours, 24)
        shape = np.array([self.mean + self.amplitude * cos(2 * pi * (h - self.peak_hour) / 24) for h in range(24)])
        weekend = np.where((day + FIRST_WEEKDAY) % 7 >= SATURDAY, self.weekend_factor, 1.0)
        return step_means(np.clip(shape[hours % 24] * weekend, 0.0, 1.0), first, start, end)


@dataclass(frozen=True)
class Recorded:
    """A recorded utilisation: times (m, s since 1970 UTC, ascending) and values (m)."""

    times_s: Floats
    values: Floats
    file: str

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n). Raises ``InputError`` when the recording does not cover the steps."""
        del utc_offset_s
        if start_s.min() < self.times_s[0] or end_s.max() > self.times_s[-1]:
            has = f"{stamp(self.times_s[0])} .. {stamp(self.times_s[-1])}"
            raise one(
                f"the recorded load covers {has}, the run asks for {stamp(start_s.min())} .. {stamp(end_s.max())}",
                file=self.file,
            )
        length = np.maximum(end_s - start_s, 1e-9)
        return (self._integral(end_s) - self._integral(start_s)) / length

    def _integral(self, t: Floats) -> Floats:
        width = np.diff(self.times_s)
        area = np.append(0.0, np.cumsum(0.5 * width * (self.values[:-1] + self.values[1:])))
        i = np.clip(np.searchsorted(self.times_s, t, side="right") - 1, 0, len(width) - 1)
        tau = t - self.times_s[i]
        slope = (self.values[i + 1] - self.values[i]) / width[i]
        return np.asarray(area[i] + tau * (self.values[i] + 0.5 * slope * tau))


def stamp(t: float) -> str:
    """An instant (s since 1970) as ISO 8601, UTC."""
    return datetime.fromtimestamp(float(t), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_csv(path: Path) -> dict[str, Recorded]:
    """Recorded utilisations by column. Raises ``InputError`` with every fault's line (the first 20)."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise one(f"cannot be read: {error}", file=str(path)) from None
    if len(lines) < 3 or not lines[0] or lines[0][0].strip() != "time":
        raise one("expected a header `time,<column>...` and at least two rows", file=str(path))
    header = [name.strip() for name in lines[0]]
    faults: list[Problem] = []
    table = np.full((len(lines) - 1, len(header)), np.nan)
    for n, fields in enumerate(lines[1:]):
        for k, text in enumerate(header):
            value = _cell(fields, k)
            if isinstance(value, str):
                faults.append(Problem(text, value, str(path), n + 2, k + 1))
            else:
                table[n, k] = value
    times = table[:, 0]
    for late in np.flatnonzero(np.diff(times) <= 0).tolist():
        faults.append(Problem("time", "times must ascend", str(path), late + 3, 1))
    if faults:
        more = [Problem("", f"and {len(faults) - MOST_FAULTS} more", str(path))] if len(faults) > MOST_FAULTS else []
        raise InputError(faults[:MOST_FAULTS] + more)
    return {name: Recorded(times, table[:, k], str(path)) for k, name in enumerate(header) if k}


def _cell(fields: list[str], k: int) -> float | str:
    """The number of a cell, or what is wrong with it."""
    if k >= len(fields):
        return "missing field"
    text = fields[k].strip()
    if k == 0:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return f"expected an ISO 8601 time, got {text!r}"
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    try:
        value = float(text)
    except ValueError:
        return f"expected a utilisation, got {text!r}"
    if not isfinite(value) or not 0.0 <= value <= 1.0:
        return f"expected a utilisation in 0..1, got {text}"
    return value


def column_for(key: str, columns: dict[str, Recorded], file: str) -> Recorded:
    """The column of a curve key ``load|hall|rack``: ``hall/rack``, else ``hall``, else ``all``."""
    _, hall, rack = key.split("|")
    for name in (f"{hall}/{rack}", hall, "all"):
        if name in columns:
            return columns[name]
    raise one(
        f"no column for hall {hall}: expected {hall}/{rack}, {hall} or all{did_you_mean(hall, columns)}", file=file
    )


__all__ = ["Daily", "Recorded", "column_for", "read_csv", "stamp"]
