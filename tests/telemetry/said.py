"""A dialect for tests of what stands behind decoders: a message's payload says its reading in plain numbers."""

from __future__ import annotations

import json

from telemetry.batch import NOTHING, Batch, Quality, Reject
from telemetry.clock import NS, ReplayClock
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.points import Point, Points

T0 = 1_900_000_000 * NS


class Said:
    """Decodes ``{"t": s after T0, "v": value, "q": quality, "f": flags}``; the topic is ``source/point``."""

    quiet_s = 30.0

    held = 0
    dropped = 0

    def __init__(self, *heartbeats: Point) -> None:
        self.points = Points()
        for point in heartbeats:
            self.points.put(point)

    def decode(self, message: Message) -> Batch | Reject:
        """Readings as told; a payload ``boom`` raises, as a decoder must not."""
        if message.payload == b"boom":
            raise RuntimeError("a fault of the decoder")
        if message.payload == b"":
            return NOTHING
        try:
            said = json.loads(message.payload)
        except ValueError:
            return Reject("syntax", "no JSON")
        index = self.points.index(message.topic)
        if index is None:
            index = self.points.put(Point(message.topic, self.source(message.topic), "rack_power", units="W"))
        value = float("nan") if said["v"] is None else float(said["v"])
        time_ns = T0 + round(said["t"] * NS)
        return Batch((index,), (time_ns,), (value,), (said.get("q", Quality.GOOD),), (said.get("f", 0),))

    def source(self, topic: str) -> str:
        """The first level."""
        return topic.split("/", 1)[0]

    def subscriptions(self) -> list[tuple[str, int]]:
        """Everything."""
        return [("#", 1)]

    def is_command(self, topic: str) -> bool:
        """None is."""
        return False


def say(topic: str, t: float, v: float | None, *, at: float | None = None, sequence: int = 0, **more: int) -> Message:
    """A message on ``topic`` stamped ``t`` s after T0 and received at ``at`` (default: at once)."""
    payload = json.dumps({"t": t, "v": v, **more}).encode()
    return Message(topic, payload, T0 + round((t if at is None else at) * NS), sequence, 1)


def fed(*messages: Message, heartbeats: tuple[Point, ...] = ()) -> Pipeline:
    """A pipeline that has taken ``messages``."""
    pipeline = Pipeline(Said(*heartbeats), ReplayClock(T0, None))
    pipeline.take(messages)
    return pipeline
