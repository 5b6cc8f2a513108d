"""The wiring of a hall's chain: its systems and units as spots, and what each spot, CDU and air handler draws on.

A spot is one system of a bank on its busbar (``ups-A``), or one unit where units stand by themselves (``rpp-A-07``).
The racks hang on the cords of ``twin.site.cords``. CDU ``j`` takes pair ``j mod P`` of the systems (of units of their
own: number ``j mod u``), half of its power each, or one system where racks have one cord. The CDUs on a manifold and
the air handlers, many and evenly wired, are one load that all systems in service share equally.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from twin.site.model import ChainLink, Template
from twin.site.systems import LETTERS, one_cord


class Spot(NamedTuple):
    """Link of the chain (0 is next to the racks), system (0 is A), unit (0 of a bank)."""

    link: int
    system: int
    unit: int


Feeds = list[tuple[Spot, float]]


class Wiring:
    """The spots of a template's chain; a hall without a chain has an ideal busbar, ``bus``."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.links: list[tuple[str, ChainLink | None]] = [*template.chain.items()] or [("bus", None)]
        marked = [i for i, (_, item) in enumerate(self.links) if item is not None and item.mechanical]
        self.joins = marked[0] if marked else len(self.links) - 1
        self._single = one_cord(template)

    def systems(self, link: int) -> int:
        """Systems of a link."""
        item = self.links[link][1]
        return 1 if item is None else item.systems

    def _units(self, link: int) -> int:
        """Spots of each system of a link."""
        item = self.links[link][1]
        return item.count // item.systems if item is not None and item.own else 1

    def count(self, link: int) -> int:
        """Units on a spot of a link."""
        item = self.links[link][1]
        return 1 if item is None or item.own else item.count // item.systems

    def spots(self, link: int) -> list[Spot]:
        """The spots of a link, system by system."""
        return [Spot(link, s, u) for s in range(self.systems(link)) for u in range(self._units(link))]

    def name(self, spot: Spot) -> str:
        """The id of its link with the system's letter and the unit's number where there are several."""
        id, item = self.links[spot.link]
        label = f"{id}-{LETTERS[spot.system]}" if self.systems(spot.link) > 1 else id
        return f"{label}-{spot.unit + 1:02d}" if item is not None and item.own else label

    def plain(self, link: int) -> bool:
        """Whether a link is one bank on one busbar."""
        return self.systems(link) == 1 and self._units(link) == 1 and self.name(Spot(link, 0, 0)) == self.links[link][0]

    def above(self, spot: Spot) -> Feeds:
        """What a spot draws on in the next link; what is held in reserve has share 0. Empty at the top."""
        link, s, u = spot.link + 1, spot.system, spot.unit
        if link == len(self.links):
            return []
        item, units = self.links[link][1], self._units(spot.link)
        unit = u * self._units(link) // units
        if self.systems(link) == 1:
            return [(Spot(link, 0, unit), 1.0)]
        ready = self.systems(link) - (item.reserve if item is not None else 0)
        spare = range(ready, self.systems(link)) if s < ready else range(0)
        return [(Spot(link, s, unit), 1.0), *((Spot(link, held, unit), 0.0) for held in spare)]

    def cdu(self, j: int) -> Feeds:
        """What CDU ``j`` of a hall without manifolds draws on."""
        ready, spare = self._mechanical()
        turns = list(combinations(ready, 1 if len(ready) == 1 or self._single else 2))
        pair, unit = turns[j % len(turns)], j % self._units(self.joins)
        feeds = [(Spot(self.joins, s, unit), 1.0 / len(pair)) for s in pair]
        return [*feeds, *((Spot(self.joins, s, unit), 0.0) for s in spare)]

    def shared(self) -> Feeds:
        """What the air handlers, or the CDUs on a manifold, draw on."""
        ready, spare = self._mechanical()
        units = range(self._units(self.joins))
        share = 1.0 / (len(ready) * len(units))
        feeds = [(Spot(self.joins, s, u), share) for s in ready for u in units]
        return [*feeds, *((Spot(self.joins, s, u), 0.0) for s in spare for u in units)]

    def _mechanical(self) -> tuple[range, range]:
        """Systems in service and in reserve of the link that pumps and fans join."""
        item, systems = self.links[self.joins][1], self.systems(self.joins)
        ready = systems - (item.reserve if item is not None else 0)
        return range(ready), range(ready, systems)


__all__ = ["Feeds", "Spot", "Wiring"]
