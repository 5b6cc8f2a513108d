"""Dry cooler behind wetted pads: evaporation cools the air ahead of the coils on warm days only.

Equations (pads wetted)::

    T_air = T_db - eps_pad (T_db - T_wb)          at constant wet bulb
    evaporation = m_a (w(T_air, T_wb) - w(T_db, T_wb)),  bleed = evaporation/(cycles - 1)

then the coil of ``twin.cooling.dry_cooler`` in air of ``T_air``. Pads are wetted from ``trigger_c`` of dry bulb, or
below it where dry coils do not reach the set point; never below ``frost_c``. The trigger decides on the water:
a year of full air flow at Dulles takes eight times as much at 15 degC as at 30 degC.
Source: effectiveness of pads .7-.9 (physics sheet, section 4 and correction 11); the coil as the dry cooler's.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from twin.cooling.dry_cooler import DryCooler, coil
from twin.cooling.moist_air import air_density, humidity_ratio_from_wet_bulb
from twin.core.columns import Fac
from twin.core.jit import kernel
from twin.core.params import Figure, Quantity, Share

PAD = 4  # column of the row
CP_AIR = 1006.0


class AdiabaticCooler(DryCooler):
    """Parameters of one dry cooler with pads; the design point is that of the dry coils."""

    KIND: ClassVar[str] = "adiabatic_cooler"
    WET: ClassVar[bool] = False

    pad_effectiveness: Annotated[Share, Quantity("1", "of the wet-bulb depression that pads take", gt=0, le=1)]
    trigger_c: Annotated[Figure, Quantity("degC", "dry bulb from which pads are wetted", ge=5, le=50)]
    frost_c: Annotated[Figure, Quantity("degC", "dry bulb below which pads stay dry", ge=0, le=15)]
    cycles_of_concentration: Annotated[Figure, Quantity("1", "minerals in the pad water per make-up", gt=1.5, le=50)]

    def rejection_row(self, count: int) -> list[float]:
        """Coefficients of ``count`` units; UA closes the dry design point exactly."""
        row = super().rejection_row(count)
        row[PAD] = self.pad_effectiveness.value
        return row

    def columns(self, count: int) -> dict[Fac, float]:
        """Pads and their water."""
        return {
            **super().columns(count),
            Fac.PAD_TRIGGER: self.trigger_c.value,
            Fac.PAD_FROST: self.frost_c.value,
            Fac.BLOWDOWN: 1.0 / (self.cycles_of_concentration.value - 1.0),
        }


@kernel
def reject(
    row: np.ndarray, fan: float, wet: float, water: float, t_in: float, t_db: float, t_wb: float, p: float
) -> tuple[float, float, float]:
    """See ``twin.cooling.rejection``."""
    t_air = t_db - wet * row[PAD] * (t_db - t_wb)
    w_air = humidity_ratio_from_wet_bulb(t_air, t_wb, p)
    k = coil(row, fan, water, t_air, w_air, p)
    q = k * (t_in - t_air)
    if wet <= 0.0 or q < 1.0:
        # Below a watt for the whole bank, evaporation per heat has no meaning.
        return k, t_air, 0.0
    air = row[1] / CP_AIR * fan * air_density(t_air, w_air, p) / row[3]
    return k, t_air, air * max(0.0, w_air - humidity_ratio_from_wet_bulb(t_db, t_wb, p)) / q
