"""Groups of racks in a failure: where they hang, when they alarm, slow down and trip, and why."""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.core.columns import Group
from twin.core.units import MW
from twin.engine.run import Engine
from twin.engine.trip import CAUSES


def group_rows(engine: Engine, begin: float) -> list[dict[str, Any]]:
    """Rows of groups of racks that have power: where they hang, how many, when they alarm, slow down, trip, and why."""
    plan, state, faults = engine.plan, engine.state, engine.faults
    a, found = plan.arrays, []
    # What somebody switches on again before its cooling is back trips a second time.
    by, at = (faults.reset_trips if faults else None) or (state.tripped_by, state.tripped_at)
    hall_of = np.repeat(np.arange(len(plan.labels.hall)), np.diff(a.hall_group))
    for g, kind in enumerate(plan.labels.group_kind):
        hall = int(hall_of[g])
        if plan.hall_start_s[hall] > begin:
            continue
        cooled_by = a.group_liquid[g] if a.group_liquid[g] >= 0 else a.group_air[g]
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
                **_trips((at[g], int(by[g])), (state.tripped_at[g], int(state.tripped_by[g])), begin),
            }
        )
    return found


def _trips(first: tuple[float, int], last: tuple[float, int], begin: float) -> dict[str, Any]:
    """Instant and cause of a group's first trip, and of its second one, after the racks were reset."""
    if first[0] < 0.0:
        first = last
    second = last if last[0] > first[0] else (-1.0, 0)
    return {
        "trip_s": _since(first[0], begin),
        "cause": CAUSES[abs(first[1])] if first[0] >= 0.0 else None,
        "trip_again_s": _since(second[0], begin),
        "cause_again": CAUSES[abs(second[1])] if second[0] >= 0.0 else None,
    }


def _since(at: float, begin: float) -> float | None:
    return None if at < 0.0 else float(at - begin)


__all__ = ["group_rows"]
