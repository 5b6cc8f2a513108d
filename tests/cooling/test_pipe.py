"""Plug flow: what comes in goes out later, unmixed and whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin.cooling.pipe import PARCELS, drawn, push

V = 4.0e8


def full(t: float, v: float = V) -> np.ndarray:
    pipe = np.zeros((2, PARCELS))
    pipe[:, 0] = v, t
    return pipe


def passed(pipe: np.ndarray, s: float, t_in: float) -> float:
    """Mean temperature of a step's outflow; the pipe moves on."""
    kept, old = drawn(pipe, s)
    push(pipe, s, t_in)
    return (1.0 - kept) * t_in + kept * old


steps = st.lists(
    st.tuples(st.floats(0.0, 3.0) | st.floats(1e-7, 1e-3), st.floats(-10.0, 90.0)), min_size=1, max_size=200
)


@given(steps)
@example([(1.0, -1.2520981012640515), (5e-324, 0.0)])
@settings(max_examples=200, deadline=None)
def test_heat_in_is_heat_out_plus_stored_and_no_water_leaves_warmer_than_any_came_in(moves):
    pipe, seen = full(20.0), [20.0]
    for share, t_in in moves:
        s = share * V
        kept, old = drawn(pipe, s)
        stored = push(pipe, s, t_in)
        seen.append(t_in)
        out = (1.0 - kept) * t_in + kept * old
        assert stored == pytest.approx(s * (t_in - out), abs=1e-12 * V * 100.0)
        assert pipe[0].sum() == pytest.approx(V, rel=1e-14)
        held = pipe[1][pipe[0] > 0.0]
        assert min(seen) - 1e-9 <= min(held.min(), out) <= max(held.max(), out) <= max(seen) + 1e-9


def test_what_a_step_stores_is_exact_to_that_step_however_much_water_stands_in_the_pipe():
    huge, s = 2.0e11, 1.3e5  # 48,000 m3, a quarter second of 124 kg/s
    pipe = full(16.0, huge)
    for t_in in np.linspace(17.0, 41.0, 400):
        kept, old = drawn(pipe, s)
        assert push(pipe, s, t_in) == pytest.approx(s * (t_in - (1.0 - kept) * t_in - kept * old), rel=1e-12)


def unmixed(moves: list[tuple[float, float]]) -> np.ndarray:
    """Outflow means from the whole history of the inlet: no parcels, no joining."""
    entered = np.concatenate([[-V], [0.0], np.cumsum([s for s, _ in moves])])
    heat = np.concatenate([[0.0], [20.0 * V], 20.0 * V + np.cumsum([s * t for s, t in moves])])
    ends = entered[1:] - V
    means: np.ndarray = np.diff(np.interp(ends, entered, heat)) / np.array([s for s, _ in moves])
    return means


@given(st.floats(0.003, 0.4), st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_water_leaves_as_it_came_in_one_volume_later_but_for_the_width_of_a_parcel(share, seed):
    """Slowly changing inlet: the outlet is off by no more than it changed within two parcels."""
    rng = np.random.default_rng(seed)
    n = int(4.0 / share)
    inlet = 20.0 + np.cumsum(rng.uniform(-1.0, 1.0, n)) * share
    moves = [(share * V, float(t)) for t in inlet]
    pipe = full(20.0)
    got = np.array([passed(pipe, s, t) for s, t in moves])
    assert np.abs(got - unmixed(moves)).max() <= 2.0 / (PARCELS - 2) + share


@pytest.mark.parametrize("steps", [10, 37, 1000])
def test_a_front_arrives_when_the_pipe_has_been_filled_once(steps):
    pipe = full(10.0)
    out = np.array([passed(pipe, V / steps, 30.0) for _ in range(2 * steps)])
    assert (out[: steps - steps // 40 - 1] == 10.0).all()
    assert out[steps + steps // 20 + 1 :] == pytest.approx(30.0, abs=1e-9)
    assert out.sum() * V / steps == pytest.approx(V * (10.0 + 30.0), rel=1e-12)


def test_without_a_pipe_or_without_flow_nothing_is_held():
    assert drawn(np.zeros((2, PARCELS)), 5.0) == (0.0, 0.0)
    pipe = full(12.0)
    assert drawn(pipe, 0.0) == (0.0, 0.0)
    assert push(pipe, 0.0, 40.0) == 0.0
    assert drawn(pipe, V) == (1.0, 12.0)
