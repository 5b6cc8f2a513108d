"""Coolant against the least that racks state for the temperature of their inlet (``Rack.minimum_flow``).

Equation (V volume flow of a coolant loop, T its supply, P_g power and l_g liquid share of the racks g behind it)::

    share = V / sum_g v_min,g(T) l_g P_g            below 1: less than they need

Computed from what is recorded, outside the loop; racks that draw nothing need none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group, Sec
from twin.core.coolant import density
from twin.core.units import KW, LPM
from twin.core.variables import slot
from twin.racks.rack import Rack
from twin.site.library import Library
from twin.site.lower_hall import HALF_RISE_K
from twin.site.plan import Plan

Floats = NDArray[np.float64]
# Flow follows power with a lag: what swings by less is the control's, not a lack.
NOTED = 0.02


@dataclass
class LeastFlow:
    """The coolant loops of a plan whose racks state a least flow, and the flow per least flow seen so far."""

    plan: Plan
    library: Library
    shares: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        kinds = {kind: self.library.get(kind, Rack) for kind in dict.fromkeys(self.plan.labels.group_kind)}
        self._racks = [(g, kinds[kind]) for g, kind in enumerate(self.plan.labels.group_kind)]
        self._racks = [(g, rack) for g, rack in self._racks if rack.minimum_flow and self._loop(g) >= 0]

    def _loop(self, group: int) -> int:
        return int(self.plan.arrays.group_liquid[group])

    def add(self, cdus: Floats, power: Floats) -> None:
        """Take in the rows of coolant loops (interval, loop, variable) and the racks' power (interval, group, W)."""
        a, labels = self.plan.arrays, self.plan.labels
        need = np.zeros(cdus.shape[:2])
        moved = np.zeros(cdus.shape[:2])
        at = {j: n for n, j in enumerate(labels.cdu_sec)}
        for g, rack in self._racks:
            n = at[self._loop(g)]
            least = rack.least_flow(cdus[:, n, slot("cdu_supply_temperature")])
            need[:, n] += least * LPM * a.group[g, Group.LIQUID_SHARE] * power[:, g] / KW
            rho = density(rack.coolant, a.sec[self._loop(g), Sec.SET] + HALF_RISE_K)
            moved[:, n] = cdus[:, n, slot("cdu_flow")] / rho
        self.shares.append(np.divide(moved, need, out=np.full(need.shape, np.inf), where=need > 0.0))

    def below(self, times_s: Floats) -> list[tuple[str, float, float]]:
        """Coolant loops below the least flow: name, the end of the first interval (s), the lowest share."""
        if not self.shares:
            return []
        shares, found = np.concatenate(self.shares), []
        for n, name in enumerate(self.plan.labels.cdu):
            low = shares[:, n] < 1.0 - NOTED
            if low.any():
                found.append((name, float(times_s[int(np.argmax(low))]), float(shares[:, n].min())))
        return found


__all__ = ["LeastFlow"]
