"""Open cooling tower by Merkel's theory as an effectiveness exchanger on the wet bulb.

Equations (f_a, f_w air and water flow per design flow, T_o leaving saturated air)::

    c_e  = (h_s(T_o) - h_s(T_wb)) / (T_o - T_wb)
    UA   = UA0 (1.3 f_a - 0.3 f_a^2)(0.1082 + 1.667 f_w - 0.7713 f_w^2)(1 + 0.0081 (T_wb0 - T_wb)) c_e/c_pa
    C_a  = m_a c_e,  counterflow eps,  q = eps C_min (T_w,in - T_wb),  T_o = T_wb + q/C_a
    m_a  = f_a m_a0 rho/rho_0: a fan moves a volume, cold dense air cools better and thin air at altitude worse
    evaporation = m_a (w_s(T_o) - w_in),  blowdown = evaporation/(cycles - 1) - drift

``T_o`` is found by a fixed number of passes (4 change T_w,out by less than 0.01 K more). Valid for wet bulbs from
-20 to 35 degC and any flow; the water factor is clamped to f_w in 0.25..1.08, the peak of its parabola.
Source: Merkel tower of the Modelica Buildings library and EnergyPlus engineering reference.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from twin.cooling.exchanger import counterflow
from twin.cooling.moist_air import (
    air_density,
    enthalpy_saturated,
    humidity_ratio_from_wet_bulb,
    humidity_ratio_saturated,
)
from twin.cooling.rejection import ROW, Rejection
from twin.core.columns import Fac
from twin.core.jit import kernel
from twin.core.params import Figure, Quantity, Share
from twin.core.units import KW

CP_AIR = 1006.0
PASSES = 4
SEA_LEVEL_PA = 101325.0
# Dry bulb above the wet bulb at the design point: it sets the density that the design air flow is stated at.
DESIGN_SPREAD_K = 8.0
# Saturated air is bounded below the boiling point at 4,000 m: past it, the enthalpy has a pole.
HOTTEST_AIR_C = 70.0


class Tower(Rejection):
    """Parameters of one cooling-tower cell."""

    KIND: ClassVar[str] = "tower"
    WET: ClassVar[bool] = True

    design_wet_bulb_c: Annotated[Figure, Quantity("degC", "design wet bulb", ge=5, le=35)]
    approach_k: Annotated[Figure, Quantity("K", "design approach to the wet bulb", gt=0.5, le=20)]
    range_k: Annotated[Figure, Quantity("K", "design cooling range", gt=0.5, le=30)]
    air_flow_kg_s: Annotated[Figure, Quantity("kg/s", "design dry-air flow", gt=0, le=10_000)]
    cycles_of_concentration: Annotated[Figure, Quantity("1", "minerals in the basin per make-up", gt=1.5, le=50)]
    drift_share: Annotated[Share, Quantity("1", "drift per circulated water", ge=0, le=0.01)]
    lowest_leaving_c: Annotated[Figure, Quantity("degC", "no colder water is made, against frost", ge=1, le=20)] = (
        Figure(value=4.5, low=4, high=7, source="prior: fans cycle and water bypasses the fill", confidence="estimate")
    )

    basin_heater_kw_k: Annotated[Figure, Quantity("kW/K", "idle basin, per K of frost limit over air", ge=0, le=50)] = (
        Figure(value=0.0, source="definition: none, the basin is drained", confidence="estimate")
    )

    def design_water_w_k(self) -> float:
        """Design capacity rate of the water through one cell, W/K."""
        return self.rated_kw.value * KW / self.range_k.value

    def design_leaving_c(self) -> float:
        """Water leaving at the design point, degC."""
        return self.design_wet_bulb_c.value + self.approach_k.value

    def rejection_row(self, count: int) -> list[float]:
        """Coefficients of ``count`` cells; UA0 closes the design point exactly."""
        wet_bulb, air = self.design_wet_bulb_c.value, self.air_flow_kg_s.value
        water, duty = self.design_water_w_k(), self.rated_kw.value * KW
        t_in = wet_bulb + self.approach_k.value + self.range_k.value
        ua0 = _design_ua(duty, water, air, t_in, wet_bulb)
        row = [ua0 * count, air * count, water * count, wet_bulb, design_density(wet_bulb)]
        return row + [0.0] * (ROW - len(row))

    def columns(self, count: int) -> dict[Fac, float]:
        """Frost and water: blowdown with drift keeps the cycles of concentration."""
        return {
            **super().columns(count),
            Fac.BASIN_HEATER: self.basin_heater_kw_k.value * KW * count,
            Fac.LOWEST_LEAVING: self.lowest_leaving_c.value,
            Fac.BLOWDOWN: 1.0 / (self.cycles_of_concentration.value - 1.0),
            Fac.DRIFT: self.drift_share.value,
        }


def design_density(wet_bulb: float) -> float:
    """Density in kg/m3 of the air at the design point, sea level."""
    t_db = wet_bulb + DESIGN_SPREAD_K
    return air_density(t_db, humidity_ratio_from_wet_bulb(t_db, wet_bulb, SEA_LEVEL_PA), SEA_LEVEL_PA)


def _design_ua(duty: float, water: float, air: float, t_in: float, wet_bulb: float) -> float:
    """UA0 in W/K for which the kernel rejects ``duty`` at full flows; bisection on a monotone function."""
    low, high = 1e-3 * water, 1e3 * water
    t_db = wet_bulb + DESIGN_SPREAD_K
    for _ in range(200):
        ua = (low * high) ** 0.5
        row = np.array([ua, air, water, wet_bulb, design_density(wet_bulb)] + [0.0] * (ROW - 5))
        k, t_ref, _ = reject(row, 1.0, 0.0, water, t_in, t_db, wet_bulb, SEA_LEVEL_PA)
        low, high = (ua, high) if k * (t_in - t_ref) < duty else (low, ua)
    if high > 0.99e3 * water:
        raise ValueError("no tower reaches this approach with this air flow: raise air_flow_kg_s or approach_k")
    return (low * high) ** 0.5


@kernel
def _air_factor(fan: float) -> float:
    return fan * (1.3 - 0.3 * fan)


@kernel
def _water_factor(f: float) -> float:
    g = min(1.08, max(0.25, f))
    return 0.1082 + g * (1.667 - 0.7713 * g)


@kernel
def reject(
    row: np.ndarray, fan: float, wet: float, water: float, t_in: float, t_db: float, t_wb: float, p: float
) -> tuple[float, float, float]:
    """See ``twin.cooling.rejection``."""
    if fan <= 0.0 or water <= 0.0:
        return 0.0, t_wb, 0.0
    w_in = humidity_ratio_from_wet_bulb(t_db, t_wb, p)
    m_air = row[1] * fan * air_density(t_db, w_in, p) / row[4]
    h_wb = enthalpy_saturated(t_wb, p)
    ua_base = row[0] * _air_factor(fan) * _water_factor(water / row[2]) * (1.0 + 0.0081 * (row[3] - t_wb)) / CP_AIR
    # A first guess half way to the water, then fixed passes.
    t_o = min(HOTTEST_AIR_C, t_wb + max(0.5, 0.5 * (t_in - t_wb)))
    k = 0.0
    for _ in range(PASSES):
        c_e = (enthalpy_saturated(t_o, p) - h_wb) / (t_o - t_wb)
        c_air = m_air * c_e
        c_min = min(c_air, water)
        k = counterflow(ua_base * c_e / c_min, c_min / max(c_air, water)) * c_min
        t_o = min(HOTTEST_AIR_C, t_wb + max(0.05, k * (t_in - t_wb) / c_air))
    q = k * (t_in - t_wb)
    if q < 1.0:
        # Below a watt for the whole bank, evaporation per heat has no meaning.
        return k, t_wb, 0.0
    return k, t_wb, max(0.0, m_air * (humidity_ratio_saturated(t_o, p) - w_in)) / q
