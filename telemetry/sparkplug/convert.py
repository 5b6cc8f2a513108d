"""Metrics of a payload to readings: by alias to the row that the birth taught, by its data type to a number, to SI.

    value = written x factor + offset;   GOOD where low <= value <= high

Integers of a signed type come as two's complement in their own width, in 32 or in 64 bits. What a metric is worth:
null, NaN and infinity are no value; a property Quality other than 192 (0 bad, 500 stale) is BAD, its value is kept.
Times are ms since 1970 UTC, of the metric or else of the payload, in 2000..2100; without one the receipt stands in.
Source: Eclipse Sparkplug specification 3.0.0, sections 6.4.6 to 6.4.17.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.batch import Batch
from telemetry.message import Message
from telemetry.sparkplug.payload import Payload
from twin.core.jit import apart, inner

I64 = NDArray[np.int64]
I32 = NDArray[np.int32]
F64 = NDArray[np.float64]

POINT, TYPE, WHY = range(3)
FACTOR, OFFSET, LOW, HIGH = range(4)
# What becomes of a metric: the places of a tally. WHY of a row that is no point is one of them.
READ, UNKNOWN, KIND, WHEN, NO_NUMBER, UNIT, UNMAPPED, FULL, CONTROL, LATEST, PLACES = range(11)
FIRST_MS, LAST_MS = 946_684_800_000, 4_102_444_800_000  # 2000-01-01, 2100-01-01
MS = 1_000_000
HUGE = float(np.finfo(np.float64).max)
NAN = float("nan")
NO_ROWS = np.empty(0, np.int32)
# Written out here, for what is compiled is looked at by its own file only; a test holds them to their enums.
ALIAS, TIME, DATATYPE, FIELD, RAW, VALUE, FLAGS, QUALITY = range(8)
NO_TIME_MS = -(1 << 63)
PAST, NULL = 1, 4
GOOD, BAD, NO_VALUE, BEYOND = range(4)
RETAINED, HISTORICAL, NO_TIME = 1, 4, 16


class Table(NamedTuple):
    """What the births of an edge node taught, for the kernel.

    ``dense``: row by alias, -1 for none. ``keys``, ``rows``: the other aliases in order (as int64 bits) and their rows.
    ``whole``: by row, POINT (-1: none), TYPE (data type) and WHY it is no point. ``real``: FACTOR, OFFSET, LOW, HIGH.
    """

    dense: I32
    keys: I64
    rows: I32
    whole: I64
    real: F64


@inner
def _row(table: Table, alias: int) -> np.int64:
    if 0 <= alias < len(table.dense) and table.dense[alias] >= 0:
        return np.int64(table.dense[alias])
    first, end = 0, len(table.keys)
    while first < end:
        middle = (first + end) // 2
        if table.keys[middle] < alias:
            first = middle + 1
        else:
            end = middle
    found = first < len(table.keys) and table.keys[first] == alias
    return np.int64(table.rows[first] if found else -1)


@inner
def _integer(datatype: int, raw: int) -> float:
    """The number that 64 bits are by an integer type; NaN where they are none of its width."""
    if datatype == 13:
        return np.float64(np.uint64(raw)) * 1e-3
    width = 8 << ((datatype - 1) & 3)
    if datatype > 4:
        return np.float64(np.uint64(raw)) if width == 64 or 0 <= raw < (1 << width) else NAN
    half = 1 << (width - 1) if width < 64 else 0
    if width == 64 or -half <= raw < half:
        return np.float64(raw)
    if 0 <= raw < 2 * half:
        return np.float64(raw - 2 * half)
    return np.float64(raw - (1 << 32)) if (1 << 32) - half <= raw < (1 << 32) else NAN


@inner
def _number(datatype: int, field: int, raw: int, real: float, tally: I64) -> float:
    """The value by its type; NaN where it is none, which is noted where the field is not one of the type's."""
    if field in (12, 13):
        if datatype in (9, 10):
            return real
    elif field in (10, 11):
        if 1 <= datatype <= 8 or datatype == 13:
            return _integer(datatype, raw)
        if datatype == 11 and 0 <= raw <= 1:
            return np.float64(raw)
    elif field == 14 and datatype == 11:
        return np.float64(raw & 1)
    tally[KIND] += 1
    return NAN


@inner
def _time(at_ms: int, floor_ms: int, received_ns: int) -> np.int64:
    """When it was, ns since 1970; -1 where that cannot be."""
    if at_ms == NO_TIME_MS:
        return np.int64(received_ns)
    at_ms = max(at_ms, floor_ms)
    return np.int64(at_ms * MS if FIRST_MS <= at_ms < LAST_MS else -1)


@apart
def _readings(
    whole: I64, real: F64, count: int, given: I32, table: Table, floor_ms: int, received_ns: int, base: int,
    out: I64, values: F64, graded: NDArray[np.int8], flags: I32, tally: I64,
) -> int:  # fmt: skip
    """Fill the columns of a batch; ``out`` holds points and times. Rows by alias, or those ``given``."""
    made = 0
    for i in range(count):
        row = given[i] if len(given) else _row(table, whole[ALIAS, i])
        if row < 0:
            tally[UNKNOWN] += 1
            continue
        if table.whole[row, POINT] < 0:
            tally[table.whole[row, WHY]] += 1
            continue
        said = whole[FLAGS, i]
        flag = base | (NO_TIME if whole[TIME, i] == NO_TIME_MS else 0) | (HISTORICAL if said & PAST else 0)
        at_ns = _time(whole[TIME, i], 0 if said & PAST else floor_ms, received_ns)
        if at_ns < 0:
            tally[WHEN] += 1
            continue
        value, quality = NAN, NO_VALUE
        if not said & NULL:
            before = tally[KIND]
            own = whole[DATATYPE, i]
            datatype = table.whole[row, TYPE] if own == 0 else own
            value = _number(datatype, whole[FIELD, i], whole[RAW, i], real[VALUE, i], tally)
            if tally[KIND] > before:
                continue
        if -HUGE <= value <= HUGE:
            value = value * table.real[row, FACTOR] + table.real[row, OFFSET]
            good = table.real[row, LOW] <= value <= table.real[row, HIGH]
            value = min(max(value, -HUGE), HUGE)
            quality = GOOD if good else BEYOND
            if whole[QUALITY, i] != -1 and whole[QUALITY, i] != 192:
                quality = BAD
        else:
            value = NAN
        if not flag & (HISTORICAL | NO_TIME):
            tally[LATEST] = max(tally[LATEST], at_ns)
        out[0, made], out[1, made] = table.whole[row, POINT], at_ns
        values[made], graded[made], flags[made] = value, quality, flag
        made += 1
    tally[READ] += made
    return made


def readings(
    payload: Payload, table: Table, message: Message, tally: I64, given: I32 = NO_ROWS, floor_ms: int = 0
) -> Batch:
    """The batch that a payload is by ``table``; what is no reading is counted in ``tally``.

    ``given``: rows of the metrics where aliases do not tell them. ``floor_ms``: no time is earlier (of births: the
    value stands at the birth, however long it has stood).
    """
    count = payload.count
    whole = payload.table
    out, values = np.empty((2, count), np.int64), np.empty(count)
    graded, flags = np.empty(count, np.int8), np.empty(count, np.int32)
    made = _readings(
        whole, whole.view(np.float64), count, given, table, floor_ms, message.received_ns,
        RETAINED if message.retain else 0, out, values, graded, flags, tally,
    )  # fmt: skip
    if made == count:
        return Batch(out[0], out[1], values, graded, flags)
    return Batch(out[0, :made], out[1, :made], values[:made], graded[:made], flags[:made])
