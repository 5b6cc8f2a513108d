"""Headroom of a lumped Plan, with racks as unequal as in the whole one: the CDU that carries most ends a hall's room.

Equations at the end of an hour (racks i, groups g, CDUs j of the whole Plan, z offset and wander of a rack)::

    P_g = sum_i P(c (1 + z_i))             of every rack, as ``twin.racks.kernel`` has it
    q_j = sum_g s_g P_g                    what ends in the coolant behind a CDU
    a lump of equal CDUs: the one with the largest q_j, and all others together       (``twin.site.reduced.parted``)

Extra power is shared out by rating, so the CDU that carries most stays it. Its limits are those of the whole Plan; of
the others the sums count only. Offset and wander hang on the seed, the rack and the time alone: no run is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.core.jit import kernel
from twin.engine.arrays import new_offset
from twin.engine.hall import liquid_fraction
from twin.engine.run import Ends, Engine, Forcing
from twin.engine.serve import FleetBlock, FleetRun
from twin.engine.timeline import Block
from twin.engine.wander import mean_wander
from twin.inference.fleet import new_flow, new_held
from twin.racks.kernel import KNOT_S, fill_noise, power_pass
from twin.site.plan import Arrays, Plan
from twin.site.reduced import Parted, parted

Floats = NDArray[np.float64]
# The last step of an hour in a run of short steps.
END_S = 300.0
P0, P1, P2, NOISE = int(Group.P0), int(Group.P1), int(Group.P2), int(Group.NOISE)


@kernel
def parted_power(
    a: Arrays,
    lump: np.ndarray,
    into: np.ndarray,
    at: np.ndarray,
    t_end: np.ndarray,
    dt: np.ndarray,
    curves: np.ndarray,
    seed: int,
    racks: np.ndarray,
    heat: np.ndarray,
    most: np.ndarray,
    power: np.ndarray,
    out: np.ndarray,
) -> None:
    """Power of the lumps' racks (interval, group of the parted Plan), W, in the mean of ``dt`` s up to ``t_end``.

    ``a`` the whole Plan; ``lump, into`` as in ``twin.site.reduced.Parted``; ``at`` the intervals asked for; ``curves``
    (interval, curve) utilisation; ``racks`` (4, rack) offset and scratch; ``heat, most`` (sec), ``power`` (group)
    scratch.
    """
    offset, za, zb, p = racks[0], racks[1], racks[2], racks[3]
    for n in at:
        t0, t1 = t_end[n] - dt[n], t_end[n]
        k0, k1 = int(np.floor(t0 / KNOT_S)), int(np.floor((t1 - 1e-6) / KNOT_S))
        f = 0.5 * (t0 + t1) / KNOT_S - k0 if k0 == k1 else 0.0
        for j in range(heat.shape[0]):
            heat[j] = 0.0
            most[j] = -1
        for g in range(power.shape[0]):
            row, i, j = a.group[g], a.group_rack[g], a.group_rack[g + 1]
            if row[NOISE] > 0.0:
                if k0 == k1:
                    fill_noise(za[i:j], i, row[NOISE], seed, k0)
                    fill_noise(zb[i:j], i, row[NOISE], seed, k0 + 1)
                else:
                    mean_wander(za[i:j], zb[i:j], i, row[NOISE], seed, t0, t1, k0, k1)
            power[g], _ = power_pass(
                p[i:j], offset[i:j], za[i:j], zb[i:j], f, curves[n, a.group_curve[g]], row[P0], row[P1], row[P2]
            )
            if a.group_liquid[g] >= 0:
                heat[a.group_liquid[g]] += liquid_fraction(row) * power[g]
        for j in range(heat.shape[0]):
            if lump[j] >= 0 and (most[lump[j]] < 0 or heat[j] > heat[most[lump[j]]]):
                most[lump[j]] = j
        for g in range(out.shape[1]):
            out[n, g] = 0.0
        for g in range(power.shape[0]):
            j = a.group_liquid[g]
            out[n, into[g, 0 if j < 0 or most[lump[j]] == j else 1]] += power[g]


class Uneven:
    """The racks of a whole Plan at the ends of hours; ``seed`` is that of their spread and wander."""

    def __init__(self, whole: Plan, seed: int) -> None:
        self.whole, self._seed = whole, seed
        self.parted: Parted = parted(whole)
        secs, groups = len(whole.arrays.sec), len(whole.arrays.group)
        self._racks = np.zeros((4, whole.racks))
        self._racks[0] = new_offset(whole, seed)
        self._scratch = np.zeros(secs), np.zeros(secs, np.int64), np.zeros(groups)

    def power(self, at: NDArray[np.int64], t_end: Floats, dt: Floats, curves: Floats) -> Floats:
        """Power of the parted Plan's groups (interval, group), W; what is not in ``at`` says nothing."""
        out = np.zeros((len(t_end), len(self.parted.plan.arrays.group)))
        parted_power(
            self.whole.arrays, self.parted.lump, self.parted.into, at, t_end, dt, curves, self._seed, self._racks,
            *self._scratch, out,
        )  # fmt: skip
        return out


@dataclass
class ByHours(Engine):
    """An engine in hour steps whose headroom meets the end of the hour, as in a run of short steps.

    The mean of an hour is up to a kelvin cooler than its warmer end, and a dry plant has a tenth less room there.
    What is served at the end is told by a second fleet: each hour it is asked for what its last minutes are.
    """

    uneven: Uneven | None = None
    late: FleetRun | None = None

    def at_ends(self, block: Block, forcing: Forcing, at: NDArray[np.int64]) -> Ends:
        """The whole Plan's racks and the weather in the last minutes of the intervals."""
        del forcing
        assert self.uneven is not None
        dt = np.minimum(block.dt, END_S)
        served = None
        if self.late is not None:
            if block.index == 0:
                self.late.settle(self.plan, block)
            served = FleetBlock(self.late, self.plan, block, self.timeline.interval, dt, latencies=False)
            for first, last in block.segments:
                served.serve(first, last, self.energised(block.t_end[first] - dt[first]))
        closing = block.closes >= 0
        t_end, brief = block.t_end[closing], dt[closing]
        use = self.use(block.t_end - dt, block.t_end, served)[closing]
        power = self.uneven.power(at, t_end, brief, use)
        air = self.weather.sample(t_end, brief)
        return Ends(self.uneven.parted.plan, power, np.column_stack([air.dry_bulb_c, air.wet_bulb_c, air.pressure_pa]))


def by_hours(engine: Engine, whole: Plan, headroom_at: NDArray[np.uint8] | None) -> ByHours:
    """``engine`` of a lumped Plan, with the headroom of the whole one where ``headroom_at`` asks (None: everywhere)."""
    fleet = engine.fleet
    made = vars(engine) | {"headroom_at": headroom_at}
    late = fleet and FleetRun(
        fleet.plan, fleet.demand, new_held(fleet.plan.fleet), new_flow(fleet.plan.fleet), fleet.caps
    )
    return ByHours(**made, uneven=Uneven(whole, engine.seed), late=late)


__all__ = ["ByHours", "Uneven", "by_hours"]
