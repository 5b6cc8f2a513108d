"""Units of a link that feed racks of their own, as limits of headroom: a panel is full before its bank is.

Equations: with ``e`` W more on some racks, spread by rating, what a unit delivers rises with the parts of their cords
that end on it, ``e`` ends at the least of ``(limit - delivered)/(d delivered/d e)`` over these units; after the loss of
one of them its racks draw on their other cord. Lines are straight but for the loss of units below (secant, some steps).

Symbols: powers in W, racks in the order of the Plan. Units whose rating is not known end nothing; ``twin n1`` tells
them. Source: ``twin.power.network``; limits of ``twin.site.ratings``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.engine.mechanical import mechanical_w
from twin.power.network import Flows, solve
from twin.site.load import LoadedSite
from twin.site.model import ChainLink
from twin.site.plan import Floats, Ints, Plan
from twin.site.power_site import power_site

SECANT_STEPS = 4


@dataclass(frozen=True)
class Full:
    """Extra W until a unit is full, the unit and its loading at present, and what is lost (empty: nothing)."""

    extra_w: float
    where: str
    loading: float
    loss: str = ""


class OwnUnits:
    """The units of a site that feed racks of their own, at the power of all racks (group) W."""

    def __init__(self, loaded: LoadedSite, plan: Plan, on: NDArray[np.uint8], power: Floats) -> None:
        self.site = power_site(loaded, plan)
        items = enumerate(self.site.backed)
        self.units = np.array([n for n, item in items if isinstance(item, ChainLink) and item.own], np.int64)
        self._blocks = [n for n, role in enumerate(self.site.role) if role == "racks"]
        self._first = [self.site.racks[n].start for n in self._blocks]
        group = plan.arrays.group
        racks = np.diff(plan.arrays.group_rack)
        hall = np.searchsorted(plan.arrays.hall_group, np.arange(len(group)), side="right") - 1
        self._rated = np.repeat(group[:, Group.RATED] * (on[hall] > 0), racks)
        drawn = np.repeat(power / group[:, Group.COUNT], racks)
        self.demand = self.site.demand(drawn, mechanical_w(plan, on, power), np.zeros(len(plan.arrays.fac)))

    def rooms(self, racks: Ints) -> tuple[list[Full], list[Full]]:
        """The least extra of ``racks`` (indices) with all units there (at most one), and after the loss of each.

        Empty where none of the racks hangs on such a unit. A loss that takes some of the racks with it is left out.
        """
        more, all_there = self._by_node(racks), np.ones(len(self.demand))
        whole, left = self._least(more, all_there), []
        for n in self._reached(more, all_there):
            up = all_there.copy()
            up[n] = 0.0
            if np.all(self._flows(more, up).alive[more > 0.0]) and (full := self._least(more, up)) is not None:
                left.append(Full(full.extra_w, full.where, full.loading, self.site.name[n]))
        return [] if whole is None else [whole], left

    def _by_node(self, racks: Ints) -> Floats:
        """What the loads draw more of one watt more on ``racks``."""
        share = np.zeros(len(self._rated))
        share[racks] = self._rated[racks]
        found = np.zeros(len(self.demand))
        if share.sum() > 0.0:
            found[self._blocks] = np.add.reduceat(share / share.sum(), self._first)
        return found

    def _flows(self, more: Floats, up: Floats) -> Flows:
        return solve(self.site.net, self.demand + more, up)

    def _reached(self, more: Floats, up: Floats) -> Ints:
        """Units that carry something of ``more``."""
        found: Ints = self.units[solve(self.site.net, more, up).out[self.units] > 1e-12]
        return found

    def _least(self, more: Floats, up: Floats) -> Full | None:
        """The least extra until a unit is full; None where no unit that carries of it has a limit."""
        limit = self.site.net.normal * up
        units = self._reached(more, up)
        units = units[np.isfinite(limit[units])]
        if not len(units):
            return None
        low = now = self._flows(0.0 * more, up).out[units]
        extra, width = 0.0, float(self.demand.sum()) + 1.0
        at = 0
        for _ in range(SECANT_STEPS):
            slope = (self._flows((extra + width) * more, up).out[units] - low) / width
            room = (limit[units] - low) / slope
            at = int(np.argmin(room))
            extra, width = extra + float(room[at]), 1.0 + 1e-3 * abs(float(room[at]))
            low = self._flows(extra * more, up).out[units]
        return Full(extra, self.site.name[int(units[at])], float(now[at] / limit[units[at]]))


__all__ = ["Full", "OwnUnits"]
