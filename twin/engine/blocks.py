"""A Plan whose groups end where blocks of racks do that hang on other cords, so that a block can be dark by itself.

Racks of a group are contiguous, and so are those of a block: group ``g`` of racks ``i .. j`` becomes one group for each
stretch between the cuts inside it. Columns of a group are values per rack, but for its number of racks; nothing else of
the Plan hangs on how racks are grouped. Only runs through faults of the power path need it: the year keeps its groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from twin.core.columns import Group
from twin.site.plan import Plan


def split(plan: Plan, cuts: Iterable[int]) -> Plan:
    """The Plan with its groups cut before the racks ``cuts``; the same Plan where no cut is inside a group."""
    a = plan.arrays
    edges = np.union1d(a.group_rack, np.fromiter(cuts, np.int64))
    edges = edges[(edges >= 0) & (edges <= plan.racks)]
    if len(edges) == len(a.group_rack):
        return plan
    of = np.searchsorted(a.group_rack, edges[:-1], side="right") - 1
    group = a.group[of].copy()
    group[:, Group.COUNT] = [last - first for first, last in pairwise(edges)]
    arrays = a._replace(
        group=group, group_rack=edges.astype(np.int64), group_liquid=a.group_liquid[of], group_air=a.group_air[of],
        group_curve=a.group_curve[of], hall_group=np.searchsorted(of, a.hall_group).astype(np.int64),
    )  # fmt: skip
    labels = replace(
        plan.labels, group_kind=[plan.labels.group_kind[g] for g in of],
        group_zone=[plan.labels.group_zone[g] for g in of],
    )  # fmt: skip
    return replace(plan, arrays=arrays, labels=labels)


__all__ = ["split"]
