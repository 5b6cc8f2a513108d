"""Bounded least squares against SciPy and against solutions known by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.analysis.least_squares import jacobian, least_squares


@settings(deadline=None, max_examples=40, derandomize=True)
@given(low=st.floats(300, 440), rise=st.floats(100, 300), mid=st.floats(4.0, 9.0), width=st.floats(0.5, 2.0))
def test_a_logistic_is_found_as_scipy_finds_it(low, rise, mid, width):
    batch = np.arange(0.0, 14.0)
    noise = np.random.default_rng(1).standard_normal(batch.size)
    watts = low + rise / (1.0 + np.exp(-(batch - mid) / width)) + noise

    def residual(x: np.ndarray) -> np.ndarray:
        return np.asarray(x[0] + x[1] / (1.0 + np.exp(-(batch - x[2]) / x[3])) - watts)

    bounds = np.array([200.0, 20.0, 2.0, 0.2]), np.array([500.0, 500.0, 11.0, 4.0])
    start = np.array([400.0, 200.0, 6.0, 1.0])
    theirs = scipy.optimize.least_squares(residual, start, bounds=bounds, xtol=1e-12, ftol=1e-12)
    ours = least_squares(residual, start, *bounds)
    assert np.sum(residual(ours) ** 2) <= 2.0 * theirs.cost * (1.0 + 1e-4)


def test_weights_count():
    """The mean of 0 (weight 3) and 4 (weight 1) is 1."""
    found = least_squares(
        lambda x: x[0] - np.array([0.0, 4.0]), np.zeros(1), -np.full(1, 9.0), np.full(1, 9.0), np.array([3.0, 1.0])
    )
    assert found[0] == pytest.approx(1.0)


def test_a_bound_in_the_way_is_where_it_ends():
    """Nearest to (3, 1) with x <= 2: (2, 1), though both are tied together by a third residual that is zero there."""
    found = least_squares(
        lambda x: np.array([x[0] - 3.0, x[1] - 1.0, 0.0]), np.array([0.0, 0.0]), np.full(2, -5.0), np.array([2.0, 5.0])
    )
    assert found == pytest.approx([2.0, 1.0])


def test_derivatives_stay_inside_the_bounds():
    def residual(x: np.ndarray) -> np.ndarray:
        assert x[0] <= 1.0
        return np.asarray(x**2)

    assert jacobian(residual, np.ones(1), np.zeros(1), np.ones(1))[0, 0] == pytest.approx(2.0, rel=1e-5)
