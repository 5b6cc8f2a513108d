"""A loss of power to cooling: what stands, what rides through, and in which order it comes back.

A fault that is a sequence becomes simple faults, each with its own beginning and end. ``back`` is when generators take
load, ``amount`` seconds after the loss, or when the utility is back before that::

    grid:outage   racks behind a UPS run on batteries; others are off (cause: power)
                  pumps and fans of a hall ride where a UPS carries them too, else they stand until back
                  a loop rides where UPS stand in all its feeds, else loop:power until back
    loop:power    facility pumps stand until power is back
                  condenser pumps and fans of the rejection bank stand ``amount`` seconds longer
                  chillers stop, and carry load again their restart time after power is back

Batteries are taken to outlast the start of the generators. From generators back to the utility there is no break.
Source: physics sheet 1.3 (NFPA 110: one set 10-20 s), Corrections 7 (a paralleled plant 30-90 s); the 20 s (5-60 s)
between facility pumps and condenser pumps, so that motors do not start at once, is a prior.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.core.columns import Fac
from twin.core.units import HOUR
from twin.power.ups import Ups
from twin.site.load import LoadedSite
from twin.site.plan import Arrays, Plan

if TYPE_CHECKING:
    from twin.engine.modes import Fault, Place

GENERATORS_S, SEQUENCE_S = 60.0, 20.0
# Batteries of a hyperscale hall last 1-2 min, of others 5 min and more (physics sheet 1.3).
LONGEST_START_S = 300.0
LONGEST_SEQUENCE_S = 0.25 * HOUR


@dataclass(frozen=True)
class Carried:
    """What a UPS carries: racks and pumps of each hall (hall), all of a loop's plant (loop)."""

    racks: list[bool]
    pumps: list[bool]
    loops: list[bool]


def carried(loaded: LoadedSite, plan: Plan) -> Carried:
    """What goes on without the grid while batteries last."""
    a, site, library = plan.arrays, loaded.site, loaded.library

    def is_ups(device: str) -> bool:
        return isinstance(library.get(device), Ups)

    def rides(e: int) -> bool:
        """Whether every way from the grid to campus element ``e`` (-1: the grid) leads through a UPS."""
        if e < 0:
            return False
        feeds = a.feed[a.feed_ptr[e] : a.feed_ptr[e + 1]]
        element = site.electrical.elements.get(plan.labels.element[e])
        own = element is not None and is_ups(element.device)
        return own or (len(feeds) > 0 and all(rides(int(p)) for p in feeds))

    racks, pumps = [], []
    for h, name in enumerate(plan.labels.hall):
        building, _, id = name.partition("/")
        chain = site.templates[site.buildings[building].halls[id].template].chain
        ups = [is_ups(link.device) for link in chain.values()]
        above = rides(int(a.port[h]))
        racks.append(above or any(ups))
        pumps.append(above or any(ups[int(a.hall_mechanical[h] - a.hall_element[h]) :]))
    halls = len(plan.labels.hall)
    return Carried(racks, pumps, [rides(int(a.port[halls + f])) for f in range(len(plan.labels.loop))])


def back_at(fault: Fault) -> float:
    """When what has no battery has power again, s."""
    return min(fault.until_s, fault.at_s + (fault.amount or 0.0))


def outage(fault: Fault, known: Mapping[str, Place], loaded: LoadedSite, plan: Plan) -> list[Fault]:
    """What a loss of the utility is to halls and loops."""
    rides, back, found = carried(loaded, plan), back_at(fault), []
    for name, place in known.items():
        if place.role in ("cdu", "manifold", "air") and not rides.pumps[int(plan.arrays.sec_hall[place.row])]:
            units = float(place.units) if place.role == "air" else None
            mode = "units" if place.role == "air" else "pumps"
            found.append(replace(fault, element=name, mode=mode, until_s=back, amount=units))
        elif place.role == "loop" and not rides.loops[place.row]:
            lost = replace(fault, element=name, mode="power", until_s=back, amount=SEQUENCE_S)
            found += power(lost, known, loaded, plan)
    return found


def power(fault: Fault, known: Mapping[str, Place], loaded: LoadedSite, plan: Plan) -> list[Fault]:
    """What a loss of power to a loop's plant is to its pumps, chillers and rejection bank."""
    del loaded, plan
    name, later = fault.element, fault.until_s + (fault.amount or 0.0)
    found = [replace(fault, mode="pumps", amount=None)]
    if f"{name}/chillers" in known:
        found.append(replace(fault, element=f"{name}/chillers", amount=None))
    return [*found, replace(fault, element=f"{name}/rejection", until_s=later, amount=None)]


def stop_rejection(a: Arrays, place: Place, amount: float) -> None:
    """Condenser pumps and fans stand: nothing is rejected, so chillers and economiser take nothing either."""
    del amount
    a.fac[place.row, [Fac.CHILLERS, Fac.ECONOMIZER, Fac.ECONOMIZER_UA, Fac.BASIN_HEATER]] = 0.0


def stop_chillers(a: Arrays, place: Place, amount: float) -> None:
    """No machine runs; the economiser carries on alone."""
    del amount
    a.fac[place.row, Fac.CHILLERS] = 0.0


def dark_groups(loaded: LoadedSite, plan: Plan, t: float) -> list[int]:
    """Groups of racks that have power at ``t`` and no UPS."""
    a, rides = plan.arrays, carried(loaded, plan)
    off = [h for h, has in enumerate(rides.racks) if not has and plan.hall_start_s[h] <= t]
    return [g for h in off for g in range(a.hall_group[h], a.hall_group[h + 1])]


def told(fault: Fault, parts: Sequence[Fault], known: Mapping[str, Place], plan: Plan) -> list[tuple[float, str]]:
    """Instants and words of how the parts of ``fault`` come back; the loss itself is not among them."""
    found: list[tuple[float, str]] = []
    if fault.mode == "outage" and back_at(fault) < fault.until_s:
        found.append((back_at(fault), "generators carry what was without power"))
    by_end: dict[tuple[float, str], int] = {}
    for part in parts:
        place = known[part.element]
        if (place.role, part.mode) not in BACK or (part == fault and place.role != "chillers"):
            continue
        what, at = BACK[place.role, part.mode], part.until_s
        if part.mode == "power" and place.role == "chillers":
            restart = float(plan.arrays.fac[place.row, Fac.RESTART])
            what, at = f"{what} (restart time {restart:g} s)", at + restart
        by_end[at, what] = by_end.get((at, what), 0) + 1
    for (at, what), count in by_end.items():
        if np.isfinite(at):
            found.append((at, f"{what}, {count} of them" if count > 1 else what))
    return found


BACK = {
    ("loop", "pumps"): "facility pumps run again",
    ("rejection", "power"): "condenser pumps and fans run again",
    ("chillers", "power"): "chillers may carry load again",
    ("cdu", "pumps"): "pumps of a CDU run again",
    ("manifold", "pumps"): "pumps of a manifold run again",
    ("air", "units"): "air handlers of a hall run again",
}

__all__ = [
    "GENERATORS_S", "LONGEST_SEQUENCE_S", "LONGEST_START_S", "SEQUENCE_S", "Carried", "back_at", "carried",
    "dark_groups", "outage", "power", "stop_chillers", "stop_rejection", "told",
]  # fmt: skip
