"""The one clock that everything behind a message goes by: the wall's, or that of a replay.

Only files that make a clock ask the system for the time; ingest, state, staleness and replay are handed one.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol

NS = 1_000_000_000


class Clock(Protocol):
    """Says what time it is and waits until it is later."""

    def now_ns(self) -> int:
        """Present instant, ns since 1970 UTC."""
        ...

    def wait_until(self, instant_ns: int, stop: threading.Event) -> bool:
        """Wait until ``instant_ns``; False as soon as ``stop`` is set."""
        ...


class WallClock:
    """The system's time. ``settable``: somebody may set it while it is looked at."""

    settable = True

    def now_ns(self) -> int:
        """Present instant."""
        return time.time_ns()

    def wait_until(self, instant_ns: int, stop: threading.Event) -> bool:
        """Wait until then."""
        return not stop.wait(max(0.0, (instant_ns - time.time_ns()) / NS))


class ReplayClock:
    """Begins at ``start_ns`` and goes ``speed`` times as fast as the world; ``speed`` None jumps to what it waits for.

    Runs on the monotonic clock, so that a change of the system's time moves nothing and no error adds up.
    """

    settable = False

    def __init__(self, start_ns: int, speed: float | None = 1.0) -> None:
        if speed is not None and not 0.0 < speed < float("inf"):
            raise ValueError("clock: expected a speed above 0")
        self._start, self._speed, self._jumped = start_ns, speed, start_ns
        self._began = time.monotonic_ns()

    @property
    def speed(self) -> float | None:
        """How many times as fast as the world; None: it jumps."""
        return self._speed

    def begin(self) -> None:
        """Let it be ``start_ns`` now: what took time to get ready is not made up for."""
        self._jumped, self._began = self._start, time.monotonic_ns()

    def now_ns(self) -> int:
        """Present instant of the replay."""
        if self._speed is None:
            return self._jumped
        return self._start + int((time.monotonic_ns() - self._began) * self._speed)

    def wait_until(self, instant_ns: int, stop: threading.Event) -> bool:
        """Wait until then, or jump there."""
        if self._speed is None:
            self._jumped = max(self._jumped, instant_ns)
            return not stop.is_set()
        due = self._began + (instant_ns - self._start) / self._speed
        return not stop.wait(max(0.0, (due - time.monotonic_ns()) / NS))
