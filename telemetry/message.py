"""A message as it came: topic, bytes, how it was delivered and when; nothing in it is understood yet.

The same object comes from a broker, from a recording and from a CSV, so that everything behind it has one path.
"""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One MQTT message.

    ``received_ns``: instant of its receipt, ns since 1970 UTC, by the clock of who received it; in a replay that of the
    recording. ``sequence``: its number in that stream, from 0 without gaps. ``qos`` 0..2 and ``retain`` are those of
    the delivery (a retained message that arrives live has ``retain`` False, as MQTT 3.1.1 says).
    """

    topic: str
    payload: bytes
    received_ns: int
    sequence: int = 0
    qos: int = 0
    retain: bool = False
