"""Where messages may be missing: of sources that publish with QoS 0, for every time in which we did not listen.

With QoS 1 and a persistent session the broker keeps what we miss. With QoS 0 (values of DSX) nobody does, and nobody
counts; so each outage becomes a gap of every such source: from the last word of the broker before it to the first
after it. A source that is first heard after an outage gets the gap then. Values heal by their republishing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from telemetry.mark import Mark
from telemetry.message import Message

MOST_TOPICS = 200_000
MOST_SOURCES = 10_000
MOST_OUTAGES = 64  # then the two oldest become one


class Gaps:
    """Sources of QoS 0 and the outages of this run. ``source`` is that of the decoder."""

    def __init__(self, source: Callable[[str], str]) -> None:
        self._source = source
        self._topics: set[str] = set()
        self.sources: set[str] = set()
        self._outages: list[tuple[int, int, str]] = []
        self._cause = "not recording"

    def lost(self, mark: Mark) -> None:
        """The connection was lost."""
        self._cause = mark.cause

    def connected(self, mark: Mark) -> Iterator[Mark]:
        """It is back: gaps of the sources that are known."""
        if not 0 < mark.from_ns < mark.at_ns:
            return
        self._outages.append((mark.from_ns, mark.at_ns, self._cause))
        if len(self._outages) > MOST_OUTAGES:
            first, second = self._outages[:2]
            self._outages[:2] = [(first[0], second[1], f"{first[2]}; {second[2]}"[:200])]
        for source in sorted(self.sources):
            yield Mark("gap", mark.at_ns, source, mark.from_ns, mark.at_ns, f"{self._cause}; QoS 0")

    def heard(self, messages: list[Message]) -> Iterator[Mark]:
        """Gaps of sources that are heard for the first time, which may have spoken during an outage."""
        topics = self._topics
        for message in messages:
            if message.qos == 0 and message.topic not in topics and not message.retain:
                if len(topics) >= MOST_TOPICS:
                    topics.clear()
                topics.add(message.topic)
                source = self.named(message.topic)
                if source not in self.sources and len(self.sources) < MOST_SOURCES:
                    self.sources.add(source)
                    for from_ns, to_ns, cause in self._outages:
                        yield Mark("gap", message.received_ns, source, from_ns, to_ns, f"{cause}; QoS 0")

    def named(self, topic: str) -> str:
        """Who publishes on ``topic``."""
        try:
            return self._source(topic)
        except Exception:  # a dialect's fault must not stop the recording
            return ""
