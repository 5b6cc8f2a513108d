"""``twin trace``: what feeds an element and what it feeds, and what depends on it alone. Reads the site, runs nothing.

An element is lost as a whole, with all its units: what becomes of a bank with one unit less is a question of capacity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twin.core.errors import Faults, did_you_mean, one
from twin.site.graph import Edge, Effect, Graph, Node
from twin.site.graph_of import site_graph
from twin.site.load import LoadedSite, load_site


@dataclass(frozen=True)
class Trace:
    """An element, or a row, hall or building with all it holds (``inside``; of a single element it alone).

    ``above`` are the keys of what feeds it, the nearest first; ``below`` what it feeds, with what becomes of each when
    it is lost.
    """

    node: Node
    inside: tuple[str, ...]
    above: tuple[str, ...]
    below: dict[str, Effect]

    @property
    def whole(self) -> bool:
        """True for a single element, False for a container."""
        return self.inside == (self.node.key,)


@dataclass(frozen=True)
class Traces:
    """Traces of one site; ``together`` is what only the loss of all of them takes (empty for a single one)."""

    name: str
    title: str
    graph: Graph
    traces: tuple[Trace, ...]
    together: dict[str, Effect]


def trace(site: str | Path | LoadedSite, elements: Sequence[str]) -> Traces:
    """Trace elements by name. Raises ``InputError`` for names that the site does not have, all of them at once."""
    loaded = site if isinstance(site, LoadedSite) else load_site(site)
    graph = site_graph(loaded)
    faults = Faults()
    index = named(graph)
    found = [keys for name in dict.fromkeys(elements) if (keys := faults.of(resolve, index, name))]
    faults.tell()
    traces = tuple(_trace(graph, key) for keys in found for key in keys)
    return Traces(loaded.site.name, loaded.site.title, graph, traces, _together(graph, traces, len(found)))


def resolve(index: dict[str, list[str]], name: str) -> list[str]:
    """Keys of all that is called ``name``; ``role:name`` tells namesakes apart. Raises ``InputError`` for none."""
    if name not in index:
        known = [known for known, keys in index.items() if known not in keys]
        raise one(f'the site has no element "{name}"{did_you_mean(name, known)}')
    return index[name]


def named(graph: Graph) -> dict[str, list[str]]:
    """Keys by name, and by themselves."""
    found: dict[str, list[str]] = {}
    for key, node in [*graph.nodes.items(), *graph.containers.items()]:
        found.setdefault(node.name, []).append(key)
        found[key] = [key]
    return found


def _trace(graph: Graph, key: str) -> Trace:
    node = graph.nodes.get(key) or graph.containers[key]
    inside = tuple(graph.parts[key]) if key in graph.parts else (key,)
    above = graph.above(inside)
    nearest = tuple(k for k in reversed(graph.order()) if k in above)
    return Trace(node, inside, nearest, graph.effects(inside))


def _together(graph: Graph, traces: Sequence[Trace], names: int) -> dict[str, Effect]:
    """What stands after the loss of each element, but not after that of all."""
    if names < 2:
        return {}
    gone = {key for trace in traces for key in trace.inside}
    single = {key for trace in traces for key, effect in trace.below.items() if effect.state == "alone"}
    joint = graph.effects(gone)
    return {key: effect for key, effect in joint.items() if effect.state == "alone" and key not in single}


def edges_above(graph: Graph, trace: Trace) -> list[Edge]:
    """The edges between an element and what feeds it."""
    feeding = set(trace.above)
    return [edge for key in (*trace.inside, *trace.above) for edge in graph.into[key] if edge.source in feeding]


def edges_below(graph: Graph, trace: Trace) -> list[Edge]:
    """The edges between an element and what it feeds."""
    known = {*trace.inside, *trace.below}
    return [edge for key in trace.below for edge in graph.into[key] if edge.source in known]


def racks(graph: Graph, effects: dict[str, Effect], inside: Iterable[str] = ()) -> dict[str, Any]:
    """Racks and their rated power by what becomes of them.

    ``own`` are those that the element holds or is, ``alone`` lose all sources of the needs in ``lose``, ``other`` have
    another way; ``power`` of these is how many are fed by what is lost themselves: for the rest it is what cools them.
    """
    lost = tuple(inside)
    own = [graph.nodes[key].kw or 0.0 for key in lost if graph.nodes[key].role == "rack"]
    alone: dict[tuple[str, ...], list[float]] = {}
    other: list[float] = []
    fed = 0
    for key, effect in effects.items():
        node = graph.nodes[key]
        if node.role == "rack":
            (alone.setdefault(effect.cut, []) if effect.state == "alone" else other).append(node.kw or 0.0)
            fed += effect.state != "alone" and any(
                edge.source in effects or edge.source in lost for edge in graph.needs(key).get("power", ())
            )
    return {
        "own": {"racks": len(own), "rated_kw": sum(own)},
        "alone": [{"lose": list(cut), "racks": len(kw), "rated_kw": sum(kw)} for cut, kw in alone.items()],
        "other": {"racks": len(other), "rated_kw": sum(other), "power": fed},
    }


def plain(found: Traces) -> dict[str, Any]:
    """Everything as plain JSON types; powers in kW, shares from 0 to 1, null where weather or routing decides."""
    graph = found.graph
    return {
        "site": found.name,
        "title": found.title,
        "elements": [_plain_trace(graph, trace) for trace in found.traces],
        "only_together": [_plain_effect(graph, key, effect) for key, effect in found.together.items()],
    }


def _plain_trace(graph: Graph, trace: Trace) -> dict[str, Any]:
    return {
        **_plain_node(trace.node),
        "holds": [] if trace.whole else [graph.nodes[key].name for key in trace.inside],
        "fed_by": [_plain_node(graph.nodes[key]) for key in trace.above],
        "feeds": [_plain_effect(graph, key, effect) for key, effect in trace.below.items()],
        "racks": racks(graph, trace.below, trace.inside),
        "edges_above": _plain_edges(graph, edges_above(graph, trace)),
        "edges_below": _plain_edges(graph, edges_below(graph, trace)),
    }


def _plain_node(node: Node) -> dict[str, Any]:
    about = asdict(node)
    about["rated_kw"] = node.kw
    return {key: value for key, value in about.items() if value not in ("", None)}


def _plain_effect(graph: Graph, key: str, effect: Effect) -> dict[str, Any]:
    loss = {"depends": effect.state, "lose": list(effect.cut), "share": effect.share, "others": list(effect.others)}
    return {**_plain_node(graph.nodes[key]), **loss}


def _plain_edges(graph: Graph, edges: Iterable[Edge]) -> list[dict[str, Any]]:
    return [
        {
            "from": graph.nodes[e.source].name,
            "from_role": graph.nodes[e.source].role,
            "to": graph.nodes[e.target].name,
            "to_role": graph.nodes[e.target].role,
            "medium": e.medium,
            "need": e.need,
            "share": e.share,
            "rated_kw": e.kw,
        }
        for e in edges
    ]


__all__ = ["Trace", "Traces", "edges_above", "edges_below", "named", "plain", "racks", "resolve", "trace"]
