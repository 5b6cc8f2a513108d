"""Request-rate curves as derived from ServeGen: CSV of ``t_s`` (s from the curve's zero) and ``rps`` (requests/s).

A row holds from its time to that of the next row, the last as long as the one before. A row of zero is a **gap of the
recording**, not an hour without users, unless a line ``# zero: demand`` above the header says otherwise (so we write
what was counted); ``# start:`` with an ISO 8601 time says when ``t_s`` is 0, ``# end_s:`` when the
last row ends. Source: GitHub alibaba/ServeGen
(Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from twin.forcing.stream.cells import nanoseconds, reals
from twin.forcing.stream.chunk import RateRows
from twin.forcing.traces.format import Format, Opened

TIME, RATE = COLUMNS = ("t_s", "rps")


def rates(file: Opened) -> Iterator[RateRows]:
    """The rows of the curve, the gaps as zeros."""
    for sheet in file.sheets():
        time_ns, timed = nanoseconds(sheet, file.column(TIME), file.faults, TIME)
        rate, rated = reals(sheet, file.column(RATE), file.faults, RATE, "a rate of 0 or more requests/s")
        good = timed & rated
        yield RateRows(sheet.line[good], time_ns[good], rate[good])


FORMAT = Format("servegen", "request-rate curve", COLUMNS, rates=rates)
