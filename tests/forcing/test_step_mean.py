"""Means over steps are exact integrals of the piecewise linear signal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.forcing.step_mean import step_means

FIRST = 480_000
HOUR = 3600.0
READINGS = np.random.default_rng(1).normal(10.0, 5.0, 51)


def means(start, end):
    """Means over steps in hours after the first reading."""
    start_s, end_s = ((np.atleast_1d(moment) + FIRST) * HOUR for moment in (start, end))
    return step_means(READINGS, FIRST, start_s, end_s)


def mean_by_quadrature(start, end):
    """The mean by the trapezoid rule with every reading as a node: exact for a piecewise linear signal."""
    nodes = np.unique(np.concatenate(([start, end], np.arange(np.ceil(start), np.floor(end) + 1.0))))
    values = np.interp(nodes, np.arange(READINGS.size), READINGS)
    return np.trapezoid(values, nodes) / (end - start)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.floats(0.0, 49.0), st.floats(0.0, 49.0))
def test_a_mean_is_the_integral_over_the_length(one, other):
    start, end = sorted((one, other))
    (mean,) = means(start, end)
    if end - start > 1e-3:
        assert mean == pytest.approx(mean_by_quadrature(start, end), abs=1e-6)
    else:
        assert mean == pytest.approx(np.interp(start, np.arange(51), READINGS), abs=0.05)


def test_a_step_without_length_is_the_value_at_its_instant():
    at = np.array([0.0, 0.25, 7.0, 49.0])
    expected = np.interp(at, np.arange(51), READINGS)
    np.testing.assert_allclose(means(at, at), expected, rtol=1e-9)


def test_a_mean_does_not_depend_on_the_other_steps():
    start = np.array([0.5, 3.0, 3.1, 11.7, 20.0])
    end = np.array([3.0, 9.9, 3.2, 48.2, 49.0])
    together = means(start, end)
    alone = [means(start[i], end[i])[0] for i in range(5)]
    backwards = means(start[::-1], end[::-1])[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, backwards)
