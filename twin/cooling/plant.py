"""The plant of a facility-water loop: rejection bank, condenser water with its basin, economiser, chillers that trim.

Equations (q heat from the facility water, W its capacity rate, T_cw water leaving ``twin.cooling.bank``)::

    Q_rej = q + P_chiller + P_condenser_pump
    economiser q_e = eps W (T_ret - T_cw),  chillers take q - q_e

Free cooling modulates the fans until the economiser carries exactly ``q``; else the fans run at full air flow, which
keeps the lift low, and the chillers trim. Against frost no water colder than ``lowest_leaving_c`` is made: fans slow
down for it as well, and an idle basin is heated. Passes are fixed in number: the basin's balance closes for whatever
they end at. The heat that the plant could take is affine in the return temperature, ``q_max = a + b T_ret``.

Where the supply is measured (``MET``) the economiser carries ``q`` whatever its water is, and the basin goes after the
target of the readings: by a share ``dt/PACE_S`` of the way, or as fast as ``PACE_SHARE`` of its heat would take it. A
meter tells its steps at once; fans that followed in a step of 1 s would race at every digit of it (estimates).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from twin.cooling.bank import (
    basin_heat,
    condenser_flow,
    fan_power,
    free_fan,
    full_air,
    helped,
    leaving,
    triggered,
    water_used,
)
from twin.cooling.economizer import heat_rate
from twin.cooling.machines import bank_power, machine, staged_power, steady_count
from twin.cooling.machines import most as most_of
from twin.core.columns import Fac
from twin.core.integrate import phi1
from twin.core.jit import kernel

CHILLER_PASSES = 4
# How a basin goes after a supply that is measured: s, share of the heat that it is given.
PACE_S, PACE_SHARE = 60.0, 0.05

SET = int(Fac.SET)
RESET_ON, RESET_APPROACH, SET_MAX = int(Fac.RESET_ON), int(Fac.RESET_APPROACH), int(Fac.SET_MAX)
CHILLERS, CONDENSER_MAX = int(Fac.CHILLERS), int(Fac.CONDENSER_MAX)
CONDENSER_PUMP, C_BASIN = int(Fac.CONDENSER_PUMP), int(Fac.C_BASIN)
LOWEST, MET = int(Fac.LOWEST_LEAVING), int(Fac.MET)


class Operation(NamedTuple):
    """A step of a plant, step means: degC, W, kg/s; ``basin`` at its end."""

    condenser: float
    basin: float
    economizer: float
    chiller: float
    fan: float
    pump: float  # condenser water, or the basin heater while idle
    rejected: float
    evaporated: float
    blowdown: float
    drift: float
    wanted: float  # chillers that steady state calls for
    beyond: float  # 1: chillers run beyond the range of their set


@kernel
def set_point(fac: np.ndarray, t_db: float, t_wb: float) -> float:
    """Set point of the facility supply, with its weather reset."""
    on = fac[RESET_ON]
    if on == 0.0:
        return fac[SET]
    outdoor = t_db if on == 1.0 else t_wb
    return min(fac[SET_MAX], max(fac[SET], outdoor + fac[RESET_APPROACH]))


@kernel
def _condensable(
    fac: np.ndarray, supply: float, count: float, base: float, slope: float, w_c: float, eps_w: float, t_ret: float
) -> float:
    """Heat (W) that ``count`` chillers can take before they trip on condenser pressure."""
    hot = fac[CONDENSER_MAX]
    most = max(0.0, (hot - base) / (slope + 1.0 / w_c))
    q_e = max(0.0, eps_w * (t_ret - base - slope * most))
    t_in = min(hot, base + slope * most)
    unit, cop, _ = machine(fac, supply, t_in, hot)
    q_ch = full = count * most_of(fac, supply, t_in)
    for _ in range(CHILLER_PASSES):
        if q_ch > 0.0:
            per_heat = 1.0 + bank_power(fac, q_ch, unit, cop) / q_ch
            q_ch = min(full, max(0.0, (most - q_e - fac[CONDENSER_PUMP]) / per_heat))
    return q_ch


@kernel
def capacity(
    fac: np.ndarray,
    row: np.ndarray,
    w: float,
    supply: float,
    t_ret: float,
    guess: float,
    basin: float,
    dt: float,
    t_db: float,
    t_wb: float,
    p: float,
    count: float,
) -> tuple[float, float]:
    """``a, b`` of the heat that the plant can take with full fans and ``count`` chillers, ``a + b T_ret`` (W).

    Machines trip on condenser pressure: no more heat than the bank sheds with the highest condenser water.
    """
    w_c = condenser_flow(fac, w)
    if w <= 0.0 or w_c <= 0.0:
        return 0.0, 0.0
    phi = phi1(w_c * dt / fac[C_BASIN])
    eps_w = heat_rate(fac, w)
    pump = fac[CONDENSER_PUMP]
    q_most = 0.0
    if count > 0.0:
        base, slope = full_air(fac, row, w_c, fac[CONDENSER_MAX], basin, phi, t_db, t_wb, p)
        q_most = _condensable(fac, supply, count, base, slope, w_c, eps_w, t_ret)
    q_ch, extra = q_most, pump
    t_in = guess + (q_ch + extra) / w_c
    t_cw, slope, base = guess, 0.0, 0.0
    for _ in range(CHILLER_PASSES):
        base, slope = full_air(fac, row, w_c, t_in, basin, phi, t_db, t_wb, p)
        # Eliminated, not iterated: the economiser can move t_cw by more than it was moved by (eps_w slope > 1).
        t_cw = base + slope * (q_ch + extra)
        if t_cw < t_ret:
            t_cw = (t_cw + slope * eps_w * t_ret) / (1.0 + slope * eps_w)
        t_cw = max(t_cw, min(fac[LOWEST], t_ret))
        t_in = t_cw + (q_ch + max(0.0, eps_w * (t_ret - t_cw)) + extra) / w_c
        if q_most > 0.0:
            unit, cop, _ = machine(fac, supply, t_cw, t_in)
            q_ch = min(q_most, count * most_of(fac, supply, t_cw))
            extra = pump + bank_power(fac, q_ch, unit, cop)
    if eps_w * (t_ret - t_cw) <= 0.0:
        return q_ch, 0.0
    if t_cw <= fac[LOWEST]:
        return q_ch - eps_w * fac[LOWEST], eps_w
    d = 1.0 + eps_w * slope
    return (q_ch - eps_w * (base + slope * extra)) / d, eps_w / d


@kernel
def aimed_at(target: float, basin: float, z: float, phi: float) -> float:
    """Step mean of the condenser water at which fans aim so that the basin ends at ``target``, where it is colder.

    The mean of a tank that ends there: T_0 + r (target - T_0), r = (1 - phi1)/(z phi1), a half for short steps and 1
    for long ones. With the target itself as the mean, a basin that was too cold ended as much too warm: fans rang from
    step to step (14 kW about a mean of 8 in steps of 1 s) and took 40 % too much. A basin that is too warm is brought
    to the target on average: the economiser needs it.
    """
    if basin >= target:
        return target
    return basin + (1.0 - phi) / (z * phi) * (target - basin)


@kernel
def paced(aim: float, basin: float, q_rej: float, c_basin: float, dt: float) -> float:
    """Step mean of the condenser water on the way to ``aim`` where the supply is measured; ``aim`` for long steps."""
    if dt >= PACE_S:
        return aim
    gap = aim - basin
    # The end of a step is twice as far from its begin as the mean is.
    most = max(abs(gap) * dt / PACE_S, 0.5 * PACE_SHARE * q_rej * dt / c_basin)
    return basin + min(max(gap, -most), most)


@kernel
def operate(
    fac: np.ndarray, row: np.ndarray, w: float, q: float, t_ret: float, supply: float, guess: float, basin: float,
    dt: float, t_db: float, t_wb: float, p: float, clocks: np.ndarray,
) -> Operation:  # fmt: skip
    """Run the plant for a step that takes ``q`` watts from the facility water.

    ``clocks`` of the chillers (``twin.cooling.machines``); without any (length 0) the staging is steady.
    """
    w_c = condenser_flow(fac, w)
    if w_c <= 0.0 or q <= 0.0:
        heater = basin_heat(fac, t_db)
        return Operation(guess, basin, 0.0, 0.0, 0.0, heater, heater, 0.0, 0.0, 0.0, 0.0, 0.0)
    z = w_c * dt / fac[C_BASIN]
    phi = phi1(z)
    eps_w = heat_rate(fac, w)
    pump = fac[CONDENSER_PUMP]
    wet = triggered(fac, t_db)
    target = max(t_ret - q / eps_w, fac[LOWEST])
    aim, reach = aimed_at(target, basin, z, phi), phi
    if fac[MET] > 0.0:
        aim = paced(aim, basin, q + pump, fac[C_BASIN], dt)
        reach = phi1(w_c * max(dt, PACE_S) / fac[C_BASIN])
    t_cw = guess
    for _ in range(2):
        t_cw, _, _, _ = leaving(fac, row, 1.0, wet, w_c, q + pump, t_cw, basin, reach, t_db, t_wb, p)
    if t_cw > target and wet < helped(fac, t_db):
        # Dry coils alone do not reach it: the pads help below their trigger as well.
        wet = 1.0
        for _ in range(2):
            t_cw, _, _, _ = leaving(fac, row, 1.0, wet, w_c, q + pump, t_cw, basin, reach, t_db, t_wb, p)
    fan, chiller, economizer, wanted, beyond = 1.0, 0.0, q, 0.0, 0.0
    free = fac[CHILLERS] <= 0.0 or eps_w * (t_ret - max(t_cw, fac[LOWEST])) >= q * (1.0 - 1e-12)
    if free or t_cw < target:
        fan = free_fan(fac, row, wet, w_c, q + pump, aim, basin, phi, t_db, t_wb, p)
        t_cw = aim
    if not free:
        for _ in range(CHILLER_PASSES):
            economizer = min(q, max(0.0, eps_w * (t_ret - t_cw)))
            q_ch = q - economizer
            unit, cop, beyond = machine(fac, supply, t_cw, t_cw + (q + chiller + pump) / w_c)
            wanted = steady_count(fac, q_ch, unit)
            if len(clocks) > 0:
                chiller = staged_power(fac, clocks, q_ch, unit, cop, dt)
            else:
                chiller = bank_power(fac, q_ch, unit, cop)
            if fan < 1.0:
                fan = free_fan(fac, row, wet, w_c, q + chiller + pump, aim, basin, phi, t_db, t_wb, p)
            else:
                t_cw, _, _, _ = leaving(fac, row, 1.0, wet, w_c, q + chiller + pump, t_cw, basin, phi, t_db, t_wb, p)
    q_rej = q + chiller + pump
    t_cw, share, t_ref, water = leaving(fac, row, fan, wet, w_c, q_rej, t_cw, basin, phi, t_db, t_wb, p)
    rejected = w_c * share * (t_cw + q_rej / w_c - t_ref)
    end = basin + dt / fac[C_BASIN] * (q_rej - rejected)
    evaporated = max(0.0, water * rejected)
    blowdown, drift = water_used(fac, evaporated, w_c)
    return Operation(
        t_cw, end, economizer, chiller, fan_power(fac, fan), pump, rejected, evaporated, blowdown, drift, wanted, beyond
    )
