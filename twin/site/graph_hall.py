"""A hall in the graph: its chain from the feed down to the racks, CDUs, air, every rack by itself.

The name of a rack is that of the results: building/hall/row/place, the places of a row counted as they are there.
"""

from __future__ import annotations

from collections.abc import Mapping

from twin.cooling.cdu import Cdu
from twin.cooling.crah import Crah
from twin.core.units import KPA, KW, LPM
from twin.power.loss import LossLaw
from twin.power.transformer import Transformer
from twin.racks.rack import Rack
from twin.site.graph import Edge, Graph, Node
from twin.site.library import Library
from twin.site.lower_hall import Run, coolant_loop_name, rack_runs
from twin.site.model import ChainLink, Element, Hall, Site, Template
from twin.site.rated import Rated, rack_counts, rated_hall, rated_rack
from twin.site.scope import GRID


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
    bottom, joins = _add_chain(parts, site.electrical.power_factor, racks)
    runs = rack_runs(template, library)
    _add_cooling(parts, joins, runs, racks)
    _add_racks(parts, bottom, runs, pools)


class _Hall:
    """What the steps of building one hall share."""

    def __init__(
        self, g: Graph, library: Library, name: str, building: str, hall: Hall, template: Template,
        holders: tuple[str, str],
    ) -> None:  # fmt: skip
        self.g, self.library, self.name, self.building = g, library, name, building
        self.hall, self.template, self.holders = hall, template, holders

    def add(self, role: str, name: str, device: str, count: int = 1, each_kw: float | None = None) -> str:
        """Add a node of the hall."""
        return self.g.add(self.node(role, name, device, count, each_kw), *self.holders)

    def node(self, role: str, name: str, device: str, count: int = 1, each_kw: float | None = None) -> Node:
        return Node(role, name, device, count, each_kw, "", self.name, self.building, self.hall.energised_on)

    def loop(self, id: str) -> str:
        """Key of a loop of the hall's building."""
        return f"loop:{self.building}/{id}"


def _add_chain(hall: _Hall, power_factor: float, racks: Rated) -> tuple[str, str]:
    """The chain from its feed down; returns the element of the racks and the one of pumps and fans."""
    links, above = hall.template.chain, feeder(hall.hall.fed_from)
    joins = ""
    for id, link in reversed(links.items()):
        each = rating_kw(link, hall.library, power_factor)
        key = hall.add("element", f"{hall.name}/{id}", link.device, link.count, each)
        hall.g.feed(Edge(above, key, "power", "power", kw=racks.it_kw))
        joins = key if link.mechanical or not joins else joins
        above = key
    if not links:
        above = joins = hall.add("element", f"{hall.name}/bus", "ideal busbar")
        hall.g.feed(Edge(feeder(hall.hall.fed_from), above, "power", "power", kw=racks.it_kw))
    return above, joins


def _add_cooling(hall: _Hall, joins: str, runs: list[Run], racks: Rated) -> None:
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
            g.feed(Edge(joins, key, "power", "power", kw=pump_kw * liquid.cdus_each))
            g.feed(Edge(hall.loop(liquid.loop), key, "water", "water", kw=kw))
    crah = library.get(air.crah, Crah)
    key = hall.add("air", f"{hall.name}/air", air.crah, air.count, crah.rated_kw.value)
    g.feed(Edge(joins, key, "power", "power", kw=crah.fan_kw.value * air.count))
    g.feed(Edge(hall.loop(air.loop), key, "water", "water", kw=racks.air_kw))


def _add_racks(hall: _Hall, bottom: str, runs: list[Run], pools: Mapping[str, str]) -> None:
    """Racks by row, CDU and kind, with what they take and what they serve; places in a row as in the results."""
    g = hall.g
    for id, row in hall.template.rows.items():
        about = ", ".join(f"{group.count} x {group.rack}" for group in row.groups)
        for n in range(row.count):
            g.hold(hall.node("row", f"{hall.name}/{id}-{n + 1}", about))
    places: dict[str, int] = {}
    for run in runs:
        one, pool = rated_rack(run.rack, hall.library), pools.get(run.rack_id)
        for line in run.rows:
            places[line] = places.get(line, 0) + 1
            node = hall.node("rack", f"{hall.name}/{line}/{places[line]:02d}", run.rack_id, 1, one.it_kw)
            key = g.add(node, *hall.holders, f"row:{hall.name}/{line}")
            g.feed(Edge(bottom, key, "power", "power", kw=one.it_kw))
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


__all__ = ["add_hall", "feeder", "rating_kw"]
