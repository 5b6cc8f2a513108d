"""What no rack trips by and no one wants: coolant below the least flow of its racks, coolant below the dew point.

Equation (V volume flow of a coolant loop, T its supply, P_g power and l_g liquid share of the racks g behind it)::

    share = V / sum_g v_min,g(T) l_g P_g            below 1: less than they need (``Rack.minimum_flow``)

Computed from what is recorded, outside the loop; racks that draw nothing need none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group, Sec
from twin.core.coolant import density
from twin.core.units import KW, LPM
from twin.core.variables import slot
from twin.racks.rack import Rack
from twin.site.load import LoadedSite
from twin.site.lower_hall import HALF_RISE_K
from twin.site.plan import Plan

Floats = NDArray[np.float64]
# Flow follows power with a lag: what swings by less is the control's, not a lack.
NOTED = 0.02
# What a sensor in the coolant resolves.
RESOLVED_K = 0.01
# CDUs that a timeline names one by one.
FEW = 4


@dataclass
class CoolantWatch:
    """The coolant loops of a plan, interval by interval: flow per least flow of their racks, supply."""

    plan: Plan
    loaded: LoadedSite
    shares: list[Floats] = field(default_factory=list)
    supplies: list[Floats] = field(default_factory=list)

    def __post_init__(self) -> None:
        labels, site, library = self.plan.labels, self.loaded.site, self.loaded.library
        kinds = {kind: library.get(kind, Rack) for kind in dict.fromkeys(labels.group_kind)}
        liquid = self.plan.arrays.group_liquid
        racks = [(g, int(liquid[g]), kinds[kind]) for g, kind in enumerate(labels.group_kind) if liquid[g] >= 0]
        self._racks = [(g, j, rack) for g, j, rack in racks if rack.minimum_flow]
        halls = [labels.hall[h].partition("/") for h in self.plan.arrays.sec_hall[labels.cdu_sec]]
        templates = [site.templates[site.buildings[building].halls[hall].template] for building, _, hall in halls]
        self._dew_point = np.array([template.air.dew_point_c for template in templates])

    def add(self, cdus: Floats, power: Floats) -> None:
        """Take in the rows of coolant loops (interval, loop, variable) and the racks' power (interval, group, W)."""
        a = self.plan.arrays
        need, moved = np.zeros(cdus.shape[:2]), np.zeros(cdus.shape[:2])
        at = {j: n for n, j in enumerate(self.plan.labels.cdu_sec)}
        for g, j, rack in self._racks:
            n = at[j]
            least = rack.least_flow(cdus[:, n, slot("cdu_supply_temperature")])
            need[:, n] += least * LPM * a.group[g, Group.LIQUID_SHARE] * power[:, g] / KW
            moved[:, n] = cdus[:, n, slot("cdu_flow")] / density(rack.coolant, a.sec[j, Sec.SET] + HALF_RISE_K)
        self.shares.append(np.divide(moved, need, out=np.full(need.shape, np.inf), where=need > 0.0))
        on = cdus[:, :, slot("cdu_flow")] > 0.0
        self.supplies.append(np.where(on, cdus[:, :, slot("cdu_supply_temperature")], np.inf))

    def below_least_flow(self, times_s: Floats) -> list[tuple[str, float, float]]:
        """Coolant loops below the least flow of their racks: name, end of the first interval (s), lowest share."""
        return self._below(self.shares, np.full(len(self._dew_point), 1.0 - NOTED), times_s)

    def below_dew_point(self, times_s: Floats) -> list[tuple[str, float, float]]:
        """Coolant loops below the dew point of their room: name, end of the first interval (s), coldest supply."""
        return self._below(self.supplies, self._dew_point - RESOLVED_K, times_s)

    def _below(self, parts: list[Floats], limits: Floats, times_s: Floats) -> list[tuple[str, float, float]]:
        values, found = np.concatenate(parts), []
        for n, name in enumerate(self.plan.labels.cdu):
            low = values[:, n] < limits[n]
            if low.any():
                found.append((name, float(times_s[int(np.argmax(low))]), float(values[:, n].min())))
        return found


def coolant_rows(watch: CoolantWatch, times_s: Floats, begin: float) -> list[dict[str, Any]]:
    """What coolant does as rows of a timeline, s after ``begin``: each CDU by itself, or many of them as one row."""
    low = [(name, at, f"{100.0 * share:.0f} %", share) for name, at, share in watch.below_least_flow(times_s)]
    cold = [(name, at, f"{supply:.1f} degC", supply) for name, at, supply in watch.below_dew_point(times_s)]
    return [
        *_folded(low, ("below the least flow of its racks", "below the least flow of their racks"), begin),
        *_folded(cold, ("below the dew point of the room air",) * 2, begin),
    ]


def _folded(found: list[tuple[str, float, str, float]], words: tuple[str, str], begin: float) -> list[dict[str, Any]]:
    one, several = words
    if len(found) <= FEW:
        return [{"s": at - begin, "what": f"coolant of {name} {one}, down to {down}"} for name, at, down, _ in found]
    name, at, _, _ = min(found, key=lambda row: row[1])
    last, worst = max(row[1] for row in found), min(found, key=lambda row: row[3])[2]
    until = f" until {last - begin:,.1f} s" if last > at else ""
    what = f"coolant of {len(found)} CDUs {several}{until}, first {name}, down to {worst}"
    return [{"s": at - begin, "what": what}]


__all__ = ["CoolantWatch", "coolant_rows"]
