"""Hands messages on when they are due, by one clock, and measures how late that was.

    due = begin + (received - first) / N        at N times the speed, on the monotonic clock
    lateness = handed on - due                  s of the world

Every due time is counted from the begin, never from the message before, so that no error adds up. Whatever is due by
now is handed on in one go. Without a speed nothing waits, and the clock jumps to the newest message of each group.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Sequence

from telemetry.clock import NS, ReplayClock
from telemetry.message import Message

GROUP = 256
BIN_S, BINS = 1e-4, 20_000  # up to 2 s; what is later is in the last one


class Lateness:
    """A histogram of lateness in bins of 0.1 ms: ``count``, ``worst_s`` and quantiles, in bounded memory."""

    def __init__(self) -> None:
        self.count, self.worst_s = 0, 0.0
        self._bins = array("q", bytes(8 * BINS))

    def add(self, late_s: float) -> None:
        """Count one message."""
        self.count += 1
        self.worst_s = max(self.worst_s, late_s)
        self._bins[min(BINS - 1, max(0, int(late_s / BIN_S)))] += 1

    def quantile_s(self, share: float) -> float:
        """The lateness that ``share`` (0 to 1) of all messages do not exceed, to 0.1 ms; 0 without any."""
        left = share * self.count
        for number, count in enumerate(self._bins):
            left -= count
            if count and left <= 0:
                return min((number + 1) * BIN_S, self.worst_s) if number < BINS - 1 else self.worst_s
        return 0.0


def pace(
    messages: Iterable[Message],
    clock: ReplayClock,
    send: Callable[[Sequence[Message]], None],
    stop: threading.Event,
    lateness: Lateness | None = None,
    group: int = GROUP,
) -> bool:
    """Hand ``messages`` (in the order of their receipt) to ``send`` in groups, each as it is due; False where stopped.

    The clock has to begin at the receipt of the first message, or before. A message that was received before the one
    in front of it (our clock was set back while recording) is handed on at once.
    """
    waiting: list[Message] = []
    horizon, due = clock.now_ns(), 0

    def flush() -> None:
        nonlocal due
        if not waiting:
            return
        if lateness is not None and clock.speed is not None:
            now = clock.now_ns()
            for message in waiting:
                due = max(due, message.received_ns)
                lateness.add((now - due) / clock.speed / NS)
        send(waiting)
        waiting.clear()

    for message in messages:
        if len(waiting) >= group:
            if clock.speed is None:
                clock.wait_until(waiting[-1].received_ns, stop)
            flush()
            horizon = clock.now_ns()
            if stop.is_set():
                return False
        if clock.speed is not None and message.received_ns > horizon:
            flush()
            if not clock.wait_until(message.received_ns, stop):
                return False
            horizon = clock.now_ns()
        waiting.append(message)
    if waiting and clock.speed is None:
        clock.wait_until(waiting[-1].received_ns, stop)
    flush()
    return not stop.is_set()
