"""Racks at their junction limit, solved together with the water that cools them.

What a slowed rack draws hangs on its inlet, and the inlet on what it draws. So the step is solved with the power of
such racks as a line in their inlet (``twin.engine.hall.group_affine`` takes ``P = P_k - s (u - u_k)``), the racks at
their limit are found anew, and so on: Newton's method on a monotone, piecewise linear sum, which ends in a few passes.
What remains outside of it (the slowed racks' air heat and losses, which reach them through the facility water) is a
tenth of the whole, and the passes take it along. A last solution, with every rack's power held, closes the ledger.
Where a plant at its end leaves the water warmer in it than before (its capacity is known to a thousandth, and machines
that trip make two answers of one), racks that are too hot in it are lowered, and it is found again.

Flows of coolant and air follow what is asked for: no pump slows down because racks are too hot.
"""

from __future__ import annotations

import numpy as np

from twin.core.columns import Group
from twin.core.jit import inner
from twin.engine.arrays import Scratch, State
from twin.engine.zones import air_inlet
from twin.racks.throttle import held_power, response_to_inlet, response_to_power, unpowered
from twin.site.plan import Arrays

COUNT, RATED, SPREAD, NOISE = int(Group.COUNT), int(Group.RATED), int(Group.SPREAD), int(Group.NOISE)
MAIN_NODE, LIMIT, RISE, FLOOR, ROW = (
    int(Group.MAIN_NODE), int(Group.THROTTLE), int(Group.JUNCTION), int(Group.FLOOR), int(Group.P0),
)  # fmt: skip
SERVED = int(Group.SERVED)
PASSES = 16
LOWER_PASSES = 4
CLOSE = 1e-10
# Share of a group's power by which its racks may be above their limit in the last solution: mK.
SETTLED = 1e-5
# The sum of two uniforms that makes offsets and wander ends at 2.45 standard deviations.
WIDEST = 2.5


@inner
def hold(a: Arrays, state: State, s: Scratch, halls: np.ndarray, on: np.ndarray, dt: float, write: bool) -> bool:
    """Set the power of every group near its limit to what its present inlet allows; whether any has changed.

    With ``write`` the racks' powers are set, as constants, and what was withheld is noted by hall.
    """
    changed = False
    for h in halls:
        if on[h] == 0:
            continue
        it, racks = 0.0, 0
        s.hall_withheld[h] = 0.0
        for g in range(a.hall_group[h], a.hall_group[h + 1]):
            if s.held[g] != 0 or _near(a, state, s, g, dt):
                moved, slowed = _hold_group(a, state, s, g, dt, write)
                changed = changed or moved
                racks += slowed
            s.hall_withheld[h] += s.group_asked[g] - s.group_power[g]
            it += s.group_power[g]
        s.hall_it[h] = it
        s.hall_slowed[h] = racks / (a.group_rack[a.hall_group[h + 1]] - a.group_rack[a.hall_group[h]])
    return changed


@inner
def _inlets(a: Arrays, s: Scratch, g: int) -> tuple[float, float]:
    return s.inlet[a.group_liquid[g]] if a.group_liquid[g] >= 0 else 0.0, air_inlet(a, s, g)


@inner
def _near(a: Arrays, state: State, s: Scratch, g: int, dt: float) -> bool:
    """Whether the hottest rack of a group may reach its limit in this step: its mean, and as far as racks differ."""
    row, m = a.group[g], s.matrix[g]
    if row[LIMIT] == np.inf:
        return False
    n, power, plate = row[COUNT], s.group_power[g] / row[COUNT], row[MAIN_NODE] == 1.0
    x, air = _inlets(a, s, g)
    per_watt = response_to_power(row[:ROW], m[0], m[1], m[2], s.g_plate[g], plate, dt) + row[RISE] / row[RATED]
    end = unpowered(
        state.sum_plate[g] / n, state.sum_body[g] / n, row[:ROW], m[0], m[1], m[2], s.g_plate[g], x, air, plate, dt
    )
    inlet = x if plate else air
    rise = max(0.0, end + per_watt * power - inlet)
    return inlet + rise * (1.0 + WIDEST * (row[SPREAD] + row[NOISE])) > row[LIMIT]


@inner
def _held(a: Arrays, state: State, s: Scratch, g: int, dt: float, write: bool) -> tuple[float, int, int, float]:
    """Power of a group at its present inlet, as ``held_power`` has it, and kelvins of its junctions per watt."""
    row, m, i, j = a.group[g], s.matrix[g], a.group_rack[g], a.group_rack[g + 1]
    x, air = _inlets(a, s, g)
    plate = row[MAIN_NODE] == 1.0
    per_watt = response_to_power(row[:ROW], m[0], m[1], m[2], s.g_plate[g], plate, dt) + row[RISE] / row[RATED]
    total, free, slowed = held_power(
        s.power[i:j], state.t_plate[i:j], state.t_body[i:j], row[:ROW], m[0], m[1], m[2], s.g_plate[g], x, air,
        plate, dt, row[LIMIT], per_watt, row[FLOOR], write,
    )  # fmt: skip
    return total, free, slowed, per_watt


@inner
def _hold_group(a: Arrays, state: State, s: Scratch, g: int, dt: float, write: bool) -> tuple[bool, int]:
    """Power of a group at its present inlet, and its line around it: (whether it has changed, racks slowed)."""
    row, m = a.group[g], s.matrix[g]
    total, free, slowed, per_watt = _held(a, state, s, g, dt, write)
    x, air = _inlets(a, s, g)
    plate = row[MAIN_NODE] == 1.0
    inlet = x if plate else air
    line = s.group_power[g] - s.held_slope[g] * (inlet - s.held_at[g])
    s.held[g] = 1 if slowed > 0 else 0
    s.group_power[g] = total
    s.held_at[g] = inlet
    s.held_slope[g] = 0.0
    if free > 0 and not write:
        s.held_slope[g] = free * response_to_inlet(row[:ROW], m[0], m[1], m[2], s.g_plate[g], plate, dt) / per_watt
    return abs(total - line) > CLOSE * total, slowed


@inner
def lower(a: Arrays, state: State, s: Scratch, halls: np.ndarray, on: np.ndarray, dt: float) -> bool:
    """Lower the power, written before, of racks that are above their limit all the same; whether there are any."""
    lowered = False
    for h in halls:
        if on[h] == 0:
            continue
        for g in range(a.hall_group[h], a.hall_group[h + 1]):
            if s.held[g] == 0 and not _near(a, state, s, g, dt):
                continue
            total, _, slowed, _ = _held(a, state, s, g, dt, False)
            down = s.group_power[g] - total
            if down <= SETTLED * total:
                continue
            _held(a, state, s, g, dt, True)
            if s.held[g] == 0:
                s.hall_slowed[h] += slowed / (a.group_rack[a.hall_group[h + 1]] - a.group_rack[a.hall_group[h]])
            lowered = True
            s.held[g] = 1
            s.group_power[g] = total
            s.hall_withheld[h] += down
            s.hall_it[h] -= down
    return lowered


__all__ = ["LOWER_PASSES", "PASSES", "SERVED", "hold", "lower"]
