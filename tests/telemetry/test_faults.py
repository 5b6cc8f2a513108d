"""Partitions, half-open connections and killed brokers, with real processes and numbered messages.

At QoS 1 a partition and a kill of the ingest lose nothing. A broker that is killed loses what it acknowledged since it
last wrote its state, a second or two ago; at QoS 0 what goes into a dead connection is lost. Every lost number was
published in a time that the recording marks, and the state heals when the source publishes again.
"""

from __future__ import annotations

import math
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from telemetry.address import ANONYMOUS, parse_address
from telemetry.brokers import Running, start
from telemetry.clock import NS, WallClock
from telemetry.ingest.ingest import Ingest
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from tests.cli.child import TWIN
from tests.telemetry.client import Client
from tests.telemetry.linked import subscribed
from tests.telemetry.proxy import Proxy
from tests.telemetry.recorded import files, now_in
from tests.telemetry.said import Said
from tests.telemetry.sequenced import Sequenced
from tests.telemetry.until import until

PARTITION_S = 2.5  # 20 s in `make bench`
KEEPALIVE_S = 1.0  # while a test waits for silence to be noticed; a held-up machine makes none of its own else
WAIT_S = 30.0


class Recording:
    """An ingest with everything on, in this process; a context manager."""

    def __init__(self, folder: Path, address: str, *filters: str, **how: Any) -> None:
        self.folder, clock = folder, WallClock()
        self.recorder = Recorder(folder, {}, clock=clock)
        self.pipeline = Pipeline(Said(), clock, self.recorder)
        wanted = [(each, 1) for each in filters]
        options = {"pause_s": (0.02, 0.2), **how}
        self.ingest = Ingest(
            self.pipeline, parse_address(address), ANONYMOUS, f"recording-{folder.name}", wanted, clock,
            source=Said().source, **options,
        )  # fmt: skip

    def __enter__(self) -> Recording:
        self.ingest.start()
        assert subscribed(self.ingest.listener)
        return self

    def __exit__(self, *_: object) -> None:
        self.ingest.stop()
        self.recorder.close()
        assert self.ingest.failure == ""
        assert self.ingest.listener.counters.faults == 0

    def has(self, count: int) -> bool:
        return self.ingest.messages >= count

    def more(self, count: int) -> None:
        """Wait until so many messages more are durable."""
        assert until(partial(self.has, self.ingest.messages + count))

    def loses_in_silence(self) -> float:
        """Wait until silence ends this connection, soon; the next one is given as long as ever.

        When something was heard last, monotonic.
        """
        listener, heard, gone = self.ingest.listener, list[float](), threading.Event()
        patience_s, tell = listener._keepalive_s, listener.went_down

        def went_down(cause: str) -> None:  # in the link's thread: before the next connection
            heard.append(listener._heard)
            listener._keepalive_s = patience_s
            del vars(listener)["went_down"]
            tell(cause)
            gone.set()

        vars(listener)["went_down"] = went_down
        listener._keepalive_s = KEEPALIVE_S
        assert gone.wait(WAIT_S)
        return heard[0]

    def messages(self) -> list[Message]:
        return list(open_recording(self.folder).messages())

    def marks(self, what: str) -> list[Mark]:
        return [mark for mark in open_recording(self.folder).marks() if mark.what == what]

    def heals(self, *sources: Sequenced) -> None:
        """Let the sources publish all once more, as they do in their period; the state knows all of it afterwards."""
        for source in sources:
            source.once_more()
        assert until(lambda: all(source.last <= set(source.numbers(self.messages())) for source in sources))
        self.ingest.stop()
        value = self.pipeline.state.view().value
        known = {point.identity: value[n] for n, point in enumerate(self.pipeline.decoder.points)}
        assert known == {source.topic(n): float(n) for source in sources for n in source.last}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Running]:
    with start("mosquitto", tmp_path / "broker") as running:
        yield running


def written_ns(broker: Running) -> int:
    """When a broker last wrote its state; 0 where it never did."""
    state = broker.folder / "mosquitto.db"
    return state.stat().st_mtime_ns if state.exists() else 0


def saved(broker: Running) -> None:
    """Wait until a broker has written what it knows now."""
    before = written_ns(broker)
    with Client(broker.port, "news") as client:
        client.publish([("news", b"x")], 1, True)  # it may write only where there is something new
    assert until(lambda: written_ns(broker) != before)


class Killed:
    """A broker that is killed and comes back, and what may be lost with it.

    ``unsaved_s``: how long at the most it had not written its state, 2 s where no disk holds it up.
    ``on_the_way``: numbers that it may have had and no recording.
    """

    def __init__(self, broker: Running, one: Sequenced) -> None:
        self._broker, self._one, self._up_ns = broker, one, time.time_ns()
        self.unsaved_s, self.on_the_way = 0.0, set[int]()

    def kill(self, recording: Path, before: Callable[[], None] = lambda: None) -> None:
        """Kill it, right after ``before``."""
        kept = self._one.numbers(now_in(recording))
        before()
        self._broker.kill()
        saved_ns = max(written_ns(self._broker), self._up_ns)
        self.unsaved_s = max(self.unsaved_s, (time.time_ns() - saved_ns) / NS)
        self.on_the_way |= set(range(len(self._one.sent_ns))) - set(kept)

    def restart(self) -> None:
        """Start it again."""
        self._up_ns = time.time_ns()
        self._broker.restart()


def outside(source: Sequenced, found: list[Message], marks: list[Mark], before_s: float = 0.0) -> list[int]:
    """The lost numbers that were neither published in a marked time, each of which begins ``before_s`` earlier, nor on
    their way to us when it began, behind all that had come by then."""
    times = [
        (
            mark.from_ns - round(before_s * NS),
            mark.to_ns or mark.at_ns,
            max(source.numbers(m for m in found if m.received_ns <= mark.from_ns), default=-1),
        )
        for mark in marks
    ]
    return [
        n
        for n in source.lost(found)
        if not any(source.sent_ns[n] <= high and (source.sent_ns[n] >= low or n > came) for low, high, came in times)
    ]


def test_a_partition_loses_nothing_at_qos_1_and_what_it_loses_at_qos_0_lies_in_marked_gaps_and_heals(broker, tmp_path):
    with (
        Proxy(broker.port) as network,
        Recording(tmp_path / "out", f"mqtt://127.0.0.1:{network.port}", "one/#", "zero/#") as recording,
        Sequenced(broker.address, "one", 1) as one,
        Sequenced(broker.address, "zero", 0) as zero,
    ):
        recording.more(200)
        began = time.monotonic()
        network.black_hole()
        heard = recording.loses_in_silence()  # in the midst of it
        time.sleep(max(0.0, heard + PARTITION_S - time.monotonic()))
        network.heal()
        recording.more(200)
        lasted_s = time.monotonic() - began
        one.enough()
        zero.enough()
        recording.heals(one, zero)
    found = recording.messages()
    assert one.lost(found) == []
    assert zero.lost(found)
    (gap,) = [mark for mark in recording.marks("gap") if mark.source == "zero"]
    assert outside(zero, found, [gap]) == []
    assert gap.cause == f"nothing was heard for {KEEPALIVE_S:g} s; QoS 0"
    assert PARTITION_S * NS <= gap.to_ns - gap.from_ns < (lasted_s + 5.0) * NS
    assert [m.sequence for m in found] == list(range(len(found)))


def test_a_half_open_connection_is_noticed_by_both_ends_and_loses_nothing_at_qos_1(broker, tmp_path):
    with (
        Proxy(broker.port) as network,
        Client(broker.port, "watcher") as watcher,
        Recording(tmp_path / "out", f"mqtt://127.0.0.1:{network.port}", "one/#", status="recorder") as recording,
        Sequenced(broker.address, "one", 1) as one,
    ):
        watcher.subscribe("recorder", 1)
        recording.more(100)
        network.half_open()
        recording.loses_in_silence()
        recording.more(100)
        assert network.connections == 2
        assert watcher.until(lambda: watcher.payloads()[:3] == [b"online", b"offline", b"online"])
        count = one.enough()
        assert until(lambda: recording.has(count))
    assert one.lost(recording.messages()) == []
    (lost,) = recording.marks("lost")
    assert lost.cause == f"nothing was heard for {KEEPALIVE_S:g} s"
    assert KEEPALIVE_S * NS <= lost.at_ns - lost.from_ns < (KEEPALIVE_S + 4.0) * NS


def reached(counters: object, name: str, number: int) -> bool:
    return bool(getattr(counters, name) == number)


def other_files(folder: Path, before: set[Path]) -> bool:
    return bool(files(folder) - before)


@pytest.mark.parametrize("how", ["reset", "drop"])
def test_a_connection_that_is_cut_again_and_again_loses_nothing_at_qos_1(broker, tmp_path, how):
    with (
        Proxy(broker.port) as network,
        Recording(tmp_path / "out", f"mqtt://127.0.0.1:{network.port}", "one/#") as recording,
        Sequenced(broker.address, "one", 1) as one,
    ):
        network.split(7)  # bytes come in pieces that respect no packet
        counters = recording.ingest.listener.counters
        for cut in range(1, 4):
            assert until(partial(reached, counters, "connects", cut))
            recording.more(30)
            getattr(network, how)()
            assert until(partial(reached, counters, "losses", cut))
            network.heal()
        recording.more(30)
        one.enough()
        assert until(lambda: one.lost(recording.messages()) == [], 2 * WAIT_S)
    assert network.connections == 4


def test_of_a_broker_that_is_killed_every_lost_number_was_not_written_yet_when_a_marked_outage_began(broker, tmp_path):
    dice = random.Random(6)
    with (
        Recording(tmp_path / "out", broker.address, "one/#", "zero/#") as recording,
        Sequenced(broker.address, "one", 1) as one,
        Sequenced(broker.address, "zero", 0) as zero,
    ):
        saved(broker)  # else it forgets the session, and with it what comes until we are back
        killed = Killed(broker, one)
        for _ in range(3):
            recording.more(100)
            time.sleep(dice.uniform(0.0, 0.7))
            killed.kill(recording.folder)
            killed.restart()
        recording.more(100)
        one.enough()
        zero.enough()
        recording.heals(one, zero)
    found = recording.messages()
    outages = recording.marks("connected")[1:]
    assert len(outages) == 3
    assert set(one.lost(found)) <= killed.on_the_way
    assert outside(one, found, outages, killed.unsaved_s) == []
    gaps = [mark for mark in recording.marks("gap") if mark.source == "zero"]
    assert outside(zero, found, gaps) == []


def test_a_broker_that_keeps_nothing_has_forgotten_the_session_and_that_is_marked(tmp_path):
    with (
        start("iotcore", tmp_path / "broker") as broker,
        Recording(tmp_path / "out", broker.address, "one/#") as recording,
        Sequenced(broker.address, "one", 1) as one,
    ):
        recording.more(100)
        broker.kill()
        broker.restart()
        recording.more(100)
        one.enough()
        recording.heals(one)
    (gap,) = recording.marks("gap")
    assert gap.cause == "the broker forgot the session"
    assert outside(one, recording.messages(), [gap]) == []


def test_broker_and_recording_killed_together_lose_no_more_than_what_the_broker_had_not_written(broker, tmp_path):
    out = tmp_path / "out"
    command = [*TWIN, "record", broker.address, "--topic", "one/#", "--out", str(out), "--client-id", "both"]
    dice, killed_ns = random.Random(7), list[int]()
    with Client(broker.port, "both", clean=False) as session:
        session.subscribe("one/#", 1)
        saved(broker)
    with Sequenced(broker.address, "one", 1) as one, ExitStack() as ended:
        killed = Killed(broker, one)
        for _ in range(2):
            before = files(out)
            process = ended.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            ended.callback(process.kill)
            assert until(partial(other_files, out, before))
            time.sleep(dice.uniform(0.0, 0.6))
            killed.kill(out, process.kill)
            killed_ns.append(time.time_ns())
            process.wait()
            killed.restart()
        one.enough()
        one.once_more()
        process = ended.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        ended.callback(process.kill)
        unsaved_ns, behind = killed.unsaved_s * NS, one.publisher.window + 1
        # Acknowledged by the broker, at the latest: when another one had been handed over a window later.
        acked_ns = [*one.sent_ns[behind:], *[math.inf] * behind]
        surely = {
            n
            for n, (sent, acked) in enumerate(zip(one.sent_ns, acked_ns, strict=False))
            if not any(sent <= at <= acked + unsaved_ns for at in killed_ns)
        }
        assert until(lambda: surely.isdisjoint(one.lost(now_in(out))))
        process.terminate()
        assert process.wait(30) == 0
    recording = open_recording(out)
    found = list(recording.messages())
    assert [m.sequence for m in found] == list(range(len(found)))
    lost = one.lost(found)
    assert surely.isdisjoint(lost)
    assert set(lost) <= killed.on_the_way
    marked = [mark for mark in recording.marks() if mark.what == "connected"]
    assert outside(one, found, marked, killed.unsaved_s) == []
