"""The steps of a headroom, from the meter to the racks' chips: every limit on the paths by itself.

A step is a limit, or several of a kind (the flows of all CDUs): how far it is loaded at present, and how much more IT
would bring it to 1 if it stood alone. The least is what binds, the next what comes second. The racks' rating is shown
among them and binds nothing: beyond it stand more racks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.engine.loading import AIR, CONTRACT, ELEMENT, JUNCTION, LIQUID, SHARED, Bools, Places
from twin.engine.room import Rooms, Spread
from twin.site.plan import Plan

RATING = "racks' rating"


@dataclass(frozen=True)
class Step:
    """A limit on the way: ``loading`` at present (0 to 1), own headroom in W at present and design.

    None: no load reaches it. ``rank`` 1 binds at design, 2 comes next (0: a rating, or never).
    """

    limit: str
    where: str
    loading: float
    present_w: float | None
    design_w: float | None
    rank: int = 0


def steps_of(
    plan: Plan, spread: Spread, at: Places, present: Rooms, design: list[Rooms], units: Sequence[Step] = ()
) -> list[Step]:
    """The steps of a spread, from the contract down; ``units`` are those of single units, below the banks."""
    now = present.loadings()
    made: list[Step] = []
    for limit, where, chosen in _ways(plan, spread, at):
        if limit == RATING:
            room = spread.rated_w - spread.it_w
            made.append(Step(limit, where, spread.it_w / spread.rated_w, room, room))
            continue
        if not now[chosen].max() > 0.0:
            continue  # ideal, or without a limit of its own
        own = [rooms.room(spread, chosen) for rooms in (present, *design)]
        watts = [None if found.place < 0 else found.extra_w for found in own]
        least = min((w for w in watts[1:] if w is not None), default=None)
        made.append(Step(limit, where, float(now[chosen].max()), watts[0], least))
    below = next((i for i, s in enumerate(made) if s.limit == RATING), len(made))
    made[below:below] = units
    order = sorted({s.design_w for s in made if s.design_w is not None and s.limit != RATING})
    return [
        s if s.design_w is None or s.limit == RATING
        else Step(s.limit, s.where, s.loading, s.present_w, s.design_w, 1 + order.index(s.design_w))
        for s in made
    ]  # fmt: skip


def _ways(plan: Plan, spread: Spread, at: Places) -> list[tuple[str, str, Bools]]:
    """(limit, where, places) of each step that a spread has limits in, in the order of the path."""
    n, labels = at.count, plan.labels
    groups: dict[tuple[str, str], list[int]] = {(CONTRACT, "the meter"): [n - 1]}
    for e in range(len(labels.element) - 1, -1, -1):
        name = labels.element[e]
        # Links of several halls of one name are one step.
        link = name.rpartition("/")[2] if e < plan.hall_elements and spread.halls.sum() > 1 else name
        if spread.limits[at.element + e]:
            groups.setdefault((ELEMENT, link), []).append(at.element + e)
    groups[(RATING, "")] = []
    for i in np.flatnonzero(spread.limits[: at.element]):
        limit, where = at.limit[i], at.where[i]
        groups.setdefault((limit, where if limit in SHARED else ""), []).append(int(i))
    rank = {limit: k for k, limit in enumerate((CONTRACT, ELEMENT, RATING, "plant_capacity", "loop_flow", *LIQUID,
                                                *AIR, JUNCTION))}  # fmt: skip
    found = []
    for (limit, where), members in sorted(groups.items(), key=lambda item: rank[item[0][0]]):
        chosen = np.zeros(n, bool)
        chosen[members] = True
        found.append((limit, where, chosen))
    return found


__all__ = ["RATING", "Step", "steps_of"]
