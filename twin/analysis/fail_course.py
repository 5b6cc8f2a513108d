"""The course of a failure as data for a picture: what stands from when to when, and what groups of racks do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from twin.analysis import fail_power
from twin.analysis.fail import Failure
from twin.analysis.fail_groups import BY, EVENTS
from twin.core.columns import Fac

T = TypeVar("T")
# What stands while a part of a sequence lasts, by role and mode.
STANDS = {
    ("loop", "pumps"): "facility pumps",
    ("rejection", "power"): "condenser pumps, fans",
    ("chillers", "power"): "chillers, until restart",
    ("cdu", "pumps"): "CDU pumps",
    ("manifold", "pumps"): "CDU pumps on manifolds",
    ("air", "units"): "air handlers",
}


@dataclass(frozen=True)
class Spell:
    """Something that is broken or stands, from ``from_s`` to ``to_s`` after the scenario's instant."""

    name: str
    from_s: float
    to_s: float
    consequence: bool = False  # of a fault that is a sequence


@dataclass(frozen=True)
class Lane:
    """Racks alike, and what they did: (s, event, racks, cause) in order."""

    name: str
    racks: int
    events: tuple[tuple[float, str, int, str], ...]

    @property
    def tripped(self) -> int:
        """How many of them trip."""
        return sum(racks for _, event, racks, _ in self.events if event == "trip_s")


def spells(failure: Failure) -> list[Spell]:
    """Every fault, and below it what it is made of where it is a sequence; elements alike are one."""
    faults, plan, begin, found = failure.faults, failure.prepared.plan, failure.at_s, list[Spell]()
    for fault in faults.found:
        found.append(Spell(fault.named(), fault.at_s - begin, fault.until_s - begin))
        if faults.by_path(fault):
            continue
        alike: dict[tuple[str, float, float], list[str]] = {}
        for part in faults.parts(fault):
            place = faults.known[part.element]
            restart = float(plan.arrays.fac[place.row, Fac.RESTART]) if faults.mode(part).restarts else 0.0
            if part != fault or restart > 0.0:
                what = STANDS[place.role, part.mode]
                alike.setdefault((what, part.at_s - begin, part.until_s + restart - begin), []).append(part.element)
        found += [
            Spell(f"{what}: {names[0].rpartition('/')[0] if len(names) == 1 else len(names)}", first, last, True)
            for (what, first, last), names in alike.items()
        ]
    if failure.power is not None:
        end = float(failure.times_s[-1] - begin)
        found += [Spell(name, first, last, True) for name, first, last in fail_power.spells(failure.power, end)]
    return found


def lanes(failure: Failure, most: int) -> list[Lane]:
    """Groups that alarm, slow down or trip, in lanes: by what cools them, else by hall, else by kind of rack."""
    rows = [row for row in failure.groups if any(row[key] is not None for key in EVENTS)]
    found: list[Lane] = []
    for keys in (("cooled_by", "rack"), ("hall", "rack"), ("rack",)):
        by_key: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for row in rows:
            by_key.setdefault(tuple(row[key] for key in keys), []).append(row)
        found = [
            Lane(", ".join(key), sum(row["racks"] for row in alike), _events(alike)) for key, alike in by_key.items()
        ]
        if len(found) <= most:
            break
    return sorted(found, key=lambda lane: (-lane.tripped, lane.events[0][0], lane.name))


def _events(rows: list[dict[str, Any]]) -> tuple[tuple[float, str, int, str], ...]:
    made = [
        (row[key], key, row["racks"], row[BY.get(key, "cause")] or "")
        for row in rows for key in EVENTS if row[key] is not None
    ]  # fmt: skip
    return tuple(sorted(made))


def hottest_groups(failure: Failure, most: int) -> list[int]:
    """Columns of ``failure.heat``: the first of each kind of rack, then the rest.

    First come those whose racks did something, then those that rise most.
    """
    assert failure.heat is not None
    heat = failure.heat.hottest_c
    with_power = np.flatnonzero(np.isfinite(heat).any(axis=0))
    rise = {int(g): float(np.nanmax(heat[:, g]) - heat[np.isfinite(heat[:, g]), g][0]) for g in with_power}
    rows = {int(row["group"]): row for row in failure.groups}
    did = {g: any(rows[g][key] is not None for key in EVENTS) for g in rise if g in rows}
    order = sorted(did, key=lambda g: (not did[g], -round(rise[g], 3), g))
    return one_of_each(order, [str(rows[g]["rack"]) for g in order])[:most]


def one_of_each(items: Sequence[T], kinds: Sequence[str]) -> list[T]:
    """The items in their order, but the first of each kind before all others."""
    seen: set[str] = set()
    first, rest = list[T](), list[T]()
    for item, kind in zip(items, kinds, strict=True):
        (rest if kind in seen else first).append(item)
        seen.add(kind)
    return first + rest


__all__ = ["Lane", "Spell", "hottest_groups", "lanes", "one_of_each", "spells"]
