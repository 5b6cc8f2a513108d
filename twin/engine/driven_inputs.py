"""What is measured and drives the model: names and bounds, and readings checked against them.

A reading that is not a number, or beyond what its quantity can be, counts as not measured: the model finds the value
itself. Powers and flows below zero are taken as zero, for meters at rest show a little of either sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import did_you_mean
from twin.core.variables import BY_NAME, Level
from twin.engine.arrays import Scratch, State
from twin.engine.run import Forcing
from twin.site.plan import Plan

Floats = NDArray[np.float64]
# No outdoor air, water or supply air of a data centre is beyond (estimate).
COLDEST_C, HOTTEST_C = -60.0, 150.0
# A rack of today draws 0.6 MW, a loop of a campus moves 10 t/s (estimates, with room).
MOST_RACK_W, MOST_KG_S = 1e7, 1e5


class Hands(NamedTuple):
    """What drivers may change in a step: columns of a Plan of its own, state, and the step's forcing."""

    site: Plan  # as the site has it
    plan: Plan  # as it runs: rows of groups, secondary and facility loops are its own
    state: State
    scratch: Scratch
    forcing: Forcing


@dataclass(frozen=True)
class Bounds:
    """What a reading can be; ``clipped``: what is below is taken as the least, else as not measured."""

    least: float
    most: float
    clipped: bool = False


TEMPERATURE, OUTDOOR = Bounds(COLDEST_C, HOTTEST_C), Bounds(COLDEST_C, 60.0)
POWER, FLOW = Bounds(0.0, MOST_RACK_W, clipped=True), Bounds(0.0, MOST_KG_S, clipped=True)


def items(plan: Plan, level: Level) -> int:
    """Number of items of a level that can be measured. Raises ``KeyError`` for one that cannot."""
    labels = plan.labels
    return {
        "site": 1, "hall": len(labels.hall), "cdu": len(labels.cdu_sec), "loop": len(labels.loop), "rack": plan.racks,
    }[level]  # fmt: skip


def checked(plan: Plan, bounds: Mapping[str, Bounds], inputs: Mapping[str, Floats]) -> dict[str, Floats]:
    """Readings by name (item), NaN where nothing can be gone by; only names of which something is measured.

    Raises ``ValueError`` for a name that drives nothing and for an array that does not fit its level.
    """
    found = {}
    for name, given in inputs.items():
        if name not in bounds:
            raise ValueError(f'"{name}" does not drive the model{did_you_mean(name, bounds)}')
        values, size = np.array(given, dtype=np.float64).reshape(-1), items(plan, BY_NAME[name].level)
        if len(values) != size:
            raise ValueError(f"{name} has {len(values)} values, expected one for each of {size}")
        bound = bounds[name]
        if bound.clipped:
            np.maximum(values, bound.least, out=values, where=np.isfinite(values))
        with np.errstate(invalid="ignore"):
            values[~((values >= bound.least) & (values <= bound.most))] = np.nan
        if not np.isnan(values).all():
            found[name] = values
    return found


__all__ = ["FLOW", "OUTDOOR", "POWER", "TEMPERATURE", "Bounds", "Floats", "Hands", "checked", "items"]
