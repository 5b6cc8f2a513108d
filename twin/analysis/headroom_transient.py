"""Whether the transfer after a single loss trips anything on its way to the steady state that N-1 headroom is of.

The racks carry what they would with the N-1 headroom added: beyond their rating there are more of them. The site is
settled so on the design day of the loss, the loss happens, and half an hour by the second is followed over all that it
reaches, interlocks armed (``twin.engine.sweep``). Of the losses in the feeding set those that water and air feel are
looked at: chillers, cells or coolers, air handlers. What a loss in the electrical path does is no matter of seconds of
water: transfers are within the hold-up of power supplies, and overloads are limits of the steady state.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from twin.core.columns import Group, Sec
from twin.engine.faults import MODES, Fault
from twin.engine.prepare import Prepared
from twin.engine.still import Held, still_weather
from twin.engine.sweep import Checkpoint, checkpoint, follow
from twin.engine.timeline import make_timeline
from twin.forcing.coincident import Air
from twin.site.load import LoadedSite
from twin.site.plan import Floats, Plan
from twin.site.reduced import RACK_EXTENSIVE

if TYPE_CHECKING:
    from twin.analysis.headroom_case import Room

LEAD_S, STEP_S, LASTING_S = 10.0, 1.0, 1800.0


@dataclass(frozen=True)
class Transient:
    """What one loss trips on the way, with the N-1 headroom added."""

    loss: str
    day: str
    racks_tripped: int
    first_trip_s: float | None

    @property
    def ok(self) -> bool:
        """Whether nothing trips."""
        return self.racks_tripped == 0


def transients(
    loaded: LoadedSite, plan: Plan, at_s: float, power: Floats, losses: tuple[Room, ...], days: dict[str, list[Air]]
) -> tuple[Transient, ...]:
    """What each of ``losses`` that water or air feel does at ``power`` (group, W); ``days`` air at each bank."""
    made, checks = [], {}
    for loss in losses:
        if loss.day not in checks:
            checks[loss.day] = _settled(loaded, carrying(plan, power), at_s, _worst(days[loss.day]))
        check = checks[loss.day]
        place = check.known.get(loss.loss)
        if place is None or "units" not in MODES[place.role]:
            continue
        found = follow(check, Fault(loss.loss, "units", at_s, inf, 1.0))
        tripped = found.groups[~np.isnan(found.trip_s)]
        racks = int(plan.arrays.group[tripped, Group.COUNT].sum())
        first = float(np.nanmin(found.trip_s)) if len(tripped) else None
        made.append(Transient(loss.loss, loss.day, racks, first))
    return tuple(made)


def carrying(plan: Plan, power: Floats) -> Plan:
    """The plan with groups that draw ``power`` (group, W) whatever is asked; above their rating as more racks."""
    a = plan.arrays
    group, sec = a.group.copy(), a.sec.copy()
    each = power / group[:, Group.COUNT]
    more = np.maximum(1.0, each / group[:, Group.RATED])
    group[:, RACK_EXTENSIVE] *= more[:, None]
    group[:, Group.P0], group[:, Group.P1], group[:, Group.P2] = each, 0.0, 0.0
    group[:, Group.FLOOR] = np.minimum(group[:, Group.FLOOR], each)
    wet = np.flatnonzero(a.group_liquid >= 0)
    flow = np.bincount(a.group_liquid[wet], (group[:, Group.COUNT] * group[:, Group.W_COOLANT])[wet], len(sec))
    cdus = np.unique(a.group_liquid[wet])
    sec[cdus, Sec.W_GROUPS] = flow[cdus]
    air = np.unique(a.group_air)
    before, now = (
        np.bincount(a.group_air, rows[:, Group.COUNT] * rows[:, Group.W_AIR], len(sec))[air]
        for rows in (a.group, group)
    )
    sec[air, Sec.W_GROUPS] *= np.where(before > 0.0, now / np.where(before > 0.0, before, 1.0), 1.0)
    return replace(plan, arrays=a._replace(group=group, sec=sec), fleet=None)


def _settled(loaded: LoadedSite, plan: Plan, at_s: float, air: Air) -> Checkpoint:
    """The plan, steady in still air, at the instant."""
    timeline = make_timeline(at_s - LEAD_S, at_s, STEP_S, STEP_S, np.zeros(0))
    prepared = Prepared(
        loaded, plan, still_weather(air), [Held(0.0) for _ in plan.labels.curve], [], timeline, "hall", 0,
        os.cpu_count() or 1, {},
    )  # fmt: skip
    return checkpoint(prepared, LASTING_S, throttling=True)


def _worst(banks: list[Air]) -> Air:
    """The warmest air at any bank: one weather drives a run."""
    return Air(max(air.dry_bulb_c for air in banks), max(air.wet_bulb_c for air in banks), banks[0].pressure_pa)


__all__ = ["Transient", "carrying", "transients"]
