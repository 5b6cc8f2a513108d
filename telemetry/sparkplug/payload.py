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

import numpy as np
from numpy.typing import NDArray

from telemetry import strict
from telemetry.batch import Reason, Reject
from telemetry.sparkplug.schema import CLASSES, Datatype

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]

MAX_BYTES = 4 << 20
MAX_METRICS = 200_000
NO_ALIAS = (1 << 64) - 1
NO_TIME = -(1 << 63)
NO_QUALITY = -1
MAX_QUALITY = (1 << 31) - 1
COLUMNS = 11
ALIAS, TIME, DATATYPE, FIELD, RAW, VALUE, FLAGS, QUALITY, SPAN, NAME, TEXT = range(COLUMNS)


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
    RICH = 64  # text, bytes, data set, template, extension, metadata, or properties other than a plain Quality


class Payload:
    """What a payload says.

    ``timestamp_ms``, ``seq``: None where absent. ``uuid``: "" where absent. ``marks``: all bits of ``flags`` together,
    so that what is seldom needs no look at the column. ``count``: metrics. ``data``: the bytes read (unpacked).
    """

    __slots__ = ("_table", "count", "data", "marks", "seq", "timestamp_ms", "uuid")

    def __init__(
        self, data: bytes, timestamp_ms: int | None, seq: int | None, uuid: str, count: int, marks: int, table: I64
    ) -> None:
        self.data, self.timestamp_ms, self.seq, self.uuid = data, timestamp_ms, seq, uuid
        self.count, self.marks, self._table = count, marks, table

    @property
    def alias(self) -> U64:
        """Alias of each metric, ``NO_ALIAS`` where it has none (then its flags lack ``Mark.ALIASED``)."""
        return self._table[ALIAS, : self.count].view(np.uint64)

    @property
    def time_ms(self) -> I64:
        """Time of each metric, ms: its own, else the payload's, else ``NO_TIME``. Unchecked: any 64 bits."""
        return self._table[TIME, : self.count]

    @property
    def datatype(self) -> I64:
        """Data type as the metric itself says it (:class:`Datatype`, or any other 32 bits); 0 where absent."""
        return self._table[DATATYPE, : self.count]

    @property
    def field(self) -> I64:
        """Which value field stood (:class:`Stood`)."""
        return self._table[FIELD, : self.count]

    @property
    def raw(self) -> U64:
        """The value's bits, zero-extended: of an integer, a boolean, a float (32 bits) or a double. Else 0."""
        return self._table[RAW, : self.count].view(np.uint64)

    @property
    def value(self) -> F64:
        """The value as a number, by the metric's own data type (:func:`number`); NaN where it is null or none."""
        return self._table[VALUE, : self.count].view(np.float64)

    @property
    def flags(self) -> I64:
        """Bits of :class:`Mark`."""
        return self._table[FLAGS, : self.count]

    @property
    def quality(self) -> I64:
        """Property ``Quality`` (0 bad, 192 good, 500 stale), ``NO_QUALITY`` where absent, null or no integer;
        at most ``MAX_QUALITY``.
        """
        return self._table[QUALITY, : self.count]

    @property
    def names(self) -> list[str | None] | None:
        """Name of each metric, None where it has none; None for all where no metric has one.

        A name that is not UTF-8 keeps its other bytes as ``\\xNN``.
        """
        if not self.marks & Mark.NAMED:
            return None
        data, flags = self.data, self.flags.tolist()
        spans = zip(flags, self._table[NAME, : self.count].tolist(), strict=True)
        return [words(data[s & 0xFFFFFFFF : s >> 32]) if f & Mark.NAMED else None for f, s in spans]

    @property
    def rich(self) -> list[int]:
        """Which metrics need :meth:`text` or :meth:`message` to be understood whole."""
        return np.flatnonzero(self.flags & int(Mark.RICH)).tolist() if self.marks & Mark.RICH else []

    def text(self, index: int) -> str | None:
        """A metric's text value (String, Text, UUID); None where its value is no text."""
        if self._table[FIELD, index] != Stood.STRING:
            return None
        span = int(self._table[TEXT, index])
        return words(self.data[span & 0xFFFFFFFF : span >> 32])

    def message(self, index: int) -> Any:
        """A metric whole, as a protobuf message of :mod:`~telemetry.sparkplug.schema`."""
        span = int(self._table[SPAN, index])
        return CLASSES["Metric"].FromString(self.data[span & 0xFFFFFFFF : span >> 32])

    def values(self, datatypes: I64) -> F64:
        """The numbers by ``datatypes`` (int64, one for each metric: the births'), where a metric tells none itself.

        NaN where there is no number, and where the bits are none of the type. Integers beyond 2^53 are rounded to the
        nearest float64; ``raw`` has them whole.
        """
        own = self.datatype
        types = np.where(own != 0, own, datatypes).tolist()
        rows = zip(types, self.field.tolist(), self.raw.tolist(), self.flags.tolist(), strict=True)
        return np.array([np.nan if f & Mark.NULL else number(t, s, r) for t, s, r, f in rows])


def words(data: bytes) -> str:
    """Text as people and JSON can hold it, whatever the bytes are."""
    return data.decode(errors="backslashreplace")


def number(datatype: int, field: int, raw: int) -> float:
    """The number that ``raw`` bits of a value field are, NaN where they are none of ``datatype``.

    Signed integers come as twos' complement in their own width, in 32 or in 64 bits.
    """
    if field in (Stood.FLOAT, Stood.DOUBLE):
        return float(np.uint32(raw).view(np.float32)) if field == Stood.FLOAT else float(np.uint64(raw).view(float))
    if field == Stood.BOOLEAN:
        return float(raw)
    if field not in (Stood.INT, Stood.LONG):
        return float("nan")
    if Datatype.INT8 <= datatype <= Datatype.INT64:
        return _signed(raw, 8 << (datatype - Datatype.INT8))
    if Datatype.UINT8 <= datatype <= Datatype.UINT64:
        return float(raw) if raw >> (8 << (datatype - Datatype.UINT8)) == 0 else float("nan")
    if datatype == Datatype.BOOLEAN:
        return float(raw) if raw < 2 else float("nan")
    return float(raw) if datatype in (Datatype.UNKNOWN, Datatype.DATETIME) else float("nan")


def _signed(raw: int, width: int) -> float:
    """``raw`` as a signed integer of ``width`` bits, sign-extended to 32 or 64 or not."""
    half = 1 << (width - 1)
    for bits in (width, 32, 64):
        if bits >= width and raw >> bits == 0 and (raw < 2 * half or raw >= (1 << bits) - half):
            return float(raw - (1 << bits) if raw & (1 << (bits - 1)) else raw)
    return float("nan")


def read(data: bytes) -> Payload | Reject:
    """What ``data`` says: exactly the payloads that protobuf takes, and compressed ones. Never raises."""
    if len(data) > MAX_BYTES:
        return strict.refuse(Reason.SIZE, f"{len(data)} bytes, at most {MAX_BYTES} are read")
    try:
        message = CLASSES["Payload"].FromString(data)
    except Exception as error:
        return strict.refuse(Reason.SYNTAX, error)
    return from_message(message)


def from_message(message: Any) -> Payload:
    """The slow way: columns of a protobuf message."""
    made, pieces, at = np.zeros((COLUMNS, len(message.metrics)), np.int64), [], 0

    def keep(piece: bytes | str) -> int:
        nonlocal at
        pieces.append(piece.encode(errors="surrogateescape") if isinstance(piece, str) else piece)
        begin, at = at, at + len(pieces[-1])
        return begin | at << 32

    marks = 0
    for index, metric in enumerate(message.metrics):
        flags, stood, raw = _flags(metric), *_value(metric)
        made[SPAN, index] = keep(metric.SerializeToString())
        made[NAME, index] = keep(metric.name) if flags & Mark.NAMED else 0
        made[TEXT, index] = keep(metric.string_value) if stood == Stood.STRING else 0
        time = (
            metric.timestamp if flags & Mark.TIMED else message.timestamp if message.HasField("timestamp") else NO_TIME
        )
        alias = metric.alias if flags & Mark.ALIASED else NO_ALIAS
        value = np.nan if flags & Mark.NULL else number(metric.datatype, stood, raw)
        made[[DATATYPE, FIELD, FLAGS, QUALITY], index] = metric.datatype, stood, flags, _quality(metric)
        made[[ALIAS, TIME, RAW], index] = np.array([alias, time % (1 << 64), raw], np.uint64).view(np.int64)
        made[VALUE, index] = np.float64(value).view(np.int64)
        marks |= flags
    moment = message.timestamp if message.HasField("timestamp") else None
    seq = message.seq if message.HasField("seq") else None
    return Payload(b"".join(pieces), moment, seq, message.uuid, len(message.metrics), marks, made)


def _flags(metric: Any) -> int:
    """Bits of :class:`Mark`."""
    said = metric.is_historical * Mark.HISTORICAL | metric.is_transient * Mark.TRANSIENT | metric.is_null * Mark.NULL
    stands = (("alias", Mark.ALIASED), ("name", Mark.NAMED), ("timestamp", Mark.TIMED))
    said |= sum(mark for name, mark in stands if metric.HasField(name))
    plain = list(metric.properties.keys) in ([], ["Quality"])
    rich = metric.HasField("metadata") or not plain or _value(metric)[0] > Stood.BOOLEAN
    return int(said) | rich * Mark.RICH


def _value(metric: Any) -> tuple[int, int]:
    """Which value field stood, and its bits."""
    name = metric.WhichOneof("value")
    if name is None:
        return Stood.NONE, 0
    stood = metric.DESCRIPTOR.fields_by_name[name].number
    value = getattr(metric, name)
    if stood in (Stood.FLOAT, Stood.DOUBLE):
        kind, bits = (np.float32, np.uint32) if stood == Stood.FLOAT else (np.float64, np.uint64)
        return stood, int(kind(value).view(bits))
    return stood, int(value) if stood <= Stood.BOOLEAN else 0


def _quality(metric: Any) -> int:
    """Property Quality."""
    keys, values = list(metric.properties.keys), metric.properties.values
    if "Quality" not in keys or len(values) <= keys.index("Quality"):
        return NO_QUALITY
    value = values[keys.index("Quality")]
    stood = value.WhichOneof("value")
    whole = stood in ("int_value", "long_value") and not value.is_null
    return min(getattr(value, stood), MAX_QUALITY) if whole else NO_QUALITY
