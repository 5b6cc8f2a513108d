"""Case ``mqtt``: the rate that Mosquitto, ingest, recording and state hold together on the machine, and its delay."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.measure import Row
from tests.bench.mqtt_load import TOPICS
from tests.bench.mqtt_run import Ran, go

RATE, SURPLUS, HELD = 12_000.0, 1.02, 0.98
HALF_P99_S, BACKLOG_S, GROWTH_S, GROWTH_MB = 1.0, 1.0, 0.5, 24.0
SECONDS, QUICK_S, FULL_S = 120.0, 10.0, 600.0  # the ten minutes are those of --full
STEADY_S = 30.0  # what memory is there after it stays
STEP, STEPS, STEP_S, QUICK_STEP_S = 1.25, 8, 10.0, 5.0


def run(quick: bool, full: bool) -> list[Row]:
    """Rate held with everything on, what grows, what is lost; delay at half of it; the rate that is no longer held."""
    seconds = FULL_S if full else QUICK_S if quick else SECONDS
    held = once(RATE * SURPLUS, seconds)
    half = once(RATE / 2, min(seconds, 60.0))
    work = f"{seconds:g} s, QoS 1, {TOPICS:,} topics"
    readback, published, last = held.readback, held.published, held.looks[-1]
    missing = len(readback.lost(published)) + readback.wrong + readback.extra + (TOPICS - readback.metadata)
    early, late = held.backlog_s(0.05, 0.3), held.backlog_s(0.75, 1.0)
    grown = held.growth_mb(min(STEADY_S, seconds / 2))
    offered = f"{RATE * SURPLUS:,.0f}/s offered; {held.costs()}"
    delay = f"p50 {half.ingested.p50_s:g} s, worst {half.ingested.worst_s:g} s"
    ms = f"{1e3 * early:.0f} to {1e3 * late:.0f} ms"
    rows = [
        Row("mqtt", f"{work}, durable", held.held_rate(), "/s", RATE, False, offered),
        Row("mqtt backlog", f"{seconds:g} s, growth", late - early, " s", GROWTH_S, True, ms),
        Row("mqtt memory", f"{seconds:g} s, growth", grown, " MB", GROWTH_MB, True, f"{last.resident_mb:.0f} MB"),
        Row("mqtt lost", f"{readback.distinct:,} read back", missing, "", 0, True, "lost, changed or doubled"),
        Row("mqtt delay", f"{RATE / 2:,.0f}/s, p99 until durable", half.ingested.p99_s, " s", HALF_P99_S, True, delay),
    ]
    best, why = ceiling(QUICK_STEP_S if quick else STEP_S)
    return [*rows, Row("mqtt ceiling", "highest rate that is held so", best, "/s", RATE, False, why)]


def once(rate: float, seconds: float) -> Ran:
    """A run in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return go(Path(folder), rate, seconds)


def ceiling(seconds: float) -> tuple[float, str]:
    """Highest of the rates RATE * STEP**n that comes out as it goes in, with less than a second on the way."""
    best = 0.0
    for n in range(STEPS):
        rate = RATE * STEP**n
        ran = once(rate, seconds)
        if ran.held_rate() < HELD * rate or ran.backlog_s(0.8, 1.0) > BACKLOG_S:
            return best, f"{rate:,.0f}/s offered for {seconds:g} s: {ran.held_rate():,.0f}/s durable; {ran.costs()}"
        best = rate
    return best, "nothing higher was offered"


__all__ = ["run"]
