"""What did not come of an edge node, counted by the numbers of its messages (Sparkplug B 3.0, 6.4.1: seq).

Births, data and deaths of devices of one edge node carry numbers 0..255 that wrap; an NBIRTH begins anew, anywhere.

    ahead = (seq - expected) mod 256;   ahead = 0: in order

A number that is not the expected one opens a gap of ``ahead`` messages. What comes within :data:`REORDER_NS` by the
clock of receipt was only late; the rest is lost. Behind (ahead >= 128) and stamped no later than what came before it is
a copy, or older than the birth: it is not to be read, for its aliases may mean something else now. A loss of 256
messages in a row, or of a multiple, leaves no trace in the numbers. The 5 s are the reorder time that hosts commonly
use (estimate; the standard leaves it to the host).
"""

from __future__ import annotations

from typing import NamedTuple

from telemetry.clock import NS

REORDER_NS = 5 * NS
NUMBERS = 256
BEHIND = 128


class Loss(NamedTuple):
    """Messages that did not come between two instants of receipt, ns since 1970 UTC; ``numbers`` in their order."""

    numbers: tuple[int, ...]
    from_ns: int
    to_ns: int

    def __str__(self) -> str:
        first, last = self.numbers[0], self.numbers[-1]
        span = f"seq {first}" if first == last else f"seq {first} to {last}"
        return f"{len(self.numbers)} of its messages did not come, {span}"


class Sequence:
    """Numbers of one edge node. ``lost``, ``copies`` and ``reordered`` count messages since it was first heard."""

    def __init__(self) -> None:
        self.lost = self.copies = self.reordered = 0
        self.expected: int | None = None
        self.missing: dict[int, tuple[int, int]] = {}  # when it was missed, and what came last before the gap
        self._stamp_ms = self._received_ns = 0

    def begin(self, seq: int | None, stamp_ms: int | None, received_ns: int) -> list[Loss]:
        """A birth of the node: its number is the first; what is missing of before will not be waited for."""
        lost = self.expire(received_ns, all_of_it=True)
        self.expected = None if seq is None else (seq + 1) % NUMBERS
        self._stamp_ms, self._received_ns = stamp_ms or 0, received_ns
        return lost

    def take(self, seq: int | None, stamp_ms: int | None, received_ns: int) -> bool:
        """Note a message; False where it is a copy, which is not to be read. Without a number nothing is known."""
        if seq is None:
            return True
        if self.expected is None:  # the first that is heard of a node whose birth was missed
            self.expected = seq
        ahead = (seq - self.expected) % NUMBERS
        if ahead and not self._jump(seq, ahead, stamp_ms, received_ns):
            return seq in self.missing and self._found(seq)
        self.expected = (seq + 1) % NUMBERS
        self._received_ns = received_ns
        if stamp_ms is not None and stamp_ms > self._stamp_ms:
            self._stamp_ms = stamp_ms
        return True

    def _jump(self, seq: int, ahead: int, stamp_ms: int | None, received_ns: int) -> bool:
        """Whether a message that is not the expected one is newer: then those between are missing."""
        if seq in self.missing:
            return False
        if ahead >= BEHIND and (stamp_ms is None or stamp_ms <= self._stamp_ms):
            self.copies += 1
            return False
        for number in range(seq - ahead, seq):
            if self.missing.pop(number % NUMBERS, None) is not None:
                self.lost += 1  # of a gap one turn of the numbers ago
            self.missing[number % NUMBERS] = received_ns, self._received_ns
        return True

    def _found(self, seq: int) -> bool:
        del self.missing[seq]
        self.reordered += 1
        return True

    def expire(self, now_ns: int, *, all_of_it: bool = False) -> list[Loss]:
        """Losses of which nobody waits any more for the messages, a row by gap."""
        if not self.missing:
            return []
        gaps: dict[tuple[int, int], list[int]] = {}
        for number, (missed_ns, since_ns) in self.missing.items():
            if all_of_it or not 0 <= now_ns - missed_ns < REORDER_NS:
                gaps.setdefault((since_ns, missed_ns), []).append(number)
        for numbers in gaps.values():
            self.lost += len(numbers)
            for number in numbers:
                del self.missing[number]
        return [Loss(tuple(numbers), since, missed) for (since, missed), numbers in gaps.items()]
