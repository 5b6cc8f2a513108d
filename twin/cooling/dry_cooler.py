"""Dry cooler: finned coil in crossflow with the outdoor air.

Equations: crossflow eps-NTU with ``1/UA = 1/hA_water + 1/hA_air`` (exponents 0.85 and 0.8, equal halves at design),
``q = eps C_min (T_w,in - T_db)``; no water is evaporated. A fan moves a volume: the air flow goes with the density.
Design point: ``rated_kw`` from ``entering_c`` to ``leaving_c`` at ``air_c``; the air flow follows from ``air_rise_k``.
Source: BAC TDFS1238N as tabulated in the Modelica Buildings library for the shipped entry.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from twin.cooling.exchanger import AIR_EXPONENT, WATER_EXPONENT, conductance, crossflow
from twin.cooling.moist_air import air_density, humidity_ratio_from_wet_bulb
from twin.cooling.rejection import ROW, Rejection
from twin.core.jit import kernel
from twin.core.params import Figure, Quantity
from twin.core.units import KW

SEA_LEVEL_PA = 101325.0


class DryCooler(Rejection):
    """Parameters of one dry cooler."""

    KIND: ClassVar[str] = "dry_cooler"
    WET: ClassVar[bool] = False

    entering_c: Annotated[Figure, Quantity("degC", "design water entering", gt=0, le=90)]
    leaving_c: Annotated[Figure, Quantity("degC", "design water leaving", gt=0, le=90)]
    air_c: Annotated[Figure, Quantity("degC", "design dry bulb", ge=-20, le=55)]
    air_rise_k: Annotated[Figure, Quantity("K", "air temperature rise at design", gt=0.5, le=40)]

    def design_water_w_k(self) -> float:
        """Design capacity rate of the water through one unit, W/K."""
        return self.rated_kw.value * KW / (self.entering_c.value - self.leaving_c.value)

    def design_leaving_c(self) -> float:
        """Water leaving at the design point, degC."""
        return self.leaving_c.value

    def rejection_row(self, count: int) -> list[float]:
        """Coefficients of ``count`` units; UA closes the design point exactly."""
        water = self.design_water_w_k()
        air = self.rated_kw.value * KW / self.air_rise_k.value
        eps = self.rated_kw.value * KW / (min(water, air) * (self.entering_c.value - self.air_c.value))
        ua = _ntu_for(eps, min(water, air) / max(water, air)) * min(water, air)
        row = [ua * count, air * count, water * count, design_density(self.air_c.value)]
        return row + [0.0] * (ROW - len(row))


def design_density(t_c: float) -> float:
    """Density in kg/m3 of dry air at the design point, sea level."""
    return air_density(t_c, 0.0, SEA_LEVEL_PA)


def _ntu_for(eps: float, ratio: float) -> float:
    """NTU at which the crossflow effectiveness is ``eps``; bisection."""
    low, high = 1e-6, 1e3
    if eps >= crossflow(high, ratio):
        raise ValueError(f"the design point asks for an effectiveness of {eps:.3f}, out of reach: check temperatures")
    for _ in range(200):
        mid = (low * high) ** 0.5
        low, high = (mid, high) if crossflow(mid, ratio) < eps else (low, mid)
    return (low * high) ** 0.5


@kernel
def reject(
    row: np.ndarray, fan: float, wet: float, water: float, t_in: float, t_db: float, t_wb: float, p: float
) -> tuple[float, float, float]:
    """See ``twin.cooling.rejection``."""
    return coil(row, fan, water, t_db, humidity_ratio_from_wet_bulb(t_db, t_wb, p), p), t_db, 0.0


@kernel
def coil(row: np.ndarray, fan: float, water: float, t_air: float, w_air: float, p: float) -> float:
    """``k`` in W/K of the bank's coils in air of ``t_air`` degC and humidity ratio ``w_air``."""
    flow = fan * air_density(t_air, w_air, p) / row[3]
    air = row[1] * flow
    c_min = min(air, water)
    if c_min <= 0.0:
        return 0.0
    ua = conductance(row[0], water / row[2], WATER_EXPONENT, flow, AIR_EXPONENT)
    return crossflow(ua / c_min, c_min / max(air, water)) * c_min
