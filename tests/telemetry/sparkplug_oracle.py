"""What Google's protobuf makes of a payload, in the shape of ours, metric by metric: nothing of the walker is in it."""

from __future__ import annotations

import math
import struct
from typing import Any

from telemetry.batch import Reject
from telemetry.sparkplug.payload import NO_ALIAS, NO_QUALITY, NO_TIME, Mark, Payload, Stood
from telemetry.sparkplug.schema import CLASSES, Datatype

Metric = tuple[int, int, int, int, int, float | None, int, int, str | None, str | None]
Said = tuple[int | None, int | None, str, bytes | None, list[Metric]]
QUIET = 1 << 22  # a float that signals NaN does so no longer once Python held it


def parsed(data: bytes) -> Any:
    """The message that ``data`` is, None where it is none."""
    try:
        return CLASSES["Payload"].FromString(data)
    except Exception:
        return None


def expected(message: Any) -> Said:
    """All that a message says."""
    time, seq, body = (getattr(message, n) if message.HasField(n) else None for n in ("timestamp", "seq", "body"))
    return time, seq, words(message.uuid), body, [_metric(metric, time) for metric in message.metrics]


def said(payload: Payload) -> Said:
    """All that ours says, in the same shape."""
    names = payload.names or [None] * payload.count
    columns = (payload.alias, payload.time_ms, payload.datatype, payload.field, payload.raw, payload.value)
    rows = zip(*(c.tolist() for c in (*columns, payload.flags, payload.quality)), names, strict=True)
    metrics = []
    for index, (alias, time, kind, stood, raw, value, flags, quality, name) in enumerate(rows):
        number = None if math.isnan(value) else value
        quiet = (
            raw | QUIET
            if stood == Stood.FLOAT and math.isnan(struct.unpack("<f", raw.to_bytes(4, "little"))[0])
            else raw
        )
        metrics.append((alias, time, kind, stood, quiet, number, flags, quality, name, payload.text(index)))
    union = 0
    for metric in metrics:
        union |= metric[6]
    assert payload.marks == union
    return payload.timestamp_ms, payload.seq, payload.uuid, payload.body, metrics


def agree(data: bytes, ours: Payload | Reject, *, whole: bool) -> bool:
    """Whether ours is what protobuf says of ``data``; ``whole``: metrics read one by one as well."""
    message = parsed(data)
    if message is None or isinstance(ours, Reject):
        return message is None and isinstance(ours, Reject)
    if expected(message) != said(ours):
        return False
    return not whole or all(
        ours.message(index).SerializeToString() == metric.SerializeToString()
        for index, metric in enumerate(message.metrics)
    )


def words(text: str | bytes) -> str:
    """Protobuf hands back bytes where a text is not UTF-8."""
    return text.decode(errors="backslashreplace") if isinstance(text, bytes) else text


def _metric(metric: Any, time: int | None) -> Metric:
    stood, raw = _value(metric)
    flags = metric.is_historical * Mark.HISTORICAL + metric.is_transient * Mark.TRANSIENT + metric.is_null * Mark.NULL
    for name, mark in (("alias", Mark.ALIASED), ("name", Mark.NAMED), ("timestamp", Mark.TIMED)):
        flags += metric.HasField(name) * mark
    other = metric.HasField("properties") and list(metric.properties.keys) != ["Quality"]
    if metric.HasField("metadata") or stood >= Stood.STRING or other:
        flags += Mark.RICH
    if metric.HasField("timestamp"):
        time = metric.timestamp
    number = math.nan if metric.is_null else number_of(metric.datatype, stood, raw)
    return (
        metric.alias if metric.HasField("alias") else NO_ALIAS,
        NO_TIME if time is None else time - (1 << 64) * (time >> 63),
        metric.datatype,
        stood,
        raw,
        None if math.isnan(number) else number,
        int(flags),
        _quality(metric),
        words(metric.name) if metric.HasField("name") else None,
        words(metric.string_value) if stood == Stood.STRING else None,
    )


def _value(metric: Any) -> tuple[int, int]:
    """Which value field stood, and its bits."""
    name = metric.WhichOneof("value")
    stood = metric.DESCRIPTOR.fields_by_name[name].number if name else 0
    if stood in (Stood.FLOAT, Stood.DOUBLE):
        return stood, int.from_bytes(
            struct.pack("<f" if stood == Stood.FLOAT else "<d", getattr(metric, name)), "little"
        )
    return stood, int(getattr(metric, name)) if 0 < stood <= Stood.BOOLEAN else 0


def number_of(datatype: int, stood: int, raw: int) -> float:
    """The number that the bits of a value field are."""
    if stood in (Stood.FLOAT, Stood.DOUBLE):
        code, size = ("<f", 4) if stood == Stood.FLOAT else ("<d", 8)
        return float(struct.unpack(code, raw.to_bytes(size, "little"))[0])
    if stood not in (Stood.INT, Stood.LONG):
        return float(raw) if stood == Stood.BOOLEAN else math.nan
    if Datatype.INT8 <= datatype <= Datatype.INT64:
        width = 8 << (datatype - 1)
        meant = {
            value % (1 << bits): value for bits in (64, 32, width) if bits >= width for value in _ends(width, raw, bits)
        }
        return float(meant.get(raw, math.nan))
    most = (
        {Datatype.UINT8: 8, Datatype.UINT16: 16, Datatype.UINT32: 32, Datatype.BOOLEAN: 1}.get(Datatype(datatype), 0)
        if datatype in list(Datatype)
        else 0
    )
    if datatype in (Datatype.UNKNOWN, Datatype.UINT64, Datatype.DATETIME) or (most and raw < 1 << most):
        return float(raw)
    return math.nan


def _ends(width: int, raw: int, bits: int) -> list[int]:
    """The signed number of ``width`` bits that ``raw`` is in ``bits``, if there is one."""
    value = raw - (1 << bits) * (raw >> (bits - 1) & 1)
    return [value] if raw < 1 << bits and -(1 << (width - 1)) <= value < 1 << (width - 1) else []


def _quality(metric: Any) -> int:
    keys, values = list(metric.properties.keys), metric.properties.values
    place = keys.index("Quality") if "Quality" in keys else len(values)
    if place >= len(values) or values[place].is_null:
        return NO_QUALITY
    name = values[place].WhichOneof("value")
    return min(getattr(values[place], name), 2**31 - 1) if name in ("int_value", "long_value") else NO_QUALITY
