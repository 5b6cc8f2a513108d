"""What a recording holds of a load, next to what its publisher was told: nothing less, nothing changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from telemetry.message import Message
from tests.bench.mqtt_load import Schedule, metadata, number_of, value_topics
from tests.bench.mqtt_publisher import Told


@dataclass
class Readback:
    """``held``: which messages are there. ``extra``: copies. ``backward``: steps back in their order.

    ``wrong``: not as it was sent. ``metadata``: topics whose metadata are there as they were sent.
    """

    held: npt.NDArray[np.bool_] = field(repr=False)
    extra: int = 0
    backward: int = 0
    wrong: int = 0
    metadata: int = 0

    def lost(self, told: Told) -> list[int]:
        """Messages that the broker acknowledged to the publisher and the recording does not hold."""
        return np.flatnonzero(~self.held[: told.acked]).tolist()

    @property
    def distinct(self) -> int:
        """Different messages."""
        return int(self.held.sum())


def read_back(messages: Iterable[Message], told: Told) -> Readback:
    """Compare every recorded message with what was sent, byte for byte."""
    found = Readback(np.zeros(told.sent, bool))
    schedule, topics = Schedule(told.start_ms, told.rate), value_topics(told.topics)
    about, seen = dict(metadata(told.topics)), set[str]()
    last = -1
    for message in messages:
        number = number_of(message.payload)
        if number is None:
            if about.get(message.topic) == message.payload:
                seen.add(message.topic)
            else:
                found.wrong += 1
        elif (
            number >= told.sent
            or message.topic != topics[number % told.topics]
            or message.payload != schedule.payload(number)
        ):
            found.wrong += 1
        else:
            found.extra += int(found.held[number])
            found.backward += number < last
            found.held[number], last = True, number
    found.metadata = len(seen)
    return found


__all__ = ["Readback", "read_back"]
