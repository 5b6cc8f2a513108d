"""Percentiles of a period from those of its intervals, next to distributions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.analysis.latency import Mixture

ONE = np.ones(1)


def exponential(mean: float) -> list[float]:
    """p50, p90 and p99 of an exponential time."""
    return [mean * float(np.log(1.0 / (1.0 - p))) for p in (0.5, 0.9, 0.99)]


@pytest.mark.parametrize("p", [0.5, 0.9, 0.99])
def test_an_interval_alone_keeps_its_percentiles(p):
    times = {0.5: 0.2, 0.9: 0.7, 0.99: 2.0}
    only = Mixture(np.array([list(times.values())]), ONE)
    assert only.percentile(p) == pytest.approx(times[p], rel=1e-6)
    assert only.within(times[p]) == pytest.approx(p)


@pytest.mark.parametrize("p", [0.3, 0.8, 0.95, 0.999])
def test_exponential_times_are_met_between_and_beyond_what_is_recorded(p):
    assert Mixture(np.array([exponential(3.0)]), ONE).percentile(p) == pytest.approx(-3.0 * np.log(1.0 - p), rel=1e-6)


def test_two_kinds_of_hours_mix_by_their_requests():
    """Three quarters of the requests exponential of mean 1, a quarter of mean 4: the exact mixture."""
    mix = Mixture(np.array([exponential(1.0), exponential(4.0)]), np.array([30.0, 10.0]))
    for t in (0.1, 1.0, 5.0, 20.0):
        assert mix.within(t) == pytest.approx(1.0 - 0.75 * np.exp(-t) - 0.25 * np.exp(-t / 4.0), rel=1e-9)
    t = mix.percentile(0.99)
    assert 0.75 * np.exp(-t) + 0.25 * np.exp(-t / 4.0) == pytest.approx(0.01, rel=1e-5)


def test_hours_without_requests_and_times_without_spread_are_no_trouble():
    values = np.array([[1e9, 1e9, 1e9], [5.0, 5.0, 5.0]])
    mix = Mixture(values, np.array([0.0, 7.0]))
    assert mix.percentile(0.5) == pytest.approx(5.0, rel=1e-6)
    assert mix.percentile(0.99) == pytest.approx(5.0, rel=1e-6)
    assert mix.within(5.01) == pytest.approx(1.0)
    assert mix.within(4.0) < 0.5
    assert mix.shares(6.0).tolist() == [pytest.approx(0.0, abs=1e-6), pytest.approx(1.0)]
    assert np.isnan(Mixture(values, np.zeros(2)).percentile(0.9))


@given(
    st.lists(st.tuples(*[st.floats(1e-3, 1e3)] * 3), min_size=1, max_size=6),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_a_percentile_lies_between_those_of_its_intervals(rows, p):
    values = np.sort(np.array(rows), axis=1)
    got = Mixture(values, np.ones(len(values))).percentile(p)
    column = values[:, {0.5: 0, 0.9: 1, 0.99: 2}[p]]
    assert column.min() * (1 - 1e-5) <= got <= column.max() * (1 + 1e-5)
