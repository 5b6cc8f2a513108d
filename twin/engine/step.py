"""The fused loop: a block of steps of one *island* (halls and loops that share water) in a single compiled call.

Order of a step, after ``twin.engine.hall`` and ``twin.cooling.plant``:

1. rack power from utilisation; flows that follow it; exchangers
2. the halls' electrical chains; affine sums; each facility loop: its supply ``y`` by set point, saturation or
   pass-through, tried in that order, with the modes of its secondary loops (a fixed number of passes; Newton on a
   monotone, piecewise-affine sum ends in a few); again where racks are too hot (``twin.engine.throttle``)
3. racks, tanks, plant; accumulators; the energy ledger

Islands are independent, so they run on any number of threads with the same result.
"""

from __future__ import annotations

from math import exp

import numpy as np

from twin.cooling.plant import set_point
from twin.cooling.pump import COAST_DOWN_S, FRICTION, coast_down
from twin.core.columns import Fac, Group, Sec
from twin.core.integrate import phi1
from twin.core.jit import inner, kernel
from twin.engine.arrays import Out, Scratch, State
from twin.engine.book import GROSS, OUTWARD, R_POWER, R_TEMP, STORED, add_hall, flush_island
from twin.engine.hall import (
    LAG,
    TO_OUTDOORS,
    W_MAX,
    W_PER_HEAT,
    chain,
    close_loop,
    exchange,
    flow_for,
    group_affine,
    group_coefficients,
    liquid_fraction,
    pump_power,
    pumped,
    secondary_set_point,
    valve,
)
from twin.engine.loop import finish_loop, finish_sec, loop_most, loop_pump, prepare_loop, solve_loop, solve_sec
from twin.engine.losses import exchange_with_room, meets_room
from twin.engine.throttle import LOWER_PASSES, PASSES, SERVED, hold, lower
from twin.engine.trip import watch
from twin.engine.wander import wander
from twin.engine.zones import ZONES, advance_zones, air_inlet
from twin.racks.kernel import heat_pass, power_pass, running_max
from twin.site.plan import Arrays

P0, P1, P2 = int(Group.P0), int(Group.P1), int(Group.P2)
MAIN_NODE, C_PLATE, C_BODY, ROW = int(Group.MAIN_NODE), int(Group.C_PLATE), int(Group.C_BODY), int(Group.P0)
F_W_MAX, F_W_MIN, F_RUNNING = int(Fac.W_MAX), int(Fac.W_MIN), int(Fac.RUNNING)
RUNNING, OPEN, LEAKS, SET_OFFSET = int(Sec.RUNNING), int(Sec.OPEN), int(Sec.LEAKS), int(Sec.SET_OFFSET)
# What moves through a loop whose pumps stand, per its largest flow: by buoyancy, next to nothing (estimate).
LEAST_FLOW = 1e-4
# Fans that answer no sooner do not answer: their control has failed (``twin.engine.hold``).
HELD_S = 1e9


@inner
def _rack_power(a: Arrays, state: State, s: Scratch, h: int, f: float, curves: np.ndarray) -> tuple[float, float]:
    """Power of every rack of a hall: (sum of AC power in W, sum of utilisations)."""
    total = 0.0
    used = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        i, j = a.group_rack[g], a.group_rack[g + 1]
        row = a.group[g]
        if state.tripped_by[g] > 0:
            for r in range(i, j):
                s.power[r] = 0.0
            s.group_power[g], s.group_asked[g], s.held[g], s.held_slope[g] = 0.0, 0.0, 0, 0.0
            continue
        power, u = power_pass(
            s.power[i:j], state.offset[i:j], state.noise_a[i:j], state.noise_b[i:j], f, curves[a.group_curve[g]],
            row[P0], row[P1], row[P2],
        )  # fmt: skip
        s.group_power[g] = power
        s.group_asked[g] = power
        s.held[g] = 0
        s.held_slope[g] = 0.0
        total += power
        used += u
    return total, used


@inner
def _flows(a: Arrays, state: State, s: Scratch, h: int, dt: float, y_set: np.ndarray, t_out: float) -> float:
    """Flows and set points of a hall's secondary loops; returns pump and fan power (W)."""
    first, last = a.hall_sec[h], a.hall_sec[h + 1]
    for j in range(first, last):
        s.heat[j] = 0.0
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        liquid = liquid_fraction(a.group[g]) * s.group_power[g]
        if a.group_liquid[g] >= 0:
            s.heat[a.group_liquid[g]] += liquid
        s.heat[a.group_air[g]] += s.group_power[g] - liquid
    power = 0.0
    for j in range(first, last):
        sec = a.sec[j]
        s.asked_flow[j] = flow_for(sec, s.heat[j])
        target = pumped(sec, s.asked_flow[j])
        if sec[LEAKS] > 0.0:
            s.w[j], state.sec_flow[j], s.pump[j] = 0.0, 0.0, 0.0
        elif sec[RUNNING] > 0.0:
            z = dt / sec[LAG] if sec[LAG] > 0.0 else 1e9
            s.w[j] = target + (state.sec_flow[j] - target) * phi1(z)
            state.sec_flow[j] = target + (state.sec_flow[j] - target) * exp(-z)
            s.pump[j] = pump_power(sec, s.w[j])
        else:
            end, mean = coast_down(state.sec_flow[j] / sec[W_MAX], dt, COAST_DOWN_S, FRICTION)
            s.w[j], state.sec_flow[j], s.pump[j] = mean * sec[W_MAX], end * sec[W_MAX], 0.0
        power += s.pump[j]
        y = y_set[a.sec_fac[j]]
        s.set_point[j] = secondary_set_point(sec, y) + sec[SET_OFFSET]
        # Air warmed through the walls takes a wider open valve.
        duty = s.heat[j] + s.pump[j] + sec[TO_OUTDOORS] * max(0.0, t_out - state.sec_return[j])
        s.wp[j] = sec[OPEN] * valve(sec, s.heat[j], duty, s.w[j], s.set_point[j], y)
        s.coil[j] = s.w[j]
    air = last - 1
    asked = a.sec[air, W_PER_HEAT] * s.heat[air]
    s.asked_flow[air] = asked
    short = a.sec[air, RUNNING] <= 0.0 or asked > a.sec[air, W_MAX] or a.sec[air, LAG] >= HELD_S
    if short and s.coil[air] < asked:
        # The racks' own fans go on: what the air handlers do not bring, they draw from the room.
        s.w[air] = asked
    if a.sec[air, ZONES] > 0.0:
        advance_zones(a, state, s, h, dt)
    return power


@inner
def _assemble_hall(a: Arrays, state: State, s: Scratch, h: int, dt: float, t_out: float) -> None:
    """Chain and affine sums of a hall at the present power of its racks."""
    s.hall_top[h], to_hall, to_room, s.hall_outdoors[h] = chain(a, s, h, s.hall_it[h], s.hall_mechanical[h])
    first, last = a.hall_sec[h], a.hall_sec[h + 1]
    air = last - 1
    for j in range(first, last):
        s.source[j] = 0.0
        s.slope[j] = 0.0
        s.spread[j] = 0.0
    s.fac_direct[a.sec_fac[air]] += to_room
    s.source[air] += to_hall
    for g in range(a.hall_group[h], a.hall_group[h + 1]):
        group_affine(a, state, s, g)
    for j in range(first, last):
        s.source[j] += s.pump[j]
        close_loop(a, state, s, j, dt, t_out)


@inner
def _step_racks(
    a: Arrays, state: State, s: Scratch, out: Out, h: int, dt: float, record: bool, ledger: np.ndarray
) -> tuple[float, float]:
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
            s.g_plate[g], x, air_inlet(a, s, g), dt,
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


@inner
def _prepare(
    a: Arrays,
    state: State,
    s: Scratch,
    facs: np.ndarray,
    halls: np.ndarray,
    on: np.ndarray,
    dt: float,
    noise: float,
    curves: np.ndarray,
    t_out: float,
) -> None:
    """What is asked of an island's halls, and their flows, exchangers and racks' responses over the step."""
    for h in halls:
        if on[h] != 0:
            s.hall_it[h], s.hall_used[h] = _rack_power(a, state, s, h, noise, curves)
            s.hall_mechanical[h] = _flows(a, state, s, h, dt, s.fac_set, t_out)
            for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
                # A closed branch still counts as one: its loop stands in a hall that has power.
                s.fac_w[a.sec_fac[j]] += max(s.wp[j], LEAST_FLOW * a.fac[a.sec_fac[j], F_W_MAX])
    for f in facs:
        s.fac_most[f] = loop_most(a.fac[f])
        if a.fac[f, F_RUNNING] <= 0.0:
            end, mean = coast_down(state.fac_flow[f] / a.fac[f, F_W_MAX], dt, COAST_DOWN_S, FRICTION)
            s.fac_most[f] = max(mean, LEAST_FLOW) * a.fac[f, F_W_MAX]
            state.fac_flow[f] = end * a.fac[f, F_W_MAX]
    for h in halls:
        if on[h] != 0:
            for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
                # More asked for than the loop pumps: every branch gets its share.
                f = a.sec_fac[j]
                s.wp[j] *= min(1.0, s.fac_most[f] / s.fac_w[f])
                s.k[j] = exchange(a.sec[j], s.coil[j], s.wp[j])
            for g in range(a.hall_group[h], a.hall_group[h + 1]):
                group_coefficients(a, s, g, dt)


@inner
def _solve_once(
    a: Arrays,
    state: State,
    s: Scratch,
    facs: np.ndarray,
    halls: np.ndarray,
    on: np.ndarray,
    island: int,
    dt: float,
    air: np.ndarray,
) -> None:
    """Temperatures of an island at the present power of its racks, in ``s``; the state stays."""
    for f in facs:
        s.fac_direct[f] = 0.0
    for h in halls:
        if on[h] != 0:
            _assemble_hall(a, state, s, h, dt, air[0])
    for f in facs:
        if s.fac_w[f] > 0.0:
            s.fac_direct[f] += loop_pump(a.fac[f], s.fac_w[f])
            row = s.solved[f]
            row[0], row[1], row[2], row[3], row[4], row[5] = solve_loop(
                a, state, s, f, on, island, dt, s.fac_set[f], air[0], air[1], air[2]
            )
    for h in halls:
        if on[h] != 0:
            for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
                solve_sec(a, state, s, j, s.solved[a.sec_fac[j], 0])


@inner
def _solve(
    a: Arrays,
    state: State,
    s: Scratch,
    facs: np.ndarray,
    halls: np.ndarray,
    on: np.ndarray,
    island: int,
    dt: float,
    air: np.ndarray,
) -> None:
    """The same with the racks that would be too hot slowed: usually one pass, for none is."""
    for f in facs:
        if s.fac_w[f] > 0.0:
            s.fac_w[f] = min(s.fac_most[f], max(a.fac[f, F_W_MIN], s.fac_w[f]))
            if a.fac[f, F_RUNNING] > 0.0:
                state.fac_flow[f] = s.fac_w[f]
            prepare_loop(a, state, s, f, dt, air[0])
    _solve_once(a, state, s, facs, halls, on, island, dt, air)
    passes = 0
    while hold(a, state, s, halls, on, dt, False):
        _solve_once(a, state, s, facs, halls, on, island, dt, air)
        passes += 1
        if passes == PASSES:
            break
    if passes > 0:
        hold(a, state, s, halls, on, dt, True)
        _solve_once(a, state, s, facs, halls, on, island, dt, air)
        for _ in range(LOWER_PASSES):
            if not lower(a, state, s, halls, on, dt):
                break
            _solve_once(a, state, s, facs, halls, on, island, dt, air)


@inner
def _advance_loop(
    a: Arrays,
    state: State,
    s: Scratch,
    out: Out,
    f: int,
    halls: np.ndarray,
    on: np.ndarray,
    dt: float,
    air: np.ndarray,
    ledger: np.ndarray,
) -> float:
    """Step the secondary loops, tanks and plant of a solved facility loop; returns the plant's power (W)."""
    for h in halls:
        if on[h] != 0:
            for j in range(a.hall_sec[h], a.hall_sec[h + 1]):
                if a.sec_fac[j] == f:
                    finish_sec(a, state, s, out, j, dt, air[0], ledger)
    return finish_loop(a, state, s, out, f, s.solved[f], s.fac_set[f], dt, air[0], air[1], air[2], ledger)


@inner
def _advance_halls(
    a: Arrays, state: State, s: Scratch, out: Out, halls: np.ndarray, on: np.ndarray, t_end: float, dt: float,
    record: bool, ledger: np.ndarray,
) -> None:  # fmt: skip
    """Step the racks of an island's halls, watch them, and let what loses heat to its room do so."""
    for h in halls:
        if on[h] != 0:
            heat = _step_racks(a, state, s, out, h, dt, record, ledger)
            add_hall(a, s, out, h, dt, heat)
            watch(a, state, s, h, t_end, dt)
    for h in halls:
        if on[h] != 0 and meets_room(a.sec[a.hall_sec[h + 1] - 1]):
            exchange_with_room(a, state, s, h, dt, ledger)


@inner
def _pool_hit(a: Arrays, state: State, s: Scratch, halls: np.ndarray, on: np.ndarray, start: float) -> bool:
    """Whether racks that follow a pool are slowed, or have tripped since ``start`` (s)."""
    for h in halls:
        if on[h] != 0:
            for g in range(a.hall_group[h], a.hall_group[h + 1]):
                hit = s.held[g] != 0 or (state.tripped_by[g] > 0 and state.tripped_at[g] >= start)
                if hit and a.group[g, SERVED] != 0.0:
                    return True
    return False


@kernel
def run_island(
    a: Arrays,
    state: State,
    s: Scratch,
    out: Out,
    island: int,
    seed: int,
    on: np.ndarray,
    t_end: np.ndarray,
    dts: np.ndarray,
    closes: np.ndarray,
    interval_s: float,
    weather: np.ndarray,
    curves: np.ndarray,
    port_power: np.ndarray,
    ledger: np.ndarray,
    record: bool,
    meet: bool,
) -> int:
    """Advance an island over a block.

    ``on`` (hall) energised; ``t_end, dts`` (step) s; ``closes`` (step) output interval that ends here, else -1;
    ``weather`` (step, 3) dry bulb, wet bulb, pressure; ``curves`` (step, curve) utilisation. Writes ``port_power``
    (step, port) W and ``ledger`` (step, island, 3) J, and adds to the accumulators in ``out``.

    Returns the first step in which racks that follow a pool are slowed or trip, -1 for none. With ``meet``
    it ends there: what the pool serves then follows from what its racks draw, and the steps after it from that.
    """
    facs = a.island_fac[a.island_fac_ptr[island] : a.island_fac_ptr[island + 1]]
    halls = a.island_hall[a.island_ptr[island] : a.island_ptr[island + 1]]
    first_held = -1
    for n in range(t_end.shape[0]):
        dt, air, book = dts[n], weather[n], ledger[n, island]
        noise = wander(a, state, island, seed, t_end[n] - dt, t_end[n])
        for f in facs:
            s.fac_set[f] = set_point(a.fac[f], air[0], air[1])
            s.fac_w[f] = 0.0
        _prepare(a, state, s, facs, halls, on, dt, noise, curves[n], air[0])
        _solve(a, state, s, facs, halls, on, island, dt, air)
        for h in halls:
            if on[h] != 0:
                port_power[n, h] = s.hall_top[h]
                book[OUTWARD] += s.hall_outdoors[h] * dt
        for f in facs:
            if s.fac_w[f] > 0.0:
                port_power[n, on.shape[0] + f] = _advance_loop(a, state, s, out, f, halls, on, dt, air, book)
        _advance_halls(a, state, s, out, halls, on, t_end[n], dt, record, book)
        if closes[n] >= 0:
            flush_island(a, s, out, island, closes[n], interval_s, record)
        if first_held < 0 and _pool_hit(a, state, s, halls, on, t_end[n] - 1.5 * dt):
            first_held = n
            if meet:
                break
    return first_held
