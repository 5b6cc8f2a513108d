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
from typing import NamedTuple

from telemetry import strict, topics
from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.decode import Dialect
from telemetry.dsx import metadata, values
from telemetry.dsx.contract import BMS_PAIRS, INTEGRATION_PAIRS, PAIRS
from telemetry.dsx.values import SHORTEST_TWICE, is_plain, read_good
from telemetry.message import Message
from telemetry.points import Points
from twin.core.errors import InputError, Problem

DIALECT = Dialect("dsx", "NVIDIA DSX Exchange, BMS event bus 1.0.0 (JSON)")

MAX_HELD = 20_000  # values that wait for their metadata
MAX_POINTS = 200_000
MAX_DESCRIBED = 256 << 20  # bytes of the metadata that are kept of all points
# Options that a command hands on, and the dialects that have them.
OTHERS = {
    "mapping": "dsx needs no mapping: choose --dialect plain, sparkplug or influx",
    "rebirth": "goes with --dialect sparkplug: nothing else has births",
}
NAN = float("nan")
HUGE = sys.float_info.max
ROOT = re.compile(r"(?:^|(?<=/))BMS/v1/")
ACTS = re.compile(
    r"(?:^|/)(?:BMS/v\d+/(?!PUB/)|BMS/v\d+/PUB/Value/[^/]+/[^/]*Request(?:/|$)"
    r"|grid/v\d+/(?:.*/)?(?:loadtarget/set|powerbreach/enforcement)$)"
)


class Place(NamedTuple):
    """A topic taken apart."""

    identity: str
    prefix: str
    publisher: str
    is_metadata: bool
    thing: str
    kind: str


class Entry(NamedTuple):
    """All that a value of a known point needs; ``low`` and ``high`` as it is written."""

    factor: float
    offset: float
    low: float
    high: float
    states: frozenset[int] | None
    row: tuple[int]
    extra: bool


class Held(NamedTuple):
    """A value, whether its payload held a key too much, and whether the broker had kept it."""

    value: values.Value
    extra: bool
    retain: bool


ROWS = {quality: (int(quality),) for quality in Quality}
GOOD, BAD, BLANK, BEYOND = (ROWS[q] for q in (Quality.GOOD, Quality.BAD, Quality.NO_VALUE, Quality.OUT_OF_RANGE))
EXTRA_KEY, RETAINED, WAITED = int(Flag.EXTRA_KEY), int(Flag.RETAINED), int(Flag.HELD)  # sums of int are quicker
NO_FLAG = (0,)


class Decoder:
    """Reads DSX Exchange; ``held`` values wait, ``dropped`` were given up because too many waited."""

    def __init__(
        self,
        prefix: str = "",
        max_held: int = MAX_HELD,
        max_points: int = MAX_POINTS,
        max_described: int = MAX_DESCRIBED,
    ) -> None:
        self.points = Points()
        self.dropped = 0
        self._prefix, self._max_held, self._max_points, self._room = prefix, max_held, max_points, max_described
        self._sizes: dict[str, int] = {}  # bytes that the metadata of an identity took of the room
        self._quick: dict[str, tuple[float, float, float, tuple[int]]] = {}  # factor, low, high, point by topic
        self._entries: dict[str, Entry] = {}  # by topic, of all values that can be read
        self._topics: dict[str, list[str]] = {}  # these topics by identity
        self._read: dict[str, metadata.Reading | Reject] = {}  # by identity
        self._held: dict[tuple[str, str], Held] = {}  # by identity and source

    @property
    def held(self) -> int:
        """Values that wait for their metadata."""
        return len(self._held)

    def decode(self, message: Message) -> Batch | Reject:
        """What ``message`` says."""
        try:
            payload = message.payload
            if not message.retain and (len(payload) < SHORTEST_TWICE or is_plain(payload)):
                factor, low, high, row = self._quick[message.topic]
                good = read_good(payload)
                value = good.value
                if low <= value <= high:
                    return Batch(row, (good.timestamp * 1_000_000,), (value * factor,), GOOD, NO_FLAG)
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
        read = values.read(message.payload)
        if isinstance(read, Reject):
            return read
        return _batch(entry, Held(*read, message.retain))

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
            self._recognise(message.topic, place.identity, _entry(self.points.put(known.point), known))
            return self.decode(message)
        read = values.read(message.payload)
        if isinstance(read, Reject):
            return read
        self._hold((place.identity, source), Held(*read, message.retain))
        return NOTHING

    def _recognise(self, topic: str, identity: str, entry: Entry) -> None:
        """Read ``topic`` by ``entry`` from now on."""
        self._entries[topic] = entry
        self._topics.setdefault(identity, []).append(topic)
        if entry.states is None and not entry.extra and entry.offset == 0.0:
            self._quick[topic] = (entry.factor, entry.low, entry.high, entry.row)

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
        more = len(message.payload) - self._sizes.get(place.identity, 0)
        if more > self._room:
            return strict.refuse(Reason.FULL, "the metadata of all points are too large to be kept")
        if isinstance(read, Reject):
            if before is None or read.reason == Reason.UNIT:  # its values mean something else now
                self._read[place.identity] = read
                self._forget(place.identity)
            return read
        if read == before:
            return NOTHING
        self._read[place.identity] = read
        self._sizes[place.identity] = len(message.payload)
        self._room -= more
        if before is not None:
            self._forget(place.identity)
        index = self.points.put(read.point)
        held = self._held.pop((place.identity, read.point.source), None)
        if held is None:
            return NOTHING
        return _batch(_entry(index, read), held, WAITED)

    def _forget(self, identity: str) -> None:
        """No topic is read by the former metadata of a point any more."""
        for topic in self._topics.pop(identity, ()):
            del self._entries[topic]
            self._quick.pop(topic, None)


def _source(place: Place) -> str:
    return place.prefix + (metadata.BMS if place.publisher == "PUB" else place.publisher)


def _entry(index: int, read: metadata.Reading) -> Entry:
    point, factor, offset = read.point, read.factor, read.offset
    states = frozenset(value for value, _ in point.states) if point.states else None
    most = HUGE / max(factor, 1.0)  # what stays finite when it is converted
    low, high = max((point.low - offset) / factor, -most), min((point.high - offset) / factor, most)
    return Entry(factor, offset, low, high, states, (index,), read.extra)


def _batch(entry: Entry, held: Held, flags: int = 0) -> Batch:
    """One reading, converted and judged."""
    written, good = held.value.value, held.value.quality == 1
    flags |= (EXTRA_KEY if entry.extra or held.extra else 0) | (RETAINED if held.retain else 0)
    if written is None:
        quality, converted = BLANK, NAN
    else:
        inside = entry.low <= written <= entry.high and (entry.states is None or written in entry.states)
        quality = (GOOD if inside else BEYOND) if good else BAD
        converted = written * entry.factor
        if entry.offset:
            converted += entry.offset  # not 0.0, which would make 0.0 of -0.0, unlike the quick way
        converted = min(max(converted, -HUGE), HUGE)
    return Batch(entry.row, (held.value.timestamp * 1_000_000,), (converted,), quality, (flags,))


def make(options: Mapping[str, str]) -> Decoder:
    """A decoder; the option ``prefix`` stands in front of the topics subscribed to and is no part of identities.

    Raises :class:`~twin.core.errors.InputError` for another option and for a prefix that no topic can have.
    """
    unknown = sorted(options.keys() - {"prefix"})
    if unknown:
        raise InputError([Problem(key, OTHERS.get(key, "dsx has no such option")) for key in unknown])
    return Decoder(topics.prefix(options.get("prefix", "")))
