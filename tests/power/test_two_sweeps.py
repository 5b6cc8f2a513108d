"""Power flow by two sweeps: power is conserved, cords count once, voltages fall away from the source."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.power.loss import input_power
from twin.power.transformer import Transformer
from twin.power.voltage import (
    TOP,
    Radial,
    at_nominal,
    copper_factor,
    cords,
    line_branch,
    transformer_branch,
    two_sweeps,
)
from twin.site.library import load_library

BASE = 1e6
UNITS = st.tuples(
    st.floats(0.002, 0.012), st.floats(0.0002, 0.002), st.floats(0.03, 0.06), st.floats(0.0, 0.01), st.floats(0.9, 1.05)
)


@st.composite
def trees(draw: st.DrawFn) -> Radial:
    """Up to 12 branches, some of them at the source, each big enough for all the loads."""
    n = draw(st.integers(1, 12))
    parent = [draw(st.one_of(st.just(TOP), st.integers(k + 1, n - 1))) if k < n - 1 else TOP for k in range(n)]
    branches = []
    for _ in range(n):
        copper, iron, vk, i0, tap = draw(UNITS)
        branches.append(transformer_branch(6e6, copper * 6e6, iron * 6e6, vk, BASE, i0=i0, tap=tap))
    return Radial.of(parent, branches, BASE)


@st.composite
def loaded(draw: st.DrawFn, lagging: float = -0.3) -> tuple[Radial, np.ndarray, np.ndarray, np.ndarray]:
    """A network with loads of at most 4 MW in all; Q per P from ``lagging`` to 0.48."""
    net = draw(trees())
    n, m = len(net.parent), draw(st.integers(1, 8))
    node = np.array(draw(st.lists(st.integers(0, n - 1), min_size=m, max_size=m)))
    p = np.array(draw(st.lists(st.floats(0.0, 5e5), min_size=m, max_size=m)))
    q = p * np.array(draw(st.lists(st.floats(lagging, 0.48), min_size=m, max_size=m)))
    return net, node, p, q


@settings(deadline=None, max_examples=200, derandomize=True)
@given(loaded())
def test_what_the_source_gives_is_what_loads_take_and_branches_lose(case):
    net, node, p, q = case
    top = net.parent == TOP
    for flow, reactive in ((two_sweeps(net, node, p, q), True), (at_nominal(net, node, p, q), False)):
        assert flow.p_w[top].sum() == pytest.approx(p.sum() + flow.loss_w.sum(), rel=1e-12, abs=1e-6)
        lost = flow.loss_var.sum() if reactive else 0.0
        assert flow.q_var[top].sum() == pytest.approx(q.sum() + lost, rel=1e-9, abs=1e-3)
        assert (flow.loss_w >= 0.0).all()


@settings(deadline=None, max_examples=200, derandomize=True)
@given(loaded(), st.data())
def test_no_cord_counts_twice_whatever_the_shares(case, data):
    net, node, p, q = case
    m = len(p)
    other = np.array(data.draw(st.lists(st.integers(0, len(net.parent) - 1), min_size=m, max_size=m)))
    share = np.array(data.draw(st.lists(st.floats(0.0, 1.0), min_size=m, max_size=m)))
    at, watts, var = cords(node, other, p, q, share)
    assert watts[:m] + watts[m:] == pytest.approx(p, rel=1e-14)
    assert var[:m] + var[m:] == pytest.approx(q, rel=1e-14, abs=1e-9)
    flow = two_sweeps(net, at, watts, var)
    assert flow.p_w[net.parent == TOP].sum() - flow.loss_w.sum() == pytest.approx(p.sum(), rel=1e-12, abs=1e-6)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(loaded(lagging=0.0), st.floats(0.95, 1.05))
def test_lagging_loads_pull_the_voltage_down_from_node_to_node(case, source):
    net, node, p, q = case
    flow = two_sweeps(net, node, p, q, source)
    above = np.where(net.parent == TOP, source, flow.voltage[net.parent]) / net.tap
    assert (flow.voltage <= above + 1e-12).all()
    carries = flow.p_w - flow.loss_w > 1.0
    assert (flow.voltage[carries] < above[carries]).all()


@settings(deadline=None, max_examples=100, derandomize=True)
@given(loaded(), st.floats(1.02, 1.3))
def test_more_load_loses_more_copper(case, more):
    net, node, p, q = case
    bare = replace(net, g=0.0 * net.g, b=0.0 * net.b)
    less, greater = two_sweeps(bare, node, p, q), two_sweeps(bare, node, more * p, more * q)
    assert (greater.loss_w >= less.loss_w).all()
    assert p.sum() < 1.0 or greater.total_loss_w > less.total_loss_w


def one(**more: Any) -> Radial:
    """The 2.5 MVA transformer of the library, alone."""
    return Radial.of([TOP], [transformer_branch(2.5e6, 18_500.0, 1575.0, 0.06, BASE, **more)], BASE)


def lost(net: Radial, watts: float, form: Any = two_sweeps) -> float:
    flow = form(net, np.array([0]), np.array([watts]), np.array([0.0]))
    return float(flow.total_loss_w)


def test_the_form_without_voltage_is_the_law_of_the_library():
    rated, a, b, c = load_library().get("tr-2500-eu-tier2", Transformer).law(1.0)
    for x in (0.0, 0.3, 1.0):
        out = x * rated
        assert lost(one(), out, at_nominal) == pytest.approx(input_power(out, rated, a, b, c) - out, rel=1e-12)


def test_a_transformer_loses_what_the_sheet_says_of_a_load_flow():
    """Physics sheet V04: 1.575, 2.736, 6.238 and 20.422 kW at no, quarter, half and full load."""
    for x, kw in ((0.0, 1.575), (0.25, 2.736), (0.5, 6.238), (1.0, 20.422)):
        assert lost(one(), x * 2.5e6) == pytest.approx(1e3 * kw, rel=2e-3)


def test_warm_copper_loses_more_and_iron_does_not_care():
    assert copper_factor(75.0) == 1.0
    assert copper_factor(20.0) == pytest.approx(255.0 / 310.0)
    cold, warm = one(winding_c=20.0), one(winding_c=110.0)
    assert warm.r / cold.r == pytest.approx(345.0 / 255.0)
    assert (warm.x, warm.g) == (cold.x, cold.g)
    assert lost(warm, 2e6) > lost(one(), 2e6) > lost(cold, 2e6)


def test_two_in_parallel_lose_what_each_loses_at_half():
    assert lost(one(count=2), 2e6) == pytest.approx(2.0 * lost(one(), 1e6), rel=1e-12)


def test_a_cable_charges_and_drops_as_by_hand():
    """20 kV, 240 mm2, 5 km, 8 MW at unity: I = 231 A, 3 I^2 R = 97.6 kW at nominal voltage, wC U^2 = 191 kvar."""
    net = Radial.of([TOP], [line_branch(0.122, 0.112, 5.0, 20.0, BASE, s_km=2.0 * np.pi * 50.0 * 304e-9)], BASE)
    flow = two_sweeps(net, np.array([0]), np.array([8e6]), np.array([0.0]))
    assert flow.loss_w[0] == pytest.approx(97.6e3, rel=0.03)
    assert flow.voltage[0] == pytest.approx(1.0 - 0.61 * 8e6 / 20e3**2, abs=3e-4)
    empty = two_sweeps(net, np.array([0]), np.array([0.0]), np.array([0.0]))
    assert empty.q_var[0] == pytest.approx(-191e3, rel=1e-2)


def test_a_tap_lifts_the_voltage_and_lowers_the_copper_loss():
    flow = [two_sweeps(one(tap=tap), np.array([0]), np.array([2e6]), np.array([9e5])) for tap in (1.0, 0.95)]
    assert flow[1].voltage[0] - flow[0].voltage[0] == pytest.approx(0.05, abs=0.01)
    assert flow[1].total_loss_w < flow[0].total_loss_w


def test_a_network_that_is_none_is_refused():
    branch = transformer_branch(2.5e6, 18_500.0, 1575.0, 0.06, BASE)
    with pytest.raises(ValueError, match="node 1: its parent must stand behind it"):
        Radial.of([1, 0], [branch, branch], BASE)
    with pytest.raises(ValueError, match="must be above Pk/S_r"):
        transformer_branch(1e6, 10_000.0, 1000.0, 0.005, BASE)
    with pytest.raises(ValueError, match="one length"):
        Radial(np.array([TOP]), np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(2), np.ones(1))
    with pytest.raises(ValueError, match=r"share of a cord lies in 0\.\.1"):
        cords(np.array([0]), np.array([0]), np.ones(1), np.ones(1), 1.2)


def test_a_load_that_no_network_can_carry_is_told():
    with pytest.raises(ValueError, match="voltage collapses"):
        lost(one(), 40e6)
