"""The bytes of an MQTT connection, cut into packets; messages come out ready, all else is for the MQTT client.

A packet is a first byte (type and flags), its length in 1 to 4 bytes of 7 bits, and that many bytes. A PUBLISH holds
the topic (2 bytes of length, UTF-8), with QoS 1 or 2 a packet id of 2 bytes, in MQTT 5 the properties (their length
in 7-bit bytes), and the payload. Source: OASIS MQTT 3.1.1, sections 2 and 3.3; MQTT 5.0, section 3.3.

The client that we use takes 25 µs for a message, cutting a whole read at once 1 µs. Nothing here does input or
output, and no byte sequence raises anything but :class:`MalformedError`.
"""

from __future__ import annotations

from telemetry.message import Message

PUBLISH = 0x30
PUBACK, PUBCOMP = b"\x40\x02", b"\x70\x02"  # and the packet id behind
PUBREL = b"\x62\x02"
PINGRESP = b"\xd0\x00"
LONGEST = 16 << 20  # bytes of a packet; a longer one is passed over and counted
ODD_TOPIC = "\ufffd"  # begins what is shown of a topic that is not UTF-8: no dialect has such a first level


class _MalformedError(Exception):
    """The stream is no MQTT; nothing behind this point can be understood."""


def topic_of(raw: bytes) -> str:
    """A topic as text; bytes that are not UTF-8 are spelt out behind :data:`ODD_TOPIC`."""
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        return ODD_TOPIC + raw.decode("utf-8", "backslashreplace")


class Cut:
    """What one read brought: ``messages`` (QoS 0 and 1), the bytes that acknowledge those of QoS 1, and the rest.

    ``other``: whole packets for the MQTT client, in order. ``oversize``: topics of what was too long to be kept.
    ``fault``: why nothing behind these can be understood, "" where all is well. ``size``: bytes of all of it.
    """

    __slots__ = ("acks", "fault", "messages", "other", "oversize", "size")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.acks = bytearray()
        self.other: list[bytes] = []
        self.oversize: list[str] = []
        self.fault = ""
        self.size = 0


class Frames:
    """One connection's incoming bytes. ``sequence`` is the number of the next message."""

    def __init__(self, *, version5: bool = False, longest: int = LONGEST) -> None:
        self._version5, self._longest = version5, longest
        self._parts: list[bytes] = []
        self._held = self._skip = 0
        self._need = 2
        self.sequence = 0

    def clear(self) -> None:
        """Forget a half packet: a new connection begins with a new one."""
        self._parts, self._held, self._need, self._skip = [], 0, 2, 0

    def feed(self, data: bytes, received_ns: int) -> Cut:
        """Cut what arrived at ``received_ns``; the incomplete end is kept for the next call."""
        cut = Cut()
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        if self._held:
            self._parts.append(data)
            self._held += len(data)
            if self._held < self._need:
                return cut
            data = b"".join(self._parts)
            self._parts, self._held = [], 0
        cut.size = len(data)
        try:
            rest = self._packets(data, received_ns, cut)
        except _MalformedError as error:
            cut.fault = str(error)
            return cut
        if rest:
            self._parts, self._held = [rest], len(rest)
        return cut

    def _packets(self, data: bytes, received_ns: int, cut: Cut) -> bytes:
        """Cut whole packets from ``data``; what is left, with ``_need`` set to how much it takes to go on."""
        at, end, longest = 0, len(data), self._longest
        while True:
            self._need = 2
            if end - at < 2:
                return data[at:]
            head, size, start = data[at], data[at + 1], at + 2
            if size >= 128:
                size, start = _length(data, at + 1)
                if not start:
                    self._need = end - at + 1
                    return data[at:]
            stop = start + size
            if size > longest:
                at = self._pass_over(data, at, start, stop, cut)
                if self._need > 2:
                    return data[at:]
                continue
            if stop > end:
                self._need = stop - at
                return data[at:]
            if head & 0xF0 == PUBLISH and head & 0x06 < 0x04:
                self._message(data, head, start, stop, received_ns, cut)
            else:
                cut.other.append(data[at:stop])
            at = stop

    def _message(self, data: bytes, head: int, start: int, stop: int, received_ns: int, cut: Cut) -> None:
        begin = start + 2
        behind = begin + (data[start] << 8 | data[start + 1]) if begin <= stop else stop + 1
        qos = head >> 1 & 1
        body = behind + 2 * qos
        if body <= stop and self._version5:
            length, body = _length(data, body) if body < stop else (0, 0)
            body = body + length if body else stop + 1
        if body > stop:
            raise _MalformedError("a message that is shorter than its topic")
        topic = topic_of(data[begin:behind])
        cut.messages.append(Message(topic, data[body:stop], received_ns, self.sequence, qos, bool(head & 1)))
        self.sequence += 1
        if qos:
            cut.acks += PUBACK
            cut.acks += data[behind : behind + 2]

    def _pass_over(self, data: bytes, at: int, start: int, stop: int, cut: Cut) -> int:
        """Leave a too long message out; with QoS 1 it is acknowledged, or the broker would bring it for ever.

        The place to go on at; ``at`` itself, with ``_need`` set, where even its topic has not come yet.
        """
        head, end = data[at], len(data)
        if head & 0xF0 != PUBLISH or head & 0x06 >= 0x04:
            raise _MalformedError(f"a packet of {stop - start} bytes")
        behind = start + 2
        if end >= behind:
            behind += data[start] << 8 | data[start + 1]
        body = behind + (head & 0x02)
        if body > stop:
            raise _MalformedError("a message that is shorter than its topic")
        if end < max(body, start + 2):
            self._need = max(body, start + 2) - at
            return at
        cut.oversize.append(topic_of(data[start + 2 : behind]))
        if head & 0x02:
            cut.acks += PUBACK + data[behind:body]
        self._skip = max(0, stop - end)
        return min(stop, end)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A number in 7-bit bytes from ``at`` on, and the place behind it: 0 where its end has not come yet."""
    value = shift = 0
    for place in range(at, min(at + 4, len(data))):
        value |= (data[place] & 0x7F) << shift
        shift += 7
        if data[place] < 128:
            return value, place + 1
    if len(data) >= at + 4:
        raise _MalformedError("a length of more than 4 bytes")
    return 0, 0


def publish(topic: bytes, payload: bytes, qos: int, packet: int, retain: bool, *, version5: bool) -> bytes:
    """A PUBLISH; ``packet`` is its id, which QoS 0 does not have. No properties in MQTT 5."""
    behind = (packet.to_bytes(2, "big") if qos else b"") + b"\0" * version5
    left = 2 + len(topic) + len(behind) + len(payload)
    head = bytearray((PUBLISH | qos << 1 | retain,))
    while True:
        left, byte = left >> 7, left & 0x7F
        head.append(byte | 0x80 if left else byte)
        if not left:
            break
    return bytes(head + len(topic).to_bytes(2, "big") + topic + behind + payload)
