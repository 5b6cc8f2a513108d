"""An inbox of tests: keeps everything, and acknowledges at once where it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from telemetry.link.listener import Delivery, Listener
from telemetry.mark import Mark
from telemetry.message import Message


class Keep:
    """Keeps messages and marks; ``after`` is called with every delivery."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.marks: list[Mark] = []
        self.acks: list[tuple[int, bytes]] = []
        self.after: Callable[[Delivery], None] = lambda delivery: None
        self.closed = False
        self._news = threading.Condition()

    def put(self, what: Delivery | Mark) -> None:
        """Keep it."""
        with self._news:
            if isinstance(what, Mark):
                self.marks.append(what)
            else:
                self.messages += what.messages
                self.acks.append((what.connection, what.acks))
            self._news.notify_all()
        if isinstance(what, Delivery):
            self.after(what)

    def full(self) -> bool:
        """Whether a test closed it."""
        return self.closed

    def until(self, true: Callable[[], bool], within_s: float = 30.0) -> bool:
        """Whether ``true()`` comes within a time."""
        end = time.monotonic() + within_s
        with self._news:
            while not true():
                if time.monotonic() > end:
                    return False
                self._news.wait(0.05)
        return True


def acknowledge(listener: Listener) -> Callable[[Delivery], None]:
    """Acknowledge a delivery as soon as it is there."""
    return lambda delivery: listener.send(delivery.connection, delivery.acks, len(delivery.acks) // 4)
