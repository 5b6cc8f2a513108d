"""What the recorder wrote is what is read, by us and by the official reader; sequence, rotation and retention."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader

from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording import layout
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from twin.core.errors import InputError

NOW = 1_784_000_000_000_000_000
NS = 1_000_000_000


class HandClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.ns = NOW

    def now_ns(self) -> int:
        return self.ns

    def wait_until(self, instant_ns: int, stop: threading.Event) -> bool:
        self.ns = max(self.ns, instant_ns)
        return not stop.is_set()


def stream(count: int, first: int = 0, topics: int = 7, payload: bytes = b'{"value":%d,"quality":1}') -> list[Message]:
    """``count`` messages, a millisecond apart, from the sequence ``first`` on."""
    return [
        Message(f"BMS/v1/PUB/Value/Rack/{n % topics}", payload % n, NOW + n * NS // 1000, n, n % 3, n % 2 == 0)
        for n in range(first, first + count)
    ]


def written(folder: Path, messages: Sequence[Message], group: int = 100) -> Path:
    """A folder in which ``messages`` were recorded in groups and the recorder was closed."""
    recorder = Recorder(folder, {}, clock=HandClock())
    for begin in range(0, len(messages), group):
        recorder.add(messages[begin : begin + group])
        recorder.commit()
    recorder.close()
    return folder


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
    folder = written(tmp_path_factory.mktemp("any"), messages, group)
    if messages:
        assert list(open_recording(folder).messages()) == messages


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


def test_marks_come_back_and_no_topic_reads_as_one(tmp_path):
    marks = [Mark("connected", NOW), Mark("gap", NOW + 5, "bms", NOW, NOW + NS, "the broker was away")]
    forged = Message("$halltwin/mark", b'{"what":"gap","at_ns":1}', NOW, 0, 1)
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    recorder.mark(marks[0])
    recorder.add([forged])
    recorder.mark(marks[1])
    recorder.close()
    recording = open_recording(tmp_path)
    assert recording.marks() == marks
    assert list(recording.messages()) == [forged]


def test_the_sequence_goes_on_after_a_restart_and_beyond_32_bits(tmp_path):
    first = 2**32 - 50
    written(tmp_path, stream(100, first))
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    assert recorder.last == stream(1, first + 99)[0]
    recorder.add(stream(10, first + 100))
    recorder.close()
    assert list(open_recording(tmp_path).messages()) == stream(110, first)


def test_nothing_secret_is_written(tmp_path):
    about = {"broker": "mqtts://me:hunter2@plant:8883", "password": "hunter2", "api_token": "hunter2", "dialect": "dsx"}
    recorder = Recorder(tmp_path, about, clock=HandClock())
    recorder.add(stream(1))
    recorder.close()
    recording = open_recording(tmp_path)
    assert recording.about == {"broker": "mqtts://plant:8883", "dialect": "dsx", "first_sequence": "0"}
    assert b"hunter2" not in recording.files[0].read_bytes()


def test_two_cannot_record_into_one_folder(tmp_path):
    recorder = Recorder(tmp_path, {}, clock=HandClock())
    with pytest.raises(InputError, match="another process records into this folder"):
        Recorder(tmp_path, {}, clock=HandClock())
    recorder.close()
    Recorder(tmp_path, {}, clock=HandClock()).close()
