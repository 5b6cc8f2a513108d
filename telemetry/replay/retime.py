"""Moves the instants that sources wrote into payloads, for a replay at another time: by dialect, byte for byte else.

What is not understood stays as it is: a payload of no known dialect, a stamp that is no whole number of the expected
size. DSX (BMS 1.0.0): ``timestamp`` of every value and the ``value`` of heartbeats, both epoch ms. Sparkplug B: times
of payloads and metrics, in compressed bodies too; the payload is written anew, with all its fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module

from telemetry.message import Message

MS = 1_000_000
VALUE = re.compile(r"(?:^|/)BMS/v1/[^/]+/Value/[^/]+/([^/]+)/")
STAMP = re.compile(rb'("timestamp"\s*:\s*)(\d{12,13})(?=\s*[,}])')
BEAT = re.compile(rb'("value"\s*:\s*)(\d{12,13})(?=\s*[,}])')
Moved = Callable[[Message, int], Message]


def dsx(message: Message, by_ns: int) -> Message:
    """``message`` as if it had been sent ``by_ns`` later: stamps by whole ms, the receipt by as much."""
    by_ms = by_ns // MS
    payload, found = message.payload, VALUE.search(message.topic)
    if found is not None:
        payload = STAMP.sub(lambda m: m[1] + b"%d" % (int(m[2]) + by_ms), payload)
        if found[1].startswith("Heartbeat"):
            payload = BEAT.sub(lambda m: m[1] + b"%d" % (int(m[2]) + by_ms), payload)
    return _received(message, payload, message.received_ns + by_ms * MS)


def sparkplug(message: Message, by_ns: int) -> Message:
    """As :func:`dsx`; a will says, as it did, when its session began."""
    by_ms = by_ns // MS
    moved: bytes = import_module("telemetry.sparkplug.stamps").moved(message.payload, by_ms)
    return _received(message, moved, message.received_ns + by_ms * MS)


def receipt(message: Message, by_ns: int) -> Message:
    """``message`` received ``by_ns`` later, with the stamps that it has."""
    return _received(message, message.payload, message.received_ns + by_ns // MS * MS)


def _received(message: Message, payload: bytes, received_ns: int) -> Message:
    return Message(message.topic, payload, received_ns, message.sequence, message.qos, message.retain)


# Dialects whose stamps can be moved.
MOVED: Mapping[str, Moved] = {"dsx": dsx, "sparkplug": sparkplug}
