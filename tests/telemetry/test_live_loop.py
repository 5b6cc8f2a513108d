"""When the live twin steps, and what it does where time is lost: a machine that slept, a clock that is set."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from telemetry.clock import NS
from telemetry.decode import make
from telemetry.live.bind import Bindings
from telemetry.live.frame import Frame, Mode
from telemetry.live.loop import Loop
from telemetry.live.source import Broker
from telemetry.message import Message
from tests.telemetry.heard import START_NS
from tests.telemetry.lived import seen
from tests.telemetry.said import fed


class Clock:
    """A clock of somebody who sleeps now and then: ``jumps`` by the number of the wait, s."""

    def __init__(self, jumps: dict[int, float], most: int) -> None:
        self.ns, self.waits, self.jumps, self.most, self.longest_s = START_NS, 0, jumps, most, 0.0

    def now_ns(self) -> int:
        return self.ns

    def wait_until(self, instant_ns: int, stop: threading.Event) -> bool:
        self.waits += 1
        self.longest_s = max(self.longest_s, (instant_ns - self.ns) / NS)
        self.ns = max(self.ns, instant_ns) + round(self.jumps.get(self.waits, 0.0) * NS)
        return self.waits <= self.most


class Still:
    """A twin that only counts: when its steps end, and where it began anew."""

    step_s, interval = 1.0, None

    def __init__(self) -> None:
        self.ends: list[int] = []
        self.begins: list[int] = []
        self.end_ns, self.bindings = START_NS, Bindings({}, {})

    def begin(self, at_ns: int) -> None:
        self.end_ns = at_ns
        self.begins.append((at_ns - START_NS) // NS)

    def look(self, view: Any, points: Any) -> None:
        del view, points

    def step(self, measured: Any, age: float, *, speed: float, note: str) -> Frame:
        del measured, age, speed
        self.end_ns += NS
        self.ends.append((self.end_ns - START_NS) // NS)
        return Frame(len(self.ends), self.end_ns, Mode.LIVE, {}, note=note)


def lived(
    jumps: dict[int, float], most: int, computing: dict[int, float] | None = None
) -> tuple[Still, Loop, list[str]]:
    """``jumps`` of the clock by the number of the wait, ``computing`` by that of the step while which it is set."""
    said: list[str] = []
    clock = Clock(jumps, most)

    def set_clock(frame: Frame) -> None:
        clock.ns += round((computing or {}).get(frame.sequence, 0.0) * NS)

    twin, source = Still(), SimpleNamespace(failed=True, words=lambda: "")
    view = seen([])
    state = SimpleNamespace(
        lock=threading.RLock(), view=lambda ns: view, decoder=SimpleNamespace(points=[], held=0),
        counts=SimpleNamespace(applied=0, rejects={}),
    )  # fmt: skip
    board: Any = SimpleNamespace(put=lambda frame: None)
    stepped: Any = twin
    pipeline: Any = SimpleNamespace(state=state)
    loop: Any = Loop(stepped, pipeline, board, None, said.append, set_clock)
    loop._await_first(source, threading.Event())
    source.failed = False
    loop._await_first = lambda *_: None
    loop.live(source, clock, threading.Event(), None)
    assert clock.longest_s < 10.0
    return twin, loop, said


def test_a_loop_that_is_a_little_late_catches_up():
    twin, loop, _ = lived({3: 8.0}, 20)
    assert twin.ends == list(range(1, 21))
    assert loop.skipped_s == 0.0


def test_it_begins_when_it_has_listened_for_a_while_not_when_it_was_made():
    twin, loop, _ = lived({}, 2)
    clock, source = Clock({}, 2), cast("Broker", SimpleNamespace(failed=False, words=lambda: ""))
    clock.ns += 60 * NS
    loop.live(source, clock, threading.Event(), None)
    assert loop.begin_ns == START_NS + 60 * NS
    assert (twin.begins, twin.ends) == ([0, 60], [1, 2, 61, 62])


def test_a_machine_that_slept_computes_no_hours_and_says_so():
    twin, loop, said = lived({5: 3 * 3600.0}, 8)
    assert twin.ends == [1, 2, 3, 4, 10_806, 10_807, 10_808]
    assert twin.begins == [0, 10_805]
    assert loop.skipped_s == 10_801.0
    assert said == [said[0]]
    assert "were skipped" in said[0]
    assert loop.frame is not None
    assert "were skipped" in loop.frame.note


def test_a_clock_that_is_set_back_begins_anew_there():
    twin, _, said = lived({5: -3600.0}, 8)
    assert twin.ends[:4] == [1, 2, 3, 4]
    assert twin.ends[4:] == [-3594, -3593, -3592]
    assert "set back" in said[0]


def test_nobody_waits_for_the_hour_by_which_the_clock_is_set_back_while_a_step_is_computed():
    twin, _, said = lived({}, 8, computing={4: -3600.0})
    assert twin.ends == [1, 2, 3, 4, -3595, -3594, -3593, -3592]
    assert "set back" in said[0]


class Held:
    """A lock that knows whether it is held."""

    def __init__(self) -> None:
        self.depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


class Guarded(dict[str, Any]):
    """What another thread writes: nobody looks into it without the lock."""

    def __init__(self, lock: Held, known: dict[str, Any]) -> None:
        super().__init__(known)
        self._lock = lock

    def __iter__(self) -> Iterator[str]:
        assert self._lock.depth
        return super().__iter__()

    def values(self) -> Any:
        assert self._lock.depth
        return super().values()


def test_messages_of_which_none_can_be_read_are_told_with_why_they_were_refused_and_not_why_their_parts_were():
    pipeline, lock = fed(), Held()
    state: Any = pipeline.state
    counts = state.counts
    counts.sample("part: unit", Message("b/x", b"", START_NS), "of a line of a message that was taken")
    counts.reject("syntax", Message("b/x", b"{", START_NS), "no JSON")
    state.lock, counts.rejects, counts.samples = lock, Guarded(lock, counts.rejects), Guarded(lock, counts.samples)
    board: Any = SimpleNamespace(put=lambda frame: None)
    twin: Any = Still()
    frame = Loop(twin, pipeline, board, None, list[str]().append).tick()
    assert frame.note == "1 messages refused, none read: syntax, no JSON"
    counts.samples.clear()
    assert Loop(twin, pipeline, board, None, list[str]().append).tick().note.endswith("none read: syntax")


def test_a_broker_that_is_away_is_told_with_the_time_since_when():
    listener = SimpleNamespace(connected=False, address="mqtt://127.0.0.1:1883", failure="")
    ingest: Any = SimpleNamespace(listener=listener, disk_full=False, failure="")
    clock = Clock({}, 0)
    pipeline: Any = SimpleNamespace(decoder=make("dsx", {}))
    source = Broker(ingest, pipeline, clock, None)
    first = source.words()
    assert first == "no connection to mqtt://127.0.0.1:1883 since 17:46:40 UTC, trying again"
    clock.ns += 60 * NS
    assert source.words() == first
    listener.connected = True
    assert source.words() == ""
    listener.connected = False
    assert "since 17:47:40 UTC" in source.words()
