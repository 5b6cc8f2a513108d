"""Faults of the power path: what can break by name, and what the path is told at which instant.

Names are those of its nodes (``twin.site.power_site``): ``b1/b1-h1/ups-A`` is one system, ``b1/b1-h1/rpp-A-07`` a unit
that stands by itself, ``yard`` a campus element; ``generators`` are all sets of the site. Which of them do not start is
drawn by the seed of the run.
"""

from __future__ import annotations

from collections.abc import Callable
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
    """What the path is told, in order of time; what is mended at an instant comes before what breaks then."""
    made: list[tuple[float, int, Act]] = []
    for fault in faults.found:
        if not faults.by_path(fault):
            continue
        begin, end = _acts(fault, faults.known[fault.element], seed)
        made.append((fault.at_s, 1, Act(fault.at_s, begin)))
        if fault.until_s < inf:
            made.append((fault.until_s, 0, Act(fault.until_s, end)))
    return [act for _, _, act in sorted(made, key=lambda one: one[:2])]


Do = Callable[[Machine, float], list[Event]]


def _acts(fault: Fault, place: Place, seed: int) -> tuple[Do, Do]:
    """What the path is told when a fault begins, and when it ends."""
    n, mode = place.row, fault.mode
    if place.role == "grid":
        voltage = 0.0 if mode == "outage" else float(fault.amount or 0.0)
        return lambda machine, t: machine.utility(t, voltage), lambda machine, t: machine.utility(t, 1.0)
    if place.role == GENERATORS:
        return partial(_fail, float(fault.amount or 0.0), seed), lambda machine, t: _all_start(machine)
    if mode in BY_HAND:
        return lambda machine, t: machine.switch(t, n, BY_HAND[mode]), lambda machine, t: machine.reset(t, n)
    units = int(fault.amount or 1) if mode == "units" else place.units
    return lambda machine, t: machine.lose(t, n, units), lambda machine, t: machine.mend(t, n, units)


def _fail(share: float, seed: int, machine: Machine, t: float) -> list[Event]:
    """That share of all sets does not start when called."""
    del t
    for node, sets in failing_sets({plant.node: plant.sets for plant in machine.plants}, share, seed).items():
        machine.state.sets[node] = max(0, machine.state.sets[node] - sets)
    return []


def _all_start(machine: Machine) -> list[Event]:
    """Every set starts when called next."""
    machine.state.sets |= {plant.node: plant.sets for plant in machine.plants}
    return []


__all__ = ["GENERATORS", "Act", "acts", "path_places"]
