"""Standby generating sets and the plant that they make in parallel.

Equation: set k of n (k = 0, 1, ...) is on the busbar ``start_s + (parallel_s - start_s) k/(n - 1)`` after the crank
begins; what the plant may take at the time t is::

    P(t) = sum over sets on the busbar of P_r min(1, block + ramp (t - t_k))

``block`` is the share of its rating that a set takes in one step, ``ramp`` = 1/``ramp_s`` what it takes after that.
Fuel in litres is ``fuel_l_kwh`` times the energy. Sets that fail to start are the last in order; the others keep the
times of their places. Valid for sets of one size in parallel.
Source: physics sheet 1.3 and Correction 7 (10-20 s is one set, a plant 30-90 s), 7.2 (block 50-70 %, fuel).
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Params, Quantity, Share

Floats = NDArray[np.float64]
ROUNDING = 1e-9  # s: instants closer than that are one


class Generator(Params):
    """Parameters of one set and of the controls of its plant."""

    KIND: ClassVar[str] = "generator"
    FOLDER: ClassVar[str] = "generators"

    rated_kw: Annotated[Figure, Quantity("kW", "standby rating of one set", gt=0, le=100_000)]
    low_pu: Annotated[Figure, Quantity("1", "voltage per nominal below which the utility counts as lost", gt=0, lt=1)]
    detect_s: Annotated[Figure, Quantity("s", "detection and programmed delay before the crank", ge=0, le=600)]
    start_s: Annotated[Figure, Quantity("s", "crank until the first set can take load", gt=0, le=600)]
    parallel_s: Annotated[Figure, Quantity("s", "crank until the last set of a plant is in parallel", gt=0, le=3600)]
    block_share: Annotated[Share, Quantity("1", "largest block load per rating of a set", gt=0, le=1)]
    ramp_s: Annotated[Figure, Quantity("s", "from nothing to its rating at its ramp", gt=0, le=600)]
    fuel_l_kwh: Annotated[Figure, Quantity("L/kWh", "fuel per energy", gt=0.1, le=1)]
    tank_h: Annotated[Figure, Quantity("h", "fuel of one set at its rating", gt=0, le=1000)]
    failure_to_start: Annotated[Share, Quantity("1", "probability that a set does not start when called", ge=0, le=1)]
    retransfer_s: Annotated[Figure, Quantity("s", "utility good before the load goes back", ge=0, le=86_400)]
    break_s: Annotated[Figure, Quantity("s", "load without a source as it goes back", ge=0, le=60)]
    minimum_run_s: Annotated[Figure, Quantity("s", "shortest run", ge=0, le=86_400)]
    cooldown_s: Annotated[Figure, Quantity("s", "run without load after the load has gone back", ge=0, le=86_400)]
    no_load_loss: Annotated[Figure, Quantity("1", "heaters and similar at standstill, per rating", ge=0, le=0.1)]
    closed_transition: bool = Field(True, description="goes back to the utility without a break")

    @model_validator(mode="after")
    def _in_order(self) -> Generator:
        if self.parallel_s.value < self.start_s.value:
            raise PydanticCustomError("parallel", "parallel_s is from the crank as well: not below start_s")
        return self

    def ready_s(self, sets: int) -> Floats:
        """When each of ``sets`` is on the busbar, s after the crank begins (set)."""
        first, last = self.start_s.value, self.parallel_s.value
        return first + (last - first) * np.arange(sets) / max(1, sets - 1)


def capability(since_ready: Floats, rated_w: float, block: float, ramp: float) -> float:
    """What a plant may take now, W; ``since_ready`` (set) are the seconds since each set came on, below 0: not yet."""
    on = since_ready >= -ROUNDING
    return float(rated_w * np.minimum(1.0, block + ramp * np.maximum(0.0, since_ready[on])).sum())


def capable_at(need_w: float, since_ready: Floats, rated_w: float, block: float, ramp: float) -> float:
    """Seconds until the plant may take ``need_w``; inf where it never may. Between instants it rises linearly."""
    if need_w <= capability(since_ready, rated_w, block, ramp):
        return 0.0
    rise = (1.0 - block) / ramp
    bends = np.unique(np.concatenate([-since_ready, rise - since_ready]))
    bends = bends[bends > 0.0]
    before = 0.0
    for bend in bends:
        left = capability(since_ready + before, rated_w, block, ramp)
        # The slope up to the bend: the sets that are on and not yet at their rating.
        middle = since_ready + 0.5 * (before + bend)
        slope = rated_w * ramp * float(((middle >= 0.0) & (middle < rise)).sum())
        if slope > 0.0 and left + slope * (bend - before) >= need_w:
            return float(before + (need_w - left) / slope)
        before = float(bend)
        if capability(since_ready + before, rated_w, block, ramp) >= need_w * (1.0 - 1e-12):
            return before
    return math.inf


__all__ = ["Generator", "capability", "capable_at"]
