"""A text file as blocks of whole lines; what is no text, is empty or has no end of line is told at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twin.forcing.stream.faults import Faults

BLOCK = 4 << 20
LONGEST_LINE = 16 << 20
BOM = b"\xef\xbb\xbf"
PACKED = {b"\x1f\x8b": "gzip", b"PK": "zip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz"}
PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each ended by a newline. ``first_line`` is 1-based; ``unfinished``: the last line had none."""

    data: bytes
    first_line: int
    unfinished: bool


def blocks(path: Path, faults: Faults, size: int = BLOCK) -> Iterator[Block]:
    """The file in blocks of about ``size`` bytes, without a byte order mark.

    Raises :class:`InputError` for a file that cannot be read, is empty or is not text.
    """
    try:
        stream = path.open("rb", buffering=0)
    except OSError as error:
        faults.add(f"cannot be read: {error.strerror or error}")
        faults.stop()
    line, rest, some = 1, b"", False
    with stream:
        while True:
            try:
                read = stream.read(size)
            except OSError as error:
                faults.add(f"cannot be read: {error.strerror or error}", line)
                faults.stop()
            if read:
                _must_be_text(read, line, first=not some, faults=faults)
                some = some or bool(read.strip())
            head, newline, tail = (rest + read).rpartition(b"\n") if read else (b"", b"", rest)
            if len(tail) > LONGEST_LINE:
                faults.add("this line is longer than 16 MiB: not a trace, or its ends of line are missing", line)
                faults.stop()
            data = head + newline if read else (rest + b"\n" if rest else b"")
            rest = tail if read else b""
            if line == 1 and data.startswith(BOM):
                data = data[len(BOM) :]
            if data:
                yield Block(data, line, unfinished=not read)
                line += data.count(b"\n")
            if not read:
                break
    if not some:
        faults.add("the file is empty")
        faults.stop()


def _must_be_text(read: bytes, line: int, *, first: bool, faults: Faults) -> None:
    """Stop at what is packed or binary."""
    if first:
        for magic, name in PACKED.items():
            if read.startswith(magic):
                faults.add(f"the file is packed ({name}): unpack it first")
                faults.stop()
        if read.startswith(PARQUET):
            faults.add("the file is a Parquet table: save it as CSV first")
            faults.stop()
    at = read.find(b"\0")
    if at >= 0:
        faults.add("byte 0x00 is not text: the file is binary, or not UTF-8", line + read.count(b"\n", 0, at))
        faults.stop()


__all__ = ["BLOCK", "Block", "blocks"]
