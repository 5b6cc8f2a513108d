"""A Plan with equal things lumped: what it takes to run a campus many times.

Equal CDUs of a hall become one CDU, equal racks behind it one rack, n times as large; halls, loops, plants and the
electrical path stay as they are. Every equation of the hall is of degree one in its size (powers, capacity rates,
conductances, heat capacities; temperatures and shares of degree zero), so all flows, temperatures, losses and headrooms
are those of the whole Plan, but for what makes equal racks unequal: spread and wander are off (they keep the mean), and
racks start where they would with the same utilisation.

Headroom is that of a hall whose CDUs carry alike. With the spread of its racks one CDU carries more than the mean, and
the cooling room of the whole Plan is smaller: by up to 2 % of what a hall of prairie-750 carries at its limit, which is
6 % of its room (`tests/engine/test_ensemble.py` holds it).
What is no longer what it says: ``hall_utilization`` is a mean over the lumps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twin.core.columns import Group, Sec
from twin.site.plan import Floats, Labels, Plan

# Columns that grow with the number of racks or CDUs; the others are the same for one and for many.
RACK_EXTENSIVE = [
    Group.C_PLATE, Group.C_BODY, Group.G_BODY_PLATE, Group.G_BODY_AIR, Group.P0, Group.P1, Group.P2, Group.UA,
    Group.W_COOLANT, Group.RATED, Group.IDLE, Group.FLOOR,
]  # fmt: skip
CDU_EXTENSIVE = [
    Sec.W_MAX, Sec.W_MIN, Sec.WP_MAX, Sec.WP_MIN, Sec.UA, Sec.C_RETURN, Sec.C_SUPPLY, Sec.PUMP_0, Sec.PUMP_1,
    Sec.PUMP_2, Sec.PUMP_3, Sec.RATED, Sec.RATED_HEAT, Sec.W_GROUPS,
]  # fmt: skip


class _Lumps:
    """Rows of the smaller Plan while they are collected."""

    def __init__(self) -> None:
        self.group: list[Floats] = []
        self.liquid: list[int] = []
        self.air: list[int] = []
        self.curve: list[int] = []
        self.kind: list[str] = []
        self.row: list[str] = []
        self.sec: list[Floats] = []
        self.sec_of: list[int] = []  # the first of the equal ones in the whole Plan
        self.hall_group, self.hall_sec = [0], [0]


def reduced(plan: Plan) -> Plan:
    """The Plan with equal CDUs of a hall and equal racks behind them lumped into one."""
    a, made = plan.arrays, _Lumps()
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
    for members in equal.values():
        lump_of |= dict.fromkeys(members, len(made.sec))
        made.sec.append(_times(a.sec[members[0]], CDU_EXTENSIVE, len(members)))
        made.sec_of.append(members[0])
    air = len(made.sec)
    made.sec.append(a.sec[air_old].copy())
    made.sec_of.append(air_old)
    made.hall_sec.append(len(made.sec))
    _lump_racks(plan, groups, lump_of, air, made)
    made.hall_group.append(len(made.group))


def _lump_racks(plan: Plan, groups: range, lump_of: dict[int, int], air: int, made: _Lumps) -> None:
    """The racks of a hall: one for all that are equal, behind the same lump of CDUs, on the same curve."""
    a = plan.arrays
    found: dict[tuple[int, int, bytes], list[int]] = {}
    for g in groups:
        one = a.group[g].copy()
        one[Group.COUNT] = 1.0
        found.setdefault((lump_of[int(a.group_liquid[g])], int(a.group_curve[g]), one.tobytes()), []).append(g)
    for (liquid, curve, _), members in found.items():
        row = _times(a.group[members[0]], RACK_EXTENSIVE, float(a.group[members, Group.COUNT].sum()))
        row[Group.COUNT], row[Group.SPREAD], row[Group.NOISE] = 1.0, 0.0, 0.0
        made.group.append(row)
        made.liquid.append(liquid)
        made.air.append(air)
        made.curve.append(curve)
        made.kind.append(plan.labels.group_kind[members[0]])
        made.row.append(plan.labels.rack_row[int(a.group_rack[members[0]])])


def _times(row: Floats, columns: list[Group] | list[Sec], n: float) -> Floats:
    """A row for ``n`` together."""
    made = row.copy()
    made[columns] *= n
    return made


__all__ = ["reduced"]
