"""Demand: means over steps of any length, growth, recordings, the shipped week, training swings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.forcing.data import make_shape
from tests.forcing.recordings import LARGE, MID, recording
from twin.core.errors import InputError
from twin.forcing.demand import FLAT, Demand, Growth, RecordedRate, Scaled, Sum, Weekly, daily, recorded
from twin.forcing.shapes import load_shape, shipped_shapes
from twin.forcing.traces.read import read_curve
from twin.forcing.training import Training

MONDAY = float(np.datetime64("2029-01-01T00:00", "s").astype(np.int64))  # a Monday
HOUR, DAY, WEEK, YEAR = 3600.0, 86_400.0, 604_800.0, 365.25 * 86_400.0
RNG = np.random.default_rng(5)
RECORDING = RecordedRate(MONDAY + np.array([0.0, 700.0, 2000.0, 9000.0]), np.array([1.0, 5.0, 2.0]), repeat=True)
DEMANDS: dict[str, Demand] = {
    "scaled": Scaled(7.0, daily(0.6, 15.0, 0.7)),
    "shipped": Scaled(7.0, load_shape("servegen-m-large", shift_h=-3.0)),
    "growing": Scaled(7.0, daily(0.6, 15.0), Growth.doubling(2.0, MONDAY)),
    "in steps": Scaled(7.0, daily(0.6, 15.0), Growth(steps=((MONDAY + 1234.5, 2.0), (MONDAY + 9 * HOUR, 0.5)))),
    "recorded": RECORDING,
    "sum": Sum((RECORDING, Scaled(3.0))),
    "training": Training(0.7, 0.5, 2.3, 0.6, phase_s=MONDAY),
}


@pytest.mark.parametrize("name", DEMANDS)
@settings(max_examples=40, deadline=None)
@given(
    start=st.floats(-2 * DAY, 2 * DAY), length=st.floats(1e-3, 3 * DAY), cuts=st.lists(st.floats(0, 1), max_size=6),
    offset=st.sampled_from([0, -21_600, 19_800]),
)  # fmt: skip
def test_the_means_of_the_parts_of_a_step_are_the_mean_of_the_step(name, start, length, cuts, offset):
    demand = DEMANDS[name]
    edges = np.unique(MONDAY + start + length * np.array([0.0, *cuts, 1.0]))
    parts = demand.sample(edges[:-1], edges[1:], offset)
    whole = demand.sample(edges[:1], edges[-1:], offset)[0]
    assert (parts * np.diff(edges)).sum() == pytest.approx(whole * (edges[-1] - edges[0]), rel=1e-7, abs=1e-5)
    assert (parts >= 0).all()


@pytest.mark.parametrize("name", DEMANDS)
def test_a_mean_does_not_depend_on_the_steps_beside_it(name):
    start = MONDAY + RNG.uniform(0, 5 * DAY, 50)
    end = start + RNG.uniform(1, DAY, 50)
    together = DEMANDS[name].sample(start, end, 0)
    alone = [DEMANDS[name].sample(start[i : i + 1], end[i : i + 1], 0)[0] for i in range(50)]
    assert together == pytest.approx(np.array(alone), rel=1e-12)


@pytest.mark.parametrize("shape", [FLAT, daily(0.8, 14.0, 0.5), load_shape("servegen-m-large")])
def test_a_week_has_the_mean_rate(shape):
    week = np.array([MONDAY + 12_345.0])
    assert Scaled(11.0, shape).sample(week, week + WEEK, 3600)[0] == pytest.approx(11.0, rel=1e-12)


def test_a_daily_curve_peaks_when_it_says_and_rests_at_the_weekend():
    hours = MONDAY + HOUR * np.arange(168.0)
    rate = Scaled(1.0, daily(0.5, 15.0, 0.6)).sample(hours, hours + 60.0, 0).reshape(7, 24)
    assert np.argmax(rate[1]) == 15
    assert rate[5].mean() / rate[1].mean() == pytest.approx(0.6, rel=0.02)
    local = Scaled(1.0, daily(0.5, 15.0)).sample(hours, hours + 60.0, -6 * 3600).reshape(7, 24)
    assert np.argmax(local[1]) == 21


def test_growth_of_a_half_a_year_is_half_as_much_again_after_it():
    demand = Scaled(10.0, daily(0.5, 15.0), Growth.per_year(0.5, MONDAY))
    start = np.array([MONDAY, MONDAY + YEAR, MONDAY + 2 * YEAR])
    # A year of 365.25 days moves the clock by six hours: weeks compare whole.
    found = demand.sample(start, start + WEEK, 0)
    mean_of_growth = (1.5 ** (WEEK / YEAR) - 1) / (np.log(1.5) * WEEK / YEAR)
    assert found == pytest.approx(10.0 * 1.5 ** np.arange(3) * mean_of_growth, rel=2e-3)
    assert Growth.doubling(12.0, MONDAY).at(MONDAY + 2 * YEAR) == pytest.approx(4.0)


def test_a_step_of_growth_acts_at_its_very_instant():
    demand = Scaled(10.0, FLAT, Growth(steps=((MONDAY + 30.0, 3.0),)))
    start = MONDAY + np.array([0.0, 0.0, 29.0, 30.0, 20.0])
    end = MONDAY + np.array([60.0, 30.0, 30.0, 31.0, 20.0])
    assert demand.sample(start, end, 0) == pytest.approx(np.array([20.0, 10.0, 10.0, 30.0, 10.0]))


def test_a_recording_keeps_its_dates_unless_it_repeats():
    once = RecordedRate(RECORDING.edges_s, RECORDING.rps, "some.csv")
    inside = once.sample(np.array([MONDAY]), np.array([MONDAY + 9000.0]), 0)
    assert inside == pytest.approx((700 * 1 + 1300 * 5 + 7000 * 2) / 9000)
    with pytest.raises(InputError, match=r"some\.csv: the recorded demand covers 2029-01-01T00:00:00Z \.\. "):
        once.sample(np.array([MONDAY]), np.array([MONDAY + 9001.0]), 0)
    later = RECORDING.sample(np.array([MONDAY + 9000 * 7 + 650]), np.array([MONDAY + 9000 * 7 + 750]), 0)
    assert later == pytest.approx(3.0)


def test_gaps_of_a_recording_are_no_demand_until_they_are_filled():
    curve = read_curve(recording(MID))
    with pytest.raises(InputError, match="84 rows are gaps of the recording, the first in line 524"):
        recorded(curve, MONDAY)
    demand = recorded(curve, MONDAY, fill=True, mean_rps=50.0)
    assert demand.sample(np.array([MONDAY]), np.array([MONDAY + 14 * DAY]), 0) == pytest.approx(50.0)
    assert demand.rps.min() > 0


def test_the_shipped_week_is_that_of_the_recording():
    assert shipped_shapes() == ["servegen-m-large"]
    path = recording(LARGE)
    assert make_shape.made(path) == (make_shape.ROOT / "sites/demand/servegen-m-large.csv").read_bytes()
    rates = np.loadtxt(path, delimiter=",", skiprows=1)[:, 1].reshape(2, 168, 6).mean(axis=(0, 2))
    assert load_shape("servegen-m-large").hours == pytest.approx(rates / rates.mean(), abs=5e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\n", 'not a weekly shape: expected "# halltwin weekly shape 1" first'),
        ("# halltwin weekly shape 1\nhour,relative_rate\n0,1\n", "1 hours, expected 168: is the file truncated?"),
        ("# halltwin weekly shape 1\nhour,relative_rate\n0,-1\n",
         ':3:3: relative_rate: expected a rate of 0 or more, got "-1"'),
    ],
)  # fmt: skip
def test_a_faulty_shape_is_told(text, message, tmp_path):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        load_shape(tmp_path / "s.csv")
    assert message in str(caught.value)


def test_an_unknown_shape_is_told_with_the_nearest():
    with pytest.raises(InputError, match='did you mean "servegen-m-large"'):
        load_shape("servegen-large")


def test_a_week_has_168_hours():
    with pytest.raises(InputError, match="a weekly shape has 168 hours"):
        Weekly((1.0,) * 24)


def test_training_swings_between_its_levels_and_keeps_its_mean():
    job = Training(0.8, 0.5, period_s=4.0, duty=0.75, phase_s=MONDAY)
    start = MONDAY + np.arange(8.0)
    found = job.sample(start, start + 1.0, 0)
    assert found == pytest.approx(np.array([0.925, 0.925, 0.925, 0.425] * 2))
    for length in (4.0, 3600.0, 86_400.0):
        assert job.sample(np.array([MONDAY]), np.array([MONDAY + length]), 0) == pytest.approx(0.8, abs=1e-12)
    with pytest.raises(InputError, match="the load swings from"):
        Training(0.9, 0.9)
