"""Panels that feed racks of their own: their headroom is that of the panel, and adding it fills the panel."""

from __future__ import annotations

import numpy as np
import pytest

from twin.analysis.headroom import headroom
from twin.analysis.headroom_units import OwnUnits
from twin.core.columns import Group
from twin.power.network import solve
from twin.site.load import load_site
from twin.site.lower import lower

PANEL = "b1/h-4n3/rpp-A-03"


@pytest.fixture(scope="module")
def units():
    loaded = load_site("redundant-4n3")
    plan = lower(loaded)
    power = plan.arrays.group[:, Group.RATED] * plan.arrays.group[:, Group.COUNT] * 0.8
    return OwnUnits(loaded, plan, np.ones(len(plan.labels.hall), np.uint8), power)


def racks_of(units, panel):
    """Racks with a cord on a panel."""
    site = units.site
    n = site.index[panel]
    net = site.net
    blocks = [
        b
        for b, role in enumerate(site.role)
        if role == "racks" and n in net.feed[net.feed_ptr[b] : net.feed_ptr[b + 1]]
    ]
    return np.concatenate([np.arange(site.racks[b].start, site.racks[b].stop) for b in blocks])


def loading(units, racks, extra_w, lost=None):
    """Largest load per normal limit of all panels with ``extra_w`` more on ``racks``."""
    more = np.zeros(len(units.demand))
    each = units._rated[racks] / units._rated[racks].sum()
    for share, rack in zip(each, racks, strict=True):
        (block,) = (b for b, of in enumerate(units.site.racks) if rack in of)
        more[block] += extra_w * share
    up = np.ones(len(more))
    if lost is not None:
        up[units.site.index[lost]] = 0.0
    flows = solve(units.site.net, units.demand + more, up)
    limit = units.site.net.normal[units.units] * np.maximum(up[units.units], 1e-300)
    return float((flows.out[units.units] / limit)[up[units.units] > 0.0].max())


@pytest.mark.parametrize("panel", [PANEL, "b1/h-2n/rpp-B-02", "b1/h-block/rpp-A-01"])
def test_adding_the_headroom_fills_a_panel_and_one_percent_more_overfills_it(units, panel):
    racks = racks_of(units, panel)
    (full,), left = units.rooms(racks)
    assert loading(units, racks, full.extra_w) == pytest.approx(1.0, abs=1e-9)
    assert loading(units, racks, 1.01 * full.extra_w) > 1.0
    for one in left:
        assert loading(units, racks, one.extra_w, one.loss) == pytest.approx(1.0, abs=1e-9)
        assert one.extra_w < full.extra_w
    # A rack with one cord is lost with its panel: that is no headroom.
    assert bool(left) is ("block" not in panel)


def test_of_two_cords_half_of_what_is_added_ends_on_each_panel(units):
    racks = racks_of(units, PANEL)
    (full,), _ = units.rooms(racks)
    n = units.site.index[PANEL]
    slack = units.site.net.normal[n] - solve(units.site.net, units.demand).out[n]
    assert full.extra_w == pytest.approx(2.0 * slack, rel=1e-9)


def test_the_row_of_a_panel_is_bound_by_it_and_after_a_loss_by_its_partner():
    (row,) = headroom("redundant-4n3", [PANEL], load=1.0).rows
    assert row.present is not None
    assert row.design is not None
    assert row.n_1 is not None
    assert (row.present.where, row.design.where) == (PANEL, PANEL)
    assert row.n_1.loss == PANEL
    assert row.n_1.where.startswith("b1/h-4n3/rpp-")
    assert 0.0 < row.n_1.extra_w < row.design.extra_w
    (bound,) = (step for step in row.steps if step.rank == 1)
    assert bound.where == PANEL


def test_racks_behind_a_bank_alone_have_no_such_limit():
    loaded = load_site("oklahoma-10")
    plan = lower(loaded)
    power = plan.arrays.group[:, Group.RATED] * plan.arrays.group[:, Group.COUNT]
    units = OwnUnits(loaded, plan, np.ones(len(plan.labels.hall), np.uint8), power)
    assert units.rooms(np.arange(plan.racks)) == ([], [])
