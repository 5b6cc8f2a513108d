"""Racks that draw what is measured, in the loop of every run.

The loop knows a rack's power as ``P = P0 + u (P1 + u P2)`` of its utilisation ``u = curve (1 + offset + wander)``. Of a
group with readings every coefficient is laid aside::

    P0 = P2 = 0,  P1 = S,  curve = 1,  wander = 0,  offset = P/S - 1        so that  P = S u

with ``S`` (W) a power of two above whatever is measured: nothing is clipped, and no digit lost. Its racks without a
reading draw what the model gives them (their curve or pool, offset and wander). Such a group follows no pool and is not
slowed at its junction limit: measured racks draw what they draw. Utilisation is what the law of the rack makes of its
power, ``u = 2 (P - P0) / (P1 + sqrt(P1^2 + 4 P2 (P - P0)))``, 0..1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.core.variables import slot
from twin.engine.arrays import State
from twin.racks.kernel import KNOT_S, fill_noise
from twin.site.plan import Plan

Floats = NDArray[np.float64]
HALL_USED, HALL_ON = slot("hall_utilization"), slot("hall_energised_share")
# S per rated power: measured power that is higher makes it grow.
ABOVE_RATED = 4.0
UNKNOWN_KNOT = -1
LAW = [Group.P0, Group.P1, Group.P2]


class Racks:
    """The racks of a site, driven where they are measured; ``plan`` is the one that is altered."""

    def __init__(self, site: Plan, plan: Plan, state: State, seed: int, curve: int) -> None:
        a = site.arrays
        self._site, self._plan, self._state, self._seed, self._curve = site, plan, state, seed, curve
        self._first = a.group_rack[:-1]
        self._of = np.repeat(np.arange(len(a.group)), np.diff(a.group_rack))
        self._hall_first = a.group_rack[a.hall_group[:-1]]
        self._hall_racks = np.diff(a.group_rack[a.hall_group])
        self._law = a.group[:, LAW][self._of].T.copy()
        self._offset = state.offset.copy()
        self._scale = np.exp2(np.ceil(np.log2(ABOVE_RATED * np.maximum(a.group[:, Group.RATED], 1.0))))
        self._driven = np.zeros(len(a.group), bool)
        self._member = np.zeros(site.racks, bool)
        self._per_scale = 1.0 / self._scale[self._of]
        self._power = np.zeros(site.racks)
        self._noise = np.zeros((2, site.racks))
        self._knot = UNKNOWN_KNOT

    def drive(self, power: Floats | None, curves: Floats, start_s: float, end_s: float) -> None:
        """Let racks draw ``power`` (rack, W; NaN: not measured; None: none is) in a step; ``curves`` utilisation."""
        if power is None:
            if self._driven.any():
                self.release()
            return
        known = ~np.isnan(power)
        driven = np.logical_or.reduceat(known, self._first)
        top = np.fmax.reduceat(power, self._first)
        beyond = driven & (np.where(driven, top, 0.0) > self._scale)
        if beyond.any():
            self._scale[beyond] = np.exp2(np.ceil(np.log2(top[beyond])))
            self._per_scale = 1.0 / self._scale[self._of]
        if beyond.any() or (driven != self._driven).any():
            self._choose(driven)
        missing = np.flatnonzero(self._member & ~known)
        if len(missing):
            power = power.copy()
            power[missing] = self._own(missing, curves, start_s, end_s)
        self._power = power
        np.copyto(self._state.offset, power * self._per_scale - 1.0, where=self._member)

    def release(self) -> None:
        """Leave all racks to the model, whatever state they are found in."""
        self._choose(np.zeros_like(self._driven))

    def _choose(self, driven: NDArray[np.bool_]) -> None:
        """Lay aside the law of the groups in ``driven``, and give that of the others back."""
        a, own, state = self._plan.arrays, self._site.arrays, self._state
        a.group[:], a.group_curve[:] = own.group, own.group_curve
        a.group[driven, Group.P0] = a.group[driven, Group.P2] = 0.0
        a.group[driven, Group.P1] = self._scale[driven]
        a.group[driven, Group.NOISE] = a.group[driven, Group.SERVED] = 0.0
        a.group[driven, Group.THROTTLE] = np.inf
        a.group_curve[driven] = self._curve
        self._driven, self._member = driven, driven[self._of]
        state.offset[:] = self._offset
        state.noise_a[self._member] = state.noise_b[self._member] = 0.0
        state.knot.fill(UNKNOWN_KNOT)  # the loop fills the noise of the others anew

    def _own(self, at: NDArray[np.int64], curves: Floats, start_s: float, end_s: float) -> Floats:
        """Power that the model gives to the racks ``at``, W."""
        knot = int(np.floor(0.5 * (start_s + end_s) / KNOT_S))
        if knot != self._knot:
            fill_noise(self._noise[0], 0, 1.0, self._seed, knot)
            fill_noise(self._noise[1], 0, 1.0, self._seed, knot + 1)
            self._knot = knot
        f, a = 0.5 * (start_s + end_s) / KNOT_S - knot, self._site.arrays
        of, before, after = self._of[at], self._noise[0, at], self._noise[1, at]
        wander = a.group[of, Group.NOISE] * (before + f * (after - before))
        u = np.clip(curves[a.group_curve[of]] * (1.0 + self._offset[at] + wander), 0.0, 1.0)
        p0, p1, p2 = self._law[:, at]
        found: Floats = p0 + u * (p1 + u * p2)
        return found

    def correct(self, hall_rows: Floats) -> None:
        """Put the utilisation of the racks into the rows (hall, variable) of a step."""
        if not self._driven.any():
            return
        p0, p1, p2 = self._law
        above = self._power - p0
        with np.errstate(invalid="ignore"):
            root = p1 + np.sqrt(np.maximum(0.0, p1 * p1 + 4.0 * p2 * above))
        u = np.divide(2.0 * above, root, out=np.zeros_like(above), where=root > 0.0)
        more = np.where(self._member, np.clip(u, 0.0, 1.0) - self._power * self._per_scale, 0.0)
        mean = np.add.reduceat(more, self._hall_first) / self._hall_racks
        hall_rows[:, HALL_USED] += mean * hall_rows[:, HALL_ON]


__all__ = ["Racks"]
