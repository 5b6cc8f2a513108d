"""The steps of a run: regular, but split wherever a hall is energised or a tranche begins.

Blocks hold a fixed number of output intervals counted from the start, so that a resumed run meets the same blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import Faults, Problem, option
from twin.engine.period import lasting

# A block holds its forcing by the step and its rows by the interval. bench-32k at 60 s peaks at 231 MB with 4,096
# steps and 209 MB with 1,440; without a bound on the intervals, half-hour steps took 1 GB for the CDUs' rows.
STEPS_PER_BLOCK = 2_048
MOST_INTERVALS = 168
LONGEST_STEP_S = 3600.0


@dataclass(frozen=True)
class Block:
    """Steps of a block: ends and lengths (n, s), the output interval that each closes (-1 none), interval ends."""

    index: int
    first: int  # first output interval
    t_end: NDArray[np.float64]
    dt: NDArray[np.float64]
    closes: NDArray[np.int64]
    interval_end: NDArray[np.float64]
    segments: list[tuple[int, int]]  # steps between two events


@dataclass(frozen=True)
class Timeline:
    """Period, step and output interval, s; ``events`` are instants at which a step must end."""

    start: float
    end: float
    step: float
    interval: float
    events: NDArray[np.float64]
    intervals_per_block: int

    @property
    def intervals(self) -> int:
        """Number of output intervals."""
        return round((self.end - self.start) / self.interval)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.intervals // self.intervals_per_block)

    def block(self, index: int) -> Block:
        """The steps of block ``index``."""
        first = index * self.intervals_per_block
        last = min(self.intervals, first + self.intervals_per_block)
        t0, t1 = self.start + first * self.interval, self.start + last * self.interval
        inside = self.events[(self.events > t0) & (self.events < t1)]
        regular = t0 + self.step * np.arange(round((t1 - t0) / self.step) + 1)
        edges = np.union1d(regular, inside)
        interval_end = self.start + self.interval * np.arange(first + 1, last + 1, dtype=np.float64)
        t_end = edges[1:]
        closes = np.full(len(t_end), -1, np.int64)
        closes[np.searchsorted(t_end, interval_end)] = np.arange(last - first)
        cuts = [0, *(int(i) + 1 for i in np.flatnonzero(np.isin(t_end, inside))), len(t_end)]
        segments = [(a, b) for a, b in pairwise(cuts) if b > a]
        return Block(index, first, t_end, np.diff(edges), closes, interval_end, segments)


def make_timeline(
    start: float,
    end: float,
    step: float,
    interval: float,
    events: NDArray[np.float64],
    intervals_per_block: int | None = None,
) -> Timeline:
    """A checked timeline; ``intervals_per_block`` (>= 1) replaces the block size that suits memory.

    Raises ``InputError`` when the period is empty or step, interval and period do not fit.
    """
    faults, every = Faults(), option("every=")
    if not end > start:
        faults.problems.append(Problem(option("end="), "the period is empty"))
    if not 0.0 < step <= LONGEST_STEP_S:
        expected = f"expected > 0 and <= {lasting(LONGEST_STEP_S)}"
        faults.problems.append(Problem(option("step="), f"a step of {lasting(step)} is out of range, {expected}"))
    elif not _multiple(interval, step):
        what = f"the output interval {lasting(interval)} must be a multiple of the step {lasting(step)}"
        faults.problems.append(Problem(every, what))
    if end > start and not _multiple(end - start, interval):
        asked, whole = f"an output interval of {lasting(interval)}", f"the period of {lasting(end - start)}"
        fits = "is longer than" if interval > end - start else "does not divide"
        faults.problems.append(Problem(every, f"{asked} {fits} {whole}: it must hold a whole number of them"))
    faults.tell()
    per_block = intervals_per_block or min(MOST_INTERVALS, max(1, int(STEPS_PER_BLOCK * step // interval)))
    return Timeline(start, end, step, interval, np.unique(events), per_block)


def _multiple(a: float, b: float) -> bool:
    return a >= b and abs(a / b - round(a / b)) < 1e-9
