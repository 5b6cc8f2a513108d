"""Two-winding transformer at nominal voltage.

Equation: ``P_loss = P0 + Pk (S / S_r)^2`` with ``S = P / pf``; in the law of ``twin.power.loss`` this is ``a =
P0/S_r``, ``b = 0``, ``c = Pk/(S_r pf^2)``. Peak-efficiency index ``1 - 2 sqrt(P0 Pk)/S_r``.
Without voltage the form lies within 2 % of a load flow for one transformer at unity power factor, within 6 % over a
tree of them at 0.9 to 1 (pandapower oracles in the tests); ``twin.power.voltage`` has the form with voltage.
Source: EN 50629 / EU 548/2014 for the form and the Tier 2 losses.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from twin.core.params import Figure, Params, Quantity
from twin.core.units import KW


class Transformer(Params):
    """Parameters of one transformer."""

    KIND: ClassVar[str] = "transformer"
    FOLDER: ClassVar[str] = "transformers"

    rated_kva: Annotated[Figure, Quantity("kVA", "rated apparent power", gt=0, le=2_000_000)]
    no_load_loss_kw: Annotated[Figure, Quantity("kW", "P0: iron loss", ge=0, le=2000)]
    load_loss_kw: Annotated[Figure, Quantity("kW", "Pk: copper loss at rated current, 75 degC", ge=0, le=10_000)]
    emergency_share: Annotated[
        Figure | None, Quantity("1", "output for a limited time per rating; without: unknown", ge=1, le=3)
    ] = None
    emergency_h: Annotated[Figure | None, Quantity("h", "how long it may carry that", gt=0, le=8760)] = None

    def law(self, power_factor: float) -> tuple[float, float, float, float]:
        """``(S_r in VA, a, b, c)`` of one unit for active power at ``power_factor``."""
        rated = self.rated_kva.value * KW
        return (
            rated,
            self.no_load_loss_kw.value * KW / rated,
            0.0,
            self.load_loss_kw.value * KW / rated / power_factor**2,
        )

    def limit_w(self, power_factor: float) -> float:
        """Largest active output of one unit, W."""
        return self.rated_kva.value * KW * power_factor
