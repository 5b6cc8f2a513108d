"""Makes the file of a killed writer whole: cuts what is torn behind its last whole chunk, and writes its index.

What is cut was never committed: a commit ends with a flush of whole chunks. Every checksum is verified on the way; a
chunk that is damaged in the middle stays where it is and out of the index. About 1 s for each 70 MB of file.
"""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from telemetry.message import Message
from telemetry.recording.layout import MARK_CHANNEL, OWN, ending
from telemetry.recording.messages import Channels, read_chunk
from telemetry.recording.records import (
    CHANNEL,
    CHUNK,
    HEAD,
    MAGIC,
    MESSAGE,
    MESSAGE_BODY,
    MESSAGE_INDEX,
    METADATA,
    METADATA_INDEX,
    U64,
    ChunkHead,
    DamageError,
    chunk_index,
    message_index,
    parse_channel,
    parse_metadata,
    record,
    split,
    text,
)  # fmt: skip
from telemetry.recording.scan import Damage, Piece, Summary, begins, listed, summary, unpacked, walk, write_at


class Healed(NamedTuple):
    """What became of a file: bytes cut off its end, damaged places inside, its last message."""

    cut: int
    damages: list[Damage]
    last: Message | None


def heal(path: Path) -> Healed:
    """Make a file of ours whole and find its last message; a finished file stays as it is. Raises ``OSError``.

    A file that was killed before its head was whole, and so before its first commit, is removed.
    """
    with FileIO(path, "r+") as stream:
        size = stream.seek(0, os.SEEK_END)
        begun = begins(stream)
        if begun is None and size >= len(MAGIC):
            return Healed(0, [], None)
        if begun is None or (not begun[0] and not _has_chunks(stream, size)):
            path.unlink()
            return Healed(size, [], None)
        found = summary(stream, size)
        if found is not None:
            return Healed(0, [], _last(stream, found, begun[1]))
        whole = _Whole()
        for piece in walk(stream, size, unpack=True):
            whole.take(piece)
        stream.truncate(whole.end)
        with suppress(OSError):  # without its index it is read from the front
            write_at(stream, whole.end, whole.ending())
        with suppress(OSError):
            os.fsync(stream.fileno())
        return Healed(size - whole.end, whole.damages, _last(stream, whole.summary, begun[1]))


def _has_chunks(stream: FileIO, size: int) -> bool:
    return any(isinstance(piece, Piece) and piece.opcode == CHUNK for piece in walk(stream, size, unpack=True))


class _Whole:
    """What is whole in a file, gathered record by record."""

    def __init__(self) -> None:
        self.summary = Summary({}, [])
        self.damages: list[Damage] = []
        self.end = 0
        self._channels: dict[int, bytes] = {}
        self._about = b""
        self._marks: bytes | None = None  # index of the marks in the last chunk, as it has to be

    def take(self, piece: Piece | Damage) -> None:
        """Note a record, or that there is none."""
        if isinstance(piece, Damage):
            if not piece.torn:
                self.damages.append(piece)
            return
        before, self.end = self.end, piece.offset + piece.length
        if piece.opcode == METADATA and not self._about:
            try:
                name = text(parse_metadata(piece.data)[0])
            except DamageError:  # it has no checksum: what a power cut left may look like one
                self.end = before
                return
            self._about = record(METADATA_INDEX, U64.pack(piece.offset) + U64.pack(piece.length) + name)
        elif piece.opcode == CHUNK and piece.head is not None:
            self._chunk(piece.head, piece.data)
        elif piece.opcode == MESSAGE_INDEX and listed(piece.data) == MARK_CHANNEL:
            self._marks = None

    def _chunk(self, head: ChunkHead, data: bytes) -> None:
        """Channels stand first in a chunk of ours; one that holds marks holds nothing else."""
        self._marks = None
        for opcode, begin, end in split(data):
            if opcode == CHANNEL:
                number, channel = parse_channel(data[begin:end])
                self.summary.channels[number] = channel
                self._channels[number] = data[begin - HEAD.size : end]
            elif opcode == MESSAGE:
                number, _, time_ns, _ = MESSAGE_BODY.unpack_from(data, begin)
                if number == MARK_CHANNEL:
                    index = message_index(MARK_CHANNEL, [(time_ns, begin - HEAD.size)])
                    head = head._replace(channels=(MARK_CHANNEL,), index_bytes=len(index))
                    self._marks = index
                break
        self.summary.chunks.append(head)

    def ending(self) -> bytes:
        """What the file lacks."""
        lacking = self._marks or b""
        channels = {**OWN, **self._channels}
        index = b"".join(map(chunk_index, self.summary.chunks))
        return lacking + ending(self.end + len(lacking), channels.values(), index, self._about)


def _last(stream: FileIO, found: Summary, about: dict[str, str]) -> Message | None:
    """The newest message: of the last chunk that has one and can be read."""
    for head in reversed(found.chunks):
        if head.channels:
            continue
        channels = Channels(about)
        for number, channel in found.channels.items():
            channels.put(number, channel)
        with suppress(DamageError):
            messages = read_chunk(unpacked(stream, head.offset, head.length), channels)
            if messages:
                return messages[-1]
    return None
