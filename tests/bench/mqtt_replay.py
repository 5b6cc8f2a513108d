"""Case ``replay``: a recording played again, to the twin and to Mosquitto: as fast as it goes, and on time."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from telemetry.brokers import start
from telemetry.clock import WallClock
from telemetry.message import Message
from telemetry.recording.write import Recorder
from tests.bench import mqtt_ingest
from tests.bench.measure import ROOT, Row, child
from tests.bench.mqtt_load import TOPICS, Schedule, metadata, value_topics
from tests.bench.process import CLI

TWIN_RATE, BROKER_RATE, LATE_S, DRIFT_S = 30_000.0, 8_000.0, 0.02, 0.02
MESSAGES, QUICK = 300_000, 60_000
SPEED, SPAN_S, QUICK_SPAN_S = 100.0, 2_000.0, 500.0
EACH_S = 60.0  # messages a second of the recording for ``SPEED``: 6,000 a second of the replay
EXAMPLE, EXAMPLE_S, QUICK_EXAMPLE = ROOT.parent / "shared" / "data" / "dsx" / "dsx_exemplar.csv", 100.0, 20.0
START_MS = 1_790_000_000_000


def write(folder: Path, values: int, rate: float) -> Path:
    """Record metadata of all topics, then so many values, one every 1/``rate`` s; returns the folder."""
    schedule, topics = Schedule(START_MS, rate), value_topics(TOPICS)
    recorder = Recorder(folder, {"dialect": "dsx"}, clock=WallClock())

    def at_ns(number: int) -> int:
        return int((START_MS + number * 1e3 / rate) * 1e6)

    about = enumerate(metadata(TOPICS), -TOPICS)
    recorder.add([Message(topic, payload, at_ns(n), TOPICS + n, 1, True) for n, (topic, payload) in about])
    for begin in range(0, values, TOPICS):
        numbers = range(begin, min(values, begin + TOPICS))
        recorder.add([Message(topics[n % TOPICS], schedule.payload(n), at_ns(n), TOPICS + n, 1) for n in numbers])
        recorder.commit()
    recorder.close()
    return folder


def replayed(path: Path, *options: str) -> dict[str, Any]:
    """What ``twin replay`` says of a recording, in a process of its own."""
    found: dict[str, Any] = json.loads(child(CLI, "replay", str(path), "--json", *options).stdout)
    return found


def run(quick: bool, full: bool) -> list[Row]:
    """Rate to the twin and to a broker, lateness and drift at a hundred times the speed, the example of DSX."""
    del full
    values, span = (QUICK, QUICK_SPAN_S) if quick else (MESSAGES, SPAN_S)
    with tempfile.TemporaryDirectory() as name, start("mosquitto", Path(name, "broker")) as broker:
        folder = Path(name)
        fast = write(folder / "fast", values, 12_000.0)
        slow = write(folder / "slow", int(span * EACH_S), EACH_S)
        twin = replayed(fast, "--speed", "max")
        timed = replayed(slow, "--speed", f"{SPEED:g}")
        sent = replayed(fast, "--to", "mqtt", "--broker", broker.address, "--speed", "max")
        example = exchange(folder, broker.address, QUICK_EXAMPLE if quick else 1.0)
    to_twin, to_broker = (each["messages"] / each["took_s"] for each in (twin, sent))
    late = timed["lateness_s"]
    last_s = (TOPICS + int(span * EACH_S) - 1) / EACH_S / SPEED
    drift = timed["took_s"] - last_s
    what = f"{values:,} values, {TOPICS:,} topics"
    undelivered = f"{sent['undelivered']} not acknowledged"
    return [
        Row("replay", f"{what}, to the twin", to_twin, "/s", TWIN_RATE, False),
        Row("replay", f"{what}, to Mosquitto, QoS 1", to_broker, "/s", BROKER_RATE, False, undelivered),
        Row("replay late", f"x{SPEED:g}, {SPEED * EACH_S:,.0f}/s, p99", late["p99"], " s", LATE_S, True, _late(late)),
        Row("replay drift", f"x{SPEED:g}, behind at its end", drift, " s", DRIFT_S, True, f"after {last_s:.0f} s"),
        *example,
    ]


def _late(late: dict[str, float]) -> str:
    return f"p50 {1e3 * late['p50']:.1f} ms, worst {1e3 * late['worst']:.0f} ms"


def exchange(folder: Path, address: str, speed: float) -> list[Row]:
    """The example exchange of DSX through Mosquitto and directly: the state has to be the same. No file, no row."""
    if not EXAMPLE.is_file():
        return []
    begin = datetime.now(UTC) + timedelta(seconds=5.0 - EXAMPLE_S * (1.0 - 1.0 / speed))
    how = ("--epoch", f"{begin:%Y-%m-%dT%H:%M:%SZ}")
    direct = replayed(EXAMPLE, "--speed", "max", *how)
    with mqtt_ingest.Child.start(address, folder / "example") as ingest:
        before = ingest.durable_when_quiet()
        sent = replayed(EXAMPLE, "--to", "mqtt", "--broker", address, "--speed", f"{speed:g}", *how)
        came = ingest.durable_when_quiet() - before
        told = ingest.stop()
    differs = (told.digest != direct["state"]["digest"]) + abs(came - sent["messages"])
    detail = f"{sent['messages']:,} messages, late p99 {1e3 * sent['lateness_s']['p99']:.1f} ms"
    return [Row("replay DSX", f"example x{speed:g} through Mosquitto, next to direct", differs, "", 0, True, detail)]


__all__ = ["run", "write"]
