"""The D-matrix against its definition, an independent mixing balance, and conservation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.cooling.recirculation import d_matrix, inlet_temperatures

SOURCE = "Tang et al., IEEE TPDS 19 (2008)"


def random_room(seed: int, n: int, leak: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cross-interference, capacity rates and powers of a room; ``leak`` near 1 recirculates almost everything."""
    rng = np.random.default_rng(seed)
    flow = rng.uniform(300.0, 3000.0, n)
    a = rng.random((n, n)) * (rng.random((n, n)) < 0.6)
    a *= leak / max(a.sum(axis=1).max(), ((a.T @ flow) / flow).max(), 1e-9)
    return a, flow, rng.uniform(0.0, 40e3, n)


def mixed_inlets(a: np.ndarray, flow: np.ndarray, power: np.ndarray, supply: float) -> np.ndarray:
    """Inlets by mixing air again and again, no matrix algebra: what comes from others plus supply air for the rest."""
    inlet = np.full(flow.size, supply)
    for _ in range(4000):
        out = inlet + power / flow
        taken = [sum(a[j, i] * flow[j] * out[j] for j in range(flow.size)) for i in range(flow.size)]
        share = [sum(a[j, i] * flow[j] for j in range(flow.size)) for i in range(flow.size)]
        inlet = np.array([(t + (f - s) * supply) / f for t, s, f in zip(taken, share, flow, strict=True)])
    return inlet


def test_v30_inlets_are_those_of_the_mixing_balance(validation_row):
    a, flow, power = random_room(7, 5, 0.7)
    worst = float(abs(inlet_temperatures(a, flow, power, 15.0) - mixed_inlets(a, flow, power, 15.0)).max())
    validation_row("V30", "inlets vs repeated mixing, worst, K", 0.0, worst, abs=1e-9, source=SOURCE, basis="checked")


def test_v30_matches_its_definition(validation_row):
    a, flow, _ = random_room(3, 50, 0.5)
    k = np.diag(flow)
    defined = np.linalg.inv(k - a.T @ k) - np.linalg.inv(k)
    got = d_matrix(a, flow)
    # Two inversions lose digits that the single solve keeps.
    what, worst = "D vs definition, worst per largest entry", float(abs(got - defined).max() / defined.max())
    validation_row("V30", what, 0.0, worst, abs=1e-12, source=SOURCE, basis="checked")


def test_v30_energy_is_conserved(validation_row):
    worst = 0.0
    for seed in range(20):
        a, flow, power = random_room(seed, 24, 0.9)
        outlet = inlet_temperatures(a, flow, power, 15.0) + power / flow
        returned = ((1.0 - a.sum(axis=1)) * flow * (outlet - 15.0)).sum()
        worst = max(worst, abs(returned / power.sum() - 1.0))
    what = "heat returned per power - 1, worst of 20 rooms"
    validation_row("V30", what, 0.0, worst, abs=1e-12, source=SOURCE, basis="checked")


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 24), st.floats(0.0, 0.99))
def test_v30_heat_is_conserved_and_no_rack_cools_another(seed, n, leak):
    a, flow, power = random_room(seed, n, leak)
    d = d_matrix(a, flow)
    assert d.min() >= -1e-18
    inlet = 15.0 + d @ power
    assert inlet.min() >= 15.0 - 1e-12
    returned = ((1.0 - a.sum(axis=1)) * flow * (inlet + power / flow - 15.0)).sum()
    # 1e-12 of V30, and the condition of the solve where nearly all air recirculates.
    assert returned == pytest.approx(power.sum(), rel=1e-12 / (1.0 - leak), abs=1e-9)


def test_more_power_in_one_rack_warms_only_those_its_air_reaches():
    a = np.zeros((3, 3))
    a[0, 1], a[1, 2] = 0.2, 0.3
    d = d_matrix(a, [1000.0, 1000.0, 1000.0])
    assert d[1, 0] == pytest.approx(0.2 / 1000.0, rel=1e-12)
    assert d[2, 0] == pytest.approx(0.06 / 1000.0, rel=1e-12)
    assert d[0].tolist() == [0.0, 0.0, 0.0]
    assert d[1, 2] == 0.0


@pytest.mark.parametrize(
    ("a", "flow", "says"),
    [
        (np.zeros((2, 3)), [1.0, 1.0], "shape"),
        (np.zeros((0, 0)), [], "shape"),
        ([[0.5, 0.5], [0.0, 0.0]], [1.0, 1.0], "row 0 sums to 1"),
        ([[0.0, -0.1], [0.0, 0.0]], [1.0, 1.0], "0..1"),
        ([[0.0, float("nan")], [0.0, 0.0]], [1.0, 1.0], "0..1"),
        (np.zeros((2, 2)), [1.0, 0.0], "> 0"),
        (np.zeros((2, 2)), [1.0, float("inf")], "> 0"),
        ([[0.0, 0.9], [0.0, 0.0]], [1000.0, 100.0], "column 1"),
    ],
)
def test_v30_a_room_that_cannot_be_is_refused(a, flow, says):
    with pytest.raises(ValueError, match=says):
        d_matrix(a, flow)
