"""Weather files that the tests write themselves, from a shipped year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from twin.forcing.weather import Weather, load_weather

Lines = list[str]
Writer = Callable[..., Path]
EPW_REST = ",0,0,300,0,0,0,0,0,0,0,180,2.0,5,5,16.0,77777,9,999999999,100,0.1,0,88,0.2,0.0,1.0"


@pytest.fixture(scope="session")
def chicago() -> Weather:
    return load_weather("chicago-ohare")


def epw_row(weather: Weather, index: int, day: dt.date, hour: int) -> str:
    """One EPW row of 35 fields with the readings of hour ``index``."""
    return (
        f"{day.year},{day.month},{day.day},{hour},0,?9?9?9,{weather.dry_bulb_c[index]:.1f},"
        f"{weather.dew_point_c[index]:.1f},{weather.relative_humidity[index] * 100:.0f},"
        f"{weather.pressure_pa[index]:.0f}{EPW_REST}"
    )


@pytest.fixture
def epw_lines(chicago: Weather) -> Callable[..., Lines]:
    """Lines of an EPW: ``year`` of the dates, ``days`` of them from 1 January, data ``source``."""

    def make(year: int = 1999, days: int = 365, source: str = "TMY3", offset: float = -6.0) -> Lines:
        head = [
            f"LOCATION,Somewhere,IL,USA,{source},725300,41.98,-87.92,{offset},201.0",
            "DESIGN CONDITIONS,0",
            "TYPICAL/EXTREME PERIODS,0",
            "GROUND TEMPERATURES,0",
            "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
            "COMMENTS 1,written by a test",
            "COMMENTS 2,",
            "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31",
        ]
        first = dt.date(year, 1, 1)
        hours = range(days * 24)
        days_of = [first + dt.timedelta(days=i // 24) for i in hours]
        return head + [epw_row(chicago, i % 8760, days_of[i], i % 24 + 1) for i in hours]

    return make


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Write lines (or bytes) to a file and return its path."""

    def make(content: Lines | bytes, name: str = "some.epw") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else ("\n".join(content) + "\n").encode())
        return path

    return make
