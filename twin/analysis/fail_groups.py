"""What groups of racks do in a failure: rows with their instants, and the same as lines of a timeline.

Racks of a group (equal racks behind one CDU, or equal air-cooled ones of a hall) alarm, slow down and trip together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.core.columns import Group
from twin.core.units import MW
from twin.engine.run import Engine
from twin.engine.trip import CAUSES

# What a group of racks does, by the key of its instant; and the key of the cause, where it has one.
EVENTS = {
    "alarm_s": "inlets beyond what they allow", "slowed_s": "slow down", "trip_s": "trip", "trip_again_s": "trip again",
}  # fmt: skip
BY = {"trip_s": "cause", "trip_again_s": "cause_again"}


def rows_of_groups(engine: Engine, trips: Mapping[int, tuple[float, int]], begin: float) -> list[dict[str, Any]]:
    """Rows of groups of racks that have power: where they hang, how many, when they alarm, slow down, trip, and why.

    ``trip_s`` is the first trip, ``trip_again_s`` one after racks have been reset. ``trips`` (group) are those that
    were reset: instant (s since 1970) and code of the cause.
    """
    plan, state = engine.plan, engine.state
    a, found = plan.arrays, []
    hall_of = np.repeat(np.arange(len(plan.labels.hall)), np.diff(a.hall_group))
    for g, kind in enumerate(plan.labels.group_kind):
        hall = int(hall_of[g])
        if plan.hall_start_s[hall] > begin:
            continue
        cooled_by = a.group_liquid[g] if a.group_liquid[g] >= 0 else a.group_air[g]
        last = float(state.tripped_at[g]), abs(int(state.tripped_by[g]))
        at, cause = trips.get(g, last)
        again = last[0] if last[0] > at else -1.0
        found.append(
            {
                "group": g,
                "cooled_by": plan.labels.sec[int(cooled_by)],
                "hall": plan.labels.hall[hall],
                "rack": kind,
                "zone": plan.labels.group_zone[g] or None,
                "racks": int(a.group[g, Group.COUNT]),
                "rated_mw": float(a.group[g, Group.COUNT] * a.group[g, Group.RATED]) / MW,
                "alarm_s": _since(state.alarm_at[g], begin),
                "slowed_s": _since(state.slowed_at[g], begin),
                "runs": bool(state.tripped_by[g] <= 0),
                "trip_s": _since(at, begin),
                "cause": CAUSES[cause] if at >= 0.0 else None,
                "trip_again_s": _since(again, begin),
                "cause_again": CAUSES[last[1]] if again >= 0.0 else None,
            }
        )
    return found


def _since(at: float, begin: float) -> float | None:
    return None if at < 0.0 else float(at - begin)


def of_groups(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What groups of racks did; equal ones behind one CDU at the same instant are one row."""
    merged: dict[tuple[str, str, float, str, str], int] = {}
    for row in groups:
        for key, event in EVENTS.items():
            if row[key] is not None:
                words = f"{event} by {row[BY[key]]}" if key in BY else event
                at = (where_of(row), row["hall"], round(row[key], 1), row["rack"], words)
                merged[at] = merged.get(at, 0) + row["racks"]
    return [
        {"s": s, "what": f"{racks} x {rack}: {words}, at {where}", "event": words, "racks": racks, "rack": rack,
         "where": where, "hall": hall}
        for (where, hall, s, rack, words), racks in merged.items()
    ]  # fmt: skip


def where_of(row: dict[str, Any]) -> str:
    """What cools a group, with its zone where the hall has some."""
    return f"{row['cooled_by']}, zone {row['zone']}" if row["zone"] else str(row["cooled_by"])


__all__ = ["EVENTS", "of_groups", "rows_of_groups", "where_of"]
