"""Comma-separated lines as a grid of cell positions in a block of bytes.

A block whose lines all have the fields of the header and no quotes is cut by one search for commas and newlines. Any
other block goes line by line through the ``csv`` module and is written anew as a regular one; so a stray line costs
time, not correctness.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.forcing.stream.faults import Faults
from twin.forcing.stream.lines import Block

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
COMMA, NEWLINE, RETURN = 44, 10, 13


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of a block. ``ends`` (n, columns): where each field ends in ``buf``; ``line`` (n): 1-based line of a row.

    ``placed`` tells that positions in ``buf`` are those in the file, so that a column can be named.
    """

    buf: Bytes
    ends: Ints
    line: Ints
    placed: bool

    def __len__(self) -> int:
        return len(self.line)

    def cells(self, column: int) -> tuple[Ints, Ints]:
        """Begin and end (exclusive) of the fields of a column, a carriage return cut off."""
        end = self.ends[:, column]
        if column:
            begin = self.ends[:, column - 1] + 1
        else:
            begin = np.concatenate(([0], self.ends[:-1, -1] + 1))
        if column == self.ends.shape[1] - 1 and len(end):
            end = end - ((self.buf[end - 1] == RETURN) & (end > begin))
        return begin, end

    def text(self, column: int, row: int) -> str:
        """A field as text."""
        begin, end = self.cells(column)
        return self.buf[begin[row] : end[row]].tobytes().decode("utf-8", errors="replace").strip()

    def col(self, column: int, row: int) -> int | None:
        """1-based place in the line where a field begins, where that is known."""
        begin = int(self.cells(column)[0][row])
        first = int(self.ends[row - 1, -1]) + 1 if row else 0
        return begin - first + 1 if self.placed else None


def sheets(blocks: Iterator[Block], columns: int, header_line: int, faults: Faults) -> Iterator[Sheet]:
    """The rows after ``header_line`` of a file whose header has ``columns`` fields."""
    for block in blocks:
        data, line = block.data, block.first_line
        for _ in range(max(0, header_line + 1 - line)):
            _, _, data = data.partition(b"\n")
            line += 1
            if not data:
                break
        if data:
            sheet = _regular(data, columns, line) or _mended(data, columns, line, block.unfinished, faults)
            if len(sheet):
                yield sheet


def _regular(data: bytes, columns: int, line: int) -> Sheet | None:
    """The grid of a block in which every line has ``columns`` fields and none is quoted."""
    if b'"' in data:
        return None
    buf = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero((buf == COMMA) | (buf == NEWLINE))
    if len(ends) % columns:
        return None
    grid = ends.reshape(-1, columns)
    if len(grid) != data.count(b"\n") or not (buf[grid[:, -1]] == NEWLINE).all():
        return None
    return Sheet(buf, grid, line + np.arange(len(grid)), placed=True)


def _mended(data: bytes, columns: int, line: int, unfinished: bool, faults: Faults) -> Sheet:
    """A regular block of the lines that have ``columns`` fields; others are faults, blank ones are passed over."""
    kept, numbers = [], []
    rows = data.decode("utf-8", errors="replace").split("\n")[:-1]
    for i, row in enumerate(rows):
        text = row.rstrip("\r")
        if not text.strip():
            continue
        fields = next(csv.reader([text]), [])
        if len(fields) != columns:
            last = unfinished and i == len(rows) - 1
            more = ": is the file truncated?" if last else ""
            faults.add(f"the row has {len(fields)} fields, expected {columns}{more}", line + i)
            continue
        kept.append(",".join(field.replace(",", ";").replace("\n", " ") for field in fields))
        numbers.append(line + i)
    whole = ("\n".join(kept) + "\n" if kept else "").encode()
    buf = np.frombuffer(whole, np.uint8)
    ends = np.flatnonzero((buf == COMMA) | (buf == NEWLINE)).reshape(-1, columns)
    return Sheet(buf, ends, np.array(numbers, np.int64), placed=False)


__all__ = ["Sheet", "sheets"]
