"""Groups cut at blocks of racks: the same racks, the same physics, only more rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.columns import Group
from twin.engine.blocks import split
from twin.engine.prepare import prepare
from twin.site.load import load_site
from twin.site.lower import lower

PLAN = lower(load_site("prairie-750"))


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, PLAN.racks), max_size=40))
def test_every_cut_ends_a_group_and_no_rack_changes_its_hall_its_loops_or_its_kind(cuts):
    made, a = split(PLAN, cuts), PLAN.arrays
    b = made.arrays
    assert set(b.group_rack.tolist()) == set(a.group_rack.tolist()) | cuts
    assert (b.group[:, Group.COUNT] == np.diff(b.group_rack)).all()
    of_old, of_new = (np.repeat(np.arange(len(x.group)), np.diff(x.group_rack)) for x in (a, b))
    others = [column for column in Group if column != Group.COUNT]
    assert (a.group[of_old][:, others] == b.group[of_new][:, others]).all()
    for name in ("group_liquid", "group_air", "group_curve"):
        assert (getattr(a, name)[of_old] == getattr(b, name)[of_new]).all()
    halls_old, halls_new = (np.repeat(np.arange(len(x.hall_group) - 1), np.diff(x.hall_group)) for x in (a, b))
    assert (halls_old[of_old] == halls_new[of_new]).all()
    assert [PLAN.labels.group_kind[g] for g in of_old] == [made.labels.group_kind[g] for g in of_new]


def test_a_plan_without_a_cut_inside_a_group_stays_as_it_is():
    assert split(PLAN, PLAN.arrays.group_rack.tolist()) is PLAN


def test_a_run_does_not_hang_on_how_racks_are_grouped():
    prepared = prepare("oklahoma-10", start="2028-07-11T18:00", end="2028-07-11T19:00", step=10.0, every=60.0)
    racks = prepared.plan.racks
    runs = [
        np.concatenate([r.levels["site"][:, 0] for r in replace(prepared, plan=plan).engine().blocks()])
        for plan in (prepared.plan, split(prepared.plan, range(0, racks, 7)))
    ]
    assert np.allclose(runs[0][:, :-1], runs[1][:, :-1], rtol=1e-12, atol=1e-9)
