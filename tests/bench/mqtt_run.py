"""One run over MQTT: publisher, Mosquitto and ingest in processes of their own, looked at twice a second.

backlog = messages due - messages durable, by their numbers, at one moment; divided by the rate it is a time. It holds
what the publisher could not send in time as well.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from telemetry.brokers import start
from telemetry.message import Message
from telemetry.recording.read import open_recording
from tests.bench import mqtt_ingest, mqtt_publisher
from tests.bench.mqtt_readback import Readback, read_back

LOOK_S = 0.5
DRAIN_S = 60.0
MB = 1 << 20


@dataclass(frozen=True)
class Look:
    """At ``at_s`` after the first message was due: messages due and durable, resident memory of the ingest."""

    at_s: float
    due: int
    durable: int
    resident_mb: float

    @property
    def backlog(self) -> int:
        """Messages that should be durable and are not."""
        return self.due - self.durable


@dataclass(frozen=True)
class Ran:
    """What a run was like. ``broker_us``: CPU of the broker for a message, µs (0 where the system does not tell)."""

    looks: list[Look]
    published: mqtt_publisher.Told
    ingested: mqtt_ingest.Told
    readback: Readback
    broker_us: float
    drained: bool

    def of_time(self, begin: float, end: float) -> list[Look]:
        """Looks in a part of the time in which was published; shares of it."""
        last = self.looks[-1].at_s
        return [look for look in self.looks if begin * last <= look.at_s <= end * last]

    def held_rate(self) -> float:
        """Messages a second that became durable, from a twentieth of the time to its end."""
        first, last = self.of_time(0.05, 1.0)[0], self.looks[-1]
        return (last.durable - first.durable) / (last.at_s - first.at_s)

    def backlog_s(self, begin: float, end: float) -> float:
        """Median backlog in a part of the time, in s of the rate."""
        backlogs = sorted(look.backlog for look in self.of_time(begin, end))
        return backlogs[len(backlogs) // 2] / self.published.rate

    def growth_mb(self, from_s: float) -> float:
        """Resident memory of the ingest at the end above what it was after ``from_s``."""
        early = [look.resident_mb for look in self.looks if look.at_s <= from_s]
        return self.looks[-1].resident_mb - max(early)

    def costs(self) -> str:
        """CPU of a message by process."""
        publisher = 1e6 * self.published.cpu_s / max(1, self.published.sent)
        ingest = 1e6 * self.ingested.cpu_s / max(1, self.ingested.durable)
        return f"CPU us a message: publisher {publisher:.0f}, broker {self.broker_us:.0f}, ingest {ingest:.0f}"


def cpu_s(pid: int) -> float:
    """CPU time of a process, s; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What is published: its dialect, the module of its publisher, and what compares a recording with what was sent."""

    dialect: str
    publisher: str
    read_back: Callable[[Iterable[Message], mqtt_publisher.Told], Readback]


DSX = Load("dsx", mqtt_publisher.__name__, read_back)


def go(folder: Path, rate: float, seconds: float, *options: str, load: Load = DSX) -> Ran:
    """Publish ``rate`` messages a second for so long, record them, and read the recording back."""
    messages, looks = int(rate * seconds), list[Look]()
    recording = folder / "recording"
    with (
        start("mosquitto", folder / "broker") as broker,
        mqtt_ingest.Child.start(broker.address, recording, "--dialect", load.dialect) as ingest,
        mqtt_publisher.Child.start(broker.port, folder, messages, rate, *options, module=load.publisher) as publisher,
    ):
        used = cpu_s(broker.pid)
        publisher.go()
        began = time.monotonic()
        while (at_s := time.monotonic() - began) < seconds or not looks:
            newest, _, resident_mb = ingest.so_far()
            looks.append(Look(at_s, int(at_s * rate), newest + 1, resident_mb))
            time.sleep(LOOK_S)
        published = publisher.told(DRAIN_S + 60.0)
        drained = settled(ingest, published)
        broker_us = 1e6 * (cpu_s(broker.pid) - used) / max(1, published.sent)
        ingested = ingest.stop()
    readback = load.read_back(open_recording(recording).messages(), published)
    return Ran(looks, published, ingested, readback, broker_us, drained)


def settled(ingest: mqtt_ingest.Child, published: mqtt_publisher.Told, within_s: float = DRAIN_S) -> bool:
    """Wait until the last message that the publisher was told of is durable, and nothing more comes."""
    end = time.monotonic() + within_s
    while ingest.so_far()[0] < published.acked - 1:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    ingest.durable_when_quiet(0.5)
    return True


__all__ = ["DSX", "Load", "Look", "Ran", "cpu_s", "go", "settled"]
