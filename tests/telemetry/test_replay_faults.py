"""The example exchange with what it lacks: bad and missing values, a heartbeat that stops, gaps, copies, disorder.

The expected state is worked out here in plain Python from the list of what was made, never by the code under test.
"""

from __future__ import annotations

import json
import math
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from telemetry.batch import Quality
from telemetry.clock import NS, ReplayClock
from telemetry.decode import make
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from telemetry.replay.asked import Played, choose
from telemetry.replay.play import to_twin
from telemetry.state.view import View
from tests.telemetry.exchange import messages

MS = 1_000_000
BEAT = "System/HeartbeatTimestampBms/nvidia/titan/bms"
BEAT_SAYS = {"objectType": "System", "pointType": "HeartbeatTimestampBms", "objectName": "BMS", "objectId": "BMS"}
TRAY_SAYS: dict[str, object] = {
    "objectType": "Rack",
    "pointType": "RackLeakDetectTray",
    "rackLocationName": "R9",
    "rackLocationId": "R9",
}
TRAY_SAYS |= {"stateText": [{"value": 0, "text": "NoLeak"}, {"value": 1, "text": "Leak"}], "integration": "LEAKY"}
TRAY = "Rack/RackLeakDetectTray/leaky/tray"
BEATS_UNTIL, SILENT_FROM, AHEAD_S = 90, 20, 600
ENDS_S = 300


def value(identity: str, value: float | None, at_ns: int, *, quality: int = 1, publisher: str = "PUB", by_s: int = 0):
    payload = {"value": value, "timestamp": at_ns // MS + by_s * 1000, "quality": quality}
    return Message(f"BMS/v1/{publisher}/Value/{identity}", json.dumps(payload).encode(), at_ns, 0, 1)


def described(identity: str, payload: dict, at_ns: int) -> Message:
    return Message(f"BMS/v1/PUB/Metadata/{identity}", json.dumps(payload).encode(), at_ns, 0, 1, True)


def begin_ns() -> int:
    return messages()[0].received_ns


@cache
def made() -> tuple[Message, ...]:
    """The example in three passes of 100 s with faults, in the order of its receipt."""
    begin, draw, stream = begin_ns(), random.Random(6), list[Message]()
    for turn in range(3):
        for number, message in enumerate(messages()):
            at = message.received_ns + turn * 100 * NS
            payload = message.payload.replace(
                b'"timestamp":%d' % (message.received_ns // MS), b'"timestamp":%d' % (at // MS)
            ).replace(b'"timestamp": %d' % (message.received_ns // MS), b'"timestamp": %d' % (at // MS))
            second = (at - begin) / NS
            if "rack02" in message.topic and "/Value/" in message.topic and second >= SILENT_FROM:
                continue  # a rack falls silent
            if "rack03" in message.topic and "/Value/" in message.topic and number % 3 == 0:
                said = json.loads(payload)
                payload = json.dumps(said | {"value": None} if number % 2 else said | {"quality": 0}).encode()
            stream.append(Message(message.topic, payload, at, 0, 1, message.retain))
            if number % 10 == 0:
                stream.append(stream[-1])  # delivered twice
    stream.append(described(BEAT, BEAT_SAYS, begin))
    stream.append(described(TRAY, TRAY_SAYS, begin))
    for second in range(0, BEATS_UNTIL + 1, 10):
        at = begin + second * NS
        stream.append(value(BEAT, at // MS, at))
    for second in range(0, ENDS_S, 5):
        stream.append(value(TRAY, second // 5 % 2, begin + second * NS, publisher="LEAKY", by_s=AHEAD_S))
    stream.append(Message("BMS/v1/PUB/Value/Rack/RackPower/x", b"{", begin + 7 * NS, 0, 1))
    stream.append(Message("not/of/the/contract", b"1", begin + 8 * NS, 0, 1))
    for place in range(500, len(stream), 31):  # some are overtaken by those behind them
        late = stream[place]
        if "/PUB/Value/" in late.topic:
            at = late.received_ns + draw.randrange(2, 9) * NS
            stream[place] = Message(late.topic, late.payload, at, 0, late.qos, late.retain)
    stream.sort(key=lambda message: message.received_ns)
    return tuple(Message(m.topic, m.payload, m.received_ns, i, m.qos, m.retain) for i, m in enumerate(stream))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "r"
    recorder = Recorder(folder, {"dialect": "dsx"}, clock=ReplayClock(begin_ns(), None))
    recorder.add(made())
    recorder.commit()
    recorder.close()
    return folder


def run(folder: Path, speed: float | None) -> Pipeline:
    opened = open_recording(folder)
    played = Played(opened, choose(opened, speed="max" if speed is None else str(speed)), "dsx")
    clock = ReplayClock(played.begin_ns, speed)
    pipeline = Pipeline(make("dsx"), clock)
    assert to_twin(played, pipeline, clock).messages == len(made())
    return pipeline


@pytest.fixture(scope="module")
def pipeline(recording: Path) -> Pipeline:
    return run(recording, None)


def row(pipeline: Pipeline, identity: str) -> int:
    index = pipeline.decoder.points.index(identity)
    assert index is not None
    return index


def at(pipeline: Pipeline, second: float) -> View:
    return pipeline.state.view(begin_ns() + round(second * NS))


def newest() -> dict[str, tuple[int, float | None, int]]:
    """Of each topic of the BMS the last said with the greatest stamp."""
    best: dict[str, tuple[int, float | None, int]] = {}
    for message in made():
        if "/PUB/Value/" in message.topic and message.payload != b"{":
            said = json.loads(message.payload)
            identity = message.topic.split("/Value/")[1]
            if identity not in best or said["timestamp"] >= best[identity][0]:
                best[identity] = said["timestamp"], said["value"], said["quality"]
    return best


def test_of_every_point_the_newest_by_source_time_is_kept_with_its_quality(pipeline):
    view, expected = at(pipeline, 0), newest()
    assert len(expected) == 138  # 145 and the heartbeat, without what rack 2 has not said in its first 20 s
    for identity, (stamp_ms, said, quality) in expected.items():
        index = row(pipeline, identity)
        assert view.time_ns[index] == stamp_ms * MS, identity
        assert math.isnan(view.value[index]) == (said is None)
        want = Quality.NO_VALUE if said is None else Quality.BAD if quality != 1 else Quality.GOOD
        assert view.quality[index] in (want, *((Quality.STALE, Quality.OUT_OF_RANGE) if want == Quality.GOOD else ()))
    assert not (np.isnan(view.value) & (view.quality == Quality.GOOD)).any()


def test_every_message_and_every_reading_is_counted_once(pipeline):
    counts = pipeline.state.counts
    assert counts.messages == len(made())
    assert counts.rejects == {"syntax": 1, "topic": 1}
    assert counts.readings == counts.applied + counts.duplicates + counts.late + counts.quarantined
    tray = [m for m in made() if "/LEAKY/" in m.topic]
    assert counts.quarantined == 2  # of the first 10 s of the source that is 600 s ahead
    assert len(tray) == 60
    values = sum("/Value/" in m.topic for m in made()) - 1
    assert counts.readings == values
    stamps = {
        (m.topic, json.loads(m.payload)["timestamp"]) for m in made() if "/Value/" in m.topic and m.payload != b"{"
    }
    assert counts.applied <= len(stamps)
    assert counts.duplicates > 1000
    assert counts.late > 20


def test_a_source_that_is_ahead_is_found_out(pipeline):
    assert {name: round(offset) for name, offset in pipeline.state.clocks.skews().items()} == {"LEAKY": -AHEAD_S}
    assert pipeline.marks == 1


def test_30_s_after_the_last_heartbeat_and_not_before_all_of_the_bms_is_stale(recording, pipeline):
    """The last beat is of second 90; by 120 s later points of it are fresh still by their own age."""
    part = open_recording(recording)
    begin = begin_ns()
    early = Pipeline(make("dsx"), ReplayClock(begin, None))
    to_twin(Played(part, choose(part, speed="max", before="119s"), "dsx"), early, ReplayClock(begin, None))
    power = [i for i, p in enumerate(early.decoder.points) if p.variable == "rack_power" and "rack02" not in p.identity]
    beat = early.state.view(begin).time_ns[row(early, BEAT)]
    assert beat == (begin + BEATS_UNTIL * NS) // MS * MS
    limit = int(beat) + 30 * NS
    before, after = early.state.view(limit), early.state.view(limit + NS)
    assert not before.silent.any()
    known = after.count > 0
    bms = np.array([p.source == "BMS" for p in early.decoder.points])
    assert np.array_equal(after.silent, known & bms)
    assert all(before.quality[i] != Quality.STALE for i in power)
    tray = row(early, TRAY)
    assert not after.silent[tray]
    assert after.quality[tray] == Quality.GOOD


def test_a_rack_that_falls_silent_is_stale_250_s_after_its_last_word(pipeline):
    view = at(pipeline, ENDS_S)
    silent = [i for i, p in enumerate(pipeline.decoder.points) if "rack02" in p.identity and view.count[i]]
    assert len(silent) >= 4
    for index in silent:
        heard = int(view.time_ns[index])
        assert view.old[index] == (begin_ns() + ENDS_S * NS - heard > 250 * NS)
        assert not pipeline.state.view(heard + 250 * NS).old[index]
        assert pipeline.state.view(heard + 250 * NS + 2 * MS).old[index]
    assert any(view.old[i] for i in silent)


@pytest.mark.parametrize("speed", [1000.0, 300.0])
def test_with_all_faults_the_state_is_the_same_at_any_speed(recording, pipeline, speed):
    again = run(recording, speed)
    assert again.state.digest() == pipeline.state.digest()
    assert again.state.counts.told() == pipeline.state.counts.told()
    one, two = at(pipeline, ENDS_S), at(again, ENDS_S)
    for name in ("quality", "old", "silent", "age_s"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name


@pytest.mark.parametrize("by_s", [3600, -3600, -20])
def test_where_our_clock_was_set_while_recording_the_replay_takes_no_hour_and_nothing_is_stale_for_it(tmp_path, by_s):
    """All that came after 50 s was received by a clock that was set; its stamps are right."""
    begin, plain = begin_ns(), messages()
    at_number = next(number for number, m in enumerate(plain) if m.received_ns >= begin + 50 * NS)
    told = Mark("clock-jump", begin + (50 + by_s) * NS, "", begin + 50 * NS, begin + (50 + by_s) * NS)
    recorder = Recorder(tmp_path / "r", {}, clock=ReplayClock(begin, None))
    for number, m in enumerate(plain):
        late = number >= at_number
        if number == at_number:
            recorder.mark(told)
        received = m.received_ns + (by_s * NS if late else 0)
        recorder.add([Message(m.topic, m.payload, received, number, 1, m.retain)])
    recorder.commit()
    recorder.close()
    opened = open_recording(tmp_path / "r")
    played = Played(opened, choose(opened, speed="1"), "dsx")
    assert [m.received_ns for m in played.messages()] == [m.received_ns for m in plain]
    assert played.takes_s == pytest.approx(99.367, abs=1e-3)
    now = Played(opened, choose(opened, speed="max", epoch="now", now_ns=begin + 10**17), "dsx")
    stamps = [json.loads(m.payload)["timestamp"] for m in now.messages() if "/Value/" in m.topic]
    assert abs(max(stamps) - (begin + 10**17) // MS) <= 2
    pipeline = Pipeline(make("dsx"), ReplayClock(begin, None))
    to_twin(played, pipeline, ReplayClock(begin, None))
    assert not at(pipeline, 100).stale.any()
    assert pipeline.state.clocks.skews() == {}
    # The live state, which is told of the jump when it comes, agrees.
    live = Pipeline(make("dsx"), ReplayClock(begin, None))
    live.take([m for m in opened.messages() if m.sequence < at_number])
    live.mark(told)
    live.take([m for m in opened.messages() if m.sequence >= at_number])
    assert live.state.digest() == pipeline.state.digest()
    assert np.array_equal(at(live, 100 + by_s).age_s, at(pipeline, 100).age_s)
