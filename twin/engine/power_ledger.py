"""What the power path gives, takes and loses in a failure, step by step, joined with the ledger of heat.

Ledger of a step, every term in J; the two sides are counted apart, by the path and by the islands::

    grid + generation + discharged - charged + cut = out + stored + lost outdoors + late

    cut    what loads draw from the instant at which they lose their source to the edge of the step, less what the path
           gives from the instant at which they have it again to that edge
    out    heat and losses that leave halls and plants; stored: what their water and metal take (``twin.engine.book``)
    late   losses of the chains of halls in this step less those that stand in their rooms: the step before's

The residual is the difference over ``|grid| + |generation| + |discharged| + |charged| + |out| + sum |C dT|``, with a
floor of 1e-6 of the rated energy of a step. Conversion losses of stores are losses of the element that they stand at.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.engine.book import GROSS, OUTWARD, STORED

Floats = NDArray[np.float64]
# What is recorded at the ends of intervals: means in W, the state at the end otherwise.
MEANS = ("grid", "generation", "discharged", "charged", "cut", "lost")
ENDS = ("soc_least", "soc_mean", "racks_dark")


@dataclass
class PowerLedger:
    """Sums of the running interval, rows of those that have ended, the largest residual."""

    rated_w: float  # IT power of all racks
    interval_s: float
    residual: float = 0.0
    rows: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (*MEANS, *ENDS)})
    _sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MEANS, 0.0))

    def add(self, dt: float, terms: dict[str, float], outdoors: float, late: float, heat: Floats) -> None:
        """Take in a step: the path's ``terms`` (J), its losses ``outdoors``, ``late``; ``heat`` (island, 3) J."""
        out, stored, gross = (float(heat[:, k].sum()) for k in (OUTWARD, STORED, GROSS))
        given = terms["grid"] + terms["generation"] + terms["discharged"]
        left = given - terms["charged"] + terms["cut"] - out - stored - outdoors - late
        scale = abs(given) + abs(terms["charged"]) + abs(out) + gross
        self.residual = max(self.residual, abs(left) / max(scale, 1e-6 * self.rated_w * dt))
        for name in MEANS:
            self._sums[name] += terms[name]

    def close(self, ends: dict[str, float]) -> None:
        """End an interval."""
        for name in MEANS:
            self.rows[name].append(self._sums[name] / self.interval_s)
            self._sums[name] = 0.0
        for name in ENDS:
            self.rows[name].append(ends[name])

    def series(self) -> dict[str, Floats]:
        """The rows as series (time): means in W, states of charge (1), racks."""
        return {name: np.array(rows) for name, rows in self.rows.items()}


__all__ = ["ENDS", "MEANS", "PowerLedger"]
