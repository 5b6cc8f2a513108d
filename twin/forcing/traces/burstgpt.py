"""BurstGPT traces: CSV of ``Timestamp`` in s from the trace's zero, model, tokens of request and response.

``Session ID`` and ``Elapsed time`` stand in some of its versions only. A response of 0 tokens is a request that failed.
Source: GitHub HPMLL/BurstGPT; Wang et al., BurstGPT, KDD 2025.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from twin.forcing.stream.cells import keys, nanoseconds, whole
from twin.forcing.stream.chunk import Chunk, requests
from twin.forcing.traces.format import Format, Opened

TIME, INPUT, OUTPUT = "Timestamp", "Request tokens", "Response tokens"
MODEL, TOTAL, LOG = "Model", "Total tokens", "Log Type"
OPTIONAL = ("Session ID", "Elapsed time")
MIX = np.int64(1_000_003)


def read(file: Opened) -> Iterator[Chunk]:
    """The requests of the file, the failed among them marked."""
    others = [file.column(name) for name in (MODEL, TOTAL, LOG, *OPTIONAL) if file.has(name)]
    for sheet in file.sheets():
        time_ns, timed = nanoseconds(sheet, file.column(TIME), file.faults, TIME)
        into, read_in = whole(sheet, file.column(INPUT), file.faults, INPUT)
        out, read_out = whole(sheet, file.column(OUTPUT), file.faults, OUTPUT)
        key = np.zeros(len(sheet), np.int64)
        for column in others:
            key = key * MIX + keys(sheet, column)
        every = requests(sheet.line, time_ns, into, out, failed=out == 0, key=key)
        yield every.part(timed & read_in & read_out)


FORMAT = Format(
    "burstgpt", "BurstGPT trace", (TIME, MODEL, INPUT, OUTPUT, TOTAL, LOG), read, optional=OPTIONAL, fails=OUTPUT
)
