"""Checks that hourly rows are a whole, gapless series, and fills short gaps.

A *typical* year is 365 days from 1 January to 31 December (a 29 February in the file is dropped) and has no
year of its own. A *measured* series is any number of whole consecutive days of real years; where a leap year
comes without its 29 February, the 28th is repeated. Missing readings are interpolated linearly over at most
``LONGEST_GAP_H`` hours (in a typical year also across its end) and counted; a longer gap is an error.
"""

from __future__ import annotations

import calendar
import datetime as dt
import itertools

import numpy as np
from numpy.typing import NDArray

from twin.forcing.hourly import QUANTITIES, Faults, HourlyTable, Label, Rows, Station

LONGEST_GAP_H = 6
HOURS_A_DAY = 24
TYPICAL_HOURS = 8760
LEAP_HOURS = 8784
DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
EPOCH = dt.date(1970, 1, 1).toordinal()


def settle(rows: Rows, station: Station, measured: bool, faults: Faults) -> HourlyTable:
    """Check and complete ``rows``; :class:`InputError` holds every fault, also those noted by the reader."""
    lines = np.array([label[0] for label in rows.labels], dtype=np.int64)
    if not rows.labels and not rows.broken:
        faults.add("there are no rows of data")
    # A row that was left out makes every later row look displaced.
    elif _labels_are_dates(rows, faults) and not rows.broken:
        if measured:
            _check_measured(rows, faults)
        else:
            _check_typical(rows, faults)
    values = np.array(rows.values, dtype=np.float64).reshape(-1, len(QUANTITIES)).T.copy()
    filled = _fill(values, lines, not measured, faults)
    faults.stop_if_any()
    np.minimum(values[2], 1.0, out=values[2])
    if measured:
        return _measured_table(rows, station, values, filled)
    if values.shape[1] == LEAP_HOURS:
        values = np.delete(values, slice(59 * HOURS_A_DAY, 60 * HOURS_A_DAY), axis=1)
    return HourlyTable(station, False, 0, filled, values, _month_years(rows))


def _labels_are_dates(rows: Rows, faults: Faults) -> bool:
    """Note labels that are no date or no hour 1..24; True when there were none."""
    before = len(faults.problems)
    for line, year, month, day, hour in rows.labels:
        if not 1 <= month <= 12 or not 1 <= day <= DAYS_OF_MONTH[month - 1]:
            faults.add(f"{month}/{day} is not a day of the year", line, path="date")
        elif not 1 <= hour <= HOURS_A_DAY:
            faults.add(f"hour {hour} is outside 1..24", line, path="hour")
        elif not 1 <= year <= 9999:
            faults.add(f"year {year} is outside 1..9999", line, path="year")
    return len(faults.problems) == before


def _check_typical(rows: Rows, faults: Faults) -> None:
    """Note the first row out of order, and a year that is not whole."""
    count = len(rows.labels)
    first = dt.date(2000 if count > TYPICAL_HOURS else 2001, 1, 1)
    for i, (line, _, month, day, hour) in enumerate(rows.labels):
        due = first + dt.timedelta(days=i // HOURS_A_DAY)
        due_hour = i % HOURS_A_DAY + 1
        if (month, day, hour) != (due.month, due.day, due_hour):
            expected = f"{due.month}/{due.day} hour {due_hour}"
            faults.add(f"expected {expected}, found {month}/{day} hour {hour}", line, path="date")
            break
    if count not in (TYPICAL_HOURS, LEAP_HOURS):
        line, _, month, day, hour = rows.labels[-1]
        message = f"{count} hourly rows up to {month}/{day} hour {hour}, expected 8760 of a whole typical year"
        faults.add(f"{message}: is the file truncated?", line)


def _hour_number(label: Label) -> int:
    """Hours from 1970-01-01 00:00 (local standard time) to the end of the labelled hour."""
    _, year, month, day, hour = label
    if month == 2 and day == 29 and not calendar.isleap(year):
        return -1
    return (dt.date(year, month, day).toordinal() - EPOCH) * HOURS_A_DAY + hour


def _misses_29_february(before: Label, after: Label) -> bool:
    same_leap_year = before[1] == after[1] and calendar.isleap(before[1])
    return same_leap_year and before[2:] == (2, 28, 24) and after[2:] == (3, 1, 1)


def _check_measured(rows: Rows, faults: Faults) -> None:
    """Note rows that do not follow each other hour by hour, and days that are not whole."""
    labels = rows.labels
    if labels[0][4] != 1:
        faults.add(f"the first row is hour {labels[0][4]}, expected hour 1", labels[0][0], path="hour")
    for before, after in itertools.pairwise(labels):
        if _hour_number(after) != _hour_number(before) + 1 and not _misses_29_february(before, after):
            line, year, month, day, hour = after
            faults.add(f"{year}-{month}-{day} hour {hour} does not follow the row before", line, path="date")
    if len(labels) % HOURS_A_DAY:
        faults.add(f"{len(labels)} hourly rows are not whole days: is the file truncated?", labels[-1][0])


def _measured_table(rows: Rows, station: Station, values: NDArray[np.float64], filled: int) -> HourlyTable:
    """The table of a measured series, a left-out 29 February replaced by the 28th."""
    pairs = itertools.pairwise(rows.labels)
    for i in reversed([k for k, (a, b) in enumerate(pairs, start=1) if _misses_29_february(a, b)]):
        values = np.insert(values, [i], values[:, i - HOURS_A_DAY : i], axis=1)
        filled += HOURS_A_DAY
    return HourlyTable(station, True, _hour_number(rows.labels[0]), filled, values, _month_years(rows))


def _month_years(rows: Rows) -> tuple[int, ...]:
    """The year each month was taken from, in file order."""
    return tuple(label[1] for label in rows.labels if label[3] == 1 and label[4] == 1)


def _fill(values: NDArray[np.float64], lines: NDArray[np.int64], wraps: bool, faults: Faults) -> int:
    """Interpolate short gaps in place; returns how many hours had a reading filled."""
    missing = np.isnan(values)
    count = values.shape[1]
    index = np.arange(count)
    for quantity, column, gaps in zip(QUANTITIES, values, missing, strict=True):
        if not gaps.any():
            continue
        too_long = False
        for start, length in _runs(gaps, wraps):
            if length > LONGEST_GAP_H:
                too_long = True
                message = f"missing for {length} hours from here; at most {LONGEST_GAP_H} are interpolated"
                faults.add(message, int(lines[start]), path=quantity.name)
        if not too_long:
            known = ~gaps
            period = count if wraps else None
            column[gaps] = np.interp(index[gaps], index[known], column[known], period=period)
    return int(missing.any(axis=0).sum())


def _runs(gaps: NDArray[np.bool_], wraps: bool) -> list[tuple[int, int]]:
    """(start, length) of every run of True; in a year that wraps, a run across its end counts as one."""
    count = gaps.size
    if gaps.all():
        return [(0, count)]
    # Turning the ring so that it starts with a known reading joins a run across the end.
    shift = int(np.argmin(gaps)) if wraps else 0
    edges = np.flatnonzero(np.diff(np.concatenate(([False], np.roll(gaps, -shift), [False])).astype(np.int8)))
    return [(int(start + shift) % count, int(end - start)) for start, end in edges.reshape(-1, 2)]
