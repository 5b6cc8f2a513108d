"""Overload of a UPS: the printed table as a time to trip, for a load that changes.

Equation (load x per rating; a row of the table means "up to this load, for so long", so between rows the next row
holds: a step, never a line, because a printed time is a promise for all loads up to the next)::

    dD/dt = 1/t(x)   above the continuous load; trip at D >= 1
    dD/dt = -1/t_r   at or below it, down to 0          (t_r: ``recovery_s``)

A load above the last row has ``beyond_s``; 0 trips at once. D is dimensionless, x per rating of what is left, t in s.
Valid for x > 0. Source: the rows are the entry's; the exposure integral is the usual reading of such tables (every
part of an allowed time that is used up is gone), the linear recovery an assumption of ours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.jit import kernel
from twin.core.params import Confidence, Frozen

ROWS = 4
SLACK = 1e-9  # a load is on a row of the table, not above it, when rounding alone says so


class Overload(Frozen):
    """What a UPS carries beyond its rating, as it is printed: up to ``load`` (per rating) for ``time_s``."""

    load: list[float] = Field(min_length=1, max_length=ROWS, description="loads per rating, ascending")
    time_s: list[float] = Field(min_length=1, max_length=ROWS, description="how long, s, for each load")
    continuous: float = Field(1.0, gt=0, le=2, description="load per rating that is carried for ever")
    beyond_s: float = Field(0.0, ge=0, le=3600, description="how long what is above the last load, s")
    recovery_s: float = Field(
        1800.0, gt=0, le=86_400, description="time in which a used-up overload is available again, s (our estimate)"
    )
    source: str = Field(min_length=3, description="where the rows come from")
    confidence: Confidence = Field(description="vendor, measured, reported (by others) or estimate (our prior)")

    @model_validator(mode="after")
    def _fits(self) -> Overload:
        if len(self.load) != len(self.time_s):
            raise PydanticCustomError("overload", "load and time_s must have the same length")
        if any(b <= a for a, b in pairwise([self.continuous, *self.load])):
            raise PydanticCustomError("overload", "load must ascend and begin above continuous")
        if min(self.time_s) < 0.0 or any(b > a for a, b in pairwise([*self.time_s, self.beyond_s])):
            raise PydanticCustomError("overload", "time_s must not rise with the load, nor be negative")
        return self

    def row(self) -> Row:
        """The table as a row of columns."""
        pad = ROWS - len(self.load)
        return Row(
            np.array(self.load + [self.load[-1]] * pad),
            np.array(self.time_s + [self.time_s[-1]] * pad),
            self.continuous,
            self.beyond_s,
            self.recovery_s,
        )

    def allowed_s(self, load: float) -> float:
        """How long the ``load`` (per rating) is carried from cold, s; inf up to the continuous load."""
        row = self.row()
        return float(allowed(load, row.load, row.time, row.continuous, row.beyond))

    def exposure(self, history: Iterable[tuple[float, float]], start: float = 0.0) -> float:
        """Exposure D after a history of (load, seconds); 1 and above: it has tripped on the way, and stays so."""
        used = start
        for load, seconds in history:
            time = self.allowed_s(load)
            if math.isinf(time):
                used = max(0.0, used - seconds / self.recovery_s)
            else:
                used = used + seconds / time if time > 0.0 else 1.0
            if used >= 1.0:
                return used
        return used

    def trip_s(self, load: float, exposure: float = 0.0) -> float:
        """Seconds until it trips at a steady ``load`` after the ``exposure``; inf where it does not."""
        time = self.allowed_s(load)
        return math.inf if math.isinf(time) else max(0.0, 1.0 - exposure) * time


class Row(NamedTuple):
    """A table as columns: ``ROWS`` loads and times, the last repeated."""

    load: np.ndarray
    time: np.ndarray
    continuous: float
    beyond: float
    recovery: float


@kernel
def allowed(x: float, load: np.ndarray, time: np.ndarray, continuous: float, beyond: float) -> float:
    """How long the load ``x`` is carried from cold, s; inf up to the continuous load."""
    if x <= continuous * (1.0 + SLACK):
        return math.inf
    for k in range(load.shape[0]):
        if x <= load[k] * (1.0 + SLACK):
            return float(time[k])
    return beyond


__all__ = ["ROWS", "Overload", "Row", "allowed"]
