"""The graph of a site: complete, the same names as the results, amounts that add up, losses that follow the paths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.shipped_sites import COMPLETE
from twin.engine.layout import coordinates
from twin.engine.timeline import Timeline
from twin.site.graph import Graph
from twin.site.graph_of import site_graph
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.plan import Plan
from twin.site.waterfall import waterfall

TWO_FEEDS = """\
format: 1
base: oklahoma-10
name: two-feeds
electrical:
  elements:
    a: {device: mv-feeder, count: 2, fed_from: grid}
    b: {device: mv-feeder, count: 2, fed_from: grid}
    mv: {fed_from: {a: 0.6, b: 0.4}}
buildings:
  okc:
    halls:
      hall-2: {fed_from: a}
"""
HOUR = Timeline(0.0, 3600.0, 3600.0, 3600.0, np.zeros(0), 1)
Known = tuple[LoadedSite, Plan, Graph]


@pytest.fixture(scope="module", params=COMPLETE)
def known(request: pytest.FixtureRequest) -> Known:
    """A shipped site, its Plan and its graph."""
    loaded = load_site(request.param)
    return loaded, lower(loaded), site_graph(loaded)


@pytest.fixture
def two(tmp_path: Path) -> Graph:
    """oklahoma-10 with its feeder on two others, one of which feeds the second hall directly."""
    file = tmp_path / "two.yaml"
    file.write_text(TWO_FEEDS)
    return site_graph(load_site(file))


def keys(graph: Graph, role: str) -> set[str]:
    return {key for key, node in graph.nodes.items() if node.role == role}


def test_every_name_of_the_results_is_in_the_graph_and_no_other(known):
    loaded, plan, graph = known
    coords = {c.name: list(c.values) for c in coordinates(plan, loaded, HOUR, "rack")}
    fleet = plan.fleet
    expected = {
        "rack": coords["rack"],
        "cdu": coords["cdu"],
        "loop": coords["loop"],
        "air": [plan.labels.sec[s] for s in plan.air_sec],
        "pool": fleet.pool if fleet else [],
        "service": fleet.service if fleet else [],
        "workload": fleet.workload if fleet else [],
    }
    for role, names in expected.items():
        assert keys(graph, role) == {f"{role}:{name}" for name in names}, role
    # A link of several systems, or of units with racks of their own, holds them; where feeds join is no element.
    links = {node.name for node in graph.containers.values() if node.role == "link"}
    whole = {graph.nodes[key].name for key in keys(graph, "element") if not graph.nodes[key].link}
    assert whole | links == {name for name in coords["element"] if not name.endswith("/feeds")}
    rows = {f"{hall}/{row}" for hall, row in zip(coords["rack_hall"], coords["rack_row"], strict=True)}
    held = {"hall": set(coords["hall"]), "building": set(plan.labels.hall_building), "row": rows, "link": links}
    assert set(graph.containers) == {f"{role}:{name}" for role, names in held.items() for name in names}


def test_what_feeds_a_rack_begins_at_the_grid_and_at_a_heat_rejection(known):
    _, _, graph = known
    for row in (key for key, node in graph.containers.items() if node.role == "row"):
        first = graph.parts[row][0]
        above = graph.above([first])
        assert "grid:grid" in above
        assert above & keys(graph, "rejection")
        first = {key for key in above if not graph.into[key]}
        assert first - keys(graph, "generator") == {"grid:grid"}


def test_what_the_grid_feeds_holds_every_rack_and_all_is_lost_without_it(known):
    _, plan, graph = known
    sources = {"grid:grid", *keys(graph, "generator")}
    effects = graph.effects(sources)
    assert set(effects) == set(graph.nodes) - sources
    assert len(keys(graph, "rack")) == plan.racks
    assert {effect.state for effect in effects.values()} == {"alone"}


def test_feeding_is_the_inverse_of_being_fed(known):
    _, _, graph = known
    some = [key for key in graph.nodes if not key.startswith("rack:")]
    some = some[:: max(1, len(some) // 40)]
    above = {key: graph.above([key]) for key in some}
    for key in some:
        below = graph.below([key])
        assert {other for other in some if key in above[other]} == below & set(some)


def test_the_racks_behind_a_cdu_are_those_of_the_plan(known):
    _, plan, graph = known
    a = plan.arrays
    kinds = np.repeat(a.group_liquid, np.diff(a.group_rack))
    for cdu, sec in zip(plan.labels.cdu, plan.labels.cdu_sec, strict=True):
        lost = [f for key, f in graph.effects([f"cdu:{cdu}"]).items() if key.startswith("rack:")]
        assert len(lost) == int((kinds == sec).sum())
        assert {(f.state, f.cut) for f in lost} <= {("alone", ("liquid",))}


def test_rated_amounts_on_the_edges_are_those_of_the_waterfall(known):
    loaded, _, graph = known
    rows = waterfall(loaded.site, loaded.library)
    into = [e for e in graph.edges if e.target.startswith("rack:")]
    power = sum(e.kw or 0.0 for e in into if e.need == "power")
    heat = sum(e.kw or 0.0 for e in into if e.need != "power")
    assert power / 1e3 == pytest.approx(rows["totals"]["it_mw"], rel=1e-12)
    assert heat == pytest.approx(power, rel=1e-12)
    for building, row in rows["buildings"].items():
        for loop, about in row["loops"].items():
            out = sum(e.kw or 0.0 for e in graph.out[f"loop:{building}/{loop}"])
            water = [e.kw for e in graph.into[f"loop:{building}/{loop}"] if e.need == "water"]
            assert water == pytest.approx([out] * len(water), rel=1e-12)
            assert out / 1e3 == pytest.approx(about["heat_mw"], rel=1e-12)


def test_the_shares_of_a_need_sum_to_one_or_are_all_open(known):
    _, _, graph = known
    for key in graph.nodes:
        for need, edges in graph.needs(key).items():
            shares = [e.share for e in edges if e.share is not None]
            if shares:
                assert len(shares) == len(edges), (key, need)
                assert sum(shares) == pytest.approx(1.0, rel=1e-9), (key, need)


def test_what_is_in_a_hall_has_its_date_and_what_is_shared_the_earliest(known):
    loaded, _, graph = known
    days = [hall.energised_on for b in loaded.site.buildings.values() for hall in b.halls.values()]
    assert graph.nodes["grid:grid"].since == min(days)
    for building, b in loaded.site.buildings.items():
        assert graph.containers[f"building:{building}"].since == min(hall.energised_on for hall in b.halls.values())
        for hall, about in b.halls.items():
            parts = graph.parts[f"hall:{building}/{hall}"]
            assert {graph.nodes[key].since for key in parts} == {about.energised_on}


def test_of_two_feeds_one_leaves_the_share_of_the_other(two):
    effects = two.effects(["element:a"])
    mv, rack = effects["element:mv"], effects["rack:okc/hall-1/r-1/01"]
    assert (mv.state, mv.share, mv.others) == ("other", pytest.approx(0.6), ("b",))
    assert (rack.state, rack.share, rack.others) == ("other", pytest.approx(0.6), ("b",))
    only = effects["rack:okc/hall-2/r-1/01"]
    assert (only.state, only.cut) == ("alone", ("power", "liquid", "air"))  # its pumps and fans stand still too
    assert (effects["load:chat"].state, effects["load:chat"].share) == ("part", pytest.approx(0.5))


def test_what_has_two_feeds_is_lost_when_both_are(two):
    for one in ("element:a", "element:b"):
        assert two.effects([one])["element:mv"].state == "other"
    both = two.effects(["element:a", "element:b"])
    assert both["rack:okc/hall-1/r-1/01"].cut == ("power", "liquid", "air")


def test_chillers_and_economiser_stand_in_for_each_other_as_the_weather_lets_them():
    graph = site_graph(load_site("oklahoma-10"))
    for lost, left in (("chillers", "economizer"), ("economizer", "chillers")):
        rack = graph.effects([f"{lost}:okc/chw/{lost}"])["rack:okc/hall-1/r-1/01"]
        assert (rack.state, rack.share, rack.others) == ("other", None, (f"okc/chw/{left}",))
    rack = graph.effects(["rejection:okc/chw/rejection"])["rack:okc/hall-1/r-1/01"]
    assert (rack.state, rack.cut) == ("alone", ("liquid", "air"))


def test_a_loop_without_chillers_hangs_on_its_economiser():
    graph = site_graph(load_site("frontier"))
    effects = graph.effects(["economizer:e102/htw/economizer"])
    assert effects["loop:e102/htw"].cut == ("water",)
    assert {f.cut for key, f in effects.items() if key.startswith("rack:")} == {("liquid",)}


def test_a_service_of_two_pools_needs_both():
    graph = site_graph(load_site("prairie-750"))
    for pool in ("prefill", "decode"):
        effect = graph.effects([f"pool:split-search/{pool}"])["service:split-search"]
        assert (effect.state, effect.cut) == ("alone", (pool,))


def test_pumps_and_fans_of_a_hall_hang_on_the_element_they_join_at():
    graph = site_graph(load_site("oklahoma-10"))
    below_ups = graph.effects(["element:okc/hall-1/rpp"])
    assert "cdu:okc/hall-1/cdu-01" not in below_ups
    assert graph.effects(["element:okc/hall-1/ups"])["cdu:okc/hall-1/cdu-01"].cut == ("power",)
