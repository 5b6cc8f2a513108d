"""The columns of a state, and what of them is stale at an instant.

    heard = max(min(received, t + offset), again)
    a value is old      where now - heard > 250 s, or it is a retained copy without a time: nobody knows since when
    a source is silent  where now - beat > 30 s, beat = min(heard of its heartbeat, the instant that it says + offset)

Symbols: t source time; offset of the source's clock; again: when the very same reading was last sent anew. A heartbeat
covers the points of its scope, one without scope all of its source that no scope covers. Where nobody has a heartbeat,
the newest reading of all points is one (of Sparkplug that of each edge node, and no value of it is old by itself: it
comes when it changes). Limits: 2.5 periods of 100 s and 3 of 10 s of the DSX contract (estimates of ours; the contract
sets the periods only).
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.batch import Flag, Quality
from telemetry.clock import NS
from telemetry.points import Points
from telemetry.state.clocks import UNLEARNT, SourceClocks
from telemetry.state.coverage import Coverage

NEVER = -(2**63)
# As an age of what was never heard: a thousand years, which leaves room to subtract.
AGES_NS = 2**62
UNDATED = int(Flag.RETAINED | Flag.NO_TIME)


class Limits(NamedTuple):
    """After how long, s, a value is old, a source without heartbeat is silent, and all are where nobody has one.

    ``by_source``: where nobody has one each source is silent for itself, not all together.
    """

    value_s: float = 250.0
    heartbeat_s: float = 30.0
    quiet_s: float = 30.0
    by_source: bool = False

    @classmethod
    def of(cls, decoder: object) -> Limits:
        """Those of a decoder, which may have its own ``value_s``, ``quiet_s`` and ``by_source``."""
        own = ("value_s", "quiet_s", "by_source")
        return cls(**{name: getattr(decoder, name) for name in own if hasattr(decoder, name)})


@dataclass(frozen=True, slots=True)
class View:
    """A state at ``now_ns``: a row by number of the point, those without a reading too (quality UNKNOWN).

    ``value`` in the point's SI unit, ``time_ns`` source time, ``received_ns`` (both 0 without a reading), ``flags`` of
    :class:`~telemetry.batch.Flag`, ``count`` of readings applied, ``age_s`` since it was heard (inf without). ``old``:
    its value is; ``silent``: its source is; ``quality`` is STALE where a good reading is either.
    """

    now_ns: int
    value: NDArray[np.float64]
    quality: NDArray[np.int8]
    time_ns: NDArray[np.int64]
    received_ns: NDArray[np.int64]
    flags: NDArray[np.int32]
    count: NDArray[np.int64]
    age_s: NDArray[np.float64]
    old: NDArray[np.bool_]
    silent: NDArray[np.bool_]

    @property
    def stale(self) -> NDArray[np.bool_]:
        """Points that have a reading which is not to be used any more."""
        return self.old | self.silent


class Columns:
    """Arrays by number of the point; a point without a reading has ``time_ns`` NEVER and quality UNKNOWN."""

    def __init__(self) -> None:
        self.size = 0
        self.time_ns = array("q")
        self.value = array("d")
        self.quality = array("b")
        self.received_ns = array("q")
        self.again_ns = array("q")
        self.flags = array("i")
        self.count = array("q")
        self.source = array("i")

    def grow(self, size: int) -> None:
        """Make room for ``size`` points; the arrays stay the same objects."""
        more = size - self.size
        self.time_ns.extend([NEVER] * more)
        self.value.extend([math.nan] * more)
        self.quality.extend([int(Quality.UNKNOWN)] * more)
        self.received_ns.extend([0] * more)
        self.again_ns.extend([NEVER] * more)
        self.flags.extend([0] * more)
        self.count.extend([0] * more)
        self.source.extend([-1] * more)
        self.size = size

    def lent(self) -> tuple[NDArray[Any], ...]:
        """The columns that a reading changes, and the source, as NumPy sees them; ``grow`` fails while they are out."""
        said = self.time_ns, self.value, self.quality, self.flags, self.count, self.received_ns, self.again_ns
        return tuple(np.frombuffer(column, column.typecode) for column in (*said, self.source))

    def forget(self, point: int) -> None:
        """As if no reading of a point had come; how many did stays counted."""
        if point < self.size:
            self.time_ns[point], self.again_ns[point] = NEVER, NEVER
            self.value[point], self.quality[point] = math.nan, int(Quality.UNKNOWN)
            self.received_ns[point] = self.flags[point] = 0
            self.source[point] = -1

    def move(self, source: int, step_ns: int) -> None:
        """Move the stamps of a source to its clock after it was set: a later difference means an earlier stamp."""
        times, sources = np.frombuffer(self.time_ns, np.int64), np.frombuffer(self.source, np.int32)
        times[(sources == source) & (times != NEVER)] -= step_ns

    def shift_received(self, by_ns: int) -> None:
        """Tell all times of receipt by a clock that was set by ``by_ns``, those that stand in for a stamp too."""
        if self.size:
            for column in (self.received_ns, self.again_ns):
                times = np.frombuffer(column, np.int64)
                times[(times != NEVER) & (times != 0)] += by_ns
            stamped = np.frombuffer(self.flags, np.int32) & int(Flag.NO_TIME) == 0
            np.frombuffer(self.time_ns, np.int64)[~stamped] += by_ns


def view(
    columns: Columns, points: Points, clocks: SourceClocks, coverage: Coverage, limits: Limits, now_ns: int
) -> View:
    """Copy ``columns`` and tell what is stale at ``now_ns``."""
    rows, held = len(points), min(len(points), columns.size)

    def column(of: array[int] | array[float], kind: type[np.generic], empty: float) -> NDArray[Any]:
        out = np.full(rows, empty, kind)
        if held:
            out[:held] = np.frombuffer(of, kind)[:held]
        return out

    time_ns, received = column(columns.time_ns, np.int64, NEVER), column(columns.received_ns, np.int64, 0)
    again, flags = column(columns.again_ns, np.int64, NEVER), column(columns.flags, np.int32, 0)
    value, quality = column(columns.value, np.float64, math.nan), column(columns.quality, np.int8, Quality.UNKNOWN)
    source = column(columns.source, np.int32, -1)
    known = time_ns != NEVER
    offsets = np.array([0 if offset == UNLEARNT else offset for offset in [*clocks.offset, 0]], np.int64)
    own = np.where(flags & int(Flag.NO_TIME), 0, offsets[source])
    heard = np.maximum(np.minimum(received, np.where(known, time_ns, 0) + own), again)
    age_ns = np.where(known, now_ns - heard, AGES_NS)
    old = known & ((age_ns > limits.value_s * NS) | (flags & UNDATED == UNDATED))
    silent = known & _silent(coverage, points, (heard, value, quality, own), known, source, now_ns, limits)
    good = quality == int(Quality.GOOD)
    return View(
        now_ns,
        value,
        np.where(good & (old | silent), np.int8(Quality.STALE), quality),
        np.where(known, time_ns, 0),
        received,
        flags,
        column(columns.count, np.int64, 0),
        np.where(known, age_ns / NS, math.inf),
        old,
        silent,
    )


def _silent(
    coverage: Coverage,
    points: Points,
    columns: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int8], NDArray[np.int64]],
    known: NDArray[np.bool_],
    source: NDArray[np.int32],
    now_ns: int,
    limits: Limits,
) -> NDArray[np.bool_]:
    """Points whose source gives no sign of life; a heartbeat that never beat is none."""
    heard, value, quality, own = columns
    groups = coverage.of(points)
    beats = {}
    for index in coverage.heartbeats:
        if known[index] and quality[index] != int(Quality.GOOD):
            beats[index] = NEVER // 2  # it says itself that it is not to be believed
        elif known[index]:
            says_ms = value[index] * (1e3 if points[index].units == "s" else 1.0)
            # To the ms that such stamps have, in the range of the whole numbers that instants are.
            beats[index] = min(int(heard[index]), round(max(-9e12, min(9e12, says_ms))) * 1_000_000 + int(own[index]))
    if not beats:
        together = source if limits.by_source else np.zeros_like(source)
        newest = np.full(int(together.max(initial=0)) + 1, NEVER // 2)
        np.maximum.at(newest, together[known], heard[known])
        return now_ns - newest[together] > limits.quiet_s * NS
    last = [max((beats[i] for i in group if i in beats), default=now_ns) for group in coverage.groups]
    late = np.array([now_ns - beat > limits.heartbeat_s * NS for beat in last] + [False], np.bool_)
    return late[groups]
