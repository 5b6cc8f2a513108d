"""The ingest against a real broker: what was delivered is in the recording, whatever stands in the way."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from telemetry.address import ANONYMOUS, Login, parse_address
from telemetry.brokers import Running, start
from telemetry.clock import NS, WallClock
from telemetry.ingest.gaps import Gaps
from telemetry.ingest.ingest import Ingest
from telemetry.ingest.queue import EACH_BYTES, Queue
from telemetry.ingest.session import FILE, Session, remember, resume
from telemetry.link.listener import Delivery, Listener, Publisher
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from tests.telemetry.linked import WAIT_S, subscribed
from tests.telemetry.said import T0, Said
from tests.telemetry.script import PRESENT, Script, listen, packet
from tests.telemetry.until import until

QUICK = (0.02, 0.2)


class Disk:
    """A recorder in memory whose disk can be slow (``first``) or full."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.marks: list[Mark] = []
        self.durable = 0
        self.first: Callable[[], object] = lambda: None
        self.full = False
        self.commits = self.tries = 0

    def add(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    def mark(self, mark: Mark) -> None:
        self.marks.append(mark)

    def commit(self) -> None:
        self.first()
        if self.full:
            self.tries += 1
            raise OSError(errno.ENOSPC, "No space left on device")
        self.durable = len(self.messages)
        self.commits += 1


def source(topic: str) -> str:
    return topic.split("/", maxsplit=1)[0]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def ends() -> Iterator[list[Callable[[], None]]]:
    made: list[Callable[[], None]] = []
    yield made
    for end in reversed(made):
        end()


def ingest(ends, address: str, disk, name: str, *filters: str, clock=None, **how: Any) -> Ingest:
    clock = clock or WallClock()
    pipeline = Pipeline(Said(), clock, disk)
    wanted = [(each, 1) for each in filters]
    made = Ingest(
        pipeline, parse_address(address), ANONYMOUS, name, wanted, clock, source=source, pause_s=QUICK, **how
    )  # fmt: skip
    made.start()
    ends.append(made.stop)
    assert subscribed(made.listener)
    return made


def publisher(ends, address: str, name: str = "publisher") -> Publisher:
    made = Publisher(parse_address(address), ANONYMOUS, name, pause_s=QUICK)
    ends.append(made.close)
    made.connect(WAIT_S)
    return made


def numbers(messages: Sequence[Message]) -> list[int]:
    return [int(message.payload) for message in messages]


def test_everything_delivered_is_in_the_recording_and_only_then_acknowledged(broker, ends, tmp_path: Path):
    recorder = Recorder(tmp_path, {}, clock=WallClock())
    mine = ingest(ends, broker.address, recorder, "whole", "whole/#")
    sender = publisher(ends, broker.address)
    for n in range(3000):
        sender.publish(f"whole/{n % 11}", b"%d" % n, n % 3)
    assert sender.flush(WAIT_S)
    assert until(lambda: mine.messages == 3000)
    mine.stop()
    recorder.close()
    assert mine.failure == ""
    assert mine.acknowledged == 2000
    assert mine.commits < 1500  # groups
    found = list(open_recording(tmp_path).messages())
    assert sorted(numbers(found)) == list(range(3000))
    assert [m.sequence for m in found] == list(range(3000))
    for qos in (0, 1, 2):
        assert numbers([m for m in found if int(m.payload) % 3 == qos]) == list(range(qos, 3000, 3))


def test_a_slow_disk_holds_the_broker_back_the_queue_stays_bounded_and_nothing_is_lost(broker, ends, monkeypatch):
    monkeypatch.setattr("telemetry.ingest.ingest.CALM_S", WAIT_S)  # however long the writer is held up, it is one flood
    disk, said, gate = Disk(), list[str](), threading.Event()
    disk.first = lambda: gate.wait(2 * WAIT_S)
    mine = ingest(ends, broker.address, disk, "slow", "slow/#", most=300, group=100, say=said.append)
    sender = publisher(ends, broker.address)
    for n in range(4000):
        sender.publish("slow/a", b"%d" % n, 1)
    assert sender.flush(WAIT_S)
    assert until(mine.queue.full)
    gate.set()
    assert until(lambda: disk.durable == 4000)
    assert numbers(disk.messages) == list(range(4000))
    assert 300 <= mine.queue.peak <= 300 + 262_144 // 20  # and one read
    assert mine.listener.counters.connects == 1
    assert any("holds back" in words for words in said)
    mine.stop()
    assert [m.what for m in disk.marks] == ["connected", "flood"]


def test_a_full_disk_stops_acknowledging_is_told_and_goes_on_when_there_is_room(broker, ends, monkeypatch):
    monkeypatch.setattr("telemetry.ingest.ingest.AGAIN_S", 0.05)
    disk, said = Disk(), list[str]()
    mine = ingest(ends, broker.address, disk, "full", "full/#", say=said.append)
    sender = publisher(ends, broker.address)
    sender.publish("full/a", b"0", 1)
    assert until(lambda: mine.acknowledged == 1)
    disk.full = True
    for n in range(1, 500):
        sender.publish("full/a", b"%d" % n, 1)
    assert sender.flush(WAIT_S)
    assert until(lambda: disk.tries > 6)
    assert mine.acknowledged == 1
    assert [words for words in said if "No space left" in words] == [
        "the disk does not take the recording: No space left on device; trying again"
    ]
    disk.full = False
    assert until(lambda: mine.acknowledged == 500)
    assert numbers(disk.messages) == list(range(500))
    (mark,) = [m for m in disk.marks if m.what == "full"]
    assert mark.to_ns - mark.from_ns > 0.2 * NS


def test_a_disk_that_stays_full_ends_the_run_with_everything_at_the_broker(broker, ends, monkeypatch):
    monkeypatch.setattr("telemetry.ingest.ingest.LAST_TRIES_S", 0.2)
    disk = Disk()
    mine = ingest(ends, broker.address, disk, "stays", "stays/#")
    disk.full = True
    sender = publisher(ends, broker.address)
    for n in range(50):
        sender.publish("stays/a", b"%d" % n, 1)
    assert sender.flush(WAIT_S)
    assert until(lambda: mine.disk_full)
    mine.stop()
    assert "are not recorded" in mine.failure
    after = Disk()
    ingest(ends, broker.address, after, "stays", "stays/#")
    assert until(lambda: after.durable == 50)
    assert numbers(after.messages) == list(range(50))


def test_a_fault_of_the_writer_ends_the_ingest_and_acknowledges_nothing(broker, ends):
    disk = Disk()
    mine = ingest(ends, broker.address, disk, "broken", "broken/#")
    disk.first = lambda: 1 / 0
    sender = publisher(ends, broker.address)
    sender.publish("broken/a", b"7", 1)
    assert not mine.wait(threading.Event(), WAIT_S)
    assert "ZeroDivisionError" in mine.failure
    mine.stop()
    after = Disk()
    ingest(ends, broker.address, after, "broken", "broken/#")
    assert until(lambda: after.durable == 1)


def test_gaps_of_sources_at_qos_0_are_marked_by_source_and_heal(ends, tmp_path: Path):
    with start("mosquitto", tmp_path) as own:
        disk = Disk()
        old = Message("x", b"", time.time_ns() - 5 * NS, 41)
        mine = ingest(ends, own.address, disk, "gaps", "#", last=old, expects_session=True)
        sender = publisher(ends, own.address)
        for each in ("bms/a", "bms/b", "chiller/a"):
            sender.publish(each, b"1", 0)
        sender.publish("sure/a", b"1", 1)
        assert until(lambda: mine.messages == 4)
        assert [m.sequence for m in disk.messages] == [42, 43, 44, 45]
        assert sender.flush(WAIT_S)
        own.stop()
        own.restart()
        assert until(lambda: mine.listener.counters.connects == 2)
        assert until(lambda: sender.counters.connects == 2)  # it may not know yet that it was cut off
        sender.publish("late/a", b"1", 0)
        assert until(lambda: mine.messages == 5)
        mine.stop()
    gaps = [m for m in disk.marks if m.what == "gap"]
    first = [m for m in gaps if m.from_ns == old.received_ns]
    assert [(m.source, m.cause) for m in first if m.source != ""] == [
        ("bms", "not recording; QoS 0"), ("chiller", "not recording; QoS 0"), ("late", "not recording; QoS 0")
    ]  # fmt: skip
    assert [m.cause for m in first if m.source == ""] == ["the broker forgot the session"]
    second = [m for m in gaps if m.from_ns != old.received_ns]
    assert {m.source for m in second} == {"bms", "chiller", "late"}
    assert all("QoS 0" in m.cause and 0 < m.to_ns - m.from_ns < 20 * NS for m in second)
    assert [m.what for m in disk.marks if m.what in ("connected", "lost")] == ["connected", "lost", "connected"]


class Set(WallClock):
    """A clock that somebody sets."""

    by_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.by_ns


def test_a_jump_of_the_clock_is_marked_between_the_messages_before_and_after_it(broker, ends):
    clock, disk = Set(), Disk()
    mine = ingest(ends, broker.address, disk, "jump", "jump/#", clock=clock)
    sender = publisher(ends, broker.address)

    def jumps() -> list[int]:
        return [round((m.to_ns - m.from_ns) / NS) for m in disk.marks if m.what == "clock-jump"]

    def seen(messages: int) -> bool:  # a look at the clock in which we were held up tells nothing: the next one does
        return mine.messages == messages and len(jumps()) == messages - 1

    for n, by in enumerate((0, 3600 * NS, -3600 * NS), 1):
        clock.by_ns = by
        sender.publish("jump/a", b"1", 1)
        assert until(partial(seen, n))
    assert jumps() == [3600, -7200]


def test_a_flood_takes_bounded_memory(ends):
    disk = Disk()
    stream = b"".join(b"\x30\x82\x08\x00\x01a" + bytes(1023) for _ in range(2000))
    sent = threading.Event()

    def play(sock, number) -> None:
        packet(sock)
        sock.sendall(PRESENT)
        for _ in range(20):
            sock.sendall(stream)
        sent.set()
        listen(sock)

    with Script(play) as script:
        gate = threading.Event()
        disk.first = lambda: gate.wait(2 * WAIT_S)
        mine = ingest(ends, f"mqtt://127.0.0.1:{script.port}", disk, "flood", "#", most_bytes=2 << 20)
        assert until(mine.queue.full)
        assert not sent.wait(0.5)  # 40 MB do not fit
        assert (2 << 20) <= mine.queue.peak_bytes <= (2 << 20) + 262_144 + EACH_BYTES * 300
        gate.set()
        assert sent.wait(WAIT_S)
        assert until(lambda: mine.messages == 40_000)
        mine.stop()


def test_duplicates_and_disorder_go_through_to_the_state(ends):
    first, second = b'{"t": 1, "v": 5}', b'{"t": 2, "v": 6}'

    def publish(payload: bytes, packet_id: int, dup: bool = False) -> bytes:
        body = b"\x00\x03s/a" + packet_id.to_bytes(2, "big") + payload
        return bytes([0x3A if dup else 0x32, len(body)]) + body

    def play(sock, number) -> None:
        packet(sock)
        sock.sendall(PRESENT + publish(second, 2) + publish(first, 1) + publish(second, 2, True))
        listen(sock)

    with Script(play) as script:
        clock = Set()
        clock.by_ns = T0 + 10 * NS - time.time_ns()
        mine = ingest(ends, f"mqtt://127.0.0.1:{script.port}", Disk(), "again", "#", clock=clock)
        assert until(lambda: mine.messages == 3)
        assert isinstance(mine._path, Pipeline)
        counts = mine._path.state.counts
        assert (counts.applied, counts.late, counts.duplicates) == (1, 1, 1)
        mine.stop()


def test_a_queue_is_full_until_half_is_gone():
    woken: list[int] = []
    queue = Queue(10, 1 << 20, lambda: woken.append(1))
    for n in range(5):
        assert not queue.full()
        queue.put(Delivery(1, b"", [Message("a", b"", n), Message("a", b"", n)], 10))
    assert queue.full()
    taken = queue.take(4, 0.0, 0.0)
    assert sum(len(d.messages) for d in taken if isinstance(d, Delivery)) == 4
    queue.done(taken)
    assert queue.full()
    queue.done(queue.take(2, 0.0, 0.0))
    assert not queue.full()
    assert woken == [1]


def test_outages_are_bounded_and_a_source_that_is_heard_late_gets_them():
    gaps = Gaps(source)
    for n in range(1, 1000):
        gaps.lost(Mark("lost", n, cause="gone"))
        assert list(gaps.connected(Mark("connected", 10 * n + 5, from_ns=10 * n))) == []
    found = list(gaps.heard([Message("a/b", b"", 9), Message("a/c", b"", 9), Message("k", b"", 9, retain=True)]))
    assert len(found) <= 64
    assert {m.source for m in found} == {"a"}
    assert (found[0].from_ns, found[-1].to_ns) == (10, 9995)


def test_the_session_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = list[str]()

    def told(name: str, call: Callable[..., None], *given: Any) -> None:
        done.append(name)
        call(*given)

    monkeypatch.setattr(os, "fsync", partial(told, "flushed", os.fsync))
    monkeypatch.setattr(os, "replace", partial(told, "named", os.replace))
    remember(tmp_path, Session("me", "mqtt://127.0.0.1:1883"))
    assert done == ["flushed", "named", "flushed"]


def test_a_folder_remembers_its_session_and_what_was_asked_for(tmp_path: Path):
    here, there = parse_address("127.0.0.1"), parse_address("127.0.0.2")
    session, dropped, left = resume(tmp_path, here, None, ["a", "b"])
    assert (dropped, left, session.known) == ([], None, False)
    assert session.client_id.isalnum()
    assert len(session.client_id) <= 23
    session.known = True
    remember(tmp_path, session)
    again, dropped, left = resume(tmp_path, here, None, ["b", "c"])
    assert (again.client_id, again.known, dropped, left) == (session.client_id, True, ["a"], None)
    assert resume(tmp_path, here, "mine", ["b"]) == (Session("mine", str(here), ["b"]), [], session)
    other, _, left = resume(tmp_path, there, None, ["b"])
    assert other.client_id != session.client_id
    assert left == session
    (tmp_path / FILE).write_bytes(b"\xff")
    assert not resume(tmp_path, here, None, ["b"])[0].known
    assert "secret" not in repr(Login("u", "secret"))


def test_a_message_that_is_too_long_is_a_gap_of_its_source(ends):
    long = b"\x32\xff\xff\xff\x7f\x00\x05bms/a\x00\x07"  # announces 256 MB

    def play(sock, number) -> None:
        packet(sock)
        sock.sendall(PRESENT + b"\x30\x04\x00\x01a1" + long)
        listen(sock)

    with Script(play) as script:
        disk = Disk()
        mine = ingest(ends, f"mqtt://127.0.0.1:{script.port}", disk, "long", "#")
        assert until(lambda: len(disk.marks) == 2)
        assert (disk.marks[1].what, disk.marks[1].source) == ("gap", "bms")
        assert disk.marks[1].cause == "a message was too long: bms/a"
        assert mine.listener.counters.oversize == 1
        mine.stop()


def test_a_thread_that_ends_all_the_same_is_noticed(broker, ends, monkeypatch):
    mine = ingest(ends, broker.address, Disk(), "dies", "dies/#")
    with monkeypatch.context() as dead:
        dead.setattr(Listener, "alive", property(lambda self: False))
        assert not mine.wait(threading.Event(), WAIT_S)
    assert mine.failure == "the network thread has ended, which it never should"
