"""Rows of a driven run: those of each step by name, and those of an output interval in the layout of every run.

The mean over an interval is that of its steps, a maximum the largest of theirs, an end that of the last one, as the
variable table says. Temperatures are means over the part in which a hall has power. Latencies are told once an
interval, as a run in blocks does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.core.variables import LEVELS, rows
from twin.engine.run import blank_unenergised
from twin.site.plan import Plan

Floats = NDArray[np.float64]
NAMES: dict[str, list[str]] = {level: [row.name for row in rows(level)] for level in LEVELS}
MEANS: dict[str, int] = {level: len(rows(level, "mean")) for level in LEVELS}
MAXIMA: dict[str, int] = {level: len(rows(level, "maximum")) for level in LEVELS}
TOLD = "latency"  # a level whose last row stands for the interval


def by_name(levels: dict[str, Floats]) -> dict[str, Floats]:
    """Arrays over the items of each level by variable name, from rows (1, item, variable)."""
    found: dict[str, Floats] = {}
    for level, part in levels.items():
        apart = np.moveaxis(part[0], -1, 0).copy()  # one variable after the other, and never changed again
        found.update(zip(NAMES[level], apart, strict=True))
    return found


class Interval:
    """The running output interval."""

    def __init__(self) -> None:
        self._sums: dict[str, Floats] = {}

    def add(self, levels: dict[str, Floats], dt: float) -> None:
        """Add a step's rows, before anything of them is made blank."""
        for level, part in levels.items():
            m = MEANS[level]
            last = m + MAXIMA[level]
            if level not in self._sums or level == TOLD:
                self._sums[level] = part.copy()
                if level != TOLD:
                    self._sums[level][..., :m] *= dt
                continue
            acc = self._sums[level]
            acc[..., :m] += part[..., :m] * dt
            np.maximum(acc[..., m:last], part[..., m:last], out=acc[..., m:last])
            acc[..., last:] = part[..., last:]

    def close(self, plan: Plan, length_s: float) -> dict[str, Floats]:
        """The rows of an interval of ``length_s``, made blank where nothing has power; a new one begins."""
        found, self._sums = self._sums, {}
        for level, acc in found.items():
            if level != TOLD:
                acc[..., : MEANS[level]] /= length_s
        blank_unenergised(plan, found)
        return found

    def save(self) -> dict[str, Floats]:
        """A copy of what has been added up."""
        return {level: part.copy() for level, part in self._sums.items()}

    def load(self, saved: dict[str, Floats]) -> None:
        """Go on from what ``save`` gave."""
        self._sums = {level: part.copy() for level, part in saved.items()}


__all__ = ["Interval", "by_name"]
