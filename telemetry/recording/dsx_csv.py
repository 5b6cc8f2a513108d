"""A recording as CSV, ``offset,topic,payload``: the form of the example that NVIDIA publishes with DSX Exchange.

``offset`` is a Go duration since the begin (``3.4731ms``, ``1m39.3s``); ``{{timestamp_ms}}`` in a payload stands for
the time of its row in ms since 1970. Metadata rows are retained, as the upstream player publishes them. Source:
github.com/NVIDIA/dsx-exchange, local/mqtt-client (Apache-2.0); Go's ``time.ParseDuration``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from telemetry.message import Message
from twin.core.errors import InputError, Problem

COLUMNS = ["offset", "topic", "payload"]
PLACEHOLDER = b"{{timestamp_ms}}"
METADATA = re.compile(r"(^|/)BMS/v\d+/[^/]+/Metadata/")
UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
WHOLE = re.compile(rf"\+?({PART.pattern})+")
LONGEST_FIELD = 64 << 20  # characters
MOST_PROBLEMS = 20
MS = 10**6


class Row(NamedTuple):
    """A row: its line, ns since the begin, topic, payload."""

    line: int
    offset_ns: int
    topic: str
    payload: bytes


def duration_ns(text: str) -> int:
    """A Go duration in ns; raises ValueError."""
    if text == "0":
        return 0
    if not WHOLE.fullmatch(text):
        raise ValueError(f'"{text}" is no duration, expected as 3.4731ms or 1m39.3s')
    return int(sum(Decimal(number) * UNITS[unit] for number, unit in PART.findall(text)))


def is_csv(path: Path) -> bool:
    """Whether a file is meant as such a CSV."""
    with path.open("rb") as stream:
        begin = stream.read(64).removeprefix(b"\xef\xbb\xbf")
    return path.suffix.lower() == ".csv" or begin.startswith(b"offset,topic,payload")


def rows(path: Path) -> Iterator[Row | Problem]:
    """Rows of a file, and what is wrong in the others. Raises ``OSError``."""
    csv.field_size_limit(max(LONGEST_FIELD, csv.field_size_limit()))
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        line = 1
        try:
            if next(reader, None) != COLUMNS:
                yield Problem("", "expected the columns offset,topic,payload", str(path), 1)
                return
            line = reader.line_num + 1
            for fields in reader:
                if fields:
                    yield _row(path, line, fields)
                line = reader.line_num + 1
        except csv.Error as error:
            yield Problem("", f"is no CSV: {error}", str(path), line)


def _row(path: Path, line: int, fields: list[str]) -> Row | Problem:
    if len(fields) != len(COLUMNS):
        return Problem("", f"expected 3 fields, offset,topic,payload, not {len(fields)}", str(path), line)
    offset, topic, payload = fields
    try:
        if not topic:
            raise ValueError("the topic is empty")
        topic.encode()
        return Row(line, duration_ns(offset), topic, payload.encode())
    except UnicodeEncodeError:
        return Problem("", "is not UTF-8", str(path), line)
    except ValueError as error:
        return Problem("", str(error), str(path), line)


class CsvFile:
    """A CSV to read, checked from its first to its last row. Raises ``InputError`` with all that is wrong in it.

    ``first_ns``, ``last_ns``: since the begin; None without rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        problems: list[Problem] = []
        offsets: list[int] = []
        try:
            for row in rows(path):
                if isinstance(row, Problem):
                    problems.append(row)
                    if len(problems) == MOST_PROBLEMS:
                        break
                else:
                    offsets = (
                        [min(row.offset_ns, *offsets), max(row.offset_ns, *offsets)] if offsets else [row.offset_ns] * 2
                    )
        except OSError as error:
            problems.append(Problem("", f"cannot be read: {error.strerror or error}", str(path)))
        if problems:
            raise InputError(problems)
        self.first_ns: int | None = offsets[0] if offsets else None
        self.last_ns: int | None = offsets[-1] if offsets else None

    def messages(self, epoch_ns: int) -> Iterator[Message]:
        """Messages as received if the file had begun at ``epoch_ns``. Raises ``InputError`` where it has changed."""
        for sequence, row in enumerate(rows(self.path)):
            if isinstance(row, Problem):
                raise InputError([row])
            received_ns = epoch_ns + row.offset_ns
            payload = row.payload.replace(PLACEHOLDER, b"%d" % (received_ns // MS))
            yield Message(row.topic, payload, received_ns, sequence, 1, bool(METADATA.search(row.topic)))
