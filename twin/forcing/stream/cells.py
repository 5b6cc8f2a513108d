"""Numbers out of the cells of a sheet, a column at a time.

Three ways, each for what the one before could not read: whole numbers digit by digit from the right over all rows at
once; decimals (``12.5``) as a whole number and its decimal places; the rest (``1e3``, blanks around) one by one.
A mantissa below 2**53 over a power of ten up to 10**22 is rounded once, so the second way gives what ``float`` gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from twin.forcing.stream.faults import Faults
from twin.forcing.stream.sheet import Sheet

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ZERO, DOT = 48, 46
MOST_DIGITS = 15
NANO = 10**9
LARGEST_NS = 2**62
POWERS = 10 ** np.arange(19, dtype=np.int64)


def whole(sheet: Sheet, column: int, faults: Faults, path: str) -> tuple[Ints, Flags]:
    """Counts (n) that are whole and not negative, and which rows hold one; every other row is a fault."""
    begin, end = sheet.cells(column)
    values, bad = digits(sheet, begin, end)
    rows = np.flatnonzero(bad)
    wrong = _one_by_one(sheet, column, rows, values, _count)
    _tell(sheet, column, wrong, faults, path, "a whole number of tokens, 0 or more")
    bad[:] = False
    bad[wrong] = True
    return values, ~bad


def nanoseconds(sheet: Sheet, column: int, faults: Faults, path: str) -> tuple[Ints, Flags]:
    """Seconds in decimals as whole nanoseconds (n), and which rows hold a time."""
    begin, end = sheet.cells(column)
    values, bad = digits(sheet, begin, end)
    rows = np.flatnonzero(bad)
    mantissa, places, still = _decimals(sheet, begin[rows], end[rows])
    too_fine = places > 9
    values[rows] = mantissa * POWERS[np.clip(9 - places, 0, 9)]
    values[~bad] *= NANO
    wrong = _one_by_one(sheet, column, rows[still | too_fine], values, _nanoseconds)
    far = np.flatnonzero(~bad & (values // NANO > LARGEST_NS // NANO))
    _tell(sheet, column, np.union1d(wrong, far).astype(np.int64), faults, path, "a time in s")
    good = np.ones(len(sheet), bool)
    good[wrong] = good[far] = False
    return values, good


def reals(
    sheet: Sheet, column: int, faults: Faults, path: str, what: str, *, high: float = math.inf
) -> tuple[Floats, Flags]:
    """Finite numbers (n) in 0..``high``, and which rows hold one; every other row is a fault."""
    begin, end = sheet.cells(column)
    counts, bad = digits(sheet, begin, end)
    values = counts.astype(np.float64)
    rows = np.flatnonzero(bad)
    mantissa, places, still = _decimals(sheet, begin[rows], end[rows])
    values[rows] = mantissa / 10.0**places
    wrong = _one_by_one(sheet, column, rows[still], values, _real)
    wrong = np.union1d(wrong, np.flatnonzero((values < 0.0) | (values > high))).astype(np.int64)
    _tell(sheet, column, wrong, faults, path, what)
    good = np.ones(len(sheet), bool)
    good[wrong] = False
    return values, good


def keys(sheet: Sheet, column: int) -> Ints:
    """A number (n) for the text of each cell: the same text, the same number (by all likelihood not else)."""
    begin, end = sheet.cells(column)
    width = end - begin
    found = width.astype(np.uint64)
    for k in range(int(width.max(initial=0))):
        live = np.flatnonzero(width > k)
        found[live] = found[live] * np.uint64(0x100000001B3) ^ sheet.buf[begin[live] + k].astype(np.uint64)
    return found.view(np.int64)


def digits(sheet: Sheet, begin: Ints, end: Ints) -> tuple[Ints, Flags]:
    """Whole numbers between ``begin`` and ``end`` (n), and which are something else."""
    width = end - begin
    values = np.zeros(len(begin), np.int64)
    bad = (width < 1) | (width > MOST_DIGITS)
    for k in range(min(int(width.max(initial=0)), MOST_DIGITS)):
        digit = sheet.buf.take(end - 1 - k, mode="clip") - np.uint8(ZERO)
        live = width > k
        bad |= live & (digit > 9)
        values += np.where(live, digit, 0) * POWERS[k]
    return values, bad


def _decimals(sheet: Sheet, begin: Ints, end: Ints) -> tuple[Ints, Ints, Flags]:
    """Mantissa, decimal places, and which are something else than digits with one dot."""
    width = end - begin
    mantissa, places = np.zeros(len(begin), np.int64), np.zeros(len(begin), np.int64)
    dots = np.zeros(len(begin), np.int64)
    bad = (width < 2) | (width > MOST_DIGITS + 1)
    for k in range(min(int(width.max(initial=0)), MOST_DIGITS + 1)):
        letter = sheet.buf.take(begin + k, mode="clip")
        digit = letter - np.uint8(ZERO)
        live = width > k
        is_digit, is_dot = live & (digit <= 9), live & (letter == DOT)
        mantissa = np.where(is_digit, mantissa * 10 + digit, mantissa)
        places += is_digit & (dots > 0)
        dots += is_dot
        bad |= live & ~is_digit & ~is_dot
    return mantissa, places, bad | (dots > 1)


def _one_by_one(
    sheet: Sheet, column: int, rows: Ints, values: NDArray[np.int64] | Floats, read: Callable[[str], float | None]
) -> Ints:
    """Read the cells of ``rows`` into ``values``; returns the rows that hold no such number."""
    begin, end = sheet.cells(column)
    wrong = []
    for row in rows.tolist():
        text = sheet.buf[begin[row] : end[row]].tobytes().decode("utf-8", errors="replace").strip()
        value = read(text)
        values[row] = 0 if value is None else value
        if value is None:
            wrong.append(row)
    return np.array(wrong, np.int64)


def _count(text: str) -> int | None:
    value = _real(text)
    return int(value) if value is not None and 0 <= value < 10**MOST_DIGITS and value == int(value) else None


def _real(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _nanoseconds(text: str) -> int | None:
    try:
        value = Decimal(text) * NANO
    except InvalidOperation:
        return None
    return int(value.to_integral_value()) if value.is_finite() and abs(value) < LARGEST_NS else None


def _tell(sheet: Sheet, column: int, rows: Ints, faults: Faults, path: str, expected: str) -> None:
    def tell(row: int) -> tuple[str, int, int | None]:
        text = sheet.text(column, row)
        shown = f'"{text[:40]}"' if text else "nothing"
        return f"expected {expected}, got {shown}", int(sheet.line[row]), sheet.col(column, row)

    faults.add_rows(rows, tell, path)


__all__ = ["Flags", "Floats", "Ints", "digits", "keys", "nanoseconds", "reals", "whole"]
