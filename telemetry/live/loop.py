"""When the twin steps: by the clock while it listens to a broker, by the messages' own time in a replay.

    live:    step k at t_k = t_0 + k dt, looked at LAG later, so that what was measured by t_k has come
    replay:  all messages received before t_k are taken, then step k; nothing else decides, so any speed gives the same

A live loop that falls behind (the machine slept, or is too slow) catches up over 30 s at most; what is more is skipped,
said, and the engine begins anew from a steady state. The same where our clock is set back. Time never runs back in the
store.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from telemetry.clock import NS, Clock, ReplayClock
from telemetry.live.board import Board
from telemetry.live.frame import Frame
from telemetry.live.settling import WAITS_NS
from telemetry.live.source import Broker, Say, unborn
from telemetry.live.store import RunStore
from telemetry.live.twin import LiveTwin, newest_age_s
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.replay.told import stamp
from telemetry.state.counts import Counts
from twin.engine.period import lasting

LAG_NS = NS // 2
BEHIND_NS = 30 * NS
SET_BACK_NS = 5 * NS
FLUSH_S = 10.0
TELL_NS = 600 * NS  # for how long what was skipped is told
FIRST_S = 5.0
ENDED = "the recording has ended, this is its last instant"
Watch = Callable[[Frame], None]


class Loop:
    """Steps a twin and hands its frames on: to a board, to a store, to ``watch``."""

    def __init__(
        self, twin: LiveTwin, pipeline: Pipeline, board: Board, store: RunStore | None, say: Say,
        watch: Watch = lambda frame: None,
    ) -> None:  # fmt: skip
        self.twin, self.pipeline, self.board, self.store = twin, pipeline, board, store
        self.skipped_s, self.skips = 0.0, 0
        self.frame: Frame | None = None
        self._say, self._watch = say, watch
        self._skipped, self._skipped_ns = "", 0
        self._flushed, self.begin_ns = time.monotonic(), twin.end_ns
        self._step_ns = round(twin.step_s * NS)

    def tick(self, *words: str, speed: float = 1.0) -> Frame:
        """One step: the one that ends ``step_s`` after the last."""
        end_ns, state = self.twin.end_ns + self._step_ns, self.pipeline.state
        with state.lock:
            view, points = state.view(end_ns), list(state.decoder.points)
            held, unread = state.decoder.held, "" if points else _unread(state.counts)
        measured = self.twin.look(view, points)
        note = "; ".join(
            word
            for word in (*words, self._missing(held, end_ns), unread, self._foreign(), *self._trouble(end_ns))
            if word
        )
        frame = self.twin.step(measured, newest_age_s(view), speed=speed, note=note)
        self.board.put(frame)
        if self.store is not None:
            self.store.add(frame, self.twin.interval)
            if time.monotonic() - self._flushed >= FLUSH_S:
                self.store.flush()
                self._flushed = time.monotonic()
        self.frame = frame
        self._watch(frame)
        return frame

    def _missing(self, held: int, end_ns: int) -> str:
        """Values whose births or metadata never came."""
        waited = held and end_ns - self.begin_ns > WAITS_NS
        return f"{held:,} values wait for what describes them, which has not come" if waited else ""

    def _foreign(self) -> str:
        """Telemetry that is of another site: a recording of that kind is refused, a broker may change its mind."""
        found = self.twin.bindings
        few = found.points and found.foreign
        return f"{found.ours:,} of {found.points:,} points that are heard belong to this site" if few else ""

    def _trouble(self, end_ns: int) -> Iterator[str]:
        if self.store is not None and self.store.trouble:
            yield f"not stored: {self.store.trouble}"
        if self.store is not None and self.store.again:
            yield "not stored: the run has this time already"
        if self._skipped and end_ns - self._skipped_ns < TELL_NS:
            yield self._skipped

    # ------------------------------------------------------------------------------------------------ live
    def live(self, source: Broker, clock: Clock, stop: threading.Event, lasting_s: float | None) -> None:
        """Step by the clock until ``stop``, for ``lasting_s``, or until the source has given up."""
        self._await_first(source, stop)
        first_ns = clock.now_ns() // NS * NS
        self.twin.begin(first_ns)
        self.begin_ns = first_ns
        end_ns = None if lasting_s is None else first_ns + round(lasting_s * NS)
        while end_ns is None or self.twin.end_ns + self._step_ns <= end_ns:
            due = self.twin.end_ns + self._step_ns + LAG_NS
            if due - clock.now_ns() > self._step_ns + LAG_NS + SET_BACK_NS:
                self._skip(clock.now_ns())  # set back while a step was computed: nobody waits for that hour
                continue
            if not clock.wait_until(due, stop):
                return
            if source.failed:
                return
            behind = clock.now_ns() - due
            if behind > BEHIND_NS or behind < -SET_BACK_NS:
                self._skip(clock.now_ns())
                continue
            self.tick(source.words())

    def _await_first(self, source: Broker, stop: threading.Event) -> None:
        """Let the first readings come, so that the model begins in the state that they tell."""
        until = time.monotonic() + FIRST_S
        counts, before = self.pipeline.state.counts, -1
        while time.monotonic() < until and not source.failed and not stop.wait(0.5):
            if 0 < counts.applied == before:
                return
            before = counts.applied

    def _skip(self, now_ns: int) -> None:
        """Begin anew now."""
        now_ns = now_ns // NS * NS
        gap_s = (now_ns - self.twin.end_ns) / NS
        self.skips += 1
        if gap_s > 0.0:
            self.skipped_s += gap_s
            self._skipped = f"{lasting(round(gap_s))} were skipped at {_clock(now_ns)}: nothing was computed in them"
        else:
            self._skipped = f"the clock was set back by {lasting(round(-gap_s))} at {_clock(now_ns)}"
        self._skipped_ns = now_ns
        self._say(self._skipped)
        self.twin.begin(now_ns)
        if self.store is not None:
            self.store.gap()

    # ---------------------------------------------------------------------------------------------- replay
    def replay(
        self, messages: Iterator[Message], clock: ReplayClock, stop: threading.Event, end_ns: int,
    ) -> bool:  # fmt: skip
        """Take messages and step until the step that ends at ``end_ns`` or later; False where stopped before."""
        clock.begin()
        waiting: list[Message] = []
        ahead = next(messages, None)
        speed = clock.speed or math.inf
        while self.twin.end_ns < end_ns:
            t_ns = self.twin.end_ns + self._step_ns
            while ahead is not None and ahead.received_ns < t_ns:
                waiting.append(ahead)
                ahead = next(messages, None)
            if not clock.wait_until(t_ns, stop):
                return False
            self.pipeline.take(waiting)
            waiting.clear()
            self.tick(unborn(self.pipeline.decoder), speed=speed)
        self.pipeline.commit()
        if self.frame is not None:  # a page stays open behind it
            note = "; ".join(filter(None, (ENDED, self.frame.note)))
            self.board.put(replace(self.frame, sequence=self.frame.sequence + 1, speed=0.0, note=note))
        return True


def _unread(counts: Counts) -> str:
    """Messages of which none can be read, with the reason of the first: another dialect, times in another unit."""
    if not counts.rejects:
        return ""
    reason = next(iter(counts.rejects))
    why = "".join(f", {sample.detail}" for sample in counts.samples.get(reason, ())[:1])
    return f"{sum(counts.rejects.values()):,} messages refused, none read: {reason}{why}"


def _clock(at_ns: int) -> str:
    return f"{stamp(at_ns)[11:19]} UTC"


__all__ = ["Loop", "Watch"]
