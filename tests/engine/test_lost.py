"""A plan with units lost is the plan of a site that was built without them, and what falls is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.shipped_sites import COMPLETE
from twin.core.columns import Elm, Fac
from twin.core.errors import InputError
from twin.engine.lost import Bank, banks, without
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.model import Site
from twin.site.plan import Plan

TWO_FEEDS = """\
format: 1
base: oklahoma-10
name: two-feeds
electrical:
  elements:
    a: {device: mv-feeder, count: 1, fed_from: grid}
    b: {device: mv-feeder, count: 2, fed_from: grid}
    mv: {fed_from: {a: 0.6, b: 0.4}}
"""


@pytest.fixture(scope="module", params=sorted(set(COMPLETE) - {"prairie-750"}))
def known(request: pytest.FixtureRequest) -> tuple[LoadedSite, Plan]:
    """A shipped site and its plan; the large one repeats the others' kinds."""
    loaded = load_site(request.param)
    return loaded, lower(loaded)


def built_with_fewer(loaded: LoadedSite, name: str, bank: Bank) -> Plan:
    """The plan of a site that has one unit less of a bank; of a hall's bank in every hall of its template."""
    site = loaded.site.model_dump(by_alias=True, exclude_unset=True)
    if bank.kind == "element":
        part = site["electrical"]["elements"][name]
    elif bank.kind in ("air", "manifold", "link"):
        building, hall, id = name.split("/")
        template = site["templates"][site["buildings"][building]["halls"][hall]["template"]]
        own = {"air": template["air"], "manifold": template.get("liquid")}
        part = template["chain"][id] if bank.kind == "link" else own[bank.kind]
    else:
        building, loop, id = name.split("/")
        part = site["buildings"][building]["loops"][loop]["plant"][id]
    part["count"] -= bank.each
    if part.get("systems", 1) > 1:
        part["systems"] -= 1
        part["reserve"] = 0  # what was in reserve is in service
    return lower(replace(loaded, site=Site.model_validate(site)))


def test_a_plan_with_a_unit_lost_is_that_of_a_site_built_without_it(known):
    loaded, plan = known
    before = [column.copy() for column in plan.arrays]
    several = {name: bank for name, bank in banks(loaded, plan).items() if bank.count > 1 and not bank.alone}
    assert len(several) > 0
    for name, bank in several.items():
        lost, built = without(loaded, plan, name, bank.each), built_with_fewer(loaded, name, bank)
        table = {"air": "sec", "manifold": "sec", "link": "element", "element": "element"}.get(bank.kind, "fac")
        for own in (table, "rejection") if bank.kind == "rejection" else (table,):
            np.testing.assert_allclose(
                getattr(lost.arrays, own)[bank.index], getattr(built.arrays, own)[bank.index], rtol=1e-9
            )
        # Everything else stands as it stood.
        for column, old, new in zip(plan.arrays._fields, before, lost.arrays, strict=True):
            kept = np.arange(len(old)) != bank.index if column in (table, "rejection") else slice(None)
            np.testing.assert_array_equal(new[kept], old[kept])
    for old, now in zip(before, plan.arrays, strict=True):
        np.testing.assert_array_equal(now, old)


def test_without_its_last_chiller_a_plant_has_its_economiser_left():
    loaded = load_site("oklahoma-10")
    lost = without(loaded, lower(loaded), "okc/chw/chillers", 2).arrays.fac[0]
    assert (lost[Fac.CHILLERS], lost[Fac.ECONOMIZER] > 0.0) == (0.0, True)
    assert without(loaded, lower(loaded), "okc/chw/economizer").arrays.fac[0, Fac.ECONOMIZER] == 0.0


def test_a_load_goes_over_to_the_feed_that_is_left(tmp_path: Path):
    (tmp_path / "two.yaml").write_text(TWO_FEEDS)
    loaded = load_site(tmp_path / "two.yaml")
    plan = lower(loaded)
    lost = without(loaded, plan, "a").arrays
    at = {name: i for i, name in enumerate(plan.labels.element)}
    feeds = slice(lost.feed_ptr[at["mv"]], lost.feed_ptr[at["mv"] + 1])
    assert dict(zip(lost.feed[feeds], lost.feed_share[feeds], strict=True)) == {at["a"]: 0.0, at["b"]: 1.0}
    assert not lost.element[at["a"]].any()
    assert lost.element[at["b"], Elm.LIMIT] == plan.arrays.element[at["b"], Elm.LIMIT]


@pytest.mark.parametrize(
    ("site", "element", "units", "told"),
    [
        ("oklahoma-10", "okc/hall-1/cdu-03", 1, "stands alone"),
        ("oklahoma-10", "okc/hall-1/up", 1, 'did you mean "okc/hall-1/ups"?'),
        ("oklahoma-10", "okc/hall-1/ups", 4, "has 3 units, expected 1 to 3 lost, got 4"),
        ("oklahoma-10", "okc/hall-1/ups", 3, "nothing is left"),
        ("oklahoma-10", "okc/hall-1/air", 3, "nothing is left"),
        ("oklahoma-10", "okc/chw/rejection", 2, "nothing is left"),
        ("oklahoma-10", "mv", 2, "no other feed"),
        ("frontier", "e102/htw/economizer", 1, "no chillers"),
    ],
)
def test_what_leaves_nothing_to_carry_on_is_refused(site, element, units, told):
    loaded = load_site(site)
    with pytest.raises(InputError, match=told.replace("?", r"\?")):
        without(loaded, lower(loaded), element, units)


def test_an_element_may_be_named_with_its_role():
    loaded = load_site("oklahoma-10")
    plan = lower(loaded)
    for name in ("element:okc/hall-1/ups", "okc/hall-1/ups"):
        assert without(loaded, plan, name).arrays.element[1, Elm.LIMIT] == plan.arrays.element[1, Elm.LIMIT] * 2 / 3


STANDBY = """\
base: redundant-4n3
name: standby
title: A site whose switchboards have a second service
"""


def test_what_stands_by_takes_over_and_a_hall_loses_the_systems_on_a_dead_feed(tmp_path):
    file = tmp_path / "standby.yaml"
    file.write_text(STANDBY)
    loaded = load_site(file)
    plan = lower(loaded)
    a, names = plan.arrays, plan.labels.element
    left = without(loaded, plan, "main-2").arrays
    for bus in ("bus-b", "bus-d"):
        e = names.index(bus)
        feeds = slice(a.feed_ptr[e], a.feed_ptr[e + 1])
        taken = {names[i]: share for i, share in zip(a.feed[feeds], left.feed_share[feeds], strict=True)}
        assert taken == {"main-2": 0.0, "main-1": 1.0}
    np.testing.assert_array_equal(left.element[: plan.hall_elements], a.element[: plan.hall_elements])
    # Without its own board a hall loses system A: 3 of 4 are left, of the block-redundant one as many as before.
    left = without(loaded, plan, "bus-a").arrays
    for link, share in (("b1/h-4n3/ups", 0.75), ("b1/h-2n/ups", 0.5), ("b1/h-block/ups", 1.0)):
        e = names.index(link)
        assert left.element[e, Elm.LIMIT] == pytest.approx(share * a.element[e, Elm.LIMIT], rel=1e-12)
