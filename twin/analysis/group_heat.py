"""How hot each group of racks gets over a run, thinned to what a picture can show."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.core.variables import slot

Floats = NDArray[np.float64]
POINTS = 900


@dataclass
class GroupHeat:
    """The hottest rack of each group: the highest of its interval means in each of at most ``POINTS`` stretches.

    ``group_rack`` (group + 1) is the first rack of each group; ``intervals`` of the run.
    """

    group_rack: NDArray[np.int64]
    intervals: int
    _times: list[float] = field(default_factory=list)
    _rows: list[Floats] = field(default_factory=list)
    _seen: int = 0

    def add(self, ends_s: Floats, racks: Floats) -> None:
        """A block: interval ends (n), rows (n, rack, variable)."""
        hottest = np.maximum.reduceat(racks[..., slot("rack_temperature")], self.group_rack[:-1], axis=1)
        stretch = -(-self.intervals // POINTS)
        for end, row in zip(ends_s, hottest, strict=True):
            if self._seen % stretch == 0:
                self._times.append(float(end))
                self._rows.append(row)
            else:
                self._times[-1], self._rows[-1] = float(end), np.fmax(self._rows[-1], row)
            self._seen += 1

    @property
    def times_s(self) -> Floats:
        """Ends of the stretches (n), s since 1970 UTC."""
        return np.array(self._times)

    @property
    def hottest_c(self) -> Floats:
        """(n, group) degC of the watched node; NaN where a hall has no power."""
        return np.array(self._rows)


__all__ = ["POINTS", "GroupHeat"]
