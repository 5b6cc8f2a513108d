"""One CDU of an island as it is, everything that shares water or air with it lumped: what a fault of the CDU reaches.

The racks behind it keep their places, states and noise, so what they do is what they do in the whole run. Of the rest,
equal CDUs of a hall become one with all their racks as one, which draws what they drew together (``twin.site.reduced``
says why that is exact but for what makes equal racks unequal). What lumps cannot show, the first rack of many to slow
down, is asked of the whole island: see ``twin.engine.sweep``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from twin.core.columns import Group
from twin.engine.arrays import State
from twin.engine.present import Present
from twin.site.plan import Arrays, Floats, Ints, Plan
from twin.site.reduced import CDU_EXTENSIVE, RACK_EXTENSIVE


@dataclass(frozen=True)
class Apart:
    """A Plan of one island in which secondary loop 0 is the CDU, and its state.

    ``groups`` of the whole Plan are the first of this one; ``halls``, ``facs`` of the whole one in the order of this.
    """

    plan: Plan
    state: State
    groups: Ints
    halls: Ints
    facs: Ints


def island_of(a: Arrays, hall: int) -> int:
    """The island of a hall."""
    return int(np.searchsorted(a.island_ptr, np.flatnonzero(a.island_hall == hall)[0], side="right")) - 1


@dataclass
class _Rows:
    """Secondary loops and groups of the smaller Plan while they are collected."""

    groups: list[list[int]] = field(default_factory=list)  # members in the whole Plan
    liquid: list[int] = field(default_factory=list)
    air: list[int] = field(default_factory=list)
    secs: list[list[int]] = field(default_factory=list)
    hall_group: list[int] = field(default_factory=lambda: [0])
    hall_sec: list[int] = field(default_factory=lambda: [0])


def apart(plan: Plan, present: Present, cdu: int, curves: Floats) -> Apart:
    """The island of secondary loop ``cdu`` at an instant; ``curves`` (curve) are the utilisations of its last step."""
    a = plan.arrays
    home = int(a.sec_hall[cdu])
    island = next(
        i for i in range(len(a.island_ptr) - 1) if home in a.island_hall[a.island_ptr[i] : a.island_ptr[i + 1]]
    )
    others = [int(h) for h in a.island_hall[a.island_ptr[island] : a.island_ptr[island + 1]] if h != home]
    halls = np.array([home, *others])
    facs = a.island_fac[a.island_fac_ptr[island] : a.island_fac_ptr[island + 1]]
    own = np.flatnonzero(a.group_liquid == cdu)
    rows = _Rows()
    for h in halls:
        _lump_hall(a, present, int(h), cdu, rows)
    labels = replace(plan.labels, hall=[""] * len(halls))
    return Apart(
        replace(plan, arrays=_arrays(a, halls, facs, own, rows), labels=labels),
        _state(plan, present, own, facs, rows, curves), own, halls, facs,
    )  # fmt: skip


def _lump_hall(a: Arrays, present: Present, h: int, cdu: int, rows: _Rows) -> None:
    """Add a hall: the CDU for itself, the others where they and what stands behind them are equal."""
    first, air = int(a.hall_sec[h]), int(a.hall_sec[h + 1]) - 1
    groups = range(int(a.hall_group[h]), int(a.hall_group[h + 1]))
    runs = [_runs(present, g) for g in groups]
    behind: dict[int, list[int]] = {j: [] for j in range(first, air)}
    for g in groups:
        if a.group_liquid[g] >= 0:
            behind[int(a.group_liquid[g])].append(g)
    equal: dict[tuple[object, ...], list[int]] = {}
    for j, own in behind.items():
        racks = sorted((a.group[g].tobytes(), int(a.group_curve[g]), runs[g - groups.start]) for g in own)
        equal.setdefault((j == cdu, a.sec[j].tobytes(), int(a.sec_fac[j]), *racks), []).append(j)
    members = sorted(equal.values(), key=lambda one: cdu not in one)
    at = {-1: -1} | {j: len(rows.secs) + n for n, one in enumerate(members) for j in one}
    rows.secs += [*members, [air]]
    lumps: dict[tuple[object, ...], list[int]] = {}
    for g in groups:
        one = a.group[g].copy()
        one[Group.COUNT] = 1.0
        j = int(a.group_liquid[g])
        alone = g if j == cdu else -1
        lumps.setdefault((alone, at[j], one.tobytes(), int(a.group_curve[g]), runs[g - groups.start]), []).append(g)
    for same in sorted(lumps.values(), key=lambda one: a.group_liquid[one[0]] != cdu):
        rows.groups.append(same)
        rows.liquid.append(at[int(a.group_liquid[same[0]])])
        rows.air.append(len(rows.secs) - 1)
    rows.hall_group.append(len(rows.groups))
    rows.hall_sec.append(len(rows.secs))


def _runs(present: Present, g: int) -> bool:
    return bool(present.state.tripped_by[g] <= 0)


def _arrays(a: Arrays, halls: Ints, facs: Ints, own: Ints, rows: _Rows) -> Arrays:
    """The columns: lumps of one rack behind racks that keep their places."""
    first = np.array([one[0] for one in rows.groups])
    group, alone = a.group[first].copy(), len(own)
    for n, same in enumerate(rows.groups[alone:], alone):
        group[n, RACK_EXTENSIVE] *= a.group[same, Group.COUNT].sum()
        group[n, [Group.COUNT, Group.SPREAD, Group.NOISE]] = 1.0, 0.0, 0.0
    sec = a.sec[[one[0] for one in rows.secs]].copy()
    for n, same in enumerate(rows.secs):
        sec[n, CDU_EXTENSIVE] *= len(same)
    start = int(a.group_rack[own[0]])
    sizes = [int(a.group[g, Group.COUNT]) for g in own] + [1] * (len(first) - alone)
    chains = [np.arange(a.hall_element[h], a.hall_element[h + 1]) for h in halls]
    ends = np.cumsum([0, *map(len, chains)])
    every, new_fac = np.concatenate(chains), {int(f): n for n, f in enumerate(facs)}
    return a._replace(
        group=group,
        group_rack=start + np.cumsum([0, *sizes]),
        group_liquid=np.array(rows.liquid, np.int64),
        group_air=np.array(rows.air, np.int64),
        group_curve=a.group_curve[first],
        hall_group=np.array(rows.hall_group, np.int64),
        hall_sec=np.array(rows.hall_sec, np.int64),
        hall_element=ends,
        hall_mechanical=ends[:-1] + a.hall_mechanical[halls] - a.hall_element[halls],
        sec=sec,
        sec_fac=np.array([new_fac[int(a.sec_fac[one[0]])] for one in rows.secs], np.int64),
        sec_hall=np.repeat(np.arange(len(halls)), np.diff(rows.hall_sec)),
        fac=a.fac[facs],
        rejection=a.rejection[facs],
        element=a.element[every],
        element_sink=a.element_sink[every],
        island_ptr=np.array([0, len(halls)], np.int64),
        island_hall=np.arange(len(halls)),
        island_fac_ptr=np.array([0, len(facs)], np.int64),
        island_fac=np.arange(len(facs)),
    )


def _state(plan: Plan, present: Present, own: Ints, facs: Ints, rows: _Rows, curves: Floats) -> State:
    """The state: as it is where the racks are, means where they are lumped; a lump draws what its racks drew."""
    a, s = plan.arrays, present.state
    start, end = int(a.group_rack[own[0]]), int(a.group_rack[own[-1] + 1])
    lumps = rows.groups[len(own) :]

    def racks(values: Floats, lumped: Floats) -> Floats:
        made = np.zeros(end + len(lumps))
        made[start:end], made[end:] = values[start:end], lumped
        return made

    def mean(sums: Floats) -> Floats:
        return np.array([sums[same].sum() / a.group[same, Group.COUNT].sum() for same in lumps])

    def secs(values: Floats, together: bool = False) -> Floats:
        return np.array([values[one].sum() if together else values[one].mean() for one in rows.secs])

    plate, body, nothing = mean(s.sum_plate), mean(s.sum_body), np.zeros(len(lumps))
    first = np.array([one[0] for one in rows.groups])
    watched = np.array([s.watched[same].mean(axis=0) for same in rows.groups])
    # The one that has waited longest: what trips a lump too early is run again with the whole island.
    clock = np.array([s.trip_clock[same].max(axis=0) for same in rows.groups])
    island = island_of(a, int(a.sec_hall[a.group_air[own[0]]]))
    return s._replace(
        t_plate=racks(s.t_plate, plate), t_body=racks(s.t_body, body),
        sum_plate=np.concatenate([s.sum_plate[own], plate]), sum_body=np.concatenate([s.sum_body[own], body]),
        offset=racks(s.offset, np.array([_offset(a, present, same, curves) for same in lumps])),
        noise_a=racks(s.noise_a, nothing), noise_b=racks(s.noise_b, nothing),
        knot=s.knot[island : island + 1].copy(),
        sec_return=secs(s.sec_return), sec_supply=secs(s.sec_supply), sec_flow=secs(s.sec_flow, together=True),
        pattern=np.array([s.pattern[same].mean() for same in rows.groups]),
        fac_return=s.fac_return[facs], fac_supply=s.fac_supply[facs], pipe=s.pipe[facs], basin=s.basin[facs],
        condenser=s.condenser[facs], chillers=s.chillers[facs], fac_flow=s.fac_flow[facs],
        watched=watched, trip_clock=clock, tripped_by=s.tripped_by[first], tripped_at=s.tripped_at[first],
        alarm_at=s.alarm_at[first], slowed_at=s.slowed_at[first],
    )  # fmt: skip


def _offset(a: Arrays, present: Present, same: list[int], curves: Floats) -> float:
    """Lasting offset of a lump with which it draws what its racks asked for: p0 + u (p1 + u p2) = P, u = c (1 + z)."""
    row, curve = a.group[same[0]], curves[a.group_curve[same[0]]]
    power = present.step.group_asked[same].sum() / a.group[same, Group.COUNT].sum() - row[Group.P0]
    p1, p2 = row[Group.P1], row[Group.P2]
    if power <= 0.0 or curve <= 0.0 or p1 <= 0.0:
        return 0.0
    # The root that is stable for p2 = 0.
    u = 2.0 * power / (p1 + np.sqrt(p1 * p1 + 4.0 * p2 * power))
    return float(u / curve - 1.0)


__all__ = ["Apart", "apart", "island_of"]
