"""Stores in closed form: rule 8, what a BBU gives, what age leaves; generating sets: when they can take what."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.power.nets import library
from twin.core.bands import banded, sampled
from twin.power.generator import Generator, capability, capable_at
from twin.power.machine_gear import fuel_litres, tank_j
from twin.power.store import Store, step

BBU = library().get("bbu-orv3-5500w", Store)
BATTERY = library().get("ups-battery-2500kw-5min", Store)
SET = library().get("genset-2500kw", Generator)


def test_a_bbu_carries_its_module_for_240_s():
    """V26: 5.5 kW for 240 s are 0.367 kWh."""
    assert BBU.usable_j() / 3.6e6 == pytest.approx(0.367, rel=0.01)
    assert BBU.autonomy_s(5500.0) == pytest.approx(240.0, rel=0.01)


@pytest.mark.parametrize(("id", "seconds"), [("ups-battery-2500kw-5min", 300.0), ("ups-battery-90s", 90.0)])
def test_a_battery_lasts_what_its_name_says(id, seconds):
    assert library().get(id, Store).autonomy_s(2.6e6) == pytest.approx(seconds, rel=0.001)


def test_supercapacitors_bridge_a_blink():
    assert library().get("supercap-gb300", Store).autonomy_s(132e3) == pytest.approx(0.035, rel=0.02)


@pytest.mark.parametrize("id", [id for id in library().ids("store") if id != "supercap-gb300"])
def test_a_recharge_takes_its_ratio_of_the_discharge(id):
    store = library().get(id, Store)
    power = store.power_kw.value * 1e3
    stored = store.full_j() * (1.0 - store.minimum_soc.value)
    recharge = stored / (store.charge_efficiency.value * store.recharge_w())
    assert recharge / store.autonomy_s(power) == pytest.approx(store.recharge_ratio.value)


def test_a_store_is_smaller_when_it_is_old():
    assert BATTERY.health(0.0, 0.0) == 1.0
    assert BATTERY.health(10.0, 0.0) == pytest.approx(1.0 - 10.0 * BATTERY.calendar_fade.value)
    assert BATTERY.health(10.0, 100.0) < BATTERY.health(10.0, 0.0)
    assert BATTERY.autonomy_s(2.6e6, 0.8) == pytest.approx(0.8 * BATTERY.autonomy_s(2.6e6))
    assert BATTERY.health(1e6, 0.0) == 0.0


def test_fade_has_a_band_that_can_be_drawn():
    assert {"calendar_fade", "cycle_fade"} <= set(banded(BATTERY))
    assert sampled(BATTERY, {"calendar_fade": 1.0}).calendar_fade.value == BATTERY.calendar_fade.high


STEPS = st.lists(st.tuples(st.floats(-2e6, 2e6), st.floats(1e-3, 1e5)), min_size=1, max_size=20)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(steps=STEPS, start=st.floats(0.1, 1.0), eta_c=st.floats(0.6, 1.0), eta_d=st.floats(0.6, 1.0))
def test_a_store_never_passes_its_ends_and_its_ledger_is_exact(steps, start, eta_c, eta_d):
    """Rule 8 of the physics sheet."""
    least, most, power = 1e8, 1e9, 1e6
    energy = least + start * (most - least)
    for request, seconds in steps:
        done = step(energy, request, seconds, least=least, most=most, power_w=power, eta_c=eta_c, eta_d=eta_d)
        assert least <= done.energy <= most
        assert max(done.discharged, done.charged) <= min(abs(request), power)
        assert min(done.discharged, done.charged) == 0.0
        moved = (eta_c * done.charged - done.discharged / eta_d) * seconds
        assert done.energy - energy == pytest.approx(moved, abs=1e-6 * 1e-9 * most)
        energy = done.energy


# ------------------------------------------------------------------------------------------------------- sets
def test_sets_come_one_after_another_until_the_plant_is_whole():
    ready = SET.ready_s(8)
    assert ready[0] == SET.start_s.value
    assert ready[-1] == SET.parallel_s.value
    assert np.diff(ready) == pytest.approx((SET.parallel_s.value - SET.start_s.value) / 7)
    assert SET.ready_s(1).tolist() == [SET.start_s.value]


def test_a_set_takes_its_block_and_then_its_ramp():
    since = np.array([4.0, 0.0, -10.0])
    assert capability(since, 1e6, 0.6, 0.05) == pytest.approx(0.8e6 + 0.6e6)
    assert capability(since + 100.0, 1e6, 0.6, 0.05) == pytest.approx(3e6)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    since=st.lists(st.floats(-60.0, 30.0), min_size=1, max_size=8),
    block=st.floats(0.2, 1.0),
    ramp=st.floats(0.01, 0.5),
    share=st.floats(0.01, 1.1),
)
def test_what_a_plant_may_take_then_is_what_was_asked_for(since, block, ramp, share):
    """The instant is the first: just before it, the plant may not take as much."""
    ready = np.array(since)
    need = share * 1e6 * len(since)
    when = capable_at(need, ready, 1e6, block, ramp)
    if share > 1.0 + 1e-9:
        assert when == math.inf
        return
    if share < 1.0 - 1e-9:
        assert when < math.inf
    if when < math.inf:
        assert capability(ready + when, 1e6, block, ramp) >= need * (1.0 - 1e-9)
        if when > 1e-3:
            assert capability(ready + when - 1e-6, 1e6, block, ramp) < need


def test_a_tank_is_its_hours_at_the_rating():
    energy = tank_j(SET, 4)
    assert energy == pytest.approx(4 * 2.5e6 * 24 * 3600)
    assert fuel_litres(SET, energy) == pytest.approx(4 * 2500 * 24 * 0.26)
