"""Our own CSV of requests, for traces that come in no other form and for what ``twin load convert`` writes.

Columns: ``time`` (ISO 8601) or ``arrival_s`` (s from the trace's zero); ``input_tokens``; ``output_tokens``; and where
known ``hit_share`` (0..1, share of the prompt found in a prefix cache) and ``failed`` (0 or 1). Comment lines
``# key: value`` may stand above the header; ``# start:`` with an ISO 8601 time says when ``arrival_s`` is 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from twin.forcing.stream.cells import nanoseconds, reals, whole
from twin.forcing.stream.chunk import Chunk, requests
from twin.forcing.stream.times import instants
from twin.forcing.traces.format import Format, Opened

TIME, ARRIVAL, INPUT, OUTPUT = "time", "arrival_s", "input_tokens", "output_tokens"
HIT, FAILED = "hit_share", "failed"
BLOCK_TOKENS = 512


def read(file: Opened) -> Iterator[Chunk]:
    """The requests of the file."""
    for sheet in file.sheets():
        if file.has(TIME):
            time_ns, good = instants(sheet, file.column(TIME), file.zone, file.faults, TIME)
        else:
            time_ns, good = nanoseconds(sheet, file.column(ARRIVAL), file.faults, ARRIVAL)
        into, read_in = whole(sheet, file.column(INPUT), file.faults, INPUT)
        out, read_out = whole(sheet, file.column(OUTPUT), file.faults, OUTPUT)
        good &= read_in & read_out
        hit, failed = None, None
        if file.has(HIT):
            hit, read_hit = reals(sheet, file.column(HIT), file.faults, HIT, "a share 0..1", high=1.0)
            good &= read_hit
        if file.has(FAILED):
            count, read_failed = whole(sheet, file.column(FAILED), file.faults, FAILED)
            failed = count > 0
            good &= read_failed
        weight = -(-into // BLOCK_TOKENS) if hit is not None else None
        yield requests(sheet.line, time_ns, into, out, hit_share=hit, blocks=weight, failed=failed).part(good)


FORMAT = Format(
    "plain", "plain CSV of requests", (INPUT, OUTPUT), read,
    one_of=(ARRIVAL, TIME), optional=(HIT, FAILED), fails=FAILED,
)  # fmt: skip
