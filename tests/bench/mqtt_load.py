"""Messages of a made-up plant, each a pure function of its number: sent, sent again and checked without a memory.

Message n is a DSX value of topic n mod N. Its value is 21 + n/1e9 and its time stamp start + n/rate, both at fixed
width, so that packets of one length lie in rows of a matrix and a whole stretch of them is patched at once. n < 1e9.
The stamp is the moment at which the message is due: what a slow receiver makes the publisher wait counts as delay.
Packets are those of MQTT 3.1.1, QoS 1; the packet id of message n is n mod 65535 + 1.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

TOPICS = 5000
IDS = 65_535
LIMIT = 10**9
PUBLISH, DUPLICATE = 0x32, 0x3A  # QoS 1
# Point types whose possible range holds 21, with the unit that the contract fixes or its example has.
RACK = (
    ("RackPower", "kW"),
    ("RackLiquidFlow", "LPM"),
    ("RackLiquidSupplyTemperature", "C"),
    ("RackLiquidReturnTemperature", "C"),
    ("RackLiquidDifferentialPressure", "kPa"),
    ("RackControlValvePosition", "%"),
)
METER = (("ActivePower", "kW"), ("ApparentPower", "kVA"), ("Current", "A"), ("CurrentLimit", "A"))
FORM = b'{"value":21.%09d,"timestamp":%013d,"quality":1}'
STAMP = slice(34, 47)  # the digits of the time stamp in a payload
NUMBER = re.compile(rb'\{"value":21\.(\d{9}),"timestamp":(\d{13}),"quality":1\}')
Bytes = npt.NDArray[np.uint8]


def _points(count: int) -> list[tuple[str, dict[str, object]]]:
    """Topic tails of one length and their metadata: ten points an object, the first six its rack's."""
    made: list[tuple[str, dict[str, object]]] = []
    for n in range(count):
        item, kind = divmod(n, len(RACK) + len(METER))
        rack, meter = f"halltwin-load-{item:05d}", f"TAP-{item:05d}"
        if kind < len(RACK):
            name, unit = RACK[kind]
            about: dict[str, object] = {"objectType": "Rack", "pointType": name, "engUnit": unit}
            about |= {"rackLocationName": rack, "rackLocationId": rack}
        else:
            name, unit = METER[kind - len(RACK)]
            about = {"objectType": "PowerMeter", "pointType": name, "engUnit": unit}
            about |= {"objectName": meter, "objectId": meter, "servesId": [rack]}
        stem = f"{about['objectType']}/{name}/halltwin/load/pod{item // 100:03d}/{rack}/"
        made.append((stem + "value".rjust(90 - len(stem), "v"), about))
    return made


def _digits(numbers: npt.NDArray[np.int64], width: int) -> Bytes:
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


@dataclass(frozen=True)
class Schedule:
    """Message 0 is due at ``start_ms`` (since 1970 UTC), then ``rate`` messages a second."""

    start_ms: int
    rate: float

    def stamp(self, number: int) -> int:
        """Time stamp of a message, ms since 1970."""
        return self.start_ms + int(number * 1000.0 / self.rate)

    def payload(self, number: int) -> bytes:
        """Payload of a message."""
        return FORM % (number, self.stamp(number))


def value_topics(topics: int) -> list[str]:
    """Topics of the values, in the order of the messages."""
    return ["BMS/v1/PUB/Value/" + tail for tail, _ in _points(topics)]


def metadata(topics: int) -> list[tuple[str, bytes]]:
    """Topic and payload of the metadata, in the order of the topics."""
    return [("BMS/v1/PUB/Metadata/" + tail, json.dumps(about).encode()) for tail, about in _points(topics)]


def packet(kind: int, *parts: bytes) -> bytes:
    """An MQTT packet of first byte ``kind``."""
    body = b"".join(parts)
    length, rest = bytearray(), len(body)
    while rest >= 128:
        length.append(rest % 128 | 128)
        rest //= 128
    length.append(rest)
    return bytes([kind]) + bytes(length) + body


def text(string: str) -> bytes:
    """A string as MQTT writes it."""
    raw = string.encode()
    return len(raw).to_bytes(2, "big") + raw


class Packets:
    """Ready-made packets of ``topics`` topics; a schedule gives them their time."""

    def __init__(self, topics: int) -> None:
        blank = FORM % (0, 0)
        rows = [packet(PUBLISH, text(topic), b"\0\0", blank) for topic in value_topics(topics)]
        self._rows = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
        at = self._rows.shape[1] - len(blank)
        number, stamp = at + blank.index(b"21.") + 3, at + blank.index(b"%013d" % 0)
        self._id, self._number, self._stamp = slice(at - 2, at), slice(number, number + 9), slice(stamp, stamp + 13)

    def between(self, schedule: Schedule, first: int, last: int, *, again: bool = False) -> Bytes:
        """Packets of the messages ``first`` <= n < ``last``, a row each; ``again``: marked as duplicates."""
        numbers = np.arange(first, last, dtype=np.int64)
        rows = self._rows[numbers % len(self._rows)]
        if again:
            rows[:, 0] = DUPLICATE
        ids = numbers % IDS + 1
        rows[:, self._id] = np.stack([ids >> 8, ids & 255], axis=1)
        rows[:, self._number] = _digits(numbers, 9)
        stamps = schedule.start_ms + (numbers * 1000.0 / schedule.rate).astype(np.int64)
        rows[:, self._stamp] = _digits(stamps, 13)
        return rows


def number_of(payload: bytes) -> int | None:
    """Which message a payload is, None where it is none of these."""
    found = NUMBER.fullmatch(payload)
    return int(found[1]) if found else None


def due_ms(payload: bytes) -> int | None:
    """When it was due, ms since 1970; None where it is none of these."""
    digits = payload[STAMP]
    return int(digits) if digits.isdigit() else None


__all__ = [
    "IDS",
    "LIMIT",
    "TOPICS",
    "Packets",
    "Schedule",
    "due_ms",
    "metadata",
    "number_of",
    "packet",
    "text",
    "value_topics",
]
