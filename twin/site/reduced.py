"""A Plan with equal things lumped: what it takes to run a campus many times.

Equal CDUs of a hall become one CDU, equal racks behind it one rack, n times as large; halls, loops, plants and the
electrical path stay as they are. Every equation of the hall is of degree one in its size (powers, capacity rates,
conductances, heat capacities; temperatures and shares of degree zero), so all flows, temperatures, losses and headrooms
are those of the whole Plan, but for what makes equal racks unequal: spread and wander are off (they keep the mean), and
racks start where they would with the same utilisation.

The room of a hall ends at the CDU that carries most. :func:`parted` leaves it a lump of its own beside the rest, and
says which racks of the whole Plan are behind it: ``twin.engine.uneven`` asks for headroom there.
What is no longer what it says: ``hall_utilization`` is a mean over the lumps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from twin.core.columns import Group, Sec
from twin.site.plan import Floats, Ints, Labels, Plan

# Columns that grow with the number of racks or CDUs; the others are the same for one and for many.
RACK_EXTENSIVE = [
    Group.C_PLATE, Group.C_BODY, Group.G_BODY_PLATE, Group.G_BODY_AIR, Group.P0, Group.P1, Group.P2, Group.UA,
    Group.W_COOLANT, Group.RATED, Group.IDLE, Group.FLOOR, Group.W_AIR, Group.TO_ROOM,
]  # fmt: skip
CDU_EXTENSIVE = [
    Sec.W_MAX, Sec.W_MIN, Sec.WP_MAX, Sec.WP_MIN, Sec.UA, Sec.C_RETURN, Sec.C_SUPPLY, Sec.PUMP_0, Sec.PUMP_1,
    Sec.PUMP_2, Sec.PUMP_3, Sec.RATED, Sec.RATED_HEAT, Sec.W_GROUPS, Sec.TO_ROOM,
]  # fmt: skip


@dataclass(frozen=True)
class Parted:
    """A Plan whose lumps of CDUs come in two, the CDU that carries most and the rest, and how the whole one maps to it.

    ``lump`` (secondary loop of the whole Plan): the lump of the CDU that carries most among those equal to it, -1 for
    air. ``into`` (group of the whole Plan, 2): the lump of its racks where its CDU is that one, and where it is not.
    """

    plan: Plan
    lump: Ints
    into: Ints


class _Lumps:
    """Rows of the smaller Plan while they are collected."""

    def __init__(self, plan: Plan, apart: bool) -> None:
        self.apart = apart  # whether one of equal CDUs is a lump of its own
        self.lump = np.full(len(plan.arrays.sec), -1)
        self.into = np.full((len(plan.arrays.group), 2), -1)
        self.group: list[Floats] = []
        self.liquid: list[int] = []
        self.air: list[int] = []
        self.curve: list[int] = []
        self.kind: list[str] = []
        self.zone: list[str] = []
        self.row: list[str] = []
        self.sec: list[Floats] = []
        self.sec_of: list[int] = []  # the first of the equal ones in the whole Plan
        self.hall_group, self.hall_sec = [0], [0]


def reduced(plan: Plan) -> Plan:
    """The Plan with equal CDUs of a hall and equal racks behind them lumped into one."""
    return _lumped(plan, _Lumps(plan, apart=False))


def parted(plan: Plan) -> Parted:
    """The Plan lumped as by :func:`reduced`, but one of equal CDUs is kept apart with the racks behind it."""
    made = _Lumps(plan, apart=True)
    return Parted(_lumped(plan, made), made.lump, made.into)


def _lumped(plan: Plan, made: _Lumps) -> Plan:
    """The smaller Plan."""
    a = plan.arrays
    for h in range(len(plan.labels.hall)):
        _lump_hall(plan, h, made)
    first = made.sec_of
    cdus = dict(zip(plan.labels.cdu_sec, plan.labels.cdu, strict=True))
    kept = [n for n, j in enumerate(first) if j in cdus]
    arrays = a._replace(
        group=np.array(made.group),
        group_rack=np.arange(len(made.group) + 1),
        group_liquid=np.array(made.liquid, np.int64),
        group_air=np.array(made.air, np.int64),
        group_curve=np.array(made.curve, np.int64),
        hall_group=np.array(made.hall_group, np.int64),
        hall_sec=np.array(made.hall_sec, np.int64),
        sec=np.array(made.sec),
        sec_fac=a.sec_fac[first],
        sec_hall=a.sec_hall[first],
    )
    labels: Labels = replace(
        plan.labels,
        group_kind=made.kind,
        group_zone=made.zone,
        rack_row=made.row,
        cdu=[cdus[first[n]] for n in kept],
        cdu_sec=kept,
        sec=[plan.labels.sec[j] for j in first],
    )
    return replace(plan, arrays=arrays, labels=labels)


def _lump_hall(plan: Plan, h: int, made: _Lumps) -> None:
    a = plan.arrays
    groups = range(int(a.hall_group[h]), int(a.hall_group[h + 1]))
    air_old = int(a.hall_sec[h + 1]) - 1
    # CDUs are equal where their own row and all that stands behind them is.
    behind: dict[int, list[tuple[bytes, int]]] = {j: [] for j in range(int(a.hall_sec[h]), air_old)}
    for g in groups:
        if a.group_liquid[g] >= 0:
            behind[int(a.group_liquid[g])].append((a.group[g].tobytes(), int(a.group_curve[g])))
    equal: dict[tuple[object, ...], list[int]] = {}
    for j, racks in behind.items():
        equal.setdefault((a.sec[j].tobytes(), int(a.sec_fac[j]), *sorted(racks)), []).append(j)
    lump_of: dict[int, int] = {-1: -1}
    pairs: dict[int, tuple[int, int]] = {-1: (-1, -1)}
    for members in equal.values():
        n = len(made.sec)
        for part in filter(None, (members[:1], members[1:])) if made.apart else (members,):
            lump_of |= dict.fromkeys(part, len(made.sec))
            made.sec.append(_times(a.sec[part[0]], CDU_EXTENSIVE, len(part)))
            made.sec_of.append(part[0])
        pairs |= dict.fromkeys(members, (n, len(made.sec) - 1))
        made.lump[members] = n
    air = len(made.sec)
    made.sec.append(a.sec[air_old].copy())
    made.sec_of.append(air_old)
    made.hall_sec.append(len(made.sec))
    _lump_racks(plan, groups, lump_of, pairs, air, made)
    made.hall_group.append(len(made.group))


def _lump_racks(
    plan: Plan, groups: range, lump_of: dict[int, int], pairs: dict[int, tuple[int, int]], air: int, made: _Lumps
) -> None:
    """The racks of a hall: one for all that are equal, behind the same lump of CDUs, on the same curve."""
    a = plan.arrays
    found: dict[tuple[int, int, bytes], list[int]] = {}
    alike: list[tuple[int, bytes]] = []
    for g in groups:
        one = a.group[g].copy()
        one[Group.COUNT] = 1.0
        alike.append((int(a.group_curve[g]), one.tobytes()))
        found.setdefault((lump_of[int(a.group_liquid[g])], *alike[-1]), []).append(g)
    at = {key: len(made.group) + n for n, key in enumerate(found)}
    for g, same in zip(groups, alike, strict=True):
        made.into[g] = [at[lump, *same] for lump in pairs[int(a.group_liquid[g])]]
    for (liquid, curve, _), members in found.items():
        row = _times(a.group[members[0]], RACK_EXTENSIVE, float(a.group[members, Group.COUNT].sum()))
        row[Group.COUNT], row[Group.SPREAD], row[Group.NOISE] = 1.0, 0.0, 0.0
        made.group.append(row)
        made.liquid.append(liquid)
        made.air.append(air)
        made.curve.append(curve)
        made.kind.append(plan.labels.group_kind[members[0]])
        made.zone.append(plan.labels.group_zone[members[0]])
        made.row.append(plan.labels.rack_row[int(a.group_rack[members[0]])])


def _times(row: Floats, columns: list[Group] | list[Sec], n: float) -> Floats:
    """A row for ``n`` together."""
    made = row.copy()
    made[columns] *= n
    return made


__all__ = ["Parted", "parted", "reduced"]
