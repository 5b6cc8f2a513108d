"""Opens a recording, whoever wrote it: an MCAP file, a folder of them in their order, a CSV of the DSX example.

Messages come one at a time in bounded memory (a chunk of the file), in the order of their receipt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording import folder as place
from telemetry.recording.dsx_csv import CsvFile, is_csv
from telemetry.recording.filters import matcher
from telemetry.recording.layout import DIALECT, OPTION
from telemetry.recording.mcap_file import McapFile
from telemetry.recording.records import MAGIC
from telemetry.recording.scan import Damage
from twin.core.errors import one

# A CSV has no date; without one that is asked for, its readings are of this day, so that they are the same each time.
EPOCH_NS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**9


class Recording:
    """A recording to read, any number of times.

    ``about``: what its writer says of it, ``options`` those of its dialect (:mod:`telemetry.dialect`); ``overruled``:
    what it says of that, where it is read as something else. ``first_ns``, ``last_ns``: receipt of its first and last
    message, ns since 1970 UTC (None without messages); of a CSV counted from its begin. ``has_dates`` is False for a
    CSV.
    """

    def __init__(self, path: Path, files: Sequence[McapFile], table: CsvFile | None = None) -> None:
        self.path = path
        self._files, self._table = files, table
        self.has_dates = table is None
        whole = next((file.about for file in files if file.about), {})  # a head may be damaged
        self.about = {name: text for name, text in whole.items() if not name.startswith(OPTION)}
        self.options = {name.removeprefix(OPTION): text for name, text in whole.items() if name.startswith(OPTION)}
        self.overruled = ""
        first = [file.first_ns for file in files if file.first_ns is not None]
        last = [file.last_ns for file in files if file.last_ns is not None]
        self.first_ns = table.first_ns if table is not None else min(first, default=None)
        self.last_ns = table.last_ns if table is not None else max(last, default=None)

    @property
    def bytes(self) -> int:
        """Size of its files."""
        paths = [file.path for file in self._files] if self._table is None else [self._table.path]
        return sum(path.stat().st_size for path in paths)

    @property
    def files(self) -> list[Path]:
        """Its files in their order."""
        return [file.path for file in self._files] if self._table is None else [self._table.path]

    def span(self, epoch_ns: int | None = None) -> tuple[int, int] | None:
        """Receipt of the first and the last message, ns since 1970 UTC; ``epoch_ns``: when a CSV begins."""
        if self.first_ns is None or self.last_ns is None:
            return None
        begin = 0 if self.has_dates else EPOCH_NS if epoch_ns is None else epoch_ns
        return begin + self.first_ns, begin + self.last_ns

    def messages(
        self,
        start_ns: int | None = None,
        end_ns: int | None = None,
        *,
        topics: Sequence[str] = (),
        epoch_ns: int | None = None,
    ) -> Iterator[Message]:
        """Messages received from ``start_ns`` (included) to ``end_ns`` (not), in the order of their receipt.

        ``topics``: MQTT filters, of which one has to match; none: all. ``epoch_ns``: when a CSV begins (2026 without
        it); recordings with dates keep theirs.
        """
        wanted = matcher(topics) if topics else None
        if self._table is not None:
            for message in self._table.messages(EPOCH_NS if epoch_ns is None else epoch_ns):
                inside = (start_ns is None or message.received_ns >= start_ns) and (
                    end_ns is None or message.received_ns < end_ns
                )
                if inside and (wanted is None or wanted(message.topic)):
                    yield message
            return
        for file in self._files:
            yield from file.messages(start_ns, end_ns, wanted)

    def marks(self) -> list[Mark]:
        """What happened to the stream, in its order."""
        return [mark for file in self._files for mark in file.marks()]

    @property
    def damages(self) -> list[tuple[Path, Damage]]:
        """Places that could not be read, as far as was read until now; a torn end may be one that is being written."""
        return [(file.path, file.damages[at]) for file in self._files for at in sorted(file.damages)]

    def notes(self) -> list[str]:
        """What was not understood or is not whole, a sentence each; complete after all messages were read."""
        made = []
        for path, damage in self.damages:
            what = "are not whole, torn or still being written" if damage.torn else "cannot be read"
            made.append(f"{path.name}: {damage.length:,} bytes at {damage.offset:,} {what}: {damage.why}")
        spoken = {
            frozenset(_spoken(file.about).items()): file.path.name for file in reversed(self._files) if file.about
        }
        if len(spoken) > 1:
            first, *others = sorted(spoken.values())
            made.append(
                f"{', '.join(others)}: of another dialect or other options than {first}: read them by themselves"
            )
        encodings: Counter[str] = Counter()
        for file in self._files:
            if file.channels is not None:
                encodings += file.channels.encodings
                if file.channels.lost:
                    made.append(f"{file.path.name}: {file.channels.lost:,} messages are on channels nobody described")
                if file.channels.bad_marks:
                    made.append(f"{file.path.name}: {file.channels.bad_marks:,} marks cannot be read")
        for encoding, count in sorted(encodings.items()):
            name = f'"{encoding}"' if encoding else "without encoding"
            made.append(f"{count:,} channels {name}: bytes handed on as they are, QoS 0, not retained")
        return made


def _spoken(about: dict[str, str]) -> dict[str, str]:
    """What the metadata of a file say of its dialect."""
    return {name: text for name, text in about.items() if name == DIALECT or name.startswith(OPTION)}


def _only_begun(path: Path) -> bool:
    """Whether a file of ours was killed, or is, before its first bytes."""
    return place.number_of(path) is not None and path.stat().st_size < len(MAGIC)


def open_recording(path: Path) -> Recording:
    """A recording at ``path``. Raises ``InputError`` with ``file:line`` where there is none that can be read."""
    try:
        if path.is_dir():
            found = sorted(path.glob(f"*{place.SUFFIX}"), key=lambda file: (place.number_of(file) or -1, file.name))
            if not found:
                raise one("holds no recording: expected files that end in .mcap", file=str(path))
            return Recording(path, [McapFile(file) for file in found if not _only_begun(file)])
        if is_csv(path):
            return Recording(path, [], CsvFile(path))
    except FileNotFoundError:
        raise one("there is no such file or folder", file=str(path)) from None
    except OSError as error:
        raise one(f"cannot be read: {error.strerror or error}", file=str(path)) from None
    return Recording(path, [McapFile(path)])
