"""A hall in the steady state of its present load plus some: loadings of every limit, heat to its loops, power it draws.

The controls stand where they would settle: flows as the control law asks (``twin.engine.hall``), set points held. A
*loading* is what an element carries per what it can; the first to exceed 1 is the limit that binds.
"""

from __future__ import annotations

import numpy as np

from twin.core.columns import Elm, Group, Sec
from twin.core.jit import constant, fused, inner
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
    plate_conductance,
    pump_power,
    pumped,
    secondary_set_point,
    valve,
)
from twin.engine.zones import ZONES, excess
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
G_COOLANT, G_BODY_SHARE = int(Group.W_COOLANT), int(Group.BODY_SHARE)
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
    a: Arrays, h: int, power: np.ndarray, extra: float, y_set: np.ndarray, heat: np.ndarray, flow: np.ndarray,
    r: np.ndarray,
) -> None:  # fmt: skip
    """Fill ``r`` (WIDTH) for hall ``h`` with ``power`` (group, W) plus ``extra`` W at facility set points ``y_set``.

    ``heat`` (secondary loop) and ``flow`` (element) are scratch.
    """
    for i in range(r.shape[0]):
        r[i] = 0.0
    it = _loads(a, h, power, extra, heat)
    air = a.hall_sec[h + 1] - 1
    mechanical = 0.0
    for j in range(a.hall_sec[h], air):
        most, exchanged, inlet, q, wp, pump = steady_cdu(a, j, heat[j], y_set[a.sec_fac[j]])
        _worse(r, most, CDU_FLOW)
        _worse(r, exchanged, CDU_EXCHANGE)
        _worse(r, inlet, LIQUID_INLET)
        r[HEAT_LIQUID] += q
        r[FLOW_LIQUID] += wp
        mechanical += pump
    w_air = flow_for(a.sec[air], heat[air])
    fan = pump_power(a.sec[air], w_air)
    r[TOP], to_hall, to_room = steady_chain(a, h, it, mechanical + fan, flow)
    for e in range(a.hall_element[h], a.hall_element[h + 1]):
        if a.element[e, LIMIT] > 0.0 and flow[e] / a.element[e, LIMIT] > r[CHAIN]:
            r[CHAIN] = flow[e] / a.element[e, LIMIT]
            r[CHAIN_ELEMENT] = float(e)
    q = heat[air] + fan + to_hall
    per_rated = extra / rated_power(a, h)
    zoned = a.sec[air, ZONES] > 0.0
    stray = hottest(a, h, power, per_rated) if zoned else 0.0
    most, exchanged, warmed, wp, supply, rise = steady_air(a, air, heat[air], q, w_air, y_set[a.sec_fac[air]], stray)
    _worse(r, most, AIRFLOW)
    _worse(r, exchanged, COIL)
    _worse(r, warmed, AIR_INLET)
    r[HEAT_AIR] += q + to_room
    r[FLOW_AIR] += wp
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        p = power[g] / a.group[g, G_COUNT] + per_rated * a.group[g, G_RATED]
        stray = excess(a, h, g, power, per_rated) if zoned else 0.0
        inlet = supply + (a.sec[air, RECIRCULATION] + stray) * rise
        _worse(r, junction(a, g, p, heat, y_set, supply, inlet), JUNCTION)


@inner
def hottest(a: Arrays, h: int, power: np.ndarray, per_rated: float) -> float:
    """The largest ``excess`` (``twin.engine.zones``) of a hall's groups."""
    top = -1.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        top = max(top, excess(a, h, g, power, per_rated))
    return top


@fused
def junction(
    a: Arrays, g: int, p: float, heat: np.ndarray, y_set: np.ndarray, supply: float, inlet: float
) -> float:  # fmt: skip
    """Loading of the junctions of a group's racks at ``p`` W each: their rise above the supply per what is allowed.

    Air of the hall is supplied at ``supply`` and enters the racks at ``inlet`` degC.
    """
    row = a.group[g]
    if row[G_THROTTLE] == np.inf:
        return 0.0
    rise = row[G_JUNCTION] * p / row[G_RATED]
    start = supply
    if row[G_MAIN_NODE] == 1.0:
        j = a.group_liquid[g]
        sec = a.sec[j]
        w = pumped(sec, flow_for(sec, heat[j])) * row[G_COOLANT] / sec[W_GROUPS]
        start = secondary_set_point(sec, y_set[a.sec_fac[j]])
        rise += liquid_fraction(row) * p / plate_conductance(row, w)
    else:
        rise += inlet - supply + row[G_BODY_SHARE] * p / row[G_BODY_AIR]
    allowed = row[G_THROTTLE] - start
    return 2.0 if allowed <= 0.0 else rise / allowed


@fused
def steady_cdu(a: Arrays, j: int, heat: float, y: float) -> tuple[float, float, float, float, float, float]:
    """One CDU that carries ``heat`` W at a facility supply of ``y`` degC.

    Returns the loadings of its flow, its exchanger and its racks' inlet (2: too warm), the heat (W) and flow (W/K) that
    its loop sees, its pump power (W).
    """
    sec = a.sec[j]
    w = pumped(sec, flow_for(sec, heat))
    pump = pump_power(sec, w)
    q = heat + pump
    x_set = secondary_set_point(sec, y)
    wp = valve(sec, heat, q, w, x_set, y)
    most = sec[W_PER_HEAT] * heat / pumped(sec, sec[W_MAX])
    exchanged = q / max(1.0, exchange(sec, w, wp) * (x_set - y + q / w))
    return most, exchanged, 2.0 if x_set > sec[INLET_MAX] else 0.0, q, wp, pump


@fused
def steady_air(
    a: Arrays, j: int, heat: float, q: float, w: float, y: float, stray: float
) -> tuple[float, float, float, float, float, float]:
    """A hall's air handling that carries ``q`` (racks' ``heat``, fans and losses, W).

    ``stray`` is what the hottest inlets take in of exhaust above the hall's share. Returns the loadings of its flow,
    its coil and the racks' inlet, the flow that its loop sees (W/K), the air that is supplied (degC), and the rise from
    there to what the racks give back (K).
    """
    sec = a.sec[j]
    wx = (1.0 - sec[RECIRCULATION]) * w
    x_set = secondary_set_point(sec, y)
    wp = valve(sec, heat, heat + pump_power(sec, w), w, x_set, y)
    rise = q / wx
    most = sec[W_PER_HEAT] * heat / sec[W_MAX]
    exchanged = q / max(1.0, exchange(sec, w, wp) * (x_set - y + rise))
    allowed = sec[INLET_MAX] - x_set
    warmed = 2.0 if allowed <= 0.0 else (sec[RECIRCULATION] + stray) * rise / allowed
    return most, exchanged, warmed, wp, x_set, rise


@fused
def steady_chain(
    a: Arrays, h: int, it: float, mechanical: float, carried: np.ndarray
) -> tuple[float, float, float]:  # fmt: skip
    """Output of each element of the hall's chain into ``carried`` (element, W).

    Returns the power into its top, the losses to the hall air and to the electrical room, W.
    """
    flow = it
    hall = 0.0
    room = 0.0
    for e in range(a.hall_element[h], a.hall_element[h + 1]):
        if e == a.hall_mechanical[h]:
            flow += mechanical
        carried[e] = flow
        into = element_input(a.element[e], flow)
        if a.element_sink[e] == HALL:
            hall += into - flow
        elif a.element_sink[e] == ROOM:
            room += into - flow
        flow = into
    return flow, hall, room
