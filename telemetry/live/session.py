"""A live twin from what is asked for to what it came to: on a broker, or on a recording through the identical path.

    t_model = t_telemetry + shift,   shift = date of the model at the begin - begin of the telemetry

Everything is checked before anything runs. A recording is looked into first: where next to nothing of it is of the
site, it is refused, and a shipped site that it fits is named.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from telemetry.clock import NS, Clock, ReplayClock, WallClock
from telemetry.decode import Decoder
from telemetry.dialect import unread
from telemetry.live.bind import Binder, within
from telemetry.live.board import Board
from telemetry.live.frame import Mode
from telemetry.live.loop import Loop, Watch
from telemetry.live.source import Broker, Listening, Say
from telemetry.live.store import RunStore, check, opened
from telemetry.live.topology import topology
from telemetry.live.twin import LiveTwin
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.points import Point
from telemetry.recording.read import Recording
from telemetry.replay.asked import Played
from telemetry.replay.told import stamp as stamp_ns
from twin.core.errors import Faults, InputError, one, option
from twin.core.units import DAY
from twin.engine.period import instant, interval, lasting, seconds, stamp
from twin.engine.prepare import Prepared, prepare
from twin.site.load import LoadedSite, load_site
from twin.site.shipped import shipped

LOOKED = 50_000  # messages of a recording that are looked into
# What runs a session: on a broker, on a recording.
Run = Callable[["Session", ExitStack, threading.Event, Watch], None]


@dataclass(frozen=True)
class Wish:
    """What is asked for: ``at`` the date of the model at the begin (None: that of the telemetry), step and interval."""

    site: str | LoadedSite
    at: str | None = None
    step: float | str = 1.0
    every: float | str = 10.0
    out: Path | None = None
    lasting_s: float | None = None

    def check(self) -> None:
        """Raise ``InputError`` for all that can be seen before anything is read."""
        faults = Faults()
        faults.of(seconds, self.step, option("step="))
        faults.of(seconds, self.every, option("every="))
        if self.at is not None:
            faults.of(instant, self.at, option("at="))
        if self.out is not None:
            faults.of(check, self.out)
        faults.tell()


class Session:
    """A twin that is ready to run from ``begin_ns`` on. Raises ``InputError`` for what cannot be."""

    def __init__(self, wish: Wish, begin_ns: int, mode: Mode, say: Say, run: Run) -> None:
        wish.check()
        self._run = run
        self.wish, self.begin_ns = wish, begin_ns // NS * NS
        self._say = say
        step_s = seconds(wish.step, option("step="))
        every_s = interval(wish.every, step_s, DAY)
        self.prepared, shift_s = _prepared(wish, self.begin_ns / NS, step_s, every_s)
        self.topology = topology(self.prepared, shift_s)
        self.twin = LiveTwin(self.prepared, self.topology, self.begin_ns, step_s, every_s, live=mode)
        self.board = Board(self.topology, step_s)
        self.loop: Loop | None = None
        self.store: RunStore | None = None
        self.source: Broker | None = None
        self.recording: Recording | None = None
        self.whole = True
        self.faults = Faults()  # told when the run has closed, which is complete for all of them

    def lines(self) -> list[str]:
        """What it is, for people."""
        top = self.topology
        at = self.begin_ns / NS + top.model_shift_s
        return [
            f"site      {top.site}: {len(top.racks):,} racks, {len(top.halls):,} halls",
            f"model     stands at {stamp(at)}, steps of {self.twin.step_s:g} s",
        ]

    def go(self, stop: threading.Event, watch: Watch) -> None:
        """Run until ``stop``, the end of the time asked for, or of the recording; may be called once.

        Raises ``InputError`` where the broker refuses us or was never there, and where a disk takes no run or no
        recording; RuntimeError for a fault of ours.
        """
        try:
            self.faults.of(self._lived, stop, watch)
        finally:
            self.twin.close()
        self.faults.tell()

    def _lived(self, stop: threading.Event, watch: Watch) -> None:
        with ExitStack() as stack:
            self._run(self, stack, stop, watch)

    def looped(self, stack: ExitStack, pipeline: Pipeline, watch: Watch) -> Loop:
        """The loop over a pipeline, with the store that is asked for."""
        if self.wish.out is not None:
            shift = self.topology.model_shift_s
            self.store = stack.enter_context(opened(self.wish.out, self.prepared, shift, self._say))
        self.loop = Loop(self.twin, pipeline, self.board, self.store, self._say, watch)
        return self.loop

    @property
    def alone(self) -> str:
        """Why a twin on a broker was beside nothing: no point of its site, by the last step; "" where it was.

        A recording of that kind is refused before it begins.
        """
        found, frame = self.twin.bindings, None if self.loop is None else self.loop.frame
        if self.source is None or frame is None or (found.bound and not found.foreign):
            return ""
        return f"nothing of {self.topology.site} was measured: {frame.note}"

    def told(self) -> dict[str, Any]:
        """What it came to, as plain data."""
        loop, frame = self.loop, None if self.loop is None else self.loop.frame
        store = self.store
        return {
            "site": self.topology.site,
            "frames": self.twin.sequence,
            "begin_utc": stamp_ns(self.begin_ns if loop is None else loop.begin_ns),
            "end_utc": stamp_ns(self.twin.end_ns),
            "model_shift_s": self.topology.model_shift_s,
            "mode": None if frame is None else str(frame.mode),
            "note": "" if frame is None else frame.note,
            "bound": self.twin.bindings.told(),
            "not_usable": {group: round(share, 6) for group, share in self.twin.banner.shares.items()},
            "skipped_s": 0.0 if loop is None else loop.skipped_s,
            "run": None if store is None or not store.rows else str(store.folder),
            "intervals": 0 if store is None else store.rows,
            "intervals_lost": 0 if store is None else store.lost,
            "source": None if self.source is None else self.source.told(),
            "notes": [*([] if self.recording is None else self.recording.notes()), *self._without()],
            "state": None if loop is None else loop.pipeline.state.counts.told(),
        }

    def _without(self) -> Iterator[str]:
        if self.store is not None and not self.store.rows:
            yield f"no interval of {lasting(self.prepared.attrs['interval_s'])} came to its end: there is no run"


def _prepared(wish: Wish, begin_s: float, step_s: float, every_s: float) -> tuple[Prepared, float]:
    """The site at the date of the model, and the shift to it, s. Raises ``InputError`` where nothing has power then."""
    at = begin_s if wish.at is None else instant(wish.at, option("at="))
    end = at + every_s * max(1, round(DAY / every_s))
    prepared = prepare(wish.site, start=stamp(at), end=stamp(end), step=step_s, every=every_s, level="rack")
    starts = prepared.plan.hall_start_s
    if not (starts <= at).any():
        raise one(
            f"no hall has power on {stamp(at)}: the first has on {stamp(float(starts.min()))}", path=option("at=")
        )
    return prepared, at - begin_s


def on_broker(wish: Wish, listening: Listening, say: Say, clock: Clock | None = None) -> Session:
    """A session that listens to a broker. Raises ``InputError`` for what cannot be."""
    clock = clock or WallClock()

    def run(session: Session, stack: ExitStack, stop: threading.Event, watch: Watch) -> None:
        source = session.source = listening.open(clock, say)
        try:
            loop = session.looped(stack, source.pipeline, watch)
            source.start()
            loop.live(source, clock, stop, wish.lasting_s)
        finally:
            source.stop()
        session.faults.of(source.judge)

    return Session(wish, clock.now_ns(), Mode.LIVE, say, run)


def on_recording(wish: Wish, played: Played, make: Callable[[], Decoder], say: Say) -> Session:
    """A session over a recording, through the path of live messages. Raises ``InputError`` for what cannot be."""
    end_ns = played.end_ns + 1

    def run(session: Session, stack: ExitStack, stop: threading.Event, watch: Watch) -> None:
        clock = ReplayClock(session.begin_ns, played.choice.speed)
        loop = session.looped(stack, Pipeline(make(), clock), watch)
        until = end_ns if wish.lasting_s is None else min(end_ns, session.begin_ns + round(wish.lasting_s * NS))
        session.whole = loop.replay(played.messages(), clock, stop, until)

    session = Session(wish, played.begin_ns, Mode.REPLAY, say, run)
    session.recording = played.recording
    refuse_foreign(session, played.messages(), make())
    return session


def refuse_foreign(session: Session, messages: Iterable[Message], decoder: Decoder) -> None:
    """Raise ``InputError`` where the points of a recording belong to another site; ``decoder`` is used up by it."""
    for message in islice(messages, LOOKED):
        decoder.decode(message)
    points = list(decoder.points)
    binder = Binder(session.prepared, session.topology)
    found, recording = binder.bind(points), session.recording
    instead = "" if recording is None else "".join(f"; {words}" for words in unread(recording, 1, 0))
    if not points:
        instead += "" if recording is None else "".join(f"; {note}" for note in recording.notes())
        raise one(
            f"nothing in the recording says what it measures: no metadata, no birth, or another dialect{instead}",
            path=option("replay="),
        )
    if found.foreign:
        instead = instead or _fitting(points, session.topology.site)
        raise one(f"{found.ours:,} of {len(points):,} points belong to this site{instead}", path=option("replay="))


def _fitting(points: Iterable[Point], asked: str) -> str:
    """The shipped site of which most points are, by its halls and by what it calls its items there, as a question.

    A site that is incomplete is none: no twin can be of it.
    """
    items = [point.item for point in points if point.item]
    best, most = "", (sum("/" in item for item in items) or len(items)) / 2
    for name in shipped():
        if name == asked:
            continue
        try:
            site = load_site(name).site
        except InputError:
            continue
        own = {f"{b}/{h}" for b, building in site.buildings.items() for h in building.halls}
        own |= set(site.telemetry.names.values() if site.telemetry else ())
        count = sum(within(own, item) for item in items)
        if count > most:
            best, most = name, count
    return f"; did you mean the site {best}?" if best else ""


__all__ = ["Session", "Wish", "on_broker", "on_recording"]
