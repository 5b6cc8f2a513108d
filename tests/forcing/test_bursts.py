"""Bursts: the scatter that is asked for at every window, and one path for every step length."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.errors import InputError
from twin.forcing.bursts import Bursty
from twin.forcing.demand import RecordedRate, Scaled, daily

T0 = 1_900_022_400.0  # a whole UTC day
BASE = Scaled(20.0, daily(0.5, 15.0))


def steps(count: int, length: float) -> tuple[np.ndarray, np.ndarray]:
    start = T0 + length * np.arange(count)
    return start, start + length


@pytest.mark.parametrize("fano", [1.0, 1.4, 13.0])
@pytest.mark.parametrize(("count", "length"), [(200_000, 1.0), (60_000, 60.0), (8766, 3600.0)])
def test_the_fano_factor_is_that_asked_for_at_every_step_length(fano, count, length):
    found = Bursty(Scaled(20.0), fano, seed=11).counts(*steps(count, length), 0)
    # The relative error of a variance of n independent counts is about sqrt(2/n), more where counts are skewed.
    assert found.var() / found.mean() == pytest.approx(fano, rel=6 * np.sqrt(2 / count) + 0.01)
    assert found.mean() == pytest.approx(20.0 * length, rel=5 * np.sqrt(fano / (20.0 * length * count)))


def test_counts_of_seconds_sum_to_those_of_minutes_and_hours():
    demand = Bursty(BASE, 13.0, seed=2)
    second, minute, hour = (demand.counts(*steps(n, w), 0) for n, w in ((86_400, 1.0), (1440, 60.0), (24, 3600.0)))
    assert (second.reshape(-1, 60).sum(axis=1) == minute).all()
    assert (minute.reshape(-1, 60).sum(axis=1) == hour).all()
    assert (second == np.rint(second)).all()


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 7_200_000), min_size=3, max_size=12, unique=True),
    fano=st.sampled_from([1.0, 1.4, 13.0]),
)
def test_any_cut_of_a_period_has_the_same_arrivals(cuts, fano):
    demand, edges = Bursty(BASE, fano, seed=4), T0 + np.sort(np.array(cuts)) / 1e3
    parts = demand.counts(edges[:-1], edges[1:], 0)
    assert (parts >= -1e-9).all()
    assert parts.sum() == pytest.approx(demand.counts(edges[:1], edges[-1:], 0)[0], abs=1e-6)
    assert demand.counts(edges[1:2], edges[2:3], 0) == pytest.approx(parts[1:2], abs=1e-6)


def test_the_seed_decides_and_nothing_else():
    start, end = steps(1440, 60.0)
    one, same, other = (Bursty(BASE, 5.0, seed).counts(start, end, 0) for seed in (1, 1, 2))
    assert (one == same).all()
    assert abs(np.corrcoef(one - BASE.sample(start, end, 0) * 60, other - BASE.sample(start, end, 0) * 60)[0, 1]) < 0.1


def test_the_rate_under_the_bursts_is_that_of_the_base():
    start, end = steps(24 * 60, 3600.0)
    found = Bursty(BASE, 13.0, seed=3).sample(start, end, 0).reshape(60, 24).mean(axis=0)
    expected = BASE.sample(start[:24], end[:24], 0)
    assert found == pytest.approx(expected, rel=5 * np.sqrt(13.0 / (10.0 * 3600 * 60)))


def test_no_demand_has_no_bursts_and_a_recording_needs_only_its_own_time():
    edges = T0 + np.array([1000.0, 2000.0, 3000.0])
    demand = Bursty(RecordedRate(edges, np.array([0.0, 8.0])), 4.0)
    found = demand.counts(edges[:-1], edges[1:], 0)
    assert found[0] == 0.0
    assert found[1] == pytest.approx(8000, abs=6 * np.sqrt(4 * 8000))
    with pytest.raises(InputError, match="the recorded demand covers"):
        demand.counts(edges[:-1] - 10.0, edges[1:], 0)


def test_a_year_of_minutes_is_cheap():
    start, end = steps(525_960, 60.0)
    demand = Bursty(BASE, 13.0)
    begin = time.thread_time()
    demand.sample(start, end, 0)
    assert time.thread_time() - begin < 5.0  # 0.5 s on a core of 2023


def test_less_scatter_than_that_of_independent_users_is_refused():
    with pytest.raises(InputError, match="a Fano factor of bursts is 1 or more"):
        Bursty(BASE, 0.5)


def test_even_minutes_are_the_minutes_of_the_same_path():
    whole, even = Bursty(BASE, 13.0, seed=2), Bursty(BASE, 13.0, seed=2, even_minutes=True)
    assert (even.counts(*steps(1440, 60.0), 0) == whole.counts(*steps(1440, 60.0), 0)).all()
    second = even.counts(*steps(86_400, 1.0), 0).reshape(-1, 60)
    assert second == pytest.approx(np.repeat(second.mean(axis=1)[:, None], 60, axis=1), abs=1e-6)
    assert second.sum(axis=1) == pytest.approx(even.counts(*steps(1440, 60.0), 0), abs=1e-6)
