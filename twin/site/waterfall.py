"""The capacity waterfall of a site, from the contract at the meter to the racks: ratings next to what hangs on them.

Rated IT power is the power of all racks at full load at their AC input. It goes up the electrical path by the shares of
``fed_from``, without losses and without cooling: a share of a rating tells where room is, not how a device is loaded.
"""

from __future__ import annotations

from math import isnan
from typing import Any

from twin.cooling.cdu import Cdu
from twin.cooling.chiller import Chiller
from twin.cooling.crah import Crah
from twin.core.coolant import capacity_rate
from twin.core.units import M3H, MW
from twin.site.feeds import downward, upstream
from twin.site.library import Library
from twin.site.model import Building, ChainLink, Element, Hall, Loop, Site
from twin.site.rated import Rated, rack_counts, rated_hall, rejection_of
from twin.site.ratings import limits_w
from twin.site.serving_site import service_rows
from twin.site.systems import halls_with_feeds, in_service

Rows = dict[str, Any]


def waterfall(site: Site, library: Library) -> Rows:
    """Contract, campus elements, buildings (loops, halls), services and totals; powers in MW. ``site`` must be valid.

    ``share`` is the rated IT power under an element per installed rating; ``None`` where there is nothing to divide.
    """
    rated = {id: rated_hall(template, library) for id, template in site.templates.items()}
    elements = _elements(site, library, rated)
    return {
        "site": site.name,
        "title": site.title,
        "contract": _contract(site, rated),
        "elements": elements,
        "buildings": {id: _building(site, b, library, rated) for id, b in site.buildings.items()},
        "services": service_rows(site, library),
        "totals": _totals(site, rated),
    }


def _halls(site: Site) -> list[Hall]:
    return [hall for building in site.buildings.values() for hall in building.halls.values()]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _contract(site: Site, rated: dict[str, Rated]) -> list[Rows]:
    """Each tranche with the rated IT power energised before the next one starts."""
    rows = []
    tranches = site.contract.tranches
    for index, tranche in enumerate(tranches):
        until = tranches[index + 1].start if index + 1 < len(tranches) else "9999-12-31"
        it_mw = sum(rated[h.template].it_kw for h in _halls(site) if h.energised_on < until) / 1e3
        rows.append({"from": tranche.start, "mw": tranche.mw, "it_mw": it_mw, "share": _share(it_mw, tranche.mw)})
    return rows


def _rating_mw(item: Element | ChainLink, library: Library, power_factor: float) -> float:
    """What the equal devices in service may carry together for ever, behind their breakers; NaN: unknown."""
    breaker = library.get(item.breaker) if item.breaker else None
    limit, _ = limits_w(library.get(item.device), breaker, power_factor)
    return limit * (in_service(item) if isinstance(item, ChainLink) else item.count) / MW


def _element(id: str, item: Element | ChainLink, it_mw: float, library: Library, power_factor: float) -> Rows:
    rating = _rating_mw(item, library, power_factor)
    return {
        "id": id,
        "device": item.device,
        "kind": library.get(item.device).kind,
        "count": item.count,
        "rating_mw": None if isnan(rating) else rating,
        "it_mw": it_mw,
        "share": _share(it_mw, rating),
    }


def _elements(site: Site, library: Library, rated: dict[str, Rated]) -> list[Rows]:
    """Campus elements from the grid downward, each with the rated IT power that is fed through it."""
    feeds, order = upstream(site), downward(site)
    under = dict.fromkeys(order, 0.0)
    for hall, shares in halls_with_feeds(site):
        for id in shares.keys() & under.keys():
            under[id] += shares[id] * rated[hall.template].it_kw / 1e3
    for id in reversed(order):
        for up, share in feeds[id].items():
            if up in under:
                under[up] += share * under[id]
    power_factor = site.electrical.power_factor
    rows = []
    for id in order:
        row = _element(id, site.electrical.elements[id], under[id], library, power_factor)
        rows.append({**row, "fed_from": feeds[id]})
    return rows


def _building(site: Site, building: Building, library: Library, rated: dict[str, Rated]) -> Rows:
    halls = {id: _hall(site, hall, library, rated[hall.template]) for id, hall in building.halls.items()}
    heat = dict.fromkeys(building.loops, 0.0)
    for hall in building.halls.values():
        template, racks = site.templates[hall.template], rated[hall.template]
        if template.liquid is not None:
            heat[template.liquid.loop] += racks.liquid_kw / 1e3
        heat[template.air.loop] += racks.air_kw / 1e3
    return {"loops": {id: _loop(loop, heat[id], library) for id, loop in building.loops.items()}, "halls": halls}


def _hall(site: Site, hall: Hall, library: Library, racks: Rated) -> Rows:
    template = site.templates[hall.template]
    liquid, air, it_mw = template.liquid, template.air, racks.it_kw / 1e3
    cdu_kw = library.get(liquid.cdu, Cdu).rated_kw.value * liquid.count if liquid else 0.0
    chain = [_element(id, link, it_mw, library, site.electrical.power_factor) for id, link in template.chain.items()]
    return {
        "template": hall.template,
        "energised_on": hall.energised_on,
        "load": hall.load,
        "fed_from": hall.fed_from,
        "racks": rack_counts(template),
        "rack_count": racks.racks,
        "systems": racks.systems,
        "it_mw": it_mw,
        "liquid_mw": racks.liquid_kw / 1e3,
        "air_mw": racks.air_kw / 1e3,
        "cdu": {"device": liquid.cdu, "count": liquid.count, "duty_mw": cdu_kw / 1e3} if liquid else None,
        "crah": {
            "device": air.crah,
            "count": air.count,
            "duty_mw": library.get(air.crah, Crah).rated_kw.value * air.count / 1e3,
        },
        "chain": chain,
    }


def _loop(loop: Loop, heat_mw: float, library: Library) -> Rows:
    """A loop with its plant next to the rated heat of the racks on it; compressor and pump heat come on top."""
    bank, chillers = loop.plant.rejection, loop.plant.chillers
    flow = capacity_rate(loop.coolant, loop.supply_c + 0.5 * loop.design_rise_k, loop.flow_max_m3_h * M3H)
    return {
        "supply_c": loop.supply_c,
        "heat_mw": heat_mw,
        "flow_duty_mw": flow * loop.design_rise_k / MW,
        "rejection": {
            "device": bank.device,
            "count": bank.count,
            "duty_mw": rejection_of(bank.device, library).rated_kw.value * bank.count / 1e3,
        },
        "chillers": {
            "device": chillers.device,
            "count": chillers.count,
            "duty_mw": library.get(chillers.device, Chiller).rated_kw.value * chillers.count / 1e3,
        }
        if chillers
        else None,
        "fed_from": loop.plant.fed_from,
    }


def _totals(site: Site, rated: dict[str, Rated]) -> Rows:
    halls = _halls(site)
    racks: dict[str, int] = {}
    for hall in halls:
        for id, count in rack_counts(site.templates[hall.template]).items():
            racks[id] = racks.get(id, 0) + count
    return {
        "buildings": len(site.buildings),
        "halls": len(halls),
        "racks": racks,
        "rack_count": sum(racks.values()),
        "systems": sum(rated[h.template].systems for h in halls),
        "it_mw": sum(rated[h.template].it_kw for h in halls) / 1e3,
        "liquid_mw": sum(rated[h.template].liquid_kw for h in halls) / 1e3,
    }
