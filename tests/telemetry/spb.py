"""Sparkplug messages, written with protobuf as an edge node would write them."""

from __future__ import annotations

from typing import Any

from telemetry.batch import Batch, Reject
from telemetry.decode import make
from telemetry.decode.sparkplug import Decoder
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


RACK = [metric("Power", 40.0, alias=1, properties={"engUnit": "kW"}), metric("Temp", 24.0, Datatype.FLOAT, alias=2)]


def born(number: int = 1, seq: int = 0, at: int = T0) -> list[Message]:
    """Births of a node and of a rack of it."""
    load = metric("Load", 0.5, alias=0)
    return [
        said("g/NBIRTH/n", session(number), load, seq=seq, at=at),
        said("g/DBIRTH/n/r", *RACK, seq=seq + 1, at=at),
    ]


def power(value: float, seq: int | None, at: int, **how: int) -> Message:
    """A rack's power by alias, in kW."""
    return said("g/DDATA/n/r", metric(None, value, alias=1, typed=False), seq=seq, at=at, **how)


def death(number: int, received: int) -> Message:
    """The will that a session left; its stamp is that of the session's begin."""
    return said("g/NDEATH/n", session(number), at=T0 - 10_000, received=received)


def hearing(*messages: Message, **options: str) -> Decoder:
    """A decoder that has heard these."""
    made = make("sparkplug", options)
    assert isinstance(made, Decoder)
    for each in messages:
        assert isinstance(made.decode(each), Batch)
    return made


def values(found: Batch | Reject) -> list[float]:
    """The values of a batch."""
    assert isinstance(found, Batch), found
    return list(map(float, found.values))
