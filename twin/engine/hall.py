"""Kernels of a hall: flows, exchangers, the electrical chain, and the affine form of its secondary loops.

With flows held over a step, the racks behind a secondary loop give ``Q = S0 - S1 u`` at the inlet ``u``; the return
tank and the recirculation turn that into ``T_ret = R0 + R1 x`` of the supply ``x``, and the exchanger closes the loop::

    set      T_l = x_set                          valve trims: the duty needed is within reach
    open     T_l = T_ret - e (T_ret - y)          saturated: set point missed
    shut     T_l = T_ret                          return already below the set point
    supply   x = (1 - psi) (kappa T_l + (1 - kappa) T_ret) + psi T_s0
    inlet    u = (1 - rho) x + rho T_ret          of racks on average; ``twin.engine.zones`` has how they differ

where ``kappa`` is 1 unless the air handlers bring less than the racks' own fans draw: room air goes through the cold
aisle for the rest. A share ``b`` of what the handlers move may pass no rack: it cools the return at the coil, and
``k = eps C_min`` counts as ``k/(1 + k b/W)`` per kelvin of the racks' return, ``W`` what reaches the racks.

So ``x`` and the duty are affine in the facility supply ``y`` in each mode.
"""

from __future__ import annotations

from math import exp

import numpy as np

from twin.cooling.exchanger import conductance, transfer
from twin.core.columns import Elm, Group, Mode, Sec, Sink
from twin.core.integrate import phi1, two_nodes
from twin.core.jit import constant, inner
from twin.engine.arrays import Scratch, State
from twin.power.loss import input_power
from twin.site.plan import Arrays

W_MAX, W_MIN, WP_MAX, WP_MIN = int(Sec.W_MAX), int(Sec.W_MIN), int(Sec.WP_MAX), int(Sec.WP_MIN)
UA, N_SECONDARY, N_PRIMARY = int(Sec.UA), int(Sec.N_SECONDARY), int(Sec.N_PRIMARY)
C_RETURN, C_SUPPLY, PUMP_0 = int(Sec.C_RETURN), int(Sec.C_SUPPLY), int(Sec.PUMP_0)
RECIRCULATION, LAG, SET, SET_MAX = int(Sec.RECIRCULATION), int(Sec.LAG), int(Sec.SET), int(Sec.SET_MAX)
BYPASS, TO_OUTDOORS, MET = int(Sec.BYPASS), int(Sec.TO_OUTDOORS), int(Sec.MET)
APPROACH, W_PER_HEAT, WP_PER_HEAT = int(Sec.APPROACH), int(Sec.W_PER_HEAT), int(Sec.WP_PER_HEAT)
W_GROUPS, RUNNING = int(Sec.W_GROUPS), int(Sec.RUNNING)
LIQUID_SHARE, BODY_SHARE, AIR_SHARE = int(Group.LIQUID_SHARE), int(Group.BODY_SHARE), int(Group.AIR_SHARE)
C_PLATE, C_BODY = int(Group.C_PLATE), int(Group.C_BODY)
G_BODY_PLATE, G_BODY_AIR = int(Group.G_BODY_PLATE), int(Group.G_BODY_AIR)
G_UA, W_COOLANT, COUNT = int(Group.UA), int(Group.W_COOLANT), int(Group.COUNT)
MAIN_NODE, G_EXPONENT = int(Group.MAIN_NODE), int(Group.FLOW_EXPONENT)
RATED, LOSS_A, LOSS_B, LOSS_C = int(Elm.RATED), int(Elm.A), int(Elm.B), int(Elm.C)
SET_MODE, OPEN_MODE, SHUT_MODE = constant(Mode.SET), constant(Mode.OPEN), constant(Mode.SHUT)
ROOM, HALL = int(Sink.ELECTRICAL_ROOM), int(Sink.HALL)

VALVE_PASSES = 16
# The valve leads what is needed by 2 %, so that a rising load does not miss the set point for a step.
VALVE_MARGIN = 1.02


@inner
def liquid_fraction(row: np.ndarray) -> float:
    """Share of a group's power that ends in the coolant: a body on the plate gives its heat there too."""
    return row[LIQUID_SHARE] + (row[BODY_SHARE] if row[G_BODY_PLATE] > 0.0 else 0.0)


@inner
def flow_for(sec: np.ndarray, heat: float) -> float:
    """Capacity rate that the control asks for at a heat load (W/K)."""
    return min(sec[W_MAX], max(sec[W_MIN], sec[W_PER_HEAT] * heat))


@inner
def pumped(sec: np.ndarray, asked: float) -> float:
    """Capacity rate that the pumps or fans with a drive give of what is asked for (W/K)."""
    return min(asked, sec[W_MAX] * sec[RUNNING])


@inner
def secondary_set_point(sec: np.ndarray, y: float) -> float:
    """Set point of a secondary supply in degC: its own, raised with a facility supply ``y`` that is reset upward."""
    return min(max(sec[SET_MAX], sec[SET]), max(sec[SET], y + sec[APPROACH]))


@inner
def primary_for(sec: np.ndarray, heat: float) -> float:
    """Facility-water capacity rate that the control asks for at a heat load (W/K)."""
    return min(sec[WP_MAX], max(sec[WP_MIN], sec[WP_PER_HEAT] * heat))


@inner
def pump_power(sec: np.ndarray, w: float) -> float:
    """Pump or fan power at a capacity rate, W: a cubic in the flow fraction."""
    x = w / sec[W_MAX]
    return max(0.0, sec[PUMP_0] + x * (sec[PUMP_0 + 1] + x * (sec[PUMP_0 + 2] + x * sec[PUMP_0 + 3])))


@inner
def exchange(sec: np.ndarray, w: float, wp: float) -> float:
    """``eps C_min`` in W/K of a loop's exchanger at both flows, per kelvin of the racks' return."""
    wx = (1.0 - sec[RECIRCULATION]) * w
    if sec[W_MAX] <= 0.0 or wx <= 0.0:
        return 0.0
    ua = conductance(sec[UA], w / sec[W_MAX], sec[N_SECONDARY], wp / sec[WP_MAX], sec[N_PRIMARY])
    k = transfer(ua, wx / (1.0 - sec[BYPASS]), wp)
    return k / (1.0 + k * sec[BYPASS] / wx)


@inner
def valve(sec: np.ndarray, heat: float, duty: float, w: float, x_set: float, y: float) -> float:
    """Facility-water capacity rate (W/K): the design rise, opened further where the set point would be missed.

    ``duty`` is what the exchanger has to carry at the steady return ``x_set + duty/w`` against the facility set
    point ``y``.
    """
    wp = primary_for(sec, heat)
    wx = (1.0 - sec[RECIRCULATION]) * w
    if wx <= 0.0 or wp >= sec[WP_MAX]:
        return wp
    needed = VALVE_MARGIN * duty / (x_set - y + duty / wx)
    if exchange(sec, w, wp) >= needed:
        return wp
    low, high = wp, sec[WP_MAX]
    if exchange(sec, w, high) <= needed:
        return high
    for _ in range(VALVE_PASSES):
        mid = 0.5 * (low + high)
        if exchange(sec, w, mid) < needed:
            low = mid
        else:
            high = mid
    return high


@inner
def element_input(row: np.ndarray, flow: float) -> float:
    """Input of an element (W) that delivers ``flow``; one that feeds nothing yet is not energised and draws nothing."""
    return input_power(flow, row[RATED], row[LOSS_A], row[LOSS_B], row[LOSS_C]) if flow > 0.0 else 0.0


@inner
def chain(a: Arrays, s: Scratch, h: int, it: float, mechanical: float) -> tuple[float, float, float, float]:
    """Carry the hall's loads up its chain.

    Returns (power into the top of the chain, losses to the hall air, to the electrical room, to the outdoors), in W.
    """
    first, last = a.hall_element[h], a.hall_element[h + 1]
    flow = it
    hall = 0.0
    room = 0.0
    outdoors = 0.0
    for e in range(first, last):
        if e == a.hall_mechanical[h]:
            flow += mechanical
        row = a.element[e]
        into = element_input(row, flow)
        s.element_out[e] = flow
        s.element_in[e] = into
        sink = a.element_sink[e]
        if sink == HALL:
            hall += into - flow
        elif sink == ROOM:
            room += into - flow
        else:
            outdoors += into - flow
        flow = into
    return flow, hall, room, outdoors


@inner
def plate_conductance(row: np.ndarray, w: float) -> float:
    """Plate to coolant inlet, W/K, at a flow ``w`` > 0 of one rack: ``w (1 - e^{-UA/w})``, UA ~ (w/w_rated)^n.

    What does not hang on the flow, from the junction to the plate, is the junction's rise.
    """
    ua = row[G_UA]
    if row[G_EXPONENT] > 0.0:
        ua *= (w / row[W_COOLANT]) ** row[G_EXPONENT]
    return w * (1.0 - exp(-ua / w))


@inner
def group_coefficients(a: Arrays, s: Scratch, g: int, dt: float) -> None:
    """Conductance and response matrix of a group at the present flow; once per group of equal racks and step."""
    row = a.group[g]
    j = a.group_liquid[g]
    g_plate = 0.0
    if j >= 0:
        w = s.w[j] * row[W_COOLANT] / a.sec[j, W_GROUPS]
        if w > 0.0:
            g_plate = plate_conductance(row, w)
    s.g_plate[g] = g_plate
    s.matrix[g, 0], s.matrix[g, 1], s.matrix[g, 2] = two_nodes(
        dt, row[C_PLATE], row[C_BODY], g_plate, row[G_BODY_AIR], row[G_BODY_PLATE]
    )


@inner
def group_affine(a: Arrays, state: State, s: Scratch, g: int) -> None:
    """Add the group's heat to the affine sums of its coolant and air loops.

    The body never joins both sides (see ``twin.racks.rack``), so the coolant does not feel the air inlet. Racks that
    are slowed (``twin.engine.throttle``) draw less with every kelvin of the inlet that they watch.
    """
    row = a.group[g]
    n, power = row[COUNT], s.group_power[g]
    tp, tb = state.sum_plate[g], state.sum_body[g]
    g_p, g_a, g_pb = s.g_plate[g], row[G_BODY_AIR], row[G_BODY_PLATE]
    pp, pb, bb = s.matrix[g, 0], s.matrix[g, 1], s.matrix[g, 2]
    cross = g_pb * (tp - tb)
    f_p = row[LIQUID_SHARE] * power - g_p * tp - cross
    f_b = row[BODY_SHARE] * power - g_a * tb + cross
    j = a.group_liquid[g]
    if j >= 0:
        s.source[j] += g_p * (tp + pp * f_p + pb * f_b)
        s.slope[j] += n * g_p * (1.0 - g_p * pp)
    i = a.group_air[g]
    s.source[i] += g_a * (tb + bb * f_b + pb * f_p) + row[AIR_SHARE] * power
    s.slope[i] += n * g_a * (1.0 - g_a * bb)
    s.spread[i] += n * g_a * (1.0 - g_a * bb) * s.stray[g]
    if s.held_slope[g] > 0.0:
        plate = row[MAIN_NODE] == 1.0
        loop = j if plate else i
        gain = (
            g_p * (pp * row[LIQUID_SHARE] + pb * row[BODY_SHARE])
            if plate
            else (g_a * (bb * row[BODY_SHARE] + pb * row[LIQUID_SHARE]) + row[AIR_SHARE])
        )
        s.source[loop] += gain * s.held_slope[g] * s.held_at[g]
        s.slope[loop] += gain * s.held_slope[g]
        s.spread[loop] += 0.0 if plate else gain * s.held_slope[g] * s.stray[g]


@inner
def goes_round(sec: np.ndarray, w: float) -> float:
    """Share of the return in the racks' inlets; where air stands in a room that loses heat, racks see the room."""
    return 1.0 if w <= 0.0 and sec[TO_OUTDOORS] > 0.0 else sec[RECIRCULATION]


@inner
def close_loop(a: Arrays, state: State, s: Scratch, j: int, dt: float, t_out: float) -> None:
    """Return temperature of a secondary loop as ``R0 + R1 x``; its source already holds pump and losses."""
    sec = a.sec[j]
    w, g = s.w[j], sec[TO_OUTDOORS]
    rho = goes_round(sec, w)
    phi = phi1((w + g) * dt / sec[C_RETURN])
    r0 = phi * state.sec_return[j]
    r1 = 0.0
    apart = 0.0
    if g > 0.0:
        r0 += (1.0 - phi) * (s.source[j] + g * t_out) / (w + g)
        r1 = (1.0 - phi) * (w - s.slope[j]) / (w + g)
        apart = (1.0 - phi) * s.spread[j] / (w + g)
    elif w > 0.0:
        r0 += (1.0 - phi) * s.source[j] / w
        r1 = (1.0 - phi) * (1.0 - s.slope[j] / w)
        apart = (1.0 - phi) * s.spread[j] / w
    else:
        # The limit of the two: what the loop is given stays in its return.
        r0 += 0.5 * dt / sec[C_RETURN] * s.source[j]
        r1 = -0.5 * dt / sec[C_RETURN] * s.slope[j]
        apart = 0.5 * dt / sec[C_RETURN] * s.spread[j]
    d = 1.0 - r1 * rho + apart
    s.r0[j] = r0 / d
    s.r1[j] = (r1 * (1.0 - rho) + apart) / d
    s.psi[j] = phi1((1.0 - rho) * w * dt / sec[C_SUPPLY])


@inner
def response(a: Arrays, state: State, s: Scratch, j: int, y: float, mode: int) -> tuple[float, float, float]:
    """Heat to the facility water at the facility supply ``y`` in a mode: (q, dq/dy, supply x)."""
    wx = (1.0 - a.sec[j, RECIRCULATION]) * s.w[j]
    psi, r0, r1 = s.psi[j], s.r0[j], s.r1[j]
    keep = 1.0 - psi
    if mode == SET_MODE:
        brought = s.coil[j] / s.w[j] if s.w[j] > 0.0 else 1.0
        d = 1.0 - keep * (1.0 - brought) * r1
        if d < 1e-12:
            return 0.0, 0.0, state.sec_supply[j]
        x = (keep * (brought * s.set_point[j] + (1.0 - brought) * r0) + psi * state.sec_supply[j]) / d
        return wx * brought * (r0 + r1 * x - s.set_point[j]), 0.0, x
    e = s.k[j] / wx if (mode == OPEN_MODE and wx > 0.0) else 0.0
    d = 1.0 - keep * (1.0 - e) * r1
    if d < 1e-12:
        # No capacity and no sink: the loop stays where it is.
        return 0.0, 0.0, state.sec_supply[j]
    x = (keep * ((1.0 - e) * r0 + e * y) + psi * state.sec_supply[j]) / d
    dx = keep * e / d
    t_ret = r0 + r1 * x
    return wx * e * (t_ret - y), wx * e * (r1 * dx - 1.0), x


@inner
def choose_mode(a: Arrays, state: State, s: Scratch, j: int, y: float) -> int:
    """The mode that holds at ``y``: set point if in reach or measured, else open, else shut."""
    if a.sec[j, MET] > 0.0:
        return SET_MODE
    q, _, x = response(a, state, s, j, y, SET_MODE)
    if q < 0.0:
        return SHUT_MODE
    if q <= s.k[j] * (s.r0[j] + s.r1[j] * x - y):
        return SET_MODE
    q, _, _ = response(a, state, s, j, y, OPEN_MODE)
    return OPEN_MODE if q > 0.0 else SHUT_MODE
