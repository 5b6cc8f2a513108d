"""Plays a recording again, through the path of live messages, or to a broker: same bytes, same order, one clock.

To the twin it goes through :class:`~telemetry.pipeline.Pipeline`, as live messages do; to a broker with the QoS and the
retain flag of the recording, commands left out (:mod:`telemetry.safety`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from telemetry.clock import ReplayClock
from telemetry.decode import Decoder
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.replay.asked import Played
from telemetry.replay.pace import Lateness, pace
from telemetry.safety import Outgoing, is_command

LONGEST_TOPIC = 65_535  # bytes


class Sender(Protocol):
    """What publishes: blocks where too much is in flight."""

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish one message. ConnectionError where there is no broker any more, or none that takes it."""
        ...


@dataclass(slots=True)
class Outcome:
    """How a replay went: messages handed on, commands left out, lateness, s of the world it took, and if to its end."""

    messages: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    lateness: Lateness = field(default_factory=Lateness)
    took_s: float = 0.0
    whole: bool = True
    last_ns: int = 0

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.took_s if self.took_s > 0.0 else 0.0


def replay(
    played: Played,
    clock: ReplayClock,
    send: Callable[[Sequence[Message]], None],
    stop: threading.Event | None = None,
    begun: Callable[[], None] = lambda: None,
) -> Outcome:
    """Hand on all of ``played`` when due by ``clock``, which begins now; ``stop`` or an interrupt ends it.

    Set ``stop`` from the handler of a signal: a group is handed on whole and counted. An interrupt ends it anywhere.
    """
    outcome = Outcome()

    def count(messages: Sequence[Message]) -> None:
        send(messages)
        outcome.messages += len(messages)
        outcome.last_ns = messages[-1].received_ns

    began = time.monotonic()
    try:
        begun()
        clock.begin()
        began = time.monotonic()
        outcome.whole = pace(played.messages(), clock, count, stop or threading.Event(), outcome.lateness)
    except KeyboardInterrupt:
        outcome.whole = False
    outcome.took_s = time.monotonic() - began
    return outcome


def to_twin(played: Played, pipeline: Pipeline, clock: ReplayClock, **how: Any) -> Outcome:
    """Replay through ``pipeline``; commit at the end. Nothing leaves the process. ``how``: of :func:`replay`."""
    outcome = replay(played, clock, pipeline.take, **how)
    pipeline.commit()
    return outcome


def to_broker(
    played: Played,
    sender: Sender,
    clock: ReplayClock,
    decoder: Decoder,
    prefix: str = "",
    stop: threading.Event | None = None,
    **how: Any,
) -> Outcome:
    """Replay to a broker with QoS and retain of the recording, commands left out, behind ``prefix``; ``how`` as above.

    Checks nothing of the broker: :func:`telemetry.safety.check_target` goes before.
    """
    stays, left_out, sent, stop = Unsendable(decoder), Counter[str](), 0, stop or threading.Event()

    def send(messages: Sequence[Message]) -> None:
        nonlocal sent
        for message in messages:
            if stop.is_set():  # a broker that is slow holds each message up
                return
            topic = f"{prefix}/{message.topic}" if prefix else message.topic
            if stays(topic):
                left_out[message.topic] += 1
                continue
            try:
                sender.publish(topic, message.payload, message.qos, message.retain)
            except ConnectionError:
                if stop.is_set():
                    return
                raise
            sent += 1

    outcome = replay(played, clock, send, stop, **how)
    outcome.left_out, outcome.messages = left_out, sent
    return outcome


class Unsendable:
    """Whether a topic is never sent: a command, to any dialect or to the one made with options, or nothing to send on.

    Topics that nobody may publish on (wildcards, the broker's own under ``$``, no UTF-8) are in recordings of brokers
    that let them through. Remembers its answers.
    """

    MOST = 65_536

    def __init__(self, decoder: Decoder) -> None:
        self._decoder, self._known = decoder, dict[str, bool]()

    def __call__(self, topic: str) -> bool:
        known = self._known.get(topic)
        if known is None:
            if len(self._known) >= self.MOST:
                self._known.clear()
            known = self._known[topic] = bool(fault(topic)) or is_command(topic) or self._decoder.is_command(topic)
        return known


def fault(topic: str) -> str:
    """Why nobody may publish on a topic (MQTT 3.1.1, 4.7), else ""."""
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        return "is not UTF-8"
    if not 0 < size <= LONGEST_TOPIC:
        return "is empty or too long"
    return "has a wildcard or begins with $" if topic[0] == "$" or any(c in topic for c in "+#\0") else ""


def outgoing(played: Played, decoder: Decoder, address: str, prefix: str = "") -> Outgoing:
    """What :func:`to_broker` would publish: goes through the recording once."""
    stays, topics = Unsendable(decoder), set[str]()
    qos, left_out, retained = Counter[int](), Counter[str](), 0
    for message in played.messages():
        if stays(f"{prefix}/{message.topic}" if prefix else message.topic):
            left_out[message.topic] += 1
            continue
        topics.add(message.topic)
        qos[message.qos] += 1
        retained += message.retain
    return Outgoing(address, prefix, len(topics), dict(qos), retained, left_out=dict(left_out))
