"""The plant of a facility-water loop: rejection bank, condenser water with its basin, economiser, chillers that trim.

Equations (q heat from the facility water, W its capacity rate, W_c that of the condenser water, k and T_r of the
bank)::

    T_in  = T_cw + Q_rej/W_c,   Q_rej = q + P_chiller + P_condenser_pump
    bank  : T_out = T_in - k/W_c (T_in - T_r)
    basin : T_cw = (1 - phi) T_out + phi T_b0        ->  T_cw = A + B Q_rej   (affine, no iteration)
    economiser q_e = eps W (T_ret - T_cw),  chillers take q - q_e

Free cooling modulates the fans until the economiser carries exactly ``q``; else the fans run at full air flow, which
keeps the lift low, and the chillers trim. Passes are fixed in number: the basin's balance closes for whatever they
end at. The heat that the plant could take is affine in the return temperature, ``q_max = a + b T_ret``.
"""

from __future__ import annotations

import numpy as np

from twin.cooling.chiller import bank_power, cop_full
from twin.cooling.rejection import bound_reject
from twin.core.columns import Fac
from twin.core.integrate import phi1
from twin.core.jit import kernel
from twin.core.root import illinois

reject_any = bound_reject()

FAN_FIT_FROM = 0.2
FAN_PASSES = 20
FAN_CLOSE_K = 1e-3
CHILLER_PASSES = 4

SET = int(Fac.SET)
RESET_ON, RESET_APPROACH, SET_MAX = int(Fac.RESET_ON), int(Fac.RESET_APPROACH), int(Fac.SET_MAX)
ECONOMIZER, CHILLERS, CHILLER_UNIT = int(Fac.ECONOMIZER), int(Fac.CHILLERS), int(Fac.CHILLER_UNIT)
ETA, DELTA, LIFT_MIN = int(Fac.ETA), int(Fac.DELTA), int(Fac.LIFT_MIN)
W_CONDENSER, CONDENSER_PUMP, C_BASIN = int(Fac.W_CONDENSER), int(Fac.CONDENSER_PUMP), int(Fac.C_BASIN)
CONDENSER_MAX, FAN, FAN_MIN, REJECTION = int(Fac.CONDENSER_MAX), int(Fac.FAN), int(Fac.FAN_MIN), int(Fac.REJECTION)


@kernel
def set_point(fac: np.ndarray, t_db: float, t_wb: float) -> float:
    """Set point of the facility supply, with its weather reset."""
    on = fac[RESET_ON]
    if on == 0.0:
        return fac[SET]
    outdoor = t_db if on == 1.0 else t_wb
    return min(fac[SET_MAX], max(fac[SET], outdoor + fac[RESET_APPROACH]))


@kernel
def fan_power(fac: np.ndarray, fan: float) -> float:
    """Fan power of the bank at an air-flow fraction; below the lowest speed fans cycle."""
    low = fac[FAN_MIN]
    if fan <= 0.0:
        return 0.0
    x = max(fan, low)
    share = 1.0 if low <= 0.0 or fan >= low else fan / low
    # The fitted cubic is negative below 0.15: from where the fit ends, power falls by the fan law.
    fitted = max(x, FAN_FIT_FROM)
    fall = x / fitted
    power = -0.00932 + fitted * (0.05123 + fitted * (-0.08384 + fitted * 1.04192))
    return share * fac[FAN] * power * fall * fall * fall


@kernel
def condenser_flow(fac: np.ndarray, w: float) -> float:
    """Capacity rate through the bank, W/K: its own circuit, or the facility water itself."""
    return fac[W_CONDENSER] if fac[W_CONDENSER] > 0.0 else w


@kernel
def _leaving(
    fac: np.ndarray,
    row: np.ndarray,
    fan: float,
    w_c: float,
    q_rej: float,
    guess: float,
    basin: float,
    phi: float,
    t_db: float,
    t_wb: float,
    p: float,
) -> tuple[float, float, float, float]:
    """Step-mean condenser water leaving the basin, the bank's ``k/W_c``, its reference and its water per joule."""
    k, t_ref, water = reject_any(int(fac[REJECTION]), row, fan, w_c, guess + q_rej / w_c, t_db, t_wb, p)
    share = k / w_c
    keep = 1.0 - phi
    t_cw = (keep * ((1.0 - share) * q_rej / w_c + share * t_ref) + phi * basin) / (1.0 - keep * (1.0 - share))
    return t_cw, share, t_ref, water


@kernel
def _bank(
    fac: np.ndarray,
    row: np.ndarray,
    w_c: float,
    t_in: float,
    basin: float,
    phi: float,
    t_db: float,
    t_wb: float,
    p: float,
) -> tuple[float, float]:
    """``base, slope`` of the condenser water leaving the basin at full air flow, ``base + slope Q_rej``."""
    k, t_ref, _ = reject_any(int(fac[REJECTION]), row, 1.0, w_c, t_in, t_db, t_wb, p)
    keep = 1.0 - phi
    share = k / w_c
    d = 1.0 - keep * (1.0 - share)
    return (keep * share * t_ref + phi * basin) / d, keep * (1.0 - share) / w_c / d


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
) -> tuple[float, float]:
    """``a, b`` of the heat that the plant can take with full fans and all chillers, ``a + b T_ret`` (W).

    Machines trip on condenser pressure: no more heat than the bank sheds with the highest condenser water.
    """
    w_c = condenser_flow(fac, w)
    if w <= 0.0 or w_c <= 0.0:
        return 0.0, 0.0
    phi = phi1(w_c * dt / fac[C_BASIN])
    eps_w = fac[ECONOMIZER] * w
    pump = fac[CONDENSER_PUMP]
    q_ch = fac[CHILLERS] * fac[CHILLER_UNIT]
    if q_ch > 0.0:
        base, slope = _bank(fac, row, w_c, fac[CONDENSER_MAX], basin, phi, t_db, t_wb, p)
        most = max(0.0, (fac[CONDENSER_MAX] - base) / (slope + 1.0 / w_c))
        q_e = max(0.0, eps_w * (t_ret - base - slope * most))
        cop = cop_full(supply, fac[CONDENSER_MAX], fac[ETA], fac[DELTA], fac[LIFT_MIN])
        full = q_ch
        for _ in range(CHILLER_PASSES):
            if q_ch > 0.0:
                per_heat = 1.0 + bank_power(q_ch, fac[CHILLER_UNIT], fac[CHILLERS], cop) / q_ch
                q_ch = min(full, max(0.0, (most - q_e - pump) / per_heat))
    extra = pump
    t_in = guess + (q_ch + extra) / w_c
    t_cw, slope, base = guess, 0.0, 0.0
    for _ in range(CHILLER_PASSES):
        base, slope = _bank(fac, row, w_c, t_in, basin, phi, t_db, t_wb, p)
        # Eliminated, not iterated: the economiser can move t_cw by more than it was moved by (eps_w slope > 1).
        t_cw = base + slope * (q_ch + extra)
        if t_cw < t_ret:
            t_cw = (t_cw + slope * eps_w * t_ret) / (1.0 + slope * eps_w)
        t_in = t_cw + (q_ch + max(0.0, eps_w * (t_ret - t_cw)) + extra) / w_c
        if q_ch > 0.0:
            cop = cop_full(supply, t_in, fac[ETA], fac[DELTA], fac[LIFT_MIN])
            extra = pump + bank_power(q_ch, fac[CHILLER_UNIT], fac[CHILLERS], cop)
    if eps_w * (t_ret - t_cw) <= 0.0:
        return q_ch, 0.0
    d = 1.0 + eps_w * slope
    return (q_ch - eps_w * (base + slope * extra)) / d, eps_w / d


@kernel
def _free_fan(
    fac: np.ndarray,
    row: np.ndarray,
    w_c: float,
    q_rej: float,
    target: float,
    basin: float,
    phi: float,
    t_db: float,
    t_wb: float,
    p: float,
) -> float:
    """Air-flow fraction at which the condenser water leaves at ``target``; it falls as the fan rises.

    Regula falsi with the Illinois weight; six passes reach 1e-3 K over the shipped banks.
    """
    low, high = 0.0, 1.0
    # Signed so that they rise with the fan.
    g_low = target - _leaving(fac, row, low, w_c, q_rej, target, basin, phi, t_db, t_wb, p)[0]
    g_high = target - _leaving(fac, row, high, w_c, q_rej, target, basin, phi, t_db, t_wb, p)[0]
    if g_low >= 0.0:
        return 0.0
    if g_high <= 0.0:
        return 1.0
    fan = 1.0
    side = 0
    for _ in range(FAN_PASSES):
        fan = low - g_low * (high - low) / (g_high - g_low)
        g = target - _leaving(fac, row, fan, w_c, q_rej, target, basin, phi, t_db, t_wb, p)[0]
        if abs(g) < FAN_CLOSE_K:
            break
        low, g_low, high, g_high, side = illinois(low, g_low, high, g_high, fan, g, side)
    return fan


@kernel
def operate(
    fac: np.ndarray,
    row: np.ndarray,
    w: float,
    q: float,
    t_ret: float,
    supply: float,
    guess: float,
    basin: float,
    dt: float,
    t_db: float,
    t_wb: float,
    p: float,
) -> tuple[float, float, float, float, float, float, float, float]:
    """Run the plant for a step that takes ``q`` watts from the facility water.

    Returns step-mean condenser water and end basin (degC), economiser heat, chiller, fan and condenser-pump power and
    rejected heat (W), make-up water (kg/s).
    """
    w_c = condenser_flow(fac, w)
    if w_c <= 0.0 or q <= 0.0:
        return guess, basin, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    phi = phi1(w_c * dt / fac[C_BASIN])
    eps_w = fac[ECONOMIZER] * w
    pump = fac[CONDENSER_PUMP]
    fan, chiller, economizer = 1.0, 0.0, q
    t_cw = guess
    for _ in range(2):
        t_cw, _, _, _ = _leaving(fac, row, 1.0, w_c, q + pump, t_cw, basin, phi, t_db, t_wb, p)
    if fac[CHILLERS] <= 0.0 or eps_w * (t_ret - t_cw) >= q:
        target = t_ret - q / eps_w
        fan = _free_fan(fac, row, w_c, q + pump, target, basin, phi, t_db, t_wb, p)
        t_cw = target
    else:
        for _ in range(CHILLER_PASSES):
            economizer = min(q, max(0.0, eps_w * (t_ret - t_cw)))
            cop = cop_full(supply, t_cw + (q + chiller + pump) / w_c, fac[ETA], fac[DELTA], fac[LIFT_MIN])
            chiller = bank_power(q - economizer, fac[CHILLER_UNIT], fac[CHILLERS], cop)
            t_cw, _, _, _ = _leaving(fac, row, 1.0, w_c, q + chiller + pump, t_cw, basin, phi, t_db, t_wb, p)
    q_rej = q + chiller + pump
    t_cw, share, t_ref, water = _leaving(fac, row, fan, w_c, q_rej, t_cw, basin, phi, t_db, t_wb, p)
    rejected = w_c * share * (t_cw + q_rej / w_c - t_ref)
    end = basin + dt / fac[C_BASIN] * (q_rej - rejected)
    return t_cw, end, economizer, chiller, fan_power(fac, fan), pump, rejected, max(0.0, water * rejected)
