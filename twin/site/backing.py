"""What keeps a mechanical load when the utility is lost, by what stands above it: a UPS, generators, nothing.

``ups`` where every way to the grid leads through one, ``generator`` where sets feed a busbar on some way, else
``none``. What the site says of a load (``backed_by``) goes before this; pumps of CDUs stand on a UPS by default.
"""

from __future__ import annotations

from collections.abc import Iterable

from twin.power.ups import Ups
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.model import ChainLink, Element, Hall, Template
from twin.site.scope import GRID


def backed_above(loaded: LoadedSite, hall: Hall, template: Template) -> str:
    """What keeps the air handlers of a hall, by what stands above the link that they join."""
    links = list(template.chain.values())
    joins = next((i for i, link in enumerate(links) if link.mechanical), max(0, len(links) - 1))
    found = [_own(loaded.library, link) for link in links[joins:]]
    if "ups" in found:
        return "ups"
    feeders = [hall.fed_from] if isinstance(hall.fed_from, str) else list(hall.fed_from.values())
    above = backed_by(loaded, feeders)
    return "generator" if above == "none" and "generator" in found else above


def _own(library: Library, item: ChainLink | Element) -> str:
    if isinstance(library.get(item.device), Ups):
        return "ups"
    return "generator" if item.generators else "none"


def backed_by(loaded: LoadedSite, feeders: Iterable[str]) -> str:
    """``ups`` where every way to the grid leads through one, ``generator`` where one feeds some way, else ``none``."""
    site = loaded.site

    def found(id: str) -> str:
        if id == GRID:
            return "none"
        element = site.electrical.elements[id]
        own = _own(loaded.library, element)
        above = element.fed_from
        return (
            own
            if own == "ups"
            else _joined([own], [found(up) for up in ([above] if isinstance(above, str) else above)])
        )

    return _joined([], [found(id) for id in feeders])


def _joined(own: list[str], above: list[str]) -> str:
    if all(one == "ups" for one in above):
        return "ups"
    return "generator" if "generator" in (*own, *above) else "none"


__all__ = ["backed_above", "backed_by"]
