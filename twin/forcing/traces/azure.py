"""Azure LLM inference traces: CSV of ``TIMESTAMP,ContextTokens,GeneratedTokens``.

Times are dates and times with up to seven decimals, mostly without a zone. Source: GitHub Azure/AzurePublicDataset;
Patel et al., Splitwise, ISCA 2024 (the data: CC-BY-4.0).
"""

from __future__ import annotations

from collections.abc import Iterator

from twin.forcing.stream.cells import whole
from twin.forcing.stream.chunk import Chunk, requests
from twin.forcing.stream.times import instants
from twin.forcing.traces.format import Format, Opened

TIME, INPUT, OUTPUT = COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")


def read(file: Opened) -> Iterator[Chunk]:
    """The requests of the file."""
    time_at, input_at, output_at = (file.column(name) for name in COLUMNS)
    for sheet in file.sheets():
        time_ns, timed = instants(sheet, time_at, file.zone, file.faults, TIME)
        into, read_in = whole(sheet, input_at, file.faults, INPUT)
        out, read_out = whole(sheet, output_at, file.faults, OUTPUT)
        yield requests(sheet.line, time_ns, into, out).part(timed & read_in & read_out)


FORMAT = Format("azure", "Azure LLM inference trace", COLUMNS, read)
