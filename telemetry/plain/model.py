"""A mapping file as people write it: which topics, which fields, which units, which names.

A path is text with dots between keys (``power.kw``), or a list of keys and places (``["a.b", 0]``). A topic has
``{name}`` where a part of a level is to be kept, ``+`` for one level that does not matter, ``#`` at the end for the
rest. Texts with ``{name}`` take what the topic had there.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Frozen

Scalar = bool | int | float | str
FieldPath = Annotated[str, Field(min_length=1)] | Annotated[list[str | int], Field(min_length=1)]
BLANK = 0x7FFFFFFFFFFFFFF0
"""DCGM writes this and above where it has no value."""


class PointItem(Frozen):
    """What a value is in the words of the model; of every dialect that has a mapping."""

    variable: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,63}$", description="name as in the results, or <thing>_<quantity>"
    )
    unit: str | None = Field(None, description="the unit as the source writes it: kW, C, LPM, %; 1 for none")
    states: dict[str, int] = Field(default_factory=dict, description="values by text, instead of a unit")
    item: str | None = Field(None, description="the equipment, with {name} of the topic")
    qualifier: list[str] = Field(default_factory=list, description="words that tell points of one item apart")
    set_point: bool = Field(False, description="a target, not a measurement")
    low: float | None = Field(None, description="least possible value, in `unit`; default: by dimension")
    high: float | None = Field(None, description="greatest possible value, in `unit`; default: by dimension")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise PydanticCustomError("one_of", "low is above high")
        return self


class ReadingItem(PointItem):
    """One value in a message, and what it is in the words of the model."""

    field: FieldPath | None = Field(None, description="path of the value; without: the payload (or element) itself")
    where: dict[str, Scalar] = Field(default_factory=dict, description="only where these fields have these values")
    item_field: FieldPath | None = Field(None, description="path of the equipment's name, instead of `item`")
    blank_from: int | float = Field(
        BLANK, description="numbers from here on mean no value; default: the marker of DCGM"
    )

    @model_validator(mode="after")
    def _fits(self) -> ReadingItem:
        if (self.unit is None) == (not self.states):
            raise PydanticCustomError("one_of", "expected either a unit (1 for none) or states")
        if self.item is not None and self.item_field is not None:
            raise PydanticCustomError("one_of", "expected either item or item_field, not both")
        return self


class RuleItem(Frozen):
    """How messages of some topics are read; the first rule that fits a topic reads it."""

    topic: str = Field(min_length=1, description="which topics: site/{hall}/{rack}/power, with + and # as in MQTT")
    each: FieldPath | None = Field(None, description="path of a list of which every element is read")
    source: str | None = Field(None, description="who publishes it, with {name}; default: the first level of the topic")
    time_field: FieldPath | None = Field(None, description="path of the source time; without: that of receipt")
    time_unit: Literal["s", "ms", "us", "ns", "iso8601"] | None = Field(
        None, description="since 1970 UTC, or ISO 8601 (UTC where it has no offset)"
    )
    quality_field: FieldPath | None = Field(None, description="path of what says whether the value is good")
    quality_good: list[Scalar] = Field(default_factory=list, description="what it says of good values")
    qos: Literal[0, 1, 2] = Field(1, description="at which quality of service it is subscribed to")
    readings: list[ReadingItem] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits(self) -> RuleItem:
        if (self.time_field is None) != (self.time_unit is None):
            raise PydanticCustomError("one_of", "time_field and time_unit go together")
        if (self.quality_field is None) != (not self.quality_good):
            raise PydanticCustomError("one_of", "quality_field and quality_good go together")
        return self


class MappingFile(Frozen):
    """What plain JSON messages mean."""

    format: Literal[1]
    title: str = Field(min_length=3, description="what people call it")
    note: str = ""
    rules: list[RuleItem] = Field(min_length=1)
