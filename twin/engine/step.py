"""The fused loop: a block of steps of one *island* (halls and loops that share water) in a single compiled call.

Order of a step, after ``twin.engine.hall`` and ``twin.cooling.plant``:

1. rack power from utilisation; flows that follow it; exchangers; the halls' electrical chains; affine sums
2. each facility loop: its supply ``y`` by set point, saturation or pass-through, tried in that order, with the modes of its
   secondary loops (a fixed number of passes; Newton on a monotone, piecewise-affine sum ends in a few)
3. racks, tanks, plant; accumulators; the energy ledger

Islands are independent, so they run on any number of threads with the same result.
"""

from __future__ import annotations

from math import exp

import numpy as np

from twin.cooling.plant import capacity, operate, set_point
from twin.core.columns import Elm, Fac, Group, Sec
from twin.core.integrate import phi1
from twin.core.jit import kernel
from twin.core.variables import rows, slot
from twin.engine.hall import (
    APPROACH,
    C_RETURN,
    C_SUPPLY,
    LAG,
    RECIRCULATION,
    SET,
    SET_MAX,
    SET_MODE,
    SHUT_MODE,
    chain,
    choose_mode,
    close_loop,
    exchange,
    flow_for,
    group_affine,
    group_coefficients,
    primary_for,
    pump_power,
    response,
)
from twin.racks.kernel import KNOT_S, fill_noise, heat_pass, power_pass, running_max

LOOP_PASSES = 12

P0, P1, P2, COUNT = int(Group.P0), int(Group.P1), int(Group.P2), int(Group.COUNT)
LIQUID_SHARE, NOISE, MAIN_NODE = int(Group.LIQUID_SHARE), int(Group.NOISE), int(Group.MAIN_NODE)
C_PLATE, C_BODY, ROW = int(Group.C_PLATE), int(Group.C_BODY), int(Group.P0)
CP, CP_PRIMARY = int(Sec.CP), int(Sec.CP_PRIMARY)
F_W_MAX, F_W_MIN, F_C_RETURN, F_C_SUPPLY = int(Fac.W_MAX), int(Fac.W_MIN), int(Fac.C_RETURN), int(Fac.C_SUPPLY)
F_PUMP_1, F_PUMP_3, F_CP, F_C_BASIN = int(Fac.PUMP_1), int(Fac.PUMP_3), int(Fac.CP), int(Fac.C_BASIN)
LIMIT = int(Elm.LIMIT)

H_IT, H_POWER, H_MECHANICAL = slot("hall_it_power"), slot("hall_power"), slot("hall_mechanical_power")
H_LOSS, H_LIQUID, H_AIR = slot("hall_electrical_loss"), slot("hall_liquid_heat"), slot("hall_air_heat")
H_USED, H_INLET = slot("hall_utilization"), slot("hall_rack_inlet_temperature")
H_RETURN, H_SUPPLY = slot("hall_return_temperature"), slot("hall_liquid_supply_temperature")
H_UNMET, H_ON, H_TMAX = slot("hall_unmet_share"), slot("hall_energised_share"), slot("hall_rack_temperature_maximum")
H_INLET_MAX = slot("hall_rack_inlet_temperature_maximum")
C_HEAT, C_SUP, C_RET = slot("cdu_heat"), slot("cdu_supply_temperature"), slot("cdu_return_temperature")
C_FLOW, C_PRIMARY, C_PUMP, C_UNMET = (
    slot("cdu_flow"),
    slot("cdu_primary_flow"),
    slot("cdu_pump_power"),
    slot("cdu_unmet_share"),
)
L_SUPPLY, L_RETURN, L_SET = slot("fws_supply_temperature"), slot("fws_return_temperature"), slot("fws_set_temperature")
L_FLOW, L_PUMP, L_HEAT, L_CAP = slot("fws_flow"), slot("fws_pump_power"), slot("plant_heat"), slot("plant_capacity")
L_ECO, L_CHILLER, L_FAN = slot("plant_economizer_heat"), slot("plant_chiller_power"), slot("plant_fan_power")
L_POWER, L_REJECTED, L_CW = slot("plant_power"), slot("plant_rejected_heat"), slot("plant_condenser_temperature")
L_WATER, L_UNMET, L_ON = slot("plant_water_flow"), slot("plant_unmet_share"), slot("plant_energised_share")
E_POWER, E_LOSS, E_MAX = slot("element_power"), slot("element_loss"), slot("element_loading_maximum")
R_POWER, R_TEMP, R_MAX = slot("rack_power"), slot("rack_temperature"), slot("rack_temperature_maximum")

N_MEAN_HALL, N_MEAN_CDU = len(rows("hall", "mean")), len(rows("cdu", "mean"))
N_MEAN_LOOP, N_MEAN_ELEMENT, N_MEAN_RACK = len(rows("loop", "mean")), len(rows("element", "mean")), len(rows("rack", "mean"))

# Ledger columns, J per step: heat and losses to the outdoors, stored, sum of |C dT|.
OUTWARD, STORED, GROSS = 0, 1, 2


@kernel
def wander(a, state, island: int, seed: int, t0: float, t1: float) -> float:
    """Prepare the racks' wander for a step and return the interpolation weight of its middle.

    The wander is piecewise linear between knots every ``KNOT_S`` seconds; a step across knots takes its exact mean.
    """
    k0 = int(np.floor(t0 / KNOT_S))
    k1 = int(np.floor((t1 - 1e-6) / KNOT_S))
    key = k0 if k0 == k1 else -2 - k0
    fresh = state.knot[island] != key
    state.knot[island] = key
    for n in range(a.island_ptr[island], a.island_ptr[island + 1]):
        h = a.island_hall[n]
        for g in range(a.hall_group[h], a.hall_group[h + 1]):
            scale = a.group[g, NOISE]
            if scale == 0.0:
                continue
            i, j = a.group_rack[g], a.group_rack[g + 1]
            za, zb = state.noise_a[i:j], state.noise_b[i:j]
            if k0 == k1:
                if fresh:
                    fill_noise(za, i, scale, seed, k0)
                    fill_noise(zb, i, scale, seed, k0 + 1)
            else:
                _mean_wander(za, zb, i, scale, seed, t0, t1, k0, k1)
    return 0.5 * (t0 + t1) / KNOT_S - k0 if k0 == k1 else 0.0


@kernel
def _mean_wander(za, zb, first: int, scale: float, seed: int, t0: float, t1: float, k0: int, k1: int) -> None:
    za[:] = 0.0
    for k in range(k0, k1 + 2):
        # Weight of knot k: the integral of its hat function over the step.
        weight = _hat_integral(k, t0, t1) / (t1 - t0)
        fill_noise(zb, first, scale * weight, seed, k)
        for i in range(za.shape[0]):
            za[i] += zb[i]
    zb[:] = za


@kernel
def _hat_integral(k: int, t0: float, t1: float) -> float:
    centre = float(k) * KNOT_S
    total = 0.0
    lo, hi = max(t0, centre - KNOT_S), min(t1, centre)
    if hi > lo:
        total += (hi - lo) * (1.0 - (centre - 0.5 * (lo + hi)) / KNOT_S)
    lo, hi = max(t0, centre), min(t1, centre + KNOT_S)
    if hi > lo:
        total += (hi - lo) * (1.0 - (0.5 * (lo + hi) - centre) / KNOT_S)
    return total


@kernel
def _rack_power(a, state, s, h: int, f: float, curves: np.ndarray) -> tuple[float, float]:
    """Power of every rack of a hall: (sum of AC power in W, sum of utilisations)."""
    total = 0.0
    used = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        i, j = a.group_rack[g], a.group_rack[g + 1]
        row = a.group[g]
        power, u = power_pass(
            s.power[i:j], state.offset[i:j], state.noise_a[i:j], state.noise_b[i:j], f, curves[a.group_curve[g]],
            row[P0], row[P1], row[P2],
        )  # fmt: skip
        s.group_power[g] = power
        total += power
        used += u
    return total, used


@kernel
def _flows(a, state, s, h: int, dt: float, y_set: np.ndarray) -> float:
    """Flows and set points of a hall's secondary loops; returns pump and fan power (W)."""
    first, last = a.hall_sec[h], a.hall_sec[h + 1]
    for j in range(first, last):
        s.source[j] = 0.0
        s.slope[j] = 0.0
        s.heat[j] = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        liquid = a.group[g, LIQUID_SHARE] * s.group_power[g]
        if a.group_liquid[g] >= 0:
            s.heat[a.group_liquid[g]] += liquid
        s.heat[a.group_air[g]] += s.group_power[g] - liquid
    power = 0.0
    for j in range(first, last):
        sec = a.sec[j]
        target = flow_for(sec, s.heat[j])
        z = dt / sec[LAG] if sec[LAG] > 0.0 else 1e9
        s.w[j] = target + (state.sec_flow[j] - target) * phi1(z)
        state.sec_flow[j] = target + (state.sec_flow[j] - target) * exp(-z)
        s.wp[j] = primary_for(sec, s.heat[j])
        s.pump[j] = pump_power(sec, s.w[j])
        power += s.pump[j]
        y = y_set[a.sec_fac[j]]
        s.set_point[j] = min(max(sec[SET_MAX], sec[SET]), max(sec[SET], y + sec[APPROACH]))
    return power


@kernel
def _prepare_hall(a, state, s, h: int, dt: float, it: float, mechanical: float) -> tuple[float, float]:
    """Chain, exchangers and affine sums of a hall: (power into its chain, loss that goes outdoors), W."""
    top, to_hall, to_room, outdoors = chain(a, s, h, it, mechanical)
    first, last = a.hall_sec[h], a.hall_sec[h + 1]
    air = last - 1
    s.fac_direct[a.sec_fac[air]] += to_room
    s.source[air] += to_hall
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        group_coefficients(a, s, g, dt)
        group_affine(a, state, s, g)
    for j in range(first, last):
        s.source[j] += s.pump[j]
        s.k[j] = exchange(a.sec[j], s.w[j], s.wp[j])
        close_loop(a, state, s, j, dt)
    return top, outdoors


@kernel
def _loop_heat(a, state, s, f: int, on: np.ndarray, island: int, y: float, change: bool) -> tuple[float, float, int]:
    """Heat that the secondary loops give to facility loop ``f`` at ``y``: (Q, dQ/dy, modes changed)."""
    q = s.fac_direct[f]
    slope = 0.0
    changed = 0
    for n in range(a.island_ptr[island], a.island_ptr[island + 1]):
        h = a.island_hall[n]
        if on[h] == 0:
            continue
        for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
            if a.sec_fac[j] != f:
                continue
            if change:
                mode = choose_mode(a, state, s, j, y)
                changed += mode != s.mode[j]
                s.mode[j] = mode
            dq, ds, _ = response(a, state, s, j, y, s.mode[j])
            q += dq
            slope += ds
    return q, slope, changed


@kernel
def _solve_loop(
    a, state, s, f: int, on: np.ndarray, island: int, dt: float, y_set: float, t_db: float, t_wb: float, p: float
) -> tuple[float, float, float, float, float, bool]:
    """Supply of a facility loop: (y, heat from the halls, mean return, leaving the plant, plant capacity, missed)."""
    fac = a.fac[f]
    w = s.fac_w[f]
    psi = phi1(w * dt / fac[F_C_SUPPLY])
    phi = phi1(w * dt / fac[F_C_RETURN])
    s0, r0 = state.fac_supply[f], state.fac_return[f]
    y = (1.0 - psi) * y_set + psi * s0
    q, _, _ = _loop_heat(a, state, s, f, on, island, y, True)
    back = (1.0 - phi) * (y + q / w) + phi * r0
    cap_a, cap_b = capacity(fac, a.rejection[f], w, y_set, back, state.condenser[f], state.basin[f], dt, t_db, t_wb, p)
    cap = max(0.0, cap_a + cap_b * back)
    need = w * (back - y_set)
    if 0.0 <= need <= cap:
        return y, q, back, y_set, cap, False
    shut = need < 0.0
    # The plant takes a + b T_ret (or nothing): y follows from one linear equation per set of modes.
    a_, b_ = (0.0, 0.0) if shut else (cap_a, cap_b)
    for _ in range(LOOP_PASSES):
        q0, slope, _ = _loop_heat(a, state, s, f, on, island, y, False)
        q0 -= slope * y
        # back = m0 + m1 y;  leaving = back (1 - b/w) - a/w
        m0 = (1.0 - phi) * q0 / w + phi * r0
        m1 = (1.0 - phi) * (1.0 + slope / w)
        keep = (1.0 - psi) * (1.0 - b_ / w)
        d = 1.0 - keep * m1
        y = s0 if d < 1e-12 else (keep * m0 - (1.0 - psi) * a_ / w + psi * s0) / d
        _, _, changed = _loop_heat(a, state, s, f, on, island, y, True)
        if changed == 0:
            break
    q, _, _ = _loop_heat(a, state, s, f, on, island, y, False)
    back = (1.0 - phi) * (y + q / w) + phi * r0
    leaving = back - (a_ + b_ * back) / w
    return y, q, back, leaving, max(0.0, cap_a + cap_b * back), not shut


@kernel
def _step_racks(a, state, s, out, h: int, dt: float, record: bool, ledger: np.ndarray) -> tuple[float, float]:
    """Both nodes of every rack of a hall, with the inlets known: (liquid heat, air heat), W."""
    liquid = 0.0
    air = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        i, j = a.group_rack[g], a.group_rack[g + 1]
        row = a.group[g]
        x = s.inlet[a.group_liquid[g]] if a.group_liquid[g] >= 0 else 0.0
        m = s.matrix[g]
        q_l, q_a, sum_p, sum_b = heat_pass(
            s.power[i:j], state.t_plate[i:j], state.t_body[i:j], row[:ROW], m[0], m[1], m[2],
            s.g_plate[g], x, s.inlet[a.group_air[g]], dt,
        )  # fmt: skip
        stored_p = row[C_PLATE] * (sum_p - state.sum_plate[g])
        stored_b = row[C_BODY] * (sum_b - state.sum_body[g])
        ledger[STORED] += stored_p + stored_b
        ledger[GROSS] += abs(stored_p) + abs(stored_b)
        state.sum_plate[g] = sum_p
        state.sum_body[g] = sum_b
        liquid += q_l
        air += q_a
        watched = state.t_plate[i:j] if row[MAIN_NODE] == 1.0 else state.t_body[i:j]
        running_max(s.peak[i:j], watched)
        if record:
            for r in range(i, j):
                out.rack[r, R_POWER] += s.power[r] * dt
                out.rack[r, R_TEMP] += watched[r - i] * dt
    return liquid, air


@kernel
def _tank(t0: float, t_in: float, t_mean: float, w: float, c: float, dt: float, ledger: np.ndarray) -> float:
    """End temperature of a flow tank from its mean flux; books what it stored."""
    t1 = t0 + w * dt / c * (t_in - t_mean)
    stored = c * (t1 - t0)
    ledger[STORED] += stored
    ledger[GROSS] += abs(stored)
    return t1


@kernel
def _finish_sec(a, state, s, out, j: int, y: float, dt: float, ledger: np.ndarray) -> float:
    """Inlet, tanks and accumulators of a secondary loop at the facility supply ``y``; returns its heat (W)."""
    sec = a.sec[j]
    rho, w = sec[RECIRCULATION], s.w[j]
    q, _, x = response(a, state, s, j, y, s.mode[j])
    back = s.r0[j] + s.r1[j] * x
    inlet = (1.0 - rho) * x + rho * back
    wx = (1.0 - rho) * w
    leaving = back - q / wx if wx > 0.0 else back
    mixed = inlet + (s.source[j] - s.slope[j] * inlet) / w if w > 0.0 else back
    state.sec_return[j] = _tank(state.sec_return[j], mixed, back, w, sec[C_RETURN], dt, ledger)
    state.sec_supply[j] = _tank(state.sec_supply[j], leaving, x, wx, sec[C_SUPPLY], dt, ledger)
    s.supply[j], s.back[j], s.inlet[j], s.heat[j] = x, back, inlet, q
    row = out.cdu[j]
    row[C_HEAT] += q * dt
    row[C_SUP] += x * dt
    row[C_RET] += back * dt
    row[C_FLOW] += w / sec[CP] * dt
    row[C_PRIMARY] += s.wp[j] / sec[CP_PRIMARY] * dt
    row[C_PUMP] += s.pump[j] * dt
    if s.mode[j] != SET_MODE and s.mode[j] != SHUT_MODE:
        row[C_UNMET] += dt
    return q


@kernel
def _finish_loop(
    a, state, s, out, f: int, solved: tuple[float, float, float, float, float, bool], y_set: float, dt: float,
    t_db: float, t_wb: float, p: float, ledger: np.ndarray,
) -> float:
    """Plant, tanks and accumulators of a facility loop; returns its electrical power, loop pump included (W)."""
    y, q, back, leaving, cap, missed = solved
    fac = a.fac[f]
    w = s.fac_w[f]
    state.fac_return[f] = _tank(state.fac_return[f], y + q / w, back, w, fac[F_C_RETURN], dt, ledger)
    state.fac_supply[f] = _tank(state.fac_supply[f], leaving, y, w, fac[F_C_SUPPLY], dt, ledger)
    taken = w * (back - leaving)
    t_cw, end, eco, chiller, fan, condenser_pump, rejected, water = operate(
        fac, a.rejection[f], w, taken, back, leaving, state.condenser[f], state.basin[f], dt, t_db, t_wb, p
    )
    stored = fac[F_C_BASIN] * (end - state.basin[f])
    ledger[STORED] += stored
    ledger[GROSS] += abs(stored)
    state.basin[f] = end
    state.condenser[f] = t_cw
    pump = loop_pump(fac, w)
    plant = chiller + fan + condenser_pump + pump
    ledger[OUTWARD] += (rejected + fan) * dt
    row = out.loop[f]
    row[L_SUPPLY] += y * dt
    row[L_RETURN] += back * dt
    row[L_SET] += y_set * dt
    row[L_FLOW] += w / fac[F_CP] * dt
    row[L_PUMP] += pump * dt
    row[L_HEAT] += taken * dt
    row[L_CAP] += cap * dt
    row[L_ECO] += eco * dt
    row[L_CHILLER] += chiller * dt
    row[L_FAN] += fan * dt
    row[L_POWER] += plant * dt
    row[L_REJECTED] += rejected * dt
    row[L_CW] += t_cw * dt
    row[L_WATER] += water * dt
    row[L_UNMET] += dt if missed else 0.0
    row[L_ON] += dt
    return plant


@kernel
def loop_pump(fac: np.ndarray, w: float) -> float:
    """Facility-water pump power in W: part of the head does not fall with flow."""
    x = w / fac[F_W_MAX]
    return x * (fac[F_PUMP_1] + fac[F_PUMP_3] * x * x)


@kernel
def _hall_row(a, s, out, h: int, dt: float, it: float, used: float, top: float, mechanical: float, heat: tuple[float, float]) -> None:
    row = out.hall[h]
    first, air = a.hall_sec[h], a.hall_sec[h + 1] - 1
    count = a.group_rack[a.hall_group[h + 1]] - a.group_rack[a.hall_group[h]]
    row[H_IT] += it * dt
    row[H_POWER] += top * dt
    row[H_MECHANICAL] += mechanical * dt
    row[H_LOSS] += (top - it - mechanical) * dt
    row[H_LIQUID] += heat[0] * dt
    row[H_AIR] += s.heat[air] * dt
    row[H_USED] += used / count * dt
    row[H_INLET] += s.inlet[air] * dt
    row[H_RETURN] += s.back[air] * dt
    row[H_ON] += dt
    unmet = False
    supply = 0.0
    for j in range(first, air):
        supply += s.supply[j] / (air - first)
        unmet = unmet or s.mode[j] == 1
    row[H_SUPPLY] += supply * dt
    row[H_UNMET] += dt if unmet or s.mode[air] == 1 else 0.0
    row[H_INLET_MAX] = max(row[H_INLET_MAX], s.inlet[air])
    for e in range(a.hall_element[h], a.hall_element[h + 1]):
        cell = out.element[e]
        cell[E_POWER] += s.element_out[e] * dt
        cell[E_LOSS] += (s.element_in[e] - s.element_out[e]) * dt
        if a.element[e, LIMIT] > 0.0:
            cell[E_MAX] = max(cell[E_MAX], s.element_out[e] / a.element[e, LIMIT])


@kernel
def flush(acc: np.ndarray, into: np.ndarray, means: int, first: int, last: int, elapsed: float) -> None:
    """Write accumulators of rows ``first .. last`` as an interval (means divided by its length) and clear them."""
    for i in range(first, last):
        for v in range(acc.shape[1]):
            into[i, v] = acc[i, v] / elapsed if v < means else acc[i, v]
            acc[i, v] = 0.0


@kernel
def _flush_island(a, s, out, island: int, on: np.ndarray, interval: int, elapsed: float, record: bool) -> None:
    for n in range(a.island_ptr[island], a.island_ptr[island + 1]):
        h = a.island_hall[n]
        first, last = a.group_rack[a.hall_group[h]], a.group_rack[a.hall_group[h + 1]]
        out.hall[h, H_TMAX] = s.peak[first:last].max() if on[h] != 0 else np.nan
        flush(out.hall, out.hall_rows[interval], N_MEAN_HALL, h, h + 1, elapsed)
        flush(out.cdu, out.cdu_rows[interval], N_MEAN_CDU, a.hall_sec[h], a.hall_sec[h + 1], elapsed)
        flush(
            out.element, out.element_rows[interval], N_MEAN_ELEMENT, a.hall_element[h], a.hall_element[h + 1], elapsed
        )
        if record:
            out.rack[first:last, R_MAX] = s.peak[first:last]
            flush(out.rack, out.rack_rows[interval], N_MEAN_RACK, first, last, elapsed)
        s.peak[first:last] = -1e300
    for n in range(a.island_fac_ptr[island], a.island_fac_ptr[island + 1]):
        f = a.island_fac[n]
        flush(out.loop, out.loop_rows[interval], N_MEAN_LOOP, f, f + 1, elapsed)


@kernel
def run_island(
    a, state, s, out, island: int, seed: int, on: np.ndarray, t_end: np.ndarray, dts: np.ndarray, closes: np.ndarray,
    interval_s: float, weather: np.ndarray, curves: np.ndarray, port_power: np.ndarray, ledger: np.ndarray, record: bool,
) -> None:
    """Advance an island over a block.

    ``on`` (hall) energised; ``t_end, dts`` (step) s; ``closes`` (step) output interval that ends here, else -1; ``weather``
    (step, 3) dry bulb, wet bulb, pressure; ``curves`` (step, curve) utilisation. Writes ``port_power`` (step, port) W and
    ``ledger`` (step, island, 3) J, and adds to the accumulators in ``out``.
    """
    y_set = np.zeros(a.fac.shape[0])
    facs = a.island_fac[a.island_fac_ptr[island] : a.island_fac_ptr[island + 1]]
    halls = a.island_hall[a.island_ptr[island] : a.island_ptr[island + 1]]
    n_hall = a.hall_group.shape[0] - 1
    its, useds, tops = np.zeros(n_hall), np.zeros(n_hall), np.zeros(n_hall)
    mechanicals = np.zeros(n_hall)
    for n in range(t_end.shape[0]):
        dt = dts[n]
        t_db, t_wb, p = weather[n, 0], weather[n, 1], weather[n, 2]
        book = ledger[n, island]
        f_noise = wander(a, state, island, seed, t_end[n] - dt, t_end[n])
        for f in facs:
            y_set[f] = set_point(a.fac[f], t_db, t_wb)
            s.fac_w[f] = 0.0
            s.fac_direct[f] = 0.0
        for h in halls:
            if on[h] == 0:
                continue
            its[h], useds[h] = _rack_power(a, state, s, h, f_noise, curves[n])
            mechanicals[h] = _flows(a, state, s, h, dt, y_set)
            for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
                s.fac_w[a.sec_fac[j]] += s.wp[j]
        for h in halls:
            if on[h] == 0:
                continue
            for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
                # More asked for than the loop pumps: every branch gets its share.
                f = a.sec_fac[j]
                s.wp[j] *= min(1.0, a.fac[f, F_W_MAX] / s.fac_w[f])
            tops[h], outdoors = _prepare_hall(a, state, s, h, dt, its[h], mechanicals[h])
            port_power[n, h] = tops[h]
            book[OUTWARD] += outdoors * dt
        for f in facs:
            if s.fac_w[f] <= 0.0:
                continue
            s.fac_w[f] = min(a.fac[f, F_W_MAX], max(a.fac[f, F_W_MIN], s.fac_w[f]))
            s.fac_direct[f] += loop_pump(a.fac[f], s.fac_w[f])
            solved = _solve_loop(a, state, s, f, on, island, dt, y_set[f], t_db, t_wb, p)
            for h in halls:
                if on[h] != 0:
                    for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
                        if a.sec_fac[j] == f:
                            _finish_sec(a, state, s, out, j, solved[0], dt, book)
            port_power[n, n_hall + f] = _finish_loop(
                a, state, s, out, f, solved, y_set[f], dt, t_db, t_wb, p, book
            )
        for h in halls:
            if on[h] != 0:
                heat = _step_racks(a, state, s, out, h, dt, record, book)
                _hall_row(a, s, out, h, dt, its[h], useds[h], tops[h], mechanicals[h], heat)
        if closes[n] >= 0:
            _flush_island(a, s, out, island, on, closes[n], interval_s, record)
