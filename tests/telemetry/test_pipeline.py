"""One path: recorded first, understood, applied; no message breaks it and each is counted."""

from __future__ import annotations

import threading

import pytest

from telemetry.clock import NS, ReplayClock
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from tests.telemetry.said import T0, Said, say
from tests.telemetry.until import until


class Recorded:
    """A recorder that keeps what it was given, and whose disk may be full."""

    def __init__(self) -> None:
        self.messages = list[Message]()
        self.full = False
        self.committed = 0

    def add(self, messages) -> None:
        self.messages += messages

    def mark(self, mark) -> None: ...

    def commit(self) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.committed = len(self.messages)


def test_what_breaks_the_decoder_is_recorded_counted_and_breaks_nothing():
    recorder, seen = Recorded(), list[str]()
    pipeline = Pipeline(Said(), ReplayClock(T0, None), recorder, seen=lambda message, batch: seen.append(message.topic))
    bad = [Message("b/x", b"boom", T0), Message("b/x", b"{", T0), Message("b/x", b'{"t": 1e300, "v": 1}', T0)]
    pipeline.take([*bad, say("b/x", 1, 1), Message("b/x", b"", T0)])
    counts = pipeline.state.counts
    assert recorder.messages[:3] == bad
    assert counts.rejects == {"internal": 2, "syntax": 1}
    assert "a fault of the decoder" in counts.samples["internal"][0].detail
    assert (counts.messages, counts.applied, seen) == (5, 1, ["b/x", "b/x"])


def test_a_flood_of_bad_messages_is_counted_and_keeps_few_samples_cut_short():
    pipeline = Pipeline(Said(), ReplayClock(T0, None))
    pipeline.take([Message("t" * 5000, b"x" * 100_000, T0, i) for i in range(1000)])
    told = pipeline.state.counts.told()
    assert told["rejects"] == {"syntax": 1000}
    (samples,) = told["samples"].values()
    assert len(samples) == 5
    assert all(len(sample["payload"]) == len(sample["topic"]) == 200 for sample in samples)


def test_a_full_disk_is_told_to_who_commits():
    recorder = Recorded()
    pipeline = Pipeline(Said(), ReplayClock(T0, None), recorder)
    recorder.full = True
    pipeline.take([say("b/x", 1, 1)])
    with pytest.raises(OSError, match="No space"):
        pipeline.commit()
    recorder.full = False
    pipeline.commit()
    assert recorder.committed == 1
    Pipeline(Said(), ReplayClock(T0, None)).commit()


def test_a_view_from_another_thread_is_whole():
    """Each point gets value = stamp; a torn row would show a value of another instant."""
    pipeline, stop, torn = Pipeline(Said(), ReplayClock(T0, None)), threading.Event(), list[int]()

    def look() -> None:
        while not stop.is_set():
            view = pipeline.state.view(T0)
            torn.append(int(((view.time_ns - T0) // NS != view.value)[view.count > 0].sum()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        assert until(lambda: bool(torn))
        for second in range(300):
            pipeline.take([say(f"b/{i}", second, second) for i in range(20)])
    finally:
        stop.set()
        watcher.join()
    assert sum(torn) == 0
