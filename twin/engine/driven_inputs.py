"""What is measured and drives the model: names and bounds, and readings checked against them.

A reading that is not a number, or beyond what its quantity can be, counts as not measured: the model finds the value
itself. Powers and flows next to nothing or a little below zero are taken as zero: meters at rest show a little of
either sign. A meter that shows much below zero is mounted the wrong way round; what it would show is not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Fac, Group, Sec
from twin.core.errors import did_you_mean
from twin.core.variables import BY_NAME, Level
from twin.engine.arrays import Scratch, State
from twin.engine.run import Forcing
from twin.site.plan import Plan

Floats = NDArray[np.float64]
# No outdoor air is beyond, nor is water or air that is supplied (estimates).
OUTDOOR_C, SUPPLY_C = (-60.0, 60.0), (-20.0, 90.0)
# How many times what it is rated for a thing can do without its meter being at fault (estimates, with much room).
TIMES_POWER, TIMES_FLOW = 20.0, 4.0
# Share of the most below which a meter shows nothing.
NOTHING = 1e-8
# How far below zero a meter at rest may show, as a share of what its thing is rated for (estimate).
AT_REST = 0.02


class Hands(NamedTuple):
    """What drivers may change in a step: columns of a Plan of its own, state, and the step's forcing."""

    site: Plan  # as the site has it
    plan: Plan  # as it runs: rows of groups, secondary and facility loops are its own
    state: State
    scratch: Scratch
    forcing: Forcing
    shortest_s: float  # the shortest step of the forcing
    steady: bool  # what is measured is held until everything is steady


@dataclass(frozen=True)
class Bounds:
    """What a reading can be, in the units of the variable table; what is beyond counts as not measured.

    ``most`` is times ``unit`` (item) where that is given. ``clipped``: a little below the least is taken as the least.
    """

    least: float
    most: float
    clipped: bool = False
    unit: Callable[[Plan], Floats] | None = None


def _rated_w(plan: Plan) -> Floats:
    a = plan.arrays
    return np.repeat(a.group[:, Group.RATED], np.diff(a.group_rack))


def _most_coolant(plan: Plan) -> Floats:
    sec = plan.arrays.sec[plan.labels.cdu_sec]
    return sec[:, Sec.W_MAX] / sec[:, Sec.CP]


def _most_primary(plan: Plan) -> Floats:
    sec = plan.arrays.sec[plan.labels.cdu_sec]
    return sec[:, Sec.WP_MAX] / sec[:, Sec.CP_PRIMARY]


def _most_air(plan: Plan) -> Floats:
    sec = plan.arrays.sec[plan.air_sec]
    return sec[:, Sec.W_MAX] / sec[:, Sec.CP]


def _most_water(plan: Plan) -> Floats:
    fac = plan.arrays.fac
    return fac[:, Fac.W_MAX] / fac[:, Fac.CP]


OUTDOOR, SUPPLY = Bounds(*OUTDOOR_C), Bounds(*SUPPLY_C)
POWER = Bounds(0.0, TIMES_POWER, clipped=True, unit=_rated_w)
COOLANT, PRIMARY, AIRFLOW, WATER = (
    Bounds(0.0, TIMES_FLOW, clipped=True, unit=unit) for unit in (_most_coolant, _most_primary, _most_air, _most_water)
)


def items(plan: Plan, level: Level) -> int:
    """Number of items of a level that can be measured. Raises ``KeyError`` for one that cannot."""
    labels = plan.labels
    return {
        "site": 1, "hall": len(labels.hall), "cdu": len(labels.cdu_sec), "loop": len(labels.loop), "rack": plan.racks,
    }[level]  # fmt: skip


def sized(plan: Plan, names: Collection[str], inputs: Mapping[str, Floats]) -> dict[str, Floats]:
    """Readings by name (item), NaN where there is no number; of which the caller may change every one.

    Raises ``ValueError`` for a name that is none of ``names`` and for an array that does not fit its level.
    """
    found = {}
    for name, given in inputs.items():
        if name not in names:
            raise ValueError(f'"{name}" does not drive the model{did_you_mean(name, names)}')
        values, size = np.array(given, dtype=np.float64).reshape(-1), items(plan, BY_NAME[name].level)
        if len(values) != size:
            raise ValueError(f"{name} has {len(values)} values, expected one for each of {size}")
        values[~np.isfinite(values)] = np.nan
        found[name] = values
    return found


def possible(plan: Plan, bounds: Mapping[str, Bounds], found: Mapping[str, Floats]) -> dict[str, Floats]:
    """Put NaN where a reading cannot be; only names of which something is left."""
    for name, values in found.items():
        bound = bounds[name]
        unit = 1.0 if bound.unit is None else bound.unit(plan)
        most = bound.most * unit
        with np.errstate(invalid="ignore"):
            if bound.clipped:
                values[(values >= -AT_REST * unit) & (values < NOTHING * most)] = bound.least
            values[~((values >= bound.least) & (values <= most))] = np.nan
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def lit(plan: Plan, on: NDArray[np.uint8], found: dict[str, Floats]) -> dict[str, Floats]:
    """Only readings of what has power: ``on`` (hall), a loop with any of its halls, the site always."""
    if on.all():
        return found
    a, halls = plan.arrays, on.astype(bool)
    of_sec = halls[a.sec_hall]
    has = {
        "site": np.ones(1, bool), "hall": halls, "cdu": of_sec[plan.labels.cdu_sec],
        "loop": np.bincount(a.sec_fac, of_sec, len(a.fac)) > 0.0,
        "rack": np.repeat(halls, np.diff(a.group_rack[a.hall_group])),
    }  # fmt: skip
    left = {name: np.where(has[BY_NAME[name].level], values, np.nan) for name, values in found.items()}
    return {name: values for name, values in left.items() if not np.isnan(values).all()}


__all__ = [
    "AIRFLOW",
    "COOLANT",
    "OUTDOOR",
    "POWER",
    "PRIMARY",
    "SUPPLY",
    "WATER",
    "Bounds",
    "Floats",
    "Hands",
    "items",
    "lit",
    "possible",
    "sized",
]
