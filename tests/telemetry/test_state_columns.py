"""Batches of NumPy columns leave the state that the same readings leave one by one, whatever is among them."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.batch import Batch, Flag, Quality
from telemetry.clock import NS, ReplayClock
from telemetry.decode import make
from telemetry.message import Message
from telemetry.pipeline import Pipeline, rehearse
from telemetry.points import Point
from telemetry.sparkplug import convert, wire
from telemetry.state import state as module
from telemetry.state import stretch
from telemetry.state.state import KINDS, LARGE, State
from tests.bench.mqtt_load import Schedule
from tests.bench.sparkplug_load import METRICS, NODES, Packets, births, topics
from tests.telemetry.said import T0, Said

POINTS, SOURCES = 40, 3
Row = tuple[int, int, float, int, int]
ODD = [
    (7, 0, 1.0, 0, int(Flag.HISTORICAL)),
    (8, 0, math.nan, 0, 0),
    (9, 0, math.inf, int(Quality.BAD), 0),
    (10, 0, math.nan, int(Quality.NO_VALUE), 0),
    (11, -5 * NS, 1.0, 0, 0),  # late, or the first of all
    (12, 3600 * NS, 1.0, 0, 0),  # of the future: quarantined until enough agree
    (13, 3600 * NS, 1.0, 0, int(Flag.RETAINED)),
    (14, -3600 * NS, 1.0, 0, int(Flag.HELD)),
    (15, -1, 1.0, 0, int(Flag.NO_TIME)),
    (16, NS, 1.0, 0, 0),  # less than ever before the receipt
    (POINTS + 5_000, 0, 1.0, 0, 0),
    (10**6, 0, 1.0, 0, 0),  # more points than a state holds
]


def fresh() -> State:
    said = Said()
    for number in range(POINTS + 5_001):
        said.points.put(Point(f"p{number}", f"s{number % SOURCES}", "rack_power", units="W"))
    return State(said, ReplayClock(T0, None), most=6_000)


def told(state: State) -> dict[str, object]:
    clocks, columns = state.clocks, state._columns
    return {
        "digest": state.digest(),
        "counts": state.counts.told(),
        "clocks": {name: list(getattr(clocks, name)) for name in ("names", "offset", "earliest", "today", "teaching")},
        "trials": repr(clocks._trial),
        "marks": list(clocks.marks),
        "columns": [repr(column.tolist()) for column in columns.lent()],
    }


def both(messages: list[tuple[int, list[Row]]]) -> tuple[State, State]:
    """States that took the same messages, told s after T0, as tuples and as columns; once a second they tick."""
    plain, quick = fresh(), fresh()
    for number, (at, rows) in enumerate(messages):
        message = Message("t", b"%d" % number, T0 + at * NS + number % 7)
        stamped = [(p, message.received_ns - 10**6 + dt, v, q, f) for p, dt, v, q, f in rows]
        columns = tuple(zip(*stamped, strict=True))
        plain.apply(message, Batch(*columns))
        quick.apply(message, Batch(*(np.array(c, kind) for c, kind in zip(columns, KINDS, strict=True))))
        for state in (plain, quick):
            state.clocks.tick(message.received_ns)
    return plain, quick


def good(first: int, count: int, value: float = 2.0) -> list[Row]:
    return [((first + n) % POINTS, n, value + n, 0, 0) for n in range(count)]


ROWS = st.lists(st.sampled_from(ODD) | st.just("copy") | st.integers(1, 40), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), ROWS), min_size=1, max_size=8))
def test_columns_and_tuples_leave_the_same_state_counts_and_clocks(drawn):
    messages, at = [], 0
    for later, pieces in drawn:
        rows: list[Row] = []
        for piece in pieces:
            if piece == "copy":
                rows += rows[-3:]
            elif isinstance(piece, int):
                rows += good(len(rows), piece, value=float(at))
            else:
                rows.append(piece)
        at += later
        if rows:
            messages.append((at, rows))
    plain, quick = both(messages)
    assert told(plain) == told(quick)
    assert plain.counts.readings == sum(len(rows) for _, rows in messages)


def test_a_long_stream_with_a_clock_that_is_set_is_the_same_both_ways_and_most_of_it_runs_compiled(monkeypatch):
    dice, messages = random.Random(7), []
    for at in range(400):
        rows = good(at, 100, value=float(at))
        if dice.random() < 0.3:
            rows[dice.randrange(100)] = dice.choice(ODD)
        if at > 200:  # all clocks are an hour ahead from now on
            rows = [(p, dt + 3600 * NS, v, q, f) for p, dt, v, q, f in rows]
        messages.append((at, rows))
    compiled = module.stretch()
    stretches: list[int] = []

    def counted(begin: int, *rest: object) -> int:
        stretches.append(compiled(begin, *rest) - begin)
        return begin + stretches[-1]

    monkeypatch.setattr(module, "stretch", lambda: counted)
    plain, quick = both(messages)
    assert told(plain) == told(quick)
    assert quick.counts.quarantined > 100
    assert [mark.what for mark in quick.clocks.marks] == ["skew"] * SOURCES
    assert sum(stretches) > 0.9 * quick.counts.applied


def test_a_batch_of_new_readings_runs_compiled_as_a_whole(monkeypatch):
    state, compiled, stops = fresh(), module.stretch(), list[int]()

    def noted(*how: object) -> int:
        stops.append(compiled(*how))
        return stops[-1]

    monkeypatch.setattr(module, "stretch", lambda: noted)
    for at in range(5):
        points = np.arange(POINTS)
        times = np.full(POINTS, T0 + at * NS)
        values, marks = np.linspace(0.0, 1.5 * (POINTS - 1), POINTS) + at, np.zeros(POINTS, np.int8)
        batch = Batch(points, times, values, marks, marks.astype(np.int32))
        state.apply(Message("t", b"", T0 + at * NS + 10**6 + at), batch)
    assert stops[-4:] == [POINTS] * 4
    assert state.view(T0 + 5 * NS).value[:POINTS].tolist() == pytest.approx([n * 1.5 + 4 for n in range(POINTS)])
    assert state.counts.applied == 5 * POINTS


@pytest.mark.parametrize("count", [0, 1, LARGE - 1, LARGE, 100])
def test_strided_and_narrow_columns_are_read_as_what_they_hold(count):
    quick, plain = fresh(), fresh()
    rows = good(0, count)
    columns: list[Any] = [*zip(*rows, strict=True)] or [()] * 5
    odd: list[Any] = [
        np.repeat(np.array(c, kind), 2)[::2] for c, kind in zip(columns, (np.int32, int, float, int, int), strict=True)
    ]
    odd[1] = odd[1] + T0
    message = Message("t", b"", T0 + NS)
    plain.apply(message, Batch(columns[0], [T0 + t for t in columns[1]], *columns[2:]))
    quick.apply(message, Batch(*odd))
    assert told(plain) == told(quick)


def test_columns_of_different_lengths_are_no_batch():
    wrong = [np.zeros(n, kind) for n, kind in zip((20, 20, 19, 20, 20), KINDS, strict=True)]
    with pytest.raises(ValueError, match="length"):
        fresh().apply(Message("t", b"", T0), Batch(*wrong))


def test_a_source_of_single_readings_never_loads_the_compiler():
    code = "import sys, telemetry.pipeline, telemetry.decode.dsx; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_after_a_rehearsal_nothing_is_left_to_be_compiled():
    module.stretch.cache_clear()
    rehearse("sparkplug")
    assert module.stretch.cache_info().currsize == 1
    compiled: list[Any] = [stretch.stretch, convert._readings, wire.walk]
    before = [len(kernel.signatures) for kernel in compiled]
    assert min(before) > 0
    packets, taken = Packets(), Pipeline(make("sparkplug"), ReplayClock(T0, None))
    data = packets.between(Schedule(T0 // 1_000_000, 1000.0), 0, 3 * NODES)[::NODES, packets.body :]
    taken.take([Message(topics("NBIRTH")[0], births()[0][1], T0)])
    taken.take([Message(topics()[0], row.tobytes(), T0 + NS) for row in data])
    assert taken.state.counts.applied == 4 * METRICS
    assert before == [len(kernel.signatures) for kernel in compiled]


def test_a_dialect_without_compiled_loops_needs_no_rehearsal():
    code = "import sys; from telemetry.pipeline import rehearse; rehearse('dsx'); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
