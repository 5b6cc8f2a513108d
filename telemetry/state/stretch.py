"""Readings in a row that need no thought, applied by a compiled loop.

    thought is needed for a reading of the history, of a point without a source or beyond the columns, stamped no later
    than the newest of its point, less than ``earliest`` before its receipt, or one that teaches of its source's clock

What such a reading changes is what :meth:`telemetry.state.state.State.apply` changes, element by element. Symbols:
difference = received - source time, ns. Valid for times within 292 years of 1970. Source: none, it is the rule of the
state written again; tests/telemetry/test_state_columns.py holds both against each other.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from numpy.typing import NDArray

from telemetry.batch import Flag, Quality
from twin.core.jit import apart

HISTORICAL, OLD = int(Flag.HISTORICAL), int(Flag.RETAINED | Flag.HELD | Flag.NO_TIME)
GOOD, NO_VALUE = int(Quality.GOOD), int(Quality.NO_VALUE)
Columns = tuple[NDArray[Any], ...]
HUGE, NEVER = sys.float_info.max, -(2**63)


@apart
def stretch(begin: int, batch: Columns, received: int, columns: Columns, clocks: Columns) -> int:
    """Apply readings from number ``begin`` on; the number of the first that needs thought, or how many there are.

    ``batch``: columns of a batch. ``columns``: time, value, quality, flags, count, received, again, source by point.
    ``clocks``: earliest and teaching by source. ``received``: ns since 1970 UTC.
    """
    points, times, values, qualities, flags = batch
    newest, value, quality, flag, count, came, again, source = columns
    earliest, teaching = clocks
    size = len(newest)
    for i in range(begin, len(points)):
        point, said, at = points[i], values[i], times[i]
        if flags[i] & HISTORICAL or not 0 <= point < size:
            return i
        of = source[point]
        if of < 0 or at <= newest[point]:
            return i
        difference = received - at
        if difference < earliest[of]:
            return i
        if difference < teaching[of] and not flags[i] & OLD:
            return i
        graded = qualities[i]
        if not -HUGE <= said <= HUGE:
            said = math.nan
            if graded == GOOD:
                graded = NO_VALUE
        value[point] = said
        quality[point] = graded
        flag[point] = flags[i]
        count[point] += 1
        came[point] = received
        again[point] = NEVER
        newest[point] = at
    return len(points)
