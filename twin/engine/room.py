"""Headroom of any set of racks: the most extra power, spread over them by rating, before the first of chosen limits.

``x`` W more over racks of the share ``s_g`` (sum 1) of each group, all others held, controls settled::

    headroom = max { x : L_i(P + x s) <= 1 for every limit i on the paths of these racks }

``L_i`` are the loadings of ``twin.engine.loading``; they rise with ``x``, so the root is bracketed and closed in from
below: adding it violates nothing, 1 % more violates the limit that is named. Negative: what has to go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.core.root import illinois
from twin.engine.loading import HANDED, Bools, Floats, Places, loadings, places
from twin.engine.run import contract_w, reachable
from twin.forcing.coincident import Air
from twin.site.plan import Plan

BRACKET_STEPS, CLOSE_STEPS = 12, 40
# Relative width of the bracket; and the least headroom that it is relative to, per rated power.
CLOSE, LEAST = 2e-4, 1e-4
_illinois = illinois.py_func  # type: ignore[attr-defined]  # kernels alone may call the compiled one


@dataclass(frozen=True)
class Spread:
    """Racks that take extra power: ``share`` (group, sums to 1), and which ``limits`` (place) stand on their paths."""

    share: Floats
    limits: Bools
    it_w: float  # present
    rated_w: float
    halls: NDArray[np.uint8]
    facs: NDArray[np.uint8]


@dataclass(frozen=True)
class Found:
    """Extra power in W and the place of the limit that ends it (-1: none does).

    ``unmet``: the limit is exceeded even with all power of these racks taken away.
    """

    extra_w: float
    place: int
    unmet: bool = False


class Rooms:
    """A plan with racks of a given power in given air: asks for headroom and loadings.

    ``plant_air`` is the air at each rejection bank (loop), where it is not ``air``.
    """

    def __init__(
        self, plan: Plan, on: NDArray[np.uint8], contract: float, power: Floats, air: Air,
        plant_air: list[Air] | None = None,
    ) -> None:  # fmt: skip
        a = plan.arrays
        halls, facs = len(plan.labels.hall), len(a.fac)
        self._plan, self._on, self._power, self._contract = plan, on, power, contract
        self._air = _row(air)
        self._plant = np.array([_row(one) for one in plant_air or [air] * facs])
        self.places = places(plan)
        self._handed, self._ports = np.zeros((halls, HANDED)), np.zeros(halls + facs)
        self._work = np.zeros((3, max(len(a.sec), len(a.element), facs)))
        self._loops, self._out = np.zeros((facs, 2)), np.zeros(self.places.count)
        self._all = np.ones(halls, np.uint8), np.ones(facs, np.uint8)
        self._fresh = False

    def loadings(self, spread: Spread | None = None, extra: float = 0.0) -> Floats:
        """Loading of every limit (place) with ``extra`` W on a spread."""
        if not self._fresh:
            self._run(self._power, *self._all)
            self._fresh = True
        if spread is None:
            return self._out.copy()
        self._run(self._power + extra * spread.share, spread.halls, spread.facs)
        return self._out.copy()

    def plants(self) -> Floats:
        """What the plant of each loop draws, W (loop)."""
        self.loadings()
        return self._ports[len(self._on) :].copy()

    def _run(self, power: Floats, halls: NDArray[np.uint8], facs: NDArray[np.uint8]) -> None:
        at = self.places
        loadings(
            self._plan.arrays, self._on, halls, facs, power, self._air, self._plant, self._contract, at.group, at.fac,
            at.element, self._handed, self._ports, self._work, self._loops, self._out,
        )  # fmt: skip

    def excess(self, spread: Spread, extra: float, limits: Bools) -> tuple[float, int]:
        """Largest of the loadings ``limits`` less 1, and its place."""
        found = np.where(limits, self.loadings(spread, extra), -1.0)
        place = int(np.argmax(found))
        return float(found[place]) - 1.0, place

    def room(self, spread: Spread, limits: Bools | None = None) -> Found:
        """Headroom of a spread, to the first of ``limits`` (default: all on its paths)."""
        chosen = spread.limits if limits is None else limits
        found = self._room(spread, chosen)
        self._run(self._power, spread.halls, spread.facs)  # what the next spread starts from
        return found

    def holds(self, spread: Spread, extra: float) -> bool:
        """Whether ``extra`` W violate nothing on the paths of a spread."""
        g, _ = self.excess(spread, extra, spread.limits)
        self._run(self._power, spread.halls, spread.facs)
        return g <= 0.0

    def _room(self, spread: Spread, limits: Bools) -> Found:
        least = LEAST * spread.rated_w
        g, place = self.excess(spread, 0.0, limits)
        if g > 0.0:
            lo, hi, g_hi = -spread.it_w, 0.0, g
            g_lo, code = self.excess(spread, lo, limits)
            if g_lo > 0.0:
                return Found(lo, code, unmet=True)
        else:
            lo, g_lo, step = 0.0, g, 0.25 * spread.rated_w
            for _ in range(BRACKET_STEPS):
                hi = lo + step
                g_hi, place = self.excess(spread, hi, limits)
                if g_hi > 0.0:
                    break
                lo, g_lo, step = hi, g_hi, 2.0 * step
            else:
                return Found(lo, -1)
        side = 0
        for _ in range(CLOSE_STEPS):
            width = CLOSE * max(abs(lo), least)
            if hi - lo <= width:
                break
            # Regula falsi kept half a width inside, so that both ends close in.
            x = lo - g_lo * (hi - lo) / (g_hi - g_lo)
            x = min(hi - 0.5 * width, max(lo + 0.5 * width, x))
            g, code = self.excess(spread, x, limits)
            place = code if g > 0.0 else place
            lo, g_lo, hi, g_hi, side = _illinois(lo, g_lo, hi, g_hi, x, g, side)
        return Found(lo, place)


def spread_over(plan: Plan, on: NDArray[np.uint8], power: Floats, racks: Floats, at: Places) -> Spread | None:
    """The spread over ``racks`` (group, how many of each) that are energised; None where none is.

    On their paths stand their CDUs, the air and the chain of their halls, the loops of these, and the campus elements
    that feed either; of the other CDUs of a hall none does.
    """
    a = plan.arrays
    hall = np.searchsorted(a.hall_group, np.arange(len(a.group)), side="right") - 1
    racks = racks * on[hall]
    rated = racks * a.group[:, Group.RATED]
    if rated.sum() <= 0.0:
        return None
    groups = np.flatnonzero(racks)
    halls = np.unique(hall[groups])
    secs = {int(j) for j in a.group_liquid[groups] if j >= 0} | {int(j) for j in a.group_air[groups]}
    facs = {int(f) for h in halls for f in a.sec_fac[a.hall_sec[h] : a.hall_sec[h + 1]]}
    limits = np.zeros(at.count, bool)
    for j in secs:
        limits[3 * j : 3 * j + 3] = True
    limits[at.group + groups] = True
    for f in facs:
        limits[at.fac + 2 * f : at.fac + 2 * f + 2] = True
    for h in halls:
        limits[at.element + a.hall_element[h] : at.element + a.hall_element[h + 1]] = True
    campus = np.flatnonzero(reachable(plan)[halls].any(axis=0))
    limits[at.element + plan.hall_elements + campus] = True
    limits[-1] = True
    present = float((power[groups] * racks[groups] / a.group[groups, Group.COUNT]).sum())
    touched = np.zeros(len(plan.labels.hall), np.uint8), np.zeros(len(a.fac), np.uint8)
    touched[0][halls], touched[1][sorted(facs)] = 1, 1
    return Spread(rated / rated.sum(), limits, present, float(rated.sum()), *touched)


def energised(plan: Plan, at_s: float) -> tuple[NDArray[np.uint8], float]:
    """Which halls are energised at an instant (hall, 1 or 0), and the contract there, W."""
    return (plan.hall_start_s <= at_s).astype(np.uint8), float(contract_w(plan, np.array([at_s]))[0])


def _row(air: Air) -> Floats:
    return np.array([air.dry_bulb_c, air.wet_bulb_c, air.pressure_pa])


__all__ = ["Found", "Rooms", "Spread", "energised", "spread_over"]
