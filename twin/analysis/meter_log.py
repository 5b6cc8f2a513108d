"""Read a meter log: time, tokens/s and power of one or more systems, from CSV or Parquet.

Columns (order is free, others are ignored with a warning)::

    time           seconds from any start, or ISO 8601 date and time (all with an offset, or none)
    tokens_per_s   output tokens per second, mean over the interval that ends at the time
    power_kw       power at the AC input in kW (or power_w in W), mean over the same interval

``tokens/s``, ``kW`` and ``W`` are read as well. Every fault is shown at once, with its line and column.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, Problem, did_you_mean

Floats = NDArray[np.float64]

# Name of a column -> what it is and its factor to s, tokens/s and kW.
NAMES = {
    "time": ("time", 1.0), "time_s": ("time", 1.0), "timestamp": ("time", 1.0),
    "tokens_per_s": ("rate", 1.0), "tokens/s": ("rate", 1.0),
    "power_kw": ("power", 1.0), "kw": ("power", 1.0), "power_w": ("power", 1e-3), "w": ("power", 1e-3),
}  # fmt: skip
WANTED = {"time": "time", "rate": "tokens_per_s", "power": "power_kw"}
LEAST_ROWS = 20
SHOWN = 20


@dataclass(frozen=True, eq=False)
class MeterLog:
    """A checked log: ascending ``time_s`` (n, from 0), ``tokens_per_s`` (n), ``power_kw`` (n), and what to know."""

    name: str
    time_s: Floats
    tokens_per_s: Floats
    power_kw: Floats
    warnings: tuple[Problem, ...] = ()

    @property
    def interval_s(self) -> float:
        """The usual distance of readings."""
        return float(np.median(np.diff(self.time_s)))


def read_meter_log(path: Path) -> MeterLog:
    """The log in ``path``; the ending ``.parquet`` chooses the format. Raises :class:`InputError`."""
    file = str(path)
    header, rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    problems: list[Problem] = []
    columns = _columns(header, file, problems)
    if any(not p.warning for p in problems):
        raise InputError(problems)
    values = _values(rows, columns, file, problems)
    return _checked(path.name, file, values, problems)


def _csv(path: Path) -> tuple[list[str], Iterator[tuple[int, Sequence[object]]]]:
    """Header, and rows with their line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        raise InputError([Problem("", reason, str(path))]) from None
    reader = csv.reader(text.splitlines())
    header = next(reader, [])
    return header, ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))


def _parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, Sequence[object]]]]:
    """As :func:`_csv`, the first row being line 2 as in a CSV; needs the extra ``parquet``."""
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 - an extra
    except ImportError:
        message = "Parquet needs the extra: pip install 'halltwin[parquet]', or save the log as CSV"
        raise InputError([Problem("", message, str(path))]) from None
    try:
        table = pq.read_table(path).to_pydict()
    except (OSError, ValueError) as error:
        raise InputError([Problem("", f"cannot be read as Parquet: {error}", str(path))]) from None
    return list(table), enumerate(zip(*table.values(), strict=True), start=2)


def _columns(header: Sequence[str], file: str, problems: list[Problem]) -> dict[str, tuple[int, float]]:
    """Place and factor of each wanted column."""
    found: dict[str, tuple[int, float]] = {}
    others = []
    for at, cell in enumerate(header):
        role, factor = NAMES.get(cell.strip().lower(), ("", 0.0))
        if role in found:
            problems.append(Problem(cell, f"a second column of {WANTED[role]}", file, 1, at + 1))
        elif role:
            found[role] = (at, factor)
        else:
            others.append((at, cell.strip()))
    missing = [name for role, name in WANTED.items() if role not in found]
    for at, cell in others:
        hint = did_you_mean(cell, missing or ["-"])
        problems.append(Problem(cell, f"column not used{hint}", file, 1, at + 1, warning=True))
    for name in missing:
        known = ", ".join(k for k, (role, _) in NAMES.items() if WANTED[role] == name)
        hint = did_you_mean(name, [cell for _, cell in others])
        problems.append(Problem("", f"no column {name} (one of {known}){hint}", file, 1, 1))
    return found


def _values(
    rows: Iterator[tuple[int, Sequence[object]]],
    columns: dict[str, tuple[int, float]],
    file: str,
    problems: list[Problem],
) -> dict[str, list[float]]:
    """Lines and numbers of the rows that can be read; faults into ``problems``."""
    got: dict[str, list[float]] = {"line": [], **{role: [] for role in columns}}
    zones: set[str] = set()
    for line, row in rows:
        numbers = {}
        for role, (at, factor) in columns.items():
            cell = row[at] if at < len(row) else ""
            number = _time(cell, zones) if role == "time" else _number(cell)
            if number is None or (role == "rate" and number < 0.0) or (role == "power" and number <= 0.0):
                needed = {"time": "a time", "rate": "a number >= 0", "power": "a number > 0"}[role]
                problems.append(Problem(WANTED[role], f'"{cell}" is not {needed}', file, line, at + 1))
            else:
                numbers[role] = number * factor
        if len(numbers) == len(columns):
            got["line"].append(line)
            for role, number in numbers.items():
                got[role].append(number)
    if len(zones) > 1:
        words = " and ".join(sorted(zones))
        problems.append(Problem("time", f"times of different sorts: {words}", file, 2, columns["time"][0] + 1))
    return got


def _number(cell: object) -> float | None:
    """A finite number, or None."""
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _time(cell: object, zones: set[str]) -> float | None:
    """Seconds of a cell, and its sort into ``zones``."""
    number = _number(cell)
    if number is not None:
        zones.add("seconds")
        return number
    try:
        moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(str(cell).strip())
    except ValueError:
        return None
    zones.add("dates with an offset" if moment.tzinfo else "dates without an offset")
    return moment.timestamp() if moment.tzinfo else (moment - datetime(1970, 1, 1)).total_seconds()


def _checked(name: str, file: str, got: dict[str, list[float]], problems: list[Problem]) -> MeterLog:
    """The log, or all faults."""
    time, line = np.array(got["time"]), got["line"]
    for at in np.flatnonzero(np.diff(time) <= 0.0):
        problems.append(Problem("time", "does not come after the row above", file, int(line[at + 1]), 1))
    if time.size < LEAST_ROWS:
        problems.append(Problem("", f"{time.size} readings, at least {LEAST_ROWS} are needed", file))
    errors = [p for p in problems if not p.warning]
    if errors:
        more = [Problem("", f"and {len(errors) - SHOWN} more", file)] if len(errors) > SHOWN else []
        raise InputError([*errors[:SHOWN], *more])
    return MeterLog(name, time - time[0], np.array(got["rate"]), np.array(got["power"]), tuple(problems))


__all__ = ["MeterLog", "read_meter_log"]
