"""Whose clock is wrong: stamps of the future, sources that were set, our own clock that was."""

from __future__ import annotations

import pytest

from telemetry.batch import Flag
from telemetry.clock import NS
from telemetry.mark import Mark
from telemetry.message import Message
from tests.telemetry.said import T0, fed, say


def test_a_stamp_of_the_future_is_quarantined_and_hides_no_later_reading():
    told = fed(say("b/x", 1, 1), say("b/x", 1e9, 666, at=2), say("b/x", 8, 2, at=3.0), say("b/x", 9, 3, at=3.9))
    assert told.state.view(T0).value[0] == 2  # 5 s ahead is within the tolerance, 5.1 s is not
    assert told.state.counts.quarantined == 2
    (first, second) = told.state.counts.samples["quarantined"]
    assert "999999998.0 s after" in first.detail
    assert second.topic == "b/x"


def test_stamps_cannot_creep_into_the_future_in_steps_that_are_each_within_the_tolerance():
    told = fed(*(say("b/x", t + 4 * t, t, at=t) for t in range(1, 30)))
    assert told.state.view(T0).time_ns[0] <= T0 + 35 * NS
    assert told.state.counts.quarantined > 0


def test_a_source_whose_clock_is_ahead_is_learnt_marked_and_its_ages_are_right():
    marks = list[Mark]()
    told = fed()
    told.recorder = Kept(marks)
    for t in range(30):
        told.take([say("b/x", t + 600, t, at=t)])
    view = told.state.view(T0 + 29 * NS)
    assert view.value[0] == 29
    assert told.state.counts.quarantined == 10  # of the first 10 s
    assert told.state.clocks.skews() == {"b": -600.0}
    assert [(mark.what, mark.source, mark.cause) for mark in marks] == [("skew", "b", "its clock is 600.0 s ahead")]
    assert view.age_s[0] == 0.0
    assert not told.state.view(T0 + 59 * NS).stale[0]
    assert told.state.view(T0 + 59 * NS + 1).stale[0]


class Kept:
    """A recorder that keeps marks in a list."""

    def __init__(self, marks: list[Mark]) -> None:
        self.marks, self.messages, self.commits = marks, list[Message](), 0

    def add(self, messages) -> None:
        self.messages += messages

    def mark(self, mark: Mark) -> None:
        self.marks.append(mark)

    def commit(self) -> None:
        self.commits += 1


def test_two_stamps_of_the_future_prove_no_clock_and_three_that_agree_for_ten_seconds_do():
    told = fed(*(say("b/x", t + 600, t, at=t) for t in (0, 11)))
    assert (told.state.counts.quarantined, told.state.counts.applied) == (2, 0)
    told.take([say("b/x", 611.5, 12, at=11.5)])
    assert (told.state.counts.quarantined, told.state.counts.applied) == (2, 1)


def test_a_source_that_is_set_ahead_keeps_its_other_points_fresh():
    told = fed(*(say(f"b/{name}", t, t) for t in range(20) for name in "xy"))
    told.take([say("b/x", t + 3600, t, at=t) for t in range(20, 60)])
    view = told.state.view(T0 + 59 * NS)
    y = 1
    assert told.decoder.points[y].identity == "b/y"
    assert (view.value[y], view.age_s[y], view.old[y]) == (19, 40.0, False)
    told.take([say("b/y", 3600 + 60, 60, at=60)])
    assert told.state.view(T0 + 60 * NS).value[y] == 60


def test_readings_without_a_stamp_and_copies_of_the_broker_teach_nothing_of_a_clock():
    old = int(Flag.RETAINED)
    told = fed(*(say("b/x", t - 400, t, at=t) for t in range(20)))
    told.take([say("b/y", 20, 1, f=int(Flag.NO_TIME)), say("b/z", 20, 1, f=old), say("b/z", 21, 1, f=int(Flag.HELD))])
    assert told.state.clocks.skews() == {"b": 400.0}
    assert told.state.counts.applied == 23


def test_one_device_that_is_ahead_does_not_move_the_clock_of_its_source():
    told = fed(*(say(f"b/{'odd' if t % 2 else 'right'}", t + 900 * (t % 2), t, at=t) for t in range(60)))
    assert told.state.counts.quarantined == 30
    assert told.state.clocks.skews() == {}


def test_a_source_behind_or_late_by_minutes_is_marked_and_is_not_stale_for_that():
    marks = list[Mark]()
    told = fed()
    told.recorder = Kept(marks)
    told.take([say("b/x", t - 400, t, at=t) for t in range(20)])
    told.take([say("b/x", -380, 20, at=20)])
    assert not told.state.view(T0 + 20 * NS).stale[0]
    assert [mark.cause for mark in marks] == ["its clock is 400.0 s behind, or what it sends is late"]


def test_a_source_whose_clock_is_set_back_an_hour_is_followed_within_ten_seconds():
    told = fed(*(say("b/x", t, t) for t in range(20)))
    told.take([say("b/x", t - 3600, t, at=t) for t in range(20, 60)])
    view = told.state.view(T0 + 59 * NS)
    assert view.value[0] == 59
    assert told.state.counts.late == 10
    assert not view.stale[0]
    assert view.time_ns[0] == T0 + (59 - 3600) * NS


def test_copies_after_a_reconnect_do_not_look_like_a_clock_that_was_set():
    stream = [say("b/x", t, t) for t in range(60)]
    again = [say("b/x", t, t, at=60 + t / 100) for t in range(60)]
    told = fed(*stream, *again, *(say("b/x", t, t) for t in range(61, 80)))
    assert told.state.clocks.skews() == {}
    assert (told.state.counts.late, told.state.counts.duplicates) == (59, 1)
    assert told.state.view(T0 + 79 * NS).value[0] == 79


def test_a_backlog_that_is_older_by_minutes_leaves_no_wrong_offset_behind():
    told = fed(
        *(say("b/x", t, t, at=1800 + t / 100) for t in range(1800)), *(say("b/x", t, t) for t in range(1818, 1840))
    )
    assert told.state.clocks.skews() == {}
    assert (told.state.counts.quarantined, told.state.counts.late) == (0, 0)


@pytest.mark.parametrize("by", [3600, -3600])
def test_a_jump_of_our_own_clock_makes_nothing_stale_and_nothing_late(by):
    told = fed(*(say("b/x", t, t) for t in range(20)))
    told.mark(Mark("clock-jump", T0 + 20 * NS, from_ns=T0 + 20 * NS, to_ns=T0 + (20 + by) * NS))
    assert not told.state.view(T0 + (20 + by) * NS).stale[0]
    told.take([say("b/x", t, t, at=t + by) for t in range(20, 40)])
    view = told.state.view(T0 + (39 + by) * NS)
    assert (view.value[0], view.stale[0], told.state.counts.quarantined) == (39, False, 0)
    assert view.age_s[0] == 0.0


@pytest.mark.parametrize("by", [3600, -3600])
def test_a_jump_of_our_own_clock_stops_no_source_that_gives_no_times(by):
    told = fed(*(say("b/x", t, t, f=int(Flag.NO_TIME)) for t in range(20)))
    told.mark(Mark("clock-jump", T0 + 20 * NS, from_ns=T0 + 20 * NS, to_ns=T0 + (20 + by) * NS))
    told.take([say("b/x", t + by, t, f=int(Flag.NO_TIME)) for t in range(20, 40)])
    view = told.state.view(T0 + (39 + by) * NS)
    assert (view.value[0], view.stale[0], told.state.counts.late) == (39, False, 0)


def test_a_jump_by_an_unknown_time_is_learnt_anew():
    marks = list[Mark]()
    told = fed(*(say("b/x", t - 400, t, at=t) for t in range(5)))
    told.recorder = Kept(marks)
    told.mark(Mark("clock-jump", T0 + 5 * NS))
    assert told.state.clocks.skews() == {}
    told.take([say("b/y", 20, 1, f=int(Flag.NO_TIME))])
    assert [mark.what for mark in marks] == ["clock-jump"]  # of a source that is not learnt yet nothing is said
    told.take([say("b/x", t - 400, t, at=t) for t in range(30, 50)])
    assert told.state.clocks.skews() == {"b": 400.0}
    assert [mark.what for mark in marks] == ["clock-jump", "skew"]


def test_what_is_learnt_of_a_clock_is_forgotten_after_two_days():
    day = 86_400
    told = fed(say("b/x", 0, 0))
    for hour in range(1, 80):  # a clock that loses 1 s an hour
        told.take([say("b/x", hour * 3600 - hour, hour, at=hour * 3600)])
    offset = told.state.clocks.offset[0] / NS
    assert 79 - 2 * day / 3600 <= offset <= 79
