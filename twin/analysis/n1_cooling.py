"""Every single loss in the cooling: one unit of each bank, each CDU that stands alone, pumps, on the design days.

What is left is a Plan of its own (``twin.engine.lost``) whose limits are loaded as in the headroom
(``twin.engine.loading``): steady after transfer, set points held. Loading 1 is the first limit of flow, exchanger,
inlet temperature, coil or plant; there is no emergency limit beyond. Racks behind what is lost as a whole are uncooled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from twin.core.errors import InputError
from twin.engine.loading import Places
from twin.engine.lost import Bank, banks, without
from twin.engine.room import Rooms
from twin.forcing.coincident import Air
from twin.site.load import LoadedSite
from twin.site.plan import Floats, Ints, Plan

MORE = 1e-9
COOLING = ("chillers", "economizer", "rejection", "air", "manifold", "cdu_pumps", "loop_pumps")
KINDS = {"cdu_pumps": "pump", "loop_pumps": "pump", "manifold": "cdu", "chillers": "chiller"}


@dataclass(frozen=True)
class CoolingLoss:
    """A single loss and what it leaves; ``loading`` of what carries more than before, None where nothing does."""

    element: str
    kind: str
    units: str
    loading: float | None
    limit: str
    where: str
    uncooled: Ints


class CoolingPath:
    """The cooling of a site at one load, on its design days."""

    def __init__(
        self, loaded: LoadedSite, plan: Plan, rooms: Mapping[str, Rooms], days: Mapping[str, Air],
        on: np.ndarray, contract: float, power: Floats,
    ) -> None:  # fmt: skip
        self.loaded, self.plan, self.days = loaded, plan, days
        self._state = (on, contract, power)
        self.places: Places = next(iter(rooms.values())).places
        self.before = np.max([one.loadings() for one in rooms.values()], axis=0)[: self.places.element]
        a = plan.arrays
        self._group = np.repeat(np.arange(len(a.group)), np.diff(a.group_rack))
        self._on = on[a.sec_hall[a.group_air]] > 0

    def losses(self) -> Iterator[CoolingLoss]:
        """Every single loss in what is energised, in the order of the Plan."""
        a, labels = self.plan.arrays, self.plan.labels
        known = {name: bank for name, bank in banks(self.loaded, self.plan).items() if bank.kind in COOLING}
        for name, j in zip(labels.cdu, labels.cdu_sec, strict=True):
            racks = self._racks(a.group_liquid == j)
            if name not in known and len(racks):
                yield CoolingLoss(name, "cdu", "1 of 1", None, "", "", racks)
        for name, bank in known.items():
            if len(self._behind(bank)):
                yield self._lost(name, bank)

    def _lost(self, name: str, bank: Bank) -> CoolingLoss:
        kind, units = KINDS.get(bank.kind, bank.kind), f"1 of {bank.count}" if bank.count > 1 else "1 of 1"
        try:
            left = without(self.loaded, self.plan, name)
        except InputError:
            return CoolingLoss(name, kind, units, None, "", "", self._behind(bank))
        on, contract, power = self._state
        after = np.max([Rooms(left, on, contract, power, air).loadings() for air in self.days.values()], axis=0)
        after = after[: self.places.element]
        more = np.where(after > self.before + MORE, after, -1.0)
        worst = int(more.argmax())
        if more[worst] < 0.0:
            return CoolingLoss(name, kind, units, None, "", "", np.zeros(0, np.int64))
        return CoolingLoss(
            name, kind, units, float(more[worst]), self.places.limit[worst], self.places.where[worst],
            np.zeros(0, np.int64),
        )  # fmt: skip

    def _behind(self, bank: Bank) -> Ints:
        """Racks that need a bank."""
        a = self.plan.arrays
        if bank.kind == "air":
            return self._racks(a.group_air == bank.index)
        if bank.kind in ("manifold", "cdu_pumps"):
            return self._racks(a.group_liquid == bank.index)
        liquid = np.where(a.group_liquid >= 0, a.sec_fac[a.group_liquid], -1) == bank.index
        return self._racks(liquid | (a.sec_fac[a.group_air] == bank.index))

    def _racks(self, groups: np.ndarray) -> Ints:
        """Racks of the energised among ``groups`` (group, bool)."""
        return np.flatnonzero((groups & self._on)[self._group])


__all__ = ["CoolingLoss", "CoolingPath"]
