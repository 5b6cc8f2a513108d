"""Payloads of values: ``{"value": number or null, "timestamp": epoch ms, "quality": 1 = good}``, read in three ways.

Nearly all are good and plainly spelt: :data:`read_good` takes these at once and raises for others. Those without
oddities are read as :class:`Value`. What is left is either spelt as only a slow reader understands it (JSON
Schema calls 1.0 and 1.743620423e12 integers), or refused with a reason.
Source: NVIDIA/dsx-exchange, `schemas/asyncapi/bms/bms.yaml` 1.0.0 (Apache-2.0), message ValueMessage.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from telemetry import strict
from telemetry.batch import Reason, Reject

FIRST_MS, LAST_MS = 946_684_800_000, 4_102_444_800_000  # 2000-01-01, 2100-01-01
SHORTEST_TWICE = len(b'{"value":0,"timestamp":946684800000,"quality":1,"value":0}')
"""A payload below this many bytes that holds the three keys holds none of them twice."""

Stamp = Annotated[int, msgspec.Meta(ge=FIRST_MS, lt=LAST_MS)]


class Value(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The payload of any value without oddities."""

    value: float | None
    timestamp: Stamp
    quality: int


class Good(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The payload of a good value."""

    value: float
    timestamp: Stamp
    quality: Literal[1]


read_good = msgspec.json.Decoder(Good).decode
_any = msgspec.json.Decoder(Value).decode


def is_plain(payload: bytes) -> bool:
    """Whether a payload with the three keys holds each once, and not more blanks than a payload may have bytes."""
    return payload.count(b":") == 3 and len(payload) <= strict.MAX_BYTES


def read(payload: bytes) -> tuple[Value, bool] | Reject:
    """A value, and whether its payload holds a key too much."""
    try:
        value = _any(payload)
    except (ValueError, RecursionError):
        return _odd(payload)
    return (value, False) if is_plain(payload) else _odd(payload)


def _odd(payload: bytes) -> tuple[Value, bool] | Reject:
    """A value in any spelling that the contract's schema takes."""
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
