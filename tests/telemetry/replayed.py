"""A replay through a broker into an ingest as in production, and what was heard of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from telemetry.address import Login, parse_address
from telemetry.batch import Batch
from telemetry.brokers import Running
from telemetry.clock import ReplayClock
from telemetry.decode import make
from telemetry.ingest.ingest import Ingest
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.write import Recorder
from telemetry.replay.asked import Played
from telemetry.replay.play import Outcome, to_twin
from telemetry.replay.send import Target, send
from tests.telemetry.client import Client
from tests.telemetry.linked import subscribed

WAIT_S = 60.0
Reading = tuple[str, int, str, int, float, int, int]


class Heard:
    """A pipeline that keeps every reading, and an event when ``count`` messages came."""

    def __init__(self, clock: ReplayClock, count: int, recorder: Recorder | None = None) -> None:
        self.readings, self.whole, self._left = list[Reading](), threading.Event(), count
        self.pipeline = Pipeline(make("dsx"), clock, recorder, seen=self._see)

    def _see(self, message: Message, batch: Batch) -> None:
        rows = zip(batch.points, batch.times_ns, batch.values, batch.qualities, batch.flags, strict=True)
        for point, time_ns, value, quality, flag in rows:
            identity = self.pipeline.decoder.points[point].identity
            self.readings.append((message.topic, message.sequence, identity, time_ns, value, quality, flag))
        self._left -= 1
        if not self._left:
            self.whole.set()


@contextmanager
def ingested(broker: Running, name: str, clock: ReplayClock, heard: Heard) -> Iterator[Ingest]:
    """An ingest as in production, by the clock of the replay; it subscribes at QoS 1 before anything is sent."""
    up = threading.Event()
    ingest = Ingest(
        heard.pipeline, parse_address(broker.address), Login(), name, [("BMS/#", 1)], clock,
        source=heard.pipeline.decoder.source, connected=up.set,
    )  # fmt: skip
    ingest.start()
    try:
        assert up.wait(WAIT_S)
        assert subscribed(ingest.listener)
        yield ingest
    finally:
        ingest.stop()


def clear(broker: Running, played: Played) -> None:
    """Take retained messages away: an empty one with the retain flag, MQTT 3.1.1, 3.3.1.3."""
    with Client(broker.port, "clear") as client:
        topics = {message.topic for message in played.messages() if message.retain}
        for topic in topics:
            client.paho.publish(topic, b"", 1, True)
        assert client.until(lambda: client.acknowledged >= len(topics))


def target(broker: Running) -> Target:
    return Target(parse_address(broker.address), Login(), "", False)


def directly(played: Played, count: int) -> tuple[Heard, Outcome]:
    """What is heard of ``played`` without a broker, as fast as it goes."""
    clock = ReplayClock(played.begin_ns, None)
    heard = Heard(clock, count)
    return heard, to_twin(played, heard.pipeline, clock)


def through(
    broker: Running, played: Played, count: int, recorder: Recorder | None = None
) -> tuple[Heard, Outcome, int]:
    """The same through ``broker`` at its own speed, one clock for all, and how many the broker has not acknowledged."""
    clear(broker, played)
    clock = ReplayClock(played.begin_ns, played.choice.speed)
    heard = Heard(clock, count, recorder)
    with ingested(broker, f"ingest-{played.choice.speed}", clock, heard) as ingest:
        outcome, undelivered = send(played, make("dsx"), target(broker), lambda words: None, clock=clock)
        assert heard.whole.wait(WAIT_S), ingest.failure
    return heard, outcome, undelivered
