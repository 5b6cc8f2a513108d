"""Plain JSON by a mapping file: any gateway that publishes numbers with a key, Redfish metric reports, DCGM.

The option ``mapping`` names the file (its keys: :mod:`telemetry.plain.model`, for editors `sites/mapping.schema.json`).
A reading is good unless its quality field says otherwise; null, NaN, empty text and the blank markers of DCGM (from
0x7FFFFFFFFFFFFFF0) are no value. A number may be written as text, as Redfish does. What a mapping does not name is
nobody's business: further keys are no fault here. Of several readings in a message those that cannot be read have no
value, and the others stand; a message of which nothing can be read is refused. Identity: the topic (without the option
``prefix``), the field and its conditions, and the item where the payload names it.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from telemetry import strict, topics
from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.decode import Dialect
from telemetry.message import Message
from telemetry.plain.mapping import Reading, Rule, Steps, fill, load_mapping, point_of
from telemetry.plain.routes import FIRST_NS, LAST_NS, PER, RefusedError, Routes, no_time, of_rules, refusing
from telemetry.points import Points
from twin.core.errors import InputError, Problem, did_you_mean

DIALECT = Dialect("plain", "plain JSON, by a mapping file", contract=False, mappings="mappings")

MAX_POINTS = 200_000
MAX_ROUTES = 200_000
MAX_READINGS = 10_000  # of one message
MAX_ITEM = 128
HUGE = sys.float_info.max
NAN = float("nan")
NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
BLANKS = frozenset(("", "nan", "null", "none", "n/a", "na", "inf", "+inf", "-inf", "infinity", "-infinity"))
_MISSING = object()


class _UnreadableError(RefusedError):
    """A reading that cannot be read; others of its message may be."""


_NOTHING_THERE = RefusedError(Reason.KEY, "none of the mapped fields is there")


class Route(NamedTuple):
    """What is known of a topic."""

    topic: str  # without our prefix, unless this is one of several
    source: str
    rule: Rule
    captured: dict[str, str]


class Decoder:
    """Reads plain JSON by the rules of a mapping; nothing waits here, the mapping describes all."""

    held = 0
    dropped = 0

    quiet_s = 250.0  # nothing is known of its periods, and it has no heartbeat: silence says little

    def __init__(self, rules: list[Rule], prefix: str = "", max_points: int = MAX_POINTS) -> None:
        self.points = Points()
        self._max_points = max_points
        self._routes = Routes(of_rules(rules), prefix, Route, levels=1, most=MAX_ROUTES)

    def decode(self, message: Message) -> Batch | Reject:
        """What ``message`` says."""
        return refusing(self._read, message)

    def source(self, topic: str) -> str:
        """Who publishes on ``topic``, as its rule says; "" where no rule fits."""
        return self._routes.source(topic)

    def subscriptions(self) -> list[tuple[str, int]]:
        """The topics of the rules, each at the QoS of its rule."""
        return self._routes.subscriptions()

    def is_command(self, topic: str) -> bool:
        """Whether somebody acts on it, by custom."""
        return topics.ACTS.search(topic) is not None

    def _read(self, message: Message) -> Batch | Reject:
        route = self._routes.of(message.topic)
        data = strict.load(message.payload, blanks=True)
        if isinstance(data, Reject):
            return data
        elements = _elements(route.rule, data)
        rows: list[tuple[int, int, float, int, int]] = []
        unread: list[tuple[Reading, Any, int, int]] = []
        first: RefusedError | None = None
        for element in elements:
            for reading in route.rule.readings:
                if not all(_same(_at(element, steps), wanted) for steps, wanted in reading.where):
                    continue
                first = first or _NOTHING_THERE
                written = _at(element, reading.steps)
                if written is _MISSING:
                    continue
                stamp, flags = message.received_ns, int(Flag.NO_TIME)
                try:
                    stamp, flags = _time(route.rule, element, data, message)
                    value, quality = _judge(reading, written)
                except _UnreadableError as error:
                    first = error if first is _NOTHING_THERE else first
                    unread.append((reading, element, stamp, flags))
                    continue
                if quality != Quality.NO_VALUE and not _is_good(route.rule, element, data):
                    quality = Quality.BAD
                rows.append((self._point(route, reading, element), stamp, value, int(quality), flags))
        if first is not None and not rows:
            raise first
        for reading, element, stamp, flags in unread:
            rows.append((self._point(route, reading, element), stamp, NAN, int(Quality.NO_VALUE), flags))
        return Batch(*(tuple(column) for column in zip(*rows, strict=True))) if rows else NOTHING

    def _point(self, route: Route, reading: Reading, element: Any) -> int:
        """The number of the point, made where it was not heard of before."""
        written, item = reading.written, ""
        identity = f"{route.topic}:{reading.name}" if reading.name else route.topic
        if reading.item_steps is not None:
            item = _item(_at(element, reading.item_steps))
            identity = f"{identity}:{item}"
        elif written.item is not None:
            item = fill(written.item, route.captured)
        known = self.points.index(identity)
        if known is not None:
            return known
        if len(self.points) >= self._max_points:
            raise RefusedError(Reason.FULL, f"more than {self._max_points} points")
        return self.points.put(point_of(identity, route.source, reading, item, route.captured))


def _elements(rule: Rule, data: Any) -> list[Any]:
    """The elements of a message that readings are taken from."""
    elements = [data] if rule.each is None else _at(data, rule.each)
    if elements is _MISSING:
        raise RefusedError(Reason.KEY, "the list to be read is not there")
    if not isinstance(elements, list):
        raise RefusedError(Reason.TYPE, "what is to be read is not a list")
    if len(elements) * len(rule.readings) > MAX_READINGS:
        raise RefusedError(Reason.SIZE, f"more than {MAX_READINGS} readings")
    return elements


def _at(data: Any, steps: Steps) -> Any:
    """What stands at a path; the mark of missing where nothing does."""
    for step in steps:
        listed = isinstance(data, list) and isinstance(step, int) and -len(data) <= step < len(data)
        if not listed and not (isinstance(data, dict) and step in data):
            return _MISSING
        data = data[step]
    return data


def _same(found: Any, wanted: Any) -> bool:
    """Equal, and true is not 1."""
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _item(found: Any) -> str:
    text = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not text or len(text) > MAX_ITEM or not text.isprintable():
        raise RefusedError(Reason.TYPE, "the name of the item is no short text")
    return text


def _is_good(rule: Rule, element: Any, data: Any) -> bool:
    if rule.quality_steps is None:
        return True
    found = _at(element, rule.quality_steps)
    found = _at(data, rule.quality_steps) if found is _MISSING else found
    return any(_same(found, good) for good in rule.written.quality_good)


def _time(rule: Rule, element: Any, data: Any, message: Message) -> tuple[int, int]:
    """Source time in ns and flags; that of the receipt stands in where the message has none."""
    flags = int(Flag.RETAINED) if message.retain else 0
    found: Any = _MISSING
    if rule.time_steps is not None:
        found = _at(element, rule.time_steps)
        found = _at(data, rule.time_steps) if found is _MISSING else found
    if found is _MISSING or found is None:
        return message.received_ns, flags | int(Flag.NO_TIME)
    unit = rule.written.time_unit or "s"
    stamp = _instant(found, unit)
    if stamp is None or not FIRST_NS <= stamp < LAST_NS:
        raise _UnreadableError(Reason.TIME, no_time(None if stamp is None else stamp // PER.get(unit, 1), unit))
    return stamp, flags


def _instant(found: Any, unit: str) -> int | None:
    """ns since 1970 UTC of a written time."""
    if unit == "iso8601":
        try:
            at = datetime.fromisoformat(found)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
            past = at - datetime(1970, 1, 1, tzinfo=UTC)
        except (TypeError, ValueError, OverflowError):
            return None
        return ((past.days * 86400 + past.seconds) * 10**6 + past.microseconds) * 1000
    if isinstance(found, str) and len(found) <= 32 and NUMBER.fullmatch(found):
        found = float(found) if re.search(r"[.eE]", found) else int(found)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    if isinstance(found, int):
        return found * PER[unit]
    return round(found * PER[unit]) if math.isfinite(found) and abs(found) < 1e19 else None


def _judge(reading: Reading, written: Any) -> tuple[float, Quality]:
    """The value in the unit of the model and what it is worth."""
    if isinstance(written, str):
        if written in reading.states:
            written = reading.states[written]
        elif written.strip().lower() in BLANKS:
            written = None
        elif len(written) <= 64 and NUMBER.fullmatch(written):
            written = float(written)
    elif isinstance(written, bool) and (reading.states or reading.unit.units == "1"):
        written = int(written)
    if written is None:
        return NAN, Quality.NO_VALUE
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise _UnreadableError(Reason.TYPE, f"{reading.name or 'the payload'} is no number")
    if (isinstance(written, float) and not math.isfinite(written)) or written >= reading.written.blank_from:
        return NAN, Quality.NO_VALUE
    try:
        value = float(written) * reading.unit.factor + reading.unit.offset
    except OverflowError:
        raise _UnreadableError(Reason.TYPE, f"{reading.name} is larger than any number") from None
    inside = reading.low <= value <= reading.high and abs(value) <= HUGE
    if reading.states and written not in reading.states.values():
        inside = False
    return min(max(value, -HUGE), HUGE), Quality.GOOD if inside else Quality.OUT_OF_RANGE


def make(options: Mapping[str, str]) -> Decoder:
    """A decoder; options: ``mapping``, a shipped mapping or a file, and ``prefix`` in front of all its topics.

    ``mapping_text``: what the mapping holds, as a recording keeps it; then ``mapping`` is its name.

    Raises :class:`~twin.core.errors.InputError` with every fault of the mapping at its line and column.
    """
    known = ("mapping", "mapping_text", "prefix")
    problems = [
        Problem(name, f"plain has no such option{did_you_mean(name, known)}")
        for name in sorted(options.keys() - set(known))
    ]
    if "mapping" not in options:
        problems.append(Problem("mapping", "plain JSON needs a mapping file"))
    prefix = topics.prefix(options.get("prefix", ""))
    if problems:
        raise InputError(problems)
    return Decoder(load_mapping(options["mapping"], options.get("mapping_text")), prefix)
