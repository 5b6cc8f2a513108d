"""What `twin telemetry inspect` counts: the DSX example as its README describes it, and faults put into a stream."""

from __future__ import annotations

import json

import pytest

from telemetry.decode import make
from telemetry.inspection.inspect import Found, groups, inspect
from telemetry.inspection.text import plain, render
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from tests.telemetry.exchange import shared
from tests.telemetry.recorded import NOW, NS, HandClock, stream, written

MS = 10**6


def test_the_example_exchange_is_what_its_readme_says():
    found = inspect(open_recording(shared("dsx_exemplar.csv")), "dsx", make("dsx"))
    said = found.understood
    assert (found.messages, len(found.topics), found.retained, found.out_of_sequence) == (4711, 311, 166, 0)
    assert said is not None
    assert (len(said.points), sum(said.qualities.values()), said.qualities) == (166, 4545, {"good": 4545})
    assert said.units["rack_power", "kW", "W"] == (6, 112)
    assert said.units["meter_phase_current", "A", "A"] == (12, 671)
    assert (said.valueless.count, said.undescribed.count, said.dangling.count) == (21, 0, 15)
    assert "C-E01-TAP-E1" in said.dangling.names
    assert (said.heartbeats, said.counts.rejects, said.skews) == ({}, {}, {})
    assert max(topic.silence_ns for topic in found.topics.values()) < 100 * NS
    rows = groups(found.topics)
    assert rows[0][0] == "BMS/v1/PUB/Value/PowerMeter"
    assert sum(row[1] for row in rows) == 4711
    text = render(found)
    assert "4,711 messages on 311 topics" in text
    assert "read as if it had begun then" in text
    assert "no values   21 points" in text


def value(kind: str, at: int, number: float, sequence: int, quality: int = 1, stamp: int | None = None) -> Message:
    """A value of the point ``kind`` of a rack or of the system."""
    ms = (at if stamp is None else stamp) // MS
    return Message(
        f"BMS/v1/PUB/Value/{kind}/x",
        b'{"value":%g,"timestamp":%d,"quality":%d}' % (number, ms, quality),
        at,
        sequence,
        1,
    )


def metadata(kind: str, sequence: int, **keys: str) -> Message:
    """The metadata of such a point."""
    thing, point = kind.split("/")
    data = {"objectType": thing, "pointType": point, **keys}
    return Message(f"BMS/v1/PUB/Metadata/{kind}/x", json.dumps(data).encode(), NOW, sequence, 1, True)


RACK = {"rackLocationName": "E01", "rackLocationId": "E01"}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Ten minutes with a silent heartbeat, a bad quality, duplicates, rejects, an undescribed point and a mark."""
    messages = [
        metadata("Rack/RackPower", 0, engUnit="kW", **RACK),
        metadata("System/HeartbeatTimestampBms", 1, objectName="BMS", objectId="BMS"),
    ]
    at = NOW
    for second in range(0, 600, 10):
        at = NOW + second * NS
        if not 200 <= second < 300:
            messages.append(value("System/HeartbeatTimestampBms", at, at // MS, len(messages)))
        messages.append(value("Rack/RackPower", at, 40.0 + second, len(messages), quality=int(second != 50)))
        if second == 100:
            messages.append(value("Rack/RackPower", at, 140.0, len(messages)))
            messages.append(Message("BMS/v1/PUB/Value/Rack/RackPower/x", b"{{", at, len(messages), 1))
            messages.append(value("Rack/RackLiquidFlow", at, 50.0, len(messages)))
    messages.append(Message("BMS/v1/PUB/Value/Rack/RackPower/x", b'{"value":1}', at, len(messages) + 7, 1))
    folder = tmp_path_factory.mktemp("faulty")
    recorder = Recorder(folder, {"dialect": "dsx", "broker": "mqtt://plant"}, clock=HandClock())
    recorder.add(messages)
    recorder.mark(Mark("gap", NOW, "BMS", NOW, NOW + 5 * NS, "the link was down"))
    recorder.close()
    return inspect(open_recording(folder), "dsx", make("dsx"))


def test_faults_of_a_stream_are_counted(faulty):
    said = faulty.understood
    assert said is not None
    assert said.qualities == {"good": 110, "bad": 1}
    assert said.counts.duplicates == 1
    assert said.counts.rejects == {"syntax": 1, "key": 1}
    assert said.undescribed.names == ["Rack/RackLiquidFlow/x"]
    assert said.waiting == 1
    assert said.heartbeats == {"System/HeartbeatTimestampBms/x": (50, pytest.approx(590 / 49), 110.0)}
    assert faulty.out_of_sequence == 1
    assert faulty.marks[0].cause == "the link was down"


def test_the_text_tells_them(faulty):
    text = render(faulty)
    for words in (
        "longest silence 110.0 s (MORE than 30 s)",
        "good 110, bad 1",
        "duplicates 1",
        "no metadata 1 point: Rack/RackLiquidFlow/x",
        "gap of BMS, 5.0 s: the link was down",
        "about       broker: mqtt://plant",
        "rejects     2",
    ):
        assert words in text, words
    assert max(map(len, text.splitlines())) < 200
    json.dumps(plain(faulty), allow_nan=False)


def test_a_clock_that_is_behind_is_told(tmp_path):
    messages = [metadata("Rack/RackPower", 0, engUnit="kW", **RACK)]
    for second in range(60):
        at = NOW + second * NS
        messages.append(value("Rack/RackPower", at, second, second + 1, stamp=at - 120 * NS))
    found = inspect(open_recording(written(tmp_path, messages).parent), "dsx", make("dsx"))
    assert found.understood is not None
    assert found.understood.skews == {"BMS": pytest.approx(120.0)}
    assert "behind ours (+) or ahead (-): BMS +120.0 s" in render(found)


def test_topics_without_end_are_counted_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.inspection.inspect.MOST_TOPICS", 50)
    folder = written(tmp_path, stream(1000, topics=200)).parent
    found = inspect(open_recording(folder))
    assert (len(found.topics), found.messages) == (50, 1000)
    assert found.other_topics == 1000 - sum(topic.count for topic in found.topics.values())
    assert "topics beyond those told apart" in render(found)
    assert "name their --dialect" in render(found)


def test_a_torn_file_is_told(tmp_path):
    path = written(tmp_path, stream(500), close=False)
    path.write_bytes(path.read_bytes()[:-10])
    assert "are not whole, torn or still being written" in render(inspect(open_recording(path)))
    empty = Recorder(tmp_path / "empty", {}, clock=HandClock())
    empty.mark(Mark("connected", NOW))
    empty.close()
    text = render(inspect(open_recording(tmp_path / "empty"), "dsx", make("dsx")))
    assert "0 messages on 0 topics" in text
    assert "time        no message at all\n" in text
    assert "None" not in text


def test_topics_cannot_write_to_the_terminal(tmp_path):
    messages = [Message(topic, b"", NOW + n, n) for n, topic in enumerate(("\x1b[2Ja", "b\nc", "\udcff", "ü"))]
    found = inspect(open_recording(written(tmp_path, messages).parent), "dsx", make("dsx"))
    text = render(found)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "\\x1b[2Ja" in text
    assert "b\\nc" in text
    assert "ü" in text
    json.dumps(plain(found), ensure_ascii=False).encode()
