"""When the engine begins anew: what it began without leaves no residual, and nothing turns in a circle."""

from __future__ import annotations

import numpy as np
import pytest

from telemetry.clock import NS
from telemetry.live.banner import Tally
from telemetry.live.frame import Frame, Mode
from telemetry.live.settling import Settling
from telemetry.live.twin import NAMES
from telemetry.message import Message
from tests.telemetry.heard import NOON, START_NS, emulated
from tests.telemetry.lived import Lived
from twin.analysis.dataset import open_run
from twin.analysis.kpi import summary
from twin.engine.driven import Driven

SITE, LASTING_S, HEARD_S = "rubin-manifold", 60.0, 110.0
RETURN = "fws_return_temperature"
MODES = list(Mode)


@pytest.fixture(scope="module")
def heard() -> list[Message]:
    """Two minutes of a facility that is not as the library has it, through sensors with errors."""
    return emulated(HEARD_S, site=SITE, at=NOON, sensors="typical", seed=3)[1]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("settling") / "run"


@pytest.fixture(scope="module")
def lived(heard, out) -> Lived:
    return Lived(heard, SITE, LASTING_S, at=NOON, out=out)


def after(lived: Lived) -> list[Frame]:
    """The frames in which the model stands on what is measured: all after the first of them."""
    early = [frame.early for frame in lived.frames]
    count = early.index(False)
    assert early == [True] * count + [False] * (len(early) - count)
    return lived.frames[count:]


def test_the_model_stands_where_one_would_that_begins_when_all_is_heard(lived):
    first = after(lived)[0]
    assert 2 <= first.sequence <= 10
    assert lived.frames[first.sequence - 2].mode is not Mode.STALE
    fresh = Driven(lived.session.prepared, (first.time_ns - NS) / NS + lived.session.topology.model_shift_s)
    expected = fresh.step({name: first.measured[name] for name in NAMES if name in first.measured})
    fresh.close()
    for name, values in expected.items():
        np.testing.assert_array_equal(first.simulated[name], values, err_msg=name)


def test_what_it_began_without_is_no_residual_for_an_hour(lived):
    """A small loop's water has a time constant of an hour: the model stood 14 K from where its inputs have it."""
    frames = after(lived)
    before = lived.frames[frames[0].sequence - 2]
    assert before.simulated[RETURN].min() < frames[0].simulated[RETURN].min() - 5.0
    moved = np.ptp([frame.simulated[RETURN] for frame in frames], axis=0)
    assert moved.max() < 0.3  # K: what is measured moves


def test_what_drives_the_model_never_shows_as_a_residual_now_and_then(lived):
    """The meters of a loop and of its branches never agree: the branches are scaled, and drive all the same."""
    scaled = 0
    for frame in after(lived):
        for name in set(NAMES) & set(frame.measured):
            assert np.isnan(frame.residual(name)).all(), name
        apart = frame.measured["cdu_primary_flow"] - frame.simulated["cdu_primary_flow"]
        scaled += int(np.nanmax(np.abs(apart)) > 0.1)
    assert scaled > 0


def test_no_interval_is_lost_and_energy_closes_in_all(lived, out):
    run = open_run(out)
    assert run["early"].values.tolist() == [1, 0, 0, 0, 0, 0]
    assert run["early"].attrs["flag_meanings"] == "settled early"
    assert run["energy_residual"].values.max() < 1e-9
    assert np.diff(run["time"].values).astype("timedelta64[s]").astype(int).tolist() == [10] * 5


def test_key_figures_are_not_of_the_time_before_all_was_heard(lived, out):
    run = open_run(out)
    found, rest = summary(run), summary(run.isel(time=slice(1, None)).drop_vars("early"))
    assert found["meter"] == rest["meter"]
    assert found["period"]["hours"] == pytest.approx(50.0 / 3600.0)
    assert found["notes"][0].startswith("1 of 6 intervals is of a time in which not all that drives")
    early = run.isel(time=slice(0, 1))
    assert summary(early)["meter"] == summary(early.drop_vars("early"))["meter"]
    assert summary(early)["notes"][0].startswith("All intervals are of a time in which not all")


def test_key_figures_say_at_how_many_ends_the_twin_was_stale(lived, out):
    run = open_run(out)
    assert not any("STALE" in note for note in summary(run)["notes"])
    modes = run["mode"].copy(data=[MODES.index(Mode.STALE)] * 3 + [MODES.index(Mode.LIVE)] * 3)  # the first is early
    assert "2 of 5 intervals that count are STALE" in " ".join(summary(run.assign(mode=modes))["notes"])


def silent(message: Message) -> bool:
    """Values of every fourth rack."""
    return "/Value/" in message.topic and "RackPower" in message.topic and message.topic.endswith(("1", "5"))


def test_where_some_never_come_frames_are_early_until_the_contract_has_them_missing(heard):
    lived = Lived([message for message in heard if not silent(message)], SITE, HEARD_S, at=NOON)
    frames = after(lived)
    since = next(f for f in lived.frames if any(np.isfinite(f.measured[n]).any() for n in ("rack_power", "cdu_flow")))
    assert frames[0].time_ns - since.time_ns == 100 * NS
    # It stands on the others long before, and no more came to begin with.
    first, before = lived.at(15.0), lived.frames[frames[0].sequence - 2]
    assert (first.mode, first.note) == (Mode.LIVE, before.note)
    assert abs(frames[0].simulated[RETURN] - first.simulated[RETURN]).max() < 0.3
    assert abs(frames[0].simulated[RETURN] - lived.at(2.0).simulated[RETURN]).max() > 5.0
    assert first.note.startswith("not heard yet: ")
    assert "the model began without some of it, and begins anew with what comes until 17:48:2" in lived.at(3.0).note


class Told:
    """A settling that is told how many of 100 racks and 20 values of cooling are usable, second by second."""

    def __init__(self) -> None:
        self.settling, self.t_s, self.begins = Settling(), 0, list[int]()
        self.heard = {"power": 0, "cooling": 0, "weather": 0}

    def tell(self, power: int, cooling: int, for_s: int = 1, *, known: int = 100) -> Told:
        usable = {"power": power, "cooling": cooling, "weather": 0}
        self.heard = {group: max(count, self.heard[group]) for group, count in usable.items()}
        for _ in range(for_s):
            self.t_s += 1
            tally = Tally({"power": known, "cooling": 20, "weather": 0}, usable, dict(self.heard))
            stale = min(power / known, cooling / 20) < 0.5
            if self.settling.look(tally, START_NS + self.t_s * NS, stale=stale):
                self.begins.append(self.t_s)
        return self


def test_what_is_heard_at_once_needs_no_second_begin():
    told = Told().tell(100, 20, 60)
    assert told.begins == []
    assert not told.settling.early


def test_it_begins_anew_when_it_is_live_and_when_all_is_heard_and_never_again():
    told = Told().tell(0, 0, 5).tell(40, 10, 5).tell(80, 20, 5)
    assert told.settling.early
    assert told.settling.words().startswith("the model begins anew with what comes until")  # it has what there is
    told.tell(100, 20, 600)
    assert told.settling.words() == ""
    assert told.begins == [13, 18]  # more came in second 11, the last in second 16
    assert not told.settling.early


def test_while_it_waits_for_the_last_racks_it_begins_no_more_than_twice():
    told = Told().tell(0, 0, 5)
    for cooling in range(16, 21):
        told.tell(80, cooling, 5)
    for power in range(80, 100, 2):
        told.tell(power, 20, 5)
    assert told.begins == [8, 28]  # the cooling was whole in second 26
    told.tell(100, 20, 300)
    assert told.begins == [8, 28, 83]


def test_one_value_that_comes_at_last_is_begun_with():
    """It may be the flow of a whole hall."""
    told = Told().tell(0, 0).tell(100, 19, 50)
    assert told.settling.early
    told.tell(100, 20, 300)
    assert told.begins == [4, 54]


def test_points_that_become_known_one_after_the_other_are_waited_for_together():
    """Plain JSON: a point is known when it first speaks, so all that is known has always been heard."""
    told = Told()
    for count in range(5, 101, 5):
        told.tell(count, 20, known=count)
    told.tell(100, 20, 60)
    assert told.begins == [22]


def test_a_short_silence_and_values_that_come_and_go_begin_nothing_anew():
    told = Told().tell(100, 20, 30).tell(0, 0, 300).tell(100, 20, 30)
    for n in range(200):
        told.tell(100 - 7 * (n % 2), 20 - 2 * (n % 3 == 0))
    assert told.begins == []
    assert not told.settling.early


def test_after_a_long_loss_it_begins_anew_once_when_as_much_is_back_as_there_was():
    told = Told().tell(95, 20, 300)  # five racks never come
    assert not told.settling.early
    told.tell(0, 0, 700)
    assert told.settling.early
    assert "goes by itself since 17:51:" in told.settling.words()
    for back in range(0, 95, 10):
        told.tell(back, 20)
    told.tell(95, 20, 100)
    assert told.begins == [1013]
    assert not told.settling.early
    told.tell(0, 0, 700).tell(60, 20, 100)  # and where not all of it comes back, of what does
    assert told.begins == [1013, 1813]
    assert told.settling.early
    assert not told.tell(60, 20, 2000).settling.early
    assert told.begins == [1013, 1813]


def test_a_loss_of_a_part_for_hours_begins_nothing_anew():
    told = Told().tell(100, 20, 30).tell(100, 16, 7200).tell(100, 20, 300)
    assert told.begins == []


def test_a_source_that_joins_later_is_waited_for_once():
    told = Told().tell(60, 20, 300)
    assert told.begins == []
    told.tell(100, 20, 300)
    assert told.begins == [303]
