"""What the recorder wrote is what is read, by us and by the official reader; sequence, rotation and retention."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording import layout
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from tests.telemetry.recorded import NOW, NS, HandClock, record, stream, written
from twin.core.errors import InputError

topics = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40) | st.just("#/+\0") | st.just("t" * 3000)
anything = st.lists(
    st.tuples(
        topics,
        st.binary(max_size=300) | st.just(b"") | st.just(b"x" * 1_000_000),
        st.integers(0, 2**62),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=anything, first=st.integers(0, 2**40), group=st.integers(1, 9))
def test_what_is_read_is_what_was_written(rows, first, group, tmp_path_factory):
    messages = [Message(topic, data, at, first + n, qos, kept) for n, (topic, data, at, qos, kept) in enumerate(rows)]
    if messages:
        assert list(open_recording(written(tmp_path_factory.mktemp("any"), messages, group)).messages()) == messages


def test_the_official_reader_reads_our_file_with_all_its_checks(tmp_path):
    messages = stream(2000)
    recorder = Recorder(tmp_path, {"dialect": "dsx"}, clock=HandClock())
    recorder.add(messages[:1000])
    recorder.mark(Mark("gap", NOW, "bms", NOW, NOW + NS, "lost"))
    recorder.add(messages[1000:])
    recorder.close()
    (file,) = open_recording(tmp_path).files
    with file.open("rb") as opened:
        reader = make_reader(opened, validate_crcs=True)
        found = list(reader.iter_messages(log_time_order=False))
        summary = reader.get_summary()
        about = {record.name: record.metadata for record in reader.iter_metadata()}
    marks = [m.data for _, c, m in found if c.message_encoding == layout.MARKS]
    plain = [(c.topic, m.data, m.log_time, m.sequence) for _, c, m in found if c.message_encoding == layout.PLAIN]
    assert plain == [(m.topic, m.payload, m.received_ns, m.sequence) for m in messages]
    assert len(marks) == 1
    assert summary is not None
    assert (statistics := summary.statistics) is not None
    assert (statistics.message_count, about["about"]["dialect"]) == (2001, "dsx")
    assert (statistics.message_start_time, statistics.message_end_time) == (NOW, messages[-1].received_ns)


def test_a_mark_writes_nothing_before_it_is_committed(tmp_path):
    """So that no disk fails it: what tells of losses relies on that, and tells each once."""
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    told = [Mark("gap", NOW + n, "bms", NOW, NOW + n, "x" * 100_000) for n in range(100)]
    for mark in told:
        recorder.mark(mark)
    assert list(tmp_path.glob("*.mcap")) == []
    recorder.close()
    assert open_recording(tmp_path).marks() == told


def test_marks_come_back_and_no_topic_reads_as_one(tmp_path):
    marks = [Mark("connected", NOW, "\udcff"), Mark("gap", NOW + 5, "bms", NOW, NOW + NS, "the broker was away")]
    forged = Message("$halltwin/mark", b'{"what":"gap","at_ns":1}', NOW, 0, 1)
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    recorder.mark(marks[0])
    recorder.add([forged])
    recorder.mark(marks[1])
    recorder.close()
    recording = open_recording(tmp_path)
    assert recording.marks() == [Mark("connected", NOW, "?"), marks[1]]
    assert list(recording.messages()) == [forged]


def test_the_sequence_goes_on_after_a_restart_and_beyond_32_bits(tmp_path):
    first = 2**32 - 50
    written(tmp_path, stream(100, first))
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    assert recorder.last == stream(1, first + 99)[0]
    recorder.add(stream(10, first + 100))
    recorder.close()
    assert list(open_recording(tmp_path).messages()) == stream(110, first)


def test_a_file_that_begins_with_a_mark_keeps_sequences_beyond_32_bits(tmp_path):
    first = 2**35
    clock = HandClock()
    recorder = Recorder(tmp_path, {}, rotate_s=60.0, clock=clock)
    for n in range(3):
        recorder.mark(Mark("connected", NOW))
        recorder.commit()
        recorder.add(stream(10, first + 10 * n))
        clock.ns += 61 * NS
        recorder.commit()
    recorder.close()
    again = Recorder(tmp_path, {}, clock=clock)
    again.mark(Mark("connected", NOW))
    again.commit()
    again.add(stream(10, first + 30))
    again.close()
    recording = open_recording(tmp_path)
    assert len(recording.files) == 4
    assert list(recording.messages())[10:] == stream(30, first + 10)
    assert len(recording.marks()) == 4


def test_nothing_secret_is_written(tmp_path):
    about = {"broker": "mqtts://me:hunter2@plant:8883", "password": "hunter2", "api_token": "hunter2", "dialect": "dsx"}
    recorder = Recorder(tmp_path, about, clock=HandClock())
    recorder.add(stream(1))
    recorder.close()
    recording = open_recording(tmp_path)
    told = {name: recording.about[name] for name in ("broker", "dialect", "start_utc", "first_sequence")}
    assert told == {
        "broker": "mqtts://plant:8883", "dialect": "dsx", "start_utc": "2026-07-14T03:33:20Z", "first_sequence": "0"
    }  # fmt: skip
    assert recording.about.keys() == told.keys() | {"halltwin"}
    assert b"hunter2" not in recording.files[0].read_bytes()


def test_two_cannot_record_into_one_folder(tmp_path):
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    with pytest.raises(InputError, match="another process records into this folder"):
        Recorder(tmp_path, {}, clock=HandClock())
    recorder.close()
    Recorder(tmp_path, {}, clock=HandClock()).close()


def test_a_file_ends_by_size_and_by_time_and_order_holds_across_files(tmp_path):
    clock = HandClock()
    recorder = Recorder(tmp_path, {}, rotate_bytes=4000, rotate_s=60.0, clock=clock)
    record(recorder, stream(1000), 50)
    by_size = len(open_recording(tmp_path).files)
    clock.ns += 61 * NS
    recorder.commit()  # an idle stream ends its file too
    recorder.add(stream(1, 1000))
    recorder.close()
    recording = open_recording(tmp_path)
    assert by_size > 3
    assert len(recording.files) == by_size + 1
    assert all(path.stat().st_size < 4000 + 8000 for path in recording.files)
    assert list(recording.messages()) == stream(1001)
    assert recording.files[0].name == "20260714T033320Z-000001.mcap"


def test_a_clock_that_is_set_back_does_not_change_the_order(tmp_path):
    clock = HandClock()
    recorder = Recorder(tmp_path, {}, rotate_s=60.0, clock=clock)
    for begin in range(0, 500, 100):
        record(recorder, stream(100, begin))
        clock.ns -= 3600 * NS
        recorder.commit()
    recorder.close()
    recording = open_recording(tmp_path)
    assert len(recording.files) == 5
    assert [m.sequence for m in recording.messages()] == list(range(500))


def test_the_oldest_files_go_by_size_and_by_age_and_never_the_newest(tmp_path):
    clock = HandClock()
    recorder = Recorder(tmp_path / "size", {}, rotate_bytes=3000, keep_bytes=20_000, clock=clock)
    for begin in range(0, 5000, 50):
        record(recorder, stream(50, begin))
        assert sum(path.stat().st_size for path in (tmp_path / "size").iterdir()) <= 20_000 + 3000
    recorder.close()
    kept = [m.sequence for m in open_recording(tmp_path / "size").messages()]
    assert 100 < len(kept) < 5000
    assert kept == list(range(5000 - len(kept), 5000))
    recorder = Recorder(tmp_path / "age", {}, rotate_s=60.0, keep_s=150.0, clock=clock)
    for minute in range(5):
        clock.ns = NOW + minute * 60 * NS
        recorder.add([Message("t", b"", clock.ns, minute)])
        recorder.commit()
    recorder.close()
    assert [m.sequence for m in open_recording(tmp_path / "age").messages()] == [2, 3, 4]
    clock.ns += 10**6 * NS
    again = Recorder(tmp_path / "age", {}, rotate_s=60.0, keep_s=150.0, clock=clock)
    assert again.last == Message("t", b"", NOW + 4 * 60 * NS, 4)
    # A clock that is set ahead deletes nothing by itself; what is recorded by it does.
    assert [m.sequence for m in open_recording(tmp_path / "age").messages()] == [2, 3, 4]
    for minute in range(2):
        clock.ns += minute * 60 * NS
        again.add([Message("t", b"", clock.ns, 5 + minute)])
        again.commit()
    again.close()
    assert [m.sequence for m in open_recording(tmp_path / "age").messages()] == [5, 6]


def test_files_that_are_not_ours_are_left_alone(tmp_path):
    (tmp_path / "holiday.mcap").write_bytes(b"not ours")
    clock = HandClock()
    recorder = Recorder(tmp_path, {}, rotate_bytes=1000, keep_bytes=1, clock=clock)
    record(recorder, stream(2000))
    recorder.close()
    assert (tmp_path / "holiday.mcap").read_bytes() == b"not ours"


def test_topics_without_end_share_a_channel(tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.recording.write.MOST_CHANNELS", 10)
    messages = [*stream(300, topics=30), Message("bad \udcff", b"\xff\0", NOW, 300, 2, True)]
    recording = open_recording(written(tmp_path, messages))
    assert list(recording.messages()) == messages
    assert list(recording.messages(topics=["BMS/+/PUB/#"])) == messages[:-1]


def test_what_waits_for_the_disk_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.recording.write.MOST_WAITING", 100_000)
    monkeypatch.setattr("telemetry.recording.write.CHUNK_BYTES", 10_000)
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    largest = 0
    rng = random.Random(3)
    messages = [Message("t", rng.randbytes(1000), NOW, n) for n in range(2000)]
    for begin in range(0, 2000, 10):
        recorder.add(messages[begin : begin + 10])
        largest = max(largest, recorder.waiting_bytes)
    assert largest < 100_000 + 12_000
    recorder.close()
    assert list(open_recording(tmp_path).messages()) == messages
