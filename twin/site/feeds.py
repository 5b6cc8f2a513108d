"""Check: the electrical path is a tree or a mesh without a circle, and every share of it is fed."""

from __future__ import annotations

from collections.abc import Mapping

from twin.site.document import Path
from twin.site.model import Site
from twin.site.scope import GRID, Scope
from twin.site.systems import plant_feeds

ELEMENTS = ("electrical", "elements")


def check_feeds(scope: Scope) -> None:
    """References, shares, circles, unused elements and heat sinks of the campus elements."""
    elements = scope.site.electrical.elements
    known = [GRID, *scope.ids(ELEMENTS, elements)]
    if GRID in elements:
        scope.error((*ELEMENTS, GRID), f'"{GRID}" is the name of the grid itself: rename this element', key=True)
    for id, element in elements.items():
        path = (*ELEMENTS, id)
        feeds = element.fed_from
        if isinstance(feeds, str):
            scope.reference((*path, "fed_from"), feeds, known, "electrical element")
        else:
            for name in feeds:
                scope.reference((*path, "fed_from", name), name, known, "electrical element")
            check_shares(scope, (*path, "fed_from"), feeds)
        if element.losses_to != "outdoors":
            text = f'a campus element stands outside the halls: expected "outdoors", got "{element.losses_to}"'
            scope.error((*path, "losses_to"), text)
    _circles(scope)
    if scope.whole:
        _unused(scope)


def check_shares(scope: Scope, path: Path, feeds: Mapping[str, float]) -> None:
    """The shares of several feeds sum to 1: one counted in full beside another counts the load twice."""
    total = sum(feeds.values())
    if abs(total - 1.0) <= 1e-6 or scope.left_out(path):
        return
    text = f"the shares sum to {total:g}, expected 1"
    if sum(share >= 1.0 for share in feeds.values()) > 1:
        text += ": each feed is counted in full; give what each carries while all are there, 0 where one stands by"
    scope.error(path, text, key=True)


def upstream(site: Site) -> dict[str, dict[str, float]]:
    """The shares that each campus element draws from the elements above it, ``grid`` among them."""
    return {
        id: {e.fed_from: 1.0} if isinstance(e.fed_from, str) else dict(e.fed_from)
        for id, e in site.electrical.elements.items()
    }


def downward(site: Site) -> list[str]:
    """The campus elements, each after those that feed it. The feeds must be free of circles."""
    feeds = upstream(site)
    order: dict[str, None] = {}
    todo = list(reversed(feeds))
    while todo:
        waiting = [up for up in feeds[todo[-1]] if up in feeds and up not in order]
        if waiting:
            todo += waiting
        else:
            order[todo.pop()] = None
    return list(order)


def _circles(scope: Scope) -> None:
    """Every circle once, with the elements on it."""
    feeds = upstream(scope.site)
    done: set[str] = set()
    for start in feeds:
        trail: list[str] = []
        todo = [(start, 0)]
        while todo:
            id, depth = todo.pop()
            del trail[depth:]
            if id in trail:
                ring = [*trail[trail.index(id) :], id]
                path = (*ELEMENTS, ring[0], "fed_from")
                scope.error(path, f"the feeds go round in a circle: {' -> '.join(ring)}")
            elif id in feeds and id != GRID and id not in done:
                done.add(id)
                trail.append(id)
                todo += [(up, depth + 1) for up in reversed(feeds[id])]


def _unused(scope: Scope) -> None:
    site = scope.site
    used = {up for feeds in upstream(site).values() for up in feeds}
    for building in site.buildings.values():
        for hall in building.halls.values():
            used |= {hall.fed_from} if isinstance(hall.fed_from, str) else set(hall.fed_from.values())
        for loop in building.loops.values():
            used |= set(plant_feeds(loop.plant))
    for id in site.electrical.elements:
        if id not in used:
            scope.warn((*ELEMENTS, id), f'"{id}" feeds nothing', key=True)
    templates = {hall.template for b in site.buildings.values() for hall in b.halls.values()}
    for id in site.templates:
        if id not in templates:
            scope.warn(("templates", id), f'no hall uses the template "{id}"', key=True)
