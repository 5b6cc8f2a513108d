"""The period of a run as people write it: instants, lengths of time, and what holds when nothing is said.

Instants are ISO 8601 (``2028-07-01``, ``2028-07-01T06:00``, ``...-06:00``), UTC unless an offset is given. Lengths are
seconds or a number with a unit (``300``, ``5min``, ``1h``). Without a period a run takes the first full calendar year
(UTC) in which every hall has power from its first instant on.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from numbers import Real

from twin.core.errors import Faults, Problem, one, option
from twin.core.units import DAY, EARLIEST_YEAR, HOUR, LATEST_YEAR

Moment = str | date | datetime
UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": HOUR, "hr": HOUR, "d": DAY}
LENGTH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*")
FINEST_INTERVAL_S = 60.0
YEARS = LATEST_YEAR + 1 - EARLIEST_YEAR
LONGEST_S = 366 * DAY * YEARS  # no period is longer


def instant(value: object, place: str) -> float:
    """Seconds since 1970 UTC; a day alone is its midnight. Raises ``InputError`` that names ``place``."""
    moment: object = value
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment.strip())
        except ValueError:
            raise one(
                f'"{value}" is no date or time, expected ISO 8601, as 2028-07-01 or 2028-07-01T06:00', path=place
            ) from None
    elif isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    if not isinstance(moment, datetime):
        raise one(f"{value!r} is no date or time, expected ISO 8601 text, a date or a datetime", path=place)
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise one(f'"{value}" is out of range, expected a year from {EARLIEST_YEAR} to {LATEST_YEAR}', path=place)
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if seconds != round(seconds):
        raise one(f"{moment.isoformat()} is not a whole second", path=place)
    return seconds


def seconds(value: object, place: str) -> float:
    """A length of time in s from a number or from text with a unit. Raises ``InputError`` that names ``place``."""
    if isinstance(value, str):
        found = LENGTH.fullmatch(value.lower())
        if found is None or found[2] not in UNITS:
            raise one(f'"{value}" is no length of time, expected seconds or a number with s, min, h or d', path=place)
        value = float(found[1]) * UNITS[found[2]]
    elif isinstance(value, bool) or not isinstance(value, Real):
        raise one(f"{value!r} is no length of time, expected a number of seconds or text as 5min", path=place)
    length = float(value)
    if not 0.0 < length <= LONGEST_S:
        raise one(f"{length:g} s is out of range, expected > 0 and no more than {YEARS} years", path=place)
    return length


def period(start: Moment | None, end: Moment | None, all_energised_s: float) -> tuple[float, float]:
    """Start and end in s since 1970 UTC.

    Without both: the first calendar year (UTC) that begins at or after ``all_energised_s``. Without ``end``: a year
    from ``start``. Raises ``InputError`` for an end without a start, text that is no time, and an empty period.
    """
    faults, from_, to = Faults(), option("start="), option("end=")
    finish = faults.of(instant, end, to) if end is not None else None
    if start is None:
        if end is not None:
            faults.problems.append(Problem(to, f"an end needs a start: give {from_} as well"))
        faults.tell()
        return _first_year(all_energised_s)
    begin = faults.of(instant, start, from_)
    faults.tell()
    assert begin is not None
    finish = _a_year_later(begin) if finish is None else finish
    if not finish > begin:
        raise one(f"the period is empty: {stamp(finish)} is not later than {from_} {stamp(begin)}", path=to)
    return begin, finish


def interval(every: float | str | None, step_s: float, length_s: float) -> float:
    """The output interval in s: as asked for, else an hour, or a minute (the step where longer) for less than a day."""
    if every is not None:
        chosen = seconds(every, option("every="))
    else:
        chosen = HOUR if length_s >= DAY else max(FINEST_INTERVAL_S, step_s)
    if chosen != round(chosen):
        raise one(f"an output interval of {chosen:g} s is not a whole number of seconds", path=option("every="))
    return chosen


def lasting(length_s: float) -> str:
    """A length of time as people write it: ``90 s``, ``5 min``, ``48 h``."""
    for unit, name in ((HOUR, "h"), (60.0, "min")):
        if length_s >= unit and length_s % unit == 0.0:
            return f"{length_s / unit:g} {name}"
    return f"{length_s:g} s"


def stamp(t: float) -> str:
    """ISO 8601 text in UTC of an instant in s since 1970."""
    return datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_year(since: float) -> tuple[float, float]:
    """The first calendar year (UTC) that begins at or after ``since``."""
    year = datetime.fromtimestamp(since, UTC).year
    first = datetime(year, 1, 1, tzinfo=UTC)
    if first.timestamp() < since:
        first = first.replace(year=year + 1)
    return first.timestamp(), first.replace(year=first.year + 1).timestamp()


def _a_year_later(begin: float) -> float:
    moment = datetime.fromtimestamp(begin, UTC)
    try:
        return moment.replace(year=moment.year + 1).timestamp()
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + 1, day=28).timestamp()
