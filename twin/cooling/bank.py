"""The rejection bank of a plant with its basin: leaving water, fans, pads, and the water they use.

Equations (T_b0 basin before the step, k and T_r of the bank, W_c condenser water)::

    T_in  = T_cw + Q_rej/W_c
    bank  : T_out = T_in - k/W_c (T_in - T_r)
    basin : T_cw = (1 - phi) T_out + phi T_b0        ->  T_cw = A + B Q_rej   (affine, no iteration)
    water : make-up = evaporation + blowdown + drift,  blowdown = max(0, evaporation/(cycles - 1) - drift)

Source: definition; fan curve and ledger of water: EnergyPlus engineering reference.
"""

from __future__ import annotations

import numpy as np

from twin.cooling.rejection import bound_reject
from twin.core.columns import Fac
from twin.core.jit import kernel
from twin.core.root import illinois

CP_WATER = 4185.0
FAN_FIT_FROM = 0.2
FAN_PASSES = 20
FAN_CLOSE_K = 1e-3
FAN_SPAN_K = 20.0

W_CONDENSER, REJECTION = int(Fac.W_CONDENSER), int(Fac.REJECTION)
FAN, FAN_MIN = int(Fac.FAN), int(Fac.FAN_MIN)
PAD_TRIGGER, PAD_FROST = int(Fac.PAD_TRIGGER), int(Fac.PAD_FROST)
BLOWDOWN, DRIFT = int(Fac.BLOWDOWN), int(Fac.DRIFT)
LOWEST, BASIN_HEATER = int(Fac.LOWEST_LEAVING), int(Fac.BASIN_HEATER)


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
def helped(fac: np.ndarray, t_db: float) -> float:
    """1 where pads may be wetted, 0 in frost or without pads."""
    return 1.0 if t_db >= fac[PAD_FROST] else 0.0


@kernel
def triggered(fac: np.ndarray, t_db: float) -> float:
    """1 where the outdoor temperature alone wets the pads."""
    return helped(fac, t_db) if t_db >= fac[PAD_TRIGGER] else 0.0


@kernel
def leaving(
    fac: np.ndarray,
    row: np.ndarray,
    fan: float,
    wet: float,
    w_c: float,
    q_rej: float,
    guess: float,
    basin: float,
    phi: float,
    t_db: float,
    t_wb: float,
    p: float,
) -> tuple[float, float, float, float]:
    """Step-mean condenser water leaving the basin, the bank's ``k/W_c``, its reference, evaporation per joule."""
    k, t_ref, water = reject_any(int(fac[REJECTION]), row, fan, wet, w_c, guess + q_rej / w_c, t_db, t_wb, p)
    share = k / w_c
    keep = 1.0 - phi
    t_cw = (keep * ((1.0 - share) * q_rej / w_c + share * t_ref) + phi * basin) / (1.0 - keep * (1.0 - share))
    return t_cw, share, t_ref, water


@kernel
def full_air(
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
    """``base, slope`` of the water leaving the basin with full fans and pads, ``base + slope Q_rej``."""
    k, t_ref, _ = reject_any(int(fac[REJECTION]), row, 1.0, helped(fac, t_db), w_c, t_in, t_db, t_wb, p)
    keep = 1.0 - phi
    share = k / w_c
    d = 1.0 - keep * (1.0 - share)
    return (keep * share * t_ref + phi * basin) / d, keep * (1.0 - share) / w_c / d


@kernel
def _short_of(
    fac: np.ndarray,
    row: np.ndarray,
    fan: float,
    wet: float,
    w_c: float,
    q_rej: float,
    target: float,
    basin: float,
    phi: float,
    t_db: float,
    t_wb: float,
    p: float,
) -> float:
    """How far below ``target`` the water leaves (K), rising with the fan; bounded, as it is endless without air."""
    t_cw = leaving(fac, row, fan, wet, w_c, q_rej, target, basin, phi, t_db, t_wb, p)[0]
    return max(-FAN_SPAN_K, min(FAN_SPAN_K, target - t_cw))


@kernel
def free_fan(
    fac: np.ndarray,
    row: np.ndarray,
    wet: float,
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

    Regula falsi with the Illinois weight; a dozen passes reach 1e-3 K over the shipped banks.
    """
    low, high = 0.0, 1.0
    g_low = _short_of(fac, row, low, wet, w_c, q_rej, target, basin, phi, t_db, t_wb, p)
    g_high = _short_of(fac, row, high, wet, w_c, q_rej, target, basin, phi, t_db, t_wb, p)
    if g_low >= 0.0:
        return 0.0
    if g_high <= 0.0:
        return 1.0
    fan = 1.0
    side = 0
    for _ in range(FAN_PASSES):
        fan = low - g_low * (high - low) / (g_high - g_low)
        g = _short_of(fac, row, fan, wet, w_c, q_rej, target, basin, phi, t_db, t_wb, p)
        if abs(g) < FAN_CLOSE_K:
            break
        low, g_low, high, g_high, side = illinois(low, g_low, high, g_high, fan, g, side)
    return fan


@kernel
def basin_heat(fac: np.ndarray, t_db: float) -> float:
    """Power in W of the heater that keeps an idle basin from freezing; it goes outdoors."""
    return fac[BASIN_HEATER] * max(0.0, fac[LOWEST] - t_db)


@kernel
def water_used(fac: np.ndarray, evaporated: float, w_c: float) -> tuple[float, float]:
    """Blowdown and drift in kg/s of a bank that evaporates ``evaporated`` kg/s of ``w_c`` (W/K) circulated."""
    drift = fac[DRIFT] * w_c / CP_WATER
    return max(0.0, evaporated * fac[BLOWDOWN] - drift), drift


# Last: the walk for the kinds imports the modules that import this one. Kernels look names up when they compile.
reject_any = bound_reject()
