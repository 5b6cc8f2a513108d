"""Pumps by their curve: affinity laws, closed forms against a search for the root, and what stands by never harms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twin.cooling.pump_curve import Curve, Pump, PumpBank, Pumps, System, flow_of, speed_of, system_of

KPA = 1e3
FIGURE = {"source": "a test", "confidence": "estimate"}


def bisected(curve: Curve, system: System, pumps: int, speed: float) -> float:
    """Where the heads of pumps and system meet, by halving the range of flows; 0 where they never do."""
    low, high = 0.0, 100.0
    for _ in range(200):
        flow = 0.5 * (low + high)
        pump = curve.shut_off * speed**2 - curve.a * (flow / pumps) ** 2
        low, high = (flow, high) if pump > system.static + system.k * flow**2 else (low, flow)
    return low


CURVES = st.builds(Curve, st.floats(1e5, 6e5), st.floats(1e6, 1e9))
SYSTEMS = st.builds(System, st.floats(0.0, 3e5), st.floats(1e6, 1e9))
FEW = st.integers(1, 6)


def test_the_power_of_a_pump_is_its_flow_times_its_head_per_efficiency():
    """V15 of the physics sheet: 100 kPa, 2.5 L/s, efficiency 0.65."""
    flow = 2.5e-3
    assert flow * system_of(flow, 100 * KPA, 0.0).head(flow) / 0.65 == pytest.approx(384.615, abs=5e-4)


@given(curve=CURVES, k=st.floats(1e6, 1e9), pumps=FEW)
def test_at_half_speed_a_pump_moves_half_the_flow_at_a_quarter_of_the_head_for_an_eighth_of_the_power(curve, k, pumps):
    system = System(0.0, k)
    full, half = (flow_of(curve, system, pumps, speed) for speed in (1.0, 0.5))
    assert half == pytest.approx(0.5 * full, rel=1e-12)
    assert system.head(half) == pytest.approx(0.25 * system.head(full), rel=1e-12)
    assert half * system.head(half) == pytest.approx(0.125 * full * system.head(full), rel=1e-12)


@settings(deadline=None)
@given(curve=CURVES, system=SYSTEMS, pumps=FEW, speed=st.floats(0.1, 1.0))
def test_pumps_run_where_their_curve_meets_the_system(curve, system, pumps, speed):
    flow = flow_of(curve, system, pumps, speed)
    assert flow == pytest.approx(bisected(curve, system, pumps, speed), abs=1e-9)
    if flow > 0.0:
        assert speed_of(curve, system, pumps, flow) == pytest.approx(speed, rel=1e-9)


@given(curve=CURVES, static=st.floats(0.0, 3e5), k=st.floats(1e6, 1e9))
def test_where_the_shut_off_head_is_below_the_static_head_the_check_valves_stay_shut(curve, static, k):
    system = System(curve.shut_off + static, k)
    assert flow_of(curve, system, 3) == 0.0


@given(curve=CURVES, system=SYSTEMS, pumps=FEW)
def test_another_pump_adds_less_than_the_one_before_it(curve, system, pumps):
    """They share a system whose head rises with the flow."""
    one, two, three = (flow_of(curve, system, pumps + n) for n in range(3))
    assert one <= two <= three
    assert three - two <= (two - one) * (1.0 + 1e-9) + 1e-12


def test_a_curve_goes_through_the_rated_point_and_the_shut_off_head():
    pump = Pump.model_validate(
        {"kind": "pump", "title": "a pump", "rated_flow_lpm": {"value": 600.0, **FIGURE},
         "rated_head_kpa": {"value": 200.0, **FIGURE}, "shut_off_head_kpa": {"value": 260.0, **FIGURE},
         "fail_over_s": {"value": 5.0, **FIGURE}}
    )  # fmt: skip
    curve = pump.curve()
    assert curve.shut_off == 260 * KPA
    assert curve.shut_off - curve.a * 0.01**2 == pytest.approx(200 * KPA)
    with pytest.raises(ValidationError, match="falls with flow"):
        Pump.model_validate({**dict(pump), "shut_off_head_kpa": pump.rated_head_kpa})
    with pytest.raises(ValidationError, match="at least one has to run"):
        Pumps(device="a", count=2, standby=2)


BANKS = st.builds(PumpBank, CURVES, SYSTEMS, st.floats(1e-3, 0.5), st.integers(1, 5), st.just(0), st.floats(0.0, 10.0))


@given(bank=BANKS, spare=st.integers(1, 3), lost=st.integers(1, 5), data=st.data())
def test_a_pump_that_stands_by_never_leaves_less_flow(bank, spare, lost, data):
    """Before the fail-over as much, after it as much or more."""
    waited, lost = data.draw(st.integers(0, min(lost, bank.count))), min(lost, bank.count)
    more = replace(bank, count=bank.count + spare, standby=spare)
    assert more.running() == bank.running()
    assert more.running(lost, 0) == bank.running(lost, 0)
    assert more.running(lost, waited) >= bank.running(lost, waited)
    assert more.share(more.running(lost, waited)) >= bank.share(bank.running(lost, waited))
    if lost <= spare:
        assert more.running(lost) == bank.running()


@given(bank=BANKS, share=st.floats(0.05, 1.0), left=st.integers(0, 5))
def test_when_a_check_valve_shuts_the_others_give_more_each_and_less_together(bank, share, left):
    left = min(left, bank.count)
    share = min(share, bank.share(bank.count))
    after = bank.after(share, bank.count, left)
    assert after <= share
    if left > 0 and share > 0.0:
        assert after >= share * left / bank.count * (1.0 - 1e-9)
