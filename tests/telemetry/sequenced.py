"""A publisher whose every message has a number, a time and a topic: what is lost is counted, not estimated."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable

from telemetry.address import ANONYMOUS, parse_address
from telemetry.clock import NS
from telemetry.link.listener import Publisher
from telemetry.message import Message
from tests.telemetry.said import T0

TOPICS = 7
BURST = 10
PAUSE_S = 0.005


class Sequenced:
    """Publishes ``source/0`` … ``source/6`` in turns, in its own thread, until it has ``enough``; a context manager.

    ``sent_ns`` of each number is when it was handed over. A message reads as in :mod:`tests.telemetry.said`.
    """

    def __init__(self, address: str, source: str, qos: int) -> None:
        self.source, self.qos = source, qos
        self.sent_ns: list[int] = []
        self.publisher = Publisher(parse_address(address), ANONYMOUS, f"sequenced-{source}", pause_s=(0.02, 0.2))
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sequenced:
        self.publisher.connect(30)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join(30)
        self.publisher.close()

    def _run(self) -> None:
        while not self._enough.is_set():
            for _ in range(BURST):
                self.send()
            time.sleep(PAUSE_S)

    def send(self) -> None:
        """One message more."""
        number = len(self.sent_ns)
        self.sent_ns.append(time.time_ns())
        said = {"t": (self.sent_ns[-1] - T0) / NS, "v": number}
        self.publisher.publish(self.topic(number), json.dumps(said).encode(), self.qos)

    def enough(self) -> int:
        """Stop when the broker has acknowledged all; their number."""
        self._enough.set()
        self._thread.join(30)
        assert self.publisher.flush(30)
        return len(self.sent_ns)

    def once_more(self) -> None:
        """Publish every topic again, as a source does in its period."""
        for _ in range(TOPICS):
            self.send()
        assert self.publisher.flush(30)

    def topic(self, number: int) -> str:
        """Where a number was published."""
        return f"{self.source}/{number % TOPICS}"

    @property
    def last(self) -> set[int]:
        """The last number of each topic."""
        return set(range(len(self.sent_ns) - TOPICS, len(self.sent_ns)))

    def numbers(self, messages: Iterable[Message]) -> list[int]:
        """Those of ``messages`` that are ours, by number, in the order of receipt."""
        return [int(json.loads(m.payload)["v"]) for m in messages if m.topic.startswith(f"{self.source}/")]

    def lost(self, messages: Iterable[Message]) -> list[int]:
        """Numbers that are in no message."""
        return sorted(set(range(len(self.sent_ns))) - set(self.numbers(messages)))
