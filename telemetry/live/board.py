"""What a page asks a running twin for, in memory: the newest frame, and rings of the last numbers of every item.

Fine rings hold an hour of sites, halls and loops, a point a frame; coarse ones an hour of racks, CDUs and elements, a
point every 10 s. Both are bounded: where a campus is so large that an hour would take more, they hold fewer points and
say so by what they give. Numbers are float32; which of them drove the model, and have no residual, a byte each.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.clock import NS
from telemetry.live.frame import Bools, Floats, Frame, Topology, Trend
from twin.core.variables import BY_NAME

SPAN_S, COARSE_S = 3600.0, 10.0
FINE = frozenset(("site", "hall", "loop", "pool", "stream"))
COARSE = frozenset(("cdu", "element", "rack"))
BYTES = 64 << 20  # of the rings of either kind, at most
LEAST = 60  # points
WIDTH, MARK = 4, 1  # bytes of a number, and of whether it drove
EARLY = "early"
BLANK: np.generic = np.float32(np.nan)


class Ring:
    """Rows of named columns over time: the last ``points`` of them, at least ``every_s`` apart.

    ``blank`` is what stands where a column is not known, and says what kind of numbers they are.
    """

    def __init__(self, points: int, every_s: float, widths: Mapping[str, int], blank: np.generic = BLANK) -> None:
        self.every_ns = round(every_s * NS)
        self._times, self._blank = np.zeros(points, np.int64), blank
        self._rows: dict[str, NDArray[Any]] = {
            name: np.full((points, width), blank, blank.dtype) for name, width in widths.items()
        }
        self._count = 0

    @property
    def bytes(self) -> int:
        """Bytes that its rows take."""
        return sum(rows.nbytes for rows in self._rows.values())

    def put(self, time_ns: int, found: Mapping[str, Floats] | Mapping[str, Bools]) -> bool:
        """Take a row, unless the last one is too near; columns that are not in it are unknown.

        Where time was set back the rows before are of no time that comes again in order: the ring begins anew.
        """
        size = len(self._times)
        since = time_ns - self._times[(self._count - 1) % size] if self._count else self.every_ns
        if 0 <= since < self.every_ns:
            return False
        if since < 0:
            self._count = 0
        at = self._count % size
        self._times[at] = time_ns
        for name, rows in self._rows.items():
            values = found.get(name)
            rows[at] = self._blank if values is None else values.reshape(-1)
        self._count += 1
        return True

    def since(self, name: str, item: int, from_ns: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Times and numbers of one column from an instant on."""
        size = len(self._times)
        order = np.arange(max(0, self._count - size), self._count) % size
        times = self._times[order]
        order = order[times > from_ns]
        return self._times[order], self._rows[name][order, item]

    def __contains__(self, name: str) -> bool:
        return name in self._rows


class Rings(NamedTuple):
    """What is kept of some levels: both sides, where the measured one drove, and when the model went by itself.

    All take the same rows.
    """

    simulated: Ring
    measured: Ring
    marks: Ring


class Board:
    """A :class:`~telemetry.live.frame.Feed` of a twin that runs in this process; ``put`` is for one thread."""

    def __init__(self, topology: Topology, step_s: float = 1.0) -> None:
        self._topology, self._step_s = topology, step_s
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._rings: tuple[Rings, ...] = ()

    @property
    def topology(self) -> Topology:
        """The items."""
        return self._topology

    def latest(self) -> Frame | None:
        """The newest frame, None before the first."""
        return self._frame

    def put(self, frame: Frame) -> None:
        """Take a frame."""
        with self._lock:
            if not self._rings:
                self._rings = self._made(frame, FINE, self._step_s), self._made(frame, COARSE, COARSE_S)
            for rings in self._rings:
                if rings.simulated.put(frame.time_ns, frame.simulated):
                    rings.measured.put(frame.time_ns, frame.measured)
                    rings.marks.put(frame.time_ns, {**frame.used, EARLY: np.array([frame.early])})
        self._frame = frame

    @staticmethod
    def _made(frame: Frame, levels: frozenset[str], every_s: float) -> Rings:
        """Rings of what is simulated and of what may be measured of some levels, in bounded memory."""
        widths = {
            name: values.size
            for name, values in frame.simulated.items()
            if name in BY_NAME and BY_NAME[name].level in levels and values.size
        }
        # What is measured becomes known as points come: room for all of it, but for racks only their power.
        measurable = {n: w for n, w in widths.items() if BY_NAME[n].level != "rack" or n == "rack_power"}
        marks = {**measurable, EARLY: 1}
        row = WIDTH * (sum(widths.values()) + sum(measurable.values())) + MARK * sum(marks.values())
        points = int(min(SPAN_S / every_s, max(LEAST, BYTES / max(1, row))))
        every_s = max(every_s, SPAN_S / points) if points < int(SPAN_S / every_s) else every_s
        return Rings(
            Ring(points, every_s, widths), Ring(points, every_s, measurable), Ring(points, every_s, marks, np.False_)
        )

    def trend(self, variable: str, item: int, last_s: float) -> Trend:
        """The last ``last_s`` of one item, empty where it is not kept."""
        frame = self._frame
        if frame is None:
            return Trend.empty()
        from_ns = frame.time_ns - round(last_s * NS)
        with self._lock:
            for rings in self._rings:
                if variable not in rings.simulated:
                    continue
                times, found = rings.simulated.since(variable, item, from_ns)
                simulated, measured = found.astype(np.float64), np.full(len(times), np.nan)
                early = rings.marks.since(EARLY, 0, from_ns)[1]
                used = np.zeros(len(times), np.bool_)
                if variable in rings.measured:
                    measured = rings.measured.since(variable, item, from_ns)[1].astype(np.float64)
                    used = rings.marks.since(variable, item, from_ns)[1]
                return Trend(times, simulated, measured, np.where(used, np.nan, measured - simulated), early)
        return Trend.empty()


__all__ = ["Board", "Ring"]
