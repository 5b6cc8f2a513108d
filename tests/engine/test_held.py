"""Valves that stick and controls that fail: what is held stays, and nothing moves at the instant itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twin.analysis.fail import Failure, fail
from twin.cooling.exchanger import counterflow
from twin.core.columns import Sec
from twin.core.variables import slot
from twin.engine.hold import transfer_units

SITE, AT, CDU, AIR = "oklahoma-10", "2028-07-11T18:00", "okc/hall-1/cdu-02", "okc/hall-1/air"


def broken(*elements: str, **how: Any) -> Failure:
    asked: dict[str, Any] = {"at": AT, "lasting_s": 600.0, "load": "full", **how}
    return fail(SITE, elements, **asked)


def cdu_rows(failure: Failure, name: str, cdu: str = CDU) -> np.ndarray:
    """A variable of a CDU, (time): the same run once more."""
    engine = failure.prepared.engine()
    engine.faults, labels = failure.faults, failure.prepared.plan.labels
    engine.headroom_at = np.zeros((failure.prepared.timeline.intervals, len(labels.hall)), np.uint8)
    parts = [result.levels["cdu"][:, labels.cdu.index(cdu), slot(name)] for result in engine.blocks()]
    return np.concatenate(parts)


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_a_stuck_valve_holds_the_flow_of_the_facility_water(share):
    failure = broken(f"{CDU}:valve={share}")
    plan = failure.prepared.plan
    most = plan.arrays.sec[plan.labels.sec.index(CDU)]
    held = cdu_rows(failure, "cdu_primary_flow")[61:]
    assert held == pytest.approx(share * most[Sec.WP_MAX] / most[Sec.CP_PRIMARY], rel=1e-9)


def test_the_less_a_stuck_valve_is_open_the_warmer_the_coolant():
    runs = [broken(f"{CDU}:valve={share}", lasting_s=120.0) for share in (0.1, 0.2, 0.4, 1.0)]
    supply = [cdu_rows(run, "cdu_supply_temperature")[-1] for run in runs]
    assert (np.diff(supply) < 0.0).all()
    assert supply[-1] < 21.0 < supply[0]


def test_a_shut_valve_is_the_loss_of_facility_water():
    shut, lost = (broken(f"{CDU}:{mode}").series for mode in ("valve=0", "facility"))
    for name in ("hall_liquid_supply_temperature_maximum", "hall_it_power"):
        assert shut[name] == pytest.approx(lost[name], rel=1e-12)


@pytest.mark.parametrize("element", [CDU, AIR])
def test_a_failed_control_changes_nothing_as_long_as_nothing_else_does(element):
    before, after = broken(f"{CDU}:sensor=0").series, broken(f"{element}:control").series
    for name in (
        "hall_rack_inlet_temperature",
        "hall_liquid_supply_temperature_maximum",
        "hall_rack_temperature_maximum",
    ):
        assert after[name] == pytest.approx(before[name], abs=1e-3), name


def test_air_that_goes_past_the_racks_counts_when_a_control_fails(tmp_path):
    """Air handlers that bring more than racks take: what is held is the coil, not the coil with the bypass."""
    site = tmp_path / "bypass.yaml"
    site.write_text("format: 1\nbase: oklahoma-10\nname: bypass\ntemplates: {cs3-hall: {air: {bypass: 0.2}}}\n")
    asked: dict[str, Any] = {"at": AT, "lasting_s": 300.0, "load": "full"}
    before, after = (fail(site, [element], **asked).series for element in (f"{AIR}:sensor=0", f"{AIR}:control"))
    name = "hall_rack_inlet_temperature"
    assert after[name] == pytest.approx(before[name], abs=1e-3)


def test_a_failed_control_does_not_follow_the_water_that_warms():
    """A chiller is lost: a valve that works opens further and holds its set point, one that does not misses it."""
    works, failed = (broken("okc/chw/chillers", *more) for more in ((), (f"{CDU}:control",)))
    assert works.series["fws_supply_temperature"][-1, 0] > works.series["fws_supply_temperature"][0, 0] + 2.0
    assert cdu_rows(works, "cdu_supply_temperature")[-1] == pytest.approx(21.0, abs=0.01)
    assert cdu_rows(failed, "cdu_supply_temperature")[-1] > 22.0


def test_fans_that_do_not_answer_leave_racks_to_their_own_exhaust():
    """The racks draw what they need; what the held fans do not bring comes back from behind them."""
    morning: dict[str, Any] = {"lasting_s": 14_400.0, "step_s": 10.0, "at": "2028-07-11T12:00", "load": "chat"}
    warm, cool = broken(f"{AIR}:control", **morning).series, broken(f"{CDU}:sensor=0", **morning).series
    rise = warm["hall_rack_inlet_temperature"][-1, 0] - cool["hall_rack_inlet_temperature"][-1, 0]
    load = warm["hall_it_power"][:, 0]
    assert load[-1] > load[60] * 1.05
    assert rise > 0.2


@pytest.mark.parametrize(("ntu", "ratio"), [(0.5, 0.0), (2.0, 0.8), (3.0, 1.0), (1.0, 0.999_999_999_9)])
def test_transfer_units_are_those_of_the_effectiveness(ntu, ratio):
    assert transfer_units(counterflow(ntu, ratio), ratio) == pytest.approx(ntu, rel=1e-6)
