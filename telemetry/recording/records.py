"""Records of an MCAP file as bytes: those that a recording has are packed here, those that any file has are parsed.

A record is an opcode (1 byte), the length of what follows (8 bytes) and that; all numbers are little-endian, a string
is its length (4 bytes) and UTF-8. A file is magic, records, magic; chunks hold channels and messages, compressed, with
a CRC-32 of what is inside. Source: the MCAP specification, version 0 (mcap.dev/spec, MIT).

The ``mcap`` package writes a message of 50 bytes in about 6 µs of CPU (1.3 µs here, with flushes of 240 and no index of
messages), cannot take back what a full disk has cut, and has no way to heal a file. Its reader is the oracle of our
files in the tests.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

import msgspec
import zstandard

MAGIC = b"\x89MCAP0\r\n"
HEADER, FOOTER, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX = 0x01, 0x02, 0x04, 0x05, 0x06, 0x07
CHUNK_INDEX, STATISTICS, METADATA, METADATA_INDEX, SUMMARY_OFFSET, DATA_END = 0x08, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F
LAST_KNOWN, FIRST_PRIVATE = 0x0F, 0x80
HEAD = struct.Struct("<BQ")
MESSAGE_HEAD = struct.Struct("<BQHIQQ")  # opcode, length, channel, sequence, log time, publish time
MESSAGE_BODY = struct.Struct("<HIQQ")
CHUNK_BODY = struct.Struct("<QQQI")  # first and last log time, size and CRC-32 of what is inside
INDEX_BODY = struct.Struct("<QQQQ")  # first and last log time, offset and length of the chunk
FOOTER_BODY = struct.Struct("<QQI")
FOOTER_BYTES = HEAD.size + FOOTER_BODY.size + len(MAGIC)
ZSTD = b"\x04\x00\x00\x00zstd"
BEFORE_ZSTD = HEAD.size + CHUNK_BODY.size  # bytes of a chunk before its compression is named
LARGEST_INSIDE = 288 << 20  # bytes; more is not unpacked. The largest payload of MQTT is 256 MiB
U16, U32, U64 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
COMPRESS = zstandard.ZstdCompressor(level=1)
EXPAND = zstandard.ZstdDecompressor()


class DamageError(ValueError):
    """Bytes that are not what they claim to be."""


class Channel(msgspec.Struct, frozen=True):
    """A channel: where its messages come from and what they are."""

    topic: str
    encoding: str
    metadata: dict[str, str]


class ChunkHead(NamedTuple):
    """A chunk as its index or its first bytes tell.

    ``offset``, ``length`` (bytes) in the file, log times of its messages (ns), size of what is inside (bytes).
    ``channels``: all that it holds, where a message index of ``index_bytes`` lists them behind it; else empty.
    """

    offset: int
    length: int
    first_ns: int
    last_ns: int
    inside_bytes: int
    channels: tuple[int, ...] = ()
    index_bytes: int = 0


def text(value: str) -> bytes:
    """A string of a record."""
    data = value.encode()
    return U32.pack(len(data)) + data


def pairs(values: Mapping[str, str]) -> bytes:
    """A map of a record."""
    data = b"".join(text(name) + text(value) for name, value in values.items())
    return U32.pack(len(data)) + data


def record(opcode: int, body: bytes) -> bytes:
    """A record around ``body``."""
    return HEAD.pack(opcode, len(body)) + body


def channel(number: int, topic: str, encoding: str, metadata: Mapping[str, str]) -> bytes:
    """A channel without a schema."""
    return record(CHANNEL, U16.pack(number) + U16.pack(0) + text(topic) + text(encoding) + pairs(metadata))


def chunk(inside: bytes, first_ns: int, last_ns: int) -> bytes:
    """A compressed chunk of the records ``inside``."""
    packed = COMPRESS.compress(inside)
    head = CHUNK_BODY.pack(first_ns, last_ns, len(inside), zlib.crc32(inside))
    return record(CHUNK, head + ZSTD + U64.pack(len(packed)) + packed)


def chunk_index(head: ChunkHead) -> bytes:
    """The index of a chunk of ours, which lists one channel or none."""
    places = b"".join(U16.pack(number) + U64.pack(head.offset + head.length) for number in head.channels)
    packed = head.length - BEFORE_ZSTD - len(ZSTD) - U64.size
    body = INDEX_BODY.pack(head.first_ns, head.last_ns, head.offset, head.length) + U32.pack(len(places)) + places
    sizes = U64.pack(packed) + U64.pack(head.inside_bytes)
    return record(CHUNK_INDEX, body + U64.pack(head.index_bytes) + ZSTD + sizes)


def message_index(number: int, entries: list[tuple[int, int]]) -> bytes:
    """Where in the chunk before it the messages of a channel are: (log time, offset in what is inside)."""
    data = b"".join(U64.pack(time_ns) + U64.pack(offset) for time_ns, offset in entries)
    return record(MESSAGE_INDEX, U16.pack(number) + U32.pack(len(data)) + data)


class Cursor:
    """Takes the fields of a record one after the other; raises :class:`DamageError` behind its end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        end = self.at + count
        if end > len(self.data):
            raise DamageError("a record is shorter than its fields")
        piece, self.at = self.data[self.at : end], end
        return piece

    def number(self, kind: struct.Struct) -> int:
        """The next number."""
        return int(kind.unpack(self.take(kind.size))[0])

    def text(self) -> str:
        """The next string."""
        try:
            return self.take(self.number(U32)).decode()
        except UnicodeDecodeError:
            raise DamageError("a string is not UTF-8") from None

    def pairs(self) -> dict[str, str]:
        """The next map of strings."""
        inner = Cursor(self.take(self.number(U32)))
        found = {}
        while inner.at < len(inner.data):
            name = inner.text()
            found[name] = inner.text()
        return found


def parse_channel(body: bytes) -> tuple[int, Channel]:
    """Number and description of a channel."""
    cursor = Cursor(body)
    number = cursor.number(U16)
    cursor.number(U16)  # its schema
    return number, Channel(cursor.text(), cursor.text(), cursor.pairs())


def parse_metadata(body: bytes) -> tuple[str, dict[str, str]]:
    """Name and content of a metadata record."""
    cursor = Cursor(body)
    return cursor.text(), cursor.pairs()


def parse_chunk_index(body: bytes) -> ChunkHead:
    """A chunk as its index tells."""
    cursor = Cursor(body)
    first_ns, last_ns, offset, length = INDEX_BODY.unpack(cursor.take(INDEX_BODY.size))
    listed = Cursor(cursor.take(cursor.number(U32)))
    channels = []
    while listed.at < len(listed.data):
        channels.append(listed.number(U16))
        listed.number(U64)
    index_bytes = cursor.number(U64)
    cursor.text()
    cursor.number(U64)
    return ChunkHead(offset, length, first_ns, last_ns, cursor.number(U64), tuple(channels), index_bytes)


def inside(body: bytes) -> bytes:
    """What a chunk holds, unpacked and checked; raises :class:`DamageError`."""
    cursor = Cursor(body)
    _, _, size, crc = CHUNK_BODY.unpack(cursor.take(CHUNK_BODY.size))
    compression = cursor.text()
    packed = cursor.take(cursor.number(U64))
    if size > LARGEST_INSIDE:
        raise DamageError(f"a chunk claims {size:,} bytes")
    data = _unpacked(compression, packed, size)
    if len(data) != size:
        raise DamageError("a chunk is shorter or longer than it claims")
    if crc and zlib.crc32(data) != crc:
        raise DamageError("the checksum of a chunk is wrong")
    return data


def _unpacked(compression: str, packed: bytes, size: int) -> bytes:
    """``packed`` without its compression, at most a byte longer than ``size``."""
    if compression == "":
        return packed
    try:
        if compression == "zstd":
            with EXPAND.stream_reader(packed, read_across_frames=True) as stream:
                return bytes(stream.read(size + 1))
        if compression == "lz4":
            return _lz4(packed, size)
    except (zstandard.ZstdError, RuntimeError, EOFError, ValueError) as error:
        raise DamageError(f"a chunk cannot be unpacked: {error}") from None
    raise DamageError(f'a chunk is compressed by "{compression}", which is not known')


def _lz4(packed: bytes, size: int) -> bytes:
    frame = import_module("lz4.frame")  # it has no types
    return bytes(frame.LZ4FrameDecompressor().decompress(packed, size + 1))


def split(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Opcode, begin and end of what follows its length, of each record in ``data``; raises :class:`DamageError`."""
    at, size = 0, len(data)
    while at < size:
        if at + HEAD.size > size:
            raise DamageError("a record is cut")
        opcode, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + length > size:
            raise DamageError("a record is cut")
        yield opcode, at, at + length
        at += length
