"""Weather laid on a period: the shipped climates (V18), calendars, time zones, steps of any length."""

from __future__ import annotations

import datetime as dt

import numpy as np
import psychrolib
import pytest

from twin.core.errors import InputError
from twin.forcing.weather import load_weather, shipped_weather

HOUR = 3600


def utc(*moment):
    return int(dt.datetime(*moment).replace(tzinfo=dt.UTC).timestamp())


def local(weather, *moment):
    """Seconds since 1970 of a local standard time."""
    return utc(*moment) - weather.utc_offset_h * HOUR


# Hours of a TMY3 year, computed with psychrolib from the EPW files (validation case V18).
@pytest.mark.parametrize(
    ("name", "wet_13", "wet_18", "dry_30", "wet_996"),
    [
        ("washington-dulles", 5189, 6584, 8523, 24.98),
        ("chicago-ohare", 5664, 7230, 8612, 25.44),
        ("golden-nrel", 7448, 8743, 8599, 17.57),
        ("san-francisco", 6511, 8730, 8757, 17.99),
        ("tampa", 1404, 2963, 7997, 26.63),
    ],
)
def test_v18_hours_of_free_cooling(name, wet_13, wet_18, dry_30, wet_996):
    weather = load_weather(name)
    assert np.sum(weather.wet_bulb_c <= 13.0) == pytest.approx(wet_13, abs=10)
    assert np.sum(weather.wet_bulb_c <= 18.0) == pytest.approx(wet_18, abs=10)
    assert np.sum(weather.dry_bulb_c <= 30.0) == pytest.approx(dry_30, abs=10)
    assert np.quantile(weather.wet_bulb_c, 0.996) == pytest.approx(wet_996, abs=0.01)


def test_the_shipped_years_are_complete_and_say_where_they_come_from():
    assert shipped_weather() == [
        "chicago-ohare",
        "golden-nrel",
        "san-francisco",
        "tampa",
        "washington-dulles",
    ]
    for name in shipped_weather():
        weather = load_weather(name)
        assert (weather.name, weather.dry_bulb_c.size, weather.filled_hours) == (name, 8760, 0)
        assert not weather.measured
        assert "TMY3" in weather.source
        assert "public domain" in weather.licence
        psychrolib.SetUnitSystem(psychrolib.SI)
        air_pressure = psychrolib.GetStandardAtmPressure(weather.elevation_m)
        assert weather.pressure_pa.mean() == pytest.approx(air_pressure, rel=0.02)


def test_an_unknown_name_gets_a_hint():
    with pytest.raises(InputError, match='did you mean "chicago-ohare"') as caught:
        load_weather("chicago-ohara")
    assert "tampa" in str(caught.value)


def test_a_path_is_taken_relative_to_the_base(epw_lines, write):
    path = write(epw_lines())
    assert load_weather(path.name, base=path.parent).file == str(path)


def test_columns_cannot_be_written(chicago):
    with pytest.raises(ValueError, match="read-only"):
        chicago.dry_bulb_c[0] = 0.0


def test_the_reading_of_an_hour_is_the_value_at_its_end(chicago):
    steps = chicago.sample([local(chicago, 2026, 1, 1, 1), local(chicago, 2026, 7, 4, 15)], 0.0)
    july = (181 + 3) * 24 + 14
    np.testing.assert_allclose(steps.dry_bulb_c, chicago.dry_bulb_c[[0, july]], rtol=1e-12)
    np.testing.assert_allclose(steps.wet_bulb_c, chicago.wet_bulb_c[[0, july]], rtol=1e-12)
    np.testing.assert_allclose(steps.pressure_pa, chicago.pressure_pa[[0, july]], rtol=1e-12)
    np.testing.assert_allclose(steps.humidity_ratio, chicago.humidity_ratio[[0, july]], rtol=1e-12)


def test_an_hourly_step_is_the_mean_of_its_two_readings(chicago):
    end = local(chicago, 2026, 1, 1) + HOUR * np.arange(1, 8761)
    steps = chicago.sample(end, HOUR)
    expected = 0.5 * (chicago.dry_bulb_c + np.roll(chicago.dry_bulb_c, 1))
    np.testing.assert_allclose(steps.dry_bulb_c, expected, rtol=0.0, atol=1e-12)
    assert steps.dry_bulb_c.mean() == pytest.approx(chicago.dry_bulb_c.mean(), abs=1e-11)


@pytest.mark.parametrize("length", [1, 60, 900])
def test_short_steps_add_up_to_the_hour(length, chicago):
    begin = utc(2026, 3, 9, 11)
    short = chicago.sample(begin + length * np.arange(1, 3 * HOUR // length + 1), length)
    hours = chicago.sample(begin + HOUR * np.arange(1, 4), HOUR)
    for name in ("dry_bulb_c", "wet_bulb_c", "pressure_pa", "humidity_ratio"):
        mean = getattr(short, name).reshape(3, -1).mean(axis=1)
        np.testing.assert_allclose(mean, getattr(hours, name), rtol=1e-12, atol=1e-9)


def test_hours_add_up_to_a_month_and_steps_that_straddle_hours_agree(chicago):
    begin = utc(2026, 5, 1, 0, 20)
    hours = chicago.sample(begin + HOUR * np.arange(1, 745), HOUR)
    month = chicago.sample([begin + 744 * HOUR], 744 * HOUR)
    assert month.wet_bulb_c[0] == pytest.approx(hours.wet_bulb_c.mean(), abs=1e-9)
    assert month.pressure_pa[0] == pytest.approx(hours.pressure_pa.mean(), abs=1e-6)


def test_a_block_of_steps_does_not_depend_on_how_the_period_is_cut(chicago):
    end = utc(2028, 2, 25) + 7000 * np.arange(1, 200)
    whole = chicago.sample(end, 7000).wet_bulb_c
    cut = [chicago.sample(part, 7000).wet_bulb_c for part in np.split(end, [13, 90])]
    np.testing.assert_array_equal(whole, np.concatenate(cut))


def test_29_february_repeats_the_28th(chicago):
    day_28, day_29, day_1 = (
        chicago.sample(local(chicago, 2028, month, day) + HOUR * np.arange(1, 25), 0.0).dry_bulb_c
        for month, day in ((2, 28), (2, 29), (3, 1))
    )
    np.testing.assert_allclose(day_29, day_28, rtol=1e-12)
    np.testing.assert_allclose(day_28, chicago.dry_bulb_c[58 * 24 : 59 * 24], rtol=1e-12)
    np.testing.assert_allclose(day_1, chicago.dry_bulb_c[59 * 24 : 60 * 24], rtol=1e-12)


@pytest.mark.parametrize("year", [1999, 2000, 2026, 2028, 2100])
def test_every_year_ends_with_the_last_reading_and_begins_with_the_first(year, chicago):
    midnight = local(chicago, year + 1, 1, 1)
    values = chicago.sample([midnight, midnight + HOUR / 2, midnight + HOUR], 0.0).dry_bulb_c
    last, first = chicago.dry_bulb_c[-1], chicago.dry_bulb_c[0]
    np.testing.assert_allclose(values, [last, 0.5 * (last + first), first], rtol=1e-12)


@pytest.mark.parametrize("offset", [-9.5, -3.0, 0.0, 5.75, 10.0, 13.0])
def test_local_standard_time_decides_whatever_the_offset(offset, epw_lines, write, chicago):
    weather = load_weather(write(epw_lines(offset=offset)))
    moments = [local(weather, 2027, 1, 15, 6), local(weather, 2027, 12, 31, 23)]
    values = weather.sample(np.array(moments), 0.0).dry_bulb_c
    np.testing.assert_allclose(values, chicago.dry_bulb_c[[14 * 24 + 5, 8758]], rtol=1e-9)


def test_no_steps_give_no_values(chicago):
    assert chicago.sample([], 60.0).dry_bulb_c.shape == (0,)


@pytest.mark.parametrize(("t", "length"), [(np.nan, 1.0), (0.0, np.inf), (0.0, -1.0)])
def test_impossible_steps_are_refused(t, length, chicago):
    with pytest.raises(ValueError, match="finite"):
        chicago.sample([t], length)
