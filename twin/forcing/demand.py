"""Requests/s over time: what the users of a class ask for, as means over steps.

A demand answers ``sample(start_s, end_s, utc_offset_s)`` with mean requests/s (n) over steps given in s since 1970 UTC
(ascending or not), as :class:`twin.forcing.load.Daily` does for utilisation; steps of a second and of an hour agree:
the mean of the means of a split step is the mean of the step.

- :class:`Weekly`: a shape of 168 hours, mean 1, in local standard time (shipped, recorded, or a daily curve).
- :class:`Scaled`: a mean rate times a shape times growth.
- :class:`RecordedRate`: a recorded curve on its dates, or repeated.
- :class:`Sum`: several of them together. :class:`twin.forcing.bursts.Bursty` puts bursts on any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, log, pi
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import one
from twin.core.units import DAY, HOUR
from twin.forcing.load import SATURDAY, stamp
from twin.forcing.step_mean import step_means
from twin.forcing.traces.curve import Curve

Floats = NDArray[np.float64]
HOURS = 168
# 1970-01-05 00:00 was the first Monday.
MONDAY_S = 4 * DAY
YEAR_S = 365.25 * DAY
MOST_HOURS = 4_000_000
ALWAYS = (-np.inf, np.inf)


class Demand(Protocol):
    """Anything that can say what rate users ask for."""

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Mean requests/s over steps (n); times in s since 1970, UTC."""

    def covers(self) -> tuple[float, float]:
        """First and last instant that it can say anything about, s since 1970, UTC."""


@dataclass(frozen=True)
class Weekly:
    """Means of the 168 hours from Monday 00:00 local standard time; linear between the middles of the hours.

    Linear between middles keeps the mean of the week. ``shift_h`` moves the shape: 2 means two hours later.
    """

    hours: tuple[float, ...]
    shift_h: float = 0.0

    def __post_init__(self) -> None:
        values = np.array(self.hours)
        if len(values) != HOURS or not np.isfinite(values).all() or (values < 0).any() or values.sum() <= 0:
            raise one(f"a weekly shape has {HOURS} hours, none below 0 and not all 0; got {len(self.hours)}")

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n) of the shape, its weekly mean put to 1."""
        return self.grown(start_s, end_s, utc_offset_s, 0.0, 0.0)

    def covers(self) -> tuple[float, float]:
        """Always."""
        return ALWAYS

    def grown(self, start_s: Floats, end_s: Floats, utc_offset_s: int, rate: float, since_s: float) -> Floats:
        """Step means (n) of the shape times ``exp(rate (t - since_s))``, the growth taken at the middles of hours."""
        # From here on the middle of an hour is a whole hour, as ``step_means`` has its readings.
        shift = utc_offset_s - self.shift_h * HOUR - 0.5 * HOUR
        start, end = start_s + shift, end_s + shift
        first, last = int(np.floor(start.min() / HOUR)), int(np.floor(end.max() / HOUR)) + 1
        if last - first > MOST_HOURS:
            raise one(f"a demand is asked for over {(last - first) / 8766:.0f} years")
        hours = np.arange(first, last + 1)
        values = np.array(self.hours)
        readings = (values / values.mean())[(hours - round(MONDAY_S / HOUR)) % HOURS]
        if rate:
            readings = readings * np.exp(rate * (hours * HOUR - shift - since_s))
        return step_means(readings, first, start, end)


def daily(amplitude: float, peak_hour: float, weekend_factor: float = 1.0) -> Weekly:
    """The shape ``1 + amplitude cos(2 pi (h - peak_hour)/24)``, times ``weekend_factor`` on Saturday and Sunday."""
    if not 0.0 <= amplitude <= 1.0 or weekend_factor < 0.0:
        raise one(
            f"expected an amplitude 0..1 and a weekend factor of 0 or more, got {amplitude:g}, {weekend_factor:g}"
        )
    curve = [1.0 + amplitude * cos(2 * pi * (h + 0.5 - peak_hour) / 24) for h in range(24)]
    return Weekly(tuple(v * (weekend_factor if d >= SATURDAY else 1.0) for d in range(7) for v in curve))


FLAT = Weekly((1.0,) * HOURS)


@dataclass(frozen=True)
class Growth:
    """A scenario: ``exp(rate_per_s (t - since_s))``, and factors that hold from instants on (s since 1970, ascending).

    The factors of ``steps`` do not multiply each other: each is relative to the mean rate of the demand.
    """

    rate_per_s: float = 0.0
    since_s: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        times = [t for t, _ in self.steps]
        if times != sorted(set(times)) or any(not np.isfinite(f) or f < 0.0 for _, f in self.steps):
            raise one("steps of growth must ascend in time, and their factors must not be negative")

    @staticmethod
    def per_year(share: float, since_s: float) -> Growth:
        """Growth by ``share`` a year: 0.5 is half as much again every 365.25 days; above -1."""
        if share <= -1.0:
            raise one(f"growth per year must be above -1, got {share:g}")
        return Growth(log(1.0 + share) / YEAR_S, since_s)

    @staticmethod
    def doubling(months: float, since_s: float) -> Growth:
        """Growth that doubles every ``months`` (of 30.4375 days)."""
        if months <= 0.0:
            raise one(f"a doubling time must be above 0 months, got {months:g}")
        return Growth(log(2.0) / (months * YEAR_S / 12), since_s)

    def at(self, t_s: float) -> float:
        """The factor at an instant."""
        held = [f for t, f in self.steps if t <= t_s]
        return exp(self.rate_per_s * (t_s - self.since_s)) * (held[-1] if held else 1.0)


@dataclass(frozen=True)
class Scaled:
    """``mean_rps`` requests/s times a weekly shape times growth. Steps of growth act at their very instant."""

    mean_rps: float
    shape: Weekly = FLAT
    growth: Growth = Growth()

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n), requests/s."""
        times = np.array([-np.inf, *(t for t, _ in self.growth.steps), np.inf])
        factors = [1.0, *(f for _, f in self.growth.steps)]
        length = end_s - start_s
        total = np.zeros(len(start_s))
        for factor, begin, end in zip(factors, times[:-1], times[1:], strict=True):
            # A step without length belongs to the factor that holds at its instant.
            inside = ((start_s < end) & (end_s > begin)) | ((length == 0.0) & (start_s >= begin) & (start_s < end))
            if not inside.any() or factor == 0.0:
                continue
            a, b = np.clip(start_s[inside], begin, end), np.clip(end_s[inside], begin, end)
            part = np.divide(b - a, length[inside], out=np.ones(len(a)), where=length[inside] > 0.0)
            mean = self.shape.grown(a, b, utc_offset_s, self.growth.rate_per_s, self.growth.since_s)
            total[inside] += factor * part * mean
        return self.mean_rps * total

    def covers(self) -> tuple[float, float]:
        """Always."""
        return ALWAYS


@dataclass(frozen=True)
class RecordedRate:
    """Requests/s (n) that hold between ``edges_s`` (n + 1, s since 1970 UTC, ascending), times ``factor``.

    ``repeat``: the recording goes on from its beginning after its end, and the same before it.
    """

    edges_s: Floats
    rps: Floats
    file: str = ""
    factor: float = 1.0
    repeat: bool = False

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n). Raises ``InputError`` where a recording that does not repeat lacks a step."""
        del utc_offset_s
        first, last = float(self.edges_s[0]), float(self.edges_s[-1])
        if not self.repeat and (start_s.min() < first or end_s.max() > last):
            has = f"{stamp(first)} .. {stamp(last)}"
            asked = f"{stamp(float(start_s.min()))} .. {stamp(float(end_s.max()))}"
            raise one(f"the recorded demand covers {has}, asked for is {asked}; repeat it, or scale it", file=self.file)
        length = end_s - start_s
        at = self.rps[self._place((start_s - first) % (last - first))]
        mean = np.divide(self._between(start_s - first, end_s - first), length, out=at.copy(), where=length > 0.0)
        return np.asarray(self.factor * mean)

    def covers(self) -> tuple[float, float]:
        """The recording, or always where it repeats."""
        return ALWAYS if self.repeat else (float(self.edges_s[0]), float(self.edges_s[-1]))

    def _between(self, start: Floats, end: Floats) -> Floats:
        """Requests from ``start`` to ``end``, s from the first edge."""
        span = float(self.edges_s[-1] - self.edges_s[0])
        # Whole rounds apart from the rest: a difference of two long sums would lose digits.
        begin = np.floor(start / span) if self.repeat else np.zeros(len(start))
        finish = np.floor(end / span) if self.repeat else np.zeros(len(end))
        rest = self._upto(end - finish * span) - self._upto(start - begin * span)
        return np.asarray((finish - begin) * self._area[-1] + rest)

    def _upto(self, t: Floats) -> Floats:
        i = self._place(t)
        return np.asarray(self._area[i] + (t - (self.edges_s[i] - self.edges_s[0])) * self.rps[i])

    def _place(self, t: Floats) -> NDArray[np.int64]:
        at = np.searchsorted(self.edges_s - self.edges_s[0], t, side="right") - 1
        return np.clip(at, 0, len(self.rps) - 1)

    @property
    def _area(self) -> Floats:
        return np.append(0.0, np.cumsum(self.rps * np.diff(self.edges_s)))


@dataclass(frozen=True)
class Sum:
    """Several demands together."""

    parts: tuple[Demand, ...]

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n), requests/s."""
        return np.asarray(np.sum([part.sample(start_s, end_s, utc_offset_s) for part in self.parts], axis=0))

    def covers(self) -> tuple[float, float]:
        """What all parts cover."""
        spans = [part.covers() for part in self.parts]
        return max(first for first, _ in spans), min(last for _, last in spans)


def recorded(
    curve: Curve, start_s: float, *, mean_rps: float | None = None, fill: bool = False, repeat: bool = False,
    file: str = "",
) -> RecordedRate:  # fmt: skip
    """A demand from the rate curve of a trace (``twin.forcing.traces.read.read_curve``) that begins at ``start_s``.

    ``mean_rps`` scales it to this mean. Raises ``InputError`` for gaps, unless ``fill`` interpolates them.
    """
    if curve.gaps.any() and not fill:
        lines = curve.lines[curve.gaps].tolist()
        raise one(
            f"{len(lines)} rows are gaps of the recording, the first in line {lines[0]}: interpolate them (fill)",
            path="rps",
            file=file,
        )
    full = curve.filled()
    mean = full.requests() / float(full.edges_s[-1] - full.edges_s[0])
    if mean_rps is not None and mean <= 0.0:
        raise one("a recording without requests cannot be scaled to a mean", file=file)
    factor = 1.0 if mean_rps is None else mean_rps / mean
    return RecordedRate(start_s + full.edges_s, full.rps, file, factor, repeat)


__all__ = ["FLAT", "Demand", "Floats", "Growth", "RecordedRate", "Scaled", "Sum", "Weekly", "daily", "recorded"]
