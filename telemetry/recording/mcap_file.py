"""One MCAP file to read: by its index where it has one, else from its front; also while it is being written.

Damaged chunks are left out and told; messages come in the order of the file, which is that of their receipt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording.folder import number_of
from telemetry.recording.layout import MARK_CHANNEL, PROFILE
from telemetry.recording.messages import Channels, read_chunk
from telemetry.recording.records import (
    CHANNEL,
    CHUNK,
    HEAD,
    MESSAGE,
    MESSAGE_BODY,
    MESSAGE_INDEX,
    ChunkHead,
    DamageError,
)
from telemetry.recording.scan import Damage, Piece, Summary, begins, listed, summary, unpacked, walk
from twin.core.errors import one

Times = tuple[int | None, int | None]


class McapFile:
    """An MCAP file; ``first_ns`` and ``last_ns`` are None where it holds no message. Raises ``InputError``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damages: dict[int, Damage] = {}
        self.channels: Channels | None = None  # as the last reading found them
        with self._opened() as stream:
            begun = begins(stream)
            if begun is None:
                raise one("does not begin like an MCAP file", file=str(path))
            self.profile, self.about = begun
            size = stream.seek(0, os.SEEK_END)
            self._summary = self._indexed(stream, size)
            self.finished = self._summary is not None
            self.marked: list[ChunkHead] | None = None  # chunks of marks, where they are known
            self.first_ns, self.last_ns = self._bounds(stream, size)

    @property
    def own(self) -> bool:
        """Whether halltwin wrote it: its head says so, which may be damaged, or its name."""
        return self.profile == PROFILE or number_of(self.path) is not None

    @staticmethod
    def _indexed(stream: FileIO, size: int) -> Summary | None:
        """The summary where it leads to the messages."""
        found = summary(stream, size)
        return found if found is not None and found.chunks else None

    def _bounds(self, stream: FileIO, size: int) -> Times:
        """First and last log time, from the heads of the chunks or of messages beside them."""
        first, last = 1 << 64, -1
        own, heads, listing = self.own, [], []
        for piece in self._heads(stream, size):
            if isinstance(piece, Damage):
                self.damages[piece.offset] = piece
            elif piece.head is not None:
                heads.append(piece.head)
                first, last = min(first, piece.head.first_ns), max(last, piece.head.last_ns)
            elif piece.opcode == MESSAGE:
                time_ns = MESSAGE_BODY.unpack_from(piece.data)[2]
                first, last = min(first, time_ns), max(last, time_ns)
            elif piece.opcode == MESSAGE_INDEX and own and heads and listed(piece.data) == MARK_CHANNEL:
                listing.append(heads[-1])
        if own:
            known = [head for head in heads if MARK_CHANNEL in head.channels]
            self.marked = known if self.finished else listing
        return (None, None) if last < 0 else (first, last)

    def _heads(self, stream: FileIO, size: int) -> Iterator[Piece | Damage]:
        if self._summary is None:
            yield from walk(stream, size, unpack=False)
        else:
            yield from (Piece(CHUNK, head.offset, head.length, head) for head in self._summary.chunks)

    def messages(
        self, start_ns: int | None, end_ns: int | None, wanted: Callable[[str], bool] | None
    ) -> Iterator[Message]:
        """Messages from ``start_ns`` (included) to ``end_ns`` (not) on topics that are wanted."""
        channels = self.channels = Channels(self.about, own=self.own, wanted=wanted)
        with self._opened() as stream:
            for piece in self._pieces(stream, channels, start_ns, end_ns):
                try:
                    if piece.opcode == CHUNK:
                        learn = piece.head is not None and _outside(piece.head, start_ns, end_ns)
                        yield from read_chunk(piece.data, channels, start_ns, end_ns, learn=learn)
                    elif piece.opcode in (CHANNEL, MESSAGE):
                        loose = HEAD.pack(piece.opcode, len(piece.data)) + piece.data
                        yield from read_chunk(loose, channels, start_ns, end_ns)
                except DamageError as error:
                    self.damages[piece.offset] = Damage(piece.offset, piece.length, str(error))

    @contextmanager
    def _opened(self) -> Iterator[FileIO]:
        """The file; its errors as ``InputError``."""
        try:
            with FileIO(self.path) as stream:
                yield stream
        except OSError as error:
            raise one(f"cannot be read: {error.strerror or error}", file=str(self.path)) from None

    def _pieces(self, stream: FileIO, channels: Channels, start_ns: int | None, end_ns: int | None) -> Iterator[Piece]:
        """Records that may hold what is asked for, chunks unpacked."""
        if self._summary is None:
            # A file in writing: read to where it is now. All chunks, for the channels that they tell of.
            for piece in walk(stream, stream.seek(0, os.SEEK_END), unpack=True):
                if isinstance(piece, Damage):
                    self.damages[piece.offset] = piece
                else:
                    yield piece
            return
        for number, channel in self._summary.channels.items():
            channels.put(number, channel)
        for head in self._summary.chunks:
            if not _outside(head, start_ns, end_ns):
                try:
                    data = unpacked(stream, head.offset, head.length)
                except DamageError as error:
                    self.damages[head.offset] = Damage(head.offset, head.length, str(error))
                    continue
                yield Piece(CHUNK, head.offset, head.length, head, data)

    def marks(self) -> list[Mark]:
        """Marks in their order; files of others have none."""
        if not self.own or self.marked is None:
            return []
        channels = Channels(self.about)
        with self._opened() as stream:
            for head in self.marked:
                try:
                    read_chunk(unpacked(stream, head.offset, head.length), channels)
                except DamageError as error:
                    self.damages[head.offset] = Damage(head.offset, head.length, str(error))
        return channels.marks


def _outside(head: ChunkHead, start_ns: int | None, end_ns: int | None) -> bool:
    """Whether nothing in a chunk is asked for."""
    return (start_ns is not None and head.last_ns < start_ns) or (end_ns is not None and head.first_ns >= end_ns)
