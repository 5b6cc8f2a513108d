"""Losses of a device by a table of points, where three coefficients cannot follow what is certified or measured.

Equations (x load per rating, l loss per rating)::

    l(x) = straight between the points (x_i, l_i), l_1 below the first, on with the last slope above the last
    l_i  = x_i (1/eta_i - 1)          of a point that is given by its efficiency

Interpolation is of the loss and never of the efficiency, which is no straight line between any two loads and has none
at 0. A kernel takes ``a + b x + c x^2``: what of a table is used, ``low <= x <= high``, is lowered to the three
coefficients, none below 0, whose largest miss is least (Lawson's weights). One that misses by more than 0.001 of the
rating is refused where it is used: nothing is bent quietly.

Range: x in 0..1.5, up to 32 points, loads ascend, losses never fall. Source: physics sheet 1.1 (80 PLUS sets floors at
four or five loads, no curve); C. Lawson, UCLA 1961, for the weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Confidence, Frozen, Quantity

Floats = NDArray[np.float64]
LARGEST_MISS = 1e-3
GRID_POINTS = 61
ROUNDS = 60


@dataclass(frozen=True)
class Fit:
    """The three coefficients for a range of loads, the largest miss in it (loss per rating), and where that is."""

    a: float
    b: float
    c: float
    miss: float
    at: float

    @property
    def fault(self) -> str:
        """Why it will not do; empty where it will."""
        if self.miss <= LARGEST_MISS:
            return ""
        return (
            "the loss_table bends too sharply for the loads in use: a + b x + c x^2 misses it by "
            f"{self.miss:.4f} of the rating at load {self.at:.2f}, at most {LARGEST_MISS:g}"
        )


class LossPoint(Frozen):
    """A point of the table, by its loss or by its efficiency."""

    load: Annotated[float, Quantity("1", "output per rating", ge=0, le=1.5)]
    loss: Annotated[float | None, Quantity("1", "loss per rating", ge=0, le=0.5)] = None
    efficiency: Annotated[float | None, Quantity("1", "output per input", gt=0.3, le=1)] = None

    @model_validator(mode="after")
    def _one_of(self) -> LossPoint:
        if (self.loss is None) == (self.efficiency is None):
            raise PydanticCustomError("point", "a point has either loss or efficiency")
        if self.efficiency is not None and self.load == 0.0:
            raise PydanticCustomError("point", "at load 0 the efficiency says nothing: give loss")
        return self

    @property
    def per_rating(self) -> float:
        """Its loss per rating."""
        return self.loss if self.loss is not None else self.load * (1.0 / (self.efficiency or 1.0) - 1.0)


class LossTable(Frozen):
    """Points in order of their loads, up to full load at least."""

    points: list[LossPoint] = Field(min_length=2, max_length=32, description="by rising load, each load once")
    source: str = Field(min_length=3, description="where the points come from")
    confidence: Confidence = Field(description="vendor, measured, reported or estimate")

    @model_validator(mode="after")
    def _monotone(self) -> LossTable:
        for n, (one, two) in enumerate(zip(self.points[:-1], self.points[1:], strict=True), start=2):
            if two.load <= one.load:
                text = "point {n}: loads must ascend, {two} stands behind {one}"
                raise PydanticCustomError("table", text, {"n": n, "one": f"{one.load:g}", "two": f"{two.load:g}"})
            if two.per_rating < one.per_rating:
                text = (
                    "point {n}: the loss falls from {one} at load {x} to {two} at load {y}; it may only rise with load"
                )
                told = {"one": f"{one.per_rating:.5g}", "two": f"{two.per_rating:.5g}"}
                raise PydanticCustomError("table", text, {"n": n, "x": f"{one.load:g}", "y": f"{two.load:g}", **told})
        if self.points[-1].load < 1.0:
            raise PydanticCustomError("table", "the table must reach full load: the last point is below load 1")
        return self

    def loss(self, x: Floats | float) -> Floats:
        """Loss per rating at loads ``x``, any shape."""
        loads = np.array([point.load for point in self.points])
        losses = np.array([point.per_rating for point in self.points])
        slope = (losses[-1] - losses[-2]) / (loads[-1] - loads[-2])
        beyond = np.maximum(np.asarray(x, dtype=np.float64) - loads[-1], 0.0)
        return np.asarray(np.interp(x, loads, losses) + slope * beyond)

    def fit(self, low: float, high: float) -> Fit:
        """The coefficients for loads from ``low`` to ``high``; below its first point a table says nothing.

        Raises ``ValueError`` for an empty range below 0.
        """
        if not 0.0 <= low <= high:
            raise ValueError(f"loads {low:g} to {high:g} are no range")
        low = min(max(low, self.points[0].load), high)
        inside = [point.load for point in self.points if low < point.load < high]
        x = np.unique(np.concatenate([np.linspace(low, high, GRID_POINTS), inside]))
        wanted = self.loss(x)
        powers = np.vander(x, 3, increasing=True)
        used = [True, True, True]
        while True:
            made = np.zeros(3)
            made[used] = _least_miss(powers[:, used], wanted)
            if made.min() >= 0.0:
                break
            used[int(np.argmin(made))] = False
        missed = np.abs(powers @ made - wanted)
        worst = int(np.argmax(missed))
        a, b, c = map(float, made)
        return Fit(a, b, c, float(missed[worst]), float(x[worst]))


def _least_miss(powers: Floats, wanted: Floats) -> Floats:
    """Coefficients whose largest miss is (nearly) the least, by least squares with weights that follow the misses."""
    weight = np.full(len(wanted), 1.0 / len(wanted))
    best, least = np.zeros(powers.shape[1]), np.inf
    for _ in range(ROUNDS):
        root = np.sqrt(weight)[:, None]
        made, *_ = np.linalg.lstsq(powers * root, wanted * root[:, 0], rcond=None)
        missed = np.abs(powers @ made - wanted)
        if missed.max() < least:
            best, least = made, float(missed.max())
        if missed.max() <= 1e-12:
            break
        weight = weight * missed
        weight /= weight.sum()
    return best


__all__ = ["LARGEST_MISS", "Fit", "LossPoint", "LossTable"]
