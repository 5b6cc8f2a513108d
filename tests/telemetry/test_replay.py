"""A recording again: the same state at any speed, on time, at another time, and what is wrong with options."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime
from itertools import pairwise

import pytest

from telemetry.clock import NS, ReplayClock
from telemetry.decode import make
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from telemetry.replay.asked import Choice, Played, choose, now_epoch_ns, open_played
from telemetry.replay.pace import Lateness, pace
from telemetry.replay.play import Outcome, outgoing, to_broker, to_twin
from telemetry.replay.told import stamps_line, told
from tests.telemetry.exchange import messages, shared
from tests.telemetry.said import T0
from twin.core.errors import InputError

EXAMPLE = "dsx_exemplar.csv"


def run(played: Played) -> tuple[Pipeline, Outcome]:
    clock = ReplayClock(played.begin_ns, played.choice.speed)
    pipeline = Pipeline(make("dsx"), clock)
    return pipeline, to_twin(played, pipeline, clock)


@pytest.fixture(scope="module")
def whole() -> tuple[Pipeline, Outcome]:
    return run(open_played(shared(EXAMPLE), speed="max"))


def test_the_example_leaves_what_it_says_of_its_racks(whole):
    pipeline, outcome = whole
    found = told(pipeline.state, outcome.last_ns)
    assert (outcome.messages, outcome.whole) == (4711, True)
    assert (found["points"], found["with_readings"], found["stale"]) == (166, 145, 0)
    assert found["counts"]["applied"] == 4545
    assert found["counts"]["rejects"] == {}
    by_name = {row["variable"]: row for row in found["variables"] if not row["set_point"]}
    assert by_name["rack_power"]["units"] == "W"
    assert by_name["rack_power"]["total"] == pytest.approx(214_070, abs=40)  # sum of six racks, kW, in its README
    assert "total" not in by_name["meter_power"]  # a busway feeds the taps: their sum means nothing
    rows = {row["item"]: row for row in found["readings"] if row["variable"] == "rack_power"}
    assert rows["Pod1C-E05"]["value"] == pytest.approx(47_830, abs=30)
    json.dumps(found, allow_nan=False)


def test_at_a_hundred_times_the_speed_it_is_the_same_state_and_takes_a_second(whole):
    pipeline, outcome = run(open_played(shared(EXAMPLE), speed="100"))
    assert pipeline.state.digest() == whole[0].state.digest()
    assert told(pipeline.state, outcome.last_ns) == told(whole[0].state, whole[1].last_ns)
    assert outcome.took_s >= 0.993  # 99.37 s: nothing is sent before it is due
    assert outcome.lateness.count == 4711


def test_the_first_seconds_at_their_own_speed(whole):
    part = open_played(shared(EXAMPLE), speed="1", before="3s")
    pipeline, outcome = run(part)
    direct, _ = run(open_played(shared(EXAMPLE), speed="max", before="3s"))
    assert pipeline.state.digest() == direct.state.digest()
    assert outcome.took_s > 2.34  # the last of them came after 2.344 s
    assert pipeline.state.counts.messages == sum(1 for _ in part.messages()) > 166


class Stepped(ReplayClock):
    """A clock for tests: time passes only where it is waited for or spent."""

    def __init__(self, start_ns: int, speed: float) -> None:
        super().__init__(start_ns, speed)
        self.at, self.per = start_ns, speed

    def now_ns(self) -> int:
        return self.at

    def wait_until(self, instant_ns: int, stop: threading.Event) -> bool:
        self.at = max(self.at, instant_ns)
        return not stop.is_set()

    def spend(self, seconds: float) -> None:
        """Time of the world."""
        self.at += round(seconds * self.per * NS)


def test_what_is_late_once_makes_nothing_behind_it_late():
    stream = [Message("t", b"", T0 + i * NS, i) for i in range(1000)]
    clock, late = Stepped(T0, 100.0), Lateness()

    def send(group) -> None:
        clock.spend(0.5 if group[0].sequence == 100 else 1e-4)

    assert pace(stream, clock, send, threading.Event(), late)
    assert late.count == 1000
    assert late.worst_s == pytest.approx(0.49)  # the one behind that which took half a second
    assert late.quantile_s(0.95) <= 1e-4  # 49 came due meanwhile; none after them is late
    assert clock.now_ns() - T0 == pytest.approx(999 * NS, abs=0.02 * NS)


def test_messages_come_in_their_order_and_never_before_they_are_due():
    stream = [Message("t", b"", T0 + i * i * NS // 7, i) for i in range(300)]
    clock, handed = Stepped(T0, 1.0), list[tuple[int, int]]()

    def send(group) -> None:
        handed.extend((message.sequence, clock.now_ns() - message.received_ns) for message in group)
        clock.spend(3.0)

    assert pace(stream, clock, send, threading.Event())
    assert [sequence for sequence, _ in handed] == list(range(300))
    assert min(late for _, late in handed) >= 0


def test_a_recording_whose_clock_was_set_back_waits_for_nothing():
    stream = [Message("t", b"", T0 + s * NS, i) for i, s in enumerate((0, 10, 11, -3600, -3599, 12))]
    clock, late = Stepped(T0, 1.0), Lateness()
    assert pace(stream, clock, lambda group: None, threading.Event(), late)
    assert clock.now_ns() == T0 + 12 * NS
    assert late.worst_s <= 1.0


def test_a_stop_ends_it_between_two_groups():
    stop, sent = threading.Event(), list[int]()

    def send(group) -> None:
        sent.extend(message.sequence for message in group)
        if sent[-1] >= 5:
            stop.set()

    stream = (Message("t", b"", T0 + i * NS, i) for i in range(10**9))
    assert not pace(stream, Stepped(T0, 1.0), send, stop)
    assert sent == list(range(6))
    assert not pace((Message("t", b"", T0, i) for i in range(10**9)), ReplayClock(T0, None), send, stop)


def test_quantiles_are_those_of_the_sorted_list():
    late = Lateness()
    values = [((i * 7919) % 1000) / 1e4 + 5e-5 for i in range(1000)]
    for value in values:
        late.add(value)
    for share in (0.5, 0.9, 0.99, 1.0):
        assert late.quantile_s(share) == pytest.approx(sorted(values)[int(share * 1000) - 1], abs=1e-4)
    assert Lateness().quantile_s(0.99) == 0.0


@pytest.mark.parametrize("speed", [None, 0.5, 1.0, 3.0, 60.0])
def test_a_replay_that_begins_now_sends_no_stamp_of_the_future(speed):
    now, span = T0, 100 * NS
    epoch = now_epoch_ns(span, speed, now)
    for offset in range(0, span + 1, NS):
        sent_ns = now if speed is None else now + round(offset / speed)
        assert epoch + offset <= sent_ns + 1
    if speed is None or speed >= 1.0:
        ends = now + (0 if speed is None else round(span / speed))
        assert abs(epoch + span - ends) <= 1


def recorded(folder, stream) -> None:
    recorder = Recorder(folder, {"dialect": "dsx"}, clock=ReplayClock(T0, None))
    recorder.add(stream)
    recorder.commit()
    recorder.close()


def test_a_recording_says_its_dialect_and_another_can_be_named(tmp_path):
    recorder = Recorder(tmp_path, {"dialect": "plain"}, clock=ReplayClock(T0, None))
    recorder.add([Message("site/a", b"1", T0, 0, 1)])
    recorder.commit()
    recorder.close()
    assert open_played(tmp_path).dialect == "plain"
    assert open_played(tmp_path, "dsx").dialect == "dsx"
    assert open_played(shared("dsx_exemplar.csv")).dialect == "dsx"


TOPIC = "BMS/v1/PUB/Value/Rack/RackPower/a"
BEAT = "BMS/v1/PUB/Value/System/HeartbeatTimestampBms/a"
SAID = b'{ "value" : 1743620423000.5, "timestamp" : 1743620423007, "quality":1, "note": "timestamp: 1743620423007"}'


def test_another_epoch_moves_receipt_and_stamps_of_values_and_heartbeats_and_no_other_byte(tmp_path):
    at = 1_743_620_423_050_000_123
    beat = b'{"value":1743620423000,"timestamp":1743620423000,"quality":1}'
    stream = [
        Message(TOPIC, SAID, at, 0, 1),
        Message(BEAT, beat, at + NS, 1, 1),
        Message("BMS/v1/PUB/Metadata/Rack/RackPower/a", b'{"timestamp":1743620423007}', at + 2 * NS, 2, 1, True),
        Message(TOPIC, b'{"timestamp":', at + 3 * NS, 3, 1),
    ]
    recorded(tmp_path / "r", stream)
    recording = open_recording(tmp_path / "r")
    assert list(Played(recording, choose(recording), "dsx").messages()) == stream
    later = Played(recording, choose(recording, epoch="2030-01-01"), "dsx")
    moved = list(later.messages())
    by = (later.begin_ns - at) // 1_000_000
    assert [m.received_ns - o.received_ns for m, o in zip(moved, stream, strict=True)] == [by * 1_000_000] * 4
    assert moved[0].payload == SAID.replace(b": 1743620423007,", b": %d," % (1743620423007 + by))
    assert json.loads(moved[1].payload) == {"value": 1743620423000 + by, "timestamp": 1743620423000 + by, "quality": 1}
    assert [m.payload for m in moved[2:]] == [m.payload for m in stream[2:]]
    assert later.stamps == "moved"
    stays = Played(recording, choose(recording, epoch="2030-01-01"), "plain")
    assert [m.payload for m in stays.messages()] == [m.payload for m in stream]
    assert stays.stamps == "old"


def test_whoever_sends_old_stamps_is_told_so_before(tmp_path):
    at = 1_743_620_423_000_000_000
    recorded(tmp_path / "r", [Message(TOPIC, SAID, at, 0, 1), Message(TOPIC, SAID, at + 100 * NS, 1, 1)])
    recording, now = open_recording(tmp_path / "r"), at + 351 * NS

    def line(dialect: str, **how: str) -> str:
        return stamps_line(Played(recording, choose(recording, speed="max", now_ns=now, **how), dialect), now)

    assert "stale" not in line("dsx", epoch="now")
    assert line("dsx").endswith("sees stale values (--epoch now moves them)")
    assert line("plain", epoch="now").endswith("stay as recorded: whoever takes them for the present sees stale values")
    now -= NS
    assert "stale" not in line("dsx")  # 250 s
    assert "stale" not in line("plain", epoch="now")


def test_the_example_at_another_epoch_differs_by_the_epoch_only(whole):
    moved, outcome = run(open_played(shared(EXAMPLE), speed="max", epoch="2031-05-05T05:00"))
    one, two = (told(p.state, o.last_ns) for p, o in (whole, (moved, outcome)))
    by = round((datetime(2031, 5, 5, 5) - datetime(2026, 1, 1)).total_seconds()) * NS
    for before, after in zip(one["readings"], two["readings"], strict=True):
        assert after["time_ns"] - before["time_ns"] == by
        assert after["value"] == before["value"]


def test_a_part_by_time_and_by_topic():
    part = open_played(shared(EXAMPLE), after="10s", before="20", topics=["BMS/v1/+/Value/Rack/#"])
    found = list(part.messages())
    want = [m for m in messages() if "/Value/Rack/" in m.topic]
    begin = messages()[0].received_ns
    inside = [m for m in want if 10 * NS <= m.received_ns - begin < 20 * NS]
    assert len(found) == pytest.approx(len(inside), abs=2)  # the other reader rounds offsets to ms
    assert all("/Value/Rack/" in m.topic for m in found)
    assert all(a.received_ns <= b.received_ns for a, b in pairwise(found))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"speed": "0"}, 'speed=: "0" is no speed'),
        ({"speed": "nan"}, "speed=:"),
        ({"speed": "-3"}, "speed=:"),
        ({"speed": "1e9"}, "speed=:"),
        ({"speed": "fast"}, "speed=:"),
        ({"epoch": "tomorrow"}, 'epoch=: "tomorrow" is no date or time'),
        ({"after": "20", "before": "10s"}, "before=: the part is empty"),
        ({"after": "x"}, "after=:"),
        ({"topics": ["a/#/b"]}, 'topic=: "a/#/b": the topic has + or #'),
        ({"topics": [""]}, "topic=:"),
        ({"topics": ["a+/b"]}, "topic=:"),
    ],
)
def test_nonsense_is_told(how, words):
    with pytest.raises(InputError, match=re.escape(words)):
        open_played(shared(EXAMPLE), **how)


def test_all_nonsense_is_told_at_once():
    with pytest.raises(InputError) as error:
        open_played(shared(EXAMPLE), speed="no", epoch="no", after="no", before="no", topics=["#x", "y#"])
    assert len(error.value.problems) == 6


class Sent:
    """A broker of which only the clients' side is there."""

    def __init__(self) -> None:
        self.messages = list[tuple[str, int, bool]]()

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        self.messages.append((topic, qos, retain))


def test_qos_and_retain_are_kept_and_shown_and_what_nobody_may_publish_on_stays_here(tmp_path):
    at = 1_743_620_423_050_000_000
    topics = [
        ("BMS/v1/PUB/Value/Rack/RackPower/a", 0, False),
        ("BMS/v1/PUB/Metadata/Rack/RackPower/a", 1, True),
        ("x/y", 2, False),
        ("$SYS/broker/uptime", 0, False),  # the broker's own, but not behind a prefix
        ("BMS/v1/NICO/Value/Rack/RackElectricalIsolationRequest/a", 1, False),
        ("cpc/7/grid/v1/isv/i/loadtarget/set", 1, True),
        ("grid/v1/infra/i/powerbreach/enforcement", 2, False),
        ("spBv1.0/g/NCMD/e", 0, False),
        ("plant/pump/set", 1, False),
        ("a/#", 1, False),
    ]
    recorded(tmp_path / "r", [Message(t, b"1", at + i, i, q, r) for i, (t, q, r) in enumerate(topics)])
    recording = open_recording(tmp_path / "r")
    played = Played(recording, Choice(None), "dsx")
    shown = outgoing(played, make("dsx"), "mqtt://h:1", "p/q")
    sent = Sent()
    outcome = to_broker(played, sent, ReplayClock(played.begin_ns, None), make("dsx"), "p/q")
    bare = Sent()
    to_broker(played, bare, ReplayClock(played.begin_ns, None), make("dsx"))
    assert bare.messages == topics[:3]
    assert sent.messages == [(f"p/q/{topic}", qos, retain) for topic, qos, retain in topics[:4]]
    assert (outcome.messages, outcome.left_out.total()) == (4, 6)
    assert shown.left_out == dict(outcome.left_out)
    assert (shown.messages, shown.topics, shown.qos, shown.retained) == (4, 4, {0: 2, 1: 1, 2: 1}, 1)
