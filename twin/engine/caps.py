"""Power caps of services and lost systems over time: what acts on the fleet within the step.

Between the instants of a schedule values run straight, before the first and after the last nothing is held back. A step
is held to the lowest cap that it meets.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Caps:
    """Caps of each service in W at its racks' AC input, and the share of each pool's systems that is left.

    ``times_s`` (k) s since 1970 UTC, ascending; ``watts`` (k, service), inf: none; ``left`` (k, pool) 0..1.
    """

    times_s: Floats
    watts: Floats
    left: Floats

    def power(self, start_s: Floats, end_s: Floats) -> Floats:
        """Cap of each step, (step, service) W."""
        return self._lowest(self.watts, start_s, end_s, np.inf)

    def systems(self, start_s: Floats, end_s: Floats) -> Floats:
        """Share of the systems that is left in each step, (step, pool)."""
        return self._lowest(self.left, start_s, end_s, 1.0)

    def _lowest(self, values: Floats, start: Floats, end: Floats, outside: float) -> Floats:
        inside = (end > self.times_s[0]) & (start < self.times_s[-1])
        at_start, at_end = (np.clip(t, self.times_s[0], self.times_s[-1]) for t in (start, end))
        made = np.full((len(start), values.shape[1]), outside)
        for column in range(values.shape[1]):
            ends = [np.interp(t, self.times_s, values[:, column]) for t in (at_start, at_end)]
            made[inside, column] = np.minimum(*ends)[inside]
        return made

    def digest(self) -> str:
        """SHA-256 of the schedule."""
        made = hashlib.sha256()
        for part in (self.times_s, self.watts, self.left):
            made.update(f"{part.shape}".encode() + np.ascontiguousarray(part).tobytes())
        return made.hexdigest()


__all__ = ["Caps"]
