"""Moves the instants in a payload: its own and those of its metrics, members of templates too, in ms.

Values that are instants stay.

What is no payload stays as it is. A compressed body is unpacked, moved and packed again in its own way.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from telemetry.batch import Reject
from telemetry.sparkplug.body import COMPRESSED, GZIP, GZIP_MARK, ZLIB, unpack
from telemetry.sparkplug.payload import MAX_BYTES
from telemetry.sparkplug.schema import CLASSES

LAST = (1 << 64) - 1


def moved(data: bytes, by_ms: int) -> bytes:
    """``data`` as if it had been stamped ``by_ms`` later; never raises."""
    made = CLASSES["Payload"]()
    try:
        made.ParseFromString(data)
    except Exception:  # of protobuf: no payload
        return data
    for each in (made, *_metrics(made.metrics)):
        if each.HasField("timestamp"):
            each.timestamp = min(max(0, each.timestamp + by_ms), LAST)
    if made.uuid == COMPRESSED and made.body:
        made.body = _body(made, by_ms)
    whole: bytes = made.SerializeToString()
    return whole


def _metrics(metrics: Any) -> Iterator[Any]:
    """Metrics, and those in templates."""
    for metric in metrics:
        yield metric
        if metric.WhichOneof("value") == "template_value":
            yield from _metrics(metric.template_value.metrics)


def _body(outer: Any, by_ms: int) -> bytes:
    names = (metric.string_value for metric in outer.metrics if metric.name == "algorithm")
    found = unpack(outer.body, next(names, None), MAX_BYTES)
    if isinstance(found, Reject):
        return bytes(outer.body)
    inner = CLASSES["Payload"]()
    try:
        inner.ParseFromString(found)
    except Exception:
        return bytes(outer.body)
    if inner.uuid == COMPRESSED:
        return bytes(outer.body)  # twice: nobody reads it
    packer = zlib.compressobj(wbits=GZIP if outer.body.startswith(GZIP_MARK) else ZLIB)
    return packer.compress(moved(found, by_ms)) + packer.flush()


__all__ = ["moved"]
