"""Reads a mapping file as strictly as a site file, and makes rules of it that a decoder can follow.

All that is wrong is told at once, each at ``file:line:col``: the form of the file, topics that MQTT does not know,
units that nobody knows, names that a topic does not capture, a variable of the model in the unit of another quantity.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path as File
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from telemetry.plain.model import FieldPath, MappingFile, PointItem, ReadingItem, RuleItem, Scalar
from telemetry.points import Point
from telemetry.topics import MAX_BYTES, MAX_LEVELS
from telemetry.units import POSSIBLE, UNITS, Unit
from twin.core.errors import Faults, did_you_mean
from twin.core.variables import BY_NAME
from twin.site.document import Document, Path, read
from twin.site.explain import explain
from twin.site.shipped import named_source

FOLDER = "mappings"
CAPTURE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
NO_UNIT = Unit("count", 1.0)
Item = TypeVar("Item", bound=BaseModel)
Made = TypeVar("Made")
Steps = tuple[str | int, ...]
Where = tuple[tuple[Steps, Scalar], ...]


class Pattern(NamedTuple):
    """Topics of a rule: of each level its texts and the names between them, None for any; ``rest``: levels may follow.

    Of several names in a level the first ones take as much as they can. The time this takes goes with the length of the
    topic, whatever it is: a regular expression with as many names may need minutes for a hostile one.
    """

    levels: tuple[tuple[str, ...] | None, ...]
    rest: bool = False

    def match(self, topic: str) -> dict[str, str] | None:
        """What ``topic`` has in the place of the names; None where it does not fit."""
        parts = topic.split("/")
        if len(parts) < len(self.levels) or (len(parts) > len(self.levels) and not self.rest):
            return None
        captured: dict[str, str] = {}
        for part, level in zip(parts, self.levels, strict=False):
            if level is not None and not _fits(part, level, captured):
                return None
        return captured


NOTHING_FITS = Pattern((), False)


def _fits(part: str, level: tuple[str, ...], captured: dict[str, str]) -> bool:
    """Whether a level has its texts, and something in the place of each name, which goes into ``captured``."""
    if len(level) == 1:
        return part == level[0]
    first, end = len(level[0]), len(part) - len(level[-1])
    if end <= first or not part.startswith(level[0]) or not part.endswith(level[-1]):
        return False
    for place in range(len(level) - 2, 1, -2):
        text = level[place - 1]
        found = part.rfind(text, first + 1, end - 1)
        if found < 0:
            return False
        captured[level[place]] = part[found + len(text) : end]
        end = found
    captured[level[1]] = part[first:end]
    return True


class Reading(NamedTuple):
    """A value of a message: where it stands and what it is; ``name`` is its part of an identity."""

    name: str
    steps: Steps
    where: Where
    unit: Unit
    low: float  # in the unit of the model
    high: float
    states: dict[str, int]
    item_steps: Steps | None
    written: ReadingItem


class Rule(NamedTuple):
    """How messages of the topics that ``pattern`` fits are read; ``filter`` is their filter in MQTT."""

    pattern: Pattern
    filter: str
    each: Steps | None
    time_steps: Steps | None
    quality_steps: Steps | None
    readings: tuple[Reading, ...]
    written: RuleItem


def load_mapping(name_or_path: str | File, text: str | None = None, *, tagged: bool = False) -> list[Rule]:
    """The rules of a shipped mapping by name or of a file by path, in the order of the file.

    ``text``: its content, where it is known and no file is looked for.
    ``tagged``: names in braces may be those of tags, which come with the messages.

    Raises :class:`InputError` with every fault at its line and column.
    """
    return load_rules(name_or_path, text, FOLDER, MappingFile, RuleItem, partial(_rule, tagged=tagged))


def load_rules(
    name_or_path: str | File,
    text: str | None,
    folder: str,
    model: type[BaseModel],
    item: type[Item],
    make: Callable[[Item, Path, Document, Faults], Made],
) -> list[Made]:
    """The rules of a mapping file of any dialect: ``model`` is the file's, ``item`` that of one of its ``rules``.

    ``text``: what it holds, None: it is read.

    Raises :class:`InputError` with every fault at its line and column.
    """
    document = read(*named_source(name_or_path, folder, "mapping")) if text is None else read(text, str(name_or_path))
    faults = Faults()
    faults.problems += document.faults
    try:
        model.model_validate(document.data)
    except ValidationError as error:
        lost = {".".join(map(str, path)) for path in document.lost}
        faults.problems += [problem for problem in explain(error, model, document) if problem.path not in lost]
    written = document.at(("rules",))
    rules = []
    for number, each in enumerate(written if isinstance(written, list) else ()):
        try:
            rule = item.model_validate(each)
        except ValidationError:
            continue  # it has been told; the others are looked at further
        rules.append(make(rule, ("rules", number), document, faults))
    faults.problems.sort(key=lambda problem: (problem.line or 0, problem.col or 0))
    faults.tell()
    return rules


def _rule(rule: RuleItem, place: Path, document: Document, faults: Faults, *, tagged: bool) -> Rule:
    pattern, names = pattern_of(rule.topic, (*place, "topic"), document, faults)
    known((*place, "source"), rule.source or "", names, document, faults)
    if tagged:
        names = names + [name for reading in rule.readings for name in named(reading)]
    readings: list[Reading] = []
    for number, reading in enumerate(rule.readings):
        at = (*place, "readings", number)
        known((*at, "item"), reading.item or "", names, document, faults)
        for index, word in enumerate(reading.qualifier):
            known((*at, "qualifier", index), word, names, document, faults)
        made = _reading(reading, at, document, faults)
        if made.name in [other.name for other in readings]:
            faults.problems.append(document.problem(at, "reads the same field as another reading of this rule"))
        readings.append(made)
    filter = "/".join("+" if "{" in level else level for level in rule.topic.split("/"))
    return Rule(
        pattern, filter, _steps(rule.each), _steps(rule.time_field), _steps(rule.quality_field), tuple(readings), rule
    )


def pattern_of(topic: str, place: Path, document: Document, faults: Faults) -> tuple[Pattern, list[str]]:
    """The topic as a pattern, and the names that it captures."""
    levels, names = topic.split("/"), CAPTURE.findall(topic)
    bare = CAPTURE.sub("", topic)
    wrong = ""
    if len(topic.encode(errors="replace")) > MAX_BYTES or len(levels) > MAX_LEVELS or "\0" in topic:
        wrong = f"expected at most {MAX_BYTES} bytes and {MAX_LEVELS} levels without NUL"
    elif "{" in bare or "}" in bare:
        wrong = "expected names in braces of small letters, digits and _, as {hall}"
    elif len(set(names)) < len(names):
        wrong = "captures one name twice"
    elif any(("+" in level and level != "+") or ("#" in level and level != "#") for level in levels):
        wrong = "+ and # stand alone in their level"
    elif "#" in levels[:-1]:
        wrong = "# stands at the end only"
    if wrong:
        faults.problems.append(document.problem(place, wrong))
        return NOTHING_FITS, names
    rest = levels[-1] == "#"
    fixed = levels[:-1] if rest else levels
    return Pattern(tuple(None if level == "+" else tuple(CAPTURE.split(level)) for level in fixed), rest), names


def named(reading: ReadingItem) -> list[str]:
    """Names in braces that a reading's item and qualifier hold."""
    return CAPTURE.findall(" ".join([reading.item or "", *reading.qualifier]))


def known(place: Path, text: str, names: list[str], document: Document, faults: Faults) -> None:
    """Every name in braces is one that the topic captures."""
    for name in CAPTURE.findall(text):
        if name not in names:
            hint = did_you_mean(name, names)
            faults.problems.append(document.problem(place, f'the topic captures no "{name}"{hint}'))


# What a flow of the model is called where a meter tells it by volume: the live twin weighs it.
BY_VOLUME = {
    "cdu_flow": ("cdu_liquid_volume_flow", " with the qualifier secondary"),
    "cdu_primary_flow": ("cdu_liquid_volume_flow", " with the qualifier primary"),
    "fws_flow": ("object_liquid_volume_flow", ""),
}


def unit_of(point: PointItem, place: Path, document: Document, faults: Faults) -> Unit:
    """The unit that is written, :data:`NO_UNIT` for none; told where nobody knows it, or the variable has another."""
    if point.unit is None:
        return NO_UNIT
    unit = UNITS.get(point.unit, NO_UNIT)
    if point.unit not in UNITS:
        hint = did_you_mean(point.unit, UNITS)
        faults.problems.append(document.problem((*place, "unit"), f'unknown unit "{point.unit}"{hint}'))
    row = BY_NAME.get(point.variable)
    if row is not None and point.unit in UNITS and row.units != unit.units:
        message = f'"{point.variable}" of the model is in {row.units}, "{point.unit}" leads to {unit.units}'
        if unit.units == "m3 s-1" and point.variable in BY_VOLUME:
            message += f'; by volume it is "{BY_VOLUME[point.variable][0]}"{BY_VOLUME[point.variable][1]}'
        faults.problems.append(document.problem((*place, "unit"), message))
    return unit


def limits_of(point: PointItem, unit: Unit) -> tuple[float, float]:
    """What is possible, in the unit of the model."""
    low, high = POSSIBLE.get(unit.dimension, (float("-inf"), float("inf")))
    if point.states:
        low, high = float(min(point.states.values())), float(max(point.states.values()))
    low = low if point.low is None else point.low * unit.factor + unit.offset
    return low, high if point.high is None else point.high * unit.factor + unit.offset


def _reading(reading: ReadingItem, place: Path, document: Document, faults: Faults) -> Reading:
    unit = unit_of(reading, place, document, faults)
    low, high = limits_of(reading, unit)
    where: Where = tuple((_split(key), value) for key, value in reading.where.items())
    steps = _steps(reading.field) or ()
    name = ".".join(map(str, steps)) + "".join(f"[{'.'.join(map(str, key))}={value}]" for key, value in where)
    return Reading(name, steps, where, unit, low, high, dict(reading.states), _steps(reading.item_field), reading)


def _split(text: str) -> Steps:
    return tuple(text.split("."))


def _steps(path: FieldPath | None) -> Steps | None:
    if path is None:
        return None
    return _split(path) if isinstance(path, str) else tuple(path)


def fill(text: str, captured: dict[str, str]) -> str:
    """``text`` with what the topic had in the place of its names."""
    return CAPTURE.sub(lambda match: captured.get(match[1], match[0]), text)


def point_of(identity: str, source: str, reading: Reading, item: str, captured: dict[str, str]) -> Point:
    """The point that a reading is of; ``captured`` goes in the place of names in braces."""
    written = reading.written
    return Point(
        identity=identity,
        source=source,
        variable=written.variable,
        item=item,
        units=reading.unit.units,
        written=written.unit or "",
        qualifier=tuple(fill(word, captured) for word in written.qualifier),
        set_point=written.set_point,
        states=tuple((value, text) for text, value in reading.states.items()),
        low=reading.low,
        high=reading.high,
    )
