"""From the records inside of a chunk to messages and marks; of files of others topic and bytes are what is known.

A channel of ours says how its messages were delivered. One of another writer gives its topic, QoS 0, not retained, and
its bytes as they are, whatever their encoding; which encodings those were is told.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording.layout import FIRST, MARKS, PLAIN, SHARED, unshared
from telemetry.recording.records import CHANNEL, HEAD, MESSAGE, MESSAGE_BODY, Channel, DamageError, parse_channel

WRAP = 1 << 32  # a record's sequence has 32 bits; the file says where its first one stands


class Way(NamedTuple):
    """How messages of a channel are handed on: None for the topic where it stands in the message."""

    topic: str | None
    qos: int = 0
    retain: bool = False
    wanted: bool = True


class Channels:
    """Channels of a file by number, and what was not understood of them.

    ``about``: of the file. ``wanted``: which topics are handed on. ``own``: the file is ours, its sequences hold;
    messages of others are numbered as they come.
    """

    def __init__(
        self, about: Mapping[str, str], *, own: bool = True, wanted: Callable[[str], bool] | None = None
    ) -> None:
        first = about.get(FIRST, "0")
        self.first = int(first) if first.isdecimal() else 0
        self.own, self.wanted = own, wanted
        self.ways: dict[int, Way | None] = {}  # None: marks
        self.marks: list[Mark] = []
        self.encodings: Counter[str] = Counter()
        self.lost = 0  # messages on a channel that nobody described
        self.bad_marks = 0
        self.count = 0

    def put(self, number: int, channel: Channel) -> None:
        """Learn a channel; it may be told again."""
        if channel.encoding == MARKS:
            self.ways[number] = None
        elif channel.encoding == SHARED:
            self.ways[number] = Way(None)
        else:
            if channel.encoding != PLAIN and number not in self.ways:
                self.encodings[channel.encoding] += 1
            qos, retain = channel.metadata.get("qos", "0"), channel.metadata.get("retain") in ("1", "true")
            wanted = self.wanted is None or self.wanted(channel.topic)
            self.ways[number] = Way(channel.topic, int(qos) if qos in ("0", "1", "2") else 0, retain, wanted)

    def sequence(self, number: int) -> int:
        """The whole sequence of a message from its 32 bits."""
        return self.first + (number - self.first + WRAP // 2) % WRAP - WRAP // 2


def read_chunk(
    data: bytes, channels: Channels, start_ns: int | None = None, end_ns: int | None = None, *, learn: bool = False
) -> list[Message]:
    """Messages in ``data`` (begin included, end not) in their order; ``channels`` learns.

    ``learn``: only the channels are of interest. A message of the channels goes on ``channels.marks``. Raises
    :class:`DamageError`.
    """
    found: list[Message] = []
    add, ways, sequence_of, own = found.append, channels.ways, channels.sequence, channels.own
    unpack_head, unpack = HEAD.unpack_from, MESSAGE_BODY.unpack_from
    head_bytes, body_bytes = HEAD.size, MESSAGE_BODY.size
    begin, last = -(1 << 63) if start_ns is None else start_ns, 1 << 64 if end_ns is None else end_ns
    at, size = 0, len(data)
    while at < size:
        opcode, length = unpack_head(data, at) if at + head_bytes <= size else (0, size)
        at += head_bytes
        end = at + length
        if end > size:
            raise DamageError("a record is cut")
        if opcode == MESSAGE and length >= body_bytes:
            if learn and own:
                break  # channels stand before the messages
            number, sequence, time_ns, _ = unpack(data, at)
            if not own:
                sequence, channels.count = channels.count, channels.count + 1
            if begin <= time_ns < last and not learn:
                way = ways.get(number)
                if way is None:
                    _mark(data[at + body_bytes : end], channels, number)
                elif way.topic is None:
                    _shared(found, data[at + body_bytes : end], time_ns, sequence, channels)
                elif way.wanted:
                    if own:
                        sequence = sequence_of(sequence)
                    add(Message(way.topic, data[at + body_bytes : end], time_ns, sequence, way.qos, way.retain))
        elif opcode == CHANNEL:
            channels.put(*parse_channel(data[at:end]))
        at = end
    return found


def _mark(data: bytes, channels: Channels, number: int) -> None:
    """A mark, or a message of a channel that nobody described."""
    if number not in channels.ways:
        channels.lost += 1
        return
    try:
        channels.marks.append(msgspec.json.decode(data, type=Mark))
    except msgspec.MsgspecError:
        channels.bad_marks += 1


def _shared(found: list[Message], data: bytes, time_ns: int, sequence: int, channels: Channels) -> None:
    try:
        topic, payload, qos, retain = unshared(data)
    except (ValueError, IndexError, struct.error):
        raise DamageError("a message has no topic") from None
    if channels.wanted is None or channels.wanted(topic):
        whole = channels.sequence(sequence) if channels.own else sequence
        found.append(Message(topic, payload, time_ns, whole, qos, retain))
