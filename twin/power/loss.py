"""One loss law for every electrical device.

Equation: ``P_in = P_out + P_r (a + b x + c x^2)`` with ``x = P_out / P_r``; efficiency ``x / (x + a + b x + c x^2)``,
highest at ``x = sqrt(a / c)``. ``a`` is the no-load, ``b`` the proportional, ``c`` the square-law loss, each a fraction
of the rating ``P_r`` (W). A ``loss_table`` may stand for the three (``twin.power.loss_table``): they are then the fit
to it over 0 to full load.

Source: N. Rasmussen, APC White Paper 113 (form and legacy coefficients), White Paper 108. Valid for x in 0..1.5.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from twin.core.jit import kernel
from twin.core.params import Figure, Params, Quantity
from twin.core.units import KW
from twin.power.loss_table import LossTable


class LossLaw(Params):
    """Parameters that every device of this law shares; rating at unity power factor."""

    rated_kw: Annotated[Figure, Quantity("kW", "rated output of one unit", gt=0, le=5_000_000)]
    no_load_loss: Annotated[Figure | None, Quantity("1", "a: no-load loss per rating", ge=0, le=0.2)] = None
    proportional_loss: Annotated[Figure | None, Quantity("1", "b: proportional loss per rating", ge=0, le=0.5)] = None
    square_loss: Annotated[Figure | None, Quantity("1", "c: square-law loss per rating", ge=0, le=0.5)] = None
    loss_table: LossTable | None = Field(None, description="points of the loss instead of the three coefficients")
    emergency_share: Annotated[
        Figure | None, Quantity("1", "output for a limited time per rating; without: unknown", ge=1, le=3)
    ] = None
    emergency_h: Annotated[Figure | None, Quantity("h", "how long it may carry that", gt=0, le=8760)] = None

    @model_validator(mode="after")
    def _one_form(self) -> LossLaw:
        law = [self.no_load_loss, self.proportional_loss, self.square_loss]
        if not all(law) if self.loss_table is None else any(law):
            raise PydanticCustomError(
                "form", "give either no_load_loss, proportional_loss and square_loss, or loss_table"
            )
        return self

    @field_validator("loss_table")
    @classmethod
    def _held(cls, table: LossTable | None) -> LossTable | None:
        if table is not None and (fault := table.fit(0.0, 1.0).fault):
            raise PydanticCustomError("table", "{fault}", {"fault": fault})
        return table

    def law(self, power_factor: float) -> tuple[float, float, float, float]:
        """``(P_r in W, a, b, c)`` of one unit; active-power law, ``power_factor`` matters to transformers only."""
        del power_factor
        rated = self.rated_kw.value * KW
        if self.loss_table is not None:
            fit = self.loss_table.fit(0.0, 1.0)
            return rated, fit.a, fit.b, fit.c
        assert self.no_load_loss is not None
        assert self.proportional_loss is not None
        assert self.square_loss is not None
        return rated, self.no_load_loss.value, self.proportional_loss.value, self.square_loss.value

    def limit_w(self, power_factor: float) -> float:
        """Largest active output of one unit, W."""
        del power_factor
        return self.rated_kw.value * KW


@kernel
def input_power(out_w: float, rated_w: float, a: float, b: float, c: float) -> float:
    """Input power in W of a device (or of equal devices sharing equally: pass their summed rating)."""
    if rated_w <= 0.0:
        return out_w
    x = out_w / rated_w
    return out_w + rated_w * (a + x * (b + x * c))


@kernel
def efficiency(x: float, a: float, b: float, c: float) -> float:
    """Efficiency at the load fraction ``x``; 0 at no load."""
    return x / (x + a + x * (b + x * c)) if x > 0.0 else 0.0
