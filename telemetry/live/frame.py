"""A campus at one instant, measured and simulated side by side under the same names: what pages and stores are fed.

    residual(x) = measured(x) - simulated(x),   none where the measured value drives the model

Names, units and levels are those of :mod:`twin.core.variables`; an array has one number for each item of its level, in
the order of :class:`Topology` (levels ``site``: one; ``stream`` and ``latency``: (pool, workload)). NaN: not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from twin.core.variables import BY_NAME

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Mode(StrEnum):
    """Where the numbers come from; people must never have to guess."""

    LIVE = "LIVE"  # measured now
    STALE = "STALE"  # was measured; what drives the model is too old to go by
    REPLAY = "REPLAY"  # measured once, played again
    SIMULATED = "SIMULATED"  # of the model alone


@dataclass(frozen=True)
class Topology:
    """The items of a site, in the order of all arrays. Names as in ``twin trace``.

    ``rack_hall``, ``cdu_hall``: index of the hall. ``rack_row``, ``rack_place``: where a rack stands in its hall, from
    0. ``rack_rated_w``: rated power. ``hall_power_bindings``, ``hall_cooling_bindings``: words by code of the limits.
    ``model_shift_s``: time of the model less the time of the frames, s.
    """

    site: str
    title: str
    halls: tuple[str, ...]
    racks: tuple[str, ...]
    cdus: tuple[str, ...]
    loops: tuple[str, ...]
    elements: tuple[str, ...]
    pools: tuple[str, ...]
    workloads: tuple[str, ...]
    rack_hall: Ints
    rack_row: Ints
    rack_place: Ints
    rack_kind: tuple[str, ...]
    rack_rated_w: Floats
    cdu_hall: Ints
    hall_power_bindings: Mapping[int, str] = field(default_factory=dict)
    hall_cooling_bindings: Mapping[int, str] = field(default_factory=dict)
    utc_offset_s: int = 0
    model_shift_s: float = 0.0

    def items(self, variable: str) -> tuple[str, ...]:
        """Names of the items of a variable; KeyError for one that is not in the table or has no list of its own."""
        level = BY_NAME[variable].level
        names = {
            "site": (self.site,), "hall": self.halls, "rack": self.racks, "cdu": self.cdus, "loop": self.loops,
            "element": self.elements, "pool": self.pools,
        }  # fmt: skip
        return names[level]


@dataclass(frozen=True)
class Frame:
    """One instant. ``time_ns``: end of the step or interval, ns since 1970 UTC, in the time of the telemetry.

    ``sequence`` rises by one from frame to frame of a feed. ``simulated``, ``measured``: by variable. ``used``: which
    measured values drove the model. ``age_s``: of each measured value, inf where there is none. ``data_age_s``: of the
    newest reading of all, inf without any. ``speed``: how many times as fast as the clock a replay goes. ``note``: what
    people should know (the broker is down), "" where there is nothing. ``early``: the model does not stand yet on what
    is measured, for some of what drives it has not been heard, or was lost for long (:mod:`telemetry.live.settling`).
    ``residuals``: of a stored interval, means of the differences: where it was measured in a part of it only they are
    not the difference of both means.
    """

    sequence: int
    time_ns: int
    mode: Mode
    simulated: Mapping[str, Floats]
    measured: Mapping[str, Floats] = field(default_factory=dict)
    used: Mapping[str, Bools] = field(default_factory=dict)
    age_s: Mapping[str, Floats] = field(default_factory=dict)
    data_age_s: float = math.inf
    speed: float = 1.0
    note: str = ""
    early: bool = False
    residuals: Mapping[str, Floats] = field(default_factory=dict)

    def residual(self, variable: str) -> Floats:
        """Measured less simulated; NaN where nothing is measured, and where the measured value drove the model.

        Raises KeyError for a variable that is not measured.
        """
        if variable in self.residuals:
            return self.residuals[variable]
        found = self.measured[variable] - self.simulated[variable]
        used = self.used.get(variable)
        return found if used is None else np.where(used, np.nan, found)


@dataclass(frozen=True)
class Trend:
    """A variable of one item over time: ends of the intervals, both sides (NaN: not known).

    ``residual``: measured less simulated; NaN where nothing is measured, and where the measured value drove the model.
    ``early``: where the model did not stand on what is measured (:attr:`Frame.early`).
    """

    times_ns: Ints
    simulated: Floats
    measured: Floats
    residual: Floats
    early: Bools

    @classmethod
    def empty(cls, points: int = 0) -> Trend:
        """So many points at 1970 of which nothing is known."""
        none = np.full(points, np.nan)
        return cls(np.zeros(points, np.int64), none, none, none, np.zeros(points, np.bool_))

    @property
    def drove(self) -> Bools:
        """Where both sides are known and there is no residual: the measured value drove the model."""
        return np.isfinite(self.measured) & np.isfinite(self.simulated) & ~np.isfinite(self.residual)

    def of(self, rows: slice) -> Trend:
        """Some of its points."""
        return Trend(
            self.times_ns[rows], self.simulated[rows], self.measured[rows], self.residual[rows], self.early[rows]
        )


class Feed(Protocol):
    """What a page draws from. All calls may come from any thread and return soon; what they give is never changed."""

    @property
    def topology(self) -> Topology:
        """The items."""
        ...

    def latest(self) -> Frame | None:
        """The newest frame, None before the first."""
        ...

    def trend(self, variable: str, item: int, last_s: float) -> Trend:
        """The last ``last_s`` of one item, at most some thousand points; empty where it is not kept."""
        ...


__all__ = ["Feed", "Frame", "Mode", "Topology", "Trend"]
