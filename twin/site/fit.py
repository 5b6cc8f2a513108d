"""Check: racks, coolant loops, air and facility water of each hall fit each other."""

from __future__ import annotations

from collections.abc import Iterator

from twin.cooling.cdu import Cdu
from twin.core.errors import Problem
from twin.racks.rack import Rack
from twin.site.document import Path
from twin.site.model import Building, Liquid, Loop, Template
from twin.site.rated import rack_counts, rejection_of
from twin.site.scope import Scope

# Below this the exchangers become larger than the building trade offers.
LEAST_APPROACH_K = 2.0


def check_fit(scope: Scope) -> None:
    """Set points and limits of every template and loop, then priors where nothing is wrong."""
    for id, template in scope.site.templates.items():
        _racks(scope, id, template)
    for place, loop in _loops(scope):
        known = not any(scope.left_out((*place, *part)) for part in (("supply_c",), ("reset", "max_c")))
        if known and loop.reset is not None and loop.reset.max_c < loop.supply_c:
            text = f"{loop.reset.max_c:g} degC is below supply_c of {loop.supply_c:g} degC"
            scope.error((*place, "reset", "max_c"), text)
    told: set[tuple[str, str]] = set()
    for id, building in scope.site.buildings.items():
        for hall in building.halls.values():
            used = scope.template_of(hall)
            if used and (used, id) not in told:
                told.add((used, id))
                _supplies(scope, used, scope.site.templates[used], id, building)
    if scope.whole:
        _priors(scope)


def _loops(scope: Scope) -> Iterator[tuple[Path, Loop]]:
    for id, building in scope.site.buildings.items():
        for name, loop in building.loops.items():
            yield ("buildings", id, "loops", name), loop


def racks_of(scope: Scope, template: Template) -> dict[str, Rack]:
    """The racks of a template that the library has, by id."""
    found = {id: scope.look_up(id, Rack)[0] for id in rack_counts(template)}
    return {id: rack for id, rack in found.items() if rack is not None}


def _racks(scope: Scope, id: str, template: Template) -> None:
    """What the racks need: a liquid loop, one coolant, supplies that are cold enough."""
    path = ("templates", id)
    liquid, racks = template.liquid, racks_of(scope, template)
    wet = {name: rack for name, rack in racks.items() if rack.liquid_share.value > 0}
    if wet and liquid is None and not scope.left_out((*path, "liquid")):
        text = f'the racks {", ".join(wet)} are liquid-cooled: missing key "liquid"'
        scope.error((*path, "liquid"), text)
    coolants = {rack.coolant: name for name, rack in wet.items()}
    if len(coolants) > 1:
        text = "racks on the same CDUs need one coolant: " + ", ".join(f"{n} has {c}" for c, n in coolants.items())
        scope.error((*path, "rows"), text, key=True)
    if liquid is not None:
        if not wet and racks and scope.whole:
            scope.warn((*path, "liquid"), "no rack of this template is liquid-cooled", key=True)
        known = not any(scope.left_out((*path, "liquid", part)) for part in ("supply_c", "supply_max_c"))
        if known and liquid.supply_max_c < liquid.supply_c:
            text = f"{liquid.supply_max_c:g} degC is below supply_c of {liquid.supply_c:g} degC"
            scope.error((*path, "liquid", "supply_max_c"), text)
        for name, rack in wet.items():
            limit = rack.liquid_inlet_max_c.value
            if limit < template.coolant_c and not scope.left_out((*path, "liquid", "supply_c")):
                text = f"{template.coolant_c:g} degC is above what {name} allows at its inlet, {limit:g} degC"
                scope.error((*path, "liquid", "supply_c"), text)
    for name, rack in racks.items():
        limit = rack.air_inlet_max_c.value
        known = rack.liquid_share.value < 1 and not scope.left_out((*path, "air", "supply_c"))
        if limit < template.air.supply_c and known:
            text = f"{template.air.supply_c:g} degC is above what {name} allows at its air inlet, {limit:g} degC"
            scope.error((*path, "air", "supply_c"), text)


def _supplies(scope: Scope, id: str, template: Template, where: str, building: Building) -> None:
    """Supplies are warmer than the facility water that cools them."""
    liquid, air = template.liquid, template.air
    for side, part in (("liquid", liquid), ("air", air)):
        loop = building.loops.get(part.loop) if part is not None else None
        if part is None or loop is None:
            continue
        path = ("templates", id, side, "supply_c")
        if scope.left_out(path) or scope.left_out(("buildings", where, "loops", part.loop, "supply_c")):
            continue
        named = f"loop {part.loop} of building {where}"
        if part.supply_c <= loop.supply_c:
            text = f"{part.supply_c:g} degC is not above the {loop.supply_c:g} degC that {named} supplies"
            scope.error(path, text)
        elif isinstance(part, Liquid):
            _approach(scope, path, part, loop, named)


def _approach(scope: Scope, path: Path, liquid: Liquid, loop: Loop, named: str) -> None:
    """Warn of set points that leave the CDUs less than they need."""
    left = liquid.supply_c - loop.supply_c
    cdu = scope.look_up(liquid.cdu, Cdu)[0]
    needed = cdu.approach_k.value if cdu is not None else 0.0
    if left < LEAST_APPROACH_K:
        scope.warn(path, f"only {left:.3g} K above {named}: CDUs seldom reach an approach below 2 K")
    elif left < needed:
        scope.warn(path, f"only {left:.3g} K above {named}: {liquid.cdu} needs {needed:.3g} K at its rated duty")


def exposed(scope: Scope) -> tuple[Problem, ...]:
    """A warning for each loop with plain water in dry coolers. Towers are drained or heated, glycol is there for this.

    Where chillers stand between, the water outdoors is taken to be of the loop's coolant.
    """
    return tuple(
        scope.document.problem((*place, "coolant"), "plain water runs through the dry coolers outdoors", warning=True)
        for place, loop in _loops(scope)
        if loop.coolant == "water" and not rejection_of(loop.plant.rejection.device, scope.library).WET
    )


def _priors(scope: Scope) -> None:
    """Warn of an estimated liquid share without a band: the results that hang on it would carry none."""
    racks = {id: rack for t in scope.site.templates.values() for id, rack in racks_of(scope, t).items()}
    for id, rack in racks.items():
        share = rack.liquid_share
        if share.confidence == "estimate" and (share.low is None or share.high is None):
            document = scope.library.entry(id).document
            text = "an estimate without a band: give low and high"
            scope.problems.append(document.problem(("liquid_share",), text, key=True, warning=True))
