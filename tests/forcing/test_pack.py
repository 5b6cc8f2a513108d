"""The shipped format: lossless, the same bytes every time, and strict."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.forcing.pack import MAGIC, pack, unpack
from twin.forcing.weather import load_weather, make_weather, shipped_weather


@pytest.fixture
def packed(epw_lines, write):
    return pack(write(epw_lines()), "somewhere")


def lines_of(error):
    return [problem.line for problem in error.value.problems]


def test_packing_loses_nothing(packed, epw_lines, write):
    ours = make_weather(unpack(packed, "somewhere.csv"))
    theirs = load_weather(write(epw_lines()))
    for name in ("dry_bulb_c", "dew_point_c", "relative_humidity", "pressure_pa", "wet_bulb_c"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for name in ("station", "latitude", "longitude", "elevation_m", "utc_offset_h"):
        assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.parametrize("name", shipped_weather())
def test_a_shipped_file_is_small_and_packs_to_the_same_rows_again(name, write):
    data = (files("sites") / "weather" / f"{name}.csv").read_bytes()
    assert data.startswith(MAGIC.encode())
    assert len(data) < 150_000
    assert b"DESIGN CONDITIONS" not in data
    rows = data.decode().splitlines()[-8760:]
    values = unpack(data, name).values / np.array([[0.1], [0.1], [0.01], [100.0]])
    assert rows == [",".join(f"{value:.0f}" for value in column) for column in values.T]


@pytest.mark.parametrize("name", shipped_weather())
def test_a_year_that_is_read_row_by_row_is_the_same_to_the_last_bit(name):
    data = (files("sites") / "weather" / f"{name}.csv").read_bytes()
    before, _, last = data.rstrip().rpartition(b"\n")
    whole, by_rows = unpack(data, name), unpack(before + b"\n " + last, name)
    assert whole.values.tobytes() == by_rows.values.tobytes()
    assert whole.month_years == by_rows.month_years


def test_a_packed_file_may_be_loaded_by_its_path(packed, write):
    assert load_weather(write(packed, "mine.csv")).name == "somewhere"


def test_only_tmy3_is_packed(epw_lines, write):
    with pytest.raises(InputError, match="only complete TMY3 years"):
        pack(write(epw_lines(source="IWEC")), "somewhere")


def test_a_year_that_would_lose_digits_is_not_packed(epw_lines, write):
    lines = epw_lines()
    fields = lines[50].split(",")
    fields[9] = "99532"
    lines[50] = ",".join(fields)
    with pytest.raises(InputError, match="would lose digits"):
        pack(write(lines), "somewhere")


def test_a_file_of_another_kind(write):
    with pytest.raises(InputError, match="not a packed weather year") as caught:
        load_weather(write(f"{MAGIC}\n1,2,3,4\n".encode(), "mine.csv"))
    assert lines_of(caught) == [1]


def test_a_header_that_lacks_something(packed):
    with pytest.raises(InputError, match="lacks licence, latitude"):
        unpack(packed.replace(b"# latitude", b"# x").replace(b"# licence", b"# y"), "mine.csv")
    with pytest.raises(InputError, match="lacks 12 month_years"):
        unpack(packed.replace(b"month_years", b"years"), "mine.csv")


def test_faults_in_rows_have_their_lines(packed):
    rows = packed.decode().splitlines()
    rows[20] = "1,2,3"
    rows[30] = "-122,warm,73,995"
    rows[40] = "-122,-161,73,9950"
    with pytest.raises(InputError) as caught:
        unpack("\n".join(rows).encode(), "mine.csv")
    assert lines_of(caught) == [21, 31, 41]


def test_a_row_too_many_or_too_few(packed):
    with pytest.raises(InputError, match="8761 rows, expected 8760") as caught:
        unpack(packed + b"1,2,3,995\n", "mine.csv")
    assert lines_of(caught) == [packed.count(b"\n") + 1]
    with pytest.raises(InputError, match="8759 hourly rows"):
        unpack(packed[: packed.rstrip().rindex(b"\n")], "mine.csv")
