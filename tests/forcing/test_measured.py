"""Measured series keep their dates and must cover what is asked for."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.forcing.weather import load_weather

HOUR = 3600


def utc(*moment):
    return int(dt.datetime(*moment).replace(tzinfo=dt.UTC).timestamp())


@pytest.fixture
def measured(epw_lines, write):
    return load_weather(write(epw_lines(year=2018, days=365, source="airport record")))


def test_one_real_year_of_a_record_is_measured(measured):
    assert measured.measured
    assert measured.times_utc_s.dtype == np.int64
    assert measured.times_utc_s[0] == utc(2018, 1, 1, 7)
    assert set(np.diff(measured.times_utc_s)) == {HOUR}


@pytest.mark.parametrize("source", ["TMY3", "IWEC Data", "Typical year", "CWEC2016", "Synthetic"])
def test_a_header_that_speaks_of_a_typical_year_is_believed(source, epw_lines, write):
    assert not load_weather(write(epw_lines(year=2018, source=source))).measured


def test_a_comment_that_speaks_of_a_typical_year_is_believed(epw_lines, write):
    lines = epw_lines(year=2018, source="record")
    lines[6] = "COMMENTS 2,months of a typical meteorological year"
    assert not load_weather(write(lines)).measured


def test_months_of_different_years_are_typical(epw_lines, write):
    lines = epw_lines(year=2018, source="record")
    lines[8] = lines[8].replace("2018,", "2017,", 1)
    assert not load_weather(write(lines)).measured


def test_the_caller_has_the_last_word(epw_lines, write):
    assert load_weather(write(epw_lines(year=2018)), measured=True).measured
    assert not load_weather(write(epw_lines(year=2018, source="record")), measured=False).measured


def test_it_gives_its_own_hours(measured):
    steps = measured.sample(measured.times_utc_s[1:], HOUR)
    expected = 0.5 * (measured.dry_bulb_c[1:] + measured.dry_bulb_c[:-1])
    np.testing.assert_allclose(steps.dry_bulb_c, expected, rtol=0.0, atol=1e-12)


def test_its_first_hour_takes_the_first_reading(measured):
    steps = measured.sample([utc(2018, 1, 1, 7)], HOUR)
    assert steps.dry_bulb_c[0] == measured.dry_bulb_c[0]


@pytest.mark.parametrize("end", [utc(2018, 1, 1, 6, 59), utc(2019, 1, 1, 6, 1), utc(2026, 7, 1)])
def test_a_period_it_does_not_cover_is_an_error_that_says_what_it_has(end, measured):
    measured.sample([utc(2019, 1, 1, 6)], HOUR)
    with pytest.raises(InputError, match=r"covers 2018-01-01T06:00:00Z\.\.2019-01-01T06:00:00Z") as caught:
        measured.sample([end], HOUR)
    assert caught.value.problems[0].file == measured.file


def test_some_days_are_enough(epw_lines, write):
    weather = load_weather(write(epw_lines(year=2018, days=40, source="record")))
    assert weather.dry_bulb_c.size == 960


def test_a_series_that_is_no_whole_days_is_an_error(epw_lines, write):
    with pytest.raises(InputError, match="959 hourly rows are not whole days") as caught:
        load_weather(write(epw_lines(year=2018, days=40, source="record")[:-1]))
    assert caught.value.problems[0].line == 8 + 959


def test_a_series_with_a_hole_or_a_late_start_is_an_error(epw_lines, write):
    lines = epw_lines(year=2018, days=40, source="record")
    del lines[100]
    with pytest.raises(InputError, match="hour 22 does not follow") as caught:
        load_weather(write(lines))
    assert caught.value.problems[0].line == 101
    with pytest.raises(InputError, match="first row is hour 2"):
        load_weather(write([*lines[:8], *lines[9:]]))


def test_a_29_february_that_never_was_is_an_error(epw_lines, write):
    lines = epw_lines(year=2020, days=366, source="record")
    with pytest.raises(InputError, match="2019-2-29 hour 1 does not follow"):
        load_weather(write([*lines[:8], *(line.replace("2020,", "2019,", 1) for line in lines[8:])]))


def test_a_leap_year_keeps_its_29_february(epw_lines, write, chicago):
    weather = load_weather(write(epw_lines(year=2020, days=366, source="record")))
    assert (weather.measured, weather.dry_bulb_c.size, weather.filled_hours) == (True, 8784, 0)
    noon = weather.sample([utc(2020, 2, 29, 18)], 0.0).dry_bulb_c[0]
    assert noon == pytest.approx(chicago.dry_bulb_c[59 * 24 + 11], rel=1e-12)


def test_a_leap_year_written_without_it_repeats_the_28th(epw_lines, write):
    lines = epw_lines(year=2020, days=366, source="record")
    weather = load_weather(write(lines[: 8 + 59 * 24] + lines[8 + 60 * 24 :]))
    assert (weather.dry_bulb_c.size, weather.filled_hours) == (8784, 24)
    day_28, day_29 = weather.dry_bulb_c[58 * 24 : 60 * 24].reshape(2, 24)
    np.testing.assert_array_equal(day_28, day_29)


def test_a_gap_at_its_end_holds_the_last_reading(epw_lines, write):
    lines = epw_lines(year=2018, days=2, source="record")
    fields = lines[-1].split(",")
    fields[6] = "99.9"
    lines[-1] = ",".join(fields)
    weather = load_weather(write(lines))
    assert weather.dry_bulb_c[-1] == weather.dry_bulb_c[-2]
