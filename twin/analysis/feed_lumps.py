"""A trace for people: equal things as one, so that a campus of thousands of racks fits on a page.

What feeds and what is fed is each shown one by one, else row by row, hall by hall, building by building, or as a whole:
the finest of these that puts at most ``MOST`` side by side. Only what has one device, one fate and one distance from
the grid is put together, so no links go round in a circle; pools, services and classes stay by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from twin.analysis.feed_paths import Trace, edges_above, edges_below
from twin.site.graph import LOAD, Edge, Effect, Graph, Medium, Node

MOST = 8
ROLES = {
    "grid": ("grid", "grids"),
    "element": ("element", "elements"),
    "link": ("link", "links"),
    "generator": ("generators", "generator plants"),
    "store": ("store", "stores"),
    "rejection": ("heat rejection", "heat rejections"),
    "economizer": ("economiser", "economisers"),
    "chillers": ("chillers", "chiller banks"),
    "loop": ("facility loop", "facility loops"),
    "cdu": ("CDU", "CDUs"),
    "air": ("air handlers", "halls' air handlers"),
    "rack": ("rack", "racks"),
    "row": ("row", "rows"),
    "hall": ("hall", "halls"),
    "building": ("building", "buildings"),
    "pool": ("pool", "pools"),
    "service": ("service", "services"),
    "workload": ("class", "classes"),
    "load": ("load curve", "load curves"),
}


@dataclass(frozen=True)
class Lump:
    """Equal nodes as one: their keys, what they are called together, and what becomes of them (None: they feed)."""

    keys: tuple[str, ...]
    name: str
    node: Node
    side: str
    effect: Effect | None = None

    @property
    def units(self) -> str:
        """Number, rating and device: ``5 x 3.00 MW cdu-3mw``."""
        node = self.node
        each = "" if node.each_kw is None else watts(node.each_kw)
        if node.role == "grid":
            return node.device
        if node.role in LOAD:
            amount = f", {node.count:,} {node.unit}" if node.unit else ""
            return ROLES[node.role][0] + amount + ("" if node.role == "load" else f", {node.device}")
        if node.count > 1:
            return f"{node.count:,} x {each} {node.device}" if each else f"{node.count:,} x {node.device}"
        return f"{each} {node.device}".strip()


@dataclass(frozen=True)
class Link:
    """Edges between two lumps as one: places in the list of lumps, summed power, mean share of a target."""

    source: int
    target: int
    medium: Medium
    need: str
    share: float | None
    kw: float | None


@dataclass(frozen=True)
class Picture:
    """What a page and a terminal show of a trace: lumps from the grid to the load, and links between them."""

    lumps: list[Lump]
    links: list[Link]


def watts(kw: float) -> str:
    """Power in kW or MW with three digits: ``0.8 kW``, ``46 kW``, ``3.00 MW``, ``750 MW``."""
    value, unit = (kw / 1e3, "MW") if kw >= 999.5 else (kw, "kW")
    digits = 0 if value >= 99.95 else 1 if value >= 9.995 else 2
    text = f"{value:,.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if unit == 'kW' and '.' in text else text} {unit}"


def percent(share: float | None) -> str:
    """A share in percent; ``either`` where weather or routing decides."""
    return "either" if share is None else f"{100 * share:.3g} %"


def picture(graph: Graph, trace: Trace) -> Picture:
    """The lumps and links of a trace."""
    depth = _depths(graph)
    above = _lumps(graph, trace.above, "above", depth, lambda _: None)
    own = [Lump(trace.inside, trace.node.name, trace.node, "own")]
    below = _lumps(graph, trace.below, "below", depth, trace.below.__getitem__)
    lumps = [*reversed(above), *own, *below]
    place = {key: i for i, lump in enumerate(lumps) for key in lump.keys}
    edges = [*edges_above(graph, trace), *edges_below(graph, trace)]
    return Picture(lumps, _links(edges, place))


def inside(graph: Graph, trace: Trace) -> list[Lump]:
    """The lumps of what a container holds."""
    own = set(trace.inside)
    held = [key for key in graph.order() if key in own]
    return _lumps(graph, held, "own", _depths(graph), lambda _: None)


def _depths(graph: Graph) -> dict[str, int]:
    """Steps from the grid, the longest way."""
    depth: dict[str, int] = {}
    for key in graph.order():
        depth[key] = max((depth[edge.source] + 1 for edge in graph.into[key]), default=0)
    return depth


def _lumps(
    graph: Graph, keys: Iterable[str], side: str, depth: Mapping[str, int], effect: Callable[[str], Effect | None]
) -> list[Lump]:
    """Lumps in the order of their first nodes."""
    order = list(keys)
    found: dict[tuple[object, ...], list[str]] = {}
    for scope in SCOPES:
        found = {}
        for key in order:
            node, fate = graph.nodes[key], effect(key)
            place = node.name if node.role in LOAD else scope(node)
            cut = (fate.state, fate.cut, fate.share) if fate else None
            device = "" if node.role == "loop" else node.device
            found.setdefault((depth[key], node.role in LOAD, _sort(node), place, device, cut), []).append(key)
        abreast = Counter(level for level, load, *_ in found if not load)
        if max(abreast.values(), default=0) <= MOST:
            break
    groups = [group[::-1] if side == "above" else group for group in found.values()]
    return [_lump([graph.nodes[key] for key in group], side, effect(group[0])) for group in groups]


def _sort(node: Node) -> tuple[str, ...]:
    """What is compared with what: an element of a hall by its place in the chain, all else by its role."""
    return (node.role, _tail(node) if node.role == "element" and node.hall else "")


def _tail(node: Node) -> str:
    """The link of a hall's chain that an element is, or is a part of."""
    return node.link or node.name.rpartition("/")[2]


def _one(node: Node) -> str:
    return node.name


def _row(node: Node) -> str:
    return node.name.rpartition("/")[0] if node.role == "rack" else node.name


def _hall(node: Node) -> str:
    return node.hall or node.name


def _building(node: Node) -> str:
    return node.building or node.name


def _site(node: Node) -> str:
    return ""


SCOPES = (_one, _row, _hall, _building, _site)


def _lump(nodes: list[Node], side: str, effect: Effect | None) -> Lump:
    keys = tuple(node.key for node in nodes)
    first = nodes[0]
    if len(nodes) == 1:
        return Lump(keys, first.name, first, side, effect)
    days = [node.since for node in nodes if node.since]
    count, rating = sum(node.count for node in nodes), first.each_kw
    if any(node.each_kw != rating for node in nodes):
        known = [node.kw for node in nodes if node.kw is not None]
        count, rating = 1, sum(known) if len(known) == len(nodes) else None
    device = first.device if all(node.device == first.device for node in nodes) else "together"
    hall, building = _common(node.hall for node in nodes), _common(node.building for node in nodes)
    same = Node(first.role, "", device, count, rating, first.unit, hall, building, min(days, default=""))
    return Lump(keys, _together(nodes), same, side, effect)


def _common(values: Iterable[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else ""


def _together(nodes: list[Node]) -> str:
    """What several nodes are called: ``12 racks of b1/b1-h1/r-1``, ``6 x ups of b1``, ``b1, b2 and 7 more``."""
    first = nodes[0]
    if first.role == "element" and not first.hall:
        more = len(nodes) - 2
        return f"{first.name}, {nodes[1].name}" + (f" and {more} more" if more else "")
    noun = f"x {_tail(first)}" if first.role == "element" else ROLES[first.role][1]
    for scope in (_row, _hall, _building):
        places = {scope(node) for node in nodes}
        if len(places) == 1:
            return f"{len(nodes):,} {noun} of {places.pop()}"
    return f"{len(nodes):,} {noun}"


def _links(edges: Iterable[Edge], place: Mapping[str, int]) -> list[Link]:
    """Edges by their ends, medium and need; a share is the mean over the targets that are fed."""
    found: dict[tuple[int, int, Medium, str], list[Edge]] = {}
    for edge in edges:
        found.setdefault((place[edge.source], place[edge.target], edge.medium, edge.need), []).append(edge)
    links = []
    for (source, target, medium, need), alike in found.items():
        shares, kws = [e.share for e in alike], [e.kw for e in alike if e.kw is not None]
        known = [share for share in shares if share is not None]
        targets = len({e.target for e in alike})
        share = sum(known) / targets if len(known) == len(shares) else None
        links.append(Link(source, target, medium, need, share, sum(kws) if kws else None))
    return links


__all__ = ["ROLES", "Link", "Lump", "Picture", "inside", "percent", "picture", "watts"]
