"""Loss of utility: what a UPS carries goes on, the rest comes back in order, and what took long enough trips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twin.analysis.fail import Failure, fail, told
from twin.core.columns import Fac
from twin.engine.outage import carried
from twin.site.load import load_site
from twin.site.lower import lower

AT = "2028-07-11T18:00"
CRITICAL_PLANT = """\
format: 1
base: oklahoma-10
name: critical-plant
electrical:
  elements:
    plant: {device: ups-99-eco, count: 6, fed_from: mv}
"""
FANS_OFF_UPS = """\
format: 1
base: oklahoma-10
name: fans-off-ups
templates:
  cs3-hall:
    chain:
      ups: {device: ups-99-eco, count: 3, mechanical: false}
      lv: {device: lv-switchgear, count: 3, mechanical: true}
"""


def lost(site: Any = "oklahoma-10", seconds: float = 60.0, **how: Any) -> Failure:
    asked: dict[str, Any] = {"at": AT, "lasting_s": 1500.0, **how}
    return fail(site, [f"grid:outage={seconds:g}"], **asked)


def at(failure: Failure, seconds: float) -> int:
    """Index of the step that ends so long after the loss."""
    return int(np.searchsorted(failure.times_s, failure.at_s + seconds))


def test_what_a_ups_carries_is_read_from_the_site(tmp_path):
    plant, fans = tmp_path / "plant.yaml", tmp_path / "fans.yaml"
    plant.write_text(CRITICAL_PLANT)
    fans.write_text(FANS_OFF_UPS)
    found = {}
    for name in ("oklahoma-10", str(plant), str(fans), "azure-dgx"):
        loaded = load_site(name)
        rides = carried(loaded, lower(loaded))
        found[loaded.site.name] = (all(rides.racks), all(rides.pumps), all(rides.loops))
    assert found == {
        "oklahoma-10": (True, True, False), "critical-plant": (True, True, True), "fans-off-ups": (True, False, False),
        "azure-dgx": (False, False, False),
    }  # fmt: skip


def test_pumps_come_first_then_fans_then_chillers():
    failure = lost()
    heat, supply = failure.series["plant_heat"][:, 0], failure.series["fws_supply_temperature"][:, 0]
    capacity = failure.series["plant_capacity"][:, 0]
    restart = float(failure.prepared.plan.arrays.fac[0, Fac.RESTART])
    assert heat[at(failure, 2) : at(failure, 80)] == pytest.approx(0.0, abs=1.0)
    # Fans and condenser water are back, the machines are not: the plant takes less than before.
    assert 0.0 <= capacity[at(failure, 300)] < 0.5 * capacity[0]
    assert capacity[at(failure, 60 + restart + 5)] > 0.9 * capacity[0]
    assert supply[at(failure, 59 + restart)] > supply[0] + 5.0
    assert supply[-1] < supply[at(failure, 60 + restart)]
    words = [row["what"] for row in told(failure)["timeline"]]
    order = ["grid:outage=60s fails", "facility pumps run again", "generators carry", "condenser pumps and fans",
             f"chillers may carry load again (restart time {restart:g} s)"]  # fmt: skip
    places = [next(n for n, said in enumerate(words) if said.startswith(word)) for word in order]
    assert places == sorted(places)


def test_racks_behind_a_ups_go_on_and_the_sooner_generators_come_the_cooler_they_stay():
    runs = [lost(seconds=s) for s in (15.0, 30.0, 60.0, 90.0)]
    hottest = [float(run.series["hall_liquid_supply_temperature_maximum"][: at(run, 300)].max()) for run in runs]
    assert hottest == sorted(hottest)
    assert hottest[-1] > hottest[0] + 1.0
    for run in runs:
        assert run.series["site_it_power"][at(run, 1) : at(run, 10)].min() > 0.0


def test_racks_without_a_ups_are_off_until_the_utility_is_back_and_somebody_has_looked():
    failure = lost("azure-dgx", repair_s=300.0, lasting_s=600.0)
    answer = told(failure)
    assert {row["cause"] for row in answer["groups"]} == {"power"}
    assert {row["trip_s"] for row in answer["groups"]} == {0.0}
    assert answer["racks_tripped"] == answer["racks"] == answer["racks_at_end"]
    it = failure.series["site_it_power"]
    assert it[at(failure, 1) : at(failure, 419)].max() == 0.0
    assert it[-1] == pytest.approx(it[0], rel=0.05)


def test_a_plant_on_ups_does_not_notice_and_fans_without_one_do(tmp_path):
    plant, fans = tmp_path / "plant.yaml", tmp_path / "fans.yaml"
    plant.write_text(CRITICAL_PLANT)
    fans.write_text(FANS_OFF_UPS)
    calm = lost(plant)
    assert np.ptp(calm.series["fws_supply_temperature"]) < 0.5
    assert told(calm)["racks_tripped"] == 0
    stopped = lost(fans, lasting_s=300.0)
    assert {row["cause"] for row in told(stopped)["groups"] if row["trip_s"] is not None} == {"low_flow"}


def test_a_utility_that_is_back_before_the_generators_ends_the_outage():
    short, long = lost(seconds=60.0, repair_s=10.0), lost(seconds=60.0)
    back = "facility pumps run again"
    assert [row["s"] for row in told(short)["timeline"] if row["what"] == back] == [10.0]
    assert [row["s"] for row in told(long)["timeline"] if row["what"] == back] == [60.0]
    assert not any("generators" in row["what"] for row in told(short)["timeline"])


def test_chillers_that_lose_their_power_wait_out_their_restart_time():
    failure = fail("oklahoma-10", ["okc/chw/chillers:power"], at=AT, lasting_s=1500.0, repair_s=5.0)
    capacity = failure.series["plant_capacity"][:, 0]
    restart = float(failure.prepared.plan.arrays.fac[0, Fac.RESTART])
    assert 180.0 <= restart <= 900.0
    assert capacity[at(failure, 5 + restart - 2)] < 0.5 * capacity[0]
    assert capacity[at(failure, 5 + restart + 2)] > 0.9 * capacity[0]


@pytest.mark.parametrize("site", ["oklahoma-10", "azure-dgx", "zone-4a-adiabatic", "frontier"])
def test_heat_in_is_heat_out_plus_stored_through_an_outage(site):
    assert lost(site, lasting_s=900.0, repair_s=300.0).residual < 1e-9
