"""Facility loops: the equipment that serves CDUs and air handlers with water, all that serves it, and what feeds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.topology.graph import POWER, RACK, WATCHING, Graph, Node, natural
from telemetry.topology.sets import Sets

AIR = ("CRAH", "CRAC", "AHU")


@dataclass(frozen=True)
class Loop:
    """A facility loop: the objects that make it up, those that serve CDUs or handlers directly, meters that feed it."""

    id: str
    objects: tuple[str, ...]
    direct: tuple[str, ...]
    feeds: tuple[str, ...]


def loops_of(graph: Graph, leaves: dict[str, frozenset[str]]) -> tuple[list[Loop], dict[str, str]]:
    """Facility loops, and which one each CDU and air handler is on ("" where nothing is told of a handler's)."""
    ends = [node for node in graph.nodes.values() if _is_end(graph, node)]
    behind = {node.id: _plant(graph, node.id) for node in ends}
    fed = {id: {leaf for leaf in below if graph.nodes[leaf].described} for id, below in leaves.items()}
    sets = Sets()
    for id, objects in behind.items():
        for up in objects:
            sets.join(f"by {up}", f"end {id}")
    groups: dict[str, list[str]] = {}
    for node in ends:
        if behind[node.id]:
            groups.setdefault(sets.find(f"end {node.id}"), []).append(node.id)
    loops, loop_of = [], dict[str, str]()
    for number, ids in enumerate(groups.values(), 1):
        objects = sorted({up for id in ids for up in behind[id]}, key=natural)
        direct = sorted({up for id in ids for up in graph.others_above(id)}, key=natural)
        loops.append(Loop(f"loop-{number}", tuple(objects), tuple(direct), _plant_feeds(graph, objects, fed)))
        loop_of |= dict.fromkeys(ids, loops[-1].id)
    lone = [node.id for node in ends if not behind[node.id] and node.thing not in AIR]
    if lone or not loops:
        loops.append(Loop("facility", (), (), ()))
        loop_of |= dict.fromkeys(lone, "facility")
    return loops, loop_of


def _is_end(graph: Graph, node: Node) -> bool:
    """Whether liquid or air goes from here to racks."""
    served = (graph.nodes[id].thing == RACK for id in node.serves)
    return node.thing not in ("", RACK, *POWER, *WATCHING) and any(served)


def _plant(graph: Graph, id: str) -> list[str]:
    """All equipment above a CDU or air handler."""
    found: dict[str, None] = {}
    todo = graph.others_above(id)
    while todo:
        up = todo.pop()
        if up not in found:
            found[up] = None
            todo += graph.others_above(up)
    return list(found)


def _plant_feeds(graph: Graph, objects: Sequence[str], fed: dict[str, set[str]]) -> tuple[str, ...]:
    """Meters that feed a plant and nothing else: the nearest that feeds all of it, else all that none of them feeds."""
    made_of = set(objects)
    own = {id: below for id, below in fed.items() if below and below <= made_of}
    every = set().union(*own.values())
    whole = [id for id, below in own.items() if below == every]
    nearest = [id for id in whole if not set(graph.nodes[id].serves) & set(whole)]
    if len(nearest) == 1:
        return (nearest[0],)
    tops = (id for id in own if not own.keys() & set(graph.meters_above(id)))
    return tuple(sorted(tops, key=natural))


__all__ = ["AIR", "Loop", "loops_of"]
