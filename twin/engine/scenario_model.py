"""A scenario file as people write it: what breaks, when, until when, and what the weather does.

Times are instants (ISO 8601, UTC) or lengths of time from the scenario's own instant (``0s``, ``10min``, ``-1d``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Frozen, Quantity

Role = Literal[
    "cdu", "manifold", "air", "loop", "chillers", "rejection", "economizer", "grid", "path", "ups", "generators",
]  # fmt: skip
WORDS = ("warmest", "coldest")


class FaultItem(Frozen):
    """Something that breaks: one element by its name, or the first ``count`` elements of a role."""

    element: str | None = Field(None, description="name as in the results, b1/b1-h1/cdu-03; else `role`")
    role: Role | None = Field(None, description="the first `count` elements of this role that have power then")
    count: Annotated[int, Field(ge=1, le=100_000)] | Literal["all"] = Field(1, description="with `role`: how many")
    mode: str | None = Field(None, description="how it breaks; default: the first mode of its role")
    amount: float | str | None = Field(
        None, description="as the mode means it, a number or text with a unit: 30 %, 5 K"
    )
    at: str = Field("0s", description="when: an instant, or a length of time after that of the scenario")
    repair: str | None = Field(None, description="how long until it is mended, as 10min; never without")
    until: str | None = Field(None, description="when it is mended, instead of `repair`")

    @model_validator(mode="after")
    def _fits(self) -> FaultItem:
        if (self.element is None) == (self.role is None):
            raise PydanticCustomError("one_of", "expected either an element or a role")
        if self.element is not None and self.count != 1:
            raise PydanticCustomError("one_of", "count goes with a role, an element is one")
        if self.repair is not None and self.until is not None:
            raise PydanticCustomError("one_of", "expected either repair or until, not both")
        return self


class WeatherItem(Frozen):
    """Days that are warmer or colder than the weather file has them, or full of smoke."""

    change: Literal["heat_wave", "freeze", "smoke"] = Field(description="what the weather does")
    dry_bulb_k: Annotated[
        float | None, Quantity("K", "so much warmer (heat_wave) or colder (freeze), with the same water in the air",
                               gt=0, le=40)
    ] = None  # fmt: skip
    coil_fouling: Annotated[
        float | None, Quantity("1", "smoke: share of UA that ash takes from coils outdoors", gt=0, le=0.95)
    ] = None
    begins: str | None = Field(None, alias="from", description="an instant or a length of time; default: from ever")
    ends: str | None = Field(None, alias="to", description="an instant or a length of time; default: for ever")

    @model_validator(mode="after")
    def _fits(self) -> WeatherItem:
        smoke = self.change == "smoke"
        needed, other = ("coil_fouling", "dry_bulb_k") if smoke else ("dry_bulb_k", "coil_fouling")
        if getattr(self, needed) is None:
            raise PydanticCustomError("one_of", "{change} needs {key}", {"change": self.change, "key": needed})
        if getattr(self, other) is not None:
            raise PydanticCustomError("one_of", "{change} has no {key}", {"change": self.change, "key": other})
        return self


class Scenario(Frozen):
    """What happens to a site."""

    format: Literal[1]
    title: str = Field(min_length=3, description="what people call it")
    source: str = Field(min_length=3, description="where its figures come from; `prior` where nobody published them")
    note: str = ""
    at: str | None = Field(None, description="its instant: ISO 8601, or warmest or coldest hour; --at replaces it")
    lasting: str | None = Field(None, description="how long it is followed, as 30min; --for replaces it")
    faults: list[FaultItem] = Field(default_factory=list)
    weather: list[WeatherItem] = Field(default_factory=list)

    @model_validator(mode="after")
    def _happens(self) -> Scenario:
        if not self.faults and not self.weather:
            raise PydanticCustomError("one_of", "nothing happens: expected faults or weather")
        return self


__all__ = ["WORDS", "FaultItem", "Role", "Scenario", "WeatherItem"]
