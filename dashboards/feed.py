"""A recorded run as a feed of frames: played again, or followed while it is still being written.

    a finished simulation         SIMULATED, played        a finished live run            REPLAY, played
    a simulation under way        SIMULATED, followed      a live run under way           LIVE or STALE, followed

One thread reads the disk; pages only take what it has laid out. A live run that has not grown for three intervals and
half a minute is STALE. Whoever scrubs back in a run that is still being written sees REPLAY until he follows it again.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from dashboards.run_reader import AGE, MEASURED, NS, RESIDUAL, ReplacedError, RunReader
from dashboards.transport import SPEEDS, State, Transport
from telemetry.live.frame import Frame, Mode, Topology, Trend
from twin.core.errors import InputError

POLL_S, GROWTH_S = 0.2, 1.0
# A run is silent that brings nothing for so many intervals and so long.
SILENT_INTERVALS, SILENT_S = 3.0, 30.0
# What a trend shows.
WINDOW_INTERVALS = 180
SHOWN = 3
# A position that was scrubbed to is the end of an interval but for rounding, s.
ROUNDING_S = 1e-3
STALE_THEN = "STALE then: the newest readings were too old to go by"
EARLY = "not all that drives the model had been heard in this interval"
LEFT = "nobody writes this run any more, and it was not ended: its last instant may be long past"
GONE = "the run cannot be read any more: was it moved?"
NOT_YET, NEVER = "no interval yet", "this run has no interval"
REPLACED = "another run has taken the place of this one: open its page anew"


class RunFeed:
    """The feed of a run: ``start`` its thread and ``stop`` it, or call ``step`` by hand.

    ``speed``: times the clock, None for one at which the picture moves. Raises ``InputError`` where there is no run.
    """

    def __init__(
        self, run: str | Path, speed: float | None = None, clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._reader = RunReader(Path(run))
        self._clock, self._now = clock, now
        self.topology: Topology = self._reader.topology
        self.window_s = WINDOW_INTERVALS * self._reader.interval_s
        first, last = self._ends()
        self._was_written = follow = self._reader.is_written
        step_s = self._reader.interval_s
        self.transport = Transport(
            first, last, speed or _speed(self._reader), follow=follow, step_s=step_s, clock=clock
        )
        self.transport.woken = self.wake
        self._grown_at, self._looked_at = clock(), -math.inf
        self._lock, self._woken, self._stopped = threading.Lock(), threading.Event(), threading.Event()
        self._frame: Frame | None = None
        self._shown: tuple[object, ...] = ()
        self._trouble = ""
        self.waiting = ""  # why there is no frame
        self._thread: threading.Thread | None = None

    def latest(self) -> Frame | None:
        """The newest frame; None before the first."""
        return self._frame

    def trend(self, variable: str, item: int, last_s: float) -> Trend:
        """The last ``last_s`` before the position; empty where the run does not hold it."""
        with self._lock:
            at = self._index(self.transport.state())
            if at < 0 or variable not in self._reader.variables:
                return Trend.empty()
            times = self._reader.times_s
            first = int(np.searchsorted(times, times[at] - last_s))
            try:
                return self._reader.trend(variable, item, first, at + 1)
            except Exception:  # whatever a decoder raises: the feed's own thread says what is broken
                return Trend.empty()

    def start(self) -> None:
        """Read on in a thread of its own."""
        self.step()
        self._thread = threading.Thread(target=self._run, name="run-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self.wake()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Look at once: a reader has asked for something."""
        self._woken.set()

    def step(self) -> None:
        """Look where the transport stands and how far the run has come; lay out a frame where it is another one."""
        with self._lock:
            self._grow()
            state = self.transport.state()
            index = self._index(state)
            if index < 0:
                self.waiting = self._trouble or (NOT_YET if state.may_follow else NEVER)
                return
            quiet = self._silence(state)
            tick = math.floor(self._now()) if state.follows and self._reader.is_live else 0
            shown = (index, state.playing, state.speed, state.follows, self._trouble, len(self._reader.times_s), tick,
                     quiet > 0)  # fmt: skip
            if shown == self._shown:
                return
            self._shown = shown
            self._frame = self._made(index, state, quiet)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(POLL_S)
            self._woken.clear()
            try:
                self.step()
            except Exception as error:  # a page without its feed would stand still and not say why
                self._stumbled(error)

    def _stumbled(self, error: Exception) -> None:
        said = f"the run cannot be read: {type(error).__name__}"
        if self._frame is not None and self._frame.note != said:
            self._shown = ()
            self._frame = replace(self._frame, sequence=self._frame.sequence + 1, note=said)

    def _grow(self) -> None:
        if self._clock() - self._looked_at < GROWTH_S:
            return
        self._looked_at = self._clock()
        try:
            grown = self._reader.refresh()
        except (OSError, InputError, KeyError, ValueError) as error:
            self._trouble = REPLACED if isinstance(error, ReplacedError) else GONE
            return
        self._trouble = ""
        if grown:
            self._grown_at = self._clock()
        self.transport.grow(*self._ends(), may_follow=self._reader.is_written)

    def _ends(self) -> tuple[float, float]:
        times = self._reader.times_s
        return (float(times[0]), float(times[-1])) if len(times) else (0.0, 0.0)

    def _index(self, state: State) -> int:
        """The interval at the position: the one that ends last before it; -1 in an empty run."""
        times = self._reader.times_s
        return min(max(int(np.searchsorted(times, state.position_s + ROUNDING_S, side="right")) - 1, 0), len(times) - 1)

    def _silence(self, state: State) -> float:
        """How long a run that is followed has not grown, whole s; 0 while that is no longer than it may be."""
        since = self._clock() - self._grown_at
        allowed = SILENT_INTERVALS * self._reader.interval_s + SILENT_S
        return float(math.floor(since)) if state.follows and self._reader.is_live and since > allowed else 0.0

    def _made(self, index: int, state: State, quiet: float) -> Frame:
        r = self._reader
        measured = {name: r.row(f"{MEASURED}/{name}", index) for name in r.measured}
        residuals = {name: r.row(f"{RESIDUAL}/{name}", index) for name in measured}
        mode, age = self._mode(index, state, quiet)
        simulated = {name: r.row(name, index) for name in r.variables}
        lost = sorted(r.broken)
        notes = [
            self._trouble,
            *_told(r, index, mode),
            f"the run has not grown for {quiet:.0f} s" if quiet else "",
            LEFT if self._was_written and not state.may_follow and not r.complete else "",
            f"the run is damaged: {', '.join(lost[:SHOWN])}{' and more' if len(lost) > SHOWN else ''} cannot be read"
            if lost
            else "",
        ]
        return Frame(
            sequence=self._frame.sequence + 1 if self._frame else 0,
            time_ns=int(r.times_s[index]) * NS,
            mode=mode,
            simulated=simulated,
            measured=measured,
            # A measured value that has no residual drove the model.
            used={name: np.isfinite(measured[name]) & ~np.isfinite(found) for name, found in residuals.items()},
            age_s={name: r.row(f"{AGE}/{name}", index) for name in measured},
            data_age_s=age,
            speed=1.0 if state.follows else state.speed if state.playing else 0.0,
            note="; ".join(note for note in notes if note),
            residuals=residuals,
        )

    def _mode(self, index: int, state: State, quiet: float) -> tuple[Mode, float]:
        r = self._reader
        recorded = r.mode(index)
        if not r.is_live:
            return Mode.SIMULATED, math.inf
        age = float(r.row("data_age", index)[0])
        if not state.follows or recorded == Mode.REPLAY:
            return Mode.REPLAY, age
        since = max(0.0, self._now() - float(r.times_s[index]))
        return (Mode.STALE if quiet else recorded), age + since


def _told(reader: RunReader, index: int, mode: Mode) -> Iterator[str]:
    """What an interval of a live run was, where its mode does not say it."""
    if not reader.is_live:
        return
    if reader.mode(index) is Mode.STALE is not mode:
        yield STALE_THEN
    if reader.early(index):
        yield EARLY


def _speed(reader: RunReader) -> float:
    """The first speed of the transport at which an interval takes no more than two seconds."""
    return next((speed for speed in SPEEDS if speed >= reader.interval_s / 2), SPEEDS[-1])


__all__ = ["RunFeed"]
