"""A facility-water loop: its supply from set point, saturation or pass-through, and what it leaves behind in a step.

With the modes of the secondary loops held, their heat is affine in the facility supply ``y``; the plant is either at
its set point, or takes ``a + b T_ret``, or nothing. The three are tried in that order, the modes renewed after each
solution: the sum is monotone and piecewise affine, so a few passes end it, and their number is bounded.
"""

from __future__ import annotations

import numpy as np

from twin.cooling.machines import RUNNING, advance_clocks, startable
from twin.cooling.pipe import drawn, push
from twin.cooling.plant import capacity, operate
from twin.core.columns import Fac, Mode, Sec
from twin.core.jit import constant, inner
from twin.engine.arrays import Out, Scratch, State
from twin.engine.book import (
    C_FLOW,
    C_HEAT,
    C_PRIMARY,
    C_PUMP,
    C_RET,
    C_SUP,
    C_UNMET,
    GROSS,
    L_BEYOND,
    L_BLOWDOWN,
    L_CAP,
    L_CHILLER,
    L_CHILLERS,
    L_CW,
    L_DRIFT,
    L_ECO,
    L_EVAPORATED,
    L_FAN,
    L_FLOW,
    L_HEAT,
    L_ON,
    L_POWER,
    L_PUMP,
    L_REJECTED,
    L_RETURN,
    L_SET,
    L_SUPPLY,
    L_UNMET,
    L_WATER,
    OUTWARD,
    STORED,
    tank,
)
from twin.engine.hall import C_RETURN, C_SUPPLY, RECIRCULATION, TO_OUTDOORS, choose_mode, goes_round, response
from twin.engine.losses import basin_to_outdoors, header, header_loss, leaky_tank, pipes_to_outdoors
from twin.site.plan import Arrays

OPEN_MODE = int(Mode.OPEN)
LOOP_PASSES = 12
CAPACITY_PASSES = 3
CAPACITY_CLOSE = 1e-3
# Whether a pass renews the modes.
HOLD, RENEW = constant(0), constant(1)
CP, CP_PRIMARY = int(Sec.CP), int(Sec.CP_PRIMARY)
F_W_MAX, F_C_RETURN, F_C_SUPPLY = int(Fac.W_MAX), int(Fac.C_RETURN), int(Fac.C_SUPPLY)
F_C_PIPE, BACK, OUT = int(Fac.C_PIPE_RETURN), constant(0), constant(1)
F_RUNNING, F_CHILLERS, F_MET = int(Fac.RUNNING), int(Fac.CHILLERS), int(Fac.MET)
F_PUMP_1, F_PUMP_3, F_CP, F_C_BASIN = int(Fac.PUMP_1), int(Fac.PUMP_3), int(Fac.CP), int(Fac.C_BASIN)


@inner
def loop_most(fac: np.ndarray) -> float:
    """Largest capacity rate that the loop's pumps with a drive give, W/K."""
    return fac[F_W_MAX] * fac[F_RUNNING]


@inner
def loop_pump(fac: np.ndarray, w: float) -> float:
    """Facility-water pump power in W: part of the head does not fall with flow; none of pumps without a drive."""
    if fac[F_RUNNING] <= 0.0:
        return 0.0
    x = w / fac[F_W_MAX]
    return x * (fac[F_PUMP_1] + fac[F_PUMP_3] * x * x)


@inner
def _line(a: Arrays, state: State, s: Scratch, f: int, way: int, t0: float, dt: float, t_out: float) -> None:
    """Header (first on the way out, last on the way back) and pipe of a loop as one line, affine in its inlet."""
    w = s.fac_w[f]
    stays, stood = header(a.fac[f], way, w, t0, t_out, dt)
    if a.fac[f, F_C_PIPE + way] > 0.0:
        kept, old = drawn(state.pipe[f, way], w * dt)
        stood = (1.0 - kept) * stays * stood + kept * old if way == OUT else stays * stood + (1.0 - stays) * kept * old
        stays = 1.0 - (1.0 - kept) * (1.0 - stays)
        stood /= stays
    s.line[f, way, 0], s.line[f, way, 1] = stays, stood


@inner
def prepare_loop(a: Arrays, state: State, s: Scratch, f: int, dt: float, t_out: float) -> None:
    """How the water of a loop passes its lines in a step of flow ``fac_w``."""
    _line(a, state, s, f, BACK, state.fac_return[f], dt, t_out)
    _line(a, state, s, f, OUT, state.fac_supply[f], dt, t_out)


@inner
def _move(a: Arrays, state: State, s: Scratch, f: int, way: int, t_in: float, dt: float, ledger: np.ndarray) -> float:
    """Move a step's water at ``t_in`` through the pipe of a line; returns its mean at the far end."""
    if a.fac[f, F_C_PIPE + way] <= 0.0:
        return t_in
    moved = s.fac_w[f] * dt
    kept, old = drawn(state.pipe[f, way], moved)
    stored = push(state.pipe[f, way], moved, t_in)
    ledger[STORED] += stored
    ledger[GROSS] += abs(stored)
    return (1.0 - kept) * t_in + kept * old


@inner
def _move_water(
    a: Arrays,
    state: State,
    s: Scratch,
    f: int,
    y: float,
    warm: float,
    back: float,
    leaving: float,
    dt: float,
    t_out: float,
    ledger: np.ndarray,
) -> None:
    """Headers and pipes of a loop: ``warm`` from the halls to ``back`` at the plant, ``leaving`` it to ``y``."""
    w, fac = s.fac_w[f], a.fac[f]
    into = _move(a, state, s, f, BACK, warm, dt, ledger)
    lost = header_loss(fac, BACK)
    state.fac_return[f] = leaky_tank(state.fac_return[f], into, back, w, lost, t_out, fac[F_C_RETURN], dt, ledger)
    if fac[F_C_PIPE + OUT] > 0.0:
        psi, stood = header(fac, OUT, w, state.fac_supply[f], t_out, dt)
        y = (1.0 - psi) * leaving + psi * stood
        _move(a, state, s, f, OUT, y, dt, ledger)
    lost = header_loss(fac, OUT)
    state.fac_supply[f] = leaky_tank(state.fac_supply[f], leaving, y, w, lost, t_out, fac[F_C_SUPPLY], dt, ledger)
    pipes_to_outdoors(fac, state.pipe[f], t_out, dt, ledger)


@inner
def _loop_heat(
    a: Arrays, state: State, s: Scratch, f: int, on: np.ndarray, island: int, y: float, renew: int
) -> tuple[float, float, int]:
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
            if renew == RENEW:
                mode = choose_mode(a, state, s, j, y)
                changed += mode != s.mode[j]
                s.mode[j] = mode
            dq, ds, _ = response(a, state, s, j, y, s.mode[j])
            q += dq
            slope += ds
    return q, slope, changed


@inner
def solve_loop(
    a: Arrays,
    state: State,
    s: Scratch,
    f: int,
    on: np.ndarray,
    island: int,
    dt: float,
    y_set: float,
    t_db: float,
    t_wb: float,
    p: float,
) -> tuple[float, float, float, float, float, float]:
    """Supply of a facility loop: (y, heat from the halls, mean return, leaving the plant, plant capacity, 1 missed)."""
    fac = a.fac[f]
    w = s.fac_w[f]
    phi, r0 = s.line[f, BACK, 0], s.line[f, BACK, 1]
    psi, s0 = s.line[f, OUT, 0], s.line[f, OUT, 1]
    y = (1.0 - psi) * y_set + psi * s0
    q, _, _ = _loop_heat(a, state, s, f, on, island, y, RENEW)
    back = (1.0 - phi) * (y + q / w) + phi * r0
    every = count = fac[F_CHILLERS]
    cap_a, cap_b = capacity(
        fac, a.rejection[f], w, y_set, back, state.condenser[f], state.basin[f], dt, t_db, t_wb, p, every
    )
    cap = max(0.0, cap_a + cap_b * back)
    need = w * (back - y_set)
    ready = startable(fac, state.chillers[f], dt)
    if ready < every and need > cap * ready / every:
        # Not every machine carries load in this step. What a few can take is at least their part of it all.
        count = ready
        cap_a, cap_b = capacity(
            fac, a.rejection[f], w, y_set, back, state.condenser[f], state.basin[f], dt, t_db, t_wb, p, count
        )
    if need >= 0.0 and (fac[F_MET] > 0.0 or need <= max(0.0, cap_a + cap_b * back)):
        return y, q, back, y_set, cap, 0.0
    if need < 0.0:
        y, q, back = _unmet(a, state, s, f, on, island, y, phi, psi, 0.0, 0.0)
        return y, q, back, back, max(0.0, cap_a + cap_b * back), 0.0
    y, q, back = _unmet(a, state, s, f, on, island, y, phi, psi, cap_a, cap_b)
    for _ in range(CAPACITY_PASSES):
        # What the plant takes depends on the return that it leads to: at the first one it may have been nothing.
        took = cap_a + cap_b * back
        new_a, new_b = capacity(
            fac, a.rejection[f], w, y_set, back, state.condenser[f], state.basin[f], dt, t_db, t_wb, p, count
        )
        if abs(new_a + new_b * back - took) <= CAPACITY_CLOSE * abs(took):
            break
        cap_a, cap_b = new_a, new_b
        y, q, back = _unmet(a, state, s, f, on, island, y, phi, psi, cap_a, cap_b)
    leaving = back - (cap_a + cap_b * back) / w
    return y, q, back, leaving, max(0.0, cap_a + cap_b * back), 1.0


@inner
def _unmet(
    a: Arrays,
    state: State,
    s: Scratch,
    f: int,
    on: np.ndarray,
    island: int,
    y: float,
    phi: float,
    psi: float,
    cap_a: float,
    cap_b: float,
) -> tuple[float, float, float]:
    """Supply, heat from the halls and mean return of a loop whose plant takes ``cap_a + cap_b T_ret``.

    ``y`` follows from one linear equation per set of modes.
    """
    w, s0, r0 = s.fac_w[f], s.line[f, OUT, 1], s.line[f, BACK, 1]
    for _ in range(LOOP_PASSES):
        q0, slope, _ = _loop_heat(a, state, s, f, on, island, y, HOLD)
        q0 -= slope * y
        # back = m0 + m1 y;  leaving = back (1 - b/w) - a/w
        m0 = (1.0 - phi) * q0 / w + phi * r0
        m1 = (1.0 - phi) * (1.0 + slope / w)
        keep = (1.0 - psi) * (1.0 - cap_b / w)
        d = 1.0 - keep * m1
        y = s0 if d < 1e-12 else (keep * m0 - (1.0 - psi) * cap_a / w + psi * s0) / d
        _, _, changed = _loop_heat(a, state, s, f, on, island, y, RENEW)
        if changed == 0:
            break
    q, _, _ = _loop_heat(a, state, s, f, on, island, y, HOLD)
    return y, q, (1.0 - phi) * (y + q / w) + phi * r0


@inner
def solve_sec(a: Arrays, state: State, s: Scratch, j: int, y: float) -> None:
    """Supply, return, inlet and heat of a secondary loop at the facility supply ``y``."""
    rho = goes_round(a.sec[j], s.w[j])
    s.heat[j], _, s.supply[j] = response(a, state, s, j, y, s.mode[j])
    s.back[j] = s.r0[j] + s.r1[j] * s.supply[j]
    s.inlet[j] = (1.0 - rho) * s.supply[j] + rho * s.back[j]


@inner
def finish_sec(
    a: Arrays, state: State, s: Scratch, out: Out, j: int, dt: float, t_out: float, ledger: np.ndarray
) -> None:
    """Tanks and accumulators of a solved secondary loop."""
    sec = a.sec[j]
    rho, w = sec[RECIRCULATION], s.w[j]
    q, x, back, inlet = s.heat[j], s.supply[j], s.back[j], s.inlet[j]
    wx = (1.0 - rho) * w
    leaving = back - q / wx if wx > 0.0 else back
    gained = (w - s.slope[j]) * inlet + s.source[j] - s.spread[j] * (back - x) - w * back
    lost = sec[TO_OUTDOORS] * (back - t_out)
    ledger[OUTWARD] += lost * dt
    state.sec_return[j] = tank(state.sec_return[j], gained - lost, 0.0, 1.0, sec[C_RETURN], dt, ledger)
    state.sec_supply[j] = tank(state.sec_supply[j], leaving, x, wx, sec[C_SUPPLY], dt, ledger)
    row = out.cdu[j]
    row[C_HEAT] += q * dt
    row[C_SUP] += x * dt
    row[C_RET] += back * dt
    row[C_FLOW] += w / sec[CP] * dt
    row[C_PRIMARY] += s.wp[j] / sec[CP_PRIMARY] * dt
    row[C_PUMP] += s.pump[j] * dt
    if s.mode[j] == OPEN_MODE:
        row[C_UNMET] += dt


@inner
def finish_loop(
    a: Arrays,
    state: State,
    s: Scratch,
    out: Out,
    f: int,
    solved: np.ndarray,
    y_set: float,
    dt: float,
    t_db: float,
    t_wb: float,
    p: float,
    ledger: np.ndarray,
) -> float:
    """Plant, tanks and accumulators of a facility loop; returns its electrical power, loop pump included (W)."""
    y, q, back, leaving, cap, missed = solved[0], solved[1], solved[2], solved[3], solved[4], solved[5] > 0.0
    fac = a.fac[f]
    w = s.fac_w[f]
    _move_water(a, state, s, f, y, y + q / w, back, leaving, dt, t_db, ledger)
    taken = w * (back - leaving)
    clocks = state.chillers[f]
    run = operate(
        fac, a.rejection[f], w, taken, back, leaving, state.condenser[f], state.basin[f], dt, t_db, t_wb, p, clocks
    )
    # Where the set point is missed, every machine is called.
    advance_clocks(fac, clocks, fac[F_CHILLERS] if missed else run.wanted, dt)
    end = run.basin - basin_to_outdoors(fac, run.basin, t_db, dt, ledger)
    stored = fac[F_C_BASIN] * (end - state.basin[f])
    ledger[STORED] += stored
    ledger[GROSS] += abs(stored)
    state.basin[f] = end
    state.condenser[f] = run.condenser
    pump = loop_pump(fac, w)
    plant = run.chiller + run.fan + run.pump + pump
    ledger[OUTWARD] += (run.rejected + run.fan) * dt
    row = out.loop[f]
    row[L_SUPPLY] += y * dt
    row[L_RETURN] += back * dt
    row[L_SET] += y_set * dt
    row[L_FLOW] += w / fac[F_CP] * dt
    row[L_PUMP] += pump * dt
    row[L_HEAT] += taken * dt
    row[L_CAP] += cap * dt
    row[L_ECO] += run.economizer * dt
    row[L_CHILLER] += run.chiller * dt
    row[L_FAN] += run.fan * dt
    row[L_POWER] += plant * dt
    row[L_REJECTED] += run.rejected * dt
    row[L_CW] += run.condenser * dt
    row[L_WATER] += (run.evaporated + run.blowdown + run.drift) * dt
    row[L_EVAPORATED] += run.evaporated * dt
    row[L_BLOWDOWN] += run.blowdown * dt
    row[L_DRIFT] += run.drift * dt
    row[L_CHILLERS] += clocks[RUNNING] * dt
    row[L_BEYOND] += run.beyond * dt
    row[L_UNMET] += dt if missed else 0.0
    row[L_ON] += dt
    return plant
