"""How the clocks of sources differ from ours, learnt from what they stamp.

offset = min over one to two days of (received - stamp): the delay of the fastest message minus what the source's clock
is ahead. A stamp more than 5 s later than its receipt, and than what is learnt, is not believed (one stamp of the year
2090 would otherwise be the newest for ever). Where all that a source says for 10 s agrees on another offset within 5 s,
its clock was set: the offset is learnt anew, and the stamps of its points are moved by the step.

Units: ns. The 5 s are the tolerance, the 10 s one period of the DSX heartbeat; both are ours (estimates).
"""

from __future__ import annotations

from array import array
from collections import deque
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.clock import NS
from telemetry.mark import Mark

TOLERANCE_NS = 5 * NS
AGREED_NS, AGREED = 10 * NS, 3
DAY_NS = 86_400 * NS
UNLEARNT, EVERY = 2**62, 2**63 - 1
MARKS = 1_000


class Trial(msgspec.Struct):
    """Readings in a row that do not fit the learnt offset: since when, their least and greatest difference."""

    since_ns: int
    least: int
    most: int
    count: int = 1


class SourceClocks:
    """Columns by source: ``offset``, ``earliest`` (no difference below it is believed), least difference of ``today``.

    ``teaching``: differences below it teach something, all of them while readings are on trial. The arrays that the
    compiled loop looks into stay the same objects.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.offset: list[int] = []
        self.earliest = array("q")
        self.today: list[int] = []
        self.teaching = array("q")
        self.marks: deque[Mark] = deque(maxlen=MARKS)
        self._index: dict[str, int] = {}
        self._trial: dict[int, Trial] = {}
        self._told: list[int] = []
        self._since: list[int] = []
        self._unsettled: set[int] = set()
        self._day_ends = 0

    def lent(self) -> tuple[NDArray[Any], ...]:
        """What is believed and learnt, as NumPy sees it; no source can be new while that is out."""
        return tuple(np.frombuffer(column, column.typecode) for column in (self.earliest, self.teaching))

    def index(self, name: str) -> int:
        """Number of a source; it is new where it was not heard of."""
        index = self._index.setdefault(name, len(self.names))
        if index == len(self.names):
            self.names.append(name)
            self.offset.append(UNLEARNT)
            self.earliest.append(-TOLERANCE_NS)
            self.today.append(UNLEARNT)
            self.teaching.append(UNLEARNT)
            self._told.append(0)
            self._since.append(0)
        return index

    def fits(self, source: int, difference: int, received_ns: int) -> None:
        """Learn from a reading that is believed, ``difference`` ns after its stamp; what is on trial was wrong."""
        if difference < self.today[source]:
            self.today[source] = difference
            if difference < self.offset[source]:  # less than any before; what is believed stays
                if self.offset[source] == UNLEARNT:
                    self._since[source] = received_ns
                self.offset[source] = difference
                self._unsettled.add(source)
        self._acquit(source)

    def disagrees(self, source: int, difference: int, received_ns: int) -> int | None:
        """Note a reading that does not fit; the step by which the offset was moved, where enough of them agree."""
        trial = self._trial.get(source)
        if trial is None or not trial.most - TOLERANCE_NS <= difference <= trial.least + TOLERANCE_NS:
            self._trial[source] = Trial(received_ns, difference, difference)
            self.teaching[source] = EVERY
            return None
        trial.least, trial.most = min(trial.least, difference), max(trial.most, difference)
        trial.count += 1
        if trial.count < AGREED or received_ns - trial.since_ns < AGREED_NS:
            return None
        before = self.offset[source]
        self._since[source] = trial.since_ns
        self._set(source, trial.least)
        self.today[source] = trial.least
        self._acquit(source)
        return 0 if before == UNLEARNT else trial.least - before

    def _acquit(self, source: int) -> None:
        self._trial.pop(source, None)
        self.teaching[source] = self.today[source]

    def _fresh(self, source: int) -> None:
        """Begin a day; a trial goes on."""
        self.today[source] = UNLEARNT
        self.teaching[source] = EVERY if source in self._trial else UNLEARNT

    def _set(self, source: int, offset: int) -> None:
        offset = min(max(offset, -UNLEARNT), UNLEARNT)
        self.offset[source] = offset
        self.earliest[source] = min(0, offset) - TOLERANCE_NS
        self._unsettled.add(source)

    def tick(self, now_ns: int) -> None:
        """What is due now and then: forget what is older than two days, and mark clocks that are found to differ."""
        if now_ns >= self._day_ends:
            if self._day_ends:
                for source, least in enumerate(self.today):
                    if least != UNLEARNT:
                        self._set(source, least)
                    self._fresh(source)
            self._day_ends = now_ns + DAY_NS
        for source in sorted(self._unsettled):
            if now_ns - self._since[source] >= AGREED_NS:
                self._unsettled.discard(source)
                self._tell(source, now_ns)

    def _tell(self, source: int, now_ns: int) -> None:
        """Mark a clock that differs by more than the tolerance, once until it has changed by as much again."""
        offset = self.offset[source]
        skewed = abs(offset) > TOLERANCE_NS
        if abs(offset - self._told[source]) <= TOLERANCE_NS or not (skewed or self._told[source]):
            return
        self._told[source] = offset if skewed else 0
        words = f"its clock is {abs(offset) / NS:.1f} s {'ahead' if offset < 0 else 'behind, or what it sends is late'}"
        self.marks.append(Mark("skew", now_ns, self.names[source], cause=words if skewed else "its clock is right"))

    def skews(self) -> dict[str, float]:
        """Offsets that are learnt and larger than the tolerance, s by source: above 0 its clock is behind."""
        found = zip(self.names, self.offset, strict=True)
        return {name: offset / NS for name, offset in found if offset != UNLEARNT and abs(offset) > TOLERANCE_NS}

    def jumped(self, by_ns: int) -> None:
        """Our own clock was set by ``by_ns``: every difference is larger by that. 0: nobody knows, learn anew."""
        self._day_ends = 0
        for source, offset in enumerate(self.offset):
            self._trial.pop(source, None)
            self._fresh(source)
            if offset != UNLEARNT and by_ns:
                self._set(source, offset + by_ns)
            else:
                self.offset[source], self.earliest[source] = UNLEARNT, -TOLERANCE_NS
                self._unsettled.discard(source)
