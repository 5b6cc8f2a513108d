"""The present state: of every point its newest reading by source time, whatever the order in which messages came.

    reading (t, v) of a point is applied   where t > t_newest, or t = t_newest with another value
                             a duplicate   where t = t_newest with the same value and quality
                             late          where t < t_newest

Symbols: t source time, v value in the point's SI unit. What is stamped later than the clock allows is quarantined
(:mod:`telemetry.state.clocks`), readings for the history are not for here, and NaN is never good. The same messages
leave the same state at any speed; only staleness (:mod:`telemetry.state.view`) asks what time it is.

Batches of NumPy columns (Sparkplug: 100 readings a message) go through a compiled loop that hands back the readings
which need thought (:mod:`telemetry.state.stretch`): the same comes out, for 5 µs a batch and 10 ns a reading.

Columns are arrays by number of the point that grow by doubling, up to 200,000 points (57 bytes each). A state belongs
to one thread that applies; others look through :meth:`State.view` and :meth:`State.digest`, which hold ``lock``, as
whoever applies has to (:class:`~telemetry.pipeline.Pipeline` does).
"""

from __future__ import annotations

import hashlib
import math
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from telemetry.batch import Batch, Flag, Quality
from telemetry.clock import NS, Clock
from telemetry.decode import Decoder
from telemetry.message import Message
from telemetry.state.clocks import TOLERANCE_NS, SourceClocks
from telemetry.state.counts import Counts
from telemetry.state.coverage import Coverage
from telemetry.state.view import NEVER, Columns, Limits, View, view

MOST = 200_000
HUGE = sys.float_info.max
Reading = tuple[int, int, float, int, int]
KINDS = np.int64, np.int64, np.float64, np.int8, np.int32  # of the columns of a batch
Column = NDArray[np.generic]
LARGE = 16  # readings: for fewer the call of the compiled loop costs more than it saves
# Plain numbers: an enum costs as much again as the whole comparison.
GOOD, NO_VALUE = int(Quality.GOOD), int(Quality.NO_VALUE)
HISTORICAL = int(Flag.HISTORICAL)
OLD = int(Flag.RETAINED | Flag.HELD | Flag.NO_TIME)


@cache
def stretch() -> Callable[..., int]:
    """The compiled loop, loaded with the first large batch: most sources send none, and it takes half a second."""
    loaded: Callable[..., int] = import_module("telemetry.state.stretch").stretch
    return loaded


class State:
    """Newest readings of all points of ``decoder``.

    ``counts``: what became of every message and reading. ``clocks``: what is learnt of the sources' clocks. ``clock``
    says what time it is where :meth:`view` is not told; ``limits`` when a reading is stale (by default the decoder's).
    """

    def __init__(self, decoder: Decoder, clock: Clock, limits: Limits | None = None, most: int = MOST) -> None:
        self.decoder, self.clock, self.most = decoder, clock, most
        self.limits = limits or Limits.of(decoder)
        self.lock = threading.RLock()
        self.counts = Counts(decoder)
        self.clocks = SourceClocks()
        self._columns = Columns()
        self._coverage = Coverage()
        self._changed = decoder.points.changed
        self._lent: tuple[tuple[Column, ...], tuple[Column, ...]] | None = None

    def apply(self, message: Message, batch: Batch) -> None:
        """Take in what ``message`` says."""
        counts, clocks, columns = self.counts, self.clocks, self._columns
        received, newest, points = message.received_ns, columns.time_ns, batch.points
        counts.readings += len(points)
        if self._changed:
            self._forget()
        readings: Iterator[Reading]
        if type(points) is tuple:
            readings = zip(points, batch.times_ns, batch.values, batch.qualities, batch.flags, strict=True)
        else:
            readings = self._thought(message, batch)
        for point, time_ns, said, graded, flag in readings:
            if flag & HISTORICAL:
                counts.historical += 1
                continue
            if point >= columns.size and not self._grow(point):
                counts.overflow += 1
                continue
            value, quality = said, graded
            if not -HUGE <= said <= HUGE:  # NaN or infinite
                value, quality = math.nan, NO_VALUE if graded == GOOD else graded
            source = columns.source[point]
            if source < 0:
                self._lent = None
                source = columns.source[point] = clocks.index(self.decoder.points[point].source)
            difference = received - time_ns
            if time_ns <= newest[point] or difference < clocks.earliest[source]:
                if not self._is_newest(message, (point, time_ns, value, quality, flag), source):
                    continue
            elif difference < clocks.teaching[source] and not flag & OLD:
                clocks.fits(source, difference, received)
            counts.applied += 1
            columns.value[point] = value
            columns.quality[point] = quality
            columns.flags[point] = flag
            columns.count[point] += 1
            columns.received_ns[point] = received
            columns.again_ns[point] = NEVER
            newest[point] = time_ns

    def _thought(self, message: Message, batch: Batch) -> Iterator[Reading]:
        """Readings that need thought, in their order; what stands before each is applied when it comes."""
        said = batch.points, batch.times_ns, batch.values, batch.qualities, batch.flags
        columns = tuple([np.ascontiguousarray(column, kind) for column, kind in zip(said, KINDS, strict=True)])
        total, done, stops = len(columns[0]), 0, 0
        if {*map(len, columns)} != {total}:
            raise ValueError("the columns of a batch differ in length")
        while total - done >= LARGE and LARGE * stops <= done + LARGE:  # else it is cheaper to think of all
            stop = self._apply_stretch(done, columns, message.received_ns)
            self.counts.applied += stop - done
            if stop == total:
                return
            yield tuple(column[stop].item() for column in columns)
            done, stops = stop + 1, stops + 1
        yield from zip(*(column[done:].tolist() for column in columns), strict=True)

    def _apply_stretch(self, begin: int, said: tuple[Column, ...], received_ns: int) -> int:
        """Apply readings from ``begin`` on that need no thought; the number of the first that does."""
        if self._lent is None:
            columns, clocks = self._columns, self.clocks
            if not columns.size or not clocks.names:
                return begin
            self._lent = columns.lent(), clocks.lent()
        return int(stretch()(begin, said, received_ns, *self._lent))

    def _is_newest(self, message: Message, reading: Reading, source: int) -> bool:
        """Whether a reading that is stamped too early or too late is applied all the same; else it is counted."""
        point, time_ns, value, quality, flag = reading
        counts, clocks, columns = self.counts, self.clocks, self._columns
        received = message.received_ns
        difference, known = received - time_ns, not flag & OLD
        if difference < clocks.earliest[source]:
            moved = clocks.disagrees(source, difference, received) if known else None
            if moved is None:
                counts.quarantined += 1
                counts.sample("quarantined", message, f"stamped {-difference / NS:.1f} s after it was received")
                return False
            columns.move(source, moved)
        elif time_ns < columns.time_ns[point] and known and difference - clocks.offset[source] > TOLERANCE_NS:
            moved = clocks.disagrees(source, difference, received)
            if moved is not None:
                columns.move(source, moved)
        if time_ns < columns.time_ns[point]:
            counts.late += 1
            return False
        was = columns.value[point]
        same = value == was or (math.isnan(value) and math.isnan(was))
        if time_ns == columns.time_ns[point] and same and quality == columns.quality[point]:
            counts.duplicates += 1
            if known:
                columns.again_ns[point] = received
            return False
        return True

    def _forget(self) -> None:
        """Drop the readings of points that are something else now: a flow in m3/s is none in kg/s."""
        for point in self._changed:
            self._columns.forget(point)
        self._changed.clear()
        self._coverage = Coverage()

    def _grow(self, point: int) -> bool:
        """Make room for a point; False where there is none."""
        if not 0 <= point < self.most:
            return False
        self._lent = None
        self._columns.grow(min(self.most, max(64, 2 * point)))
        return True

    def reject(self, message: Message, reason: str, detail: str = "") -> None:
        """Count a message that was refused."""
        self.counts.reject(reason, message, detail)

    def clock_jumped(self, by_ns: int = 0) -> None:
        """Our own clock was set by ``by_ns`` (0: by an unknown time): what was received is told in the new time."""
        self.clocks.jumped(by_ns)
        self._columns.shift_received(by_ns)

    def view(self, now_ns: int | None = None) -> View:
        """All points as they are at ``now_ns``, that of the clock where it is None: a copy, a row by point."""
        with self.lock:
            now_ns = self.clock.now_ns() if now_ns is None else now_ns
            return view(self._columns, self.decoder.points, self.clocks, self._coverage, self.limits, now_ns)

    def digest(self) -> str:
        """SHA-256 over source time, value, quality, flags and count of all points with a reading, by identity.

        Receive times are not in it: the same messages give the same digest live, over a broker and from a file.
        """
        found = hashlib.sha256()
        with self.lock:
            points, columns = self.decoder.points, self._columns
            known = [(points[i].identity, i) for i in range(min(len(points), columns.size))]
            for identity, i in sorted(known):
                if columns.time_ns[i] == NEVER:
                    continue
                value = math.nan if math.isnan(columns.value[i]) else columns.value[i] + 0.0  # one NaN, one zero
                row = columns.time_ns[i], value, columns.quality[i], columns.flags[i], columns.count[i]
                found.update(identity.encode("utf-8", "surrogatepass") + b"\0" + struct.pack("<qdbiq", *row))
        return found.hexdigest()
