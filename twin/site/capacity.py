"""Check: what carries the racks at full load is large enough, from the CDUs to the plant, from the chain to the grid.

The racks' rated power is compared with ratings, without losses and without the power and heat of the cooling itself:
what is short here is short for certain.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twin.cooling.cdu import Cdu
from twin.cooling.crah import Crah
from twin.cooling.economizer import Economizer
from twin.core.units import LPM, M3H
from twin.racks.rack import Rack
from twin.site.document import Path
from twin.site.model import Loop, Template
from twin.site.rated import rejection_of
from twin.site.scope import Scope
from twin.site.waterfall import waterfall

# The loss law is valid to 1.5 times a rating. What is twice beyond that is no overload but a slip of the pen.
ABSURD_LOADING = 3.0
ENOUGH = 1.0 + 1e-9

Rows = dict[str, Any]


def check_capacity(scope: Scope) -> None:
    """Warn of what is smaller than the racks' rated power or heat; an element far beyond its rating is an error.

    Nothing may be wrong with the site so far.
    """
    rows = waterfall(scope.site, scope.library)
    for row in rows["elements"]:
        _element(scope, ("electrical", "elements", row["id"], "count"), row)
    told: set[str] = set()
    for id, building in rows["buildings"].items():
        for name, loop in building["loops"].items():
            path = ("buildings", id, "loops", name)
            _loop_flow(scope, path, list(building["halls"].values()), loop)
            _plant(scope, path, scope.site.buildings[id].loops[name], loop)
        for hall in building["halls"].values():
            if hall["template"] not in told:
                told.add(hall["template"])
                _hall(scope, hall)


def _element(scope: Scope, path: Path, row: Rows) -> None:
    if row["rating_mw"] is None:
        scope.warn(path, f"the rating of {row['device']} is unknown: whether it carries its racks is not checked")
    share = row["share"] or 0.0
    if share > ENOUGH:
        text = (
            f"the racks on it are rated {row['it_mw']:,.2f} MW, {share:,.1f} times the {row['rating_mw']:,.2f} MW of "
            f"{row['count']} x {row['device']}"
        )
        if share > ABSURD_LOADING:
            scope.error(path, f"{text}, expected at most {ABSURD_LOADING:g} times")
        else:
            scope.warn(path, text)


def _hall(scope: Scope, row: Rows) -> None:
    """The chain, the CDUs and the air handlers of a template, by one of its halls."""
    template = scope.site.templates[row["template"]]
    path = ("templates", row["template"])
    for link in row["chain"]:
        _element(scope, (*path, "chain", link["id"], "count"), link)
    heat, duty = 1e3 * row["air_mw"], 1e3 * row["crah"]["duty_mw"]
    if heat > duty * ENOUGH:
        text = f"rated air heat of the racks {heat:.0f} kW is above the air handlers' {duty:.0f} kW"
        scope.warn((*path, "air", "count"), text)
    if template.liquid is None:
        return
    heat, duty = 1e3 * row["liquid_mw"], 1e3 * row["cdu"]["duty_mw"]
    if heat > duty * ENOUGH:
        text = f"rated liquid heat of the racks {heat:.0f} kW is above the CDUs' duty of {duty:.0f} kW"
        scope.warn((*path, "liquid", "count"), text)
    flow, n = _fullest_cdu(scope, template), template.liquid.cdus_each
    most = n * scope.library.get(template.liquid.cdu, Cdu).secondary_flow_lpm.value
    if flow > most * ENOUGH:
        place, pump = (
            ("CDU", f"{template.liquid.cdu} pumps") if n == 1 else ("manifold", f"{n} x {template.liquid.cdu} pump")
        )
        text = f"the racks on the fullest {place} need {flow:,.0f} L/min, {pump} {most:,.0f} L/min"
        scope.warn((*path, "liquid", "count"), text)


def _fullest_cdu(scope: Scope, template: Template) -> float:
    """Largest coolant flow that the racks on one CDU or manifold need at rated power, L/min; divided as lowered."""
    assert template.liquid is not None
    cdus = template.liquid.coolant_loops
    flows = []
    for row in template.rows.values():
        racks = [(scope.library.get(group.rack, Rack), group.count) for group in row.groups]
        wet = [(rack.liquid_flow_lpm.value, count) for rack, count in racks if rack.liquid_share.value > 0]
        one = np.repeat([flow for flow, _ in wet], [count for _, count in wet])
        flows.append(np.tile(one, row.count))
    need = np.concatenate(flows)
    if len(need) == 0:
        return 0.0
    return float(np.bincount(np.arange(len(need)) * cdus // len(need), weights=need).max())


def _loop_flow(scope: Scope, path: Path, halls: list[Rows], row: Rows) -> None:
    """The flow of a loop against what the CDUs and air handlers on it ask for at the racks' rated heat.

    Each asks for its heat at the design rise, and for no more than it can take.
    """
    name, loop = path[-1], scope.site.buildings[str(path[1])].loops[str(path[-1])]
    m3_h_per_mw = loop.flow_max_m3_h / row["flow_duty_mw"]
    asked = 0.0
    for hall in halls:
        template = scope.site.templates[hall["template"]]
        liquid, air = template.liquid, template.air
        if liquid is not None and liquid.loop == name:
            most = scope.library.get(liquid.cdu, Cdu).primary_flow_lpm.value * liquid.count
            asked += min(hall["liquid_mw"] * m3_h_per_mw, most * LPM / M3H)
        if air.loop == name:
            most = scope.library.get(air.crah, Crah).water_flow_lpm.value * air.count
            asked += min(hall["air_mw"] * m3_h_per_mw, most * LPM / M3H)
    if asked > loop.flow_max_m3_h * ENOUGH:
        text = (
            f"at the racks' rated heat the CDUs and air handlers on this loop ask for {asked:,.0f} m3/h "
            f"(a rise of {loop.design_rise_k:g} K), it pumps {loop.flow_max_m3_h:,.0f} m3/h"
        )
        scope.warn((*path, "flow_max_m3_h"), text)


def _plant(scope: Scope, path: Path, loop: Loop, row: Rows) -> None:
    """Rejection and chillers of a loop against the rated heat of the racks on it."""
    heat = row["heat_mw"]
    on_it = f"the racks on this loop are rated {heat:,.1f} MW of heat"
    bank, chillers = row["rejection"], row["chillers"]
    if heat > bank["duty_mw"] * ENOUGH:
        text = f"{on_it}, {bank['count']} x {bank['device']} reject {bank['duty_mw']:,.1f} MW at their design point"
        scope.warn((*path, "plant", "rejection", "count"), text)
    if chillers is None:
        return
    leaving = rejection_of(loop.plant.rejection.device, scope.library).design_leaving_c()
    trim = heat * (1.0 - _economized(scope, loop, leaving))
    if trim > chillers["duty_mw"] * ENOUGH:
        text = (
            f"{on_it}, the economiser leaves {trim:,.1f} MW with the {leaving:.3g} degC of {bank['device']} at its "
            f"design point: {chillers['count']} x {chillers['device']} carry {chillers['duty_mw']:,.1f} MW"
        )
        scope.warn((*path, "plant", "chillers", "count"), text)


def _economized(scope: Scope, loop: Loop, leaving_c: float) -> float:
    """Share of a loop's heat that its economiser takes with condenser water of ``leaving_c``."""
    supply = max(loop.supply_c, loop.reset.max_c) if loop.reset else loop.supply_c
    effectiveness = scope.library.get(loop.plant.economizer, Economizer).effectiveness.value
    share = effectiveness * (supply + loop.design_rise_k - leaving_c) / loop.design_rise_k
    return min(1.0, max(0.0, share))
