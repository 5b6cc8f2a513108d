"""The section ``grid`` of a site: what the grid allows at the meter, what its energy costs and what it emits.

Everything is optional; a site without the section has no limit of ramps, no price and no carbon intensity. Prices and
intensities are one number, 24 values (hours of the day in site-local standard time), or a CSV with the columns ``time``
(ISO 8601, UTC unless an offset is given) and ``value``, each row holding until the next.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Confidence, Frozen, Quantity

Usd = Annotated[float, Quantity("USD/MWh", "price of energy at the meter", ge=-10_000, le=10_000)]
Kg = Annotated[float, Quantity("kg/MWh", "carbon dioxide per energy at the meter", ge=0, le=3000)]
HOURS = 24


def _one_form(given: dict[str, object], what: str) -> None:
    """Raise unless exactly one of the forms is there."""
    if sum(value is not None for value in given.values()) != 1:
        words = "give one of {keys} for {what}"
        raise PydanticCustomError("form", words, {"keys": ", ".join(given), "what": what})


class Price(Frozen):
    """What energy costs at the meter."""

    usd_mwh: Usd | None = None
    hourly_usd_mwh: list[Usd] | None = Field(
        None, min_length=HOURS, max_length=HOURS, description="USD/MWh by hour of the local day, from midnight on"
    )
    csv: str | None = Field(None, description="path of a CSV with `time` and `value` in USD/MWh")
    source: str = Field(min_length=3, description="where the price comes from")
    confidence: Confidence

    @model_validator(mode="after")
    def _one(self) -> Price:
        _one_form({"usd_mwh": self.usd_mwh, "hourly_usd_mwh": self.hourly_usd_mwh, "csv": self.csv}, "the price")
        return self


class Carbon(Frozen):
    """What the electricity emits upstream of the meter."""

    kg_mwh: Kg | None = None
    hourly_kg_mwh: list[Kg] | None = Field(
        None, min_length=HOURS, max_length=HOURS, description="kg/MWh by hour of the local day, from midnight on"
    )
    csv: str | None = Field(None, description="path of a CSV with `time` and `value` in kg/MWh")
    source: str = Field(min_length=3, description="where the intensity comes from")
    confidence: Confidence

    @model_validator(mode="after")
    def _one(self) -> Carbon:
        _one_form({"kg_mwh": self.kg_mwh, "hourly_kg_mwh": self.hourly_kg_mwh, "csv": self.csv}, "carbon")
        return self


class Grid(Frozen):
    """The connection beyond its contracted power; limits are those agreed for the site."""

    ramp_limit_mw_min: Annotated[
        float | None, Quantity("MW/min", "fastest change of the metered power, up and down", gt=0, le=100_000)
    ] = None
    swing_limit_mw_s: Annotated[
        float | None, Quantity("MW/s", "steepest flank of swings at the meter", gt=0, le=100_000)
    ] = None
    swing_range_mw: Annotated[
        float | None, Quantity("MW", "largest range of swings at the meter, low to high", gt=0, le=20_000)
    ] = None
    rules: list[str] = Field(default_factory=list, description="library ids of grid rules that hold here")
    power_factor_min: Annotated[float | None, Quantity("1", "lowest power factor at the meter", gt=0.5, le=1)] = None
    short_circuit_mva: Annotated[
        float | None, Quantity("MVA", "short-circuit power at the connection", gt=0, le=200_000)
    ] = None
    price: Price | None = Field(None, description="price of energy")
    demand_charge_usd_kw_month: Annotated[
        float | None, Quantity("USD/(kW month)", "charge for the month's highest 15 min", ge=0, le=1000)
    ] = None
    carbon: Carbon | None = Field(None, description="carbon intensity of the electricity")


__all__ = ["Carbon", "Grid", "Price"]
