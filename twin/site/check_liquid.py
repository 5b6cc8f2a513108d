"""Check of coolant: pumps meet what they pump through, supplies are above the dew point, racks get their least flow.

A curve meets its system where its shut-off head is above the static head; water condenses on what is colder than the
dew point of the room air, from which a guard of 2-3 K is kept (physics sheet, section 2); racks that state a least flow
against the temperature of their inlet (NVIDIA DA-12515) get it at the set point.
"""

from __future__ import annotations

import numpy as np

from twin.cooling.cdu import Cdu
from twin.cooling.friction import diameter_for, pipe_drop
from twin.cooling.pump_curve import Pump, PumpBank, Pumps
from twin.core.coolant import density, viscosity
from twin.core.errors import InputError
from twin.core.units import KPA, LPM, M3H
from twin.racks.rack import Rack
from twin.site.document import Document, Path
from twin.site.model import Liquid, Loop, Template
from twin.site.pumping import cdu_pumps, loop_pumps
from twin.site.rated import rack_counts, rated_rack
from twin.site.scope import Scope


def check_liquid(scope: Scope) -> None:
    """Pumps, dew points and least flows of every template and loop."""
    for id, building in scope.site.buildings.items():
        for name, loop in building.loops.items():
            _pipe(scope, ("buildings", id, "loops", name), loop)
            path = ("buildings", id, "loops", name, "pumps", "device")
            if loop.pumps is not None and scope.entry(path, loop.pumps.device, Pump) is not None:
                bank, flow = loop_pumps(loop, scope.library), f"{loop.flow_max_m3_h:,.0f} m3/h"
                parts = ("pumps", "head_kpa", "flow_max_m3_h")
                if bank is not None and not any(scope.left_out((*path[:-2], part)) for part in parts):
                    _meets(scope, scope.document, path, loop.pumps, bank, f"flow_max_m3_h of {flow}", M3H, "m3/h")
    told: set[str] = set()
    for id, template in scope.site.templates.items():
        liquid = template.liquid
        if liquid is None:
            continue
        cdu = scope.look_up(liquid.cdu, Cdu)[0]
        if cdu is not None and liquid.cdu not in told:
            told.add(liquid.cdu)
            _cdu(scope, liquid, cdu)
        at = ("templates", id)
        supply = (*at, "liquid", "supply_c")
        known = not any(scope.left_out((*at, *part)) for part in (("liquid",), ("air", "dew_point_c")))
        if known and not _faulty(scope, supply):
            _dew_point(scope, supply, template, liquid)
            _least_flow(scope, supply, template, liquid)


def _pipe(scope: Scope, at: Path, loop: Loop) -> None:
    """An error where a loop's pipe alone, out and back, takes more than the head of its pumps."""
    if loop.pipe_length_m is None or loop.pipe_diameter_mm is None:
        return
    parts = ("pipe_length_m", "pipe_diameter_mm", "head_kpa", "flow_max_m3_h")
    if any(scope.left_out((*at, part)) for part in parts):
        return
    rho, mu = density(loop.coolant, loop.supply_c), viscosity(loop.coolant, loop.supply_c)
    flow, length = loop.flow_max_m3_h * M3H, 2.0 * loop.pipe_length_m
    drop, velocity = pipe_drop(flow, loop.pipe_diameter_mm * 1e-3, length, rho, mu)
    if drop > loop.head_kpa * KPA:
        wide = diameter_for(loop.head_kpa * KPA, flow, length, rho, mu) * 1e3
        text = (
            f"{loop.flow_max_m3_h:,.4g} m3/h through {loop.pipe_diameter_mm:g} mm, {velocity:.3g} m/s, lose "
            f"{drop / KPA:,.4g} kPa out and back, more than head_kpa of {loop.head_kpa:g}; "
            f"expected more than {wide:,.0f} mm"
        )
        scope.error((*at, "pipe_diameter_mm"), text)


def _faulty(scope: Scope, path: Path) -> bool:
    """True where something is wrong at ``path`` already."""
    dotted = ".".join(map(str, path))
    return any(p.path == dotted and not p.warning for p in scope.problems)


def _cdu(scope: Scope, liquid: Liquid, cdu: Cdu) -> None:
    """The pumps of a CDU; faults stand in its library file, once."""
    if cdu.pumps is None:
        return
    document, path = scope.library.entry(liquid.cdu).document, ("pumps", "device")
    pump, fault = scope.look_up(cdu.pumps.device, Pump)
    if fault:
        scope.problems.append(document.problem(path, fault))
    if pump is not None:
        alone = liquid.model_copy(update={"count": 1, "manifolds": None})
        bank, flow = cdu_pumps(alone, scope.library), f"{cdu.secondary_flow_lpm.value:,.0f} L/min"
        if bank is not None:
            _meets(scope, document, path, cdu.pumps, bank, f"secondary_flow_lpm of {flow}", LPM, "L/min")


def _meets(
    scope: Scope, document: Document, path: Path, pumps: Pumps, bank: PumpBank, largest: str, unit: float, name: str
) -> None:  # fmt: skip
    """An error where a curve never meets its system, a warning where the pumps on duty give less than ``largest``."""
    duty = bank.running()
    if bank.curve.shut_off <= bank.system.static:
        text = (
            f"the curve of {pumps.device} never meets the system: shut-off head {bank.curve.shut_off / 1e3:,.4g} kPa, "
            f"static head {bank.system.static / 1e3:,.4g} kPa"
        )
        scope.problems.append(document.problem(path, text))
    elif bank.share(duty) < 1.0:
        most = bank.share(duty) * bank.largest / unit
        text = f"{duty} x {pumps.device} give {most:,.0f} {name} at full speed, less than {largest}"
        scope.problems.append(document.problem(path, text, warning=True))


def _dew_point(scope: Scope, path: Path, template: Template, liquid: Liquid) -> None:
    """Coolant is not colder than the dew point of the room air, and keeps a guard from it."""
    dew, least = template.air.dew_point_c, template.air.dew_point_c + liquid.dew_point_guard_k
    held = template.coolant_c
    where = f"the dew point of the room air, {dew:g} degC (air.dew_point_c)"
    if held > liquid.supply_c:
        scope.warn(path, f"raised to {held:g} degC: {liquid.dew_point_guard_k:g} K above {where}")
        if liquid.supply_max_c < held:
            text = f"{liquid.supply_max_c:g} degC is below the {held:g} degC that dew_point_control holds"
            scope.error((*path[:-1], "supply_max_c"), text)
    elif liquid.supply_c < dew:
        scope.error(path, f"supply below dew point: {liquid.supply_c:g} degC is below {where}, water condenses on it")
    elif liquid.supply_c < least:
        text = f"{liquid.supply_c:g} degC is less than the guard of {liquid.dew_point_guard_k:g} K above {where}"
        scope.warn(path, text)


def _least_flow(scope: Scope, path: Path, template: Template, liquid: Liquid) -> None:
    """The racks' design flow is not below what they need at the set point; at the alarm limit a warning."""
    for id in rack_counts(template):
        rack = scope.look_up(id, Rack)[0]
        if rack is None or not rack.minimum_flow or rack.liquid_share.value <= 0.0:
            continue
        try:
            flow = rack.liquid_flow_lpm.value / rated_rack(rack, scope.library).liquid_kw
        except InputError:  # what is wrong with its conversion is told where it stands
            continue
        for place, inlet in ((path, template.coolant_c), ((*path[:-1], "supply_max_c"), liquid.supply_max_c)):
            least = float(rack.least_flow(np.array([inlet]))[0])
            if flow < least - 1e-9:
                text = (
                    f"{id} is designed for {flow:.3g} L/min per kW of its liquid heat, at an inlet of {inlet:g} degC "
                    f"it needs {least:.3g}"
                )
                (scope.error if place == path else scope.warn)(place, text)


__all__ = ["check_liquid"]
