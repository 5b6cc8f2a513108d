"""Rack power supply or converter: the loss law by its coefficients, as ``(P + fixed) / efficiency``, or by a table.

Equation of the second form: ``P_in = (P_out + p_f)/eta``, hence ``a P_r = p_f/eta`` and ``b = 1/eta - 1``, ``c = 0``.
A table (``twin.power.loss_table``) is lowered for the loads that a rack puts on it, from idle to rated.
Source: ExaDigiT RAPS configuration of Frontier (rectifier 17 W and 0.96, converter 13 W and 0.98); 80 PLUS.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Params, Quantity
from twin.core.units import KW
from twin.power.loss_table import LossTable


class Psu(Params):
    """Parameters of one power supply."""

    KIND: ClassVar[str] = "psu"
    FOLDER: ClassVar[str] = "psus"

    rated_kw: Annotated[Figure, Quantity("kW", "rated output of one unit", gt=0, le=1000)]
    no_load_loss: Annotated[Figure | None, Quantity("1", "a: no-load loss per rating", ge=0, le=0.5)] = None
    proportional_loss: Annotated[Figure | None, Quantity("1", "b: proportional loss per rating", ge=0, le=0.5)] = None
    square_loss: Annotated[Figure | None, Quantity("1", "c: square-law loss per rating", ge=0, le=0.5)] = None
    fixed_w: Annotated[Figure | None, Quantity("W", "fixed loss inside the efficiency", ge=0, le=10_000)] = None
    efficiency: Annotated[Figure | None, Quantity("1", "efficiency after the fixed loss", gt=0.5, le=1)] = None
    loss_table: LossTable | None = Field(None, description="points of the loss instead of coefficients")

    @model_validator(mode="after")
    def _one_form(self) -> Psu:
        law = [self.no_load_loss, self.proportional_loss, self.square_loss]
        forms: list[list[object]] = [[*law], [self.fixed_w, self.efficiency], [self.loss_table]]
        if [all(form) for form in forms].count(True) == 1 and [any(form) for form in forms].count(True) == 1:
            return self
        raise PydanticCustomError(
            "form",
            "give either no_load_loss, proportional_loss and square_loss, or fixed_w and efficiency, or loss_table",
        )

    def law(self, low: float = 0.0, high: float = 1.0) -> tuple[float, float, float, float]:
        """``(P_r in W, a, b, c)`` of one unit; of a table the fit for loads ``low`` to ``high`` per rating."""
        rated = self.rated_kw.value * KW
        if self.loss_table is not None:
            fit = self.loss_table.fit(low, high)
            return rated, fit.a, fit.b, fit.c
        if self.efficiency is not None and self.fixed_w is not None:
            eta = self.efficiency.value
            return rated, self.fixed_w.value / eta / rated, 1.0 / eta - 1.0, 0.0
        assert self.no_load_loss is not None
        assert self.proportional_loss is not None
        assert self.square_loss is not None
        return rated, self.no_load_loss.value, self.proportional_loss.value, self.square_loss.value
