"""A mapping file of Sparkplug: whose metrics mean what, by group, node and device, and by the metric's name.

Patterns are those of plain JSON (:mod:`telemetry.plain.mapping`): ``{name}`` keeps a part of a level, ``+`` is any
level, ``#`` at the end the rest. The first metric that fits, in the order of the file, says what it is; a metric that
none fits is nobody's business. The unit is the written one, else that of the birth's properties; without either, or
where it is another quantity than the model's variable, there is no point. ``sites/sparkplug.schema.json`` for editors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path as File
from typing import Literal, NamedTuple

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from telemetry.plain.mapping import NO_UNIT, Pattern, fill, known, limits_of, load_rules, pattern_of, unit_of
from telemetry.plain.model import PointItem
from telemetry.points import Point
from telemetry.sparkplug.convert import UNIT, UNMAPPED
from telemetry.sparkplug.naming import STATES, TIME_UNIT, Meaning
from telemetry.sparkplug.place import Place
from telemetry.sparkplug.schema import Datatype
from telemetry.units import UNITS, Unit
from twin.core.errors import Faults
from twin.core.params import Frozen
from twin.core.variables import BY_NAME
from twin.site.document import Document, Path
from twin.site.schema import schema_of

FOLDER = "mappings/sparkplug"
SCHEMA = "sparkplug.schema.json"


class MetricItem(PointItem):
    """Metrics of some names, and what they are. Without a unit the birth's property ``engUnit`` says it."""

    metric: str = Field(min_length=1, description="names of metrics: Racks/{rack}/Power, with + and # as in MQTT")

    @model_validator(mode="after")
    def _fits(self) -> MetricItem:
        if self.unit is not None and self.states:
            raise PydanticCustomError("one_of", "expected either a unit or states, not both")
        return self


class EdgeItem(Frozen):
    """Metrics of some edge nodes or of some of their devices."""

    edge: str = Field(min_length=1, description="group/node, or group/node/device: campus/{hall}/+")
    metrics: list[MetricItem] = Field(min_length=1)


class SparkplugFile(Frozen):
    """What metrics of Sparkplug B mean."""

    format: Literal[1]
    title: str = Field(min_length=3, description="what people call it")
    note: str = ""
    rules: list[EdgeItem] = Field(min_length=1)


class Metric(NamedTuple):
    """Names of metrics and what they are; ``unit`` None: the birth says it."""

    pattern: Pattern
    unit: Unit | None
    written: MetricItem


class Edge(NamedTuple):
    """Whose metrics."""

    pattern: Pattern
    metrics: tuple[Metric, ...]


class Mapping:
    """Makes points of metrics by the rules of a file. Raises :class:`InputError` with every fault at its place."""

    def __init__(self, name_or_path: str | File, text: str | None = None) -> None:
        self._edges = load_rules(name_or_path, text, FOLDER, SparkplugFile, EdgeItem, _edge)

    def __call__(self, place: Place, metric: str, datatype: int, written: str) -> Meaning | int:
        """The point that a metric is, or why it is none."""
        for edge in self._edges:
            captured = edge.pattern.match(place.path)
            if captured is None:
                continue
            for each in edge.metrics:
                more = each.pattern.match(metric)
                if more is not None:
                    return _meaning(each, captured | more, place.identity(metric), place.source, datatype, written)
        return UNMAPPED


def _meaning(
    metric: Metric, captured: dict[str, str], identity: str, source: str, datatype: int, written: str
) -> Meaning | int:
    said, unit = metric.written, metric.unit
    bare = bool(said.states) or datatype == Datatype.BOOLEAN
    if datatype == Datatype.DATETIME:
        unit = TIME_UNIT
    elif unit is None:
        unit = NO_UNIT if bare else UNITS.get(written)
    row = BY_NAME.get(said.variable)
    if unit is None or (row is not None and row.units != unit.units):
        return UNIT
    states = tuple((value, text) for text, value in said.states.items())
    low, high = limits_of(said, unit)
    point = Point(
        identity=identity,
        source=source,
        variable=said.variable,
        item=fill(said.item or "", captured),
        units=unit.units,
        written="" if bare else said.unit or written,
        qualifier=tuple(fill(word, captured) for word in said.qualifier),
        set_point=said.set_point,
        states=states or (STATES if datatype == Datatype.BOOLEAN else ()),
        low=low,
        high=high,
    )
    return Meaning(point, unit)


def _edge(edge: EdgeItem, place: Path, document: Document, faults: Faults) -> Edge:
    pattern, names = pattern_of(edge.edge, (*place, "edge"), document, faults)
    if not 2 <= len(pattern.levels) + pattern.rest <= 3 and pattern.levels:
        faults.problems.append(document.problem((*place, "edge"), "expected group/node or group/node/device"))
    metrics = []
    for number, metric in enumerate(edge.metrics):
        at = (*place, "metrics", number)
        own, more = pattern_of(metric.metric, (*at, "metric"), document, faults)
        for name in sorted(set(more) & set(names)):
            faults.problems.append(document.problem((*at, "metric"), f'"{name}" is captured twice'))
        known((*at, "item"), metric.item or "", names + more, document, faults)
        for index, word in enumerate(metric.qualifier):
            known((*at, "qualifier", index), word, names + more, document, faults)
        unit = unit_of(metric, at, document, faults)
        metrics.append(Metric(own, None if metric.unit is None else unit, metric))
    return Edge(pattern, tuple(metrics))


def schema_text() -> str:
    """As it is shipped; ``python -m telemetry.sparkplug.mapping > sites/sparkplug.schema.json`` writes it."""
    words = "What metrics of Sparkplug B mean: edge nodes, names, units, variables."
    made = schema_of(SparkplugFile, SCHEMA, "halltwin mapping of Sparkplug B", words)
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
