"""Single points above two systems that are meant to be independent: what lies on every way from each to the grid.

A node is *needed* by a system when no way to the grid leads past it: ``needed(n) = {n} + intersection over the feeds of
n of needed(feed)``, feeds that stand by among them. What two systems both need takes both cords with it.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from twin.site.feeds import downward, upstream
from twin.site.model import Hall, Site, Template
from twin.site.scope import GRID
from twin.site.systems import LETTERS, letters_of, one_cord


class Common(NamedTuple):
    """A single point above two systems of a hall's lowest link.

    ``link`` is where the systems stand, ``element`` what joins them: a link of the chain (``inside``) or a campus
    element; ``systems`` are two letters.
    """

    link: str
    systems: str
    element: str
    inside: bool


def needed(site: Site) -> dict[str, list[str]]:
    """Campus elements without which each one is dead, itself first and upward; feeds free of circles."""
    feeds, found = upstream(site), dict[str, list[str]]()
    for id in downward(site):
        above = [found.get(up, []) for up in feeds[id]]
        shared = [up for up in above[0] if all(up in other for other in above[1:])] if above else []
        found[id] = [id, *shared]
    return found


def service(site: Site) -> str:
    """The only campus element on the grid, empty where there are several: with it the whole site is lost anyhow."""
    roots = [id for id, feeds in upstream(site).items() if GRID in feeds]
    return roots[0] if len(roots) == 1 else ""


def single_point(site: Site, hall: Hall, template: Template, above: dict[str, list[str]]) -> Common | None:
    """The first single point above two systems of a hall that claims redundancy, the service from the grid excepted."""
    links = list(template.chain.items())
    first = next((i for i, (_, link) in enumerate(links) if link.systems > 1), None)
    if first is None:
        return None
    name, lowest = links[first]
    for id, link in links[first + 1 :]:
        if link.systems == 1:
            return Common(name, LETTERS[:2], id, inside=True)
    if isinstance(hall.fed_from, str):
        ways = [hall.fed_from] * links[-1][1].systems
    else:
        ways = [hall.fed_from[letter] for letter in letters_of(template)]
    top, excused = links[-1][1], service(site)
    held = range(top.systems - top.reserve, top.systems) if one_cord(template) else range(top.systems)
    for i, j in combinations(range(top.systems), 2):
        if j not in held:
            continue
        for id in above.get(ways[i], []):
            if id in above.get(ways[j], []) and id != excused:
                return Common(name, LETTERS[i] + LETTERS[j], id, inside=False)
    assert lowest.systems > 1
    return None


__all__ = ["Common", "needed", "service", "single_point"]
