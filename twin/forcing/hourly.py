"""Hourly weather as the readers hand it over: where it was measured, which hour a row is, and what it says.

Every reader (EPW, TMY3, the shipped format) fills :class:`Rows`; ``quality.settle`` turns them into a checked
:class:`HourlyTable`. A reading carries the label of the **end** of its hour (hour 1 is 00:00..01:00) in local
standard time. Columns: dry bulb degC, dew point degC, relative humidity 0..1, pressure Pa; NaN marks a
missing reading.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import InputError, Problem

SHOWN_PROBLEMS = 20
# Line in the file, year, month, day, hour 1..24.
Label = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column: its name in messages, the range of the possible in the column's unit, and the unit's name."""

    name: str
    unit: str
    low: float
    high: float


DRY_BULB = Quantity("dry bulb", "degC", -70.0, 60.0)
DEW_POINT = Quantity("dew point", "degC", -100.0, 60.0)
HUMIDITY = Quantity("relative humidity", "", 0.0, 1.10)
PRESSURE = Quantity("pressure", "Pa", 31_000.0, 120_000.0)
QUANTITIES = (DRY_BULB, DEW_POINT, HUMIDITY, PRESSURE)


class Faults:
    """Collects every fault of one file, so that all of them are shown at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def add(self, message: str, line: int | None = None, col: int | None = None, path: str = "") -> None:
        """Note a fault at 1-based ``line`` and ``col``; ``path`` names the quantity or header field."""
        self.problems.append(Problem(path, message, self.file, line, col))

    def stop_if_any(self) -> None:
        """Raise when a fault was noted."""
        if self.problems:
            self.stop()

    def stop(self) -> NoReturn:
        """Raise :class:`InputError` with the first 20 faults in the order of their lines and "and N more"."""
        ordered = sorted(self.problems, key=lambda problem: problem.line or 0)
        hidden = len(ordered) - SHOWN_PROBLEMS
        shown = ordered[:SHOWN_PROBLEMS]
        if hidden > 0:
            shown.append(Problem("", f"and {hidden} more", self.file))
        raise InputError(shown)


@dataclass(frozen=True, slots=True)
class Station:
    """Where a year of weather comes from: degrees north and east, metres above sea, hours ahead of UTC."""

    name: str
    station: str
    source: str
    licence: str
    latitude: float
    longitude: float
    elevation_m: float
    utc_offset_h: float
    file: str | None


@dataclass(slots=True)
class Rows:
    """Data rows in file order.

    ``labels`` and ``values`` (one per quantity) belong together: NaN is missing, infinite is a reading
    whose fault has been noted. ``broken`` tells that a row was left out because it could not be read.
    """

    labels: list[Label] = field(default_factory=list)
    values: list[tuple[float, float, float, float]] = field(default_factory=list)
    broken: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class HourlyTable:
    """A checked series without gaps.

    ``values`` has shape ``(4, n)``, rows in the order of ``QUANTITIES``. A typical year has n = 8760 (no 29
    February); a measured one starts at the hour whose end is ``first_hour`` hours after 1970-01-01 00:00
    local standard time.
    """

    station: Station
    measured: bool
    first_hour: int
    filled_hours: int
    values: NDArray[np.float64]
    month_years: tuple[int, ...]


def read_lines(path: Path, faults: Faults) -> list[str]:
    """The lines of a UTF-8 text file (byte order mark allowed); bytes that are not UTF-8 become faults.

    Raises :class:`InputError` when the file cannot be read or is empty.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.add(f"cannot be read: {error.strerror or error}")
        faults.stop()
    return decode_lines(data, faults)


def decode_lines(data: bytes, faults: Faults) -> list[str]:
    """Split ``data`` into lines of text; see :func:`read_lines`."""
    if not data.strip():
        faults.add("the file is empty")
        faults.stop()
    lines = []
    for line, raw in enumerate(data.rstrip().splitlines(), start=1):
        try:
            lines.append(raw.decode("utf-8-sig" if line == 1 else "utf-8"))
        except UnicodeDecodeError as error:
            byte = f"byte 0x{raw[error.start]:02x}"
            faults.add(f"{byte} is not UTF-8 text; save the file as UTF-8", line, error.start + 1)
            lines.append(raw.decode("utf-8", errors="replace"))
    return lines


def number(text: str) -> float | None:
    """A finite number, or None when ``text`` is none (so for ``nan`` and ``inf``, too)."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def column_of(fields: list[str], index: int) -> int:
    """1-based column in a comma-separated line where field ``index`` starts."""
    return sum(len(text) + 1 for text in fields[:index]) + 1


def cell(
    fields: list[str],
    index: int,
    quantity: Quantity,
    scale: float,
    missing: frozenset[float],
    line: int,
    faults: Faults,
) -> float:
    """One reading times ``scale``; NaN for an empty field or missing-value code, inf for a noted fault."""
    text = fields[index].strip()
    if not text:
        return math.nan
    value = number(text)
    if value is None:
        faults.add(f'"{text}" is not a finite number', line, column_of(fields, index), quantity.name)
        return math.inf
    if value in missing:
        return math.nan
    scaled = value * scale
    if not quantity.low <= scaled <= quantity.high:
        low, high = (f"{bound / scale:g}" for bound in (quantity.low, quantity.high))
        faults.add(f"{text} is outside {low}..{high}", line, column_of(fields, index), quantity.name)
        return math.inf
    return scaled
