"""Linear systems: what is solved by eigenvectors is what the equations say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.linear import linear


def test_one_node_falls_as_an_exponential_and_meets_a_level_when_the_logarithm_says():
    """T' = (P - G T)/C: T = P/G (1 - e^{-G t/C})."""
    p, g, c = 50.0, 2.0, 30.0
    system = linear(np.array([[[-g / c]]]), np.array([[p / c]]), np.zeros((1, 1)))
    t = np.array([[0.0, 3.0, 40.0]])
    assert system.at(t)[0, :, 0] == pytest.approx(p / g * (1.0 - np.exp(-g / c * t[0])))
    found = system.first_above(np.ones((1, 1)), np.array([20.0]), np.array([100.0]))
    assert found[0] == pytest.approx(-c / g * np.log(1.0 - 20.0 * g / p), abs=1e-9)
    assert system.first_above(np.ones((1, 1)), np.array([25.1]), np.array([1e6]))[0] == np.inf


def test_what_nothing_cools_rises_by_a_ramp():
    system = linear(np.zeros((2, 1, 1)), np.array([[2.0], [0.5]]), np.full((2, 1), 10.0))
    assert system.at(np.array([4.0, 4.0]))[:, 0] == pytest.approx([18.0, 12.0])
    assert system.first_above(np.ones((2, 1)), np.array([14.0, 14.0]), np.array([60.0, 60.0])) == pytest.approx([2, 8])


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.lists(st.floats(0.05, 4.0), min_size=8, max_size=8), st.floats(0.1, 30.0))
def test_any_coupled_nodes_are_what_many_small_steps_make_of_them(g, t):
    """Against Runge-Kutta of fourth order in 4,000 steps."""
    a = np.array([[-g[0] - g[1], g[0], 0.0], [g[2], -g[2] - g[3], g[3]], [0.0, g[4], -g[4] - g[5]]])
    b, x = np.array([g[6], 0.0, g[7]]), np.array([1.0, -2.0, 0.5])
    made = linear(a[None], b[None], x[None]).at(np.array([t]))[0]
    h = t / 4000
    for _ in range(4000):
        k1 = a @ x + b
        k2 = a @ (x + 0.5 * h * k1) + b
        k3 = a @ (x + 0.5 * h * k2) + b
        k4 = a @ (x + h * k3) + b
        x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    assert made == pytest.approx(x, abs=1e-6)
