"""Case ``mqtt-sparkplug``: samples a second that Mosquitto, ingest, recording and state hold, 100 in a message.

QoS 0, as the specification has it: nobody acknowledges, so what is lost is counted: by number in the recording, which
is compared byte for byte with what was sent, and by ``seq`` in the twin.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np

from telemetry.message import Message
from tests.bench.measure import Row
from tests.bench.mqtt_load import Schedule
from tests.bench.mqtt_publisher import Told
from tests.bench.mqtt_readback import Readback
from tests.bench.mqtt_run import Load, Ran, go
from tests.bench.sparkplug_load import METRICS, NODES, Packets, births, number_of, topics

RATE, SURPLUS = 7_000.0, 1.02  # messages a second
P99_S, GROWTH_S, GROWTH_MB = 1.0, 0.5, 24.0
SECONDS, QUICK_S, FULL_S = 120.0, 10.0, 600.0
STEADY_S = 30.0  # what memory is there after it stays
STEP, STEPS, STEP_S, QUICK_STEP_S = 1.25, 6, 10.0, 5.0
HELD, BACKLOG_S = 0.98, 1.0


def read_back(messages: Iterable[Message], told: Told) -> Readback:
    """Compare every recorded message with what was sent, byte for byte, a stretch of numbers at a time."""
    found = Readback(np.zeros(told.sent, bool))
    packets, schedule = Packets(), Schedule(told.start_ms, told.rate)
    named, about, seen, last = topics(), dict(births()), set[str](), -1
    stream = iter(messages)
    while some := list(islice(stream, 256)):
        numbered = []
        for message in some:
            number = number_of(message.payload)
            if number is None:
                found.wrong += about.get(message.topic) != message.payload
                seen.add(message.topic)
            elif not 0 <= number < told.sent or message.topic != named[number % NODES]:
                found.wrong += 1
            else:
                numbered.append((number, message.payload))
        if not numbered:
            continue
        first, end = min(numbered)[0], max(numbered)[0] + 1
        if end - first > 100_000:  # of no such stream: each for itself
            found.wrong += len(numbered)
            continue
        sent = packets.between(schedule, first, end)[:, packets.body :]
        for number, payload in numbered:
            if payload != sent[number - first].tobytes():
                found.wrong += 1
                continue
            found.extra += int(found.held[number])
            found.backward += number < last
            found.held[number], last = True, number
    found.metadata = len(seen)
    return found


SPARKPLUG = Load("sparkplug", "tests.bench.sparkplug_publisher", read_back)


def once(rate: float, seconds: float) -> Ran:
    """A run in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return go(Path(folder), rate, seconds, load=SPARKPLUG)


def run(quick: bool, full: bool) -> list[Row]:
    """Samples a second held with everything on, what grows, what is lost, the delay, and the rate beyond."""
    seconds = FULL_S if full else QUICK_S if quick else SECONDS
    held = once(RATE * SURPLUS, seconds)
    readback, published, ingested = held.readback, held.published, held.ingested
    missing = published.sent - readback.distinct + readback.wrong + readback.extra + (NODES - readback.metadata)
    state, sources = ingested.run["state"], ingested.run["sources"]
    missing += sources["lost"] + sources["missing"]
    unapplied = (published.sent + NODES) * METRICS - state["applied"]
    early, late = held.backlog_s(0.05, 0.3), held.backlog_s(0.75, 1.0)
    work, bar = f"{seconds:g} s, QoS 0, {NODES * METRICS:,} points", RATE * METRICS
    each = 1e9 * ingested.cpu_s / max(1, ingested.durable * METRICS)
    offered = f"{RATE * SURPLUS * METRICS:,.0f}/s offered; {held.costs()}: {each:.0f} ns a sample"
    ms = f"{1e3 * early:.0f} to {1e3 * late:.0f} ms"
    grown, last = held.growth_mb(min(STEADY_S, seconds / 2)), held.looks[-1]
    lost = f"lost, changed, doubled, or missing by seq; {unapplied:,} readings not applied"
    delay = f"p50 {ingested.p50_s:g} s, worst {ingested.worst_s:g} s"
    rows = [
        Row("sparkplug", f"{work}, durable", METRICS * held.held_rate(), "/s", bar, False, offered),
        Row("sparkplug backlog", f"{seconds:g} s, growth", late - early, " s", GROWTH_S, True, ms),
        Row("sparkplug memory", f"{seconds:g} s, growth", grown, " MB", GROWTH_MB, True, f"{last.resident_mb:.0f} MB"),
        Row("sparkplug lost", f"{readback.distinct:,} read back", missing, "", 0, True, lost),
        Row("sparkplug delay", "p99 until durable", ingested.p99_s, " s", P99_S, True, delay),
    ]
    best, why = ceiling(QUICK_STEP_S if quick else STEP_S)
    return [*rows, Row("sparkplug ceiling", "highest rate that is held so", best * METRICS, "/s", bar, False, why)]


def ceiling(seconds: float) -> tuple[float, str]:
    """Highest of the rates RATE * STEP**n that comes out as it goes in, with less than a second on the way."""
    best = 0.0
    for n in range(STEPS):
        rate = RATE * STEP**n
        ran = once(rate, seconds)
        lost = ran.published.sent - ran.readback.distinct
        if lost or ran.held_rate() < HELD * rate or ran.backlog_s(0.8, 1.0) > BACKLOG_S:
            what = f"{METRICS * rate:,.0f}/s offered for {seconds:g} s: {METRICS * ran.held_rate():,.0f}/s durable"
            return best, f"{what}, {lost:,} messages lost; {ran.costs()}"
        best = rate
    return best, "nothing higher was offered"


__all__ = ["run"]
