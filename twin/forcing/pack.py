"""The small, reviewable format of the shipped weather years: written by :func:`pack`, read by :func:`unpack`.

A UTF-8 text file: a magic line, ``# key: value`` lines, one line of column names, then one line for each of
the 8760 hours of a typical year with four integers: dry bulb and dew point in 0.1 degC, relative humidity in
%, pressure in hPa. That is the resolution of TMY3 data; a year that would lose digits is refused, so that
packing loses nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from twin.forcing.epw import read_epw
from twin.forcing.hourly import QUANTITIES, Faults, HourlyTable, Rows, Station, cell, decode_lines, number
from twin.forcing.quality import HOURS_A_DAY, TYPICAL_HOURS, settle

MAGIC = "# halltwin weather 1"
COLUMNS = "dry_bulb_dC,dew_point_dC,relative_humidity_pct,pressure_hPa"
SCALES = (0.1, 0.1, 0.01, 100.0)
SOURCE = "NREL TMY3 (2008), period of record 1973-2005"
LICENCE = "public domain: NREL TMY3, made for the US Department of Energy, a work of the US Government"
REAL_KEYS = ("latitude", "longitude", "elevation_m", "utc_offset_h")
# Rows as `pack` writes them.
PLAIN = re.compile(r"(?:-?\d{1,6}(?:,-?\d{1,6}){3}(?:\n|\Z))+")
TEXT_KEYS = ("name", "station", "source", "licence")


def pack(epw_path: str | Path, name: str) -> bytes:
    """The shipped form of the NREL TMY3 year in the EPW at ``epw_path`` under the name ``name``.

    Only for NREL TMY3 data: source and licence are written so. The ASHRAE design conditions of the EPW header
    are left out. Raises :class:`InputError` when the file is faulty, not marked TMY3, has filled hours, or
    would lose digits.
    """
    table = read_epw(Path(epw_path), measured=False)
    station = table.station
    scaled = table.values / np.array(SCALES)[:, np.newaxis]
    whole = np.rint(scaled)
    faults = Faults(str(epw_path))
    if "TMY3" not in station.source or table.filled_hours:
        faults.add("only complete TMY3 years are packed")
    if np.abs(scaled - whole).max() > 1e-6:
        faults.add("packing would lose digits: expected 0.1 degC, whole % and whole hPa")
    faults.stop_if_any()
    head = [
        MAGIC,
        f"# name: {name}",
        f"# station: {station.station}",
        f"# source: {SOURCE}",
        f"# licence: {LICENCE}",
        *(f"# {key}: {getattr(station, key):g}" for key in REAL_KEYS),
        f"# month_years: {' '.join(str(year) for year in table.month_years)}",
        "# hours: row n is the value at the end of hour n of the year, local standard time",
        COLUMNS,
    ]
    rows = [",".join(str(int(value)) for value in row) for row in whole.T]
    return ("\n".join(head + rows) + "\n").encode()


def unpack(data: bytes, file: str) -> HourlyTable:
    """Read what :func:`pack` wrote; ``file`` names it in messages. :class:`InputError` holds every fault."""
    faults = Faults(file)
    lines = decode_lines(data, faults)
    if lines[0] != MAGIC or COLUMNS not in lines:
        faults.add(f'not a packed weather year: expected "{MAGIC}" first and a line "{COLUMNS}"', 1)
        faults.stop()
    start = lines.index(COLUMNS) + 1
    keys = dict(text[2:].split(": ", 1) for text in lines[1 : start - 1] if ": " in text)
    reals = {key: number(keys.get(key, "")) for key in REAL_KEYS}
    years = [int(text) for text in keys.get("month_years", "").split() if text.isdigit()]
    absent = [key for key in TEXT_KEYS if key not in keys]
    absent += [key for key, value in reals.items() if value is None]
    if absent or len(years) != 12:
        faults.add(f"the header lacks {', '.join(absent) or '12 month_years'}", 1)
        faults.stop()
    known = {key: value for key, value in reals.items() if value is not None}
    station = Station(file=file, **{key: keys[key] for key in TEXT_KEYS}, **known)  # type: ignore[arg-type]
    return settle(_rows(lines, start, years, faults), station, False, faults)


def _whole_numbers(lines: list[str]) -> list[tuple[float, float, float, float]] | None:
    """The values of a year as :func:`pack` writes it, all at once; None where anything about it is unusual."""
    text = "\n".join(lines)
    if len(lines) != TYPICAL_HOURS or not PLAIN.fullmatch(text):
        return None
    number = np.fromstring(text.replace("\n", ","), dtype=np.int64, sep=",").reshape(TYPICAL_HOURS, len(QUANTITIES))
    # Tenths by division: the nearest to the decimal text, as below.
    values = np.column_stack([number[:, :2] / 10.0, number[:, 2:] * SCALES[2:]])
    low, high = ([getattr(quantity, end) for quantity in QUANTITIES] for end in ("low", "high"))
    return list(map(tuple, values.tolist())) if ((low <= values) & (values <= high)).all() else None


def _rows(lines: list[str], start: int, years: list[int], faults: Faults) -> Rows:
    """The data rows after line number ``start``, labelled with the hours of a year of 365 days."""
    rows = Rows()
    days = np.datetime64("2001-01-01") + np.arange(TYPICAL_HOURS // HOURS_A_DAY)
    dates = [(years[day.month - 1], day.month, day.day) for day in days.tolist()]
    whole = _whole_numbers(lines[start:])
    if whole is not None:
        rows.labels = [(start + i + 1, *dates[i // HOURS_A_DAY], i % HOURS_A_DAY + 1) for i in range(TYPICAL_HOURS)]
        rows.values = whole
        return rows
    if len(lines) - start > TYPICAL_HOURS:
        faults.add(f"{len(lines) - start} rows, expected {TYPICAL_HOURS}", start + TYPICAL_HOURS + 1)
    for index, text in enumerate(lines[start : start + TYPICAL_HOURS]):
        line = start + index + 1
        fields = text.split(",")
        if len(fields) != len(QUANTITIES):
            faults.add(f"the row has {len(fields)} fields, expected {len(QUANTITIES)}", line)
            rows.broken = True
            continue
        rows.labels.append((line, *dates[index // HOURS_A_DAY], index % HOURS_A_DAY + 1))
        dry, dew, humidity, pressure = (
            cell(fields, i, quantity, scale, frozenset(), line, faults)
            for i, (quantity, scale) in enumerate(zip(QUANTITIES, SCALES, strict=True))
        )
        # Tenths as a reader of decimal text gets them, so that packing is lossless to the last bit.
        rows.values.append((round(dry, 1), round(dew, 1), humidity, pressure))
    return rows
