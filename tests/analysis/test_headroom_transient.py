"""On the way to the steady state after a loss: what N-1 headroom allows either trips nothing there, or it is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twin.analysis.headroom import Headroom, headroom
from twin.analysis.headroom_text import plain, render
from twin.analysis.headroom_transient import carrying, transients
from twin.core.columns import Group
from twin.engine.still import frozen
from twin.forcing.coincident import Air
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.lower_hall import interlocks

SITE, HALL = "oklahoma-10", "okc/hall-1"


def asked(**how: Any) -> Headroom:
    return headroom(SITE, [HALL], transient=True, **how)


def test_a_row_says_whether_the_transfer_trips_anything():
    (row,) = asked().rows
    assert row.transient_ok is True
    assert [one.loss for one in row.transients] == [
        loss.loss for loss in row.losses if loss.loss.endswith(("chillers", "rejection", "air"))
    ]
    told = plain(asked())["elements"][0]
    assert told["transient_ok"] is True
    assert {one["racks_tripped"] for one in told["transients"]} == {0}
    assert "on the way there, with its N-1 headroom added" in render(asked())


def test_without_being_asked_nothing_is_run():
    (row,) = headroom(SITE, [HALL]).rows
    assert row.transient_ok is None
    assert "on the way there" not in render(headroom(SITE, [HALL]))


def test_more_than_one_machine_can_carry_trips_racks_once_the_loop_is_warm(monkeypatch):
    """1.3 of the rating on two chillers of 7 MW: what one leaves over warms 420 MJ/K of water."""
    limits = {Group.LIQUID_TRIP: 25.0}
    monkeypatch.setattr("twin.engine.faults.interlocks", lambda rack: interlocks(rack) | limits)
    (row,) = headroom(SITE, [HALL]).rows
    loaded, at_s = load_site(SITE), 1_846_000_000.0
    plan = frozen(lower(loaded), at_s)
    rated = plan.arrays.group[:, Group.COUNT] * plan.arrays.group[:, Group.RATED]
    days = {"0.4 % dry bulb": [Air(33.9, 24.1, 101_325.0)], "0.4 % wet bulb": [Air(31.4, 25.0, 101_325.0)]}
    made = {one.loss: one for one in transients(loaded, plan, at_s, 1.3 * rated, row.losses, days)}
    lost = made["okc/chw/chillers"]
    assert not lost.ok
    assert lost.racks_tripped > 0
    assert lost.first_trip_s is not None
    assert 300.0 < lost.first_trip_s < 1800.0
    assert made["okc/hall-1/air"].ok


def test_racks_carry_what_is_added_and_more_of_them_beyond_their_rating():
    plan = frozen(lower(load_site(SITE)), 1_846_000_000.0)
    rated = plan.arrays.group[:, Group.COUNT] * plan.arrays.group[:, Group.RATED]
    made = carrying(plan, 1.25 * rated).arrays.group
    assert made[:, Group.P0] * made[:, Group.COUNT] == pytest.approx(1.25 * rated)
    assert made[:, Group.RATED] == pytest.approx(1.25 * plan.arrays.group[:, Group.RATED])
    assert made[:, Group.UA] == pytest.approx(1.25 * plan.arrays.group[:, Group.UA])
    less = carrying(plan, 0.5 * rated).arrays.group
    assert less[:, Group.C_PLATE] == pytest.approx(plan.arrays.group[:, Group.C_PLATE])
    assert less[:, Group.P0] * less[:, Group.COUNT] == pytest.approx(0.5 * rated)


def test_nothing_is_looked_at_without_losses_that_water_feels():
    loaded = load_site(SITE)
    assert transients(loaded, lower(loaded), 0.0, np.zeros(10), (), {}) == ()
