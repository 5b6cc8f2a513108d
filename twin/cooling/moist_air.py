"""Moist air: what towers, dry coolers, economisers and weather ask of humid air, as compiled scalar kernels.

Equations (T in K, t in degC, p in Pa, w in kg water per kg dry air):

- saturation over ice (-100..0.01 degC) and water (0.01..200 degC), Hyland-Wexler:
  ln p_ws = C1/T + C2 + C3 T + C4 T^2 + C5 T^3 + C6 T^4 + C7 ln T      (C6 only over ice)
- humidity ratio           w   = 0.621945 p_w / (p - p_w),  p_w = rh p_ws(t)
- enthalpy                 h   = 1000 (1.006 t + w (2501 + 1.86 t))                         J per kg dry air
- wet bulb t* >= 0, water  w (2501 + 1.86 t - 4.186 t*) = (2501 - 2.326 t*) w_s(t*) - 1.006 (t - t*)
- wet bulb t* < 0, ice     w (2830 + 1.86 t - 2.1 t*)   = (2830 - 0.24 t*) w_s(t*) - 1.006 (t - t*)
- density                  rho = (1 + w) p / (R_da T (1 + 1.607858 w)),  R_da = 287.042 J/(kg K)
- standard atmosphere      p   = 101325 (1 - 2.25577e-5 z)^5.2559,  z in m

Both residuals of the wet bulb are convex and rising in t*, so Newton from the upper end of the branch comes
down to the root without overshoot; a fixed number of steps serves the whole range and a clamp keeps it in the
branch. Just below 0 degC the two equations overlap: for some humidities there is one wet bulb with ice and
another with water. Here the bulb counts as wet (not icy) wherever the water equation has a solution: that is
the higher and, for free cooling, the cautious of the two, and the wet bulb never falls when the humidity
rises.

Valid: -60..60 degC, rh 1e-4..1 (clamped), 31..120 kPa. Relative humidity below 0 degC refers to ice. Source:
ASHRAE Handbook - Fundamentals (2017), chapter 1, equations 3, 5, 6, 20, 30, 33, 35; Hyland and Wexler, ASHRAE
Transactions 89(2A), 1983.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin.core.jit import allocating_kernel, kernel

ZERO_C = 273.15
TRIPLE_POINT_C = 0.01
MASS_RATIO = 0.621945
R_DRY_AIR = 287.042
MIN_RELATIVE_HUMIDITY = 1e-4
WET_BULB_STEPS = 8
DEW_POINT_STEPS = 5


@kernel
def _log_saturation(t_c: float) -> tuple[float, float]:
    """ln(p_ws / Pa) and its derivative in 1/K at ``t_c`` degC."""
    k = t_c + ZERO_C
    if t_c <= TRIPLE_POINT_C:
        value = (
            -5.6745359e3 / k
            + 6.3925247
            + k * (-9.677843e-3 + k * (6.2215701e-7 + k * (2.0747825e-9 + k * -9.484024e-13)))
            + 4.1635019 * math.log(k)
        )
        slope = (
            5.6745359e3 / k**2
            - 9.677843e-3
            + k * (2.0 * 6.2215701e-7 + k * (3.0 * 2.0747825e-9 + k * 4.0 * -9.484024e-13))
            + 4.1635019 / k
        )
        return value, slope
    value = (
        -5.8002206e3 / k
        + 1.3914993
        + k * (-4.8640239e-2 + k * (4.1764768e-5 + k * -1.4452093e-8))
        + 6.5459673 * math.log(k)
    )
    slope = 5.8002206e3 / k**2 - 4.8640239e-2 + k * (2.0 * 4.1764768e-5 + k * 3.0 * -1.4452093e-8) + 6.5459673 / k
    return value, slope


@kernel
def saturation_pressure(t_c: float) -> float:
    """Saturation pressure of water vapour in Pa at ``t_c`` degC (-100..200), over ice below 0.01 degC."""
    return math.exp(_log_saturation(t_c)[0])


@kernel
def humidity_ratio_of_vapour(p_w_pa: float, p_pa: float) -> float:
    """Humidity ratio in kg/kg from vapour pressure ``p_w_pa`` and total pressure ``p_pa``, both in Pa."""
    return MASS_RATIO * p_w_pa / (p_pa - p_w_pa)


@kernel
def humidity_ratio(t_db_c: float, rh: float, p_pa: float) -> float:
    """Humidity ratio in kg/kg at ``t_db_c`` degC, relative humidity ``rh`` 0..1 (clamped) and ``p_pa``."""
    return humidity_ratio_of_vapour(min(max(rh, 0.0), 1.0) * saturation_pressure(t_db_c), p_pa)


@kernel
def humidity_ratio_saturated(t_c: float, p_pa: float) -> float:
    """Humidity ratio in kg/kg of saturated air at ``t_c`` degC and ``p_pa`` Pa."""
    return humidity_ratio_of_vapour(saturation_pressure(t_c), p_pa)


@kernel
def humidity_ratio_from_wet_bulb(t_db_c: float, t_wb_c: float, p_pa: float) -> float:
    """Humidity ratio in kg/kg from dry and wet bulb in degC at ``p_pa`` Pa; never below 0."""
    w_s = humidity_ratio_saturated(t_wb_c, p_pa)
    sensible = 1.006 * (t_db_c - t_wb_c)
    if t_wb_c >= 0.0:
        w = ((2501.0 - 2.326 * t_wb_c) * w_s - sensible) / (2501.0 + 1.86 * t_db_c - 4.186 * t_wb_c)
    else:
        w = ((2830.0 - 0.24 * t_wb_c) * w_s - sensible) / (2830.0 + 1.86 * t_db_c - 2.1 * t_wb_c)
    return max(w, 0.0)


@kernel
def relative_humidity(t_db_c: float, w: float, p_pa: float) -> float:
    """Relative humidity (0..1, above 1 in fog) at ``t_db_c`` degC, humidity ratio ``w`` and ``p_pa`` Pa."""
    return p_pa * w / ((MASS_RATIO + w) * saturation_pressure(t_db_c))


@kernel
def relative_humidity_from_dew_point(t_db_c: float, t_dp_c: float) -> float:
    """Relative humidity (0..1) of air at ``t_db_c`` degC whose dew point is ``t_dp_c`` degC."""
    return math.exp(_log_saturation(t_dp_c)[0] - _log_saturation(t_db_c)[0])


@kernel
def enthalpy(t_c: float, w: float) -> float:
    """Enthalpy in J per kg dry air at ``t_c`` degC and humidity ratio ``w``; 0 for dry air at 0 degC."""
    return 1000.0 * (1.006 * t_c + w * (2501.0 + 1.86 * t_c))


@kernel
def enthalpy_saturated(t_c: float, p_pa: float) -> float:
    """Enthalpy in J per kg dry air of saturated air at ``t_c`` degC and ``p_pa`` Pa."""
    return enthalpy(t_c, humidity_ratio_saturated(t_c, p_pa))


@kernel
def dew_point(t_c: float, rh: float) -> float:
    """Dew point (frost point below 0.01 degC) in degC at ``t_c`` degC and ``rh`` (1e-4..1, clamped)."""
    target = _log_saturation(t_c)[0] + math.log(min(max(rh, MIN_RELATIVE_HUMIDITY), 1.0))
    t_dp = t_c
    for _ in range(DEW_POINT_STEPS):
        value, slope = _log_saturation(t_dp)
        # ln p is nearly straight in 1/T: the Newton step is taken there.
        k = t_dp + ZERO_C
        t_dp = k / (1.0 + (value - target) / (slope * k)) - ZERO_C
    return min(t_dp, t_c)


@kernel
def _wet_bulb_on_branch(
    start_c: float, t_db_c: float, w: float, p_pa: float, latent: float, liquid: float, vapour: float
) -> float:
    """Newton down from ``start_c``; ``latent``, ``liquid``, ``vapour``: of the water or the ice equation."""
    t = start_c
    for _ in range(WET_BULB_STEPS):
        log_p, slope = _log_saturation(t)
        p_ws = math.exp(log_p)
        w_s = humidity_ratio_of_vapour(p_ws, p_pa)
        dw_s = w_s * slope * p_pa / (p_pa - p_ws)
        vapour_heat = w * (latent + 1.86 * t_db_c - vapour * t)
        residual = (latent - liquid * t) * w_s - 1.006 * (t_db_c - t) - vapour_heat
        gradient = (latent - liquid * t) * dw_s - liquid * w_s + 1.006 + vapour * w
        t = min(t - residual / gradient, start_c)
    return t


@kernel
def wet_bulb(t_db_c: float, w: float, p_pa: float) -> float:
    """Thermodynamic wet bulb in degC at ``t_db_c`` degC, humidity ratio ``w`` kg/kg and ``p_pa`` Pa.

    Below saturation dew point <= wet bulb <= dry bulb; supersaturated air (fog) answers with its dry bulb.
    """
    if t_db_c >= 0.0 and w >= humidity_ratio_from_wet_bulb(t_db_c, 0.0, p_pa):
        return max(_wet_bulb_on_branch(t_db_c, t_db_c, w, p_pa, 2501.0, 2.326, 4.186), 0.0)
    return _wet_bulb_on_branch(min(t_db_c, 0.0), t_db_c, w, p_pa, 2830.0, 0.24, 2.1)


@kernel
def air_density(t_c: float, w: float, p_pa: float) -> float:
    """Density in kg of moist air per m3 at ``t_c`` degC, humidity ratio ``w`` kg/kg and ``p_pa`` Pa."""
    return (1.0 + w) * p_pa / (R_DRY_AIR * (t_c + ZERO_C) * (1.0 + 1.607858 * w))


@kernel
def moist_air_heat_capacity(w: float) -> float:
    """Heat capacity in J/K per kg **dry** air at humidity ratio ``w`` kg/kg."""
    return 1006.0 + 1860.0 * w


@kernel
def pressure_at_altitude(altitude_m: float) -> float:
    """Pressure of the standard atmosphere in Pa at ``altitude_m`` metres above sea level (-500..11000)."""
    return 101325.0 * (1.0 - 2.25577e-5 * altitude_m) ** 5.2559


@allocating_kernel
def wet_bulb_array(t_db: NDArray[np.float64], rh: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wet bulbs in degC for arrays ``(n,)`` of dry bulb degC, relative humidity 0..1 and pressure Pa."""
    out = np.empty(t_db.shape[0])
    for i in range(t_db.shape[0]):
        out[i] = wet_bulb(t_db[i], humidity_ratio(t_db[i], rh[i], p[i]), p[i])
    return out


@allocating_kernel
def humidity_ratio_array(
    t_db: NDArray[np.float64], rh: NDArray[np.float64], p: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Humidity ratios in kg/kg for arrays ``(n,)`` of dry bulb degC, relative humidity 0..1, pressure Pa."""
    out = np.empty(t_db.shape[0])
    for i in range(t_db.shape[0]):
        out[i] = humidity_ratio(t_db[i], rh[i], p[i])
    return out
