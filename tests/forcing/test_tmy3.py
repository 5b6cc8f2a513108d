"""TMY3: agreement with pvlib's reader, and what is said about faulty files."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from pvlib.iotools import read_tmy3 as pvlib_read_tmy3

from twin.core.errors import InputError
from twin.forcing.weather import load_weather

COLUMNS = (
    "Date (MM/DD/YYYY),Time (HH:MM),GHI (W/m^2),Dry-bulb (C),Dew-point (C),RHum (%),Pressure (mbar),Alb (unitless)"
)


@pytest.fixture
def tmy3_lines(chicago):
    head = ['725300,"CHICAGO OHARE",IL,-6.0,41.983,-87.917,201', COLUMNS]
    rows = []
    for i in range(8760):
        day = dt.date(1999, 1, 1) + dt.timedelta(days=i // 24)
        rows.append(
            f"{day:%m/%d/%Y},{i % 24 + 1:02d}:00,0,{chicago.dry_bulb_c[i]:.1f},{chicago.dew_point_c[i]:.1f},"
            f"{chicago.relative_humidity[i] * 100:.0f},{chicago.pressure_pa[i] / 100:.0f},0.2"
        )
    return head + rows


def only_fault(path):
    with pytest.raises(InputError) as caught:
        load_weather(path)
    (problem,) = caught.value.problems
    assert problem.file == str(path)
    return problem.line, str(problem)


def test_a_year_reads_as_pvlib_reads_it(tmy3_lines, write):
    path = write(tmy3_lines, "some.csv")
    ours = load_weather(path)
    theirs, meta = pvlib_read_tmy3(str(path), map_variables=True)
    np.testing.assert_array_equal(ours.dry_bulb_c, theirs["temp_air"])
    np.testing.assert_array_equal(ours.dew_point_c, theirs["temp_dew"])
    np.testing.assert_allclose(ours.relative_humidity * 100.0, theirs["relative_humidity"], rtol=1e-12)
    np.testing.assert_allclose(ours.pressure_pa / 100.0, theirs["pressure"], rtol=1e-12)
    place = (ours.latitude, ours.longitude, ours.utc_offset_h, ours.elevation_m)
    assert place == (meta["latitude"], meta["longitude"], meta["TZ"], meta["altitude"])
    assert ours.station == "CHICAGO OHARE, IL (WMO 725300)"
    assert not ours.measured


def test_a_quoted_name_may_hold_a_comma(tmy3_lines, write):
    tmy3_lines[0] = tmy3_lines[0].replace("CHICAGO OHARE", "CHICAGO, OHARE")
    assert load_weather(write(tmy3_lines, "some.csv")).station == "CHICAGO, OHARE, IL (WMO 725300)"


def test_a_csv_of_another_kind(write):
    with pytest.raises(InputError) as caught:
        load_weather(write(["time,power", "1,2"], "some.csv"))
    assert [problem.line for problem in caught.value.problems] == [1, 2]


def test_an_impossible_time_zone(tmy3_lines, write):
    tmy3_lines[0] = '725300,"CHICAGO",IL,noon,41.983,-87.917,201'
    line, text = only_fault(write(tmy3_lines, "some.csv"))
    assert (line, '"noon" is not a number' in text) == (1, True)


def test_a_file_of_one_line(tmy3_lines, write):
    line, text = only_fault(write(tmy3_lines[:1], "some.csv"))
    assert (line, "Dry-bulb (C), Dew-point (C)" in text) == (1, True)


def test_a_date_in_another_order(tmy3_lines, write):
    tmy3_lines[502] = tmy3_lines[502].replace("01/21/1999", "1999-01-21")
    line, text = only_fault(write(tmy3_lines, "some.csv"))
    assert (line, "is not MM/DD/YYYY,HH:00" in text) == (503, True)


def test_a_row_cut_off(tmy3_lines, write):
    tmy3_lines[-1] = tmy3_lines[-1][:30]
    line, text = only_fault(write(tmy3_lines, "some.csv"))
    assert line == 8762
    assert "fields, expected 8" in text


def test_a_short_gap_is_filled(tmy3_lines, write):
    fields = tmy3_lines[502].split(",")
    tmy3_lines[502] = ",".join([*fields[:3], "-9900", *fields[4:]])
    weather = load_weather(write(tmy3_lines, "some.csv"))
    assert weather.filled_hours == 1
    assert weather.dry_bulb_c[500] == pytest.approx(0.5 * (weather.dry_bulb_c[499] + weather.dry_bulb_c[501]))
