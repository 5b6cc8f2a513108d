"""Reads EnergyPlus weather files (EPW).

Eight header lines (LOCATION first, DATA PERIODS last), then one row an hour: year, month, day, hour 1..24,
minute, flags, dry bulb degC, dew point degC, relative humidity %, pressure Pa, and columns that are not read.
The reading of hour h is taken as the value at its label, the end of the hour, in local standard time
(LOCATION gives the hours ahead of UTC). Missing: 99.9 (temperatures), 999 (humidity), 999999 (pressure), 9999
and an empty field.

A file counts as *measured* when all its rows are of one real year and neither the data source nor the
comments speak of a typical, synthetic or reference year; the caller may say otherwise.

Source: EnergyPlus Auxiliary Programs, "EnergyPlus Weather File (EPW) Data Dictionary".
"""

from __future__ import annotations

import re
from pathlib import Path

from twin.forcing.hourly import (
    DEW_POINT,
    DRY_BULB,
    HUMIDITY,
    PRESSURE,
    Faults,
    HourlyTable,
    Rows,
    Station,
    cell,
    column_of,
    number,
    read_lines,
)
from twin.forcing.quality import settle

MISSING_TEMPERATURE = frozenset({99.9, 999.0, 9999.0})
MISSING_HUMIDITY = frozenset({999.0, 9999.0})
MISSING_PRESSURE = frozenset({9999.0, 999999.0})
HEADER_LINES = 8
READ_FIELDS = 10
NOT_MEASURED = re.compile(
    r"TMY|TRY|IWEC|CWEC|WYEC|CSWD|SWERA|EWY|DSY|RMY|typical|synthetic|reference year|design year",
    re.IGNORECASE,
)
# Field of LOCATION, its name and its range.
LOCATION_NUMBERS = (
    (6, "latitude", -90.0, 90.0),
    (7, "longitude", -180.0, 180.0),
    (8, "time zone", -12.0, 14.0),
    (9, "elevation", -1000.0, 9999.9),
)


def read_epw(path: Path, *, measured: bool | None = None) -> HourlyTable:
    """Read and check the EPW at ``path``; ``measured`` overrides what the file looks like.

    Raises :class:`InputError` with file and line of every fault: an empty, truncated or non-UTF-8 file, a
    short row, a non-numeric or impossible value, a gap of more than 6 hours, rows out of order.
    """
    faults = Faults(str(path))
    lines = read_lines(path, faults)
    station = _location(lines[0].split(","), path, faults)
    if station is None or not _data_periods(lines, faults):
        faults.stop()
    rows = _rows(lines, faults)
    if measured is None:
        measured = _looks_measured(lines, rows)
    return settle(rows, station, measured, faults)


def _location(fields: list[str], path: Path, faults: Faults) -> Station | None:
    """The station of the LOCATION line, or None after noting what is wrong with it."""
    if fields[0].strip().upper() != "LOCATION" or len(fields) < 10:
        faults.add("not an EPW: the first line must be LOCATION with ten fields", 1)
        return None
    found: dict[str, float] = {}
    for index, name, low, high in LOCATION_NUMBERS:
        value = number(fields[index])
        if value is None or not low <= value <= high:
            text = fields[index].strip()
            col = column_of(fields, index)
            faults.add(f'"{text}" is not a number in {low:g}..{high:g}', 1, col, f"LOCATION {name}")
        else:
            found[name] = value
    if len(found) < len(LOCATION_NUMBERS):
        return None
    place = ", ".join(" ".join(text.split()) for text in fields[1:4] if text.strip(" -"))
    return Station(
        name=path.stem,
        station=f"{place} (WMO {fields[5].strip()})",
        source=f"EPW, {fields[4].strip()}",
        licence="not stated in the file",
        latitude=found["latitude"],
        longitude=found["longitude"],
        elevation_m=found["elevation"],
        utc_offset_h=found["time zone"],
        file=str(path),
    )


def _data_periods(lines: list[str], faults: Faults) -> bool:
    """Whether the header ends with a DATA PERIODS line of one record an hour; notes what is wrong with it."""
    if len(lines) < HEADER_LINES or not lines[HEADER_LINES - 1].upper().startswith("DATA PERIODS"):
        faults.add("line 8 must be DATA PERIODS: the header is incomplete", min(len(lines), HEADER_LINES))
        return False
    fields = lines[HEADER_LINES - 1].split(",")
    if len(fields) < 3 or number(fields[2]) != 1.0:
        faults.add("only files with one record an hour can be read", HEADER_LINES, path="DATA PERIODS")
        return False
    return True


def _rows(lines: list[str], faults: Faults) -> Rows:
    """The data rows; every row must have as many fields as the first, else it was cut off."""
    rows = Rows()
    expected = READ_FIELDS
    for line, text in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        fields = text.split(",")
        if len(fields) < expected:
            faults.add(f"the row has {len(fields)} fields, expected {expected}: is the file truncated?", line)
            rows.broken = True
            continue
        expected = max(expected, len(fields)) if not rows.labels else expected
        label = [number(field) for field in fields[:4]]
        if None in label:
            bad = label.index(None)
            faults.add(f'"{fields[bad].strip()}" is not a number', line, column_of(fields, bad), "date")
            rows.broken = True
            continue
        year, month, day, hour = (int(value) for value in label if value is not None)
        rows.labels.append((line, year, month, day, hour))
        rows.values.append(
            (
                cell(fields, 6, DRY_BULB, 1.0, MISSING_TEMPERATURE, line, faults),
                cell(fields, 7, DEW_POINT, 1.0, MISSING_TEMPERATURE, line, faults),
                cell(fields, 8, HUMIDITY, 0.01, MISSING_HUMIDITY, line, faults),
                cell(fields, 9, PRESSURE, 1.0, MISSING_PRESSURE, line, faults),
            )
        )
    return rows


def _looks_measured(lines: list[str], rows: Rows) -> bool:
    """One real year in all rows, and a header that does not speak of a typical year."""
    comments = [text for text in lines[1:HEADER_LINES] if text.upper().startswith("COMMENTS")]
    told = " ".join([lines[0].split(",")[4], *comments])
    years = {label[1] for label in rows.labels}
    return len(years) == 1 and 1900 <= next(iter(years)) <= 2100 and not NOT_MEASURED.search(told)
