"""The one path of messages, live and in a replay: first they are recorded, then understood, then applied.

What stands in front (a broker, a file) differs; from here on nothing does. A message can break nothing: what a decoder
or the state cannot bear is counted as a reject of the reason ``internal`` and is in the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from telemetry.batch import Batch, Reason, Reject
from telemetry.clock import NS, Clock, ReplayClock
from telemetry.decode import Decoder, Watcher, dialects, make
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.state.state import State


class Recorder(Protocol):
    """What keeps messages and marks."""

    def add(self, messages: Sequence[Message]) -> None:
        """Take messages to be kept."""
        ...

    def mark(self, mark: Mark) -> None:
        """Take an event to be kept; nothing is written before the next ``add`` or ``commit``, so no disk fails it."""
        ...

    def commit(self) -> None:
        """Make durable what was taken; OSError where the disk does not take it."""
        ...


class Pipeline:
    """Recorder, decoder and state in a row; one thread feeds it.

    ``seen``, if given, is called with every message and its batch after these were applied (for tests and displays).
    """

    def __init__(
        self,
        decoder: Decoder,
        clock: Clock,
        recorder: Recorder | None = None,
        *,
        state: State | None = None,
        seen: Callable[[Message, Batch], None] | None = None,
    ) -> None:
        self.decoder, self.clock, self.recorder = decoder, clock, recorder
        self.state = State(decoder, clock) if state is None else state
        self.marks = 0
        self._seen = seen
        self._watcher = decoder if isinstance(decoder, Watcher) else None
        self._tick_ns = 0

    def take(self, messages: Sequence[Message]) -> None:
        """Record, decode and apply; raises nothing for what a message holds, OSError where the recorder does."""
        if self.recorder is not None:
            self.recorder.add(messages)
        state, decode, seen = self.state, self.decoder.decode, self._seen
        with state.lock:
            state.counts.messages += len(messages)
            for message in messages:
                try:
                    batch = decode(message)
                    if isinstance(batch, Reject):
                        state.reject(message, batch.reason, batch.detail)
                        continue
                    state.apply(message, batch)
                    if batch.refused:
                        state.counts.refuse(message, batch.refused)
                except Exception as error:
                    state.reject(message, Reason.INTERNAL, f"{type(error).__name__}: {error}")
                    continue
                if seen is not None:
                    seen(message, batch)
            if messages and not 0 <= messages[-1].received_ns - self._tick_ns < NS:
                self._tick(messages[-1].received_ns)

    def _tick(self, now_ns: int) -> None:
        """Once a second: what of the sources' clocks and losses is found goes into the recording."""
        self._tick_ns = now_ns
        self.state.clocks.tick(now_ns)
        told = [self.state.clocks.marks]
        if self._watcher is not None:
            self._watcher.tick(now_ns)
            told.append(self._watcher.marks)
        for marks in told:
            while marks:
                self._keep(marks.popleft())

    def mark(self, mark: Mark) -> None:
        """Record an event of the stream; a jump of our clock moves what the state knows of times."""
        if mark.what == "clock-jump":
            with self.state.lock:
                self.state.clock_jumped(mark.to_ns - mark.from_ns)
        self._keep(mark)

    def _keep(self, mark: Mark) -> None:
        if self.recorder is not None:
            self.recorder.mark(mark)
        self.marks += 1

    def commit(self) -> None:
        """Make durable what was recorded; raises OSError where the disk does not take it."""
        if self.recorder is not None:
            self.recorder.commit()


def rehearse(dialect: str) -> None:
    """Before the first message of a dialect comes, have compiled what reads and applies them, where anything is.

    It takes a second, and about ten where nothing compiled is in the cache yet.
    """
    messages: list[Message] = getattr(dialects().get(dialect), "rehearsal", list)()
    if messages:
        Pipeline(make(dialect), ReplayClock(messages[0].received_ns, None)).take(messages)
