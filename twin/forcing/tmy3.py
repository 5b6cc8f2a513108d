"""Reads NREL TMY3 files (CSV).

Line 1: station number, name, state, hours ahead of UTC, latitude, longitude, elevation in m. Line 2: column
names. Then one row an hour with date MM/DD/YYYY and time HH:MM (01:00..24:00), the label being the **end** of
the hour in local standard time. Read are dry bulb and dew point in degC, relative humidity in %, pressure in
mbar; -9900 and -9999 mark a missing reading, as an empty field does.

Source: Wilcox and Marion, Users Manual for TMY3 Data Sets, NREL/TP-581-43156 (2008).
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from twin.forcing.hourly import QUANTITIES, Faults, HourlyTable, Rows, Station, cell, number, read_lines
from twin.forcing.quality import settle

MISSING = frozenset({-9900.0, -9999.0, 9999.0})
COLUMNS = ("Dry-bulb (C)", "Dew-point (C)", "RHum (%)", "Pressure (mbar)")
SCALES = (1.0, 1.0, 0.01, 100.0)
STATION_NUMBERS = (
    (3, "time zone", -12.0, 14.0),
    (4, "latitude", -90.0, 90.0),
    (5, "longitude", -180.0, 180.0),
    (6, "elevation", -1000.0, 9999.9),
)
DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}),(\d{1,2}):(\d{2})$")


def read_tmy3(path: Path, *, measured: bool | None = None) -> HourlyTable:
    """Read and check the TMY3 file at ``path``: a typical year unless ``measured`` says otherwise.

    Raises :class:`InputError` with file and line of every fault, as ``epw.read_epw`` does.
    """
    faults = Faults(str(path))
    lines = read_lines(path, faults)
    station = _station(lines[0], path, faults)
    columns = _columns(lines, faults)
    if station is None or columns is None:
        faults.stop()
    return settle(_rows(lines, columns, faults), station, bool(measured), faults)


def _station(line: str, path: Path, faults: Faults) -> Station | None:
    """The station of line 1, or None after noting what is wrong with it."""
    fields = next(csv.reader([line]), [])
    if len(fields) < 7:
        expected = "number, name, state, time zone, latitude, longitude, elevation"
        faults.add(f"not a TMY3 file: line 1 must be {expected}", 1)
        return None
    found: dict[str, float] = {}
    for index, name, low, high in STATION_NUMBERS:
        value = number(fields[index])
        if value is None or not low <= value <= high:
            faults.add(f'"{fields[index].strip()}" is not a number in {low:g}..{high:g}', 1, path=name)
        else:
            found[name] = value
    if len(found) < len(STATION_NUMBERS):
        return None
    return Station(
        name=path.stem,
        station=f"{fields[1].strip()}, {fields[2].strip()} (WMO {fields[0].strip()})",
        source="TMY3",
        licence="not stated in the file",
        latitude=found["latitude"],
        longitude=found["longitude"],
        elevation_m=found["elevation"],
        utc_offset_h=found["time zone"],
        file=str(path),
    )


def _columns(lines: list[str], faults: Faults) -> list[int] | None:
    """Positions of the four read columns, or None after noting which are missing."""
    names = [name.strip() for name in lines[1].split(",")] if len(lines) > 1 else []
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        faults.add(f"line 2 does not name the column(s) {', '.join(absent)}", min(len(lines), 2))
        return None
    return [names.index(name) for name in COLUMNS]


def _rows(lines: list[str], columns: list[int], faults: Faults) -> Rows:
    """The data rows; every row must have as many fields as line 2 has names, else it was cut off."""
    rows = Rows()
    expected = lines[1].count(",") + 1
    for line, text in enumerate(lines[2:], start=3):
        fields = text.split(",")
        if len(fields) < expected:
            faults.add(f"the row has {len(fields)} fields, expected {expected}: is the file truncated?", line)
            rows.broken = True
            continue
        stamp = DATE.match(",".join(field.strip() for field in fields[:2]))
        if stamp is None or stamp[5] != "00":
            faults.add(f'"{fields[0]},{fields[1]}" is not MM/DD/YYYY,HH:00', line, 1, "date")
            rows.broken = True
            continue
        month, day, year, hour = (int(stamp[i]) for i in range(1, 5))
        rows.labels.append((line, year, month, day, hour))
        dry, dew, humidity, pressure = (
            cell(fields, index, quantity, scale, MISSING, line, faults)
            for index, quantity, scale in zip(columns, QUANTITIES, SCALES, strict=True)
        )
        rows.values.append((dry, dew, humidity, pressure))
    return rows
