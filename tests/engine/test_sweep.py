"""Faults from one checkpoint, followed as far as they reach: what the whole run says, for less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.bench.fault_sweep import against_full, difference, random_faults
from twin.analysis.fail import LEAD_S, fail
from twin.analysis.sweep import Sweep, plain, sweep, write_csv
from twin.analysis.sweep_text import render
from twin.core.columns import Group
from twin.core.errors import InputError
from twin.engine.faults import MODES, Fault, parse
from twin.engine.settle import SETTLE_STEP_S, SETTLE_STEPS
from twin.engine.sweep import follow, whole
from twin.site.generate import bench_site
from twin.site.lower_hall import interlocks

SITE = "oklahoma-10"
AT = "2028-07-11T18:00"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four halls of 256 racks behind eight CDUs each, two of them on a loop."""
    path = tmp_path_factory.mktemp("site") / "small.yaml"
    path.write_text(bench_site(1024, 4))
    return path


def swept(site: Any, *every: str, **how: Any) -> Sweep:
    return sweep(site, every, **{"lasting_s": 600.0, **how})


def test_what_is_followed_as_far_as_it_reaches_is_what_the_whole_site_does(small):
    """Trips within 0.2 s, peaks within 0.05 K, the same survivors: fourteen random faults of a campus."""
    check = swept(small, "economizer").check
    faults = random_faults(check, 14, 3)
    assert {check.known[fault.element].role for fault in faults} > {"cdu", "air", "loop"}
    found = against_full(str(small), check, faults, 600.0)
    assert found.trip_s <= 0.2
    assert found.peak_k <= 0.05
    assert found.survivors == 0


@pytest.mark.parametrize("mode", list(MODES["cdu"]))
@pytest.mark.parametrize("site", ["oklahoma-10", "frontier", "prairie-750"])
def test_a_cdu_apart_is_the_cdu_in_its_island(site, mode):
    """Air that racks share, halls of several kinds, loops of several temperatures, racks that follow pools."""
    check = swept(site, "economizer").check
    name = [name for name, place in check.known.items() if place.role == "cdu"][3]
    fault = Fault(name, mode, check.at_s, np.inf, MODES["cdu"][mode].amount)
    apart, all_of_it = follow(check, fault), whole(check, fault)
    assert (apart.island, all_of_it.island >= 0) == (-1, True)
    own = np.isin(all_of_it.groups, apart.groups)
    assert np.isnan(all_of_it.trip_s[~own]).all()
    assert apart.trip_s == pytest.approx(all_of_it.trip_s[own], abs=0.2, nan_ok=True)
    assert apart.rack_c == pytest.approx(all_of_it.rack_c, abs=0.05)
    assert (apart.cause == all_of_it.cause[own]).all()


@pytest.mark.parametrize(
    "text",
    [
        "b/h/manifold-01:units=2",
        "b/h/manifold-01:pumps=2",
        "b/hot:pumps=1",
        "b/h/manifold-01:control",
        "b/h/air:control",
    ],
)
def test_what_happens_on_a_manifold_is_what_the_whole_run_has(text):
    """What stands by takes over some seconds later, what is held is what flowed before: in the sweep as well."""
    check = swept("rubin-manifold", "economizer", load="full", at=AT).check
    fault = parse(text, check.at_s, np.inf, check.known, "fault")
    full = fail("rubin-manifold", [text], at=AT, load="full", lasting_s=600.0)
    found = difference(check, full, follow(check, fault))
    assert (found.trip_s <= 0.2, found.peak_k <= 0.05, found.survivors) == (True, True, 0)


def test_a_fault_that_reaches_further_is_followed_over_the_whole_island(monkeypatch):
    """Racks that wait since three days and a minute for their water, and trip half a minute after the fault."""
    limits = {Group.LIQUID_TRIP: 20.0, Group.TRIP_DELAY: (SETTLE_STEPS - 1) * SETTLE_STEP_S + LEAD_S + 30.0}
    monkeypatch.setattr("twin.engine.faults.interlocks", lambda rack: interlocks(rack) | limits)
    check = swept(SITE, "economizer").check
    found = follow(check, Fault("okc/hall-1/cdu-02", "fouling", check.at_s, np.inf, 0.3))
    assert found.island == 0
    assert found.trip_s == pytest.approx(np.full(10, 30.0), abs=1.0)


def test_worst_comes_first_and_equal_units_are_as_many_cases(tmp_path):
    found = swept(SITE, "cdu", "chiller", "pump", "tower", at=AT)
    trips = [row.racks_tripped for row in found.rows]
    assert trips == sorted(trips, reverse=True)
    assert found.rows[0].fault == "okc/chw:pumps"
    answer = plain(found)
    assert answer["cases"] == 10 + 2 + 1 + 2
    assert answer["followed"] == 10 + 1 + 1 + 1
    assert (answer["racks"], answer["rows"][0]["racks_left"]) == (176, 0)
    assert answer["rows"][0]["kw_lost"] == pytest.approx(1e3 * answer["it_mw"])
    write_csv(found, tmp_path / "cases.csv")
    lines = (tmp_path / "cases.csv").read_text().splitlines()
    assert len(lines) == 1 + 13
    assert lines[1].startswith("okc/chw:pumps,pump,1,176,0,")
    text = render(found, top=4)
    assert "15 single faults of cdu, chiller, pump, tower" in text
    assert "and 7 more" in text
    assert "11 cases trip racks, 4 take no rack beyond its limits" in text
    assert "not validated" in text


def test_slowing_down_buys_time_or_costs_nothing():
    with_it, without = (swept(SITE, "pump", at=AT, throttling=way).rows[0].first_trip_s for way in (True, False))
    assert with_it is not None
    assert without is not None
    assert with_it >= without - 1e-6


def test_threads_change_nothing():
    one, two = (plain(swept(SITE, "cdu", "air", at=AT, threads=n)) for n in (1, 2))
    assert one == two


def test_some_of_the_cdus_of_a_manifold_are_lost_where_there_is_one():
    """The last of its five carries 27 % of what the racks ask for: they slow down. A CDU alone has no such mode."""
    row = swept("rubin-manifold", "cdu:units=4", at=AT, load="full").rows[0]
    assert (row.fault, row.alike, row.racks_tripped) == ("b/h/manifold-01:units=4", 1, 0)
    assert row.kw_lost > 500.0
    with pytest.raises(InputError, match='no cdu here has the mode "units", expected pumps, facility'):
        swept(SITE, "cdu:units=1", lasting_s=60.0)


def test_halls_without_power_are_no_cases():
    early = swept("prairie-750", "pump", at="2026-10-01T00:00", lasting_s=60.0)
    assert early.without_power > 0
    assert {row.fault for row in early.rows} < {f"{name}:pumps" for name in early.check.plan.labels.loop}


@pytest.mark.parametrize(
    ("every", "says"),
    [
        (("chilller",), 'did you mean "chiller"'), (("cdu:pump",), 'did you mean "pumps"'),
        (("chiller:units=99",), "out of range"),
    ],
)  # fmt: skip
def test_a_kind_that_is_not_known_is_told(every, says):
    with pytest.raises(InputError, match=says):
        swept(SITE, *every)
