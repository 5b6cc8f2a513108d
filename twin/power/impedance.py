"""Series impedance of a conductor: what drops the voltage where a flow with voltage is asked for.

Equations (per unit of the rating; ``pf`` the power factor at which the law of ``twin.power.loss`` is meant)::

    r = c pf^2                            c the square-law loss: at nominal voltage the loss is that of the law
    x = X P_r/U^2                         X per unit of the bank in ohm, U phase to phase in V

So the resistance stands once, as the loss. An entry without a reactance has no drop and keeps its law.
Range: short lines and cables, no capacitance. Source: Joule's law; J. Grainger, W. Stevenson, Power System Analysis.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Quantity
from twin.core.units import KW
from twin.power.loss import LossLaw


class Series(LossLaw):
    """Parameters of a device of the loss law that may state its reactance."""

    reactance_mohm: Annotated[
        Figure | None, Quantity("mOhm", "series reactance of one unit and phase; without: no drop", ge=0, le=100_000)
    ] = None
    voltage_kv: Annotated[Figure | None, Quantity("kV", "voltage from phase to phase", gt=0, le=1200)] = None

    @model_validator(mode="after")
    def _both(self) -> Series:
        if (self.reactance_mohm is None) != (self.voltage_kv is None):
            raise PydanticCustomError("impedance", "give reactance_mohm and voltage_kv together, or neither")
        return self

    def reactance(self) -> float | None:
        """``x`` per unit of the rating; None where the entry has none."""
        if self.reactance_mohm is None or self.voltage_kv is None:
            return None
        ohm = self.reactance_mohm.value / 1e3
        return ohm * self.rated_kw.value * KW / (1e3 * self.voltage_kv.value) ** 2


__all__ = ["Series"]
