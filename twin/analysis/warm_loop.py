"""A facility loop whose plant takes nothing: how long until it is too warm for what stands on it.

Equations (R, y return and supply of the loop, D its own heat; of a hall's CDUs together and of its air: r return, x
supply, u = (1 - rho) x + rho r inlet, w flow, w_x = (1 - rho) w, k exchanger; p, b plates and bodies, S other heat)::

    C_R R' = D + sum q + W (y - R)            C_S y' = W (R - y)
    C_r r' = S + G (p or b - u) + w (u - r)   racks as in ``twin.racks.heat_up``
    q = w_x (r - set), x' = 0                 while k (r - y) is more; from then on
    q = k (r - y),     C_s x' = w_x (r - x) - q

Linear between two such changes, hence exact (``twin.analysis.warm_water``). What one CDU of a hall is apart from all
of them together is what the ramp of ``y`` makes of both: ``inlet = max(set, y + (Q - C y') (1/k - 1/w))``, C all that
warms with its water. A junction follows its inlet by ``C/G``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.analysis.warm_water import warmed
from twin.core.columns import Group
from twin.engine.present import Present

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def warm_loop(
    present: Present, f: int, *, throttling: bool, within_s: float
) -> tuple[Ints, Floats, Floats, dict[str, Floats]]:
    """Groups that loop ``f`` cools, and for each s until alarm, until it slows down, and until each cause trips it."""
    a, step = present.arrays, present.step
    t, inlet = warmed(present, f, within_s)
    runs = (present.state.tripped_by <= 0) & (step.group_power > 0.0)
    reached = np.array([runs[g] and (int(a.group_liquid[g]) in inlet or int(a.group_air[g]) in inlet)
                        for g in range(len(a.group))])  # fmt: skip
    groups = np.flatnonzero(reached)
    causes = {name: np.full(len(groups), np.inf) for name in ("coolant_inlet", "junction", "air_inlet")}
    alarm, slowed = np.full(len(groups), np.inf), np.full(len(groups), np.inf)
    air_above = present.air_inlets() - step.inlet[a.group_air]
    for i, g in enumerate(groups):
        row = a.group[g]
        coolant, air = inlet.get(int(a.group_liquid[g])), inlet.get(int(a.group_air[g]))
        if air is not None:
            # Zones differ by their share of the exhaust, which stays as far above the supply as it is.
            air = air + air_above[g]
        for water, most, trips, cause in (
            (coolant, Group.LIQUID_MAX, Group.LIQUID_TRIP, "coolant_inlet"),
            (air, Group.AIR_MAX, Group.AIR_TRIP, "air_inlet"),
        ):
            if water is not None:
                alarm[i] = min(alarm[i], _first(t, water, row[most]))
                causes[cause][i] = _first(t, water, row[trips]) + row[Group.TRIP_DELAY]
        watched = coolant if row[Group.MAIN_NODE] == 1.0 else air
        if watched is not None:
            mean, hottest = _junction(present, int(g))
            warmer = watched - watched[0] - _behind(present, int(g)) * np.gradient(watched, t)
            if throttling:
                slowed[i] = _first(t, hottest + warmer, row[Group.THROTTLE])
            causes["junction"][i] = _first(t, mean + warmer, row[Group.TRIP])
            if throttling and row[Group.THROTTLE] < row[Group.TRIP]:
                # Slowed racks hold their junction; they trip by it only where slowing down cannot.
                causes["junction"][i] = np.inf
    return groups, alarm, slowed, causes


def _junction(present: Present, g: int) -> tuple[float, float]:
    """Junction of a group's mean rack and of its hottest one at present, degC."""
    a, row = present.arrays, present.arrays.group[g]
    node = present.state.t_plate if row[Group.MAIN_NODE] == 1.0 else present.state.t_body
    i, j = a.group_rack[g], a.group_rack[g + 1]
    each = node[i:j] + row[Group.JUNCTION] / row[Group.RATED] * present.step.power[i:j]
    return float(each.mean()), float(each.max())


def _behind(present: Present, g: int) -> float:
    """By how much the watched node of a rack lags behind a ramp of its inlet, s."""
    row = present.arrays.group[g]
    if row[Group.MAIN_NODE] != 1.0:
        return float(row[Group.C_BODY] / row[Group.G_BODY_AIR])
    stored = row[Group.C_PLATE] + (row[Group.C_BODY] if row[Group.G_BODY_PLATE] > 0.0 else 0.0)
    return float(stored / present.step.g_plate[g])


def _first(t: Floats, values: Floats, level: float) -> float:
    """When ``values`` first reach a level; inf: never."""
    above = values >= level
    if not above.any():
        return float(np.inf)
    n = int(np.argmax(above))
    if n == 0:
        return 0.0
    part = (level - values[n - 1]) / (values[n] - values[n - 1])
    return float(t[n - 1] + part * (t[n] - t[n - 1]))


__all__ = ["warm_loop"]
