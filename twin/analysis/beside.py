"""The closed form of a loss beside its run: alarm, slowing down and trip of each group, and why they differ if they do.

Near is within 10 % or 2 s of the run, whichever is more. What the closed form does not know is named if not: it
holds the power of the racks, takes every CDU for itself and the faults one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.analysis.closed_form import Expected, closed_form
from twin.core.columns import Fac, Group, Mode
from twin.engine.faults import Faults
from twin.engine.present import Present

KEYS = ("alarm_s", "slowed_s", "trip_s")
NEAR, NEAR_S = 0.1, 2.0
# Beyond the run's end, so that what comes just after it is told from what never comes.
FURTHER = 1.25
STRAYS, SUPPLY_K = 0.02, 0.2


def expected(present: Present | None, faults: Faults, *, throttling: bool, lasting_s: float) -> dict[int, Expected]:
    """The closed forms of all canonical losses among the faults, by group; the earliest trip of several."""
    found: dict[int, Expected] = {}
    if present is None:
        return found
    for fault in faults.found:
        if fault.at_s != present.at_s:
            continue
        made = closed_form(
            present, fault, faults.known[fault.element], throttling=throttling, within_s=FURTHER * lasting_s
        )
        for g, one in made.items():
            if g not in found or (one.trip_s or np.inf) < (found[g].trip_s or np.inf):
                found[g] = one
    return found


def near(closed: float | None, run: float | None, end_s: float) -> bool:
    """Whether a time of the closed form is that of the run; None: not within ``end_s``."""
    if run is None:
        return closed is None or closed > end_s - max(NEAR_S, NEAR * end_s)
    return closed is not None and abs(closed - run) <= max(NEAR_S, NEAR * run)


def compared(
    rows: list[dict[str, Any]], closed: dict[int, Expected], present: Present | None, faults: Faults, lasting_s: float
) -> list[dict[str, Any]]:
    """Each group with a closed form: both times of each key, the deviation (s), whether they are near, else why not."""
    found = []
    for row in rows:
        g = row["group"]
        if g not in closed or present is None:
            continue
        made: dict[str, Any] = {key: row[key] for key in ("cooled_by", "rack", "racks")}
        # What would come after the trip does not.
        end_s = min(lasting_s, row["trip_s"] or lasting_s)
        for key in KEYS:
            a, b = getattr(closed[g], key), row[key]
            b = None if b is not None and b > end_s else b  # racks that were reset
            a = None if b is None and near(a, b, end_s) else a
            made[key] = {"closed": a, "run": b, "deviation_s": None if a is None or b is None else a - b}
        made["cause"] = {
            "closed": closed[g].cause if made["trip_s"]["closed"] is not None else None,
            "run": row["cause"],
        }
        far = [key for key in KEYS if not near(made[key]["closed"], made[key]["run"], end_s)]
        made["near"] = not far
        made["why_not"] = _why(far, row, closed[g], present, faults) if far else None
        found.append(made)
    return found


def _why(far: list[str], row: dict[str, Any], closed: Expected, present: Present, faults: Faults) -> str:
    """What of the site the closed form does not know and this case has; ``far`` are the times that are not near."""
    a, step, g = present.arrays, present.step, row["group"]
    j, fault = int(a.group_liquid[g]), faults.found[0]
    wet = j >= 0
    last = max(closed.trip_s or 0.0, row["trip_s"] or 0.0)
    kinds = len({bytes(one) for one in a.group[a.group_liquid == j][:, : Group.COUNT]})
    off = wet and (step.mode[j] != Mode.SET or abs(step.inlet[j] - step.set_point[j]) > SUPPLY_K)
    fac = a.fac[a.sec_fac[j if wet else a.group_air[g]], [Fac.C_PIPE_RETURN, Fac.C_PIPE_SUPPLY]]
    held = faults.known[fault.element].role == "rejection" and fac.any()
    strays = f"{row['strays']:.0%}"
    reasons = (
        (len(faults.found) > 1, "more than one fault acts on it"),
        (
            far == ["alarm_s"] and row["alarm_s"] is not None and row["alarm_s"] < 0.0,
            "inlets were beyond what its racks allow before",
        ),
        (held, "pipes or a store of the loop hold its warm water back"),
        (fault.until_s - fault.at_s < last, "it is mended before"),
        (wet and kinds > 1, "racks of several kinds warm the same water"),
        (off, "its supply was not at its set point before"),
        (far == ["slowed_s"] and a.group[g, Group.NOISE] > 0.0, "another rack is the hottest by then: they wander"),
        (
            row["slowed_s"] is not None,
            "slowed racks ask for less flow and give less heat to water that others warm too",
        ),
        (row["strays"] > STRAYS, f"the load on the same water strays by {strays} from what it is at the fault"),
        (row["later"], "racks that tripped before it no longer heat the same water"),
    )
    return next((why for holds, why in reasons if holds), "not explained")


def lines(rows: list[dict[str, Any]], most: int = 12) -> list[str]:
    """Lines of a table for a terminal; groups with the same figures stand together."""
    if not rows:
        return []
    merged: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        cells = tuple(_cell(row[key][way]) for key in KEYS for way in ("closed", "run"))
        merged.setdefault((row["rack"], *cells, "" if row["near"] else " *"), []).append(row)
    head = "".join(f"{name:>18}" for name in ("alarm, s", "slows down, s", "trips, s"))
    made = [f"{'closed form / run':34}{head}"]
    for (rack, *figures, mark), same in list(merged.items())[:most]:
        racks = sum(row["racks"] for row in same)
        pairs = "".join(f"{a + ' / ' + b:>18}" for a, b in zip(figures[::2], figures[1::2], strict=True))
        where = same[0]["cooled_by"] + (f" and {len(same) - 1} more" if len(same) > 1 else "")
        made.append(f"{f'{racks} x {rack}':34}{pairs}  {where}{mark}")
    left = len(merged) - most
    made += [f"  and {left} more (--json has them all)"] if left > 0 else []
    return made + [f"  * {why}" for why in dict.fromkeys(row["why_not"] for row in rows) if why]


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


__all__ = ["compared", "expected", "lines", "near"]
