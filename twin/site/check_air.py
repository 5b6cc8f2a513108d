"""Check: the air of each hall, its zones and its ASHRAE class, and the water class of each loop."""

from __future__ import annotations

import numpy as np

from twin.cooling.containment import Containment
from twin.cooling.crah import Crah
from twin.core.ashrae import SOURCE, WATER, WATER_LEAST_C, Air, AirClass
from twin.core.errors import InputError
from twin.core.units import KW
from twin.racks.rack import Rack
from twin.site.capacity import ENOUGH
from twin.site.document import Path
from twin.site.library import Library
from twin.site.lower_hall import AIR_J_M3K, hall_class
from twin.site.model import Loop, Template
from twin.site.rated import rack_counts, rated_rack
from twin.site.references import is_file, written_in
from twin.site.scope import Scope
from twin.site.zones import Zones, zones_of


def check_air(scope: Scope) -> None:
    """Zones stand in air-cooled halls and their shares add up; supplies lie inside the classes that are named."""
    for id, template in scope.site.templates.items():
        path = ("templates", id, "air")
        racks = {name: scope.look_up(name, Rack)[0] for name in rack_counts(template)}
        if any(rack is None for rack in racks.values()) or scope.left_out(path):
            continue
        shares: tuple[float, float] | None = template.air.recirculation, template.air.bypass
        if template.air.zoned:
            wet = [name for name, rack in racks.items() if rack and rack.liquid_share.value > 0]
            shares = _zones(scope, path, template, wet)
        crah = scope.look_up(template.air.crah, Crah)[0]
        if shares is not None and crah is not None and scope.whole:
            _handlers(scope, path, template, crah, *shares)
        made_for = hall_class(template, scope.library)
        if made_for is not None:
            _air_class(scope, (*path, "supply_c"), template.air.supply_c, made_for)
    for id, building in scope.site.buildings.items():
        for name, loop in building.loops.items():
            _water_class(scope, ("buildings", id, "loops", name), loop)


def _handlers(scope: Scope, path: Path, template: Template, crah: Crah, rho: float, bypass: float) -> None:
    """Warn of air handlers that move less than the racks draw at rated power, what goes round and past them counted."""
    drawn = sum(
        count * rated_rack(rack, scope.library).air_kw * KW / rack.air_rise_k.value / AIR_J_M3K
        for id, count in rack_counts(template).items()
        for rack in [scope.library.get(id, Rack)]
    )
    needed, moved = drawn * (1.0 - rho) / (1.0 - bypass), crah.airflow_m3_s.value * template.air.count
    if needed > moved * ENOUGH:
        text = (
            f"the racks draw {drawn:,.1f} m3/s at rated power; with {100 * rho:.3g} % of it their own exhaust and "
            f"{100 * bypass:.3g} % of the supply past them that asks for {needed:,.1f} m3/s, the air handlers move "
            f"{moved:,.1f} m3/s"
        )
        scope.warn((*path, "count"), text)


def _zones(scope: Scope, path: Path, template: Template, wet: list[str]) -> tuple[float, float] | None:
    """Share of the racks' air that goes round and bypass of a template with zones; None where they are faulty."""
    air = template.air
    key = "cross_interference" if air.cross_interference is not None else "containment"
    place = (*path, key)
    if wet:
        text = f"zones are for halls that are cooled by air alone, {', '.join(wet)} are not: give recirculation"
        scope.error(place, text)
        return None
    file = written_in(scope, place) / air.cross_interference if air.cross_interference is not None else None
    if (file is not None and not is_file(file)) or (file is None and not _known(scope, str(air.containment))):
        return None  # told with the other references
    try:
        zones = zones_of(template, scope.library, file)
    except InputError as error:
        scope.problems += error.problems
        return None
    assert zones is not None
    try:
        return zones.lowered(zone_flows(template, scope.library, zones))[0], zones.bypass
    except ValueError as error:
        scope.error(place, f"zones {', '.join(zones.names)}: {error}")
        return None


def _known(scope: Scope, containment: str) -> bool:
    return scope.look_up(containment, Containment)[0] is not None


def zone_flows(template: Template, library: Library, zones: Zones) -> list[float]:
    """Air through the racks of each zone at their rated power, kW/K."""
    flow = np.zeros(len(zones.names))
    for id, row in template.rows.items():
        for group in row.groups:
            rack = library.get(group.rack, Rack)
            each = group.count * rated_rack(rack, library).air_kw / rack.air_rise_k.value
            for n in range(row.count):
                flow[zones.of_row[f"{id}-{n + 1}"]] += each
    return [float(f) for f in flow]


def _air_class(scope: Scope, path: Path, supply_c: float, made_for: AirClass) -> None:
    """The supply against what is allowed and recommended at rack inlets, which are never colder than it."""
    allowed, best = made_for.allowable, made_for.recommended
    if not allowed.dry_low <= supply_c <= allowed.dry_high:
        text = (
            f"{supply_c:g} degC is outside what ASHRAE class {made_for.name} allows at rack inlets, {_range(allowed)}"
        )
        scope.error(path, f"{text} ({SOURCE})")
    elif not best.dry_low <= supply_c <= best.dry_high:
        scope.warn(
            path, f"{supply_c:g} degC is outside what ASHRAE recommends for class {made_for.name}, {_range(best)}"
        )


def _range(air: Air) -> str:
    return f"{air.dry_low:g} to {air.dry_high:g} degC"


def _water_class(scope: Scope, path: Path, loop: Loop) -> None:
    if loop.ashrae_class is None:
        return
    most, named = WATER[loop.ashrae_class], f"ASHRAE class {loop.ashrae_class}"
    if loop.supply_c < WATER_LEAST_C:
        scope.error((*path, "supply_c"), f"{loop.supply_c:g} degC is below the {WATER_LEAST_C:g} degC of {named}")
    if loop.supply_c > most:
        scope.error((*path, "supply_c"), f"{loop.supply_c:g} degC is above the {most:g} degC of {named}")
    elif loop.reset is not None and loop.reset.max_c > most:
        scope.error((*path, "reset", "max_c"), f"{loop.reset.max_c:g} degC is above the {most:g} degC of {named}")


__all__ = ["check_air", "zone_flows"]
