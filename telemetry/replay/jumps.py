"""Undoes what setting our clock did to a recording: all of it by the clock as it was before the first jump.

A mark ``clock-jump`` has the instant by the old clock and by the new one. In front of it messages were received by the
old clock (no later than ``from_ns``), behind it by the new one (no earlier than ``to_ns``):

    forward   behind is the first message that is nearer to to_ns than to from_ns, or later
    backward  behind is the first message received before the one in front of it, or after from_ns

Stamps of sources are left alone: it was our clock that was set. Ages and the order by source time stay what they were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from telemetry.mark import Mark
from telemetry.message import Message


def jumps(marks: Iterable[Mark], first_ns: int, last_ns: int) -> list[Mark]:
    """Jumps of our clock in a recording between two receipts, in their order."""
    known = (mark for mark in marks if mark.what == "clock-jump" and mark.from_ns and mark.to_ns)
    return [mark for mark in known if first_ns <= mark.from_ns and mark.to_ns <= last_ns]


def continuous(messages: Iterable[Message], found: Iterable[Mark]) -> Iterator[Message]:
    """``messages`` in their order, received by a clock that nobody set."""
    left, moved, before = deque(found), 0, 0
    for message in messages:
        received = message.received_ns
        while left and _behind(left[0], received, before):
            moved += left[0].from_ns - left[0].to_ns
            left.popleft()
            before = 0
        before = received
        if moved:
            yield Message(
                message.topic, message.payload, received + moved, message.sequence, message.qos, message.retain
            )
        else:
            yield message


def _behind(jump: Mark, received_ns: int, before_ns: int) -> bool:
    if jump.to_ns > jump.from_ns:
        return received_ns > (jump.from_ns + jump.to_ns) // 2
    return received_ns < before_ns or received_ns > jump.from_ns
