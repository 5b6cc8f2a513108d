"""Payloads as no client writes them and protobuf takes them, and bytes that were damaged.

Fields in any order, twice, overlong numbers, unknown fields and groups, fields in a wrong wire type, sets in pieces.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from telemetry.sparkplug.schema import MESSAGES, Field

WIRES = {"u32": 0, "u64": 0, "bool": 0, "f32": 5, "f64": 1}
EDGES = (
    0,
    1,
    5,
    127,
    128,
    192,
    251,
    255,
    256,
    500,
    65531,
    2**31,
    2**32 - 5,
    2**32 - 1,
    2**32,
    2**63,
    2**64 - 5,
    2**64 - 1,
)
TEXTS = (b"", b"a", b"Quality", b"Node Control/Rebirth", "Räume/水".encode(), b"\xff", b"\xed\xa0\x80", b"bdSeq")
BYTES = b"\x00\x01\x02\x07\x08\x0a\x10\x12\x18\x20\x4a\x50\x7a\x7b\x7c\x7f\x80\x81\x8a\xff"
DEEP = 6


def number(value: int, longer: int = 0) -> bytes:
    """A varint, with ``longer`` bytes more than it needs."""
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    for _ in range(min(longer, 10 - len(made))):
        made[-1] |= 128
        made.append(0)
    return bytes(made)


def piece(field: int, data: bytes, longer: int = 0) -> bytes:
    """A field that has its length in front."""
    return number(field << 3 | 2) + number(len(data), longer if len(data) < 1 << 21 else 0) + data


class Wild:
    """Makes payloads."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)

    def payload(self) -> bytes:
        """One that protobuf takes."""
        return self.message("Payload", 0)

    def message(self, kind: str, depth: int) -> bytes:
        """The bytes of a message of ``kind``."""
        dice, fields = self.dice, MESSAGES[kind]
        made = []
        for _ in range(dice.choice((0, 1, 2, 3, 5, 8)) if depth else dice.choice((1, 2, 3, 4, 6))):
            if not fields or dice.random() < 0.06:
                made.append(self.unknown(depth))
            elif depth == 0 and dice.random() < 0.6:
                made.append(self.field(fields[1], depth))
            else:
                made.append(self.field(dice.choice(fields), depth))
        return b"".join(made)

    def field(self, field: Field, depth: int) -> bytes:
        """One field, seldom in a wrong wire type."""
        dice = self.dice
        longer = dice.choice((0, 0, 0, 0, 0, 0, 1, 3))
        if dice.random() < 0.03:
            return self.value(field.number, dice.choice((0, 1, 5)))
        if field.kind == "PropertySet" and dice.random() < 0.5:
            return piece(field.number, self.quality(), longer)
        if field.kind in MESSAGES:
            return piece(field.number, self.message(field.kind, depth + 1) if depth < DEEP else b"", longer)
        if field.kind in WIRES:
            if field.repeated and dice.random() < 0.5:
                return piece(field.number, b"".join(number(dice.choice(EDGES)) for _ in range(dice.randrange(4))))
            return self.value(field.number, WIRES[field.kind])
        return piece(field.number, dice.choice(TEXTS), longer)

    def quality(self) -> bytes:
        """A property set as most say their quality, and nearly so."""
        dice = self.dice
        value = b"".join(self.value(dice.choice((1, 2, 3, 3, 3, 4)), 0) for _ in range(dice.choice((1, 1, 2, 3))))
        return piece(1, b"Quality") + piece(2, value, dice.choice((0, 0, 1)))

    def value(self, field: int, wire: int) -> bytes:
        """A number in wire type 0, 1 or 5."""
        dice = self.dice
        tag = number(field << 3 | wire, dice.choice((0, 0, 0, 0, 0, 0, 0, 1)))
        if wire == 0:
            value = dice.choice(EDGES) if dice.random() < 0.8 else dice.getrandbits(64)
            return tag + number(value, dice.choice((0, 0, 0, 0, 0, 1, 9)))
        return tag + dice.randbytes(8 if wire == 1 else 4)

    def unknown(self, depth: int) -> bytes:
        """A field that no message of Sparkplug knows, or a group."""
        dice = self.dice
        field = dice.choice((12, 20, 31, 2047, 2**29 - 1))
        what = dice.randrange(5)
        if what == 3:
            return piece(field, dice.randbytes(dice.randrange(4)))
        if what == 4:
            inside = self.unknown(depth + 1) if depth < DEEP and dice.random() < 0.5 else b""
            return number(field << 3 | 3) + inside + number(field << 3 | 4)
        return self.value(field, (0, 1, 5)[what])

    def damaged(self, seeds: list[bytes]) -> Iterator[bytes]:
        """Endlessly one of ``seeds`` with bits turned, bytes cut, put in, put twice, or spliced to another."""
        uniform, choose = self.dice.random, self.dice.choice
        while True:
            data = choose(seeds)
            for _ in range(1 if uniform() < 0.6 else 3):
                at = int(uniform() * (len(data) + 1))
                to = at + int(uniform() * 12)
                what = int(uniform() * 8)
                if what < 3:
                    middle = bytes((BYTES[int(uniform() * len(BYTES))],))
                    data = data[:at] + middle + data[at + 1 :]
                elif what == 3:
                    data = data[:at] + bytes((int(uniform() * 256),)) + data[at + (uniform() < 0.5) :]
                elif what == 4:
                    data = data[:at] + data[to:]
                elif what == 5:
                    data = data[:to] + data[at:]
                elif what == 6:
                    data = data[:at] if uniform() < 0.3 else data[:at] + BYTES[at % 20 :][:2] + data[at:]
                else:
                    other = choose(seeds)
                    data = data[:at] + other[int(uniform() * len(other)) :][:40] + data[at:]
            yield data
