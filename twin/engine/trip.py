"""What shuts racks down: the first of named causes that lasts as long as its interlock waits.

Causes, by code: flow (of what the racks ask for), coolant inlet, junction, air inlet, leak, and a loss of power, which
``twin.engine.faults`` writes. The others are watched by their step means (junction: at the ends of steps), straight
between them, so a trip has an instant within a step; the racks are off from the next step on, and stay so until
somebody resets them. Racks of a group trip together, by their mean.

The same pass notes when a group's inlets first leave what its racks allow (*alarm*) and when its racks first slow down.
Source: named causes and delays are priors of the rack entry; nobody publishes interlock settings of these racks.
"""

from __future__ import annotations

import numpy as np

from twin.core.columns import Group, Sec
from twin.core.jit import constant, inner
from twin.engine.arrays import Scratch, State
from twin.engine.zones import air_inlet
from twin.site.plan import Arrays

CAUSES = ("none", "low_flow", "coolant_inlet", "junction", "air_inlet", "leak", "power")
FLOW, COOLANT, JUNCTION, AIR, LEAK = (constant(n) for n in range(5))
COUNT, RATED, RISE, MAIN_NODE = int(Group.COUNT), int(Group.RATED), int(Group.JUNCTION), int(Group.MAIN_NODE)
LIQUID_MAX, AIR_MAX, DELAY = int(Group.LIQUID_MAX), int(Group.AIR_MAX), int(Group.TRIP_DELAY)
FLOW_TRIP, LIQUID_TRIP, AIR_TRIP, TRIP = (
    int(Group.FLOW_TRIP), int(Group.LIQUID_TRIP), int(Group.AIR_TRIP), int(Group.TRIP),
)  # fmt: skip
LEAKS = int(Sec.LEAKS)
NEVER = constant(-1)


@inner
def watch(a: Arrays, state: State, s: Scratch, h: int, t_end: float, dt: float) -> None:
    """Advance the interlocks of a hall's racks over a step that ends at ``t_end`` s."""
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        if state.tripped_by[g] > 0 or a.group[g, DELAY] < 0.0:
            continue
        row, j = a.group[g], a.group_liquid[g]
        coolant = s.inlet[j] if j >= 0 else -1e9
        air = air_inlet(a, s, g)
        node = state.sum_plate[g] if row[MAIN_NODE] == 1.0 else state.sum_body[g]
        junction = node / row[COUNT] + row[RISE] * s.group_power[g] / (row[COUNT] * row[RATED])
        flow = s.w[j] / s.asked_flow[j] if j >= 0 and s.asked_flow[j] > 0.0 else 1.0
        if coolant > row[LIQUID_MAX] or air > row[AIR_MAX]:
            _first(state.alarm_at, g, t_end - 0.5 * dt)
        if s.held[g] != 0:
            _first(state.slowed_at, g, t_end)
        # Far above its limit, so that it counts from the beginning of its first step.
        leaks = 1e9 if j >= 0 and a.sec[j, LEAKS] > 0.0 else 0.0
        _advance(state, g, FLOW, -flow, -row[FLOW_TRIP], row[DELAY], t_end - 0.5 * dt, dt)
        _advance(state, g, COOLANT, coolant, row[LIQUID_TRIP], row[DELAY], t_end - 0.5 * dt, dt)
        _advance(state, g, JUNCTION, junction, row[TRIP], 0.0, t_end, dt)
        _advance(state, g, AIR, air, row[AIR_TRIP], row[DELAY], t_end - 0.5 * dt, dt)
        _advance(state, g, LEAK, leaks, 0.5, row[DELAY], t_end, dt)


@inner
def _first(at: np.ndarray, g: int, t: float) -> None:
    if at[g] < 0.0:
        at[g] = t


@inner
def _advance(state: State, g: int, cause: int, value: float, limit: float, delay: float, t: float, dt: float) -> None:
    """Time that ``value`` has been above ``limit`` up to ``t``; the earliest cause whose delay has passed trips."""
    before = state.watched[g, cause]
    state.watched[g, cause] = value
    if not value > limit:
        state.trip_clock[g, cause] = 0.0
        return
    part = dt if before >= limit else dt * min(1.0, (value - limit) / (value - before))
    clock = state.trip_clock[g, cause] + part
    state.trip_clock[g, cause] = clock
    if clock >= delay:
        at = t - (clock - delay)
        if state.tripped_by[g] <= 0 or at < state.tripped_at[g]:
            state.tripped_at[g] = at
            state.tripped_by[g] = cause + 1


__all__ = ["CAUSES", "NEVER", "watch"]
