"""Sees when the system's time is set: the wall clock against the monotonic one, which nobody can set.

    offset = wall - monotonic,  jump = offset - offset_before

A jump of more than :data:`LEAST_NS` is told; what NTP slews (500 ppm) never is. A machine that slept jumps as well.
"""

from __future__ import annotations

import time

from telemetry.clock import NS, Clock
from telemetry.mark import Mark

LEAST_NS = NS // 2
PREEMPTED_NS = NS // 20  # two readings that are further apart say nothing


class Watch:
    """Compares the clock whenever it is asked what time it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset: int | None = None

    def look(self) -> tuple[int, Mark | None]:
        """Present instant, and the jump if there was one: ``from_ns`` what it would be without, ``to_ns`` it."""
        before = time.monotonic_ns()
        now = self._clock.now_ns()
        if not getattr(self._clock, "settable", True):  # that of a replay, which may go faster than the world
            return now, None
        if time.monotonic_ns() - before > PREEMPTED_NS:
            return now, None
        offset, last = now - before, self._offset
        self._offset = offset
        if last is None or abs(offset - last) < LEAST_NS:
            return now, None
        cause = f"the clock was set by {(offset - last) / NS:+.3f} s"
        return now, Mark("clock-jump", now, from_ns=before + last, to_ns=now, cause=cause)
