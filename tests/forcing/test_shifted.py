"""Heat waves and cold spells: the water in the air stays, means hang on no step, other days stay as they are."""

from __future__ import annotations

import numpy as np
import psychrolib
import pytest

from twin.forcing.shifted import Shift, always, shifted
from twin.forcing.weather import load_weather

DAY = 86_400.0
FROM = 1_847_059_200.0  # 2028-07-13T00:00Z
AIR = load_weather("washington-dulles")


def test_a_heat_wave_keeps_the_water_in_the_air_and_its_wet_bulb_is_that_of_the_air():
    hot = always(AIR, 8.0)
    assert hot.humidity_ratio == pytest.approx(AIR.humidity_ratio)
    psychrolib.SetUnitSystem(psychrolib.SI)
    for n in range(0, 8760, 731):
        wet = psychrolib.GetTWetBulbFromHumRatio(hot.dry_bulb_c[n], hot.humidity_ratio[n], hot.pressure_pa[n])
        assert hot.wet_bulb_c[n] == pytest.approx(wet, abs=0.02 if wet > 1.0 else 0.6)  # ice or water near 0 degC


def test_colder_air_holds_no_more_water_than_it_can():
    cold = always(AIR, -15.0)
    assert (cold.relative_humidity <= 1.0 + 1e-9).all()
    assert (cold.wet_bulb_c <= cold.dry_bulb_c + 1e-6).all()
    assert (cold.humidity_ratio < AIR.humidity_ratio - 1e-9).any()


def test_outside_its_days_nothing_changes_and_inside_all_of_it():
    air = shifted(AIR, [Shift(8.0, FROM, FROM + 2 * DAY)])
    t = FROM + np.arange(-5, 54) * 3600.0
    rise = air.sample(t, 3600.0).dry_bulb_c - AIR.sample(t, 3600.0).dry_bulb_c
    assert rise[t <= FROM] == pytest.approx(0.0)
    assert rise[t > FROM + 2 * DAY] == pytest.approx(0.0)
    assert rise[(t > FROM + 3600.0) & (t < FROM + 2 * DAY)] == pytest.approx(8.0)
    assert rise[t == FROM + 3600.0] == pytest.approx(4.0)  # the hour in which it rises


@pytest.mark.parametrize("short", [1.0, 60.0, 900.0])
def test_short_steps_have_the_mean_of_long_ones(short):
    air = shifted(AIR, [Shift(-12.0, FROM + 1000.0, FROM + 30_000.0)])
    long = air.sample([FROM + 3600.0], 3600.0).dry_bulb_c[0]
    ends = FROM + short * np.arange(1, round(3600.0 / short) + 1)
    assert air.sample(ends, short).dry_bulb_c.mean() == pytest.approx(long, abs=1e-6)


def test_a_shift_without_ends_is_always_there_and_none_is_the_weather_itself():
    t = FROM + np.arange(0, 300) * 86_400.0
    always_there = shifted(AIR, [Shift(3.0)])
    assert always_there.sample(t, 60.0).dry_bulb_c - AIR.sample(t, 60.0).dry_bulb_c == pytest.approx(3.0)
    assert shifted(AIR, []) is AIR


def test_a_weather_says_from_when_to_when_it_is_warmer():
    assert shifted(AIR, [Shift(-8.0, FROM, FROM + DAY)]).name.startswith(f"{AIR.name}, -8 K from ")
    assert Shift(8.0, 1.9e9, 1.9e9 + 7200.0).named() == "+8 K from 2030-03-17T17:47Z to 2030-03-17T19:47Z"
    assert Shift(3.0).named() == "+3 K"
