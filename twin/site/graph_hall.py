"""A hall in the graph: its chain from the feed down to the racks, CDUs, air, every rack by itself.

The name of a rack is that of the results: building/hall/row/place, the places of a row counted as they are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from twin.cooling.cdu import Cdu
from twin.cooling.crah import Crah
from twin.core.units import KPA, KW, LPM
from twin.power.loss import LossLaw
from twin.power.transformer import Transformer
from twin.racks.rack import Rack
from twin.site.cords import blocks
from twin.site.graph import Edge, Graph, Node
from twin.site.library import Library
from twin.site.lower_hall import Run, coolant_loop_name, rack_runs
from twin.site.model import ChainLink, Element, Hall, Site, Template
from twin.site.rated import Rated, rack_counts, rated_hall, rated_rack
from twin.site.scope import GRID
from twin.site.systems import letters_of
from twin.site.wiring import Feeds, Spot, Wiring


def feeder(name: str) -> str:
    """Key of a campus element or of the grid."""
    return f"grid:{GRID}" if name == GRID else f"element:{name}"


def rating_kw(item: Element | ChainLink, library: Library, power_factor: float) -> float | None:
    """Largest active output of one device, kW; None for an ideal one."""
    device = library.get(item.device)
    assert isinstance(device, LossLaw | Transformer)
    return device.limit_w(power_factor) / KW or None


def add_hall(g: Graph, site: Site, library: Library, name: str, pools: Mapping[str, str]) -> None:
    """Add the hall ``building/hall`` with all it holds; ``pools`` has the pool of each kind of rack that serves."""
    building_id, _, hall_id = name.partition("/")
    building = f"building:{building_id}"
    hall = site.buildings[building_id].halls[hall_id]
    template = site.templates[hall.template]
    racks = rated_hall(template, library)
    about = ", ".join(f"{n} x {id}" for id, n in rack_counts(template).items())
    holder = g.hold(Node("hall", name, about, 1, racks.it_kw, "", name, building_id, hall.energised_on))
    parts = _Hall(g, library, name, building_id, hall, template, (building, holder))
    runs = rack_runs(template, library)
    _add_chain(parts, site.electrical.power_factor, _carried(parts, runs, racks))
    _add_cooling(parts, runs, racks)
    _add_racks(parts, runs, pools)


class _Hall:
    """What the steps of building one hall share."""

    def __init__(
        self, g: Graph, library: Library, name: str, building: str, hall: Hall, template: Template,
        holders: tuple[str, str],
    ) -> None:  # fmt: skip
        self.g, self.library, self.name, self.building = g, library, name, building
        self.hall, self.template, self.holders = hall, template, holders
        self.wiring = Wiring(template)
        self.spots: dict[Spot, str] = {}

    def add(self, role: str, name: str, device: str, count: int = 1, each_kw: float | None = None) -> str:
        """Add a node of the hall."""
        return self.g.add(self.node(role, name, device, count, each_kw), *self.holders)

    def node(self, role: str, name: str, device: str, count: int = 1, each_kw: float | None = None) -> Node:
        return Node(role, name, device, count, each_kw, "", self.name, self.building, self.hall.energised_on)

    def power(self, key: str, feeds: Feeds, kw: float) -> None:
        """Feed what draws ``kw`` from spots of the chain."""
        for spot, share in feeds:
            self.g.feed(Edge(self.spots[spot], key, "power", "power", share, share * kw))

    def loop(self, id: str) -> str:
        """Key of a loop of the hall's building."""
        return f"loop:{self.building}/{id}"


def _carried(hall: _Hall, runs: list[Run], racks: Rated) -> dict[Spot, float]:
    """Rated power of the racks through each spot of the chain, kW."""
    wiring, each = hall.wiring, [rated_rack(run.rack, hall.library).it_kw for run in runs for _ in run.rows]
    found = {spot: 0.0 for i in range(len(wiring.links)) for spot in wiring.spots(i)}
    for block in blocks(hall.template, 0, len(each)):
        kw = sum(each[i] for i in block.racks)
        for cord in block.cords:
            found[Spot(0, cord.system, cord.unit)] += cord.share * kw
    for spot in list(found):
        for above, share in wiring.above(spot):
            found[above] += share * found[spot]
    return {spot: racks.it_kw if wiring.plain(spot.link) else kw for spot, kw in found.items()}


def _add_chain(hall: _Hall, power_factor: float, carried: Mapping[Spot, float]) -> None:
    """The chain from its feed down: its elements, or each system and each unit that stands by itself."""
    wiring, g = hall.wiring, hall.g
    top = len(wiring.links) - 1
    for i in range(top, -1, -1):
        id, link = wiring.links[i]
        each = rating_kw(link, hall.library, power_factor) if link is not None else None
        device, spots = link.device if link is not None else "ideal busbar", wiring.spots(i)
        whole = () if wiring.plain(i) else (g.hold(hall.node("link", f"{hall.name}/{id}", device, len(spots))),)
        for spot in spots:
            node = hall.node("element", f"{hall.name}/{wiring.name(spot)}", device, wiring.count(i), each)
            node = replace(node, link=id) if whole else node
            hall.spots[spot] = key = g.add(node, *hall.holders, *whole)
            if link is not None:
                add_standby(g, node, link)
            if i < top:
                for other, share in wiring.above(spot):
                    g.feed(Edge(hall.spots[other], key, "power", "power", share, share * carried[spot]))
            else:
                g.feed(Edge(_feeder(hall, spot.system), key, "power", "power", kw=carried[spot]))


def _feeder(hall: _Hall, system: int) -> str:
    """Key of what feeds a system of the top link."""
    fed_from = hall.hall.fed_from
    return feeder(fed_from if isinstance(fed_from, str) else fed_from[letters_of(hall.template)[system]])


def add_standby(g: Graph, node: Node, item: ChainLink | Element) -> None:
    """The generators that feed an element when its feeds are dead, and the store that it charges."""
    if item.generators is not None:
        sets = Node("generator", f"{node.name}/generators", item.generators.device, item.generators.count)
        g.feed(Edge(g.add(replace(sets, hall=node.hall, building=node.building)), node.key, "power", "power", 0.0))
    if item.store is not None:
        store = Node("store", f"{node.name}/store", item.store.device, item.store.count)
        key = g.add(replace(store, hall=node.hall, building=node.building, since=node.since))
        g.feed(Edge(node.key, key, "power", "power"))


def _add_cooling(hall: _Hall, runs: list[Run], racks: Rated) -> None:
    """CDUs and air handling, each with its water and the power of its pumps or fans."""
    g, library, liquid, air = hall.g, hall.library, hall.template.liquid, hall.template.air
    if liquid:
        cdu = library.get(liquid.cdu, Cdu)
        flow = cdu.secondary_flow_lpm.value * LPM
        pump_kw = flow * cdu.external_head_kpa.value * KPA / cdu.pump_efficiency.value / KW
        heat = [0.0] * liquid.coolant_loops
        for run in runs:
            if run.cdu >= 0:
                heat[run.cdu] += len(run.rows) * rated_rack(run.rack, library).liquid_kw
        for k, kw in enumerate(heat):
            key = hall.add(
                "cdu", coolant_loop_name(hall.name, liquid, k), liquid.cdu, liquid.cdus_each, cdu.rated_kw.value
            )
            feeds = hall.wiring.shared() if liquid.cdus_each > 1 else hall.wiring.cdu(k)
            hall.power(key, feeds, pump_kw * liquid.cdus_each)
            g.feed(Edge(hall.loop(liquid.loop), key, "water", "water", kw=kw))
    crah = library.get(air.crah, Crah)
    key = hall.add("air", f"{hall.name}/air", air.crah, air.count, crah.rated_kw.value)
    hall.power(key, hall.wiring.shared(), crah.fan_kw.value * air.count)
    g.feed(Edge(hall.loop(air.loop), key, "water", "water", kw=racks.air_kw))


def _add_racks(hall: _Hall, runs: list[Run], pools: Mapping[str, str]) -> None:
    """Racks by row, CDU and kind, with what they take and what they serve; places in a row as in the results."""
    g = hall.g
    for id, row in hall.template.rows.items():
        about = ", ".join(f"{group.count} x {group.rack}" for group in row.groups)
        for n in range(row.count):
            g.hold(hall.node("row", f"{hall.name}/{id}-{n + 1}", about))
    places: dict[str, int] = {}
    total = sum(len(run.rows) for run in runs)
    # Racks stand in the runs in the order of the Plan.
    cords = (block.cords for block in blocks(hall.template, 0, total) for _ in block.racks)
    for run in runs:
        one, pool = rated_rack(run.rack, hall.library), pools.get(run.rack_id)
        for line in run.rows:
            places[line] = places.get(line, 0) + 1
            node = hall.node("rack", f"{hall.name}/{line}/{places[line]:02d}", run.rack_id, 1, one.it_kw)
            key = g.add(node, *hall.holders, f"row:{hall.name}/{line}")
            hall.power(key, [(Spot(0, c.system, c.unit), c.share) for c in next(cords)], one.it_kw)
            if run.cdu >= 0 and hall.template.liquid:
                source = f"cdu:{coolant_loop_name(hall.name, hall.template.liquid, run.cdu)}"
                g.feed(Edge(source, key, "water", "liquid", kw=one.liquid_kw))
            if one.air_kw > 0:
                g.feed(Edge(f"air:{hall.name}/air", key, "air", "air", kw=one.air_kw))
            _serve(hall, key, run.rack, pool)


def _serve(hall: _Hall, key: str, rack: Rack, pool: str | None) -> None:
    """The pool of a rack, or the load curve that it follows."""
    g, target = hall.g, f"load:{hall.hall.load}" if pool is None else f"pool:{pool}"
    units = 1 if pool is None else rack.systems
    g.feed(Edge(key, target, "load", "racks", units / g.nodes[target].count, g.nodes[key].kw))


__all__ = ["add_hall", "add_standby", "feeder", "rating_kw"]
