"""The headroom of one element after the other: present, design, after each single loss.

A loss is one unit of a bank of several (``twin.engine.lost``). What stands alone is no such question: the racks on it
are lost with it, and are told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.analysis.headroom_options import Asked
from twin.analysis.headroom_state import at_banks
from twin.analysis.headroom_steps import Step, steps_of
from twin.analysis.headroom_transient import Transient, transients
from twin.analysis.headroom_units import Full, OwnUnits
from twin.core.columns import Group
from twin.core.errors import InputError
from twin.engine.loading import ELEMENT, LIMITS_EACH, Bools, Floats
from twin.engine.lost import Bank, banks, fallen, without
from twin.engine.room import Rooms, Spread, spread_over
from twin.forcing.coincident import Air
from twin.site.plan import Ints, Plan

EXTREME = "20-year dry bulb"


@dataclass(frozen=True)
class Room:
    """Headroom in W and the limit that ends it; ``unmet``: exceeded even without any power of these racks.

    ``day`` is the weather it holds in, ``loss`` the element of which ``units`` are lost.
    """

    extra_w: float
    limit: str
    where: str
    unmet: bool
    day: str
    loss: str = ""
    units: str = ""


@dataclass(frozen=True)
class Single:
    """What stands alone: with it, racks of ``rated_w`` are lost (of several ``what`` alike: with the fullest)."""

    name: str
    rated_w: float
    alike: int = 1
    what: str = "CDUs"


@dataclass(frozen=True)
class Row:
    """An element's headroom; all None and empty where none of its racks is energised yet."""

    name: str
    role: str
    racks: int
    rated_w: float
    it_w: float
    present: Room | None = None
    design: Room | None = None
    extreme: Room | None = None
    n_1: Room | None = None
    losses: tuple[Room, ...] = ()
    singles: tuple[Single, ...] = ()
    steps: tuple[Step, ...] = ()
    transients: tuple[Transient, ...] = ()

    @property
    def transient_ok(self) -> bool | None:
        """Whether the transfer after no loss trips anything with the N-1 headroom added; None: not looked at."""
        return all(one.ok for one in self.transients) if self.transients else None


class Case:
    """The site in all the states that headroom is asked in, each set up once."""

    def __init__(
        self, asked: Asked, plan: Plan, on: NDArray[np.uint8], contract: float, power: Floats, air: Air,
        days: dict[str, Air], extreme: Air | None,
    ) -> None:  # fmt: skip
        self.asked, self.plan, self.on, self.power, self.days = asked, plan, on, power, days
        self._contract = contract
        self.present = Rooms(plan, on, contract, power, air)
        self.places = self.present.places
        self.design = self._on_days(plan, days)
        self.extreme = self._on_days(plan, {EXTREME: extreme} if extreme else {})
        self.banks = banks(asked.loaded, plan)
        self._own = OwnUnits(asked.loaded, plan, on, power)
        self._lost: dict[str, dict[str, Rooms] | None] = {}

    def _on_days(self, plan: Plan, days: dict[str, Air]) -> dict[str, Rooms]:
        extra = self.asked.recirculation_k
        return {
            day: Rooms(plan, self.on, self._contract, self.power, air, at_banks(plan, air, extra))
            for day, air in days.items()
        }

    def lost(self, name: str) -> dict[str, Rooms] | None:
        """The design days with one unit of a bank lost; None where nothing is left of it."""
        if name not in self._lost:
            try:
                left = without(self.asked.loaded, self.plan, name, self.banks[name].each)
                self._lost[name] = self._on_days(left, self.days)
            except InputError:
                self._lost[name] = None
        return self._lost[name]

    def row(self, name: str, role: str, racks: Floats, which: Ints) -> Row:
        """The headroom of an element with ``racks`` (group, how many of each), those ``which`` of the Plan's racks."""
        group = self.plan.arrays.group
        count, rated = int(racks.sum()), float((racks * group[:, Group.RATED]).sum())
        spread = spread_over(self.plan, self.on, self.power, racks, self.places)
        if spread is None:
            return Row(name, role, count, rated, 0.0)
        full, left = self._own.rooms(which)
        present = _less(self._room("present", self.present, spread), full)
        design = _less(self._least(self.design, spread), full)
        feeding = [n for n, bank in self.banks.items() if bank.kind != "economizer" and self._feeds(bank, spread)]
        losses, alone = [], []
        for n in feeding:
            rooms = self.lost(n)
            room = None if rooms is None else self._least(rooms, spread, loss=n)
            # A single chiller without which not even idle racks are cooled stands alone as well.
            if room is None or (room.unmet and self.banks[n].count == 1):
                alone.append(n)
            else:
                losses.append(room)
        losses.sort(key=lambda room: room.extra_w)
        panels = [Step(ELEMENT, unit.where, unit.loading, unit.extra_w, unit.extra_w) for unit in full]
        steps = steps_of(self.plan, spread, self.places, self.present, list(self.design.values()), panels)
        n_1 = _less(min([design, *losses], key=lambda room: room.extra_w), left)
        return Row(
            name, role, count, rated, spread.it_w, present, design,
            _less(self._least(self.extreme, spread), full) if self.extreme else None, n_1, tuple(losses),
            tuple(self._singles(racks, alone)), tuple(steps), self._transients(spread, n_1, tuple(losses)),
        )  # fmt: skip

    def _transients(self, spread: Spread, n_1: Room, losses: tuple[Room, ...]) -> tuple[Transient, ...]:
        """What the losses trip on the way with the N-1 headroom added, where that is asked for and can be met."""
        if not self.asked.transient or n_1.unmet:
            return ()
        extra = self.asked.recirculation_k
        banks_air = {day: at_banks(self.plan, air, extra) for day, air in self.days.items()}
        power = np.maximum(0.0, self.power + n_1.extra_w * spread.share)
        return transients(self.asked.loaded, self.plan, self.asked.at_s, power, losses, banks_air)

    def _feeds(self, bank: Bank, spread: Spread) -> bool:
        """Whether units of a bank stand on the paths of a spread."""
        plan = self.plan
        if bank.kind in ("chillers", "rejection", "loop_pumps"):
            return bool(spread.facs[bank.index])
        if bank.kind in ("manifold", "cdu_pumps"):
            return bool(spread.limits[LIMITS_EACH * bank.index])
        if bank.kind == "air":
            return bool(spread.halls[plan.arrays.sec_hall[bank.index]])
        return bool(spread.limits[self.places.element + bank.index])

    def _least(self, rooms: dict[str, Rooms], spread: Spread, loss: str = "") -> Room:
        return min((self._room(day, one, spread, loss) for day, one in rooms.items()), key=lambda room: room.extra_w)

    def _room(self, day: str, rooms: Rooms, spread: Spread, loss: str = "") -> Room:
        found = rooms.room(spread)
        limit, where = ("none", "") if found.place < 0 else (self.places.limit[found.place],
                                                             self.places.where[found.place])  # fmt: skip
        units = f"{self.banks[loss].each} of {self.banks[loss].count}" if loss else ""
        return Room(found.extra_w, limit, where, found.unmet, day, loss, units)

    def _singles(self, racks: Floats, names: Iterable[str]) -> list[Single]:
        """What feeds a spread and stands alone, CDUs among it, with the rated power of these racks on it."""
        a, on = self.plan.arrays, self.on
        hall = np.searchsorted(a.hall_group, np.arange(len(a.group)), side="right") - 1
        rated = racks * on[hall] * a.group[:, Group.RATED]
        made = []
        behind = np.bincount(a.group_liquid[a.group_liquid >= 0], rated[a.group_liquid >= 0], len(a.sec))
        several = {bank.index for bank in self.banks.values() if bank.kind == "manifold"}
        cdus = [j for j in self.plan.labels.cdu_sec if behind[j] > 0.0 and j not in several]
        if cdus:
            most = max(cdus, key=lambda j: behind[j])
            made.append(Single(self.plan.labels.sec[most], float(behind[most]), len(cdus)))
        for name in names:
            bank, lost = self.banks[name], float(rated[self._on_it(self.banks[name])[hall]].sum())
            systems = bank.count // bank.each if bank.alone else 1
            made.append(Single(name, lost / systems, systems, "systems"))
        return made

    def _on_it(self, bank: Bank) -> Bools:
        """Halls that lose their racks with the last unit of a bank."""
        a, halls = self.plan.arrays, len(self.plan.labels.hall)
        found = np.zeros(halls, bool)
        if bank.kind == "air":
            found[a.sec_hall[bank.index]] = True
        elif bank.kind == "link":
            found[np.searchsorted(a.hall_element, bank.index, side="right") - 1] = True
        elif bank.kind == "element":
            dead, _ = fallen(self.plan, bank.index)
            for f in [f for f in range(len(a.fac)) if int(a.port[halls + f]) in dead]:
                found[a.sec_hall[a.sec_fac == f]] = True
            found |= np.isin(a.port[:halls], list(dead))
        else:
            found[a.sec_hall[a.sec_fac == bank.index]] = True
        return found


def _less(room: Room, units: Iterable[Full]) -> Room:
    """The least of a headroom and of what the units that feed racks of their own leave, in the same weather."""
    found = [Room(u.extra_w, ELEMENT, u.where, False, room.day, u.loss, "1 of 1" if u.loss else "") for u in units]
    return min([room, *found], key=lambda one: one.extra_w)


__all__ = ["Case", "Room", "Row", "Single"]
