"""Dates and times (ISO 8601, ``T`` or a blank between) out of the cells of a sheet, as nanoseconds since 1970.

A file keeps one way: all times without a zone (then taken as UTC), or all with the same offset. Whole nanoseconds,
because seconds since 1970 in a float end at a quarter of a microsecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from twin.forcing.stream.cells import POWERS, Flags, Ints
from twin.forcing.stream.faults import Faults
from twin.forcing.stream.sheet import Sheet

NAIVE = 1 << 20  # in place of an offset in minutes
EPOCH = date(1970, 1, 1).toordinal()
DAY_NS = 86_400 * 10**9
DIGITS_AT = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
SIGNS_AT = ((4, b"-"), (7, b"-"), (13, b":"), (16, b":"))
LONGEST = 29


@dataclass
class Zone:
    """The offset from UTC of the first time of a file, in minutes; ``NAIVE`` where it states none."""

    minutes: int | None = None
    line: int = 0

    def name(self) -> str:
        """``not stated``, ``UTC`` or ``UTC+02:00``."""
        return _zone_name(self.minutes)


def instants(sheet: Sheet, column: int, zone: Zone, faults: Faults, path: str) -> tuple[Ints, Flags]:
    """Nanoseconds since 1970 UTC (n), and which rows hold a time; notes cells that are none, and another zone."""
    begin, end = sheet.cells(column)
    offset, core = _offsets(sheet, begin, end)
    values, good = _fixed(sheet, begin, core)
    for row in np.flatnonzero(~good).tolist():
        found = _free(sheet.text(column, row))
        if found is not None:
            values[row], offset[row] = found
            good[row] = True
    values = values - np.where(offset == NAIVE, 0, offset) * (60 * 10**9)

    def tell(row: int) -> tuple[str, int, int | None]:
        text = sheet.text(column, row)
        message = f'expected a time as 2023-11-16 18:15:46.68, got "{text[:40]}"'
        return message, int(sheet.line[row]), sheet.col(column, row)

    faults.add_rows(np.flatnonzero(~good), tell, path)
    _same_zone(sheet, column, offset, good, zone, faults, path)
    return values, good


def _same_zone(sheet: Sheet, column: int, offset: Ints, good: Flags, zone: Zone, faults: Faults, path: str) -> None:
    rows = np.flatnonzero(good)
    if not len(rows):
        return
    if zone.minutes is None:
        zone.minutes, zone.line = int(offset[rows[0]]), int(sheet.line[rows[0]])
    other = rows[offset[rows] != zone.minutes]

    def tell(row: int) -> tuple[str, int, int | None]:
        has, first = _zone_name(int(offset[row])), zone.name()
        message = f"time zone {has}, but {first} in line {zone.line}: write all times of a file in one zone"
        return message, int(sheet.line[row]), sheet.col(column, row)

    faults.add_rows(other, tell, path)


def _zone_name(minutes: int | None) -> str:
    if minutes is None or minutes == NAIVE:
        return "not stated"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}" if minutes else "UTC"


def _offsets(sheet: Sheet, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Offset of each cell in minutes (``NAIVE`` where none stands), and where the time before it ends."""
    buf, width = sheet.buf, end - begin
    zulu = (width > 19) & (buf.take(end - 1, mode="clip") == ord("Z"))
    sign = buf.take(end - 6, mode="clip")
    has = (width >= 25) & ((sign == ord("+")) | (sign == ord("-"))) & (buf.take(end - 3, mode="clip") == ord(":"))
    offset = np.where(zulu, 0, NAIVE)
    for row in np.flatnonzero(has)[:1].tolist():  # nearly always one offset for all
        offset[has] = _minutes(sheet, int(end[row]))
    if has.any():
        tail = np.stack([buf[end[has] - k] for k in (6, 5, 4, 2, 1)])
        if (tail != tail[:, :1]).any():
            offset[has] = [_minutes(sheet, at) for at in end[has].tolist()]
    return offset, end - np.where(zulu, 1, np.where(has, 6, 0))


def _minutes(sheet: Sheet, end: int) -> int:
    text = sheet.buf[end - 6 : end].tobytes().decode("ascii", errors="replace")
    if not (text[1:3] + text[4:]).isdigit():
        return NAIVE
    size = int(text[1:3]) * 60 + int(text[4:])
    return -size if text[0] == "-" else size


def _fixed(sheet: Sheet, begin: Ints, end: Ints) -> tuple[Ints, Flags]:
    """Times of the form ``YYYY-MM-DD?hh:mm:ss[.f...]`` over all rows at once, in ns."""
    buf, width = sheet.buf, end - begin
    good = (width == 19) | ((width > 20) & (width <= LONGEST))

    part = {}
    for k in DIGITS_AT:
        digit = buf.take(begin + k, mode="clip") - np.uint8(48)
        good &= digit <= 9
        part[k] = digit.astype(np.int64)
    for k, sign in SIGNS_AT:
        good &= buf.take(begin + k, mode="clip") == ord(sign)
    between = buf.take(begin + 10, mode="clip")
    good &= (between == ord(" ")) | (between == ord("T"))
    fraction = np.zeros(len(begin), np.int64)
    longest = int(width[good].max(initial=0))
    if longest > 19:
        good &= (width == 19) | (buf.take(begin + 19, mode="clip") == ord("."))
    for k in range(20, longest):
        digit = buf.take(begin + k, mode="clip") - np.uint8(48)
        live = width > k
        good &= ~live | (digit <= 9)
        fraction += np.where(live, digit, 0) * POWERS[28 - k]
    hour, minute, second = (part[k] * 10 + part[k + 1] for k in (11, 14, 17))
    good &= (hour < 24) & (minute < 60) & (second < 60)
    year = part[0] * 1000 + part[1] * 100 + part[2] * 10 + part[3]
    day, known = _days(year * 10_000 + (part[5] * 10 + part[6]) * 100 + part[8] * 10 + part[9], good)
    return day * DAY_NS + (hour * 3600 + minute * 60 + second) * 10**9 + fraction, good & known


def _days(stamp: Ints, good: Flags) -> tuple[Ints, Flags]:
    """Days since 1970 of ``yyyymmdd`` (n), and which are days of the calendar that fit in 64 bits of ns."""
    days, known = np.zeros(len(stamp), np.int64), np.zeros(len(stamp), bool)
    rows = np.flatnonzero(good)
    if not len(rows):
        return days, known
    first = int(stamp[rows[0]])
    stamps = [first] if (stamp[rows] == first).all() else np.unique(stamp[rows]).tolist()
    for one in stamps:
        try:
            day = date(one // 10_000, one // 100 % 100, one % 100)
        except ValueError:
            continue
        same = stamp == one
        days[same], known[same] = day.toordinal() - EPOCH, 1900 <= day.year <= 2200
    return days, known


def _free(text: str) -> tuple[int, int] | None:
    """A time in any form of ISO 8601: ns as if UTC, and its offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1900 <= moment.year <= 2200:
        return None
    away = moment.utcoffset()
    as_utc = moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (as_utc.days * 86_400 + as_utc.seconds) * 10**9 + as_utc.microseconds * 1000
    return ns, NAIVE if away is None else round(away.total_seconds() / 60)


def stated(text: str, faults: Faults) -> tuple[int, int] | None:
    """A time of a header with up to nine decimals: ns since 1970 UTC and its offset; None of an empty text."""
    if not text:
        return None
    line = np.frombuffer(f"{text}\n".encode(), np.uint8)
    zone = Zone()
    sheet = Sheet(line, np.array([[len(line) - 1]]), np.array([1]), placed=False)
    value, good = instants(sheet, 0, zone, faults, "start")
    return (int(value[0]), int(zone.minutes)) if good[0] and zone.minutes is not None else None


__all__ = ["NAIVE", "Zone", "instants", "stated"]
