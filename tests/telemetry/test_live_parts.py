"""Parts of the live twin by themselves: which point is what, when it steps, what a page can look back at."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from telemetry.batch import Quality
from telemetry.clock import NS
from telemetry.decode import make
from telemetry.live import derive
from telemetry.live.banner import Banner, tally
from telemetry.live.bind import Binder, Measured, measure
from telemetry.live.board import Board
from telemetry.live.derive import Deriver
from telemetry.live.frame import Frame, Mode
from telemetry.live.rows import ROWS
from telemetry.live.source import unborn
from telemetry.live.topology import topology
from telemetry.live.twin import LiveTwin
from telemetry.plain.mapping import BY_VOLUME
from telemetry.points import Point
from tests.engine import driving
from tests.telemetry.heard import START_NS
from tests.telemetry.live_writer import prepared
from tests.telemetry.lived import seen
from tests.telemetry.spb import T0, born, hearing, metric, power, said, session
from twin.core.coolant import density
from twin.site.model import Telemetry


@pytest.fixture(scope="module")
def site():
    return prepared()


@pytest.fixture(scope="module")
def items(site):
    return topology(site)


def read(site, items, *points: tuple[Point, float]) -> Measured:
    bindings = Binder(site, items).bind([point for point, _ in points])
    return measure(seen([value for _, value in points]), bindings)


def point(variable: str, item: str, units: str, *area: str, **more: Any) -> Point:
    return Point(f"{variable}/{item}/{'-'.join(area)}", "BMS", variable, item, units, qualifier=area, **more)


def test_mappings_are_told_the_names_by_which_flows_by_volume_are_bound():
    told = {(variable, name) for variable, (name, _) in BY_VOLUME.items()}
    assert told == {(row.variable, row.point) for row in ROWS if row.weighs}


def test_a_flow_by_volume_is_a_flow_by_mass_at_the_density_of_its_own_coolant(site, items):
    cdu, loop = items.cdus[0], items.loops[0]
    found = read(
        site, items, (point("cdu_liquid_volume_flow", cdu, "m3 s-1", "Secondary"), 0.1),
        (point("cdu_liquid_volume_flow", cdu, "m3 s-1", "Primary"), 0.1),
        (point("object_liquid_volume_flow", loop, "m3 s-1"), 0.1),
        (point("fws_flow", items.loops[1], "kg s-1"), 42.0),
    )  # fmt: skip
    secondary, primary = found.values["cdu_flow"][0] / 0.1, found.values["cdu_primary_flow"][0] / 0.1
    assert density("pg25", 60.0) < secondary < density("pg25", 20.0)
    assert density("pg25", 60.0) < primary < density("pg25", 5.0)  # this site has glycol on both sides
    assert primary != secondary  # it is colder
    assert found.values["fws_flow"][1] == 42.0


def test_a_site_may_call_its_items_otherwise_and_parts_of_them_too(site, items):
    names = {items.racks[3]: "E05", items.halls[0]: "DH1", items.cdus[0]: "CDU-5"}
    named = site.loaded.site.model_copy(update={"telemetry": Telemetry(names=names)})
    other = replace(site, loaded=replace(site.loaded, site=named))
    found = read(
        other, items, (point("rack_power", "E05", "W"), 1e5),
        (point("crah_air_temperature", "DH1/air", "degC", "Supply"), 21.0),
        (point("meter_power", "CDU-5/pumps", "W"), 9e3), (point("rack_power", "E06", "W"), 2e5),
    )  # fmt: skip
    assert np.flatnonzero(np.isfinite(found.values["rack_power"])).tolist() == [3]
    assert found.values["hall_supply_air_temperature"].tolist() == [21.0]
    assert found.values["cdu_pump_power"].tolist() == [9e3]


def test_metrics_of_sparkplug_bind_by_a_mapping_or_by_the_names_that_a_site_has_for_them(site, items, tmp_path):
    rack, cdu, unit = items.racks[3], items.cdus[0], {"engUnit": "kW"}
    births = [
        said("g/NBIRTH/hall", session(1), metric("Racks/3/Power", 40.0, properties=unit), seq=0),
        said("g/DBIRTH/hall/r3", metric("Rack Power", 50.0, properties=unit), seq=1),
        said("g/DBIRTH/hall/cdu", metric("Flow", 600.0, properties={"engUnit": "L/min"}), seq=2),
    ]
    named = site.loaded.site.model_copy(update={"telemetry": Telemetry(names={rack: "g/hall/r3"})})
    other = replace(site, loaded=replace(site.loaded, site=named))
    assert Binder(other, items).bind(hearing(*births).points).told()["rack_power"] == 1

    rules = [
        {"edge": "g/hall", "metrics": [{"metric": "Racks/{n}/Power", "variable": "rack_power", "item": rack}]},
        {"edge": "g/hall/{c}", "metrics": [{"metric": "Flow", "variable": "cdu_liquid_volume_flow", "item": cdu,
                                            "qualifier": ["secondary"]}]},
    ]  # fmt: skip
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"format": 1, "title": "Of a test", "rules": rules}))
    points = list(hearing(*births, mapping=str(file)).points)
    told = Binder(site, items).bind(points).told()
    assert (told["rack_power"], told["cdu_flow"], told["of_this_site"]) == (1, 1, 2)


def test_set_points_states_and_other_units_are_no_measurements(site, items):
    cdu, rack = items.cdus[0], items.racks[0]
    bindings = Binder(site, items).bind(
        [
            point("cdu_supply_temperature", cdu, "degC", set_point=True),
            point("rack_leak", rack, "1", states=((0, "NoLeak"), (1, "Leak"))),
            point("rack_power", rack, "V A"),
            point("rack_power", "nowhere/01", "W"),
            point("rack_liquid_volume_flow", rack, "m3 s-1"),
        ]
    )
    assert (bindings.points, bindings.bound, bindings.ours) == (5, 0, 4)


def test_several_sensors_of_one_thing_are_averaged_and_bad_ones_left_out(site, items):
    points = [point("cdu_supply_temperature", items.cdus[0], "degC", place) for place in "abcd"]
    bindings = Binder(site, items).bind(points)
    qualities = [Quality.GOOD, Quality.GOOD, Quality.BAD, Quality.STALE]
    found = measure(seen([40.0, 41.0, 99.0, 99.0], list(map(int, qualities)), [1.0, 2.0, 3.0, 400.0]), bindings)
    assert found.values["cdu_supply_temperature"].tolist() == [40.5]
    assert found.ages["cdu_supply_temperature"].tolist() == [400.0]
    assert bindings.words() == ""


def test_two_meters_of_one_power_are_no_sum_and_that_is_said(site, items):
    """Two feeds of a rack or two meters of one feed: nothing in the telemetry tells which."""
    meters = [
        point("rack_power", rack, "W", side)
        for rack, side in zip([*items.racks[:2], items.racks[1]], "AAB", strict=True)
    ]
    bindings = Binder(site, items).bind(meters)
    assert measure(seen([10.0, 20.0, 40.0]), bindings).values["rack_power"][:2].tolist() == [10.0, 30.0]
    assert bindings.words() == "items with several meters, of which the mean counts and not the sum: 1 of rack_power"


def test_heat_of_a_cdu_is_flow_times_rise_whichever_side_tells_it(site, items):
    cdu = items.cdus[0]
    racks_side = read(
        site, items, (point("cdu_flow", cdu, "kg s-1"), 100.0), (point("cdu_supply_temperature", cdu, "degC"), 40.0),
        (point("cdu_return_temperature", cdu, "degC"), 50.0),
    )  # fmt: skip
    Deriver(site, items).derive(racks_side, 101_325.0)
    assert 100.0 * 3_850.0 * 10.0 < racks_side.values["cdu_heat"][0] < 100.0 * 4_050.0 * 10.0  # J/(kg K) of PG 25
    both = read(
        site, items, (point("cdu_flow", cdu, "kg s-1"), 1.0), (point("cdu_supply_temperature", cdu, "degC"), 40.0),
        (point("cdu_return_temperature", cdu, "degC"), 50.0), (point("cdu_primary_flow", cdu, "kg s-1"), 100.0),
        (point("cdu_liquid_temperature", cdu, "degC", "Primary", "Inlet"), 30.0),
        (point("cdu_liquid_temperature", cdu, "degC", "Primary", "Outlet"), 40.0),
    )  # fmt: skip
    Deriver(site, items).derive(both, 101_325.0)
    assert 100.0 * 3_850.0 * 10.0 < both.values["cdu_heat"][0] < 100.0 * 4_220.0 * 10.0
    assert "cdu_primary_inlet" not in both.values
    # The loop has no sensor of its own: what its CDU is given is its supply.
    assert np.nanmax(both.values["fws_supply_temperature"]) == 30.0


def test_water_that_stands_in_a_spare_cdu_says_nothing_of_its_loop():
    run = driving.prepared("oklahoma-10", "2028-07-01T12:00:00", 60)
    items = topology(run)
    for flows, supply in (([20.0, 0.0], 18.0), ([0.0, 0.0], 22.0)):
        found = read(run, items, *(
            told for cdu, flow, inlet in zip(items.cdus, flows, (18.0, 26.0), strict=False)
            for told in ((point("cdu_primary_flow", cdu, "kg s-1"), flow),
                         (point("cdu_liquid_temperature", cdu, "degC", "Primary", "Inlet"), inlet))
        ))  # fmt: skip
        Deriver(run, items).derive(found, 101_325.0)
        assert found.values["fws_supply_temperature"].tolist() == [supply]


OUTDOORS = (
    (point("sensor_air_temperature", "outdoors", "degC", "Outdoors"), 30.0),
    (point("sensor_air_relative_humidity", "outdoors", "1", "Outdoors"), 0.5),
)


def test_the_wet_bulb_follows_from_dry_bulb_and_humidity(site, items):
    found = read(site, items, *OUTDOORS)
    Deriver(site, items).derive(found, 101_325.0)
    # ASHRAE psychrometric chart 1: 30 degC and 50 % have a wet bulb of 22.0 degC.
    assert found.values["outdoor_wet_bulb_temperature"][0] == pytest.approx(22.0, abs=0.1)


def test_what_only_weather_calls_is_compiled_before_the_first_step(site, items, monkeypatch):
    """It is kept on disk as it is compiled: a disk that is full by then would end the twin in the middle of its run."""
    called: list[list[type]] = []

    def wet_bulb(*given: float) -> float:
        called.append([type(each) for each in given])
        return 20.0

    monkeypatch.setattr(derive, "wet_bulb", wet_bulb)
    deriver = Deriver(site, items)
    assert called == [[float] * 3]  # as any weather calls it
    deriver.derive(read(site, items, *OUTDOORS), 101_325.0)
    assert called[1:] == [[float] * 3]


def test_it_power_is_that_of_the_halls_that_have_power_by_their_date():
    run = driving.prepared("oklahoma-10", "2025-10-15T12:00:00", 60)
    items, first = topology(run), run.timeline.start
    lit = run.plan.hall_start_s[topology(run).rack_hall] <= first
    assert 0 < lit.sum() < len(lit)
    deriver = Deriver(run, items)
    for dark, expected in ((0, 1e5 * lit.sum()), (1, np.nan)):
        found = read(run, items, *[
            (point("rack_power", rack, "W"), 1e5) for rack in np.array(items.racks)[np.flatnonzero(lit)[dark:]]
        ])  # fmt: skip
        deriver.derive(found, 101_325.0, first)
        np.testing.assert_allclose(found.values["site_it_power"], expected)
        driven = deriver.used({"rack_power": np.isfinite(found.values["rack_power"])}, found)
        assert driven["site_it_power"][0] == (dark == 0)


def test_a_meter_that_contradicts_the_racks_it_feeds_is_a_residual_and_their_sum_is_none():
    run = driving.prepared("oklahoma-10", "2028-07-01T12:00:00", 60)
    items, first = topology(run), run.timeline.start
    deriver, racks = Deriver(run, items), [(point("rack_power", rack, "W"), 1e5) for rack in items.racks]
    meter, every = point("hall_it_power", items.halls[0], "W"), {"rack_power": np.ones(len(items.racks), bool)}
    for metered in (False, True):
        found = read(run, items, *racks, *([(meter, 1.0)] if metered else []))
        deriver.derive(found, 101_325.0, first)
        driven = deriver.used(every, found)
        assert driven["hall_it_power"].tolist() == [not metered, True]
        assert driven["site_it_power"].tolist() == [not metered]
        # The hall without a meter of its own has the sum of its racks in either case.
        expected = np.bincount(items.rack_hall) * 1e5
        expected[0] = 1.0 if metered else expected[0]
        assert found.values["hall_it_power"].tolist() == expected.tolist()
        assert found.values["site_it_power"][0] == expected.sum()


def share_lost(lost: int, of: int, drivers: dict[str, int] | None = None) -> Measured:
    made = Measured({}, {}, {})
    for name, count in ({"rack_power": of} if drivers is None else drivers).items():
        values = np.ones(count)
        values[: lost if name == "rack_power" else 0] = np.nan
        made.values[name], made.bound[name], made.ages[name] = values, np.ones(count, bool), np.ones(count)
    return made


def test_the_banner_does_not_flicker_between_its_limits():
    banner, drivers = Banner(), ["rack_power", "cdu_flow"]
    looks = [(banner.look(tally(drivers, share_lost(lost, 100))), lost) for lost in (100, 26, 25, 50, 51, 26, 25)]
    stale, live = Mode.STALE, Mode.LIVE
    assert [mode for mode, _ in looks] == [stale, stale, live, live, stale, stale, live]
    assert Banner().look(tally(drivers, Measured({}, {}, {}))) is stale
    # A campus whose cooling nobody tells any more is not live, however many racks speak.
    blind = share_lost(0, 100, {"rack_power": 100, "cdu_flow": 4})
    blind.values["cdu_flow"][:3] = np.nan
    assert banner.look(tally(drivers, blind)) is stale
    assert banner.words() == "not usable: 75 % of the cooling"


def test_what_was_never_heard_is_not_called_lost():
    banner, found = Banner(), share_lost(30, 100)
    found.ages["rack_power"][:20] = np.inf
    banner.look(tally(["rack_power"], found))
    assert banner.words() == "not usable: 10 % of the power; not heard yet: 20 % of the power"
    assert banner.shares == {"power": 0.3}


def test_weather_alone_is_no_campus_and_stale_is_never_said_without_a_reason():
    banner, air = Banner(), "outdoor_dry_bulb_temperature"
    assert banner.look(tally(["rack_power", air], share_lost(0, 1, {air: 1}))) is Mode.STALE
    assert banner.words().startswith("no point of power or cooling")


class Dark:
    """An engine to which no hall has power before ``share`` says so."""

    interval, used, doubted = None, dict[str, Any](), dict[str, int]()

    def __init__(self, halls: int) -> None:
        self.share = np.zeros(halls)

    def step(self, inputs: Any) -> dict[str, Any]:
        del inputs
        return {"hall_energised_share": self.share}

    def anew(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_racks_that_draw_power_before_their_hall_has_any_point_at_the_date(site, items):
    engine = Dark(len(items.halls))
    twin = LiveTwin(site, items, START_NS, 1.0, 10.0, make=lambda start_s: engine)
    measured = share_lost(0, len(items.racks))
    measured.values["rack_power"] = 0.5 * items.rack_rated_w
    said = f"{len(items.racks):,} racks draw power in halls that the site has not energised on this date: see --at"
    assert twin.step(measured).note.startswith(said)
    engine.share[:] = 1.0
    assert "date" not in twin.step(measured).note


def test_readings_that_nobody_can_believe_are_told_and_compared(site, items):
    """Power in W that is written as kW: the racks go by themselves, and nobody is left to think that they do not."""
    twin = LiveTwin(site, items, START_NS, 1.0, 10.0)
    measured = share_lost(0, len(items.racks))
    measured.derived.update({name: np.zeros(1, bool) for name in ("hall_it_power", "site_it_power")})
    for scale, words in ((1e3, "not believed: all of the power"), (-1.0, "not believed: all of the power"), (1.0, "")):
        measured.values["rack_power"] = 0.5 * scale * items.rack_rated_w
        frame = twin.step(measured)
        assert frame.note == words
        assert np.isfinite(frame.residual("rack_power")).all() == bool(words)
        assert 0.0 < frame.simulated["site_it_power"][0] < 2.0 * items.rack_rated_w.sum()
    twin.close()


def test_nodes_without_births_are_told():
    def heard(*messages):
        return unborn(hearing(*messages), "!")

    assert "1 node waits for its birth" in heard(power(40.0, 3, T0))
    assert heard(power(40.0, 3, T0)).endswith("!")
    assert heard(*born(), power(40.0, 2, T0)) == ""
    assert unborn(make("dsx", {})) == ""


def test_a_board_gives_what_was_put_within_bounds(items):
    board = Board(items)
    assert board.latest() is None
    assert len(board.trend("site_power", 0, 60.0).times_ns) == 0
    for n in range(4000):
        one = np.array([float(n)])
        racks = np.full(len(items.racks), float(n))
        measured = {"site_power": one + 1.0} if n % 2 else {"rack_power": racks + 1.0}
        used = {"rack_power": np.arange(len(racks)) == 5} if n % 20 == 0 else {}
        board.put(Frame(n, START_NS + n * NS, Mode.LIVE, {"site_power": one, "rack_power": racks}, measured, used))
    fine, coarse = board.trend("site_power", 0, 1e6), board.trend("rack_power", 5, 1e6)
    assert fine.simulated.tolist() == list(range(400, 4000))
    assert np.isnan(fine.measured[::2]).all()
    assert (fine.measured[1::2] == fine.simulated[1::2] + 1.0).all()
    assert np.diff(coarse.times_ns).tolist() == [10 * NS] * 359
    assert np.isnan(fine.residual[::2]).all()
    assert (fine.residual[1::2] == 1.0).all()
    # What drove the model is no residual, and is one again where it no longer drives.
    assert (coarse.residual[coarse.simulated % 20 == 10] == 1.0).all()
    assert np.isnan(coarse.residual[coarse.simulated % 20 == 0]).all()
    assert coarse.drove.sum() == 180
    assert not fine.drove.any()
    assert (board.trend("rack_power", 6, 1e6).residual == 1.0).all()
    assert board.trend("site_power", 0, 60.0).simulated.tolist() == list(range(3940, 4000))
    assert len(board.trend("cdu_heat", 0, 60.0).times_ns) == 0


def test_a_trend_begins_anew_where_the_clock_is_set_back(items):
    board = Board(items)
    for at in [*range(7200), *range(3600, 3700)]:
        board.put(Frame(at, START_NS + at * NS, Mode.LIVE, {"site_power": np.array([float(at)])}))
    assert board.trend("site_power", 0, 1e6).simulated.tolist() == list(range(3600, 3700))
