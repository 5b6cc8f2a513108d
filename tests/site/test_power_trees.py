"""Voltage over a site's network: drops by the textbook, conservation, cords once, what regulates ends a tree."""

from __future__ import annotations

from math import acos, sqrt, tan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.errors import InputError
from twin.power.busway import Busway
from twin.power.feeder import Feeder
from twin.power.network import GRID, Network, solve
from twin.power.transformer import Transformer
from twin.power.ups import Ups
from twin.site.power_site import PowerSite
from twin.site.power_trees import site_voltage

PF = 0.95
TAN = tan(acos(PF))


def figures(**values):
    return {key: {"value": float(v), "source": "a test", "confidence": "estimate"} for key, v in values.items()}


def made(kind, **values):
    return kind.model_validate({"kind": kind.KIND, "title": "a device", **figures(**values)})


def transformer(**more):
    values = {"rated_kva": 2500, "no_load_loss_kw": 0, "load_loss_kw": 18.5, "impedance_pct": 6} | more
    return made(Transformer, **{key: value for key, value in values.items() if value is not None})


LAW = {"no_load_loss": 0, "proportional_loss": 0}
FEEDER = made(Feeder, rated_kw=5000, square_loss=0.01, reactance_mohm=400, voltage_kv=20, **LAW)
PLAIN = made(Busway, rated_kw=5000, square_loss=0.01, **LAW)
UPS = made(Ups, rated_kw=2000, no_load_loss=0.006, proportional_loss=0.012, square_loss=0.012)


def site_of(*rows):
    """Rows, children first: (device, units, feeds by row); a row without a device is a load."""
    law = np.array([(0.0,) * 4 if d is None else d.law(PF) for d, _, _ in rows])
    units = np.array([u for _, u, _ in rows], np.int64)
    feeds = [(f, s) for _, _, by in rows for f, s in by.items()]
    n, ends = len(rows), np.cumsum([0, *(len(by) for _, _, by in rows)])
    rated, a, b, c = law[:, 0] * units.astype(np.float64), law[:, 1], law[:, 2], law[:, 3]
    net = Network(
        rated, a, b, c, np.full(n, np.inf), np.full(n, np.inf), units, ends.astype(np.int64),
        np.array([f for f, _ in feeds], np.int64), np.array([s for _, s in feeds], np.float64),
    )  # fmt: skip
    none, minus = (None,) * n, np.full(n, -1)
    return PowerSite(
        net=net, name=tuple(f"n{k}" for k in range(n)),
        role=tuple("racks" if d is None else "element" for d, _, _ in rows), hall=minus, element=minus, system=minus,
        device=tuple(d for d, _, _ in rows), backed=none, backed_by=("",) * n, racks=[range(0)] * n, stores=none,
        node_of_sec=minus, node_of_fac=minus,
    )  # fmt: skip


def flow_of(site, demand, factor=PF):
    demand = np.array(demand, np.float64)
    return site_voltage(site, demand, solve(site.net, demand), factor)


def conserved(site, demand, found):
    """What the grid gives is the load and the losses of either form, each as it counts them."""
    demand = np.array(demand, np.float64)
    assert found.grid_w == pytest.approx(demand.sum() + found.loss_w.sum(), rel=1e-12)
    assert solve(site.net, demand).grid == pytest.approx(demand.sum() + found.law_w.sum(), rel=1e-12)


@pytest.mark.parametrize("load", [0.25, 0.5, 1.0])
def test_the_drop_of_one_transformer_is_that_of_the_quartic(load):
    site = site_of((None, 1, {1: 1.0}), (transformer(), 1, {GRID: 1.0}))
    watt = load * PF * 2.5e6
    found = flow_of(site, [watt, 0.0])
    r, p, q = 0.0074, load * PF, load * PF * TAN
    x = sqrt(0.06**2 - r**2)
    half = 0.5 - (r * p + x * q)
    voltage = sqrt(half + sqrt(half**2 - 0.06**2 * (p * p + q * q)))
    assert found.voltage[1] == pytest.approx(voltage, abs=2e-4)
    assert found.voltage[1] == pytest.approx(1.0 - (r * p + x * q) - (x * p - r * q) ** 2 / 2.0, abs=2e-3)
    assert found.loss_w[1] == pytest.approx(r * load**2 / voltage**2 * 2.5e6, rel=2e-3)
    assert found.law_w[1] == pytest.approx(r * load**2 * 2.5e6, rel=1e-12)
    assert found.q_var[1] == pytest.approx((q + x * load**2 / voltage**2) * 2.5e6, rel=2e-3)
    conserved(site, [watt, 0.0], found)


def test_a_feeder_has_the_loss_of_its_law_at_nominal_voltage_and_a_drop_by_its_reactance():
    site = site_of((None, 1, {1: 1.0}), (FEEDER, 2, {GRID: 1.0}))
    watt = 4e6
    found = flow_of(site, [watt, 0.0])
    ohm = 400e3 / 1e6 / 2.0  # 400 mOhm, two of them
    drop = (0.01 * PF**2 / (2 * 5e6) * watt) + ohm * watt * TAN / 20e3**2
    assert found.voltage[1] == pytest.approx(1.0 - drop, abs=1e-4)
    assert found.loss_w[1] == pytest.approx(found.law_w[1] / found.voltage[1] ** 2, rel=1e-3)


def test_without_an_impedance_there_is_no_drop_and_the_law_stays():
    site = site_of((None, 1, {1: 1.0}), (transformer(impedance_pct=None), 1, {2: 1.0}), (PLAIN, 1, {GRID: 1.0}))
    found = flow_of(site, [2e6, 0.0, 0.0])
    assert found.voltage.tolist() == [1.0, 1.0, 1.0]
    assert not found.drops.any()
    assert found.loss_w == pytest.approx(found.law_w, rel=1e-12)
    assert found.grid_var == pytest.approx(2e6 * TAN, rel=1e-12)


def test_a_ups_ends_the_tree_as_a_load_of_constant_power():
    above = (transformer(), 1, {GRID: 1.0})
    site = site_of((None, 1, {1: 1.0}), (FEEDER, 1, {2: 1.0}), (UPS, 1, {3: 1.0}), above)
    demand = [1.5e6, 0.0, 0.0, 0.0]
    found, flows = flow_of(site, demand), solve(site.net, np.array(demand))
    alone = flow_of(site_of((None, 1, {1: 1.0}), above), [flows.into[2], 0.0])
    assert found.held.tolist() == [True, True, True, False]
    assert found.voltage[:3].tolist() == [1.0, 1.0, 1.0]
    assert found.voltage[3] == pytest.approx(alone.voltage[1], rel=1e-12)
    assert found.q_var[2] == pytest.approx(flows.into[2] * TAN, rel=1e-12)
    assert np.isnan(found.q_var[:2]).all()
    assert found.loss_w[:3] == pytest.approx(found.law_w[:3], rel=1e-12)
    conserved(site, demand, found)


def test_each_cord_is_its_own_load_on_its_own_tree_and_counts_once():
    site = site_of((None, 1, {1: 0.5, 2: 0.5}), (transformer(), 1, {GRID: 1.0}), (transformer(), 1, {GRID: 1.0}))
    found = flow_of(site, [3e6, 0.0, 0.0])
    one = flow_of(site_of((None, 1, {1: 1.0}), (transformer(), 1, {GRID: 1.0})), [1.5e6, 0.0])
    for n in (1, 2):
        assert found.voltage[n] == pytest.approx(one.voltage[1], rel=1e-12)
        assert found.loss_w[n] == pytest.approx(one.loss_w[1], rel=1e-12)
    assert found.grid_w == pytest.approx(2.0 * one.grid_w, rel=1e-12)
    assert found.grid_var == pytest.approx(2.0 * one.grid_var, rel=1e-12)


def test_a_feed_that_stands_by_carries_nothing_and_its_busbar_has_the_voltage_above():
    spare = site_of((None, 1, {1: 1.0, 2: 0.0}), (transformer(), 1, {GRID: 1.0}), (transformer(), 1, {GRID: 1.0}))
    found = flow_of(spare, [1.5e6, 0.0, 0.0])
    assert found.loss_w[2] == found.q_var[2] == 0.0
    assert found.voltage[2] == 1.0
    assert found.voltage[1] < 0.99
    conserved(spare, [1.5e6, 0.0, 0.0], found)


def test_a_bank_on_two_feeds_is_split_by_its_shares():
    """Half of four units on each tree: as two banks of two, and the voltage of the busbar is their mean."""
    above = ((FEEDER, 1, {GRID: 1.0}), (FEEDER, 4, {GRID: 1.0}))
    site = site_of((None, 1, {1: 1.0}), (transformer(), 4, {2: 0.5, 3: 0.5}), *above)
    apart = site_of(
        (None, 1, {2: 1.0}), (None, 1, {3: 1.0}), (transformer(), 2, {4: 1.0}), (transformer(), 2, {5: 1.0}), *above
    )
    found = flow_of(site, [6e6, 0.0, 0.0, 0.0])
    halves = flow_of(apart, [3e6, 3e6, 0.0, 0.0, 0.0, 0.0])
    assert found.voltage[1] == pytest.approx(halves.voltage[2:4].mean(), rel=1e-12)
    assert halves.voltage[2] < halves.voltage[3]
    assert found.loss_w[1] == pytest.approx(halves.loss_w[2:4].sum(), rel=1e-12)
    assert found.grid_w == pytest.approx(halves.grid_w, rel=1e-12)


@pytest.mark.parametrize("load", [0.1, 0.6, 1.0])
def test_tap_changers_in_series_hold_each_its_busbar_within_a_step(load):
    taps = {"tap_step_pct": 1.25, "tap_range_pct": 12.5}
    upper = transformer(rated_kva=10_000, load_loss_kw=40, impedance_pct=12, **taps)
    lower = transformer(rated_kva=10_000, load_loss_kw=40, impedance_pct=10, **taps)
    site = site_of((None, 1, {1: 1.0}), (lower, 1, {2: 1.0}), (upper, 1, {GRID: 1.0}))
    found = flow_of(site, [load * 9e6, 0.0, 0.0])
    for n in (1, 2):
        assert 1.0 - 2e-4 <= found.voltage[n] < 1.0 + 1.3 * 0.0125
    assert found.tap[2] < 1.0 or load == 0.1
    short = transformer(rated_kva=10_000, load_loss_kw=40, impedance_pct=12, tap_step_pct=1.25, tap_range_pct=1.25)
    end = flow_of(site_of((None, 1, {1: 1.0}), (short, 1, {GRID: 1.0})), [9e6, 0.0])
    assert end.tap[1] == pytest.approx(0.9875)
    assert end.voltage[1] < 1.0


def test_a_collapse_is_told():
    site = site_of((None, 1, {1: 1.0}), (transformer(impedance_pct=30), 1, {GRID: 1.0}))
    with pytest.raises(InputError, match="voltage collapses"):
        flow_of(site, [6e6, 0.0])


def test_an_impedance_below_its_copper_or_half_of_one_is_refused():
    with pytest.raises(ValueError, match=r"must be above load_loss_kw per rated_kva, 0\.74 %"):
        transformer(impedance_pct=0.7)
    with pytest.raises(ValueError, match="give tap_step_pct and tap_range_pct together"):
        transformer(tap_step_pct=1.0)
    with pytest.raises(ValueError, match="give reactance_mohm and voltage_kv together"):
        made(Feeder, rated_kw=5000, square_loss=0.01, reactance_mohm=400, **LAW)


DEVICES = [
    transformer(no_load_loss_kw=1.5, no_load_current_pct=0.2),
    FEEDER,
    PLAIN,
    UPS,
    transformer(impedance_pct=None),
]


@st.composite
def sites(draw):
    """Loads with one or two cords on up to six elements, each on one or two feeds further up."""
    loads, n = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    rows, demand = [], []
    for k in range(loads + n):
        above = [*range(max(k + 1, loads), loads + n)] or [GRID]
        feeds = draw(st.lists(st.sampled_from(above), min_size=1, max_size=2, unique=True))
        share = 1.0 if len(feeds) == 1 else draw(st.sampled_from([0.5, 0.3, 1.0]))
        shares = dict(zip(feeds, (share, 1.0 - share), strict=False))
        rows.append((None if k < loads else draw(st.sampled_from(DEVICES)), 1 if k < loads else 8, shares))
        demand.append(draw(st.floats(1e4, 5e5)) if k < loads else 0.0)
    return site_of(*rows), demand


@given(sites())
@settings(max_examples=150, deadline=None)
def test_power_is_conserved_and_both_forms_agree_within_6_percent(case):
    site, demand = case
    found = flow_of(site, demand)
    conserved(site, demand, found)
    assert found.loss_w.sum() == pytest.approx(found.law_w.sum(), rel=0.06)
    assert (found.voltage > 0.9).all()
    assert (found.voltage <= 1.0 + 1e-12).all()
