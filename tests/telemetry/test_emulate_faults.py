"""Faults of a virtual facility, of its sensors and of its plant, as who listens meets them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from telemetry.batch import Quality
from telemetry.clock import NS, ReplayClock
from telemetry.decode import make
from telemetry.emulate.virtual import Wanted, check, virtual
from telemetry.pipeline import Pipeline
from tests.telemetry.heard import NOON, START_NS, Heard, emulated
from twin.analysis.fail import begin_of
from twin.core.errors import InputError
from twin.site.load import load_site

FAULTS = {
    "b/h/r-1/01/RackPower:stuck@20s": "stuck",
    "b/h/r-1/02/RackPower:bias=5@20s": "bias",
    "b/h/r-1/03/RackLiquidSupplyTemperature:drift=360@20s": "drift",
    "b/h/r-1/04:silent@20s+15s": "silent",
    "b/h/r-1/05/RackPower:bad@20s+15s": "bad",
    "b/h/r-1/06/RackPower:null@20s+15s": "null",
    "b/h/r-1/07:leak@20s": "leak",
    "bms:offline@40s+12s": "offline",
    "b/h/cdu-02:leak@20s": "coolant lost",
}


@pytest.fixture(scope="module")
def faulty():
    made, messages = emulated(70.0, site="zone-4a-tower", at=NOON, sensors="ideal", seed=3, faults=tuple(FAULTS))
    return made, Heard(messages)


def after(rows, begin, end=1e9):
    return [row for row in rows if begin <= row[0] < end]


def test_each_fault_of_a_sensor_is_seen_by_who_listens(faulty):
    _, heard = faulty
    stuck = after(heard.of("b/h/r-1/01", "rack_power"), 22.0)
    assert len({value for _, value, _ in stuck}) <= 1
    before = after(heard.of("b/h/r-1/02", "rack_power"), 0.0, 20.0)[-1][1]
    assert after(heard.of("b/h/r-1/02", "rack_power"), 20.0)[0][1] == pytest.approx(before + 5e3, rel=0.02)
    drift = after(heard.of("b/h/r-1/03", "rack_liquid_supply_temperature"), 20.0)
    assert drift[-1][1] - drift[0][1] == pytest.approx(0.1 * (drift[-1][0] - drift[0][0]), abs=0.2)
    assert after(heard.of("b/h/r-1/04", "rack_power"), 20.0, 35.0) == []
    assert after(heard.of("b/h/r-1/04", "rack_power"), 35.0, 40.0)
    assert {q for _, _, q in after(heard.of("b/h/r-1/05", "rack_power"), 20.0, 35.0)} == {Quality.BAD}
    assert {q for _, _, q in after(heard.of("b/h/r-1/06", "rack_power"), 20.0, 35.0)} == {Quality.NO_VALUE}
    assert [v for _, v, _ in heard.of("b/h/r-1/07", "rack_leak")][-1] == 1.0
    assert [v for _, v, _ in heard.of("b/h/r-1/08", "rack_leak")][-1] == 0.0


def test_a_bms_that_is_offline_says_nothing_and_comes_back(faulty):
    _, heard = faulty
    times = np.array(sorted({t for rows in heard.readings.values() for t, _, _ in rows}))
    assert not ((times >= 40.0) & (times < 52.0)).any()
    assert (times >= 52.0).any()
    beats = [t for t, _, _ in heard.of("zone-4a-tower-bms", "system_heartbeat")]
    assert beats == [0.0, 10.0, 20.0, 30.0, 60.0]


def test_a_bms_that_is_offline_makes_all_its_points_stale_and_then_good_again():
    faults = ("bms:offline@15s+40s",)
    _, messages = emulated(70.0, site="rubin-manifold", at=NOON, sensors="ideal", seed=1, faults=faults)
    pipeline = Pipeline(make("dsx"), ReplayClock(START_NS, None))
    stale = {}
    for at in (14.0, 50.0, 69.0):
        until = START_NS + round(at * NS)
        pipeline.take([m for m in messages if m.received_ns <= until])
        messages = [m for m in messages if m.received_ns > until]
        view = pipeline.state.view(until)
        stale[at] = float(view.stale.mean())
    assert stale == {14.0: 0.0, 50.0: 1.0, 69.0: 0.0}
    assert pipeline.state.counts.rejects == {}
    assert pipeline.state.counts.quarantined == 0


def test_a_cdu_that_loses_its_coolant_tells_a_leak_stands_and_its_racks_trip(faulty):
    made, heard = faulty
    assert [v for _, v, _ in heard.of("b/h/cdu-02", "cdu_leak")][-1] == 1.0
    assert heard.of("b/h/cdu-02", "cdu_status")[-1][1] == 0.0
    assert heard.of("b/h/cdu-02", "cdu_available")[-1][1] == 0.0
    assert heard.of("b/h/cdu-01", "cdu_available")[-1][1] == 1.0
    served = next(p.serves for p in heard.decoder.points if p.item == "b/h/cdu-02" and p.serves)
    power = heard.last("rack_power")
    assert all(power[rack] == 0.0 for rack in served)
    assert all(heard.of(rack, "rack_electrical_isolation")[-1][1] == 1.0 for rack in served)
    assert power["b/h/r-8/10"] > 5e4
    assert made.told()["faults"][-1] == "b/h/cdu-02:leak"


WRONG = {
    "b/h/r-1/01:stuk": 'no mode "stuk"; did you mean "stuck"',
    "b/h/cdu-1:facility": 'did you mean "b/h/cdu-01"',
    "b/h/cdu-01:facilty": 'did you mean "facility"',
    "b/h/r-1/01/RackPower:drift": "needs a number",
    "b/h/r-1/01/RackPower:stuck=3": "takes no amount",
    "b/h/ups:leak": "no leak sensor",
    "bms:silent": "expected offline",
    "something": "is no fault",
    "b/h/r-1/01:stuck@soon": "is no length of time",
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_that_cannot_be_is_refused_with_what_may_be_meant(fault):
    with pytest.raises(InputError, match=re.escape(WRONG[fault])):
        virtual(Wanted("zone-4a-tower", at=NOON, lasting_s=5.0, faults=(fault,)))


def test_faults_of_the_plant_and_of_sensors_that_cannot_be_are_told_at_once():
    faults = ("b/h/cdu-01:pumps=99", "b/h/r-1/99:stuck", "b/h/r-1/01:drift")
    with pytest.raises(InputError) as wrong:
        virtual(Wanted("zone-4a-tower", at=NOON, lasting_s=5.0, faults=faults))
    assert len(wrong.value.problems) == 3


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(InputError) as wrong:
        virtual(Wanted("zone-4a-towr", at="soon", speed=0.0, period_s=99.0, sensors="good", faults=("x",)))
    assert len(wrong.value.problems) >= 5


def test_a_hall_that_is_not_there_or_has_no_power_is_refused():
    with pytest.raises(InputError, match=r'did you mean "b1/b1-h1"'):
        virtual(Wanted("prairie-750", at=NOON, lasting_s=1.0, racks="b1/b1h1"))
    with pytest.raises(InputError, match="no hall has power before"):
        virtual(Wanted("zone-4a-tower", at="2000-01-01", lasting_s=1.0))


def test_where_the_power_path_follows_a_loss_of_the_grid_meters_tell_batteries_and_generators():
    _, messages = emulated(
        120.0,
        site="redundant-4n3",
        at=NOON,
        sensors="ideal",
        seed=3,
        faults=("grid:outage@20s+10min",),
    )
    heard = Heard(messages)
    grid = heard.of("grid", "meter_power")
    assert grid[0][1] > 8e6
    assert grid[-1][1] == 0.0
    battery = heard.of("b1/h-2n/ups", "ups_generic_state", "OnBattery")
    assert [battery[0][1], max(v for _, v, _ in battery), battery[-1][1]] == [0.0, 1.0, 0.0]
    assert heard.of("b1/h-2n/ups", "meter_power")[-1][1] > 1e6  # racks never notice
    assert [v for _, v, _ in heard.of("bus-a/generators", "generator_status")][-1] == 1.0
    meters = heard.last("meter_power")
    serves = {p.item: p.serves for p in heard.decoder.points if p.variable == "meter_power"}
    assert meters["bus-a/input"] == 0.0
    assert meters["bus-a/generators"] == pytest.approx(meters["bus-a"], rel=2e-3)
    buses, hang = ("bus-a", "bus-b", "bus-c", "bus-d"), {name for bus in "abcd" for name in serves[f"bus-{bus}"]}
    assert {"b1/h-2n/feeds", "plant-a/input", "board/input"} <= hang
    # What comes over it is still on its way up: batteries are charged, plants restart.
    assert sum(meters[bus] for bus in buses) == pytest.approx(sum(meters[name] for name in hang), rel=0.01)
    assert set(serves["bus-a/generators"]) == {"bus-a"}


def test_where_a_loss_of_the_grid_is_assumed_meters_above_the_ups_have_no_value():
    _, messages = emulated(
        90.0, site="oklahoma-10", at=NOON, sensors="ideal", seed=3, racks="20", scenario="loss-of-utility"
    )
    heard = Heard(messages)
    assert heard.of("grid", "meter_power")[-1][1:] == (0.0, Quality.GOOD)
    assert heard.of("mv", "meter_power")[-1][2] == Quality.NO_VALUE
    assert heard.of("okc/hall-1/ups/input", "meter_power")[-1][2] == Quality.NO_VALUE
    ups = heard.of("okc/hall-1/ups", "meter_power")[-1]
    assert ups[1] > 1e6
    assert ups[2] == Quality.GOOD


def test_a_scenario_without_a_date_begins_a_minute_before_its_own_instant():
    _, begin, *_ = check(Wanted("oklahoma-10", scenario="loss-of-utility"))
    assert begin == begin_of(load_site("oklahoma-10"), "warmest", None, None) - 60.0


def test_what_breaks_and_publishes_nothing_is_said():
    faults = ("okc/hall-1/cdu-02:pumps", "okc/hall-1/cdu-01:pumps", "okc/hall-1/r-1/01:silent", "bms:offline")
    made = virtual(Wanted("oklahoma-10", at=NOON, lasting_s=1.0, racks="4", faults=faults))
    made.close()
    unseen = [line for line in made.lines() if line.startswith("unseen")]
    assert unseen == ["unseen    okc/hall-1/cdu-02: publishes nothing here, only what others feel of it"]
    with pytest.raises(InputError) as refused:
        virtual(Wanted("oklahoma-10", at=NOON, lasting_s=1.0, racks="4", faults=("okc/hall-1/cdu-01:pumsp",)))
    assert str(refused.value).count("leak") == 1
