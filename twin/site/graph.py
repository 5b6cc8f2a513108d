"""A site as a graph of what feeds what: power, water, air, and the load that the racks serve. Pure data, no physics.

An edge runs from what gives to what takes. What a node takes is its *needs* (power, water, air, ...): it stands only
while each need has a source left. Edges of one need with a ``share`` divide it; those without (``None``) can each take
over from the other as far as weather or routing lets them. Rows, halls and buildings hold nodes and are none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Medium = Literal["power", "water", "air", "load"]
State = Literal["alone", "part", "other"]
# Roles that go on with what is left: a pool with its other racks, a class with its other services.
SUMS = ("pool", "load")
LOAD = (*SUMS, "service", "workload")


@dataclass(frozen=True)
class Node:
    """Something that feeds or is fed: ``count`` equal units of ``each_kw`` (rating; racks: power at full load).

    ``role`` and ``name`` together are the key; the name is that of the results. ``since`` is the local day on which it
    first carries load, the earliest hall's where it serves several. ``link`` is the link of a hall's chain that it is a
    system or a unit of.
    """

    role: str
    name: str
    device: str = ""
    count: int = 1
    each_kw: float | None = None
    unit: str = ""
    hall: str = ""
    building: str = ""
    since: str = ""
    link: str = ""

    @property
    def key(self) -> str:
        """``role:name``, unique in the graph."""
        return f"{self.role}:{self.name}"

    @property
    def kw(self) -> float | None:
        """All units together, kW."""
        return None if self.each_kw is None else self.count * self.each_kw


@dataclass(frozen=True)
class Edge:
    """``source`` gives ``target`` its ``need``: a ``share`` (0 to 1) of it, or all of it as one of several ways (None).

    ``kw`` is rated: power or heat of the racks at full load that goes this way, of pumps and fans their own power.
    """

    source: str
    target: str
    medium: Medium
    need: str
    share: float | None = 1.0
    kw: float | None = None


@dataclass(frozen=True)
class Effect:
    """What becomes of a node when others are lost.

    ``alone``: the needs ``cut`` have no source left. ``part``: some of what adds up to it is lost. ``other``: it is fed
    by what is lost and by ``others`` too. ``share`` (0 to 1) is the largest part of a need that came from what is lost
    (for ``part`` the part that is lost); None where weather or routing decides.
    """

    state: State
    cut: tuple[str, ...] = ()
    share: float | None = 1.0
    others: tuple[str, ...] = ()


@dataclass
class Graph:
    """Nodes by key, edges, and containers with the keys of what they hold; ``place`` numbers nodes as they came."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    containers: dict[str, Node] = field(default_factory=dict)
    parts: dict[str, list[str]] = field(default_factory=dict)
    into: dict[str, list[Edge]] = field(default_factory=dict)
    out: dict[str, list[Edge]] = field(default_factory=dict)
    place: dict[str, int] = field(default_factory=dict)

    def add(self, node: Node, *holders: str) -> str:
        """Add a node that stands in ``holders`` (keys of containers) and return its key."""
        self.nodes[node.key] = node
        self.place[node.key] = len(self.place)
        self.into[node.key], self.out[node.key] = [], []
        for holder in holders:
            self.parts[holder].append(node.key)
        return node.key

    def hold(self, node: Node) -> str:
        """Add a container and return its key."""
        self.containers[node.key] = node
        self.parts[node.key] = []
        return node.key

    def feed(self, edge: Edge) -> None:
        """Add an edge between known nodes."""
        self.edges.append(edge)
        self.into[edge.target].append(edge)
        self.out[edge.source].append(edge)

    def above(self, keys: Iterable[str]) -> set[str]:
        """All that feeds ``keys``, themselves not counted."""
        return _reached(keys, lambda key: [edge.source for edge in self.into[key]])

    def below(self, keys: Iterable[str]) -> set[str]:
        """All that ``keys`` feed, themselves not counted."""
        return _reached(keys, lambda key: [edge.target for edge in self.out[key]])

    def order(self, within: Collection[str] | None = None) -> list[str]:
        """The keys ``within`` (default: all), each after those of them that feed it."""
        known = dict.fromkeys(self.nodes if within is None else within)
        waiting = {key: sum(edge.source in known for edge in self.into[key]) for key in known}
        ready = [key for key, n in waiting.items() if n == 0]
        for key in ready:
            for edge in self.out[key]:
                if edge.target in waiting:
                    waiting[edge.target] -= 1
                    if waiting[edge.target] == 0:
                        ready.append(edge.target)
        return ready

    def needs(self, key: str) -> dict[str, list[Edge]]:
        """The edges into a node by need."""
        found: dict[str, list[Edge]] = {}
        for edge in self.into[key]:
            found.setdefault(edge.need, []).append(edge)
        return found

    def effects(self, lost: Iterable[str]) -> dict[str, Effect]:
        """What becomes of all that ``lost`` feed, in the order of feeding; ``lost`` themselves are left out."""
        gone = set(lost)
        found: dict[str, Effect] = dict.fromkeys(gone, Effect("alone"))
        below = self.below(gone)
        for key in self.order(sorted(below, key=self.place.__getitem__)):
            found[key] = self._effect(key, found)
        return {key: effect for key, effect in found.items() if key not in gone}

    def _effect(self, key: str, found: Mapping[str, Effect]) -> Effect:
        """The effect on a node whose sources' effects are known."""
        touched = {need: edges for need, edges in self.needs(key).items() if any(e.source in found for e in edges)}
        cut = tuple(need for need, edges in touched.items() if all(is_lost(found.get(e.source)) for e in edges))
        if cut:
            return Effect("alone", cut)
        hurt = [f for edges in touched.values() for e in edges if (f := found.get(e.source)) and f.state != "other"]
        partly = bool(hurt) and self.nodes[key].role in LOAD
        shares = [_share(edges, found, partly=partly) for edges in touched.values()]
        largest = None if None in shares else max(s for s in shares if s is not None)
        return Effect("part" if partly else "other", (), largest, self._others(touched, found))

    def _others(self, touched: Mapping[str, list[Edge]], found: Mapping[str, Effect]) -> tuple[str, ...]:
        """Names of the sources that are left, where the ways part: at the node itself, else further up."""
        names: dict[str, None] = {}
        for edges in touched.values():
            kept = [e.source for e in edges if e.source not in found and self.nodes[e.target].role not in SUMS]
            names |= dict.fromkeys(self.nodes[key].name for key in kept)
            if not kept:
                above = [f for e in edges if (f := found.get(e.source)) and f.state == "other"]
                names |= dict.fromkeys(name for effect in above for name in effect.others)
        return tuple(names)


def is_lost(effect: Effect | None) -> bool:
    """True for a node that no longer stands."""
    return effect is not None and effect.state == "alone"


def _share(edges: list[Edge], found: Mapping[str, Effect], *, partly: bool) -> float | None:
    """The part of a need that comes from what is lost (``partly``: only of what is lost for certain)."""
    total, ways = 0.0, set()
    for edge in edges:
        effect = found.get(edge.source)
        lost = 0.0 if effect is None or (partly and effect.state == "other") else effect.share
        if edge.share is None:
            ways.add(lost)
        elif lost is None:
            return None
        else:
            total += edge.share * lost
    if not ways:
        return total
    return ways.pop() if len(ways) == 1 else None  # whatever way is taken, where all come from it alike


def _reached(keys: Iterable[str], beside: Callable[[str], list[str]]) -> set[str]:
    start = set(keys)
    todo, seen = list(start), set(start)
    while todo:
        for key in beside(todo.pop()):
            if key not in seen:
                seen.add(key)
                todo.append(key)
    return seen - start


__all__ = ["LOAD", "Edge", "Effect", "Graph", "Medium", "Node", "State", "is_lost"]
