"""Walks an MCAP file record by record, past damage, and finds its index where it has one.

A file may be torn at its end (a kill), still grow, or hold flipped bits. The walk trusts a record when it lies within
the file, and a chunk when its checksum holds; behind damage it goes on at the next Zstandard chunk that is whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from telemetry.recording.layout import ABOUT
from telemetry.recording.records import (
    BEFORE_ZSTD,
    CHANNEL,
    CHUNK,
    CHUNK_BODY,
    CHUNK_INDEX,
    DATA_END,
    FIRST_PRIVATE,
    FOOTER,
    FOOTER_BODY,
    FOOTER_BYTES,
    HEAD,
    HEADER,
    LAST_KNOWN,
    MAGIC,
    MESSAGE,
    MESSAGE_INDEX,
    METADATA,
    U16,
    U32,
    ZSTD,
    Channel,
    ChunkHead,
    Cursor,
    DamageError,
    inside,
    parse_channel,
    parse_chunk_index,
    parse_metadata,
    split,
)  # fmt: skip

LARGEST_RECORD = 1 << 30  # bytes
WINDOW = 1 << 20  # bytes looked through at a time


class Piece(NamedTuple):
    """A record: its place, a chunk's head, and what it holds (of a chunk unpacked, where that was asked for)."""

    opcode: int
    offset: int
    length: int
    head: ChunkHead | None = None
    data: bytes = b""


class Damage(NamedTuple):
    """Bytes that could not be read. ``torn``: nothing whole stands behind them."""

    offset: int
    length: int
    why: str
    torn: bool = False


class Summary(NamedTuple):
    """What stands at the end of a finished file."""

    channels: dict[int, Channel]
    chunks: list[ChunkHead]


def read_at(stream: FileIO, offset: int, count: int) -> bytes:
    """Up to ``count`` bytes from ``offset`` on."""
    stream.seek(offset)
    return stream.read(count) or b""


def write_at(stream: FileIO, offset: int, data: bytes) -> None:
    """Write all of ``data`` at ``offset``; a disk that takes a part of it is asked again, and then says why."""
    stream.seek(offset)
    rest = memoryview(data)
    while rest:
        rest = rest[stream.write(rest) or 0 :]


def walk(stream: FileIO, size: int, at: int = len(MAGIC), *, unpack: bool) -> Iterator[Piece | Damage]:
    """Records of the first ``size`` bytes, from ``at`` on; ``unpack``: chunks unpacked and checked."""
    while at < size:
        try:
            piece = _piece(stream, at, size, unpack=unpack)
        except DamageError as error:
            found = _next_chunk(stream, at + 1, size)
            yield Damage(at, (size if found is None else found) - at, str(error), torn=found is None)
            if found is None:
                return
            at = found
            continue
        if piece.opcode == DATA_END:
            return
        yield piece
        at += piece.length


def _piece(stream: FileIO, at: int, size: int, *, unpack: bool) -> Piece:
    head = read_at(stream, at, BEFORE_ZSTD)
    if len(head) < HEAD.size:
        raise DamageError("a record is cut")
    opcode, length = HEAD.unpack_from(head)
    if opcode == 0 or LAST_KNOWN < opcode < FIRST_PRIVATE:
        raise DamageError("not a record")
    if at + HEAD.size + length > size:
        raise DamageError("a record is cut")
    whole = HEAD.size + int(length)
    if opcode == CHUNK:
        if len(head) < BEFORE_ZSTD:
            raise DamageError("a record is shorter than its fields")
        first_ns, last_ns, inside_bytes, _ = CHUNK_BODY.unpack_from(head, HEAD.size)
        told = ChunkHead(at, whole, first_ns, last_ns, inside_bytes)
        return Piece(CHUNK, at, whole, told, unpacked(stream, at, whole) if unpack else b"")
    if opcode in (HEADER, CHANNEL, MESSAGE, METADATA, MESSAGE_INDEX):
        if length > LARGEST_RECORD:
            raise DamageError(f"a record claims {length:,} bytes")
        return Piece(opcode, at, whole, None, read_at(stream, at + HEAD.size, length))
    return Piece(opcode, at, whole)


def unpacked(stream: FileIO, offset: int, length: int) -> bytes:
    """What the chunk at ``offset`` holds; raises :class:`DamageError`."""
    if length > LARGEST_RECORD:
        raise DamageError(f"a chunk claims {length:,} bytes")
    data = read_at(stream, offset, length)
    if len(data) < HEAD.size or data[0] != CHUNK or HEAD.unpack_from(data)[1] != len(data) - HEAD.size:
        raise DamageError("there is no chunk where the index says so")
    return inside(data[HEAD.size :])


def _next_chunk(stream: FileIO, at: int, size: int) -> int | None:
    """Offset of the next whole chunk."""
    while at < size:
        window = read_at(stream, at, WINDOW)
        begin = 0
        while (found := window.find(ZSTD, begin)) >= 0:
            place = at + found - BEFORE_ZSTD
            if found >= BEFORE_ZSTD and window[found - BEFORE_ZSTD] == CHUNK and _whole(stream, place, size):
                return place
            begin = found + 1
        if len(window) < WINDOW:
            return None
        at += WINDOW - BEFORE_ZSTD - len(ZSTD)
    return None


def _whole(stream: FileIO, at: int, size: int) -> bool:
    try:
        return bool(_piece(stream, at, size, unpack=True).opcode == CHUNK)
    except DamageError:
        return False


def begins(stream: FileIO) -> tuple[str, dict[str, str]] | None:
    """Profile and ``about`` of a file; None where it does not begin like one."""
    if read_at(stream, 0, len(MAGIC)) != MAGIC:
        return None
    profile, about = "", {}
    try:
        for piece in walk(stream, stream.seek(0, 2), unpack=False):
            if isinstance(piece, Damage) or piece.opcode not in (HEADER, METADATA):
                break
            if piece.opcode == HEADER:
                profile = Cursor(piece.data).text()
            elif (told := parse_metadata(piece.data))[0] == ABOUT:
                about = told[1]
    except DamageError:
        pass  # the rest of the file may still be read
    return profile, about


def summary(stream: FileIO, size: int) -> Summary | None:
    """The summary of a finished file; None where there is none, or it is damaged."""
    tail = read_at(stream, max(0, size - FOOTER_BYTES), FOOTER_BYTES)
    if len(tail) < FOOTER_BYTES or not tail.endswith(MAGIC) or HEAD.unpack_from(tail) != (FOOTER, FOOTER_BODY.size):
        return None
    start, _, crc = FOOTER_BODY.unpack_from(tail, HEAD.size)
    end = size - FOOTER_BYTES
    if not len(MAGIC) < start < end or end - start > LARGEST_RECORD:
        return None
    data = read_at(stream, start, end - start)
    if crc and zlib.crc32(tail[: HEAD.size + 16], zlib.crc32(data)) != crc:
        return None
    found = Summary({}, [])
    try:
        for opcode, begin, stop in split(data):
            if opcode == CHANNEL:
                number, channel = parse_channel(data[begin:stop])
                found.channels[number] = channel
            elif opcode == CHUNK_INDEX:
                found.chunks.append(parse_chunk_index(data[begin:stop]))
    except DamageError:
        return None
    found.chunks.sort()
    return found


def finished(path: Path) -> bool:
    """Whether a file ends as a whole one does."""
    with FileIO(path) as stream:
        size = stream.seek(0, 2)
        return size > FOOTER_BYTES and read_at(stream, size - len(MAGIC), len(MAGIC)) == MAGIC


def listed(body: bytes) -> int:
    """The channel of a message index."""
    return int(U16.unpack_from(body)[0]) if len(body) >= U16.size + U32.size else 0
