"""EPW: agreement with pvlib's reader, and what is said about faulty files."""

from __future__ import annotations

import numpy as np
import pytest
from pvlib.iotools import read_epw as pvlib_read_epw

from twin.core.errors import InputError
from twin.forcing.epw import read_epw
from twin.forcing.weather import load_weather

FIRST_ROW = 9  # line of the first hour in a file


def faults_of(path, **options):
    with pytest.raises(InputError) as caught:
        load_weather(path, **options)
    assert all(problem.file == str(path) for problem in caught.value.problems)
    return [(problem.line, str(problem)) for problem in caught.value.problems]


def only_fault(path, **options):
    faults = faults_of(path, **options)
    assert len(faults) == 1, faults
    return faults[0]


def with_field(lines, row, index, text):
    """A copy of ``lines`` with one field of data row ``row`` replaced."""
    fields = lines[FIRST_ROW - 1 + row].split(",")
    fields[index] = text
    return [*lines[: FIRST_ROW - 1 + row], ",".join(fields), *lines[FIRST_ROW + row :]]


def test_a_year_reads_as_pvlib_reads_it(epw_lines, write):
    path = write(epw_lines())
    ours = load_weather(path)
    theirs, meta = pvlib_read_epw(str(path))
    np.testing.assert_array_equal(ours.dry_bulb_c, theirs["temp_air"])
    np.testing.assert_array_equal(ours.dew_point_c, theirs["temp_dew"])
    np.testing.assert_allclose(ours.relative_humidity * 100.0, theirs["relative_humidity"], rtol=1e-12)
    np.testing.assert_array_equal(ours.pressure_pa, theirs["atmospheric_pressure"])
    place = (ours.latitude, ours.longitude, ours.utc_offset_h, ours.elevation_m)
    assert place == (meta["latitude"], meta["longitude"], meta["TZ"], meta["altitude"])
    assert ours.station == "Somewhere, IL, USA (WMO 725300)"


def test_written_and_read_back_a_shipped_year_is_the_same(epw_lines, write, chicago):
    ours = load_weather(write(epw_lines()))
    np.testing.assert_allclose(ours.wet_bulb_c, chicago.wet_bulb_c, atol=1e-12)
    assert ours.filled_hours == 0


def test_windows_line_ends_and_a_byte_order_mark_are_read(epw_lines, write, chicago):
    data = b"\xef\xbb\xbf" + "\r\n".join(epw_lines()).encode()
    np.testing.assert_array_equal(load_weather(write(data)).dry_bulb_c, chicago.dry_bulb_c)


def test_a_29_february_in_a_typical_year_is_left_out(epw_lines, write):
    weather = load_weather(write(epw_lines(year=2000, days=366)))
    assert weather.dry_bulb_c.size == 8760
    assert not weather.measured


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file(content, write):
    assert "the file is empty" in only_fault(write(content))[1]


def test_a_missing_file(tmp_path):
    assert "no such weather file" in only_fault(tmp_path / "none.epw")[1]


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.epw").mkdir()
    assert "no such weather file" in only_fault(tmp_path / "folder.epw")[1]


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_epw(tmp_path)


def test_something_else_than_an_epw(write):
    line, text = only_fault(write([b"PK\x03\x04".decode()] * 3))
    assert (line, "not an EPW" in text) == (1, True)


def test_a_header_that_stops_early(epw_lines, write):
    line, text = only_fault(write(epw_lines()[:5]))
    assert (line, "DATA PERIODS" in text) == (5, True)


def test_a_header_without_data(epw_lines, write):
    assert "no rows of data" in only_fault(write(epw_lines()[:8]))[1]


def test_records_of_a_quarter_hour_are_refused(epw_lines, write):
    lines = epw_lines()
    lines[7] = "DATA PERIODS,1,4,Data,Sunday, 1/ 1,12/31"
    line, text = only_fault(write(lines))
    assert (line, "one record an hour" in text) == (8, True)


@pytest.mark.parametrize(("index", "text"), [(6, "95"), (7, "west"), (8, "-15"), (9, "nan")])
def test_an_impossible_location(index, text, epw_lines, write):
    lines = epw_lines()
    fields = lines[0].split(",")
    fields[index] = text
    lines[0] = ",".join(fields)
    line, message = only_fault(write(lines))
    assert line == 1
    assert f'"{text}" is not a number in' in message


def test_a_file_that_ends_within_a_day(epw_lines, write):
    lines = epw_lines()[:-1]
    line, text = only_fault(write(lines))
    assert line == len(lines)
    assert "8759 hourly rows up to 12/31 hour 23, expected 8760" in text


def test_a_file_that_ends_within_a_row(epw_lines, write):
    lines = epw_lines()
    lines[-1] = lines[-1][:60]
    line, text = only_fault(write(lines))
    assert line == len(lines)
    assert "expected 35: is the file truncated?" in text


def test_a_year_too_long(epw_lines, write):
    line, text = only_fault(write(epw_lines(year=2000, days=367)))
    assert line == FIRST_ROW + 367 * 24 - 1
    assert "8808 hourly rows" in text


def test_an_hour_left_out(epw_lines, write):
    lines = epw_lines()
    del lines[FIRST_ROW - 1 + 30]
    first, last = faults_of(write(lines))
    assert first[0] == FIRST_ROW + 30
    assert "expected 1/2 hour 7, found 1/2 hour 8" in first[1]
    assert "8759 hourly rows" in last[1]


@pytest.mark.parametrize(
    ("index", "text", "words"),
    [
        (0, "0", "year 0 is outside"),
        (1, "13", "13/1 is not a day"),
        (2, "32", "1/32 is not a day"),
        (3, "25", "hour 25 is outside 1..24"),
        (3, "x", '"x" is not a number'),
    ],
)
def test_an_impossible_label(index, text, words, epw_lines, write):
    line, message = only_fault(write(with_field(epw_lines(), 4, index, text)))
    assert line == FIRST_ROW + 4
    assert words in message


@pytest.mark.parametrize(
    ("index", "text", "words"),
    [
        (6, "warm", 'dry bulb: "warm" is not a finite number'),
        (6, "nan", 'dry bulb: "nan" is not a finite number'),
        (7, "inf", 'dew point: "inf" is not a finite number'),
        (6, "61", "dry bulb: 61 is outside -70..60"),
        (6, "-70.5", "dry bulb: -70.5 is outside -70..60"),
        (8, "111", "relative humidity: 111 is outside 0..110"),
        (8, "-1", "relative humidity: -1 is outside 0..110"),
        (9, "30000", "pressure: 30000 is outside 31000..120000"),
        (9, "121000", "pressure: 121000 is outside 31000..120000"),
    ],
)
def test_an_impossible_reading(index, text, words, epw_lines, write):
    lines = with_field(epw_lines(), 100, index, text)
    line, message = only_fault(write(lines))
    column = lines[FIRST_ROW + 99].index(f",{text},") + 2
    assert line == FIRST_ROW + 100
    assert message.endswith(f":{line}:{column}: {words}")


def test_humidity_a_little_above_saturation_is_saturation(epw_lines, write):
    weather = load_weather(write(with_field(epw_lines(), 100, 8, "110")))
    assert weather.relative_humidity[100] == 1.0


def test_a_byte_that_is_not_utf8(epw_lines, write):
    lines = "\n".join(epw_lines()).encode().split(b"\n")
    lines[5] = b"COMMENTS 1,Montr\xe9al"
    line, text = only_fault(write(b"\n".join(lines)))
    assert line == 6
    assert ":6:17: byte 0xe9 is not UTF-8 text" in text


@pytest.mark.parametrize(("index", "code"), [(6, "99.9"), (7, "99.9"), (8, "999"), (9, "999999"), (6, ""), (6, "9999")])
def test_a_short_gap_is_filled_and_counted(index, code, epw_lines, write, chicago):
    lines = epw_lines()
    for row in range(100, 106):
        lines = with_field(lines, row, index, code)
    weather = load_weather(write(lines))
    name = ("dry_bulb_c", "dew_point_c", "relative_humidity", "pressure_pa")[index - 6]
    filled, known = getattr(weather, name)[99:107], getattr(chicago, name)[99:107]
    np.testing.assert_allclose(filled, np.linspace(known[0], known[-1], 8), rtol=1e-12)
    assert weather.filled_hours == 6


def test_a_gap_across_the_end_of_a_typical_year_is_filled_from_both_sides(epw_lines, write, chicago):
    lines = epw_lines()
    for row in (8757, 8758, 8759, 0, 1):
        lines = with_field(lines, row, 6, "99.9")
    filled = np.roll(load_weather(write(lines)).dry_bulb_c, 4)[:7]
    expected = np.linspace(chicago.dry_bulb_c[8756], chicago.dry_bulb_c[2], 7)
    np.testing.assert_allclose(filled, expected, rtol=1e-9)


def test_a_gap_of_seven_hours_is_an_error_even_across_the_end_of_the_year(epw_lines, write):
    lines = epw_lines()
    for row in (8756, 8757, 8758, 8759, 0, 1, 2):
        lines = with_field(lines, row, 9, "999999")
    line, text = only_fault(write(lines))
    assert line == FIRST_ROW + 8756
    assert "pressure: missing for 7 hours from here; at most 6" in text


def test_a_column_without_readings_is_one_error(epw_lines, write):
    lines = epw_lines()
    for row in range(8760):
        fields = lines[FIRST_ROW - 1 + row].split(",")
        fields[9] = "999999"
        lines[FIRST_ROW - 1 + row] = ",".join(fields)
    line, text = only_fault(write(lines))
    assert line == FIRST_ROW
    assert "pressure: missing for 8760 hours" in text


def test_all_faults_are_shown_at_once_but_not_more_than_twenty(epw_lines, write):
    lines = epw_lines()
    for row in range(30):
        lines = with_field(lines, 10 * row, 6, "hot")
    faults = faults_of(write(lines))
    assert [line for line, _ in faults] == [FIRST_ROW + 10 * row for row in range(20)] + [None]
    assert faults[-1][1].endswith("and 10 more")
