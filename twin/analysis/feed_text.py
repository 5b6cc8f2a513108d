"""A trace for a terminal: what depends on an element, what feeds it, what it feeds."""

from __future__ import annotations

from collections.abc import Iterable

from twin.analysis.feed_lumps import ROLES, Link, Lump, Picture, inside, percent, picture, watts
from twin.analysis.feed_paths import Trace, Traces, racks
from twin.site.graph import LOAD, Effect, Graph

NEEDS = {"power": "power", "water": "water", "liquid": "liquid cooling", "air": "air cooling", "racks": "all its racks"}
LISTED = 8
Rows = list[tuple[str, ...]]


def render(found: Traces) -> str:
    """All traces of a site as lines for people."""
    blocks = [_block(found.graph, trace) for trace in found.traces]
    if found.together:
        blocks.append("\n  ".join(render_together(found)))
    return "\n\n".join(blocks) + "\n"


def render_together(found: Traces) -> list[str]:
    """What only the loss of all the elements takes; empty where there is nothing of that sort."""
    if not found.together:
        return []
    names = " and ".join(dict.fromkeys(trace.node.name for trace in found.traces))
    counts: dict[str, list[str]] = {}
    for key in found.together:
        node = found.graph.nodes[key]
        if node.role != "rack":
            counts.setdefault(node.role, []).append(node.name)
    lines = [_rack_line(row) for row in racks(found.graph, found.together)["alone"]]
    lines += [f"{ROLES[role][len(names) > 1]} {some(names)}" for role, names in counts.items()]
    return [f"Only with {names} lost together", *lines]


def headline(graph: Graph, trace: Trace) -> list[str]:
    """What hangs on the element, a sentence each: racks, halls, pools that it alone feeds; what has another way."""
    sums = racks(graph, trace.below, trace.inside)
    own = sums["own"]
    lines = [f"{_count(own['racks'], 'rack')} of its own ({watts(own['rated_kw'])})"] if own["racks"] else []
    lines += [_rack_line(row) for row in sums["alone"]]
    if sums["other"]["racks"]:
        others = _others(graph, trace)
        lines.append(
            f"{_count(sums['other']['racks'], 'rack')} ({watts(sums['other']['rated_kw'])}) "
            f"have another way{': ' + some(others) if others else ''}"
        )
        if 0 < sums["other"]["power"] < sums["other"]["racks"]:
            lines.append(f"{sums['other']['power']:,} of these by their own feeds, the others by what cools them")
    return lines + _halls(graph, trace) + _load(graph, trace)


def _rack_line(row: dict[str, object]) -> str:
    lost = row["lose"]
    assert isinstance(lost, list)
    count, kw = row["racks"], row["rated_kw"]
    assert isinstance(count, int)
    assert isinstance(kw, float)
    return f"{_count(count, 'rack')} ({watts(kw)}) lose{'s' * (count == 1)} {_needs(lost)}"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"


def _needs(cut: Iterable[str]) -> str:
    return ", ".join(NEEDS.get(need, need) for need in cut)


def _fate(effect: Effect) -> str:
    if effect.state == "alone":
        return "loses everything"
    return "loses a part" if effect.share is None else f"loses {percent(effect.share)}"


def _others(graph: Graph, trace: Trace) -> list[str]:
    names: dict[str, None] = {}
    for key, effect in trace.below.items():
        if graph.nodes[key].role == "rack" and effect.state == "other":
            names |= dict.fromkeys(effect.others)
    return list(names)


def _halls(graph: Graph, trace: Trace) -> list[str]:
    """Halls all or some of whose racks are lost."""
    whole: list[str] = []
    part: list[str] = []
    for key, hall in graph.containers.items():
        if hall.role != "hall" or key == trace.node.key:
            continue
        fates = [trace.below.get(k) for k in graph.parts[key] if graph.nodes[k].role == "rack"]
        lost = sum(fate is not None and fate.state == "alone" for fate in fates)
        if lost:
            (whole if lost == len(fates) else part).append(hall.name)
    lines = [f"{_count(len(whole), 'hall')} with all racks: {some(whole)}"] if whole else []
    return lines + ([f"{_count(len(part), 'hall')} with some racks: {some(part)}"] if part else [])


def _load(graph: Graph, trace: Trace) -> list[str]:
    """Services, load curves and classes that lose all or a part of their racks, the largest part first."""
    lines = []
    for role in ("service", "load", "workload"):
        hurt = {graph.nodes[k].name: f for k, f in trace.below.items() if graph.nodes[k].role == role}
        whole = [name for name, effect in hurt.items() if effect.state == "alone"]
        part = {name: effect for name, effect in hurt.items() if effect.state == "part"}
        if whole:
            lines.append(f"{ROLES[role][len(whole) > 1]} {some(whole)} lose{'s' * (len(whole) == 1)} everything")
        if part:
            most = sorted(part, key=lambda name: -(part[name].share or 0.0))
            lines.append(f"{ROLES[role][len(part) > 1]} {some(f'{name} {_fate(part[name])}' for name in most)}")
    return lines


def some(names: Iterable[str]) -> str:
    """The first few names and how many more there are."""
    listed = list(names)
    more = len(listed) - LISTED
    return ", ".join(listed[:LISTED]) + (f" and {more:,} more" if more > 0 else "")


def about(trace: Trace) -> str:
    """What the element is, in a line."""
    node = trace.node
    lump = Lump(trace.inside, node.name, node, "own")
    parts = [lump.units] if node.role in LOAD else [ROLES[node.role][0], lump.units]
    if node.hall and node.role != "hall":
        parts.append(f"in {node.hall}")
    if node.since:
        parts.append(f"since {node.since}")
    return ", ".join(part for part in parts if part)


def _block(graph: Graph, trace: Trace) -> str:
    seen = picture(graph, trace)
    own = next(i for i, lump in enumerate(seen.lumps) if lump.side == "own")
    fed = [link for link in seen.links if seen.lumps[link.target].side in ("above", "own") and link.source != own]
    feeds = [link for link in seen.links if seen.lumps[link.target].side == "below"]
    lines = headline(graph, trace)
    title = "If it is lost" if lines else "Nothing depends on it"
    return "\n\n".join(
        part
        for part in (
            f"{trace.node.name}: {about(trace)}",
            "\n".join([title, *(f"  {line}" for line in lines)]),
            "\n".join(["Holds", *(f"  {line}" for line in holds(graph, trace))]) if not trace.whole else "",
            _fed_by(seen, fed),
            _feeds(seen, feeds),
        )
        if part
    )


def holds(graph: Graph, trace: Trace) -> list[str]:
    """What a row, hall or building holds, a line for each sort; empty for a single element."""
    return [] if trace.whole else [f"{lump.name}: {lump.units}" for lump in inside(graph, trace)]


def fed_rows(seen: Picture, links: Iterable[Link]) -> Rows:
    """Rows of what feeds: medium, from, its units, to, rated, share, since; the nearest first."""
    rows: Rows = []
    for link in sorted(links, key=lambda link: (-link.target, -link.source)):
        source, target = seen.lumps[link.source], seen.lumps[link.target]
        rows.append(
            (link.medium, source.name, source.units, target.name, _kw(link), percent(link.share), source.node.since)
        )
    return rows


def below_rows(seen: Picture, links: Iterable[Link]) -> Rows:
    """Rows of what is fed: medium, to, its units, from, rated, share, since, what becomes of it."""
    rows: Rows = []
    for link in sorted(links, key=lambda link: (link.target, link.source)):
        source, target = seen.lumps[link.source], seen.lumps[link.target]
        assert target.effect is not None
        rows.append(
            (
                *(link.medium, target.name, target.units, source.name, _kw(link), percent(link.share)),
                *(target.node.since, fate(target.effect, target.node.role)),
            )
        )
    return rows


FED_HEAD = ("", "from", "units", "to", "rated", "share", "since")
BELOW_HEAD = ("", "to", "units", "from", "rated", "share", "since", "if it is lost")


def fate(effect: Effect, role: str = "") -> str:
    """What becomes of a node of ``role``, in few words; a load is carried by racks, not by what feeds them."""
    if role in LOAD and effect.state == "other":
        return "its racks have another way"
    if effect.state == "alone":
        return f"alone: loses {_needs(effect.cut)}"
    if effect.state == "part":
        return _fate(effect)
    way = f"other way: {some(effect.others)}" if effect.others else "other way"
    return way if effect.share is None else f"{way} ({percent(1.0 - effect.share)} now)"


def _kw(link: Link) -> str:
    return "-" if link.kw is None else watts(link.kw)


def _fed_by(seen: Picture, links: list[Link]) -> str:
    rows = fed_rows(seen, links)
    return "Fed by, the nearest first\n" + table([FED_HEAD, *rows], right=(4, 5)) if rows else ""


def _feeds(seen: Picture, links: list[Link]) -> str:
    rows = below_rows(seen, links)
    return "Feeds\n" + table([BELOW_HEAD, *rows], right=(4, 5)) if rows else ""


def table(rows: Iterable[tuple[str, ...]], right: tuple[int, ...]) -> str:
    """Rows in aligned columns; the columns ``right`` end at the right."""
    cells = list(rows)
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = (
        "  ".join(c.rjust(widths[i]) if i in right else c.ljust(widths[i]) for i, c in enumerate(row)) for row in cells
    )
    return "\n".join(f"  {line}".rstrip() for line in lines)


__all__ = [
    "BELOW_HEAD",
    "FED_HEAD",
    "about",
    "below_rows",
    "fate",
    "fed_rows",
    "headline",
    "holds",
    "render",
    "render_together",
    "some",
    "table",
]
