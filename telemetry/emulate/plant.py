"""The engine as a plant that runs along: blocks of steps made ahead in a thread, read at any later instant.

Between the ends of two steps values go over linearly from the mean of one step to that of the next, so what adds up in
the steps adds up in between (``V(t) = V_k + (V_k+1 - V_k) (t - t_k)/dt``); states are those of the step that runs.
Memory is bounded: one block that is read, one that waits, one that is made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Full, Queue

import numpy as np
from numpy.typing import NDArray

from telemetry.emulate.facility import Facility
from telemetry.emulate.path import Assumed, Watched
from telemetry.emulate.rows import Floats, Rows
from twin.cooling.moist_air import relative_humidity
from twin.engine.run import Engine, Result

# Numbers in a block: 32 MB.
BLOCK_NUMBERS = 4_000_000
MOST_INTERVALS, LEAST_INTERVALS = 60, 4
WAIT_S = 0.2


def intervals_per_block(numbers: int) -> int:
    """Steps of a block that fit into memory where a step has so many ``numbers``."""
    return max(LEAST_INTERVALS, min(MOST_INTERVALS, BLOCK_NUMBERS // max(1, numbers)))


@dataclass(frozen=True)
class Frames:
    """True values at the ends of the steps of a block: (interval), (interval, point)."""

    ends_s: Floats
    values: Floats


def frames(engine: Engine, facility: Facility, assumed: Assumed | None = None) -> Iterator[Frames]:
    """Run an engine and read the facility, block by block; where the power path follows, its meters too."""
    path = engine.coupled if isinstance(engine.coupled, Watched) else None
    for result in engine.blocks():
        rows, ends = _rows(engine, result), result.block.interval_end
        rows = rows if path is None else path.over(rows)
        rows = rows if assumed is None else assumed.over(rows, ends)
        yield Frames(ends, facility.read(rows))


def _rows(engine: Engine, result: Result) -> Rows:
    ends = result.block.interval_end
    air = engine.weather.sample(ends, engine.timeline.interval)
    wet = [relative_humidity(*x) for x in zip(air.dry_bulb_c, air.humidity_ratio, air.pressure_pa, strict=True)]
    return Rows(result.levels, np.array(wet))


class PlantEndedError(RuntimeError):
    """The engine has come to the end of its period."""


class Plant:
    """A running plant: ``at(t)`` for instants that never go back; a thread makes what comes next.

    ``held`` (point) marks points that do not go over from step to step.
    """

    def __init__(self, made: Iterator[Frames], held: NDArray[np.bool_]) -> None:
        self._made, self._held = made, held
        self._queue: Queue[Frames | BaseException | None] = Queue(maxsize=1)
        self._stop = threading.Event()
        self._block = Frames(np.zeros(0), np.zeros((0, len(held))))
        self._k = 0
        self._over: BaseException | None = None
        self._before: tuple[float, Floats] | None = None
        self._thread = threading.Thread(target=self._work, name="emulated plant", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        """Make blocks until the end or a stop; whatever goes wrong is handed to who reads."""
        try:
            for block in self._made:
                if not self._put(block):
                    return
            self._put(None)
        except BaseException as error:  # it is raised again where values are asked for
            self._put(error)

    def _put(self, item: Frames | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=WAIT_S)
                return True
            except Full:
                continue
        return False

    def at(self, t_s: float, points: slice) -> Floats:
        """True values of ``points`` at ``t_s`` (s since 1970 UTC), not before the last asked for.

        Raises :class:`PlantEndedError` at the end of the period, and whatever the engine has raised.
        """
        while self._k >= len(self._block.ends_s) or self._block.ends_s[self._k] < t_s:
            if self._k < len(self._block.ends_s):
                self._before = (float(self._block.ends_s[self._k]), self._block.values[self._k].copy())
                self._k += 1
                continue
            found = self._over or self._queue.get()
            if found is None:
                found = PlantEndedError("the period of the plant is over")
            if isinstance(found, BaseException):
                self._over = found
                raise found
            self._block, self._k = found, 0
        end, after = float(self._block.ends_s[self._k]), self._block.values[self._k, points]
        if self._before is None:
            return after
        begin, before = self._before
        share = min(1.0, max(0.0, (t_s - begin) / (end - begin)))
        values: Floats = np.where(self._held[points], after, before[points] + share * (after - before[points]))
        return values

    def close(self) -> None:
        """Stop making blocks."""
        self._stop.set()
        self._thread.join()


__all__ = ["Frames", "Plant", "PlantEndedError", "frames", "intervals_per_block"]
