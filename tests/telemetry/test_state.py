"""What is the newest, what is stale, whose clock is wrong: the present state under disorder."""

from __future__ import annotations

import math
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.batch import Batch, Flag, Quality
from telemetry.clock import NS, ReplayClock
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.points import Point
from telemetry.state.coverage import pattern
from telemetry.state.state import State
from telemetry.state.view import Limits
from tests.telemetry.said import T0, Said, fed, say


def quality(pipeline: Pipeline, topic: str, at: float) -> Quality:
    index = pipeline.decoder.points.index(topic)
    return Quality(int(pipeline.state.view(T0 + round(at * NS)).quality[index]))


def test_the_newest_by_source_time_wins_whatever_the_order_of_receipt():
    told = fed(say("b/x", 2, 20, at=3), say("b/x", 1, 10, at=4), say("b/x", 3, 30, at=5), say("b/x", 2.5, 25, at=6))
    view = told.state.view(T0 + 6 * NS)
    assert (view.value[0], view.time_ns[0], view.received_ns[0]) == (30, T0 + 3 * NS, T0 + 5 * NS)
    assert (told.state.counts.applied, told.state.counts.late, view.count[0]) == (2, 2, 2)


def test_a_duplicate_is_counted_and_not_applied_and_two_values_of_one_instant_are_none():
    told = fed(*[say("b/x", 1, 10)] * 3, say("b/x", 1, 11), say("b/y", 1, None, q=2), say("b/y", 1, None, q=2))
    counts = told.state.counts
    assert (counts.applied, counts.duplicates, counts.late) == (3, 3, 0)
    assert told.state.view(T0).value[0] == 11


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_order_and_any_copies_leave_the_same_newest_readings_and_each_reading_is_counted_once(data):
    readings = data.draw(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 50)), unique=True, min_size=1))
    shuffled = data.draw(st.permutations(readings + data.draw(st.lists(st.sampled_from(readings), max_size=20))))
    told = fed(*(say(f"b/{name}", t, t * 2, at=60) for name, t in shuffled))
    newest = {name: max(t for other, t in readings if other == name) for name, _ in readings}
    view, points = told.state.view(T0 + 60 * NS), told.decoder.points
    assert {points[i].identity[-1]: int(view.time_ns[i] - T0) // NS for i in range(len(points))} == newest
    assert {points[i].identity[-1]: view.value[i] / 2 for i in range(len(points))} == newest
    counts = told.state.counts
    assert counts.readings == len(shuffled) == counts.applied + counts.duplicates + counts.late


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_good_even_where_a_decoder_says_so(value):
    said = Said()
    said.points.put(Point("b/x", "b", "rack_power"))
    state = State(said, ReplayClock(T0, None))
    state.apply(Message("b/x", b"", T0), Batch((0,), (T0,), (value,), (Quality.GOOD,), (0,)))
    view = state.view(T0)
    assert view.quality[0] == Quality.NO_VALUE
    assert math.isnan(view.value[0])


def test_the_same_value_that_has_become_bad_is_no_duplicate():
    told = fed(say("b/x", 1, 10), say("b/x", 1, 10, q=int(Quality.BAD)))
    assert told.state.view(T0 + NS).quality[0] == Quality.BAD
    assert told.state.counts.duplicates == 0


def test_a_reading_for_the_history_never_becomes_the_present():
    told = fed(say("b/x", 1, 10), say("b/x", 2, 99, f=int(Flag.HISTORICAL)))
    assert told.state.view(T0).value[0] == 10
    assert told.state.counts.historical == 1


def test_a_point_without_a_reading_is_unknown():
    view = fed(heartbeats=(Point("b/beat", "b", "heartbeat", covers=""),)).state.view(T0)
    assert (view.quality[0], view.stale[0], view.count[0]) == (Quality.UNKNOWN, False, 0)
    assert view.age_s[0] == math.inf


def test_a_value_is_stale_250_s_after_it_was_heard_and_not_an_instant_sooner():
    told = fed(say("b/x", 0, 1), say("b/y", 240, 1))
    late = T0 + 250 * NS
    assert not told.state.view(late).old[0]
    assert told.state.view(late + 1).old[0]
    assert not told.state.view(late + 1).old[1]


def test_a_value_that_is_repeated_unchanged_with_its_old_stamp_stays_fresh_and_a_retained_copy_does_not_help():
    told = fed(say("b/x", 0, 1), say("b/x", 0, 1, at=200), say("b/z", 450, 1))
    assert quality(told, "b/x", 450) == Quality.GOOD
    assert quality(told, "b/x", 450.001) == Quality.STALE
    told.take([say("b/x", 0, 1, at=440, f=int(Flag.RETAINED))])
    assert quality(told, "b/x", 450.001) == Quality.STALE


def test_a_repeat_of_one_reading_makes_no_other_fresh():
    readings = [say("a/x", 0, 1), say("a/x", 0, 1, at=200), say("a/x", 1, 2, at=201)]
    assert fed(*readings).state.view(T0 + 252 * NS).old.tolist() == [True]
    assert fed(*readings[:2]).state.view(T0 + 252 * NS).old.tolist() == [False]


def test_a_retained_reading_is_as_old_as_its_stamp():
    told = fed(say("b/x", 0, 1, at=251, f=int(Flag.RETAINED)), say("b/y", 251, 1))
    assert quality(told, "b/x", 251) == Quality.STALE
    assert quality(told, "b/y", 251) == Quality.GOOD


BEAT = Point("b/beat", "b", "heartbeat", units="ms", covers="")


def beat(t: float, topic: str = "b/beat", *, says: float | None = None, **more: int) -> Message:
    return say(topic, t, (T0 / NS + (t if says is None else says)) * 1000, **more)


def test_30_s_without_a_heartbeat_all_points_of_its_source_are_stale_and_of_no_other():
    told = fed(beat(0), say("b/x", 1, 1), say("c/x", 1, 1), heartbeats=(BEAT,))
    assert [quality(told, name, 30) for name in ("b/x", "b/beat", "c/x")] == [Quality.GOOD] * 3
    assert quality(told, "b/x", 30.001) == Quality.STALE
    assert quality(told, "b/beat", 30.001) == Quality.STALE
    assert quality(told, "c/x", 30.001) == Quality.GOOD
    told.take([beat(60)])
    assert quality(told, "b/x", 60) == Quality.GOOD


def test_a_heartbeat_whose_instant_stands_still_or_that_calls_itself_bad_is_none():
    told = fed(beat(0), say("b/x", 1, 1), beat(20, says=0), beat(29, says=0), heartbeats=(BEAT,))
    assert quality(told, "b/x", 30) == Quality.GOOD
    assert quality(told, "b/x", 30.001) == Quality.STALE
    told.take([beat(31)])
    assert quality(told, "b/x", 31) == Quality.GOOD
    told.take([beat(32, q=int(Quality.BAD))])
    assert quality(told, "b/x", 32) == Quality.STALE


def test_a_scope_narrows_what_a_heartbeat_tells():
    racks = Point("b/beat-racks", "b", "heartbeat", units="ms", covers="BMS/v1/PUB/Value/Rack/#")
    told = fed(heartbeats=(BEAT, racks))
    told.take([beat(0), beat(25, "b/beat-racks"), say("b/Rack/x", 1, 1), say("b/CDU/x", 1, 1)])
    assert quality(told, "b/Rack/x", 40) == Quality.GOOD
    assert quality(told, "b/CDU/x", 40) == Quality.STALE
    assert quality(told, "b/Rack/x", 55.001) == Quality.STALE
    told.take([beat(50)])  # the other client of the BMS is back: not for racks
    assert quality(told, "b/Rack/x", 56) == Quality.STALE
    assert quality(told, "b/CDU/x", 56) == Quality.GOOD


@pytest.mark.parametrize(
    ("scope", "covers"),
    [
        ("BMS/v1/PUB/Value/Rack/#", True),
        ("BMS/v1/+/Value/#", True),
        ("Rack/RackPower", True),
        ("nvidia/titan", True),
        ("Rack/+/nvidia/*", True),
        ("#", True),
        ("CDU/#", False),
        ("nvidia/tit", False),
        ("Rack/RackPower/nvidia/titan/pod1/more", False),
    ],
)
def test_a_scope_is_read_as_people_write_it(scope, covers):
    assert (pattern(scope).search("Rack/RackPower/nvidia/titan/pod1") is not None) is covers


def test_where_nobody_has_a_heartbeat_the_newest_reading_of_all_is_one():
    told = fed(say("b/x", 0, 1), say("c/y", 20, 1))
    assert quality(told, "b/x", 50) == Quality.GOOD
    assert quality(told, "b/x", 50.001) == Quality.STALE
    assert quality(told, "c/y", 50.001) == Quality.STALE


def test_bad_stays_bad_when_it_is_old_and_is_stale_as_well():
    told = fed(say("b/x", 0, 1, q=int(Quality.BAD)))
    view = told.state.view(T0 + 300 * NS)
    assert (view.quality[0], view.stale[0]) == (Quality.BAD, True)


def test_the_digest_knows_readings_and_not_when_or_in_which_order_of_points_they_came():
    one = fed(say("b/x", 1, 10), say("b/y", 2, 20), say("b/x", 3, 30, at=9))
    two = fed(say("b/y", 2, 20, at=5), say("b/x", 1, 10, at=6), say("b/x", 3, 30, at=7))
    assert one.state.digest() == two.state.digest()
    other = fed(say("b/y", 2, 20), say("b/x", 1, 10), say("b/x", 3, 30.5))
    twice = fed(say("b/y", 2, 20), say("b/x", 3, 30))
    assert len({one.state.digest(), other.state.digest(), twice.state.digest()}) == 3


def test_points_beyond_the_most_are_counted_and_the_others_keep_working():
    said = Said()
    told = Pipeline(said, ReplayClock(T0, None), state=State(said, ReplayClock(T0, None), most=100))
    told.take([say(f"b/{i}", 1, i) for i in range(130)] + [say("b/99", 2, -1)])
    assert (told.state.counts.overflow, told.state.counts.applied) == (30, 101)
    view = told.state.view(T0 + 2 * NS)
    assert view.value[99] == -1
    assert view.quality[100] == Quality.UNKNOWN


def test_columns_grow_without_losing_a_reading():
    order = list(range(1000))
    random.Random(6).shuffle(order)
    told = fed(*(say(f"b/{i}", 1, i) for i in order))
    view, points = told.state.view(T0 + 1 * NS), told.decoder.points
    assert np.array_equal(view.value, [float(points[i].identity[2:]) for i in range(1000)])


def test_limits_can_be_chosen():
    said = Said()
    state = State(said, ReplayClock(T0, None), Limits(value_s=10.0, quiet_s=1e9))
    told = Pipeline(said, ReplayClock(T0, None), state=state)
    told.take([say("b/x", 0, 1)])
    assert (quality(told, "b/x", 10), quality(told, "b/x", 10.001)) == (Quality.GOOD, Quality.STALE)


def test_a_dialect_may_say_how_long_silence_is_no_news():
    said = Said()
    said.quiet_s = 90.0
    told = Pipeline(said, ReplayClock(T0, None))
    told.take([say("b/x", 0, 1)])
    assert (quality(told, "b/x", 90), quality(told, "b/x", 90.001)) == (Quality.GOOD, Quality.STALE)


def test_many_points_with_many_scoped_heartbeats_are_looked_at_in_a_moment():
    said = Said()
    for number in range(40):
        said.points.put(
            Point(f"b/beat{number}", "b", "heartbeat", units="ms", covers=f"BMS/v1/PUB/Value/row{number}/#")
        )
    for number in range(10_000):
        said.points.put(Point(f"row{number % 40}/x/{number}", "b", "rack_power"))
    told = Pipeline(said, ReplayClock(T0, None))
    told.take([beat(0, f"b/beat{number}") for number in range(40)])
    told.take([say(f"row{number % 40}/x/{number}", 1, 1) for number in range(10_000)])
    began = time.process_time()
    view = told.state.view(T0 + 31 * NS)
    assert time.process_time() - began < 5.0  # 0.1 s on an idle machine
    covered = np.array([p.variable == "rack_power" and int(p.identity[3:].split("/")[0]) < 32 for p in said.points])
    assert np.array_equal(view.silent & (np.arange(10_040) >= 40), covered)  # the first 32 heartbeats of a source
