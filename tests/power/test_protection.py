"""Overload tables, breakers and relays in closed form."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.power.nets import entry, library
from twin.power.breaker import Breaker, thermal, thermal_trip
from twin.power.overload import Overload
from twin.power.relay import CURVES, relay_time
from twin.power.ups import Ups

VXL = library().get("ups-galaxy-vxl-1250", Ups)
SMALL = library().get("ups-huawei-2000g-20", Ups)
IEC, IEEE = CURVES.index("iec-standard-inverse"), CURVES.index("ieee-very-inverse")


@pytest.mark.parametrize(
    ("load", "seconds"),
    [(0.5, math.inf), (1.0, math.inf), (1.001, 600.0), (1.25, 600.0), (1.26, 60.0), (4 / 3, 60.0), (1.5, 60.0),
     (1.51, 0.0)],
)  # fmt: skip
def test_a_megawatt_ups_carries_on_mains_what_its_table_says(load, seconds):
    """Correction 6; between 125 and 150 % the printed minute holds: no line is drawn between the rows."""
    assert VXL.overload_mains is not None
    assert VXL.overload_mains.allowed_s(load) == seconds


@pytest.mark.parametrize(("load", "seconds"), [(1.0, math.inf), (1.1, 60.0), (1.11, 0.0), (4 / 3, 0.0)])
def test_on_battery_it_carries_far_less(load, seconds):
    assert VXL.overload_battery is not None
    assert VXL.overload_battery.allowed_s(load) == seconds


@pytest.mark.parametrize(
    ("load", "seconds"),
    [(1.05, math.inf), (1.08, 600.0), (1.10, 600.0), (1.2, 60.0), (1.3, 60.0), (1.4, 3.0), (1.5, 3.0), (2.0, 0.5)],
)
def test_the_rows_of_a_small_ups(load, seconds):
    assert SMALL.overload_mains is not None
    assert SMALL.overload_mains.allowed_s(load) == seconds


def test_parts_of_an_overload_add_up():
    """Half the ten minutes at 125 % leave half a minute at 150 %."""
    table = VXL.overload_mains
    assert table is not None
    used = table.exposure([(1.2, 300.0)])
    assert used == pytest.approx(0.5)
    assert table.trip_s(1.4, used) == pytest.approx(30.0)
    assert table.exposure([(1.2, 300.0), (1.4, 30.0)]) >= 1.0
    assert table.exposure([(1.2, 300.0), (1.4, 29.9)]) < 1.0


def test_what_has_rested_carries_again():
    table = VXL.overload_mains
    assert table is not None
    hot = table.exposure([(1.4, 30.0)])
    assert table.exposure([(0.9, table.recovery_s * 0.25)], hot) == pytest.approx(0.25)
    assert table.exposure([(0.9, 1e6)], hot) == 0.0
    assert table.exposure([(2.0, 1e-6), (0.1, 1e6)]) >= 1.0  # what has tripped stays so


LOADS = st.lists(st.tuples(st.floats(0.1, 1.6), st.floats(0.1, 400.0)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(history=LOADS, cut=st.floats(0.01, 0.99))
def test_an_exposure_does_not_depend_on_how_time_is_cut(history, cut):
    table = VXL.overload_mains
    assert table is not None
    halves = [(load, part) for load, s in history for part in (s * cut, s - s * cut)]
    one, two = table.exposure(history), table.exposure(halves)
    assert (one >= 1.0) == (two >= 1.0) or min(one, two) == pytest.approx(1.0)
    if one < 1.0:
        assert two == pytest.approx(one, abs=1e-9)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(a=st.floats(0.1, 3.0), b=st.floats(0.1, 3.0))
def test_a_larger_load_is_never_carried_longer(a, b):
    for table in (VXL.overload_mains, VXL.overload_battery, SMALL.overload_mains):
        assert table is not None
        assert table.allowed_s(max(a, b)) <= table.allowed_s(min(a, b))


@pytest.mark.parametrize(
    "rows",
    [
        {"load": [1.2, 1.1], "time_s": [60, 30]},
        {"load": [1.1, 1.2], "time_s": [30, 60]},
        {"load": [1.1], "time_s": [60, 30]},
        {"load": [0.9], "time_s": [60]},
        {"load": [1.1], "time_s": [60], "beyond_s": 100},
    ],
)
def test_a_table_that_cannot_be_is_refused(rows):
    rows = {"load": list(map(float, rows["load"])), "time_s": list(map(float, rows["time_s"])), **{
        k: float(v) for k, v in rows.items() if k == "beyond_s"}}  # fmt: skip
    with pytest.raises(ValidationError):
        Overload(**rows, source="made for the tests", confidence="estimate")


# --------------------------------------------------------------------------------------------------- breakers
def test_a_breaker_trips_at_135_percent_within_two_hours():
    """V29, cold: tau ln(i^2/(i^2 - 1))."""
    assert thermal_trip(0.0, 1.35, 9050.0, 10.0) == pytest.approx(7200.0, abs=1.0)


def test_a_breaker_remembers_its_load():
    """V29: twice the rating after long at 80 %."""
    assert thermal_trip(0.8**2, 2.0, 9050.0, 10.0) == pytest.approx(1026.0, abs=1.0)


@pytest.mark.parametrize("i", [0.0, 0.5, 0.8, 1.0])
def test_a_breaker_carries_its_rating_for_ever(i):
    assert thermal_trip(0.0, i, 9050.0, 10.0) == math.inf


def test_the_instantaneous_release_waits_for_nothing():
    assert thermal_trip(0.0, 10.0, 9050.0, 10.0) == 0.0


@settings(deadline=None, max_examples=200, derandomize=True)
@given(theta=st.floats(0.0, 0.999), i=st.floats(1.001, 5.0), cut=st.floats(0.0, 1.0))
def test_the_element_is_at_its_limit_when_it_trips_however_time_is_cut(theta, i, cut):
    time = thermal_trip(theta, i, 9050.0, 10.0)
    half = thermal(theta, i, time * cut, 9050.0)
    assert thermal(half, i, time * (1.0 - cut), 9050.0) == pytest.approx(1.0, abs=1e-9)


def test_a_rating_in_amperes_is_a_rating_in_kva():
    breaker = library().get("breaker-lv-4000a", Breaker)
    assert breaker.rated_va() == pytest.approx(math.sqrt(3) * 415 * 4000)
    assert breaker.continuous_w(0.95) == pytest.approx(0.8 * 0.95 * breaker.rated_va())
    assert library().get("breaker-lv-4000a-full", Breaker).continuous_w(1.0) == pytest.approx(breaker.rated_va())


@pytest.mark.parametrize("wrong", [{"rated_kva": 100.0}, {"relay": "ieee-very-inverse"}, {"voltage_v": None}])
def test_a_breaker_has_one_rating_and_a_whole_relay(wrong):
    with pytest.raises(ValidationError):
        entry("breaker-lv-4000a", **wrong)


# ----------------------------------------------------------------------------------------------------- relays
@pytest.mark.parametrize(
    ("curve", "multiplier", "m", "seconds"),
    [
        (IEC, 1.0, 2.0, 10.029), (IEC, 1.0, 10.0, 2.9706), (IEC, 0.3, 5.0, 1.2838),
        (IEEE, 1.0, 2.0, 7.0277), (IEEE, 1.0, 10.0, 0.68908), (IEEE, 2.0, 5.0, 2.6162),
    ],
)  # fmt: skip
def test_relay_curves_by_hand(curve, multiplier, m, seconds):
    assert relay_time(curve, multiplier, m) == pytest.approx(seconds, rel=1e-4)


@pytest.mark.parametrize("curve", [0, IEC, IEEE])
def test_below_its_pickup_a_relay_never_trips(curve):
    assert relay_time(curve, 1.0, 1.0) == math.inf
    assert relay_time(0, 1.0, 5.0) == math.inf
