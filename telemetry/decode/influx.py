"""Line protocol of InfluxDB, as Telegraf publishes it: many lines in a message, many fields in a line.

Options: ``topic``, a filter (default ``telegraf/#``); ``precision`` of times (ns, us, ms, s; default ns); ``prefix``;
``mapping``, a mapping file of the dialect ``plain`` (:mod:`telemetry.plain.model`) that gives fields their variable,
unit and item: ``field`` is a field of the line, ``where`` and ``item_field`` name its measurement (as ``measurement``)
and its tags, and names in braces are those of the topic or of tags. What it does not name is nobody's business.

Without a mapping every number is a point ``<measurement>_<field>`` whose unit is not known: nothing is guessed, so that
no such point has a name of the model. Identity: topic, measurement and sorted tags, field. A bad line is refused and
counted, the others stand. A time that is missing is that of the receipt. Source: :mod:`telemetry.influx.lines`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from telemetry import strict, topics
from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.decode import Dialect
from telemetry.influx.lines import Field, Line, Series, lines, name, series, value
from telemetry.message import Message
from telemetry.plain.mapping import Pattern, Reading, Rule, fill, load_mapping, named, point_of
from telemetry.plain.routes import FIRST_NS, LAST_NS, PER, Filter, RefusedError, Routes, no_time, of_rules, refusing
from telemetry.points import Point, Points
from twin.core.errors import InputError, Problem, did_you_mean
from twin.core.variables import BY_NAME

DIALECT = Dialect("influx", "line protocol of InfluxDB (Telegraf)", contract=False, mappings="mappings")

TOPIC = "telegraf/#"
MAX_POINTS, MAX_SERIES, MAX_ROUTES = 200_000, 200_000, 20_000
MAX_READINGS = 100_000  # of one message
MAX_KEY, MAX_ITEM, MAX_VARIABLE = 256, 128, 64
MANY = 64  # readings that come as NumPy columns: the state applies them compiled
ITEM_TAGS = "item", "rack", "device", "host"
HUGE, NAN = sys.float_info.max, float("nan")
GOOD, NO_VALUE, OUT_OF_RANGE = int(Quality.GOOD), int(Quality.NO_VALUE), int(Quality.OUT_OF_RANGE)
KINDS = np.int64, np.int64, np.float64, np.int8, np.int32
SOURCE_LEVELS = 2  # telegraf/{host}


class Slot(NamedTuple):
    """A field of a series: its point, and how it is read (None: a number as it is)."""

    point: int
    reading: Reading | None


class Route:
    """What is known of a topic; ``slots``: by series as it is written, fields by key, None where nobody asks."""

    def __init__(self, topic: str, source: str, rule: Rule | None, captured: dict[str, str]) -> None:
        self.topic, self.source, self.rule, self.captured = topic, source, rule, captured
        self.slots: dict[str, tuple[Series, dict[str, Slot | None]]] = {}


class Decoder:
    """Reads line protocol on the topics of ``filters``, each with its QoS and its rule (None: as it is)."""

    held = 0
    dropped = 0

    quiet_s = 250.0  # as of plain JSON: nothing is known of its periods

    def __init__(
        self, filters: list[Filter], unit: str, prefix: str = "",
        max_points: int = MAX_POINTS,
    ) -> None:  # fmt: skip
        self.points = Points()
        self._unit, self._per, self._max_points = unit, PER[unit], max_points
        self._routes = Routes(filters, prefix, Route, levels=SOURCE_LEVELS, most=MAX_ROUTES)
        self._series = 0

    def decode(self, message: Message) -> Batch | Reject:
        """What ``message`` says."""
        return refusing(self._read, message)

    def source(self, topic: str) -> str:
        """Who publishes on ``topic``: its first two levels (``telegraf/{host}``), or what its rule says."""
        return self._routes.source(topic)

    def subscriptions(self) -> list[tuple[str, int]]:
        """The topics of the option or of the rules."""
        return self._routes.subscriptions()

    def is_command(self, topic: str) -> bool:
        """Whether somebody acts on it, by custom."""
        return topics.ACTS.search(topic) is not None

    def _forget(self) -> None:
        """Look up anew what is known of topics and series; points stay."""
        self._routes.known.clear()
        self._series = 0

    def _room(self) -> None:
        """Room for one more series, or one more field that nobody asks for."""
        if self._series >= MAX_SERIES:
            self._forget()
        self._series += 1

    def _read(self, message: Message) -> Batch | Reject:
        route = self._routes.of(message.topic)
        if len(message.payload) > strict.MAX_BYTES:
            raise RefusedError(Reason.SIZE, f"{len(message.payload)} bytes, at most {strict.MAX_BYTES} are read")
        try:
            text = message.payload.decode()
        except UnicodeDecodeError as error:
            raise RefusedError(Reason.SYNTAX, str(error)) from None
        rows: list[tuple[int, int, float, int, int]] = []
        refused: dict[str, tuple[Reject, int]] = {}
        said = False
        for line in lines(text):
            try:
                if line is None:
                    raise RefusedError(Reason.SYNTAX, "no line protocol")
                rows += self._line(route, line, message)
                said = True
            except RefusedError as error:
                reject, times = refused.get(error.reason) or (strict.refuse(error.reason, error.detail), 0)
                refused[error.reason] = reject, times + 1
            if len(rows) > MAX_READINGS:
                raise RefusedError(Reason.SIZE, f"more than {MAX_READINGS} readings")
        if not said:
            return next(iter(refused.values()))[0] if refused else strict.refuse(Reason.SYNTAX, "no line")
        if not rows:
            return Batch(refused=tuple(refused.values())) if refused else NOTHING
        columns: Any = tuple(zip(*rows, strict=True))
        if len(rows) >= MANY:
            columns = tuple(np.array(column, kind) for column, kind in zip(columns, KINDS, strict=True))
        return Batch(*columns, refused=tuple(refused.values()))

    def _line(self, route: Route, line: Line, message: Message) -> list[tuple[int, int, float, int, int]]:
        """The readings of a line."""
        stamp, flags = message.received_ns, int(Flag.RETAINED) if message.retain else 0
        if line.stamp:
            stamp = int(line.stamp) * self._per
            if not FIRST_NS <= stamp < LAST_NS:
                raise RefusedError(Reason.TIME, no_time(int(line.stamp), self._unit))
        else:
            flags |= int(Flag.NO_TIME)
        known = route.slots.get(line.series)
        if known is None:
            known = self._known(route, line.series)
        found, slots = known
        rows = []
        for field in line.fields:
            key = field[0]
            slot = slots[key] if key in slots else self._slot(route, found, slots, field)
            if slot is not None:
                said, quality = _judged(slot.reading, field)
                rows.append((slot.point, stamp, said, quality, flags))
        return rows

    def _known(self, route: Route, written: str) -> tuple[Series, dict[str, Slot | None]]:
        """What is known of a series, nothing yet of its fields."""
        found = series(written)
        if isinstance(found, str):
            raise RefusedError(Reason.SYNTAX, found)
        self._room()
        known = route.slots[written] = found, {}
        return known

    def _slot(self, route: Route, found: Series, slots: dict[str, Slot | None], field: Field) -> Slot | None:
        """The point of a field, made where it was not heard of before."""
        key = name(field[0])
        if len(key) > MAX_KEY:
            raise RefusedError(Reason.SYNTAX, f"a field's name of more than {MAX_KEY} signs")
        said = value(*field[1:])
        if said is None:
            raise RefusedError(Reason.TYPE, f"{key} is no value")
        if route.rule is None and isinstance(said, str):
            return None  # a text is no reading; a number may come in its place
        identity, point = f"{route.topic}:{found.identity} {field[0]}", None
        reading = None if route.rule is None else _asked(route.rule, found, key)
        if route.rule is None:
            point = _as_it_is(identity, route.source, found, key)
        elif reading is not None:
            point = _mapped(identity, route, found, reading)
        if point is None:
            self._room()
        index = None if point is None else self.points.index(identity)
        if point is not None and index is None:
            _judged(reading, field)  # what cannot be read makes no point
            if len(self.points) >= self._max_points:
                raise RefusedError(Reason.FULL, f"more than {self._max_points} points")
            index = self.points.put(point)
        slots[field[0]] = None if index is None else Slot(index, reading)
        return slots[field[0]]


def _asked(rule: Rule, found: Series, key: str) -> Reading | None:
    """The reading of a rule that a field of a series is."""
    for reading in rule.readings:
        if ".".join(map(str, reading.steps)) == key and all(
            _text(wanted) == _of(found, steps) for steps, wanted in reading.where
        ):
            return reading
    return None


def _text(wanted: object) -> str:
    return str(wanted).lower() if isinstance(wanted, bool) else str(wanted)


def _of(found: Series, steps: tuple[str | int, ...]) -> str | None:
    """A tag of a series, or its measurement."""
    asked = ".".join(map(str, steps))
    return found.tags.get(asked, found.measurement if asked == "measurement" else None)


def _mapped(identity: str, route: Route, found: Series, reading: Reading) -> Point:
    written, captured = reading.written, {**found.tags, **route.captured}
    item = "" if written.item is None else fill(written.item, captured)
    if reading.item_steps is not None:
        item = _of(found, reading.item_steps) or ""
    point = point_of(identity, route.source, reading, item, captured)
    missing = [word for word in named(reading.written) if word not in captured]
    if missing or (reading.item_steps is not None and not item) or len(item) > MAX_ITEM or not item.isprintable():
        raise RefusedError(Reason.KEY, "a tag that names the item is not there, or is no short text")
    return point


def _as_it_is(identity: str, source: str, found: Series, key: str) -> Point:
    """A point of which no mapping tells: its unit is not known."""
    words = found.measurement if key == "value" else f"{found.measurement}_{key}"
    variable = re.sub(r"[^a-z0-9_]+", "_", words.lower())[:MAX_VARIABLE]
    variable = variable if variable[:1].isalpha() else f"x_{variable}"
    tag = next((tag for tag in ITEM_TAGS if tag in found.tags), None)
    return Point(
        identity=identity,
        source=source,
        variable=f"{variable}_as_sent" if variable in BY_NAME else variable,
        item="" if tag is None else found.tags[tag],
        qualifier=tuple(f"{key}={text}" for key, text in sorted(found.tags.items()) if key != tag),
    )


def _judged(reading: Reading | None, field: Field) -> tuple[float, int]:
    """The value of a field in the unit of the model, and what it is worth."""
    said = value(*field[1:])
    if said is None:
        raise RefusedError(Reason.TYPE, f"{name(field[0])} is no value")
    if isinstance(said, str):
        if reading is None or said not in reading.states:
            return NAN, NO_VALUE
        said = reading.states[said]
    elif isinstance(said, bool) and reading is not None and not (reading.states or reading.unit.units == "1"):
        raise RefusedError(Reason.TYPE, f"{name(field[0])} is true or false, not a number")
    if not -HUGE <= said <= HUGE:
        raise RefusedError(Reason.TYPE, f"{name(field[0])} is larger than any number")
    if reading is None:
        return float(said), GOOD
    if said >= reading.written.blank_from:
        return NAN, NO_VALUE
    made = said * reading.unit.factor + reading.unit.offset
    inside = reading.low <= made <= reading.high and (not reading.states or said in reading.states.values())
    return min(max(made, -HUGE), HUGE), GOOD if inside else OUT_OF_RANGE


def make(options: Mapping[str, str]) -> Decoder:
    """A decoder; options: ``topic``, ``precision``, ``prefix`` and ``mapping``, a shipped mapping or a file.

    ``mapping_text``: what the mapping holds, as a recording keeps it; then ``mapping`` is its name.

    Raises :class:`~twin.core.errors.InputError` with every fault, of a mapping at its line and column.
    """
    known = ("mapping", "mapping_text", "precision", "prefix", "topic")
    problems = [
        Problem(given, f"influx has no such option{did_you_mean(given, known)}")
        for given in sorted(options.keys() - set(known))
    ]
    precision, topic = options.get("precision", "ns"), options.get("topic", TOPIC)
    if precision not in PER:
        problems.append(Problem("precision", f"expected one of {', '.join(PER)}"))
    levels = topic.split("/")
    rest = levels[-1] == "#"
    fixed = levels[:-1] if rest else levels
    if topics.fault("/".join("x" if level == "+" else level for level in fixed) or "x" * rest):
        problems.append(Problem("topic", "expected a topic, + for any level, # at its end for all that follow"))
    prefix = topics.prefix(options.get("prefix", ""))
    rules = load_mapping(options["mapping"], options.get("mapping_text"), tagged=True) if "mapping" in options else []
    problems += [fault for number, rule in enumerate(rules) for fault in _foreign(number, rule)]
    if rules and "topic" in options:
        problems.append(Problem("topic", "the mapping says which topics are read"))
    if problems:
        raise InputError(problems)
    pattern = Pattern(tuple(None if level == "+" else (level,) for level in fixed), rest)
    return Decoder(of_rules(rules) or [Filter(topic, 1, pattern, None)], precision, prefix)


def _foreign(number: int, rule: Rule) -> list[Problem]:
    """What a rule says that means nothing in line protocol."""
    given = {"each": rule.each, "time_field": rule.time_steps, "quality_field": rule.quality_steps}
    place = f"rules[{number}]"
    made = [Problem(f"{place}.{key}", "line protocol has no such thing") for key, said in given.items() if said]
    return made + [Problem(place, "a reading needs its field") for reading in rule.readings if not reading.steps]


__all__ = ["DIALECT", "Decoder", "make"]
