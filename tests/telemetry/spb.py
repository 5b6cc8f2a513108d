"""Sparkplug messages, written with protobuf as an edge node would write them."""

from __future__ import annotations

from typing import Any

from telemetry.message import Message
from telemetry.sparkplug.schema import CLASSES, Datatype

MS = 1_000_000
T0 = 1_743_620_423_000
FIELDS = {
    **dict.fromkeys((Datatype.INT8, Datatype.INT16, Datatype.INT32, Datatype.UINT8, Datatype.UINT16), "int_value"),
    **dict.fromkeys((Datatype.UINT32, Datatype.INT64, Datatype.UINT64, Datatype.DATETIME), "long_value"),
    **dict.fromkeys((Datatype.STRING, Datatype.TEXT, Datatype.UUID), "string_value"),
    Datatype.FLOAT: "float_value",
    Datatype.DOUBLE: "double_value",
    Datatype.BOOLEAN: "boolean_value",
    Datatype.BYTES: "bytes_value",
}


def metric(
    name: str | None = None,
    value: Any = None,
    datatype: Datatype = Datatype.DOUBLE,
    *,
    alias: int | None = None,
    typed: bool = True,
    at: int | None = None,
    properties: dict[str, Any] | None = None,
    **marks: bool,
) -> Any:
    """One metric; ``typed`` False leaves the data type out, as data may. None is no value at all."""
    made = CLASSES["Metric"](**marks)
    if name is not None:
        made.name = name
    if alias is not None:
        made.alias = alias
    if at is not None:
        made.timestamp = at
    if typed:
        made.datatype = int(datatype)
    if value is not None:
        field = FIELDS[datatype]
        bits = 64 if field == "long_value" else 32
        setattr(made, field, value % (1 << bits) if field in ("int_value", "long_value") else value)
    for key, said in (properties or {}).items():
        made.properties.keys.append(key)
        kind = "string_value" if isinstance(said, str) else "int_value"
        made.properties.values.add(type=12 if isinstance(said, str) else 3, **{kind: said})
    return made


def payload(*metrics: Any, seq: int | None = None, at: int | None = T0) -> bytes:
    """The bytes of a payload."""
    made = CLASSES["Payload"](metrics=metrics)
    if seq is not None:
        made.seq = seq
    if at is not None:
        made.timestamp = at
    data: bytes = made.SerializeToString()
    return data


def said(
    topic: str, *metrics: Any, seq: int | None = None, at: int | None = T0, received: int | None = None, **how: Any
) -> Message:
    """A message on ``spBv1.0/topic``, received 5 ms after its stamp, or at ``received`` ms."""
    heard = received if received is not None else (at if at is not None else T0) + 5
    return Message(f"spBv1.0/{topic}", payload(*metrics, seq=seq, at=at), heard * MS, **how)


def session(number: int) -> Any:
    """The metric that numbers sessions."""
    return metric("bdSeq", number, Datatype.INT64)
