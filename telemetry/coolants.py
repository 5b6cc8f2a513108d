"""Density of the coolants of a site, which makes the mass flow of the model of the volume flow that meters tell.

    W = rho(T_ref) V,   T_ref = T_supply + rise/2

Symbols: W mass flow, kg/s; V volume flow, m3/s; rho density, kg/m3, at the one temperature at which the engine counts
a loop's coolant (:mod:`twin.core.coolant`). At another temperature a litre weighs up to 0.4 % more or less.
"""

from __future__ import annotations

from twin.core.coolant import density
from twin.racks.rack import Rack
from twin.site.load import LoadedSite
from twin.site.lower_hall import HALF_RISE_K
from twin.site.model import Loop, Template
from twin.site.plan import Plan


def template_of(loaded: LoadedSite, plan: Plan, hall: int) -> Template:
    """Template of a hall of the Plan."""
    building, _, id = plan.labels.hall[hall].partition("/")
    return loaded.site.templates[loaded.site.buildings[building].halls[id].template]


def loop_of(loaded: LoadedSite, plan: Plan, index: int) -> Loop:
    """A loop of the Plan as the site has it."""
    building, _, id = plan.labels.loop[index].partition("/")
    return loaded.site.buildings[building].loops[id]


def of_hall(loaded: LoadedSite, plan: Plan, hall: int) -> float:
    """Density of the coolant of a hall's racks, kg/m3; the hall must have one that is cooled by liquid."""
    template = template_of(loaded, plan, hall)
    racks = [loaded.library.get(g.rack, Rack) for row in template.rows.values() for g in row.groups]
    coolant = next(rack.coolant for rack in racks if rack.liquid_share.value > 0)
    return density(coolant, template.coolant_c + HALF_RISE_K)


def of_loop(loaded: LoadedSite, plan: Plan, index: int) -> float:
    """Density of the water of a facility loop, kg/m3."""
    loop = loop_of(loaded, plan, index)
    return density(loop.coolant, loop.supply_c + HALF_RISE_K)


__all__ = ["loop_of", "of_hall", "of_loop", "template_of"]
