"""Systems A, B, C, ... of a hall's chain: who draws on which, by what share, and which campus element feeds a hall.

Racks have two cords on two of the ``s`` lowest systems, all ``P = s (s - 1) / 2`` pairs in turn (AB, AC, ..., BC, ...),
the first cord with ``cord_share`` ``c``; with ``s`` = 1, or where a link of the chain holds systems in reserve, one
cord. Balanced over all pairs system ``i`` of ``s`` carries::

    share_i = 2 (c (s - 1 - i) + (1 - c) i) / (s (s - 1))        c = 1/2: 1/s

Upward system ``i`` draws on system ``i`` of the next link, on its only one where that has one, and on those that it
holds in reserve when its own is lost.

Source: physics sheet 1.3 (3N2, 4N3: pairings balanced over all pairs; block redundant: the catcher carries nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from twin.site.model import ChainLink, Hall, Plant, Site, Template

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def in_service(link: ChainLink) -> int:
    """Units of a link that carry load while nothing is lost."""
    return link.count - link.count * link.reserve // link.systems


def one_cord(template: Template) -> bool:
    """Whether the racks of a hall have one cord each."""
    links = list(template.chain.values())
    return not links or links[0].systems == 1 or any(link.reserve for link in links)


def pairs(template: Template) -> list[tuple[int, ...]]:
    """Systems of the lowest link on which racks have their cords, in the order in which they take turns."""
    links = list(template.chain.values())
    if not one_cord(template):
        return list(combinations(range(links[0].systems), 2))
    return [(i,) for i in range(links[0].systems - links[0].reserve)] if links else [(0,)]


def draw(template: Template) -> list[float]:
    """Share of the hall's racks that each system of the top link carries, summing to 1; those in reserve 0."""
    top = next(reversed(template.chain.values())) if template.chain else None
    if top is None or top.systems == 1:
        return [1.0]
    primaries = top.systems - top.reserve
    share = [1.0 / primaries] * primaries + [0.0] * top.reserve
    found = pairs(template)
    if not one_cord(template) and primaries == next(iter(template.chain.values())).systems:
        share = [0.0] * top.systems
        for first, second in found:
            share[first] += template.cord_share / len(found)
            share[second] += (1.0 - template.cord_share) / len(found)
    return share


def letters_of(template: Template) -> list[str]:
    """The letters of the top link's systems."""
    top = next(reversed(template.chain.values())) if template.chain else None
    return list(LETTERS[: top.systems if top else 1])


def hall_feeds(hall: Hall, template: Template) -> dict[str, float]:
    """Campus elements (``grid`` among them) that feed a hall, each with its share of what the racks draw."""
    if isinstance(hall.fed_from, str):
        return {hall.fed_from: 1.0}
    found: dict[str, float] = {}
    for letter, share in zip(letters_of(template), draw(template), strict=True):
        if letter in hall.fed_from:
            id = hall.fed_from[letter]
            found[id] = found.get(id, 0.0) + share
    return found


def plant_feeds(plant: Plant) -> dict[str, float]:
    """Campus elements that feed a plant, each with its share."""
    return {plant.fed_from: 1.0} if isinstance(plant.fed_from, str) else dict(plant.fed_from)


def halls_with_feeds(site: Site) -> list[tuple[Hall, Mapping[str, float]]]:
    """Every hall of a valid site with what feeds it."""
    halls = [hall for building in site.buildings.values() for hall in building.halls.values()]
    return [(hall, hall_feeds(hall, site.templates[hall.template])) for hall in halls]


__all__ = [
    "LETTERS", "draw", "hall_feeds", "halls_with_feeds", "in_service", "letters_of", "one_cord", "pairs", "plant_feeds",
]  # fmt: skip
