"""N-1 of a site in which every redundancy stands once, and of one without: who is hit, what the survivors carry."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.shipped_sites import COMPLETE
from twin.analysis.headroom_state import at_banks, design_days
from twin.analysis.n1 import n1, with_trips
from twin.analysis.n1_power import Loss, PowerPath
from twin.analysis.n1_text import elements, plain, render
from twin.cli.main import app
from twin.core.columns import Group
from twin.core.errors import InputError
from twin.engine.mechanical import mechanical_w
from twin.engine.room import Rooms, energised
from twin.forcing.design_day import design_conditions
from twin.site.graph_of import site_graph
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.plan import rack_names
from twin.site.power_site import power_site
from twin.site.shipped import data_root


@pytest.fixture(scope="module")
def found():
    return n1("redundant-4n3")


@pytest.fixture(scope="module")
def bare():
    return n1("oklahoma-10")


def case(found, element, kind=None):
    (one,) = (c for c in found.cases if c.element == element and kind in (None, c.kind))
    return one


@pytest.mark.parametrize("hall", ["h-4n3", "h-2n"])
@pytest.mark.parametrize("link", ["ups", "transformer"])
def test_no_system_of_a_distributed_path_takes_racks_with_it(found, hall, link):
    lost = [c for c in found.cases if c.element.startswith(f"b1/{hall}/{link}-") and c.kind == "system"]
    assert len(lost) == (4 if hall == "h-4n3" else 2)
    for one in lost:
        assert not one.violates
        assert one.normal
        assert len(one.dark) == len(one.uncooled) == 0


def test_the_catcher_carries_what_a_primary_did(found):
    rows = {row["element"]: row for row in elements(found)}
    catcher, primary = rows["b1/h-block/ups-D"], rows["b1/h-block/ups-A"]
    assert catcher["n"] == 0.0
    assert catcher["n_1"] == pytest.approx(primary["n"], rel=0.03)
    assert catcher["n_1_loss"].startswith("b1/h-block/ups-")


def test_racks_with_one_cord_are_named_with_the_switch_above_them(found):
    one = case(found, "b1/h-block/sts-B")
    names = rack_names(found.plan)
    assert one.violates
    # Nine panels of eight racks, A, B, C in turn: B has the 2nd, the 5th and the 8th panel.
    hall = [name for name in names if name.startswith("b1/h-block/")]
    assert [names[i] for i in one.dark] == [hall[i] for start in (8, 32, 56) for i in range(start, start + 8)]
    assert one.dark_kw == pytest.approx(24 * 46.0)


def test_racks_are_named_as_in_the_trace(found):
    graph = site_graph(found.loaded)
    assert rack_names(found.plan) == [node.name for node in graph.nodes.values() if node.role == "rack"]


def test_busbars_of_a_bank_are_single_points_by_design_and_violate_nothing(found):
    one = case(found, "b1/h-n-plus-1/ups", "busbar")
    assert len(one.dark) == 72
    assert not one.violates
    assert case(found, "b1/h-n-plus-1/ups", "unit").loading == pytest.approx(
        4 / 3 * found.path.before[found.path.site.index["b1/h-n-plus-1/ups"]], rel=1e-9
    )


def test_generators_carry_the_loss_of_the_utility_and_racks_behind_batteries_live_through_it(found):
    one = case(found, "grid")
    assert set(one.on_generators) == {"bus-a", "bus-b", "bus-c", "bus-d"}
    assert len(one.dark) == 0
    assert 0.0 < one.loading < 1.0
    assert one.where == "bus-c generators"


def test_a_ups_without_a_store_does_not_bridge_the_start_of_generators(tmp_path):
    text = (data_root() / "redundant-4n3.yaml").read_text()
    path = tmp_path / "bare.yaml"
    path.write_text(re.sub(r",? *store: {device: ups-battery-2500kw-5min, count: \d}", "", text))
    one = case(n1(path), "grid")
    assert len(one.dark) == lower(load_site(path)).racks


def test_without_generators_the_utility_takes_all(bare):
    one = case(bare, "grid")
    assert len(one.dark) == bare.plan.racks
    assert not one.violates


def test_a_cdu_that_stands_alone_leaves_its_racks_uncooled(bare):
    one = case(bare, "okc/hall-1/cdu-02")
    assert one.violates
    assert len(one.dark) == 0
    assert set(one.uncooled) == {i for i in range(bare.plan.racks) if _cdu(bare.plan, i) == "okc/hall-1/cdu-02"}


def _cdu(plan, rack):
    group = int(np.searchsorted(plan.arrays.group_rack, rack, side="right")) - 1
    return plan.labels.sec[int(plan.arrays.group_liquid[group])]


@pytest.mark.parametrize("site", [name for name in COMPLETE if name != "prairie-750"])  # `make bench` has that
def test_every_shipped_site_has_its_losses(site):
    assert {c.path for c in n1(site).cases} == {"power", "cooling"}


def test_a_plant_without_power_leaves_powered_racks_uncooled(bare):
    one = case(bare, "plant", "busbar")
    assert len(one.dark) == 0
    assert len(one.uncooled) == bare.plan.racks


def test_one_chiller_of_two_is_told_as_too_little_and_holds_at_half_the_load(bare):
    assert not case(bare, "okc/chw/chillers").normal
    assert case(n1("oklahoma-10", 0.3), "okc/chw/chillers").normal


def test_the_network_draws_from_the_grid_what_the_headroom_says(bare):
    loaded = bare.loaded
    plan = lower(loaded)
    on, contract = energised(plan, bare.at_s)
    power = plan.arrays.group[:, Group.RATED] * plan.arrays.group[:, Group.COUNT]
    weather = load_weather(loaded)
    for air in design_days(design_conditions(weather), weather).values():
        rooms = Rooms(plan, on, contract, power, air, at_banks(plan, air, 0.0))
        racks = np.repeat(power / plan.arrays.group[:, Group.COUNT], np.diff(plan.arrays.group_rack))
        site = power_site(loaded, plan)
        path = PowerPath(loaded, plan, site, site.demand(racks, mechanical_w(plan, on, power), rooms.plants()))
        assert path.normal.grid == pytest.approx(rooms.loadings()[-1] * contract, rel=1e-9)


def load_weather(loaded):
    from twin.analysis.map_options import site_weather

    return site_weather(None, loaded)


def test_the_cases_come_least_margin_first_and_then_most_kw_lost(found):
    margins = [np.inf if c.margin is None else round(c.margin, 9) for c in found.cases]
    assert margins == sorted(margins)
    for one, other in zip(found.cases, found.cases[1:], strict=False):
        if one.margin is None and other.margin is None:
            assert round(one.kw_lost, 6) >= round(other.kw_lost, 6)


def test_a_rating_that_nobody_states_is_told_and_never_fine(tmp_path):
    text = (load_site("oklahoma-10").text).split("    chain:\n")[0]
    rest = "buildings:" + load_site("oklahoma-10").text.split("buildings:")[1]
    file = tmp_path / "bare.yaml"
    file.write_text(text + rest)
    made = n1(str(file))
    assert "Rating not known (?), so no margin is: okc/hall-1/bus, okc/hall-2/bus." in render(made)
    rows = {row["element"]: row for row in elements(made)}
    assert rows["okc/hall-1/bus"]["n_1"] is None
    assert rows["okc/hall-1/bus"]["allocated_kw"] == pytest.approx(4048.0)


def test_a_unit_lost_twice_is_worse_than_once(found):
    path = found.path
    n = path.site.index["b1/h-n-plus-1/ups"]
    loads = [path.after(Loss(n, "unit", "", up)).loading for up in (0.75, 0.5)]
    assert loads[1] == pytest.approx(1.5 * loads[0], rel=1e-9)
    worse = path.after(Loss(n, "unit", "", 0.5))
    # Two of four carry 135 %: 60 s by the last row of its table, within its emergency limit of 150 %.
    assert 1.25 < worse.loading < 1.5
    assert worse.emergency is True
    assert worse.allowed_s == 60.0
    assert path.after(Loss(n, "unit", "", 0.25)).emergency is False


@pytest.mark.parametrize("load", ["full", 1.5, -0.1])
def test_a_load_that_is_none_is_refused(load):
    with pytest.raises(InputError, match="expected"):
        n1("oklahoma-10", load)


def test_the_verb_ends_with_1_and_has_the_rack_lists_in_json():
    result = CliRunner().invoke(app, ["n1", "redundant-4n3", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["holds"] is False
    assert told["violations"] == sum(one["violates"] for one in told["cases"])
    switch = next(one for one in told["cases"] if one["element"] == "b1/h-block/sts-A")
    assert len(switch["racks"]["dark"]) == switch["racks_without_source"] == 24
    assert CliRunner().invoke(app, ["n1", "redundant-4n3", "--load", "most"]).exit_code == 2


def test_a_site_that_holds_ends_with_0(tmp_path):
    file = tmp_path / "calm.yaml"
    file.write_text("base: redundant-4n3\nname: calm\ntitle: Without the hall of one cord\n"
                    "buildings: {b1: {halls: {h-block: null}}}\ntemplates: {block: null}\n")  # fmt: skip
    result = CliRunner().invoke(app, ["n1", str(file)])
    assert result.exit_code == 0, result.output
    assert "N-1 holds" in result.stdout
    table = CliRunner().invoke(app, ["n1", str(file), "--elements"]).stdout
    assert "b1/h-4n3/rpp-A-01" in table


def test_plain_is_json_without_nan(found):
    json.dumps(plain(found), allow_nan=False)


def test_transient_tells_when_the_first_rack_trips_after_a_loss_of_cooling(bare):
    told = with_trips(bare)
    alone = case(told, "okc/hall-1/cdu-02")
    assert 1.0 < alone.trip_s < 60.0
    assert case(told, "okc/chw/rejection").trip_s is None
    assert all(c.trip_s is None for c in told.cases if c.path == "power")


def test_one_pump_of_several_is_not_taken_for_all_of_them(tmp_path):
    file = tmp_path / "pumps.yaml"
    file.write_text("base: rubin-manifold\nname: pumps\ntitle: Without a pump that stands by\n"
                    "buildings: {b: {loops: {hot: {pumps: {count: 2, standby: 0}}}}}\n")  # fmt: skip
    told = with_trips(n1(str(file)))
    (one,) = (c for c in told.cases if c.kind == "pump")
    assert (one.element, one.units) == ("b/hot/pumps", "1 of 2")
    assert one.trip_s is None  # all of them at once trip racks within a minute
