"""A Sparkplug B payload as columns, one element for each metric: ``read(data)``.

Columns hold what the wire says. What needs the birth (names, and data types, which data may leave out) is the reader's:
``payload.values(datatypes)`` gives the numbers once the types are known. Texts, bytes, data sets, templates, metadata
and properties other than ``Quality`` are read one metric at a time, by ``text(i)`` and ``message(i)``.

Symbols: time in ms since 1970 UTC. A span is ``begin | end << 32``, places in ``data``.
Valid range: payloads of at most ``MAX_BYTES`` (after decompression too), ``MAX_METRICS`` metrics.
Source: Eclipse Sparkplug specification 3.0.0, section 6.4; signedness: twos' complement in 32 or 64 bits.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry import strict
from telemetry.batch import Reason, Reject
from telemetry.sparkplug import wire
from telemetry.sparkplug.body import COMPRESSED, unpack
from telemetry.sparkplug.schema import CLASSES

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]

MAX_BYTES = 4 << 20
MAX_METRICS = 200_000
USUAL_BYTES = 16  # of a metric at least; smaller ones cost a second walk
NO_ALIAS, NO_TIME, NO_QUALITY = wire.NO_ALIAS, wire.NO_TIME, wire.NO_QUALITY
HALF, WORD = (1 << 32) - 1, (1 << 64) - 1
WORDY = ("string_value", "bytes_value", "dataset_value", "template_value", "extension_value")


class Stood(IntEnum):
    """Which value field of a metric stood last, by its number; of all but the first six the value is no number."""

    NONE = 0
    INT = 10
    LONG = 11
    FLOAT = 12
    DOUBLE = 13
    BOOLEAN = 14
    STRING = 15
    BYTES = 16
    DATASET = 17
    TEMPLATE = 18
    EXTENSION = 19


class Mark(IntFlag):
    """What else a metric says; bits add."""

    HISTORICAL = 1  # for the history, never for the present state
    TRANSIENT = 2
    NULL = 4  # no valid reading: the value is NaN
    ALIASED = 8  # it has an alias; without, its alias is NO_ALIAS
    NAMED = 16
    TIMED = 32  # it has a time of its own; without, that of the payload stands in
    RICH = 64  # text, bytes, data set, template, extension, metadata, or other properties than Quality


class Payload(msgspec.Struct, frozen=True, gc=False):
    """What a payload says.

    ``timestamp_ms``, ``seq``: None where absent. ``uuid``: "" where absent. ``marks``: all bits of ``flags`` together,
    so that what is seldom needs no look at the column. ``count``: metrics. ``data``: the bytes read (unpacked).
    ``table``: the columns, a row each, of which the first ``count`` elements mean something.
    """

    data: bytes
    timestamp_ms: int | None
    seq: int | None
    uuid: str
    body: bytes | None
    count: int
    marks: int
    table: NDArray[Any]

    @property
    def alias(self) -> U64:
        """Alias of each metric, ``NO_ALIAS`` where it has none (then its flags lack ``Mark.ALIASED``)."""
        return self.table[wire.C_ALIAS, : self.count].view(np.uint64)

    @property
    def time_ms(self) -> I64:
        """Time of each metric, ms: its own, else the payload's, else ``NO_TIME``. Unchecked: any 64 bits."""
        return self.table[wire.C_TIME, : self.count]

    @property
    def datatype(self) -> I64:
        """Data type as the metric itself says it (:class:`Datatype`, or any other 32 bits); 0 where absent."""
        return self.table[wire.C_DATATYPE, : self.count]

    @property
    def field(self) -> I64:
        """Which value field stood (:class:`Stood`)."""
        return self.table[wire.C_FIELD, : self.count]

    @property
    def raw(self) -> U64:
        """The value's bits, zero-extended: of an integer, a boolean, a float (32 bits) or a double. Else 0."""
        return self.table[wire.C_RAW, : self.count].view(np.uint64)

    @property
    def value(self) -> F64:
        """The value as a number, by the metric's own data type (:meth:`values`); NaN where it is null or none."""
        return self.table[wire.C_VALUE, : self.count].view(np.float64)

    @property
    def flags(self) -> I64:
        """Bits of :class:`Mark`."""
        return self.table[wire.C_FLAGS, : self.count]

    @property
    def quality(self) -> I64:
        """Property ``Quality`` (0 bad, 192 good, 500 stale), ``NO_QUALITY`` where absent, null or no integer;
        at most 2^31 - 1.
        """
        return self.table[wire.C_QUALITY, : self.count]

    @property
    def names(self) -> list[str | None] | None:
        """Name of each metric, None where it has none; None for all where no metric has one.

        A name that is not UTF-8 keeps its other bytes as ``\\xNN``.
        """
        if not self.marks & Mark.NAMED:
            return None
        data, flags = self.data, self.flags.tolist()
        spans = zip(flags, self.table[wire.C_NAME, : self.count].tolist(), strict=True)
        named = int(Mark.NAMED)  # plain numbers are quicker
        return [words(data[s & 0xFFFFFFFF : s >> 32]) if f & named else None for f, s in spans]

    @property
    def rich(self) -> list[int]:
        """Which metrics need :meth:`text` or :meth:`message` to be understood whole."""
        return np.flatnonzero(self.flags & int(Mark.RICH)).tolist() if self.marks & Mark.RICH else []

    def text(self, index: int) -> str | None:
        """A metric's text value (String, Text, UUID); None where its value is no text."""
        if self.table[wire.C_FIELD, index] != Stood.STRING:
            return None
        span = int(self.table[wire.C_TEXT, index])
        return words(self.data[span & 0xFFFFFFFF : span >> 32])

    def message(self, index: int) -> Any:
        """A metric whole, as a protobuf message of :mod:`~telemetry.sparkplug.schema`."""
        span = int(self.table[wire.C_SPAN, index])
        return CLASSES["Metric"].FromString(self.data[span & 0xFFFFFFFF : span >> 32])

    def values(self, datatypes: I64) -> F64:
        """The numbers by ``datatypes`` (int64, one for each metric: the births'), where a metric tells none itself.

        NaN where there is no number, and where the bits are none of the type. Integers beyond 2^53 are rounded to the
        nearest float64; ``raw`` has them whole.
        """
        if len(datatypes) != self.count:
            raise ValueError(f"{len(datatypes)} data types of {self.count} metrics")
        out = np.empty(self.count)
        types = np.ascontiguousarray(datatypes, np.int64)
        wire.numbers(types, self.field, self.raw, self.flags, self.datatype, out)
        return out


NO_PAYLOAD = strict.refuse(Reason.SYNTAX, "no payload: its bytes are none that protobuf takes")


def words(data: bytes) -> str:
    """Text as people and JSON can hold it, whatever the bytes are."""
    return data.decode(errors="backslashreplace")


def _quality(metric: Any) -> tuple[int, bool]:
    """Property Quality of a metric, and whether it says what no column holds."""
    keys = [key if isinstance(key, str) else "" for key in metric.properties.keys]
    rich = metric.HasField("metadata") or metric.WhichOneof("value") in WORDY or keys != ["Quality"]
    place = keys.index("Quality") if "Quality" in keys else len(metric.properties.values)
    if place >= len(metric.properties.values):
        return NO_QUALITY, rich
    value = metric.properties.values[place]
    stood = value.WhichOneof("value")
    if value.is_null or stood not in ("int_value", "long_value"):
        return NO_QUALITY, rich
    return min(getattr(value, stood), wire.MAX_QUALITY), rich


def _look(payload: Payload) -> Payload:
    """Have protobuf read the properties that the walker did not, where Quality may be among them."""
    flags, quality, data = payload.flags, payload.quality, payload.data
    places = np.flatnonzero(flags & wire.LOOK)
    flags[places] = (flags[places] & ~wire.LOOK) | int(Mark.RICH)
    for index, span in zip(places.tolist(), payload.table[wire.C_SPAN, places].tolist(), strict=True):
        if data.find(b"Quality", span & HALF, span >> 32) >= 0:
            quality[index], rich = _quality(payload.message(index))
            flags[index] ^= 0 if rich else int(Mark.RICH)
    return msgspec.structs.replace(payload, marks=int(np.bitwise_or.reduce(flags)))


def read(data: bytes) -> Payload | Reject:
    """What ``data`` says: of exactly the payloads that protobuf takes, compressed ones unpacked. Never raises."""
    found = _read(data)
    return _unpacked(found) if isinstance(found, Payload) and found.uuid == COMPRESSED else found


def ready() -> None:
    """Compile what reads payloads (3 s, then kept on disk) before the first message is there."""
    found = _read(b"")
    if isinstance(found, Payload):
        found.values(np.zeros(0, np.int64))


def _read(data: bytes) -> Payload | Reject:
    """As :func:`read`, compressed or not."""
    if type(data) is not bytes:
        data = bytes(data)  # another type would have the walker compiled anew
    if len(data) > MAX_BYTES:
        return strict.refuse(Reason.SIZE, f"{len(data)} bytes, at most {MAX_BYTES} are read")
    room = len(data) // USUAL_BYTES + 4
    buffer = np.empty(wire.COLUMNS_FROM + wire.COLUMNS * room, np.int64)
    count = wire.walk(data, buffer, room)
    if count > room:
        if count > MAX_METRICS:
            return strict.refuse(Reason.SIZE, f"{count} metrics, at most {MAX_METRICS} are read")
        room = count
        buffer = np.empty(wire.COLUMNS_FROM + wire.COLUMNS * room, np.int64)
        wire.walk(data, buffer, room)
    if count < 0:
        return NO_PAYLOAD
    _, time, _, seq, uuid, body, stands, marks = buffer[: wire.HEAD].tolist()
    made = Payload(
        data,
        time & WORD if stands & wire.STANDS_TIME else None,
        seq & WORD if stands & wire.STANDS_SEQ else None,
        words(data[uuid & HALF : uuid >> 32]) if stands & wire.STANDS_UUID else "",
        data[body & HALF : body >> 32] if stands & wire.STANDS_BODY else None,
        count,
        marks if count else 0,
        buffer[wire.COLUMNS_FROM :].reshape(wire.COLUMNS, room),
    )
    return _look(made) if marks & wire.LOOK else made


def _unpacked(outer: Payload) -> Payload | Reject:
    """The payload in the body of a compressed one; its own time and seq count, else those outside."""
    if outer.body is None:
        return strict.refuse(Reason.SYNTAX, "compressed, but without a body")
    names = outer.names or []
    algorithm = outer.text(names.index("algorithm")) if "algorithm" in names else None
    data = unpack(outer.body, algorithm, MAX_BYTES)
    inner = _read(data) if isinstance(data, bytes) else data
    if isinstance(inner, Reject):
        return inner
    if inner.uuid == COMPRESSED:
        return strict.refuse(Reason.SYNTAX, "compressed twice")
    time = outer.timestamp_ms if inner.timestamp_ms is None else inner.timestamp_ms
    if inner.timestamp_ms is None and time is not None:
        inner.time_ms[inner.flags & int(Mark.TIMED) == 0] = np.uint64(time).view(np.int64)
    return msgspec.structs.replace(inner, timestamp_ms=time, seq=outer.seq if inner.seq is None else inner.seq)


__all__ = [
    "MAX_BYTES",
    "MAX_METRICS",
    "NO_ALIAS",
    "NO_QUALITY",
    "NO_TIME",
    "Mark",
    "Payload",
    "Stood",
    "read",
    "ready",
    "words",
]
