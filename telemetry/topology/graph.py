"""The directed graph of a building's metadata: an edge for each ``servesId``, toward the racks.

Nodes are objects, racks and meters by their id, and placeholders: ids that are served, or that something is hung on,
and that nobody describes. What has an ``associateId`` is hung on its parent and makes no edge. Power and fluid share
the edges; object types tell them apart. What contradicts is told and taken as follows: an id of several object types
has the first in their alphabet, edges of all points of an object are one set, an edge that closes a circle is left out.
All orders are those of the ids, whatever the order of the messages. Ids are opaque: none is taken apart.
Source: NVIDIA/dsx-exchange, BMS event bus 1.0.0 (Apache-2.0): `servesId`, `associateId`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from telemetry.topology.survey import Survey, thing_of

METER, RACK = "PowerMeter", "Rack"
# What carries power; a meter under the id of such equipment is the same thing. Sources have nothing above them.
SOURCES = frozenset(("BESS", "Generator"))
POWER = frozenset((METER, "UPS", "ATS", "Shunt", "Breaker", *SOURCES))
# Objects that measure and move nothing.
WATCHING = frozenset(("Sensor", "System"))


@dataclass
class Node:
    """An object: its type ("" for a placeholder), indices of its points, what it serves and is served by."""

    id: str
    thing: str = ""
    kinds: frozenset[str] = frozenset()  # all object types that it is described as
    points: list[int] = field(default_factory=list)
    serves: list[str] = field(default_factory=list)
    served_by: list[str] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)  # "Valve, 2 points" that hang on it
    variables: set[str] = field(default_factory=set)  # what its points measure

    @property
    def described(self) -> bool:
        """Whether metadata of its own tell of it."""
        return bool(self.thing)


@dataclass
class Graph:
    """Nodes by id in the order of their ids, and what contradicts, a sentence each."""

    nodes: dict[str, Node]
    notes: list[str]

    def of(self, *things: str) -> list[Node]:
        """Nodes of these object types."""
        return [node for node in self.nodes.values() if node.thing in things]

    def placeholders(self) -> list[Node]:
        """Ids that are spoken of and never described."""
        return [node for node in self.nodes.values() if not node.described]

    def carries(self, id: str) -> bool:
        """Whether power goes through ``id`` from above: no load, no source."""
        node = self.nodes[id]
        return node.thing in POWER and not node.kinds & SOURCES

    def meters_above(self, id: str) -> list[str]:
        """Meters, and other equipment of the electrical path, that serve ``id``."""
        return [up for up in self.nodes[id].served_by if self.carries(up)]

    def others_above(self, id: str) -> list[str]:
        """Equipment that serves ``id`` with liquid or air."""
        return [up for up in self.nodes[id].served_by if self.nodes[up].thing not in (RACK, *POWER, *WATCHING)]


def listed(ids: Sequence[str], most: int = 6) -> str:
    """Ids in a sentence, the first of many."""
    shown = ", ".join(ids[:most])
    return f"{shown} and {len(ids) - most} more" if len(ids) > most else shown


def natural(id: str) -> tuple[tuple[int, int, str], ...]:
    """Key for an order in which 2 comes before 10; of longer numbers than any id has a piece at a time."""
    parts = re.findall(r"\d{1,300}|\D+", id)
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


def graph_of(found: Survey) -> Graph:
    """The graph of all metadata of a recording."""
    nodes: dict[str, Node] = {}
    notes: list[str] = []
    things: dict[str, set[str]] = {}
    edges: dict[str, dict[str, int]] = {}
    said: dict[str, set[tuple[str, ...]]] = {}
    hung: dict[tuple[str, str], int] = {}
    for index, point in enumerate(found.points):
        thing, id = thing_of(point), point.item
        if not id or point.covers is not None:
            continue
        node = nodes.setdefault(id, Node(id))
        if point.part_of:
            hung[id, thing] = hung.get((id, thing), 0) + 1
            continue
        node.points.append(index)
        node.variables.add(point.variable)
        things.setdefault(id, set()).add(thing)
        said.setdefault(id, set()).add(point.serves)
        for served in point.serves:
            edges.setdefault(id, {})[served] = 1
            nodes.setdefault(served, Node(served))
    nodes = {id: nodes[id] for id in sorted(nodes, key=natural)}
    for id, kinds in sorted(things.items()):
        left = {METER} if METER in kinds and kinds <= POWER else kinds
        nodes[id].thing, nodes[id].kinds = min(left), frozenset(kinds)
        if len(left) > 1:
            notes.append(f"{id} is described as {' and as '.join(sorted(left))}: taken as {min(left)}")
    for (id, thing), count in sorted(hung.items()):
        nodes[id].attached.append(f"{thing}, {count} point{'s'[: count != 1]}")
    notes += [f"points of {id} do not agree on what it serves: all of it is taken" for id in _disagree(said)]
    _connect(nodes, edges, notes)
    return Graph(nodes, notes)


def _disagree(said: Mapping[str, set[tuple[str, ...]]]) -> Iterable[str]:
    return sorted(id for id, each in said.items() if len({frozenset(ids) for ids in each if ids}) > 1)


def _connect(nodes: dict[str, Node], edges: Mapping[str, Mapping[str, int]], notes: list[str]) -> None:
    """Draw the edges that close no circle, depth first along the order of the ids."""
    wanted = {id: sorted(edges.get(id, ()), key=natural) for id in nodes}
    done: set[str] = set()
    for start in nodes:
        if start in done:
            continue
        trail: dict[str, int] = {start: 0}
        while trail:
            id, place = next(reversed(trail.items()))
            if place == len(wanted[id]):
                done.add(id)
                del trail[id]
                continue
            trail[id] = place + 1
            served = wanted[id][place]
            if served in trail:
                ring = [*list(trail)[list(trail).index(served) :], served]
                notes.append(f"what serves goes round in a circle, {' -> '.join(ring)}: {id} -> {served} is left out")
                continue
            nodes[id].serves.append(served)
            nodes[served].served_by.append(id)
            if served not in done:
                trail[served] = 0
    for node in nodes.values():
        node.served_by.sort(key=natural)


def leaves_of(graph: Graph) -> dict[str, frozenset[str]]:
    """What each meter feeds in the end: the nodes behind it that carry no power on."""

    @cache
    def below(id: str) -> frozenset[str]:
        node = graph.nodes[id]
        return frozenset({id}) if not graph.carries(id) else frozenset().union(*map(below, node.serves))

    # Children first: chains of meters may be longer than Python calls deep.
    order: dict[str, None] = {}
    for start in graph.of(*POWER):
        todo = [start.id] if graph.carries(start.id) else []
        while todo:
            waiting = [id for id in graph.nodes[todo[-1]].serves if graph.carries(id) and id not in order]
            if waiting:
                todo.append(waiting[0])
            else:
                order[todo.pop()] = None
    return {id: below(id) for id in order}


__all__ = ["POWER", "RACK", "SOURCES", "WATCHING", "Graph", "Node", "graph_of", "leaves_of", "listed", "natural"]
