"""What came and is not durable yet: bounded in messages and bytes; when it is full the listener stops reading.

Nothing is dropped here: the broker holds back what we do not read (of QoS 1 all, within its own limits). Reading goes
on when half is gone, so that a full queue does not stop and go with every group.

Bound: ``most`` messages and ``most_bytes``, plus one read of the listener. Bytes are those of the wire and
:data:`EACH_BYTES` for every message as an object.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from telemetry.link.listener import Delivery
from telemetry.mark import Mark

MOST = 20_000
MOST_BYTES = 64 << 20
EACH_BYTES = 400


class Queue:
    """From the listener's thread to the writer's. ``room`` is called when reading may go on."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES, room: Callable[[], None] = lambda: None) -> None:
        self.most, self.most_bytes, self.room = most, most_bytes, room
        self.messages = self.bytes = self.peak = self.peak_bytes = 0
        self.full_from = self.full_to = 0.0  # monotonic: when it last became full, and ceased to be
        self._items: deque[tuple[float, Delivery | Mark]] = deque()
        self._news, self._enough = threading.Condition(), threading.Event()
        self._full = self._closed = False
        self._group = 1

    def put(self, what: Delivery | Mark) -> None:
        """Take ``what``; it is for the listener to look at :meth:`full`."""
        with self._news:
            was_empty = not self._items
            self._items.append((time.monotonic(), what))
            if isinstance(what, Delivery):
                self.messages += len(what.messages)
                self.bytes += weight(what)
                self.peak, self.peak_bytes = max(self.peak, self.messages), max(self.peak_bytes, self.bytes)
                if not self._full and (self.messages >= self.most or self.bytes >= self.most_bytes):
                    self._full, self.full_from = True, time.monotonic()
                if self.messages >= self._group:
                    self._enough.set()
            if was_empty:
                self._news.notify()

    def full(self) -> bool:
        """Whether the listener has to stop reading."""
        return self._full or self._closed

    def close(self) -> None:
        """Let nothing more be read, and nobody wait."""
        self._closed = True
        self._enough.set()
        with self._news:
            self._news.notify()

    def take(self, most: int, gather_s: float, wait_s: float) -> list[Delivery | Mark]:
        """What came, up to about ``most`` messages: waits ``wait_s`` for the first and ``gather_s`` for company."""
        with self._news:
            self._group = most
            if not self._items and not self._closed:
                self._news.wait(wait_s)
            if not self._items:
                return []
            left = self._items[0][0] + gather_s - time.monotonic()
            if self.messages < most and not self._closed:
                self._enough.clear()
        self._enough.wait(max(0.0, left))
        taken: list[Delivery | Mark] = []
        count = 0
        with self._news:
            while self._items and count < most:
                what = self._items.popleft()[1]
                taken.append(what)
                if isinstance(what, Delivery):
                    count += len(what.messages)
        return taken

    def done(self, taken: list[Delivery | Mark]) -> None:
        """``taken`` is durable, and counts no more."""
        with self._news:
            for what in taken:
                if isinstance(what, Delivery):
                    self.messages -= len(what.messages)
                    self.bytes -= weight(what)
            again = self._full and self.messages <= self.most // 2 and self.bytes <= self.most_bytes // 2
            if again:
                self._full, self.full_to = False, time.monotonic()
        if again:
            self.room()


def weight(delivery: Delivery) -> int:
    """Bytes that ``delivery`` is counted for."""
    return delivery.size + EACH_BYTES * len(delivery.messages)
