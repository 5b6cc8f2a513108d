"""Recordings to read: by time and topic, those of other writers, damaged ones, and the CSV of the DSX example."""

from __future__ import annotations

import csv
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.writer import CompressionType, IndexType, Writer

from telemetry.message import Message
from telemetry.recording import scan
from telemetry.recording.dsx_csv import duration_ns
from telemetry.recording.filters import matcher
from telemetry.recording.read import EPOCH_NS, open_recording
from telemetry.recording.write import Recorder
from tests.telemetry.exchange import shared
from tests.telemetry.recorded import NOW, NS, HandClock, record, stream, written
from twin.core.errors import InputError


def test_a_time_window_is_read_by_the_index(tmp_path, monkeypatch):
    messages = stream(5000)
    folder = written(tmp_path, messages, 50).parent
    read = []

    def counted(*given: Any) -> bytes:
        read.append(given)
        return scan.unpacked(*given)

    monkeypatch.setattr("telemetry.recording.mcap_file.unpacked", counted)
    recording = open_recording(folder)
    begin, end = NOW + 2 * NS, NOW + 2 * NS + NS // 2
    assert list(recording.messages(begin, end)) == [m for m in messages if begin <= m.received_ns < end]
    assert len(read) <= 11
    assert (recording.first_ns, recording.last_ns) == (NOW, messages[-1].received_ns)


def test_a_window_of_an_unfinished_file_and_of_topics(tmp_path):
    messages = stream(1000)
    recording = open_recording(written(tmp_path, messages, 50, close=False))
    begin = NOW + NS // 2
    assert list(recording.messages(begin)) == messages[500:]
    wanted = "BMS/v1/PUB/Value/Rack/3"
    assert list(recording.messages(None, begin, topics=[wanted])) == [m for m in messages[:500] if m.topic == wanted]


@pytest.mark.parametrize(
    ("topic", "fits"),
    [("a/b/c", True), ("a/b", True), ("a", True), ("ab", False), ("$SYS/a", False), ("x/y/z", True), ("x/z", False)],
)
def test_filters_are_those_of_mqtt(topic, fits):
    assert matcher(["a/#", "x/+/z"])(topic) is fits
    assert matcher(["#"])(topic) is not topic.startswith("$")


@pytest.mark.parametrize("compression", list(CompressionType))
@pytest.mark.parametrize("form", ["indexed", "no index", "no chunks", "cut"])
def test_files_of_other_writers_are_read_and_what_is_not_understood_is_told(form, compression, tmp_path):
    path = tmp_path / "robot.mcap"
    indexes = IndexType.NONE if form == "no index" else IndexType.ALL
    with path.open("wb") as stream_:
        writer = Writer(
            stream_, compression=compression, chunk_size=2000, index_types=indexes, use_chunking=form != "no chunks"
        )
        writer.start("ros2", "other")
        schema = writer.register_schema("T", "jsonschema", b"{}")
        channels = [writer.register_channel("/pose", "json", schema), writer.register_channel("/scan", "protobuf", 0)]
        for n in range(500):
            writer.add_message(channels[n % 2], NOW + n, b"%d" % n * 20, NOW + n, 0)
        writer.add_attachment(NOW, NOW, "a.txt", "text/plain", b"hello")
        writer.finish()
    if form == "cut":
        path.write_bytes(path.read_bytes()[:-4000])
    recording = open_recording(path)
    found = list(recording.messages())
    expected = [Message(("/pose", "/scan")[n % 2], b"%d" % n * 20, NOW + n, n) for n in range(500)]
    assert found == expected[: len(found)]
    assert len(found) == 500 or form == "cut"
    assert recording.first_ns == NOW
    told = "\n".join(recording.notes())
    assert '1 channels "json": bytes handed on as they are, QoS 0, not retained' in told
    assert '1 channels "protobuf"' in told
    assert recording.marks() == []


def test_folders_are_read_in_their_order_and_an_empty_one_is_refused(tmp_path):
    recorder = Recorder(tmp_path, {"dialect": "dsx"}, rotate_bytes=3000, clock=HandClock())
    record(recorder, stream(1500), 50)
    recorder.close()
    recording = open_recording(tmp_path)
    assert recording.about["dialect"] == "dsx"
    assert list(recording.messages()) == stream(1500)
    assert recording.bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mcap").write_text("what is this")
    for name, words in (("empty", "holds no recording"), ("none", "no such file"), ("text.mcap", "does not begin")):
        with pytest.raises(InputError, match=words):
            open_recording(tmp_path / name)


# ---------------------------------------------------------------------------------------------------- DSX CSV
def test_the_example_exchange_has_4711_messages_at_their_offsets():
    example = shared("dsx_exemplar.csv")
    recording = open_recording(example)
    found = list(recording.messages(epoch_ns=NOW))
    with example.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(found) == len(rows) == 4711
    for message, row in zip(found, rows, strict=True):
        minutes, _, seconds = row["offset"].rpartition("m") if row["offset"][-2] != "m" else ("", "", row["offset"])
        scale = 1e-3 if seconds.endswith("ms") else 1.0
        expected = 60.0 * float(minutes or 0.0) + scale * float(seconds.rstrip("ms"))
        assert message.received_ns - NOW == pytest.approx(expected * NS, abs=1000.0)
        assert message.topic == row["topic"]
        ms = message.received_ns // 10**6
        assert message.payload.decode() == row["payload"].replace("{{timestamp_ms}}", str(ms))
    assert [m.sequence for m in found] == list(range(4711))
    assert {m.qos for m in found} == {1}
    assert sum(m.retain for m in found) == 166
    assert all(m.retain == ("/Metadata/" in m.topic) for m in found)
    assert (recording.first_ns, recording.last_ns) == (0, 99_367_544_100)
    assert not recording.has_dates
    assert next(recording.messages()).received_ns == EPOCH_NS


def test_a_window_of_a_csv():
    recording = open_recording(shared("dsx_exemplar.csv"))
    inside = list(recording.messages(NOW + 10 * NS, NOW + 20 * NS, topics=["+/+/+/Value/#"], epoch_ns=NOW))
    assert 300 < len(inside) < 700
    assert all(NOW + 10 * NS <= m.received_ns < NOW + 20 * NS for m in inside)


@given(st.integers(0, 2**62))
def test_durations_are_read_as_go_writes_them(ns):
    hours, rest = divmod(ns, 3600 * NS)
    minutes, seconds = divmod(rest, 60 * NS)
    text = f"{hours}h{minutes}m{seconds // NS}.{seconds % NS:09d}s"
    assert duration_ns(text) == ns
    assert duration_ns(f"{ns}ns") == ns
    assert duration_ns(f"{ns // 1000}.{ns % 1000:03d}µs") == ns


@pytest.mark.parametrize("text", ["", "5", "1.2.3s", "s", "-1s", "1d", "1s ", "nan", "1e3s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is no duration"):
        duration_ns(text)


def test_all_that_is_wrong_in_a_csv_is_told_with_its_line(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(
        b'offset,topic,payload\n0s,a,"one\ntwo"\nsoon,b,\n1s,,x\n2s,c\n3s,d,\xff\n4s,e,' + b"x" * 500_000 + b"\n"
    )
    with pytest.raises(InputError) as told:
        open_recording(path)
    places = [(p.line, p.message) for p in told.value.problems]
    assert places == [
        (4, '"soon" is no duration, expected as 3.4731ms or 1m39.3s'),
        (5, "the topic is empty"),
        (6, "expected 3 fields, offset,topic,payload, not 2"),
        (7, "is not UTF-8"),
    ]
    path.write_text("time,topic\n")
    with pytest.raises(InputError, match=r"bad.csv:1: expected the columns offset,topic,payload"):
        open_recording(path)
