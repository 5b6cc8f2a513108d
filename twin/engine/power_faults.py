"""Faults of the power path: what can break by name, and what the path is told at which instant.

Names are those of its nodes (``twin.site.power_site``): ``b1/b1-h1/ups-A`` is one system, ``b1/b1-h1/rpp-A-07`` a unit
that stands by itself, ``yard`` a campus element; ``generators`` are all sets of the site. Which of them do not start is
drawn by the seed of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from twin.engine.modes import Fault, Place
from twin.power.machine import Event, Machine, failing_sets
from twin.power.machine_state import BATTERY, BYPASS
from twin.power.ups import Ups
from twin.site.load import LoadedSite
from twin.site.plan import Plan
from twin.site.power_site import LOADS, power_site

if TYPE_CHECKING:
    from twin.engine.faults import Faults

GENERATORS = "generators"
BY_HAND = {"bypass": BYPASS, "locked": BATTERY}


@dataclass(frozen=True)
class Act:
    """What the path is told at ``at_s`` (s since 1970); it answers with what follows at once."""

    at_s: float
    do: Callable[[Machine, float], list[Event]]


def path_places(loaded: LoadedSite, plan: Plan) -> dict[str, Place]:
    """What can break of the power path, by name: role ``path`` or ``ups``, its node, its units."""
    site = power_site(loaded, plan)
    found: dict[str, Place] = {}
    for n, name in enumerate(site.name):
        if site.role[n] in LOADS or site.device[n] is None:
            continue
        backed = site.backed[n]
        role = "ups" if isinstance(site.device[n], Ups) else "path"
        sources = backed is not None and (backed.store is not None or backed.generators is not None)
        found[name] = Place(role, n, int(site.net.units[n]), hall=int(site.hall[n]), sources=sources)
    if any(backed is not None and backed.generators is not None for backed in site.backed):
        found.setdefault(GENERATORS, Place(GENERATORS, -1))
    return found


def acts(faults: Faults, seed: int) -> list[Act]:
    """What the path is told, in order of time: at each instant what all faults that hold from then on leave.

    So faults of one element may overlap. Sets that do not start are told before what calls them.
    """
    of: dict[str, list[Fault]] = {}
    for fault in faults.found:
        if faults.by_path(fault):
            of.setdefault(fault.element, []).append(fault)
    made: list[tuple[float, int, Act]] = []
    for element, those in of.items():
        place = faults.known[element]
        before: tuple[Fault, ...] = ()
        for t in sorted({t for fault in those for t in (fault.at_s, fault.until_s) if t < inf}):
            now = tuple(fault for fault in those if fault.at_s <= t < fault.until_s)
            order = 0 if place.role == GENERATORS else 2 if len(now) > len(before) else 1
            made += [(t, order, Act(t, do)) for do in _acts(place, before, now, seed)]
            before = now
    return [act for _, _, act in sorted(made, key=lambda one: one[:2])]


Do = Callable[[Machine, float], list[Event]]


def _acts(place: Place, before: Sequence[Fault], now: Sequence[Fault], seed: int) -> list[Do]:
    """What leads from the faults ``before`` of an element to those that hold ``now``."""
    n = place.row
    if place.role == "grid":
        was, volt = _voltage(before), _voltage(now)
        return [lambda machine, t: machine.utility(t, volt)] if volt != was else []
    if place.role == GENERATORS:
        share = min(1.0, sum(float(fault.amount or 0.0) for fault in now))
        return [partial(_starting, share, seed)]
    found: list[Do] = []
    lost = _lost(place, now) - _lost(place, before)
    if lost < 0:
        found.append(lambda machine, t: machine.mend(t, n, -lost))
    was_held, held = _held(before), _held(now)
    if held is None and was_held is not None:
        found.append(lambda machine, t: machine.reset(t, n))
    elif held is not None and held != was_held:
        found.append(lambda machine, t: machine.switch(t, n, held))
    if lost > 0:
        found.append(lambda machine, t: machine.lose(t, n, lost))
    return found


def _voltage(active: Sequence[Fault]) -> float:
    """The utility per nominal: the lowest that any fault leaves of it."""
    return min((0.0 if f.mode == "outage" else float(f.amount or 0.0) for f in active), default=1.0)


def _lost(place: Place, active: Sequence[Fault]) -> int:
    """Units of a bank that are not there, at most all."""
    return min(place.units, sum(
        int(f.amount or 1) if f.mode == "units" else place.units for f in active if f.mode not in BY_HAND
    ))  # fmt: skip


def _held(active: Sequence[Fault]) -> int | None:
    """What a UPS is put on by hand: by the fault that began last."""
    return max(((f.at_s, BY_HAND[f.mode]) for f in active if f.mode in BY_HAND), default=(0.0, None))[1]


def _starting(share: float, seed: int, machine: Machine, t: float) -> list[Event]:
    """That share of all sets does not start when called next, every other does."""
    del t
    missing = failing_sets({plant.node: plant.sets for plant in machine.plants}, share, seed)
    machine.state.sets |= {plant.node: plant.sets - missing[plant.node] for plant in machine.plants}
    return []


__all__ = ["GENERATORS", "Act", "acts", "path_places"]
