"""Case ``decode``: a DSX value to a reading (look-up, conversion, range, batch) next to msgspec's bare typed decode.

Both sides read the same bytes by turns, in blocks of which the least time counts: what others do on the machine only
adds. Topics are as many as the example exchange has. The bar holds for messages that are read again and again; what a
topic costs that was never looked up before (its hash) stands beside it, and so do bad and null values.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

import msgspec

from telemetry.batch import Batch
from telemetry.decode import dsx
from telemetry.message import Message
from tests.bench.measure import Row

BAR = 3.0
TOPICS, MESSAGES, BLOCK = 150, 3_000, 100
FIRST_MS = 1_743_620_423_000
NS = 1_000_000


class Value(msgspec.Struct):
    """What a value's payload holds, without any rule."""

    value: float | None
    timestamp: int
    quality: int


def payloads(kind: str) -> list[bytes]:
    """Values as the example exchange has them (49 to 59 bytes), or all bad, or all null."""
    dice = random.Random(7)
    made = []
    for number in range(MESSAGES):
        value = None if kind == "null" else round(dice.uniform(0.1, 130.0), dice.choice((1, 2, 3, 5)))
        data = {"value": value, "timestamp": FIRST_MS + number, "quality": 1 if kind == "good" else 0}
        made.append(json.dumps(data, separators=(",", ":")).encode())
    return made


def prepared() -> tuple[dsx.Decoder, list[bytes]]:
    """A decoder that knows its points, and their topics as bytes."""
    decoder, names = dsx.Decoder(), []
    for number in range(TOPICS):
        rack = f"Pod{number // 100}-R{number % 100:02d}"
        tail = f"Rack/RackPower/site/hall/{rack}/info/activePower/value"
        keys = {"objectType": "Rack", "pointType": "RackPower", "engUnit": "kW"}
        metadata = json.dumps({**keys, "rackLocationName": rack, "rackLocationId": rack}).encode()
        found = decoder.decode(Message(f"BMS/v1/PUB/Metadata/{tail}", metadata, 0))
        assert isinstance(found, Batch), found
        names.append(f"BMS/v1/PUB/Value/{tail}".encode())
    return decoder, names * (MESSAGES // TOPICS)


def nanoseconds(kind: str, repeat: int) -> dict[str, float]:
    """Least CPU time per message, ns, over ``repeat`` rounds: of msgspec, of ours for fresh topics, of ours again."""
    decoder, names = prepared()
    raw = payloads(kind)
    bare, ours = msgspec.json.Decoder(Value).decode, decoder.decode
    best = {name: [float("inf")] * (MESSAGES // BLOCK) for name in ("msgspec", "fresh", "ours")}
    for _ in range(repeat):
        for block in range(MESSAGES // BLOCK):
            some = slice(block * BLOCK, (block + 1) * BLOCK)
            messages = [Message(name.decode(), data, 0) for name, data in zip(names[some], raw[some], strict=True)]
            for name, read, items in (
                ("msgspec", bare, raw[some]),
                ("fresh", ours, messages),
                ("ours", ours, messages),
            ):
                best[name][block] = min(best[name][block], _timed(read, items))
    return {name: sum(times) / MESSAGES for name, times in best.items()}


def _timed(read: Callable[..., object], items: list[bytes] | list[Message]) -> int:
    begin = time.thread_time_ns()
    for item in items:
        read(item)
    return time.thread_time_ns() - begin


def run(quick: bool, full: bool) -> list[Row]:
    """The ratio for good values, with what the others cost beside it."""
    del full
    repeat = 30 if quick else 100
    good, bad, null = (nanoseconds(kind, repeat) for kind in ("good", "bad", "null"))
    detail = f"{good['ours']:.0f} against {good['msgspec']:.0f} ns; a new topic {good['fresh']:.0f}, "
    detail += f"bad {bad['ours']:.0f}, null {null['ours']:.0f} ns"
    return [Row("DSX decode / msgspec", f"{TOPICS} topics", good["ours"] / good["msgspec"], "x", BAR, True, detail)]


__all__ = ["nanoseconds", "run"]
