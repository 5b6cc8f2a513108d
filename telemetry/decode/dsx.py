"""NVIDIA DSX Exchange, BMS event bus 1.0.0: values in JSON, each point described by retained metadata.

Topics: ``BMS/v1/PUB/{Value|Metadata}/{object}/{point}/{tag...}`` of the building's system, ``BMS/v1/{integration}/
Value/...`` of others, behind any prefix (``cpc/{id}/`` of a federation, one of ours). A point's identity is what
follows ``Value/`` or ``Metadata/``, behind the prefix unless that is the option ``prefix`` of this decoder. Values:
``{"value": number or null, "timestamp": epoch ms, "quality": 1 = good}``. A value that comes before its metadata is
held, one per topic and ``MAX_HELD`` in all, and released by them. Converted to SI and degC here.
Source: NVIDIA/dsx-exchange, `schemas/asyncapi/bms/bms.yaml` 1.0.0 (Apache-2.0).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

import msgspec

from telemetry import strict, topics
from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.decode import Dialect
from telemetry.dsx import metadata
from telemetry.dsx.contract import BMS_PAIRS, INTEGRATION_PAIRS, PAIRS
from telemetry.message import Message
from telemetry.points import Points
from twin.core.errors import InputError, Problem

DIALECT = Dialect("dsx", "NVIDIA DSX Exchange, BMS event bus 1.0.0 (JSON)")

MAX_HELD = 20_000  # values that wait for their metadata
MAX_POINTS = 200_000
FIRST_MS, LAST_MS = 946_684_800_000, 4_102_444_800_000  # 2000-01-01, 2100-01-01
NAN = float("nan")
HUGE = sys.float_info.max
ROOT = re.compile(r"(?:^|(?<=/))BMS/v1/")
ACTS = re.compile(
    r"(?:^|/)(?:BMS/v\d+/(?!PUB/)|BMS/v\d+/PUB/Value/[^/]+/[^/]*Request(?:/|$)"
    r"|grid/v\d+/(?:.*/)?(?:loadtarget/set|powerbreach/enforcement)$)"
)


class Good(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The payload of a good value, as nearly all are written: the quickest way through."""

    value: float
    timestamp: Annotated[int, msgspec.Meta(ge=FIRST_MS, lt=LAST_MS)]
    quality: Literal[1]


class Value(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The payload of any value without oddities."""

    value: float | None
    timestamp: Annotated[int, msgspec.Meta(ge=FIRST_MS, lt=LAST_MS)]
    quality: int


class Place(NamedTuple):
    """A topic taken apart."""

    identity: str
    prefix: str
    publisher: str
    is_metadata: bool
    thing: str
    kind: str


class Entry(NamedTuple):
    """All that a value of a known point needs."""

    factor: float
    offset: float
    low: float
    high: float
    states: frozenset[int] | None
    row: tuple[int]
    live: tuple[int]  # flags of a fresh delivery
    kept: tuple[int]  # and of a retained one


class Held(NamedTuple):
    """A value that waits for its metadata."""

    value: Value
    extra: bool
    retain: bool


ROWS = {quality: (int(quality),) for quality in Quality}
GOOD, BAD, BLANK, BEYOND = (ROWS[q] for q in (Quality.GOOD, Quality.BAD, Quality.NO_VALUE, Quality.OUT_OF_RANGE))
TWICE = len(b'{"value":0,"timestamp":946684800000,"quality":1,"value":0}')  # a shorter one has no key twice
_good = msgspec.json.Decoder(Good).decode
_any = msgspec.json.Decoder(Value).decode
_Quick = tuple[float, float, float, float, tuple[int], tuple[int]]


class Decoder:
    """Reads DSX Exchange; ``held`` values wait, ``dropped`` were given up because too many waited."""

    def __init__(self, prefix: str = "", max_held: int = MAX_HELD, max_points: int = MAX_POINTS) -> None:
        self.points = Points()
        self.dropped = 0
        self._prefix, self._max_held, self._max_points = prefix, max_held, max_points
        self._quick: dict[str, _Quick] = {}  # factor, offset, low, high, point, flags by topic of values
        self._entries: dict[str, Entry] = {}  # the same topics
        self._read: dict[str, metadata.Reading | Reject] = {}  # by identity
        self._held: dict[tuple[str, str], Held] = {}  # by identity and source

    @property
    def held(self) -> int:
        """Values that wait for their metadata."""
        return len(self._held)

    def decode(self, message: Message) -> Batch | Reject:
        """What ``message`` says."""
        try:
            factor, offset, low, high, row, flags = self._quick[message.topic]
            payload = message.payload
            good = _good(payload)
            value = good.value * factor + offset
            if low <= value <= high and not message.retain and (len(payload) < TWICE or _is_plain(payload)):
                return Batch(row, (good.timestamp * 1_000_000,), (value,), GOOD, flags)
        except Exception:
            pass  # the slow way finds out why, and says so
        try:
            return self._slowly(message)
        except Exception as error:  # an exception here would end the thread of the network
            return strict.refuse(Reason.INTERNAL, f"{type(error).__name__}: {error}")

    def _slowly(self, message: Message) -> Batch | Reject:
        """As :meth:`decode`, for everything."""
        entry = self._entries.get(message.topic)
        if entry is None:
            return self._first(message)
        read = _value(message.payload)
        if isinstance(read, Reject):
            return read
        value, extra = read
        return _batch(entry, value, (_flags(entry, extra, message.retain),))

    def source(self, topic: str) -> str:
        """Who publishes on ``topic``: BMS or the name of an integration, behind the prefix."""
        place = self._place(topic)
        return "" if isinstance(place, Reject) else _source(place)

    def subscriptions(self) -> list[tuple[str, int]]:
        """Metadata at QoS 0 (a broker may hold back retained QoS 1 messages), values at QoS 1."""
        return [(f"{self._prefix}BMS/v1/PUB/Metadata/#", 0), (f"{self._prefix}BMS/v1/+/Value/#", 1)]

    def is_command(self, topic: str) -> bool:
        """Whether a building acts on it: requests, all that an integration writes, load targets, enforcement."""
        return ACTS.search(topic) is not None

    def _place(self, topic: str) -> Place | Reject:
        """Take a topic apart."""
        wrong = topics.fault(topic)
        root = ROOT.search(topic)
        if wrong or root is None:
            return strict.refuse(Reason.TOPIC, wrong or "not a topic of BMS/v1")
        prefix = topic[: root.start()]
        parts = topic[root.end() :].split("/", 4)
        if len(parts) != 5 or not all(parts) or parts[1] not in ("Value", "Metadata"):
            return strict.refuse(Reason.TOPIC, "expected {publisher}/{Value|Metadata}/{object}/{point}/{tag}")
        publisher, what, thing, kind, tag = parts
        pairs = PAIRS if what == "Metadata" else BMS_PAIRS if publisher == "PUB" else INTEGRATION_PAIRS
        if (thing, kind) not in pairs:
            return strict.refuse(Reason.TOPIC, f"{thing}/{kind} is not in the contract")
        if what == "Metadata" and publisher != "PUB":
            return strict.refuse(Reason.PUBLISHER, "only the BMS publishes metadata")
        prefix = prefix.removeprefix(self._prefix) if self._prefix else prefix
        return Place(f"{prefix}{thing}/{kind}/{tag}", prefix, publisher, what == "Metadata", thing, kind)

    def _first(self, message: Message) -> Batch | Reject:
        """Metadata, or a value of a topic that cannot be read yet."""
        place = self._place(message.topic)
        if isinstance(place, Reject):
            return place
        if place.is_metadata:
            return self._learn(message, place)
        known, source = self._read.get(place.identity), _source(place)
        if isinstance(known, Reject):
            return known
        if known is not None:
            if known.point.source != source:
                return strict.refuse(Reason.PUBLISHER, f"the point belongs to {known.point.source}")
            entry = self._entries[message.topic] = _entry(self.points.put(known.point), known)
            low, high = (entry.low, entry.high) if entry.states is None else (HUGE, -HUGE)  # states go the slow way
            self._quick[message.topic] = (entry.factor, entry.offset, low, high, entry.row, entry.live)
            return self.decode(message)
        value = _value(message.payload)
        if isinstance(value, Reject):
            return value
        self._hold((place.identity, source), Held(*value, message.retain))
        return NOTHING

    def _hold(self, key: tuple[str, str], held: Held) -> None:
        """Keep the newest value of a topic until its metadata come."""
        before = self._held.pop(key, None)
        if before is not None and before.value.timestamp > held.value.timestamp:
            held = before
        self._held[key] = held
        if len(self._held) > self._max_held:
            del self._held[next(iter(self._held))]
            self.dropped += 1

    def _learn(self, message: Message, place: Place) -> Batch | Reject:
        """Take in metadata; release what waited for them."""
        data = strict.parse(message.payload)
        if isinstance(data, Reject):
            return data
        read = metadata.read(data, place.identity, place.prefix, place.thing, place.kind)
        before = self._read.get(place.identity)
        if before is None and len(self._read) >= self._max_points:
            return strict.refuse(Reason.FULL, f"more than {self._max_points} points")
        if isinstance(read, Reject):
            if before is None or read.reason == Reason.UNIT:  # its values mean something else now
                self._read[place.identity] = read
                self._forget(place.identity)
            return read
        if read == before:
            return NOTHING
        self._read[place.identity] = read
        if before is not None:
            self._forget(place.identity)
        index = self.points.put(read.point)
        held = self._held.pop((place.identity, read.point.source), None)
        if held is None:
            return NOTHING
        entry = _entry(index, read)
        return _batch(entry, held.value, (_flags(entry, held.extra, held.retain) | Flag.HELD,))

    def _forget(self, identity: str) -> None:
        """No topic is read by the former metadata of a point any more."""
        for topic in [topic for topic in self._entries if topic.endswith(identity)]:
            del self._entries[topic], self._quick[topic]


def _source(place: Place) -> str:
    return place.prefix + (metadata.BMS if place.publisher == "PUB" else place.publisher)


def _entry(index: int, read: metadata.Reading) -> Entry:
    point = read.point
    states = frozenset(value for value, _ in point.states) if point.states else None
    extra = int(Flag.EXTRA_KEY) if read.extra else 0
    low, high = max(point.low, -HUGE), min(point.high, HUGE)
    return Entry(read.factor, read.offset, low, high, states, (index,), (extra,), (extra | int(Flag.RETAINED),))


def _flags(entry: Entry, extra: bool, retain: bool) -> int:
    return (entry.kept if retain else entry.live)[0] | (int(Flag.EXTRA_KEY) if extra else 0)


def _batch(entry: Entry, value: Value, flags: tuple[int]) -> Batch:
    """One reading, converted and judged."""
    written = value.value
    if written is None:
        return Batch(entry.row, (value.timestamp * 1_000_000,), (NAN,), BLANK, flags)
    converted = written * entry.factor + entry.offset
    if not entry.low <= converted <= entry.high or (entry.states is not None and written not in entry.states):
        converted = min(max(converted, -HUGE), HUGE)
        quality = BEYOND if value.quality == 1 else BAD
    else:
        quality = GOOD if value.quality == 1 else BAD
    return Batch(entry.row, (value.timestamp * 1_000_000,), (converted,), quality, flags)


def _is_plain(payload: bytes) -> bool:
    """Whether a payload with the three keys holds each once, and not more blanks than a payload may have bytes."""
    return payload.count(b":") == 3 and len(payload) <= strict.MAX_BYTES


def _value(payload: bytes) -> tuple[Value, bool] | Reject:
    """A value, and whether its payload holds a key too much."""
    try:
        value = _any(payload)
    except (ValueError, RecursionError):
        return _odd_value(payload)
    return (value, False) if _is_plain(payload) else _odd_value(payload)


def _odd_value(payload: bytes) -> tuple[Value, bool] | Reject:
    """A value in any spelling that the contract's schema takes, and whether it holds a key too much."""
    data = strict.parse(payload)
    if isinstance(data, Reject):
        return data
    missing = [key for key in ("value", "timestamp", "quality") if key not in data]
    if missing:
        return strict.refuse(Reason.KEY, f"{missing[0]} is missing")
    value, stamp, quality = data["value"], strict.integer(data["timestamp"]), strict.integer(data["quality"])
    if isinstance(value, bool) or not isinstance(value, float | int | None):
        return strict.refuse(Reason.TYPE, "value is neither a number nor null")
    if stamp is None or quality is None:
        return strict.refuse(Reason.TYPE, "timestamp or quality is not an integer")
    if not FIRST_MS <= stamp < LAST_MS:
        return strict.refuse(Reason.TIME, f"timestamp {stamp} is not epoch milliseconds of 2000..2100")
    try:
        return Value(None if value is None else float(value), stamp, 1 if quality == 1 else 0), len(data) > 3
    except OverflowError:
        return strict.refuse(Reason.TYPE, "value is larger than any number")


def make(options: Mapping[str, str]) -> Decoder:
    """A decoder; the option ``prefix`` stands in front of the topics subscribed to and is no part of identities.

    Raises :class:`~twin.core.errors.InputError` for another option and for a prefix that no topic can have.
    """
    unknown = sorted(options.keys() - {"prefix"})
    if unknown:
        raise InputError([Problem(unknown[0], "dsx has the option prefix only")])
    return Decoder(topics.prefix(options.get("prefix", "")))
