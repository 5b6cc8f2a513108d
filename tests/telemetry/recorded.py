"""What several tests of recordings need: a clock set by hand, a stream of messages, a folder recorded from it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from telemetry.message import Message
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from twin.core.errors import InputError

NOW = 1_784_000_000_000_000_000
NS = 1_000_000_000


class HandClock:
    """A clock that stands until it is set."""

    def __init__(self, ns: int = NOW) -> None:
        self.ns = ns

    def now_ns(self) -> int:
        """Present instant."""
        return self.ns

    def wait_until(self, instant_ns: int, stop: threading.Event) -> bool:
        """Be there."""
        self.ns = max(self.ns, instant_ns)
        return not stop.is_set()


def stream(count: int, first: int = 0, topics: int = 7) -> list[Message]:
    """``count`` messages, a millisecond apart, from the sequence ``first`` on; each says its number."""
    return [
        Message(f"BMS/v1/PUB/Value/Rack/{n % topics}", b'{"value":%d}' % n, NOW + n * NS // 1000, n, n % 3, n % 2 == 0)
        for n in range(first, first + count)
    ]


def record(recorder: Recorder, messages: Sequence[Message], group: int = 100) -> None:
    """Add and commit ``messages`` in groups."""
    for begin in range(0, len(messages), group):
        recorder.add(messages[begin : begin + group])
        recorder.commit()


def written(folder: Path, messages: Sequence[Message], group: int = 100, *, close: bool = True) -> Path:
    """The file in which ``messages`` were recorded in groups, finished or as a kill leaves it."""
    recorder = Recorder(folder, {}, clock=HandClock())
    record(recorder, messages, group)
    if close:
        recorder.close()
    else:
        recorder.abandon()
    return max(folder.glob("*.mcap"))


def files(folder: Path) -> set[Path]:
    """Files of a recording; who begins anew may remove one without a message, and gives another name."""
    return set(folder.glob("*.mcap"))


def now_in(folder: Path) -> list[Message]:
    """What a recording holds that another process may just begin; none where that removes a file without a message."""
    try:
        return list(open_recording(folder).messages())
    except InputError:
        return []
