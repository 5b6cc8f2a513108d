"""Where a replay stands: play, pause, scrub, how fast; one for all who watch, so that a reload finds it where it was.

position(t) = anchor + speed (t - t0)        s of the run, held within its ends
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from telemetry.replay.asked import FASTEST, parse_speed
from twin.core.errors import one, option

SPEEDS = (1.0, 10.0, 60.0, 600.0, 3600.0)


@dataclass(frozen=True)
class State:
    """``position_s``, ``first_s``, ``last_s``: of the run, s since 1970 UTC. ``follows``: stays at the newest one.

    ``steps``: intervals between the ends.
    """

    playing: bool
    speed: float
    position_s: float
    first_s: float
    last_s: float
    follows: bool
    may_follow: bool
    steps: int = 0

    @property
    def share(self) -> float:
        """How far between the ends, 0 to 1."""
        return 0.0 if self.last_s <= self.first_s else (self.position_s - self.first_s) / (self.last_s - self.first_s)


class Transport:
    """The position of a replay; calls may come from any thread. ``woken`` is called after each change.

    ``step_s``: length of an interval.
    """

    def __init__(
        self, first_s: float, last_s: float, speed: float, *, follow: bool = False, step_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._lock, self._clock = threading.RLock(), clock
        self._first, self._last, self._speed, self._step = first_s, last_s, speed, step_s
        self._playing, self._follows, self._may_follow = True, follow, follow
        self._anchor, self._since = (last_s if follow else first_s), clock()
        self.woken: Callable[[], None] = lambda: None

    def state(self) -> State:
        """Where it stands now; at the end it stops."""
        with self._lock:
            at = self._at()
            if at >= self._last and self._playing and not self._follows:
                self._set(at, playing=False)
            steps = round((self._last - self._first) / self._step)
            return State(
                self._playing, self._speed, at, self._first, self._last, self._follows, self._may_follow, steps
            )

    def grow(self, first_s: float, last_s: float, may_follow: bool) -> None:
        """The run has other ends than before, or nobody writes it any more."""
        with self._lock:
            at = self._at()
            self._first, self._last, self._may_follow = first_s, last_s, may_follow
            self._set(last_s if self._follows else at)
            self._follows = self._follows and may_follow

    def do(self, what: str, value: str) -> bool:
        """Take what a reader asks for: play, pause, speed (times), seek (share), follow; False for anything else."""
        with self._lock:
            at, share = self._at(), _number(value)
            if what == "play":
                self._follows = False
                self._set(self._first if at >= self._last else at, playing=True)
            elif what == "pause":
                self._follows = False
                self._set(at, playing=False)
            elif what == "speed" and share is not None and 0 < share <= FASTEST:
                self._set(at)
                self._speed = share
            elif what == "seek" and share is not None:
                self._follows = False
                self._set(self._first + min(max(share, 0.0), 1.0) * (self._last - self._first))
            elif what == "follow":
                self._follows = self._may_follow
                self._set(self._last if self._follows else at)
            else:
                return False
        self.woken()
        return True

    def _at(self) -> float:
        if self._follows:
            return self._last
        moved = self._speed * (self._clock() - self._since) if self._playing else 0.0
        return min(max(self._anchor + moved, self._first), self._last)

    def _set(self, at: float, playing: bool | None = None) -> None:
        self._anchor, self._since = at, self._clock()
        self._playing = self._playing if playing is None else playing


def speed_of(text: str) -> float:
    """How many times as fast as the clock, as ``twin replay`` has it, but never ``max``. Raises ``InputError``."""
    found = parse_speed(text)
    if found is None:
        raise one(f'"{text}" is no speed: write x60 for sixty times the clock', path=option("speed="))
    return found


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if abs(found) < 1e12 else None


__all__ = ["SPEEDS", "State", "Transport", "speed_of"]
