"""A hall in the steady state of its present load plus some: loadings of every limit, heat to its loops, power it draws.

The controls stand where they would settle: flows as the control law asks (``twin.engine.hall``), set points held. A
*loading* is what an element carries per what it can; the first to exceed 1 is the limit that binds.
"""

from __future__ import annotations

from math import exp

import numpy as np

from twin.core.columns import Elm, Group, Sec
from twin.core.jit import constant, inner
from twin.engine.hall import (
    HALL,
    RECIRCULATION,
    ROOM,
    W_MAX,
    W_PER_HEAT,
    element_input,
    exchange,
    flow_for,
    liquid_fraction,
    pump_power,
    secondary_set_point,
    valve,
)
from twin.site.plan import Arrays

COOLING_LIMITS = (
    "none",
    "rack_liquid_inlet",
    "cdu_flow",
    "cdu_exchange",
    "crah_airflow",
    "crah_coil",
    "rack_air_inlet",
    "loop_flow",
    "plant_capacity",
    "rack_junction",
)
LIQUID_INLET, CDU_FLOW, CDU_EXCHANGE = constant(1), constant(2), constant(3)
AIRFLOW, COIL, AIR_INLET = constant(4), constant(5), constant(6)
LOOP_FLOW, PLANT = 7, 8
JUNCTION = constant(9)
# Columns of a hall's steady result.
COOL, COOL_CODE, TOP, CHAIN, CHAIN_ELEMENT = 0, 1, 2, 3, 4
HEAT_LIQUID, FLOW_LIQUID, HEAT_AIR, FLOW_AIR, WIDTH = 5, 6, 7, 8, 9

G_COUNT, G_RATED, G_BODY_AIR = int(Group.COUNT), int(Group.RATED), int(Group.G_BODY_AIR)
G_THROTTLE, G_JUNCTION, G_MAIN_NODE = int(Group.THROTTLE), int(Group.JUNCTION), int(Group.MAIN_NODE)
G_UA, G_COOLANT, G_BODY_SHARE = int(Group.UA), int(Group.W_COOLANT), int(Group.BODY_SHARE)
INLET_MAX, W_GROUPS, LIMIT = int(Sec.INLET_MAX), int(Sec.W_GROUPS), int(Elm.LIMIT)


@inner
def _worse(r: np.ndarray, loading: float, code: int) -> None:
    if loading > r[COOL]:
        r[COOL] = loading
        r[COOL_CODE] = float(code)


@inner
def rated_power(a: Arrays, h: int) -> float:
    """Rated IT power of a hall, W."""
    total = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        total += a.group[g, G_RATED] * a.group[g, G_COUNT]
    return total


@inner
def _loads(a: Arrays, h: int, power: np.ndarray, extra: float, heat: np.ndarray) -> float:
    """Heat of each secondary loop of a hall with ``extra`` watts spread by rated power; returns the IT power."""
    for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
        heat[j] = 0.0
    per_rated = extra / rated_power(a, h)
    it = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        row = a.group[g]
        p = power[g] + per_rated * row[G_RATED] * row[G_COUNT]
        liquid = liquid_fraction(row) * p
        if a.group_liquid[g] >= 0:
            heat[a.group_liquid[g]] += liquid
        heat[a.group_air[g]] += p - liquid
        it += p
    return it


@inner
def steady_hall(
    a: Arrays, h: int, power: np.ndarray, extra: float, y_set: np.ndarray, heat: np.ndarray, r: np.ndarray
) -> None:
    """Fill ``r`` (WIDTH) for hall ``h`` with ``power`` (group, W) plus ``extra`` W at facility set points ``y_set``."""
    for i in range(r.shape[0]):
        r[i] = 0.0
    it = _loads(a, h, power, extra, heat)
    air = a.hall_sec[h + 1] - 1
    mechanical = 0.0
    for j in range(a.hall_sec[h], air):
        mechanical += _steady_cdu(a, j, heat[j], y_set[a.sec_fac[j]], r)
    w_air = flow_for(a.sec[air], heat[air])
    fan = pump_power(a.sec[air], w_air)
    to_hall, to_room = _steady_chain(a, h, it, mechanical + fan, r)
    supply, inlet = _steady_air(a, air, heat[air], heat[air] + fan + to_hall, w_air, y_set[a.sec_fac[air]], r)
    r[HEAT_AIR] += to_room
    _steady_racks(a, h, power, extra, heat, y_set, supply, inlet, r)


@inner
def _steady_racks(
    a: Arrays, h: int, power: np.ndarray, extra: float, heat: np.ndarray, y_set: np.ndarray, supply: float,
    inlet: float, r: np.ndarray,
) -> None:  # fmt: skip
    """Loading of the racks' junctions: their rise above the supply per what their limit leaves; air ``inlet`` degC."""
    per_rated = extra / rated_power(a, h)
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        row = a.group[g]
        if row[G_THROTTLE] == np.inf:
            continue
        p = power[g] / row[G_COUNT] + per_rated * row[G_RATED]
        rise = row[G_JUNCTION] * p / row[G_RATED]
        start = supply
        if row[G_MAIN_NODE] == 1.0:
            j = a.group_liquid[g]
            sec = a.sec[j]
            w = flow_for(sec, heat[j]) * row[G_COOLANT] / sec[W_GROUPS]
            start = secondary_set_point(sec, y_set[a.sec_fac[j]])
            rise += liquid_fraction(row) * p / (w * (1.0 - exp(-row[G_UA] / w)))
        else:
            rise += inlet - supply + row[G_BODY_SHARE] * p / row[G_BODY_AIR]
        allowed = row[G_THROTTLE] - start
        _worse(r, 2.0 if allowed <= 0.0 else rise / allowed, JUNCTION)


@inner
def _steady_cdu(a: Arrays, j: int, heat: float, y: float, r: np.ndarray) -> float:
    """Loadings of one CDU; adds its heat and flow to ``r`` and returns its pump power (W)."""
    sec = a.sec[j]
    w = flow_for(sec, heat)
    pump = pump_power(sec, w)
    q = heat + pump
    x_set = secondary_set_point(sec, y)
    wp = valve(sec, heat, q, w, x_set, y)
    _worse(r, sec[W_PER_HEAT] * heat / sec[W_MAX], CDU_FLOW)
    _worse(r, q / max(1.0, exchange(sec, w, wp) * (x_set - y + q / w)), CDU_EXCHANGE)
    if x_set > sec[INLET_MAX]:
        _worse(r, 2.0, LIQUID_INLET)
    r[HEAT_LIQUID] += q
    r[FLOW_LIQUID] += wp
    return pump


@inner
def _steady_air(a: Arrays, j: int, heat: float, q: float, w: float, y: float, r: np.ndarray) -> tuple[float, float]:
    """Loadings of a hall's air handling that carries ``q`` (racks' ``heat``, fans and losses, W).

    Returns air temperatures (degC): supplied, and at the rack inlets.
    """
    sec = a.sec[j]
    wx = (1.0 - sec[RECIRCULATION]) * w
    x_set = secondary_set_point(sec, y)
    wp = valve(sec, heat, heat + pump_power(sec, w), w, x_set, y)
    rise = q / wx
    _worse(r, sec[W_PER_HEAT] * heat / sec[W_MAX], AIRFLOW)
    _worse(r, q / max(1.0, exchange(sec, w, wp) * (x_set - y + rise)), COIL)
    allowed = sec[INLET_MAX] - x_set
    _worse(r, 2.0 if allowed <= 0.0 else sec[RECIRCULATION] * rise / allowed, AIR_INLET)
    r[HEAT_AIR] += q
    r[FLOW_AIR] += wp
    return x_set, x_set + sec[RECIRCULATION] * rise


@inner
def _steady_chain(a: Arrays, h: int, it: float, mechanical: float, r: np.ndarray) -> tuple[float, float]:
    """Loadings along the hall's chain: (losses to the hall air, to the electrical room), W."""
    flow = it
    hall = 0.0
    room = 0.0
    for e in range(a.hall_element[h], a.hall_element[h + 1]):
        if e == a.hall_mechanical[h]:
            flow += mechanical
        row = a.element[e]
        if row[LIMIT] > 0.0 and flow / row[LIMIT] > r[CHAIN]:
            r[CHAIN] = flow / row[LIMIT]
            r[CHAIN_ELEMENT] = float(e)
        into = element_input(row, flow)
        if a.element_sink[e] == HALL:
            hall += into - flow
        elif a.element_sink[e] == ROOM:
            room += into - flow
        flow = into
    r[TOP] = flow
    return hall, room
