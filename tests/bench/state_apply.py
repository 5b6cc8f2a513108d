"""Case ``state``: readings applied to the state in batches of 100 and one by one, and line protocol read to them.

The CPU time of one thread, the least of some rounds: what others do on the machine only adds. All readings are new (the
common case), of 5,000 points of 50 sources.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from telemetry.batch import Batch
from telemetry.clock import ReplayClock
from telemetry.decode import Decoder, make
from telemetry.message import Message
from telemetry.points import Point
from telemetry.state.state import State
from tests.bench.measure import Row

POINTS, LARGE, SOURCES = 5_000, 100, 50
MANY_RATE, ONE_RATE, FIELD_RATE = 2e6, 4e5, 2e5  # readings and fields a second
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
    many, one, telegraf = rate(LARGE, rounds), rate(1, rounds), fields(rounds)
    each = f"{1e6 * LARGE / many:.1f} us a message"
    return [
        Row("state", f"x{LARGE}, {POINTS:,} points", many, "/s", MANY_RATE, False, each),
        Row("state", "one by one", one, "/s", ONE_RATE, False, f"{1e6 / one:.2f} us a message"),
        Row("influx decode", f"{LINES} lines of {len(FIELDS)} fields", telegraf, "/s", FIELD_RATE, False),
    ]


__all__ = ["run"]
