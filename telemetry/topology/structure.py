"""From the graph of metadata to halls, rows, coolant loops and the electrical path, as a site file has them.

- A **hall** is what hangs together: racks that share a CDU, an air handler or a feeder. Racks that nothing is told of
  stand in the first hall. Nothing tells of buildings: there is one.
- A **feeder** of a rack is the nearest meter above it that serves more than this rack; meters on the way are its taps.
  Racks with the same feeders are a **row**; those without join the row where there is one only.
- One feeder of a hall, or two that all its racks have (A and B), are elements of the campus; more are a link of the
  hall's chain. What is above them is of the campus, with a feed for each meter that serves it.
- **Loops** are the equipment that serves CDUs and air handlers, with all that serves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from telemetry.topology.graph import POWER, RACK, SOURCES, Graph, leaves_of, listed, natural
from telemetry.topology.loops import AIR, Loop, loops_of
from telemetry.topology.sets import Sets
from twin.site.incomplete import UNKNOWN
from twin.site.scope import GRID

BUILDING = "b1"
SYSTEMS = "AB"
WET = frozenset(("rack_liquid_volume_flow", "rack_liquid_supply_temperature", "rack_liquid_return_temperature"))
MOST_ID = 48  # letters of an element's id; 64 are allowed


@dataclass(frozen=True)
class Rack:
    """A rack: whether coolant reaches it, its CDUs, air handlers, feeders and the meters between."""

    id: str
    wet: bool
    cdus: tuple[str, ...]
    handlers: tuple[str, ...]
    feeders: tuple[str, ...]
    taps: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """Racks with the same feeders, in the order of their places."""

    id: str
    racks: tuple[Rack, ...]


@dataclass(frozen=True)
class Link:
    """The one link of a hall's chain that metadata tell of."""

    id: str
    count: int
    systems: int
    own: bool
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Hall:
    """A hall; ``feeds``: element ids by system letter, {"": id} for one, empty where nothing is told."""

    id: str
    rows: tuple[Row, ...]
    cdus: tuple[str, ...]
    manifolds: int | None
    handlers: tuple[str, ...]
    liquid_loop: str
    air_loop: str
    feeders: tuple[str, ...]
    feeds: dict[str, str]
    link: Link | None

    @property
    def racks(self) -> list[Rack]:
        """Its racks in their order."""
        return [rack for row in self.rows for rack in row.racks]


@dataclass
class Structure:
    """All that a site file needs of a graph. ``elements``: feeds by id of the telemetry, upstream last in no order.

    ``slug``: element ids by id of the telemetry. ``leaves``: what each meter feeds in the end.
    """

    graph: Graph
    halls: list[Hall]
    loops: list[Loop]
    elements: dict[str, tuple[str, ...]]
    slug: dict[str, str]
    leaves: dict[str, frozenset[str]]
    notes: list[str] = field(default_factory=list)


def structure_of(graph: Graph) -> Structure:
    """Halls, loops and electrical elements of a graph; contradictions are notes."""
    notes = list(graph.notes)
    leaves = leaves_of(graph)
    racks = _racks(graph, leaves)
    loops, loop_of = loops_of(graph, leaves)
    groups = _halls(racks)
    feeders = {id for rack in racks for id in rack.feeders}
    halls = []
    for number, group in enumerate(groups, 1):
        halls.append(_hall(graph, f"hall-{number}", group, loop_of, notes))
    roots = [*dict.fromkeys(id for hall in halls for id in hall.feeds.values())]
    roots += [id for loop in loops for id in loop.feeds]
    elements = _upward(graph, roots)
    slug = _slugs(elements)
    halls = [_named(hall, slug) for hall in halls]
    _unplaced(graph, halls, feeders | set(elements), notes)
    return Structure(graph, halls, loops, elements, slug, leaves, notes)


def _racks(graph: Graph, leaves: dict[str, frozenset[str]]) -> list[Rack]:
    found = []
    for node in graph.of(RACK):
        taps: dict[str, None] = {}
        feeders: set[str] = set()
        todo = graph.meters_above(node.id)
        while todo:
            meter = todo.pop(0)
            above = graph.meters_above(meter)
            if len(leaves[meter]) > 1 or not above:
                feeders.add(meter)
            elif meter not in taps:  # ways that part and meet again double at each such place
                taps[meter] = None
                todo += above
        others = graph.others_above(node.id)
        cdus = tuple(id for id in others if graph.nodes[id].thing not in AIR)
        handlers = tuple(id for id in others if graph.nodes[id].thing in AIR)
        feeds = tuple(sorted(feeders, key=natural))
        found.append(Rack(node.id, bool(cdus) or bool(node.variables & WET), cdus, handlers, feeds, tuple(taps)))
    return found


def _halls(racks: Sequence[Rack]) -> list[list[Rack]]:
    """Racks that hang together; those that nothing is told of join the first hall."""
    sets = Sets()
    for rack in racks:
        for id in (*rack.cdus, *rack.handlers, *rack.feeders):
            sets.join(f"by {id}", f"rack {rack.id}")
    groups: dict[str, list[Rack]] = {}
    alone = []
    for rack in racks:
        if rack.cdus or rack.handlers or rack.feeders:
            groups.setdefault(sets.find(f"rack {rack.id}"), []).append(rack)
        else:
            alone.append(rack)
    found = list(groups.values()) or [[]]
    found[0] = sorted([*found[0], *alone], key=lambda rack: natural(rack.id))
    return found


def _hall(graph: Graph, id: str, racks: Sequence[Rack], loop_of: dict[str, str], notes: list[str]) -> Hall:
    cdus = sorted({cdu for rack in racks for cdu in rack.cdus}, key=natural)
    handlers = sorted({unit for rack in racks for unit in rack.handlers}, key=natural)
    cdus, manifolds = _manifolds(id, cdus, racks, notes)
    rows = _rows(id, racks, cdus if len(cdus) > 1 and manifolds != 1 else (), notes)
    _compare(id, rows, cdus, manifolds, notes)
    liquid, air = _its_loop(id, "CDUs", cdus, loop_of, notes), _its_loop(id, "air handlers", handlers, loop_of, notes)
    feeders = tuple(sorted({feeder for rack in racks for feeder in rack.feeders}, key=natural))
    feeds, link = _feeds(graph, racks, feeders)
    return Hall(id, rows, tuple(cdus), manifolds, tuple(handlers), liquid, air, feeders, feeds, link)


def _manifolds(hall: str, cdus: list[str], racks: Sequence[Rack], notes: list[str]) -> tuple[list[str], int | None]:
    """CDUs in the order of their racks, and how many manifolds: CDUs that serve the same racks share one."""
    served: dict[tuple[str, ...], list[str]] = {}
    for cdu in cdus:
        served.setdefault(tuple(rack.id for rack in racks if cdu in rack.cdus), []).append(cdu)
    sizes = {len(group) for group in served.values()}
    if len(sizes) > 1 or (len(served) > 1 and any(len(rack.cdus) > min(sizes) for rack in racks)):
        notes.append(f"{hall}: its CDUs share racks in a way that no manifold has: each is taken alone")
        return cdus, None
    ordered = [cdu for group in served.values() for cdu in group]
    return ordered, None if sizes <= {1} else len(served)


def _rows(hall: str, racks: Sequence[Rack], cdus: Sequence[str], notes: list[str]) -> tuple[Row, ...]:
    """Rows by feeders; within them by CDU where these stand alone, then by id."""
    place = {cdu: number for number, cdu in enumerate(cdus)}
    known = list(dict.fromkeys(rack.feeders for rack in racks if rack.feeders))
    by: dict[tuple[str, ...], list[Rack]] = {}
    for rack in racks:
        by.setdefault(known[0] if len(known) == 1 else rack.feeders, []).append(rack)
    ordered = [sorted(group, key=lambda rack: (_first(rack, place), natural(rack.id))) for group in by.values()]
    lost = [rack.id for rack in racks if not rack.feeders]
    if lost and known:
        notes.append(f"{hall}: no meter above {len(lost)} racks is told ({listed(lost)}): they stand beside the others")
    return tuple(Row(f"row{number}", tuple(group)) for number, group in enumerate(ordered, 1))


def _first(rack: Rack, place: dict[str, int]) -> int:
    """Place of a rack's first CDU among those that stand alone; racks without come first."""
    return min((place[cdu] for cdu in rack.cdus if cdu in place), default=-1)


def _compare(hall: str, rows: Sequence[Row], cdus: Sequence[str], manifolds: int | None, notes: list[str]) -> None:
    """Tell where the even division of racks among CDUs is not what metadata say."""
    loops = manifolds or len(cdus)
    wet = [rack for row in rows for rack in row.racks if rack.wet]
    if loops < 2:
        return
    each = len(cdus) // loops
    other = [
        rack.id for i, rack in enumerate(wet) if not set(cdus[i * loops // len(wet) * each :][:each]) & set(rack.cdus)
    ]
    if other:
        notes.append(
            f"{hall}: {len(other)} of {len(wet)} racks ({listed(other)}) are put on another CDU than theirs: racks are "
            "divided evenly among the CDUs of a hall"
        )


def _its_loop(hall: str, what: str, ids: Iterable[str], loop_of: dict[str, str], notes: list[str]) -> str:
    found = list(dict.fromkeys(loop_of[id] for id in ids if loop_of.get(id)))
    if len(found) > 1:
        notes.append(f"{hall}: its {what} are on the loops {', '.join(found)}: all are put on {found[0]}")
    return found[0] if found else ""


def _feeds(graph: Graph, racks: Sequence[Rack], feeders: tuple[str, ...]) -> tuple[dict[str, str], Link | None]:
    """What feeds a hall, by id of the telemetry, and the link below it."""
    sets = {rack.feeders for rack in racks if rack.feeders}
    if len(feeders) <= 1 or (len(feeders) == 2 and sets == {feeders}):
        systems = max(1, len(feeders))
        letters = SYSTEMS if systems == 2 else ("",)
        feeds = dict(zip(letters, feeders, strict=False))
        return feeds, _taps(graph, racks, feeders, systems)
    double = {len(each) for each in sets} == {2} and len(feeders) % 2 == 0
    systems = 2 if double else 1
    above = sorted({up for id in feeders for up in graph.meters_above(id)}, key=natural)
    letters = SYSTEMS if systems == 2 and len(above) == 2 else ("",)
    feeds = dict(zip(letters, above, strict=False)) if len(above) <= len(letters) else {}
    return feeds, Link("feeder", len(feeders), systems, len(feeders) > systems, feeders)


def _taps(graph: Graph, racks: Sequence[Rack], feeders: Sequence[str], systems: int) -> Link | None:
    """What stands between feeders and racks, one for each cord; with two systems there is always something."""
    taps = {id for rack in racks for id in rack.taps}
    ids = [id for up in feeders for id in graph.nodes[up].serves if id in taps or not graph.nodes[id].described]
    if ids and len(ids) == systems * len(racks):
        return Link("tap", len(ids), systems, len(racks) > 1, tuple(ids))
    return Link("cord", systems, systems, False, tuple(sorted(taps, key=natural))) if systems > 1 else None


def _upward(graph: Graph, roots: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The meters above ``roots`` and these, each with those that feed it."""
    found: dict[str, tuple[str, ...]] = {}
    todo = list(roots)
    while todo:
        id = todo.pop()
        if id not in found:
            found[id] = tuple(graph.meters_above(id))
            todo += found[id]
    return {id: found[id] for id in sorted(found, key=natural)}


def _slugs(ids: Iterable[str]) -> dict[str, str]:
    """Element ids as a site may have them: the id of the telemetry where that is one."""
    found: dict[str, str] = {}
    taken = {GRID, UNKNOWN}
    for id in ids:
        base = re.sub(r"[^A-Za-z0-9_.-]+", "-", id).strip("-._")[:MOST_ID] or "meter"
        slug, number = base, 1
        while slug in taken:
            number += 1
            slug = f"{base}-{number}"
        taken.add(slug)
        found[id] = slug
    return found


def _named(hall: Hall, slug: dict[str, str]) -> Hall:
    feeds = {letter: slug[id] for letter, id in hall.feeds.items()}
    return Hall(**{**vars(hall), "feeds": feeds})


def _unplaced(graph: Graph, halls: Sequence[Hall], placed: set[str], notes: list[str]) -> None:
    """Tell of equipment and ids that are in no part of the site."""
    inside = placed | {id for hall in halls for rack in hall.racks for id in rack.taps}
    sources = [node.id for node in graph.nodes.values() if node.kinds & SOURCES]
    if sources:
        notes.append(f"generators and batteries are no elements: an overlay gives them to one: {listed(sources)}")
    meters = [node.id for node in graph.of(*POWER) if node.serves and graph.carries(node.id) and node.id not in inside]
    if meters:
        what = f"{_count(len(meters), 'meter')} of parts (pumps, fans, machines of a plant) or of what is not told"
        notes.append(f"{what}: no elements of the site: {listed(meters)}")
    units = {id for hall in halls for id in (*hall.cdus, *hall.handlers)}
    idle = [node.id for node in graph.of("CDU", *AIR) if node.id not in units]
    if idle:
        notes.append(f"{listed(idle)}: serve no rack that is described and are left out")
    for served, words in ((True, "served and never described"), (False, "hung on, and neither served nor described")):
        ids = [node.id for node in graph.placeholders() if bool(node.served_by) is served]
        if ids:
            notes.append(f"{_count(len(ids), 'id')} {words} (placeholders): {listed(ids)}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s'[: number != 1]}"


__all__ = ["BUILDING", "Hall", "Link", "Rack", "Row", "Structure", "structure_of"]
