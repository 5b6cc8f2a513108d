"""Physical sentences about the zones of an air-cooled hall, its bypass and its air when nothing moves it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.analysis.fail import fail
from twin.core.columns import Group, Sec
from twin.core.variables import slot
from twin.engine.room import Rooms, energised, spread_over
from twin.forcing.coincident import Air
from twin.site.dump import dump
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.lower_hall import AIR_CP
from twin.site.reduced import reduced

START = 1_900_000_800.0
HOUR = 3600.0
HALL = "b/air"
SITE = """\
format: 1
name: zoned
title: One air-cooled hall
utc_offset_h: 0
weather: {file: chicago-ohare}
contract: {tranches: [{from: "2025-01-01", mw: 5, source: "made for the tests", confidence: estimate}]}
electrical: {elements: {mv: {device: mv-feeder, fed_from: grid}}}
templates:
  air:
    rows:
      r: {count: 3, groups: [{rack: t-server, count: 2}]}
      s: {groups: [{rack: t-small, count: 2}, {rack: t-server, count: 1}]}
    air: {crah: t-wall, count: 2, loop: chw, supply_c: 22, AIR}
buildings:
  b:
    loops:
      chw:
        supply_c: 16
        design_rise_k: 6
        flow_max_m3_h: 120
        head_kpa: 200
        volume_m3: 20
        plant:
          rejection: {device: tower-cell-6mw, count: 1}
          economizer: economizer-plate
          chillers: {device: chiller-centrifugal, count: 1}
          fed_from: mv
          condenser_head_kpa: 120
          condenser_volume_m3: 20
    halls:
      air: {template: air, energised_on: "2025-01-01", fed_from: mv, load: flat}
loads:
  flat: {mean: 0.7, daily_amplitude: 0, weekend_factor: 1, rack_spread: 0, rack_noise: 0}
"""
# A row of zones that draw unequally of their own and each other's exhaust.
UNEQUAL = """\
zone,r-1,r-2+r-3,s
r-1,0.02,0.03,0
r-2+r-3,0.01,0.10,0.05
s,0,0.02,0.15
"""
A = np.array([[0.02, 0.03, 0.0], [0.01, 0.10, 0.05], [0.0, 0.02, 0.15]])


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "source": "made for the tests", "confidence": "estimate"}


def server(kw: float, rise_k: float, **more: float) -> dict[str, Any]:
    numbers = {
        "rated_power_kw": kw, "idle_power_kw": 0.2 * kw, "liquid_share": 0.0, "body_share": 1.0, "liquid_flow_lpm": 0.0,
        "liquid_inlet_max_c": 70.0, "air_inlet_max_c": 30.0, "air_rise_k": rise_k, "plate_conductance_kw_k": 0.0,
        "plate_capacity_kj_k": 1.0, "body_capacity_kj_k": 4.0 * kw, "body_to_plate_kw_k": 0.0,
        "body_to_air_kw_k": 0.04 * kw, **more,
    }  # fmt: skip
    return {
        "kind": "rack", "title": "a server", "systems": 1, "rating_plane": "ac_input",
        **{key: figure(value) for key, value in numbers.items()},
    }  # fmt: skip


WALL = {"rated_kw": 300.0, "airflow_m3_s": 16.0, "water_flow_lpm": 800.0, "approach_k": 4.0, "fan_kw": 0.0,
        "minimum_speed": 0.1, "flow_lag_s": 10.0}  # fmt: skip


def sites_in(tmp_path: Path):
    """A call that makes the site with the air of its hall as given, and figures of its library changed."""

    def make(air: str, *, text: str = SITE, csv: str = UNEQUAL, wall=None, racks=None, containment=None) -> LoadedSite:
        racks = {"t-server": server(20.0, 12.0), "t-small": server(8.0, 15.0)} | (racks or {})
        entries: dict[str, Any] = {f"racks/{id}": rack for id, rack in racks.items()}
        numbers = {key: figure(value) for key, value in {**WALL, **(wall or {})}.items()}
        entries["crahs/t-wall"] = {"kind": "crah", "title": "a wall of fans", **numbers}
        shares = zip(("own_share", "neighbour_share", "bypass_share"), containment or (0.0, 0.0, 0.0), strict=True)
        entries["containments/t-aisle"] = {
            "kind": "containment", "title": "an aisle", **{key: figure(value) for key, value in shares},
        }  # fmt: skip
        for name, entry in entries.items():
            file = tmp_path / "library" / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dump(entry))
        (tmp_path / "zones.csv").write_text(csv)
        (tmp_path / "zoned.yaml").write_text(text.replace("AIR", air))
        return load_site(tmp_path / "zoned.yaml")

    return make


@pytest.fixture
def site(tmp_path: Path):
    """As :func:`sites_in`, in the test's own folder."""
    return sites_in(tmp_path)


def steady(lab, loaded_or_plan, load: float = 0.7, **how):
    """An engine after two days of constant weather and load, with the rows of its last hours."""
    plan = lower(loaded_or_plan) if isinstance(loaded_or_plan, LoadedSite) else loaded_or_plan
    engine = lab.engine(plan, START, 48 * HOUR, HOUR, load=load, interval=12 * HOUR, **how)
    return engine, [result.levels for result in engine.blocks()][-1]


def value(levels, name: str) -> float:
    return float(levels["hall"][-1, 0, slot(name)])


def inlets(engine):
    """Air at the inlets of every group after the last step, degC."""
    s, j = engine.scratch, int(engine.plan.arrays.group_air[0])
    return s.inlet[j] + s.stray * (s.back[j] - s.supply[j])


CSV = "cross_interference: zones.csv"
# Racks that hold no heat themselves.
NOTHING = {"body_share": 0.0, "body_capacity_kj_k": 1e-3}
LIGHT = {"t-server": server(20.0, 12.0, **NOTHING), "t-small": server(8.0, 15.0, **NOTHING)}


def test_v30_the_inlets_of_a_hall_are_those_of_the_d_matrix(lab, tools, site):
    """Against the definition of D at the flows of the zones, with nothing but racks to warm the air."""
    engine, _ = steady(lab, site(CSV), weather=tools.steady_weather(15.0, 0.5))
    a, s = engine.plan.arrays, engine.scratch
    zone = a.group[:, Group.ZONE].astype(int)
    power, flow = np.zeros(3), np.zeros(3)
    np.add.at(power, zone, s.group_power)
    np.add.at(flow, zone, a.group[:, Group.COUNT] * a.group[:, Group.W_AIR])
    k = np.diag(flow / flow.sum() * s.w[0])
    d = np.linalg.inv(k - A.T @ k) - np.linalg.inv(k)
    assert inlets(engine) == pytest.approx((s.supply[0] + d @ power)[zone], abs=1e-9)
    assert len(set(zone)) == 3
    assert np.ptp(inlets(engine)) > 1.0


def test_zones_that_draw_alike_are_no_zones(lab, site):
    """Everything a run records is that of a hall with the same share of recirculation."""
    alike = "zone,r-1,r-2+r-3,s\nr-1,0.08,0,0\nr-2+r-3,0,0.08,0\ns,0,0,0.08\n"
    racks = {"t-small": server(8.0, 12.0)}  # no exhaust is hotter than another
    _, zoned = steady(lab, site(CSV, csv=alike, racks=racks))
    _, mixed = steady(lab, site("recirculation: 0.08", racks=racks))
    for level in ("site", "hall", "loop"):
        assert zoned[level] == pytest.approx(mixed[level], rel=1e-9, nan_ok=True), level
    k = value(zoned, "hall_rack_inlet_temperature"), value(zoned, "hall_supply_air_temperature")
    assert k[0] - k[1] > 0.5


@pytest.mark.parametrize("load", [0.0, 0.4, 1.0])
def test_sealed_aisles_give_every_rack_the_supply_temperature(lab, site, load):
    engine, levels = steady(lab, site("containment: t-aisle"), load)
    assert inlets(engine) == pytest.approx(value(levels, "hall_supply_air_temperature"), abs=1e-9)
    assert value(levels, "hall_rack_inlet_temperature_maximum") == pytest.approx(22.0, abs=1e-6)


def test_relabelling_racks_within_a_zone_changes_nothing(lab, site):
    order = "[{rack: t-small, count: 2}, {rack: t-server, count: 1}]"
    assert order in SITE
    turned = SITE.replace(order, "[{rack: t-server, count: 1}, {rack: t-small, count: 2}]")
    _, one = steady(lab, site(CSV))
    _, other = steady(lab, site(CSV, text=turned))
    room = [slot("hall_cooling_headroom"), slot("hall_power_headroom")]
    assert one["hall"][..., room] == pytest.approx(other["hall"][..., room], rel=2e-3)  # how near its root is found
    for levels in (one, other):
        levels["hall"][..., room] = 0.0
    for level in ("site", "hall", "loop"):
        assert np.nanmax(np.abs(one[level] - other[level]) / np.maximum(1.0, np.abs(one[level]))) < 1e-12, level


@settings(deadline=None, max_examples=12, derandomize=True)
@given(own=st.floats(0.0, 0.3), beside=st.floats(0.0, 0.3), more=st.floats(0.0, 0.1), load=st.floats(0.1, 1.0))
def test_more_leakage_never_lowers_the_hottest_inlet(lab, tmp_path_factory, own, beside, more, load):
    make = sites_in(tmp_path_factory.mktemp("leaks"))
    hottest = []
    for extra in (0.0, more):
        _, levels = steady(lab, make("containment: t-aisle", containment=(own + extra, beside + extra, 0.0)), load)
        hottest.append(value(levels, "hall_rack_inlet_temperature_maximum"))
    assert hottest[1] >= hottest[0] - 1e-9


def test_the_lumped_plan_has_the_inlets_of_the_whole_one(lab, site):
    plan = lower(site(CSV))
    _, whole = steady(lab, plan)
    _, lumped = steady(lab, reduced(plan))
    for name in ("hall_rack_inlet_temperature", "hall_rack_inlet_temperature_maximum", "hall_air_heat"):
        assert value(lumped, name) == pytest.approx(value(whole, name), rel=1e-10), name


def test_the_pattern_of_inlets_follows_the_powers_with_its_lag(lab, tools, site):
    """From no pattern: 1 - e^-1 of it after a time constant, whatever the step."""
    plan = lower(site(CSV + ", zone_lag_s: 120"))
    reached, settled = [], np.zeros(0)
    for step in (1.0, 10.0, 60.0):
        engine = lab.engine(plan, START, 180.0, step, load=0.7, interval=60.0)
        engine.timeline = tools.one_interval_blocks(engine.timeline)
        blocks = engine.blocks()
        next(blocks)
        settled = engine.state.pattern.copy()
        engine.state.pattern.fill(0.0)
        for _ in blocks:
            pass
        reached.append(engine.state.pattern / settled)
    assert np.ptp(settled) > 0.05
    for share in reached:
        assert share == pytest.approx(1.0 - np.exp(-1.0), rel=1e-9)


@pytest.mark.parametrize("step", [1.0, 60.0, HOUR])
def test_the_ledger_closes_with_zones_bypass_and_racks_that_are_too_hot(lab, site, step):
    hot = {"t-server": server(20.0, 12.0, throttle_c=60.0, junction_rise_k=15.0)}
    loaded = site(CSV + ", bypass: 0.2", racks=hot, wall={"fan_kw": 12.0})
    rows = lab.run(lower(loaded), START, 24 * max(step, 60.0), step, load=1.0, interval=max(step, 60.0))
    assert float(rows["site"][:, 0, slot("energy_residual")].max()) < 1e-11
    assert float(rows["hall"][:, 0, slot("hall_withheld_power")].max()) > 0.0


def test_bypass_cools_the_return_and_asks_for_more_air(lab, site):
    """Steady: the handlers move (1 - rho) W/(1 - b), and their rise is Q over that; the racks notice nothing."""
    b, rho = 0.3, 0.05
    _, none = steady(lab, site(f"recirculation: {rho}"), 0.5)
    _, some = steady(lab, site(f"recirculation: {rho}, bypass: {b}"), 0.5)
    for name in ("hall_rack_inlet_temperature", "hall_air_heat", "hall_rack_airflow"):
        assert value(some, name) == pytest.approx(value(none, name), rel=1e-9), name
    moved = value(some, "hall_handler_airflow")
    assert moved == pytest.approx((1.0 - rho) / (1.0 - b) * value(some, "hall_rack_airflow"), rel=1e-9)
    assert moved == pytest.approx(value(none, "hall_handler_airflow") / (1.0 - b), rel=1e-9)
    rise = value(some, "hall_return_temperature") - value(some, "hall_supply_air_temperature")
    assert rise == pytest.approx(value(some, "hall_air_heat") / (moved * AIR_CP), rel=1e-9)


def test_bypass_costs_fan_power_by_the_fan_law(lab, site):
    """The curve of EnergyPlus at the flow fractions before and after."""
    fan, b = 12.0, 0.3
    none, some = (
        steady(lab, site(f"recirculation: 0, bypass: {share}", wall={"fan_kw": fan}), 0.6)[1] for share in (0.0, b)
    )
    most = 2 * 16.0 * 1206.0 / AIR_CP
    for levels in (none, some):
        x = value(levels, "hall_handler_airflow") / most
        curve = -0.00932 + 0.05123 * x - 0.08384 * x**2 + 1.04192 * x**3
        assert value(levels, "hall_mechanical_power") == pytest.approx(2e3 * fan * curve, rel=1e-9)
    assert value(some, "hall_mechanical_power") > 2.0 * value(none, "hall_mechanical_power")


def test_headroom_ends_where_the_hottest_zone_does(site):
    """Racks allow 30 degC: the mixed hall has room where the zone that draws most exhaust is above it."""
    air = Air(20.0, 15.0, 101_325.0)
    found = {}
    for said in ("recirculation: 0.09", CSV):
        plan = lower(site(said.replace("0.09", "0.0889"), wall={"airflow_m3_s": 40.0}))
        on, contract = energised(plan, START)
        rooms = Rooms(
            plan, on, contract, 0.3 * plan.arrays.group[:, Group.RATED] * plan.arrays.group[:, Group.COUNT], air
        )
        spread = spread_over(plan, on, np.ones(len(plan.arrays.group)), plan.arrays.group[:, Group.COUNT], rooms.places)
        inlet = next(i for i, name in enumerate(rooms.places.limit) if name == "rack_air_inlet")
        found[said] = float(rooms.loadings()[inlet])
        assert spread is not None
    assert found[CSV] > 1.5 * found["recirculation: 0.09"]


def test_the_zone_that_draws_most_exhaust_trips_first(site):
    """All air handlers lost: racks trip by their air inlet, those of the last zone before the others."""
    racks = {"t-server": server(20.0, 12.0, air_inlet_trip_c=35.0, trip_delay_s=0.0)}
    failure = fail(site(CSV, racks=racks), [f"{HALL}/air:units=2"], at="2028-06-01T12:00", lasting_s=900.0)
    trips = {row["zone"]: row["trip_s"] for row in failure.groups if row["rack"] == "t-server"}
    assert set(trips) == {"r-1", "r-2+r-3", "s"}
    assert trips["s"] < trips["r-2+r-3"] < trips["r-1"]
    assert failure.residual < 1e-9


def test_the_mass_of_a_room_slows_its_warming(site):
    """30 kJ/K per kW beside 12.06 kJ/K of air: slower by the ratio of the heat capacities."""
    full = SITE.replace("mean: 0.7", "mean: 1.0")
    failure = fail(
        site("volume_m3_kw: 10, mass_kj_k_kw: 30", text=full, racks=LIGHT), [f"{HALL}/air:units=2"],
        at="2028-06-01T12:00", lasting_s=900.0,
    )  # fmt: skip
    rate = 60.0 * np.diff(failure.series["hall_rack_inlet_temperature"][:, 0])[-60:]
    assert rate == pytest.approx(60.0 / (10.0 * 1.206 + 30.0), rel=1e-3)


def test_a_hall_with_too_little_air_is_warmer_by_what_its_racks_draw_from_the_room(lab, site):
    """Steady: T_in - T_sup of the handlers = Q/C_handlers - Q/C_racks where these draw more than the handlers bring."""
    loaded = site("recirculation: 0", wall={"airflow_m3_s": 4.0})
    engine, levels = steady(lab, loaded, 1.0)
    s, j = engine.scratch, 0
    q = float(s.group_power.sum())
    handlers, racks = value(levels, "hall_handler_airflow") * AIR_CP, value(levels, "hall_rack_airflow") * AIR_CP
    assert handlers < 0.8 * racks
    leaving = s.back[j] - s.heat[j] / handlers
    assert value(levels, "hall_rack_inlet_temperature") - leaving == pytest.approx(q / handlers - q / racks, rel=1e-6)


def test_the_supply_heat_index_of_a_run_is_its_share_of_exhaust(lab, site):
    """Mixed air and nothing but racks to warm it: SHI is the share of recirculation, RTI what goes past and round."""
    rho, b = 0.12, 0.2
    _, levels = steady(lab, site(f"recirculation: {rho}, bypass: {b}"), 0.6)
    supply, inlet, outlet, back = (
        value(levels, f"hall_{name}_temperature") for name in ("supply_air", "rack_inlet", "rack_outlet", "return")
    )
    assert (inlet - supply) / (outlet - supply) == pytest.approx(rho, rel=1e-9)
    heat = value(levels, "hall_it_power")
    rise = heat / (value(levels, "hall_rack_airflow") * AIR_CP)
    assert (back - supply) / rise == pytest.approx((1.0 - b) / (1.0 - rho), rel=1e-9)


def test_a_hall_without_zones_carries_none(lab, site):
    plan = lower(site("recirculation: 0.05"))
    assert len(plan.arrays.zones) == 0
    assert plan.arrays.sec[plan.air_sec, Sec.ZONES].tolist() == [0.0]
    engine, _ = steady(lab, dataclasses.replace(plan))
    assert not engine.scratch.stray.any()
    assert not engine.state.pattern.any()
