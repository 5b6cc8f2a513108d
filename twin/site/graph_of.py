"""Site -> graph: the grid, campus elements, plants and loops, halls (``graph_hall.py``), what the racks serve.

Names are those of the results (``twin.site.plan.Labels``); a plant's parts, which the results do not name, are
``<loop>/rejection``, ``<loop>/economizer`` and ``<loop>/chillers``. Ratings and loads are sums of library figures.
"""

from __future__ import annotations

from dataclasses import replace

from twin.cooling.chiller import Chiller
from twin.core.coolant import capacity_rate
from twin.core.units import KPA, KW, M3H
from twin.inference.serving import Serving
from twin.site.feeds import downward, upstream
from twin.site.graph import Edge, Graph, Node
from twin.site.graph_hall import add_hall, add_standby, feeder, rating_kw
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.lower_fleet import pool_of
from twin.site.model import Building, Loop, Site
from twin.site.rated import rack_counts, rated_hall, rejection_of
from twin.site.scope import GRID
from twin.site.serving_site import systems_of
from twin.site.systems import halls_with_feeds, plant_feeds


def site_graph(loaded: LoadedSite) -> Graph:
    """The graph of a valid site."""
    site, library = loaded.site, loaded.library
    g = Graph()
    _add_campus(g, site, library)
    pools = pool_of(site, library)
    _add_load(g, site, library, pools)
    for building_id, building in site.buildings.items():
        holder = g.hold(Node("building", building_id, building=building_id))
        heat = _heat_kw(site, library, building)
        for loop_id, loop in building.loops.items():
            _add_loop(g, library, f"{building_id}/{loop_id}", loop, heat[loop_id], holder)
        for hall_id in building.halls:
            name = f"{building_id}/{hall_id}"
            add_hall(g, site, library, name, {rack: pool for (hall, rack), pool in pools.items() if hall == name})
    _date(g)
    return g


def _add_campus(g: Graph, site: Site, library: Library) -> None:
    tranches = ", ".join(f"{t.mw:g} MW from {t.start}" for t in site.contract.tranches)
    g.add(Node("grid", GRID, f"contract {tranches}", each_kw=site.contract.tranches[-1].mw * 1e3))
    feeds = upstream(site)
    under = dict.fromkeys(feeds, 0.0)
    for hall, shares in halls_with_feeds(site):
        for id in shares.keys() & under.keys():
            under[id] += shares[id] * rated_hall(site.templates[hall.template], library).it_kw
    order = downward(site)
    for id in reversed(order):
        for up, share in feeds[id].items():
            if up in under:
                under[up] += share * under[id]
    for id in order:
        element = site.electrical.elements[id]
        each = rating_kw(element, library, site.electrical.power_factor)
        node = Node("element", id, element.device, element.count, each)
        key = g.add(node)
        add_standby(g, node, element)
        for up, share in feeds[id].items():
            g.feed(Edge(feeder(up), key, "power", "power", share, share * under[id] or None))


def _heat_kw(site: Site, library: Library, building: Building) -> dict[str, float]:
    """Rated heat of the racks on each loop, kW."""
    heat = dict.fromkeys(building.loops, 0.0)
    for hall in building.halls.values():
        template = site.templates[hall.template]
        racks = rated_hall(template, library)
        if template.liquid:
            heat[template.liquid.loop] += racks.liquid_kw
        heat[template.air.loop] += racks.air_kw
    return heat


def _add_loop(g: Graph, library: Library, name: str, loop: Loop, heat_kw: float, holder: str) -> None:
    """A loop with its plant: the economiser and the chillers are two ways to the same water."""
    plant, building = loop.plant, name.partition("/")[0]
    sources, chillers = plant_feeds(plant), plant.chillers
    bank = rejection_of(plant.rejection.device, library)
    flow_m3_s = loop.flow_max_m3_h * M3H
    duty = capacity_rate(loop.coolant, loop.supply_c + 0.5 * loop.design_rise_k, flow_m3_s) * loop.design_rise_k / KW

    def unit(role: str, device: str, count: int = 1, each_kw: float | None = None) -> str:
        return g.add(Node(role, f"{name}/{role}", device, count, each_kw, building=building), holder)

    def power(target: str, kw: float | None = None) -> None:
        for id, share in sources.items():
            g.feed(Edge(feeder(id), target, "power", "power", share, None if kw is None else share * kw))

    reject = unit("rejection", plant.rejection.device, plant.rejection.count, bank.rated_kw.value)
    free = unit("economizer", plant.economizer)
    about = f"{loop.flow_max_m3_h:g} m3/h at {loop.supply_c:g} degC"
    key = g.add(Node("loop", name, about, 1, duty, building=building), holder)
    power(reject, bank.fan_kw.value * plant.rejection.count)
    power(key, flow_m3_s * loop.head_kpa * KPA / loop.pump_efficiency / KW)
    g.feed(Edge(reject, free, "water", "water", kw=heat_kw))
    g.feed(Edge(free, key, "water", "water", None if chillers else 1.0, heat_kw))
    if chillers:
        each = library.get(chillers.device, Chiller).rated_kw.value
        cold = unit("chillers", chillers.device, chillers.count, each)
        power(cold)
        g.feed(Edge(reject, cold, "water", "water", kw=heat_kw))
        g.feed(Edge(cold, key, "water", "water", None, heat_kw))


def _add_load(g: Graph, site: Site, library: Library, pools: dict[tuple[str, str], str]) -> None:
    """What the racks serve: pools, services and classes, and the load curves of racks that are in no pool."""
    served: dict[str, list[str]] = {}
    for id, service in site.inference.services.items() if site.inference else ():
        parts = service.pools(id)
        mix = ", ".join(f"{name} {share:g}" for name, share in service.mix.items())
        key = g.add(Node("service", id, f"meant for {mix}"))
        for pool, systems in parts.items():
            count = systems_of(site, library, systems, library.get(systems.serving, Serving))
            need = pool.removeprefix(f"{id}/") if len(parts) > 1 else "systems"
            g.feed(Edge(g.add(Node("pool", pool, systems.serving, count, unit="systems")), key, "load", need))
        for name in service.mix:
            served.setdefault(name, []).append(key)
    for id, demand in site.inference.demand.items() if site.inference else ():
        key, services = g.add(Node("workload", id, demand.workload)), served.get(id, [])
        for service_key in services:
            g.feed(Edge(service_key, key, "load", "service", 1.0 if len(services) == 1 else None))
    for building_id, building in site.buildings.items():
        for hall_id, hall in building.halls.items():
            for rack, count in rack_counts(site.templates[hall.template]).items():
                if (f"{building_id}/{hall_id}", rack) not in pools:
                    old = g.nodes.get(f"load:{hall.load}")
                    more = count + (old.count if old else 0)
                    if old:
                        g.nodes[old.key] = replace(old, count=more)
                    else:
                        g.add(Node("load", hall.load, "load curve", more, unit="racks"))


def _date(g: Graph) -> None:
    """The day on which each node first carries load: a hall's in it, else the earliest of its halls."""
    order = g.order()
    for key in reversed(order):
        days = [g.nodes[e.target].since for e in g.out[key] if g.nodes[e.target].since]
        if not g.nodes[key].since and days:
            g.nodes[key] = replace(g.nodes[key], since=min(days))
    for key in order:
        days = [g.nodes[e.source].since for e in g.into[key] if e.medium == "load"]
        if not g.nodes[key].since and days:
            g.nodes[key] = replace(g.nodes[key], since=min(days))
    for key, node in g.containers.items():
        days = [g.nodes[part].since for part in g.parts[key] if g.nodes[part].since]
        if not node.since and days:
            g.containers[key] = replace(node, since=min(days))


__all__ = ["site_graph"]
