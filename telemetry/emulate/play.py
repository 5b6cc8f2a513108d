"""Plays a stream to where it goes: a broker, or a recording as fast as it can be made.

Nothing that somebody acts on is ever published: the topics of a stream are checked before its first message
(``telemetry.safety``), and so is a broker that is not this machine, by whoever makes the publisher.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from telemetry.clock import NS, Clock
from telemetry.emulate.plant import PlantEndedError
from telemetry.emulate.stream import Stream
from telemetry.message import Message
from telemetry.safety import is_command
from twin.core.errors import InputError, Problem

Published = tuple[str, bytes, bool]
COMMIT_MESSAGES = 20_000


class Publishes(Protocol):
    """What sends a message to a broker (``telemetry.link.listener.Publisher``)."""

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish; waits while too much is on its way."""
        ...


class Records(Protocol):
    """What keeps messages (``telemetry.recording.write.Recorder``)."""

    def add(self, messages: Sequence[Message]) -> None:
        """Buffer."""
        ...

    def commit(self) -> None:
        """Make durable what was added."""
        ...


class Outlet(Protocol):
    """Where messages go."""

    def send(self, due_ns: int, messages: Sequence[Published]) -> None:
        """Take the messages of an instant."""
        ...


class ToBroker:
    """Publishes below ``prefix`` ("" for the topics of the contract) at ``qos``."""

    def __init__(self, publisher: Publishes, qos: int = 0, prefix: str = "") -> None:
        self._publish, self._qos = publisher.publish, qos
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def send(self, due_ns: int, messages: Sequence[Published]) -> None:
        """Publish; waits where the publisher does."""
        del due_ns
        publish, qos, prefix = self._publish, self._qos, self._prefix
        for topic, payload, retain in messages:
            publish(prefix + topic, payload, qos, retain)


class ToRecording:
    """Records what would be published, as received at the instant of its publication."""

    def __init__(self, recorder: Records, qos: int = 0, prefix: str = "") -> None:
        self._recorder, self._qos, self._sequence, self._open = recorder, qos, 0, 0
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def send(self, due_ns: int, messages: Sequence[Published]) -> None:
        """Keep; durable every ``COMMIT_MESSAGES``, and when the recorder is closed."""
        first = self._sequence
        self._recorder.add(
            [
                Message(self._prefix + topic, payload, due_ns, first + n, self._qos, retain)
                for n, (topic, payload, retain) in enumerate(messages)
            ]
        )
        self._sequence += len(messages)
        self._open += len(messages)
        if self._open >= COMMIT_MESSAGES:
            self._recorder.commit()
            self._open = 0


@dataclass
class Played:
    """What was published: messages, metadata among them, time of messages, how late the latest and the last were, s."""

    messages: int = 0
    metadata: int = 0
    lasted_s: float = 0.0
    latest_s: float = 0.0
    late_s: float = 0.0
    ended: str = "stopped"


def play(
    stream: Stream, outlet: Outlet, stop: threading.Event, *, clock: Clock | None, lasting_s: float | None,
    watch: Played | None = None,
) -> Played:  # fmt: skip
    """Send a stream slot by slot, each when ``clock`` says so (without one at once), until ``stop`` or its end.

    ``watch`` is kept up to date for others to look at. Raises ``InputError`` for a stream that holds a command, and
    whatever the engine and the outlet raise.
    """
    commands = [topic for topic in stream.topics if is_command(topic)]
    if commands:
        raise InputError([Problem(topic, "somebody acts on this topic: it is never emulated") for topic in commands])
    played, first = watch or Played(), None
    try:
        for slot in stream.slots():
            first = slot.due_ns if first is None else first
            played.lasted_s = (slot.due_ns - first) / NS
            if lasting_s is not None and played.lasted_s >= lasting_s:
                played.ended = "done"
                break
            if stop.is_set() or (clock is not None and not clock.wait_until(slot.due_ns, stop)):
                break
            if clock is not None:
                played.late_s = (clock.now_ns() - slot.due_ns) / NS
                played.latest_s = max(played.latest_s, played.late_s)
            outlet.send(slot.due_ns, slot.messages)
            played.messages += len(slot.messages)
            played.metadata += sum(retain for _, _, retain in slot.messages)
    except PlantEndedError:
        played.ended = "the period of the engine is over"
    return played


__all__ = ["Outlet", "Played", "ToBroker", "ToRecording", "play"]
