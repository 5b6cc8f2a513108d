"""The durable recording of a stream: what is committed survives a kill of the process at any byte.

Messages are gathered into a chunk (about ``CHUNK_BYTES`` inside); ``commit`` packs it, appends it and flushes the file
(fdatasync), and only then may whoever sent a message be told that it is safe. A file that a killed writer left is cut
behind its last whole chunk and finished at the next start. An error of the disk takes nothing away: what a commit could
not write is kept, the file is cut back to what is known to be whole, and the next commit writes it again.

Memory: what is not committed is kept here, at most ``MOST_WAITING`` bytes and one call of ``add``; beyond that ``add``
commits by itself and raises where the disk fails, before it takes anything. Beside that 90 bytes a chunk of the open
file and about 1 kB a topic of it, of which there are at most ``layout.MOST_CHANNELS``.

Cost: 1.3 µs of CPU a message of 50 bytes in groups of 240 (README.md).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import msgspec

from telemetry.clock import Clock
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording import folder as place
from telemetry.recording.heal import Healed, heal
from telemetry.recording.layout import (
    FIRST,
    FIRST_CHANNEL,
    LONGEST_TOPIC,
    MARK_CHANNEL,
    MOST_CHANNELS,
    OWN,
    SHARED_CHANNEL,
    beginning,
    ending,
    label,
    plain_channel,
    shared,
    statistics,
    version,
    without_login,
)  # fmt: skip
from telemetry.recording.records import (
    MESSAGE,
    MESSAGE_BODY,
    MESSAGE_HEAD,
    ChunkHead,
    chunk,
    chunk_index,
    message_index,
)
from telemetry.recording.retention import Retention
from telemetry.recording.scan import finished, write_at
from twin.core.errors import one

CHUNK_BYTES = 1 << 20
MOST_WAITING = 64 << 20
REPEAT_BYTES = 16 << 20  # channels are told again after so many bytes of file, so that damage stays local
NS = 1_000_000_000
LOW_32 = 0xFFFFFFFF
SECRET = re.compile(r"pass(word|wd)?$|token|secret|credential", re.IGNORECASE)


class _Ready(NamedTuple):
    """A packed chunk that is not on the disk yet, with the index of its marks if it holds any."""

    data: bytes
    listing: bytes
    head: ChunkHead  # its offset is not known yet
    messages: int


class Recorder:
    """Records a stream into a folder of MCAP files; see the head of this file.

    ``about``: what a reader should know (broker, dialect); logins in addresses and what is named like a secret are left
    out; our version and the start of the file are added. A file ends at ``rotate_bytes`` or after ``rotate_s``; the
    oldest finished files go so that all stay within ``keep_bytes``, or where their last message is older than
    ``keep_s``. ``clock`` names and times files.

    ``last`` is the newest durable message that was found, so that its sequence goes on; ``healed`` what was found of
    files that a killed writer left. One thread at a time may call it. Raises ``InputError`` where the folder cannot be
    used or somebody records into it.
    """

    def __init__(
        self,
        folder: Path,
        about: Mapping[str, str],
        *,
        rotate_bytes: int = 256 << 20,
        rotate_s: float = 3600.0,
        keep_bytes: int | None = None,
        keep_s: float | None = None,
        clock: Clock,
    ) -> None:
        self._folder, self._clock = folder, clock
        told = {label(name): without_login(label(text)) for name, text in about.items()}
        self._about = {name: text for name, text in told.items() if not SECRET.search(name)}
        self._rotate_bytes, self._rotate_ns = rotate_bytes, int(rotate_s * NS)
        self._retention = Retention(folder, keep_bytes, keep_s, rotate_bytes)
        self.last: Message | None
        self.healed: dict[Path, Healed] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._held = place.Held(folder)
            self._next, self.last = self._take_up()
        except OSError as error:
            raise one(f"cannot record here: {error.strerror or error}", file=str(folder)) from None
        self._stream: FileIO | None = None
        self._path: Path | None = None
        self._next_sequence = 0 if self.last is None else self.last.sequence + 1
        self._fresh_file()
        self._fresh_chunk()
        self._retention.apply(None, 0, clock.now_ns())

    # ------------------------------------------------------------------------------------------ what came before
    def _take_up(self) -> tuple[int, Message | None]:
        """Heal what is unfinished; the number of the next file, and the newest message."""
        last: Message | None = None
        files = place.files(self._folder)
        for path in reversed(files):
            if last is not None and finished(path):
                continue
            found = heal(path)
            if found.cut or found.damages:
                self.healed[path] = found
            last = last or found.last
        return 1 + max((place.number_of(path) or 0 for path in files), default=0), last

    def _fresh_file(self) -> None:
        """Forget the file: the next commit begins another one."""
        self._good = 0  # bytes of the file that are known to be on the disk
        self._began_ns = 0
        self._told_at = 0
        self._counted = self._chunks = 0
        self._first_ns, self._last_ns = 1 << 63, 0
        self._about_index = b""
        self._index = bytearray()  # of all chunks in the file
        self._numbers: dict[tuple[str, int, bool], int] = {}  # channels that the file already told of
        self._known: dict[tuple[str, int, bool], tuple[int, bytes]] = {}
        self._own_told: set[int] = set()
        self._ready: list[_Ready] = []
        self._waiting = 0
        self._first_sequence: int | None = None  # None: no message yet, the next one will follow the last

    def _fresh_chunk(self) -> None:
        self._told: list[bytes] = []
        self._body: list[bytes] = []
        self._bytes = self._messages = 0
        self._from_ns, self._to_ns = 1 << 63, 0

    # ------------------------------------------------------------------------------------------ taking
    @property
    def waiting_bytes(self) -> int:
        """Bytes that the next commit has to write, not packed where they are in the open chunk."""
        return self._waiting + self._bytes

    def add(self, messages: Sequence[Message]) -> None:
        """Take messages; they are durable after the next ``commit``. Raises ``OSError`` where too much waits for it."""
        if self._waiting + self._bytes > MOST_WAITING:
            self.commit()
        if messages:
            if self._first_sequence is None:
                self._first_sequence = messages[0].sequence
            self._next_sequence = messages[-1].sequence + 1
        numbers, body, pack = self._numbers, self._body.append, MESSAGE_HEAD.pack
        length = MESSAGE_BODY.size
        for message in messages:
            payload, time_ns = message.payload, message.received_ns
            number = numbers.get((message.topic, message.qos, message.retain))
            if number is None:
                number = self._channel(message)
                if number == SHARED_CHANNEL:
                    payload = shared(message.topic, payload, message.qos, message.retain)
            size = length + len(payload)
            if time_ns < self._from_ns:
                time_ns = self._from_ns = max(0, time_ns)
            if time_ns > self._to_ns:
                self._to_ns = time_ns
            body(pack(MESSAGE, size, number, message.sequence & LOW_32, time_ns, time_ns))
            body(payload)
            self._bytes += size + 9
            self._messages += 1
            if self._bytes >= CHUNK_BYTES:
                self._pack()
                numbers, body = self._numbers, self._body.append

    def mark(self, mark: Mark) -> None:
        """Take what happened to the stream, in its place between the messages; nothing is written before a commit."""
        self._pack()
        try:
            data = msgspec.json.encode(mark)
        except UnicodeEncodeError:  # a source may be named by a topic that is no text
            told = {name: label(text) for name, text in (("source", mark.source), ("cause", mark.cause))}
            data = msgspec.json.encode(msgspec.structs.replace(mark, **told))
        self._tell(MARK_CHANNEL)
        at = sum(map(len, self._told))
        time_ns = max(0, mark.at_ns)
        size = MESSAGE_BODY.size + len(data)
        self._body = [MESSAGE_HEAD.pack(MESSAGE, size, MARK_CHANNEL, 0, time_ns, time_ns), data]
        self._bytes, self._messages = size + 9, 1
        self._from_ns = self._to_ns = time_ns
        self._pack(message_index(MARK_CHANNEL, [(time_ns, at)]))

    def _channel(self, message: Message) -> int:
        """Number of a message's channel, which the open chunk tells of."""
        key = (message.topic, message.qos, message.retain)
        known = self._known.get(key)
        if known is None:
            if (
                len(self._known) >= MOST_CHANNELS
                or len(message.topic) > LONGEST_TOPIC
                or not _is_unicode(message.topic)
            ):
                self._tell(SHARED_CHANNEL)
                return SHARED_CHANNEL
            number = FIRST_CHANNEL + len(self._known)
            known = self._known[key] = number, plain_channel(number, message.topic, message.qos, message.retain)
        self._numbers[key] = known[0]
        self._told.append(known[1])
        self._bytes += len(known[1])
        return known[0]

    def _tell(self, number: int) -> None:
        """Tell of a channel of ours where the file has not yet."""
        if number not in self._own_told:
            self._own_told.add(number)
            self._told.append(OWN[number])
            self._bytes += len(OWN[number])

    def _pack(self, index: bytes = b"") -> None:
        """Close the open chunk."""
        if not self._body:
            return
        inside = b"".join(self._told + self._body)
        data = chunk(inside, self._from_ns, self._to_ns)
        listed = (MARK_CHANNEL,) if index else ()
        head = ChunkHead(0, len(data), self._from_ns, self._to_ns, len(inside), listed, len(index))
        self._ready.append(_Ready(data, index, head, self._messages))
        self._waiting += len(data) + len(index)
        self._told_at += len(data)
        self._fresh_chunk()
        if self._told_at > REPEAT_BYTES:
            self._told_at = 0
            self._numbers = {}
            self._own_told = set()

    # ------------------------------------------------------------------------------------------ writing
    def commit(self) -> None:
        """Make durable all that was added. After an ``OSError`` nothing is lost and the file is whole: call again."""
        self._pack()
        if self._ready:
            stream = self._open()
            self._append(stream, b"".join(part for ready in self._ready for part in (ready.data, ready.listing)))
            for ready in self._ready:
                self._index += chunk_index(ready.head._replace(offset=self._good))
                self._good += len(ready.data) + len(ready.listing)
                self._counted, self._chunks = self._counted + ready.messages, self._chunks + 1
                self._first_ns = min(self._first_ns, ready.head.first_ns)
                self._last_ns = max(self._last_ns, ready.head.last_ns)
            self._ready, self._waiting = [], 0
        if self._stream is not None:
            old = abs(self._clock.now_ns() - self._began_ns) >= self._rotate_ns
            if old or self._good >= self._rotate_bytes:
                self._finish()

    def close(self) -> None:
        """Commit, write the index, let others write. Raises ``OSError`` where the commit does; then call again."""
        self.commit()
        self._finish()
        self._held.release()

    def abandon(self) -> None:
        """Let go as a kill would, without writing: what is not committed is lost, the next start heals the rest."""
        if self._stream is not None:
            self._stream.close()
        self._stream = self._path = None
        self._fresh_file()
        self._fresh_chunk()
        self._held.release()

    def _open(self) -> FileIO:
        """The open file; a new one begins with its head."""
        if self._stream is not None:
            return self._stream
        now = self._clock.now_ns()
        path = self._folder / place.name(now, self._next)
        said = {**self._about, "start_utc": place.instant(now), "halltwin": version()}
        first = self._next_sequence if self._first_sequence is None else self._first_sequence
        begin, about_index = beginning({**said, FIRST: str(first)})
        stream = FileIO(path, "x+")
        try:
            write_at(stream, 0, begin)
            os.fsync(stream.fileno())
            place.sync(self._folder)
        except BaseException:
            stream.close()
            with suppress(OSError):
                path.unlink()
            raise
        self._stream, self._path, self._began_ns, self._next = stream, path, now, self._next + 1
        self._good, self._about_index = len(begin), about_index
        return stream

    def _append(self, stream: FileIO, data: bytes) -> None:
        """Write behind what is known to be whole, and flush; on an error cut back to it.

        After a flush that failed the system may hold the pages for clean, so that they have to be written again.
        """
        try:
            write_at(stream, self._good, data)
            _flush(stream)
        except BaseException:
            with suppress(OSError):
                stream.truncate(self._good)
            raise

    def _finish(self) -> None:
        """Write the index of the open file and leave it; without room for it the file is read from its front."""
        stream, path = self._stream, self._path
        if stream is None or path is None:
            return
        channels = [*OWN.values(), *(made for _, made in self._known.values())]
        counts = statistics(self._counted, len(channels), self._chunks, self._first_ns, self._last_ns)
        data = ending(self._good, channels, bytes(self._index), self._about_index, counts)
        with suppress(OSError):
            self._append(stream, data)
        stream.close()
        last_ns = self._last_ns
        self._stream = self._path = None
        self._fresh_file()
        self._retention.apply(path, last_ns, self._clock.now_ns())


def _is_unicode(topic: str) -> bool:
    try:
        topic.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flush(stream: FileIO) -> None:
    getattr(os, "fdatasync", os.fsync)(stream.fileno())
