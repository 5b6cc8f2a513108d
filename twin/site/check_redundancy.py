"""Check: what a site claims to be redundant carries the rated racks with any one system, unit or feeder lost.

As in the capacity check, racks at their rated power, without losses and cooling: what is short is short for certain.
Cords go over to the other system of their pair (``twin.site.cords``), feeds in the ratio of their shares.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from twin.core.units import MW
from twin.site.cords import blocks
from twin.site.feeds import downward, upstream
from twin.site.lower_hall import rack_runs
from twin.site.model import ChainLink, Element, Template
from twin.site.rated import rated_hall, rated_rack
from twin.site.ratings import limits_w
from twin.site.scope import GRID, Scope
from twin.site.systems import draw, letters_of, one_cord, pairs

ENOUGH = 1.0 + 1e-9
Spot = tuple[int, int]  # system, unit


class Port(NamedTuple):
    """A load on campus elements: MW, and the shares of its feeds."""

    mw: float
    feeds: dict[str, float]


def check_redundancy(scope: Scope) -> None:
    """Warn of units and systems of a hall, and of campus elements, that carry too much after one loss."""
    used = {hall.template for building in scope.site.buildings.values() for hall in building.halls.values()}
    for id in used:
        _hall(scope, id, scope.site.templates[id])
    _campus(scope)


def _limit_mw(scope: Scope, item: ChainLink | Element, units: int) -> float:
    breaker = scope.library.get(item.breaker) if item.breaker else None
    return limits_w(scope.library.get(item.device), breaker, scope.site.electrical.power_factor)[0] * units / MW


def _hall(scope: Scope, id: str, template: Template) -> None:
    """The links of a template of which single units feed racks, or that have several systems."""
    runs = rack_runs(template, scope.library)
    rack_mw = np.concatenate([[rated_rack(run.rack, scope.library).it_kw / 1e3] * len(run.rows) for run in runs])
    cut = [(block.cords, float(rack_mw[block.racks].sum())) for block in blocks(template, 0, len(rack_mw))]
    lowest = next(iter(template.chain.values()), None)
    for name, link in template.chain.items():
        if lowest is None or (link.systems == 1 and not link.own):
            continue
        each, below = (item.count // item.systems if item.own else 1 for item in (link, lowest))
        load, moved = defaultdict[Spot, float](float), defaultdict[tuple[Spot, Spot], float](float)
        for cords, mw in cut:
            spots = [((c.system, c.unit * each // below if link.own else 0), c.share) for c in cords if c.share > 0.0]
            for spot, share in spots:
                load[spot] += share * mw
                for other, gone in spots:
                    if other != spot:
                        moved[other, spot] += gone * mw
        limit = _limit_mw(scope, link, 1 if link.own else link.count // link.systems)
        _spots(scope, ("templates", id, "chain", name, "count"), link, dict(load), dict(moved), limit)


def _spots(
    scope: Scope, path: tuple[str, ...], link: ChainLink, load: dict[Spot, float],
    moved: dict[tuple[Spot, Spot], float], limit: float,
) -> None:  # fmt: skip
    what = "unit" if link.own else "system"
    most = max(load.values())
    # Where all together are too much the capacity check has said so.
    if most > limit * ENOUGH and sum(load.values()) <= limit * len(load) * ENOUGH:
        text = f"the racks on the fullest {what} are rated {most:,.3f} MW, it carries {limit:,.3f} MW"
        scope.warn(path, text)
    after = max((load[spot] + more for (_, spot), more in moved.items()), default=most)
    if most <= limit * ENOUGH < after:
        text = (
            f"with one {what} lost another carries {after:,.3f} MW of the racks' rated power, {after / limit:.2f} "
            f"times its {limit:,.3f} MW: it holds {most:,.3f} MW with all there, and not N-1"
        )
        scope.warn(path, text)


def _ports(scope: Scope) -> list[Port]:
    """What the racks of each hall draw from campus elements, apart by the pair of systems they hang on."""
    site, found = scope.site, []
    for building in site.buildings.values():
        for hall in building.halls.values():
            template = site.templates[hall.template]
            mw = rated_hall(template, scope.library).it_kw / 1e3
            if isinstance(hall.fed_from, str):
                found.append(Port(mw, {hall.fed_from: 1.0}))
                continue
            feeders, c = [hall.fed_from[letter] for letter in letters_of(template)], template.cord_share
            top, turns = next(reversed(template.chain.values())), pairs(template)
            if one_cord(template) or next(iter(template.chain.values())).systems != top.systems:
                spare = dict.fromkeys(feeders[top.systems - top.reserve :], 0.0)
                for i, share in enumerate(draw(template)):
                    found.append(Port(mw * share, spare | {feeders[i]: 1.0}))
                continue
            for i, j in turns:
                feeds = {feeders[i]: c, feeders[j]: 1.0 - c} if feeders[i] != feeders[j] else {feeders[i]: 1.0}
                found.append(Port(mw / len(turns), feeds))
    return found


def _campus(scope: Scope) -> None:
    """Campus elements that carry the racks with all there and not with another lost."""
    elements, feeds, ports = scope.site.electrical.elements, upstream(scope.site), _ports(scope)
    if all(len(part) == 1 for part in [*feeds.values(), *(port.feeds for port in ports)]):
        return
    order = downward(scope.site)
    limit = {id: _limit_mw(scope, element, element.count) for id, element in elements.items()}
    normal, worst = _carried(order, feeds, ports, ""), dict[str, tuple[float, str]]()
    for lost in order:
        for id, mw in _carried(order, feeds, ports, lost).items():
            if mw > worst.get(id, (0.0, ""))[0]:
                worst[id] = (mw, lost)
    for id, (mw, lost) in worst.items():
        if normal[id] <= limit[id] * ENOUGH < mw:
            text = (
                f'with "{lost}" lost it carries {mw:,.2f} MW of the racks\' rated power, {mw / limit[id]:.2f} times '
                f"its {limit[id]:,.2f} MW: it holds {normal[id]:,.2f} MW with all there, and not N-1"
            )
            scope.warn(("electrical", "elements", id, "count"), text)


def _carried(order: list[str], feeds: dict[str, dict[str, float]], ports: list[Port], lost: str) -> dict[str, float]:
    """MW through each campus element without ``lost``; ``order`` has feeders before what they feed."""
    alive = {GRID}

    def live(part: dict[str, float]) -> dict[str, float]:
        left = {up: share for up, share in part.items() if up in alive}
        total = sum(left.values())
        if total > 0.0:
            return {up: share / total for up, share in left.items() if share > 0.0}
        return dict.fromkeys(list(left)[:1], 1.0)

    shares = {}
    for id in order:
        shares[id] = live(feeds[id]) if id != lost else {}
        if shares[id]:
            alive.add(id)
    carried = dict.fromkeys(order, 0.0)
    for port in ports:
        for up, share in live(port.feeds).items():
            if up != GRID:
                carried[up] += share * port.mw
    for id in reversed(order):
        for up, share in shares[id].items():
            if up != GRID:
                carried[up] += share * carried[id]
    return carried


__all__ = ["check_redundancy"]
