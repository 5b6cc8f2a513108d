"""Case ``state``: readings applied to the state in batches of 100 and one by one, the whole path of Sparkplug messages
(recorded, decoded, applied), and line protocol read to readings.

The CPU time of one thread, the least of some rounds: what others do on the machine only adds. All readings are new (the
common case), of 5,000 points of 50 sources.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from telemetry.batch import Batch
from telemetry.clock import ReplayClock, WallClock
from telemetry.decode import Decoder, make
from telemetry.message import Message
from telemetry.pipeline import Pipeline, rehearse
from telemetry.points import Point
from telemetry.recording.write import Recorder
from telemetry.state.state import State
from tests.bench import sparkplug_load
from tests.bench.measure import Row
from tests.bench.mqtt_load import Schedule

POINTS, LARGE, SOURCES = 5_000, 100, 50
MANY_RATE, PATH_RATE, ONE_RATE, FIELD_RATE = 2e6, 1.2e6, 4e5, 2e5  # readings and fields a second
GROUP = 140  # messages of one commit: those of 20 ms at 7,000 a second
T0, MS = 1_900_000_000_000_000_000, 1_000_000
LINES, FIELDS = 25, ("usage_user", "usage_system", "usage_idle", "load")


def batches(size: int, count: int) -> list[tuple[Message, Batch]]:
    """Messages a millisecond apart, each with the next ``size`` points: columns, or plain numbers of one reading."""
    made = []
    for n in range(count):
        points, at = np.arange(size) + n * size % POINTS, T0 + n * MS
        marks = np.zeros(size, np.int8)
        batch = Batch(points, np.full(size, at), np.sin(points + n), marks, marks.astype(np.int32))
        if size == 1:
            batch = Batch((n % POINTS,), (at,), (0.5 * n,), (0,), (0,))
        made.append((Message("t", b"", at + 5 * MS + n % 7), batch))
    return made


def state() -> State:
    """An empty state that knows the points."""
    decoder = make("plain", {"mapping": "gateway"})
    for n in range(POINTS):
        decoder.points.put(Point(f"source-{n * SOURCES // POINTS}/{n}", f"source-{n * SOURCES // POINTS}", "power"))
    return State(decoder, ReplayClock(T0, None))


def least(work: Callable[[], object], rounds: int, before: Callable[[], object] = lambda: None) -> float:
    """Least CPU seconds of ``work`` over some rounds."""
    best = float("inf")
    for _ in range(rounds):
        before()
        begin = time.thread_time_ns()
        work()
        best = min(best, (time.thread_time_ns() - begin) / 1e9)
    return best


def rate(size: int, rounds: int) -> float:
    """Readings a second of CPU at ``size`` a message, once all points and sources are known."""
    said, known = batches(size, 2 * POINTS // size + 100), POINTS // size
    held = [state()]

    def fresh() -> None:
        held[0] = state()
        for message, batch in said[:known]:
            held[0].apply(message, batch)

    def work() -> None:
        apply = held[0].apply
        for message, batch in said[known:]:
            apply(message, batch)

    return (len(said) - known) * size / least(work, rounds, fresh)


def path(rounds: int) -> float:
    """Samples a second of CPU that are recorded (the disk's time apart), decoded and applied, 100 a message."""
    packets, names, schedule = sparkplug_load.Packets(), sparkplug_load.topics(), Schedule(T0 // MS, 7_000.0)
    rows = packets.between(schedule, 0, 10 * GROUP)[:, packets.body :]
    about = [Message(topic, payload, T0) for topic, payload in sparkplug_load.births()]
    said = [
        Message(names[n % len(names)], row.tobytes(), schedule.stamp(n) * MS + 5 * MS, n) for n, row in enumerate(rows)
    ]
    rehearse("sparkplug")
    with TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder), {}, clock=WallClock())
        held = [Pipeline(make("sparkplug"), WallClock(), recorder)]

        def fresh() -> None:
            held[0] = Pipeline(make("sparkplug"), WallClock(), recorder)
            held[0].take([*about, *said[:GROUP]])
            held[0].commit()

        def work() -> None:
            for begin in range(GROUP, len(said), GROUP):
                held[0].take(said[begin : begin + GROUP])
                held[0].commit()

        took = least(work, rounds, fresh)
        recorder.close()
    assert held[0].state.counts.applied == (len(said) + len(about)) * sparkplug_load.METRICS
    return (len(said) - GROUP) * sparkplug_load.METRICS / took


def lines() -> Sequence[Message]:
    """Messages of some lines of Telegraf, of four fields each."""
    return [
        Message(
            "telegraf/node-01",
            "".join(
                f"cpu,cpu=cpu{line},host=node-01 "
                + ",".join(f"{name}={(n * 37 + line * 11 + at) % 9_973 / 100}" for at, name in enumerate(FIELDS))
                + f" {T0 + n * MS}\n"
                for line in range(LINES)
            ).encode(),
            T0 + n * MS,
        )
        for n in range(100)
    ]


def fields(rounds: int) -> float:
    """Fields a second of CPU that the dialect ``influx`` reads."""
    said, decoder = lines(), make("influx")
    return len(said) * LINES * len(FIELDS) / least(lambda: _decode(decoder, said), rounds)


def _decode(decoder: Decoder, said: Sequence[Message]) -> None:
    for message in said:
        decoder.decode(message)


def run(quick: bool, full: bool) -> list[Row]:
    """Readings a second in batches and one by one, and fields of line protocol."""
    del full
    rounds = 5 if quick else 20
    many, one, sparkplug, telegraf = rate(LARGE, rounds), rate(1, rounds), path(rounds), fields(rounds)
    return [
        Row("state", f"x{LARGE}, {POINTS:,} points", many, "/s", MANY_RATE, False, _us(many)),
        Row("sparkplug path", f"x{LARGE}, recorded too", sparkplug, "/s", PATH_RATE, False, _us(sparkplug)),
        Row("state", "one by one", one, "/s", ONE_RATE, False, f"{1e6 / one:.2f} us a message"),
        Row("influx decode", f"{LINES} lines of {len(FIELDS)} fields", telegraf, "/s", FIELD_RATE, False),
    ]


def _us(rate: float) -> str:
    return f"{1e6 * LARGE / rate:.1f} us a message"


__all__ = ["run"]
