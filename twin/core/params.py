"""Figures with a source: the base of every library entry.

A figure is a number together with where it comes from and how sure it is. A unit, bounds and a meaning stand on the
field that holds it, so that the schema, the error messages and ``twin library show`` all read from one place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Confidence = Literal["vendor", "measured", "reported", "estimate"]


class Frozen(BaseModel):
    """Strict, frozen and closed: an unknown key is an error, a string is never taken for a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Figure(Frozen):
    """A sourced number; ``low`` and ``high`` bound what is believed when nobody has published it."""

    value: float = Field(description="central value, in the unit of the field's key")
    low: float | None = Field(None, description="lower end of the band (P10 of a prior, or the published minimum)")
    high: float | None = Field(None, description="upper end of the band (P90 of a prior, or the published maximum)")
    source: str = Field(min_length=3, description="where the value comes from")
    confidence: Confidence = Field(description="vendor, measured, reported (by others) or estimate (our prior)")

    @model_validator(mode="after")
    def _ordered(self) -> Figure:
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if not low <= self.value <= high:
            raise PydanticCustomError("band", "the band must hold the value: low <= value <= high")
        return self


@dataclass(frozen=True)
class Quantity:
    """Unit, bounds and meaning of a figure or of a plain number; use inside ``Annotated``."""

    unit: str
    text: str
    gt: float | None = None
    ge: float | None = None
    le: float | None = None
    lt: float | None = None
    why: str = ""  # what is wrong beyond the bounds, where they do not speak for themselves

    @property
    def suffix(self) -> str:
        """The unit behind a number, after a space; nothing for what has none."""
        return "" if self.unit == "1" else f" {self.unit}"

    def check(self, number: float) -> None:
        """Raise when ``number`` lies outside the bounds."""
        wrong = (
            not math.isfinite(number)
            or (self.gt is not None and number <= self.gt)
            or (self.ge is not None and number < self.ge)
            or (self.le is not None and number > self.le)
            or (self.lt is not None and number >= self.lt)
        )
        if wrong:
            raise PydanticCustomError(
                "range",
                "{number} is out of range, expected {bounds}{why}",
                {
                    "number": f"{number:g}{self.suffix}",
                    "bounds": self.bounds(),
                    "why": f": {self.why}" if self.why else "",
                },
            )

    def bounds(self) -> str:
        """The range as text, with the unit of what has one."""
        low = f"> {self.gt:g}" if self.gt is not None else f">= {self.ge:g}" if self.ge is not None else ""
        high = f"< {self.lt:g}" if self.lt is not None else f"<= {self.le:g}" if self.le is not None else ""
        return f"{' and '.join(b for b in (low, high) if b) or 'a finite number'}{self.suffix}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any) -> Any:
            if isinstance(value, Figure):
                for number in (value.value, value.low, value.high):
                    if number is not None:
                        self.check(number)
            elif value is not None:
                self.check(float(value))
            return value

        return core_schema.no_info_after_validator_function(validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        made: dict[str, Any] = handler(schema)
        return {**made, "description": f"{self.text} [{self.bounds()}]"} if "$ref" not in made else made


class Params(Frozen):
    """A library entry. A concrete kind sets ``KIND`` (the word in the YAML) and ``FOLDER`` (of ``sites/library``)."""

    KIND: ClassVar[str]
    FOLDER: ClassVar[str]

    kind: str = Field(description="kind of component; decides which fields stand below")
    title: str = Field(min_length=3, description="what people call it")
    note: str = Field("", description="what a reader should know before using it")

    @classmethod
    def reconciled(cls, numbers: dict[str, float]) -> dict[str, float]:
        """Drawn numbers (all figures by key) that keep the rules of the kind; a kind says which figure gives way."""
        return numbers

    def figures(self) -> dict[str, Figure]:
        """The sourced numbers of this entry by key."""
        return {k: v for k in type(self).model_fields if isinstance(v := getattr(self, k), Figure)}


def quantity_of(model: type[BaseModel], field: str) -> Quantity | None:
    """The :class:`Quantity` declared on a field, for tables and help; its own before that of its type (``Share``)."""
    for meta in reversed(model.model_fields[field].metadata):
        if isinstance(meta, Quantity):
            return meta
    return None


Share = Annotated[Figure, Quantity("1", "share", ge=0, le=1)]
