"""The wet bulb that goes with a dry bulb."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import psychrolib
import pytest

from twin.forcing.coincident import hottest, outdoor_air
from twin.forcing.weather import load_weather


@pytest.fixture(scope="module")
def chicago():
    return load_weather("chicago-ohare")


def test_air_of_one_humidity_ratio_has_the_wet_bulb_of_the_reference(chicago):
    psychrolib.SetUnitSystem(psychrolib.SI)
    n = len(chicago.dry_bulb_c)
    dry = replace(chicago, humidity_ratio=np.full(n, 0.008), pressure_pa=np.full(n, 99_000.0))
    for air in outdoor_air(dry, [15.0, 25.0, 35.0, 45.0]):
        expected = psychrolib.GetTWetBulbFromHumRatio(air.dry_bulb_c, 0.008, 99_000.0)
        assert air.wet_bulb_c == pytest.approx(expected, abs=0.02)
        assert air.pressure_pa == pytest.approx(99_000.0)


def test_it_is_the_mean_of_the_hours_at_that_temperature(chicago):
    for air in outdoor_air(chicago, [5.0, 15.0, 25.0]):
        near = np.abs(chicago.dry_bulb_c - air.dry_bulb_c) < 0.5
        assert air.wet_bulb_c == pytest.approx(float(chicago.wet_bulb_c[near].mean()), abs=0.6)


def test_cold_air_is_at_most_saturated_and_hot_air_is_never_wetter_than_the_year(chicago):
    for air in outdoor_air(chicago, [-40.0, -20.0, 50.0]):
        assert air.wet_bulb_c <= air.dry_bulb_c + 1e-9
    beyond = outdoor_air(chicago, [hottest(chicago) + 10.0])[0]
    assert beyond.wet_bulb_c < float(chicago.wet_bulb_c.max()) + 4.0


def test_a_humidity_replaces_the_year(chicago):
    saturated, dry = (outdoor_air(chicago, [20.0], humidity)[0] for humidity in (1.0, 0.2))
    assert saturated.wet_bulb_c == pytest.approx(20.0, abs=1e-6)
    # 20 degC and 20 %: 9.3 degC (ASHRAE psychrometric chart).
    assert dry.wet_bulb_c == pytest.approx(9.3, abs=0.2)
