"""What became of messages and readings: each is counted once, and a few of those refused are kept for people to see.

``messages`` = accepted + sum of rejects; ``readings`` = applied + duplicates + late + historical + quarantined +
overflow.
"""

from __future__ import annotations

from typing import Any

import msgspec

from telemetry.batch import Reject
from telemetry.decode import Decoder
from telemetry.message import Message

# Of each reason so many samples, so many characters and bytes of each: a flood of bad messages stays small.
SAMPLES, CHARACTERS, REASONS = 5, 200, 64


class Sample(msgspec.Struct, frozen=True):
    """One message that was refused: where, when it came (ns since 1970 UTC), its first bytes and why."""

    topic: str
    received_ns: int
    payload: bytes
    detail: str


class Counts:
    """Counters of a state.

    ``applied``: readings that became the newest of their point. ``duplicates``: same point, source time and value as
    the newest. ``late``: older by source time than the newest (a copy of an older one is late). ``historical``: for the
    history only. ``quarantined``: stamped later than the clock allows. ``overflow``: of points beyond the most that a
    state holds. ``rejects``: messages refused, by reason; ``parts``: parts (lines) of messages of which the rest
    stands. Told with them: what waits for its metadata (``held``) and what did so in vain (``dropped``), which never
    became readings.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.messages = 0
        self.readings = 0
        self.applied = 0
        self.duplicates = 0
        self.late = 0
        self.historical = 0
        self.quarantined = 0
        self.overflow = 0
        self.rejects: dict[str, int] = {}
        self.parts: dict[str, int] = {}
        self.samples: dict[str, list[Sample]] = {}

    def reject(self, reason: str, message: Message, detail: str = "") -> None:
        """Count a message that was refused."""
        if reason not in self.rejects and len(self.rejects) >= REASONS:
            reason = "other"
        self.rejects[reason] = self.rejects.get(reason, 0) + 1
        self.sample(reason, message, detail)

    def refuse(self, message: Message, refused: tuple[tuple[Reject, int], ...]) -> None:
        """Count parts of a message that were refused though the rest stands."""
        for reject, times in refused:
            self.parts[reject.reason] = self.parts.get(reject.reason, 0) + times
            self.sample(f"part: {reject.reason}", message, reject.detail)

    def sample(self, reason: str, message: Message, detail: str) -> None:
        """Keep ``message`` where few of its kind are kept."""
        kept = self.samples.setdefault(reason, [])
        if len(kept) < SAMPLES:
            begin = message.payload[:CHARACTERS]
            kept.append(Sample(message.topic[:CHARACTERS], message.received_ns, begin, detail[:CHARACTERS]))

    def told(self) -> dict[str, Any]:
        """All of it as plain data; bytes that are no UTF-8 are shown escaped."""
        return {
            "messages": self.messages,
            "readings": self.readings,
            "applied": self.applied,
            "duplicates": self.duplicates,
            "late": self.late,
            "historical": self.historical,
            "quarantined": self.quarantined,
            "overflow": self.overflow,
            "held": self._decoder.held,
            "dropped": self._decoder.dropped,
            "rejects": dict(sorted(self.rejects.items())),
            "parts": dict(sorted(self.parts.items())),
            "samples": {
                reason: [
                    {
                        "topic": sample.topic,
                        "received_ns": sample.received_ns,
                        "payload": sample.payload.decode("utf-8", "backslashreplace"),
                        "detail": sample.detail,
                    }
                    for sample in kept
                ]
                for reason, kept in sorted(self.samples.items())
            },
        }
