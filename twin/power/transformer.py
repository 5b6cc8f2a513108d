"""Two-winding transformer at nominal voltage.

Equation: ``P_loss = P0 + Pk (S / S_r)^2`` with ``S = P / pf``; in the law of ``twin.power.loss`` this is ``a =
P0/S_r``, ``b = 0``, ``c = Pk/(S_r pf^2)``. Peak-efficiency index ``1 - 2 sqrt(P0 Pk)/S_r``.
Without voltage the form lies within 2 % of a load flow for one transformer at unity power factor, within 6 % over a
tree of them at 0.9 to 1 (pandapower oracles in the tests); ``twin.power.voltage`` has the form with voltage, for
which an entry states its short-circuit voltage, its no-load current and its on-load tap changer.
Source: EN 50629 / EU 548/2014 for the form and the Tier 2 losses.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Params, Quantity
from twin.core.units import KW


class Transformer(Params):
    """Parameters of one transformer."""

    KIND: ClassVar[str] = "transformer"
    FOLDER: ClassVar[str] = "transformers"

    rated_kva: Annotated[Figure, Quantity("kVA", "rated apparent power", gt=0, le=2_000_000)]
    no_load_loss_kw: Annotated[Figure, Quantity("kW", "P0: iron loss", ge=0, le=2000)]
    load_loss_kw: Annotated[Figure, Quantity("kW", "Pk: copper loss at rated current, 75 degC", ge=0, le=10_000)]
    impedance_pct: Annotated[
        Figure | None, Quantity("%", "vk: short-circuit voltage; without: no voltage drop", gt=0, le=40)
    ] = None
    no_load_current_pct: Annotated[Figure | None, Quantity("%", "i0 per rated current", ge=0, le=10)] = None
    tap_step_pct: Annotated[
        Figure | None, Quantity("%", "step of the on-load tap changer; without: none", gt=0, le=5)
    ] = None
    tap_range_pct: Annotated[Figure | None, Quantity("%", "how far it goes to either side", gt=0, le=25)] = None
    emergency_share: Annotated[
        Figure | None, Quantity("1", "output for a limited time per rating; without: unknown", ge=1, le=3)
    ] = None
    emergency_h: Annotated[Figure | None, Quantity("h", "how long it may carry that", gt=0, le=8760)] = None

    @model_validator(mode="after")
    def _drops(self) -> Transformer:
        if (self.tap_step_pct is None) != (self.tap_range_pct is None):
            raise PydanticCustomError("taps", "give tap_step_pct and tap_range_pct together, or neither")
        copper_pct = 100.0 * self.load_loss_kw.value / self.rated_kva.value
        if self.impedance_pct is not None and self.impedance_pct.value <= copper_pct:
            raise PydanticCustomError(
                "impedance",
                "impedance_pct {vk} must be above load_loss_kw per rated_kva, {copper} %",
                {"vk": f"{self.impedance_pct.value:g}", "copper": f"{copper_pct:.3g}"},
            )
        return self

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
