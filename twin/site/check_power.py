"""Check: systems of the chains line up, what stands behind them exists, cords are independent and counted once."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from twin.core.registry import kinds
from twin.power.transfer import Transfer
from twin.site.document import Path
from twin.site.feeds import check_shares
from twin.site.model import Backed, Building, ChainLink, Hall, Template
from twin.site.rated import rated_hall
from twin.site.scope import Scope
from twin.site.single_points import needed, single_point
from twin.site.systems import letters_of, one_cord

Chain = list[tuple[str, ChainLink]]


def check_power(scope: Scope) -> None:
    """References of breakers, stores and generators; systems; feeds by system; shares of plants."""
    for id, element in scope.site.electrical.elements.items():
        _backed(scope, ("electrical", "elements", id), element)
    for id, template in scope.site.templates.items():
        path = ("templates", id, "chain")
        for name, link in template.chain.items():
            _backed(scope, (*path, name), link)
            _counts(scope, (*path, name), link)
        if not any(cut[:3] == path for cut in scope.dropped):
            _line_up(scope, path, list(template.chain.items()))
        _cords(scope, id, template)
    for id, building in scope.site.buildings.items():
        _building(scope, ("buildings", id), building)


def _backed(scope: Scope, path: Path, item: Backed) -> None:
    """What stands behind an element is in the library and of the right kind."""
    named = {"breaker": item.breaker}
    named |= {key: part.device for key, part in (("store", item.store), ("generators", item.generators)) if part}
    for key, id in named.items():
        wanted = [kind for word, kind in kinds().items() if word == key.removesuffix("s")]
        if id is not None and wanted:
            scope.entry((*path, key) if key == "breaker" else (*path, key, "device"), id, *wanted)


def _counts(scope: Scope, path: Path, link: ChainLink) -> None:
    if link.count % link.systems:
        text = f"{link.count} units do not divide evenly among {link.systems} systems"
        scope.error((*path, "count"), text)
    if link.reserve >= link.systems:
        text = f"{link.reserve} of {link.systems} systems in reserve leave none to carry load, expected fewer"
        scope.error((*path, "reserve"), text)


def _line_up(scope: Scope, path: Path, links: Chain) -> None:
    """Each link has the systems of the one below, those and a reserve, or one on which all join."""
    for (low, lower), (name, link) in pairwise(links):
        if link.reserve >= link.systems:
            continue  # told already
        fits = {1, lower.systems, lower.systems + link.reserve}
        if link.reserve and lower.reserve != link.reserve and link.systems == lower.systems:
            text = (
                f'the system in reserve would carry that of "{low}" below it: expected '
                f"{lower.systems + link.reserve} systems, {lower.systems} of them in service"
            )
            scope.error((*path, name, "systems"), text)
        elif link.systems not in fits:
            more = f", {lower.systems} and those in reserve" if not link.reserve else ""
            text = (
                f'{link.systems} systems above the {lower.systems} of "{low}": expected 1, on which they join, '
                f"or {lower.systems + link.reserve}{more}"
            )
            scope.error((*path, name, "systems"), text)
        if link.reserve and not lower.reserve and scope.look_up(lower.device, Transfer)[1]:
            text = f'"{low}" below it is no transfer switch: how its load comes to the reserve is not said'
            scope.warn((*path, name, "reserve"), text)
        if link.own and not lower.own:
            text = f'"{low}" below it shares a busbar: only what stands below can feed racks of its own'
            scope.error((*path, name, "own"), text)
        elif link.own and (lower.count // lower.systems) % max(1, link.count // link.systems):
            text = f'the units of "{low}" do not divide evenly among {link.count // link.systems} of their own'
            scope.error((*path, name, "count"), text)


def _cords(scope: Scope, id: str, template: Template) -> None:
    links = list(template.chain.items())
    if "cord_share" in template.model_fields_set and one_cord(template):
        scope.warn(("templates", id, "cord_share"), "the racks have one cord here: nothing is shared")
    if links and links[0][1].reserve:
        text = "racks hang on it with one cord: without a transfer switch below nothing brings them to the reserve"
        scope.warn(("templates", id, "chain", links[0][0], "reserve"), text)


def _building(scope: Scope, path: Path, building: Building) -> None:
    for id, hall in building.halls.items():
        if not isinstance(hall.fed_from, str) and (used := scope.template_of(hall)):
            _letters(scope, (*path, "halls", id, "fed_from"), hall.fed_from, letters_of(scope.site.templates[used]))
    for id, loop in building.loops.items():
        if not isinstance(loop.plant.fed_from, str):
            check_shares(scope, (*path, "loops", id, "plant", "fed_from"), loop.plant.fed_from)


def _letters(scope: Scope, path: Path, given: Mapping[str, str], wanted: list[str]) -> None:
    """A hall names a feed for each system of its top link."""
    words = f"its top link has {len(wanted)} system{'s' * (len(wanted) > 1)}: {', '.join(wanted)}"
    for letter in given:
        if letter not in wanted:
            scope.error((*path, letter), f"there is no system {letter}: {words}", key=True)
    missing = [letter for letter in wanted if letter not in given]
    if missing:
        scope.error(path, f"nothing feeds system {', '.join(missing)}: {words}", key=True)


def check_independence(scope: Scope) -> None:
    """Warn, once for each template, where a single point takes both cords of its racks. The site must be valid."""
    site, told = scope.site, set[str]()
    above = needed(site)
    for building, name, hall in _halls(scope):
        template = site.templates[hall.template]
        found = None if hall.template in told else single_point(site, hall, template, above)
        if found is None:
            continue
        told.add(hall.template)
        racks = rated_hall(template, scope.library)
        alike = [one for _, _, one in _halls(scope) if one.template == hall.template]
        cords = "the racks' feed and its reserve" if one_cord(template) else "both cords of racks"
        takes = f"{racks.racks} racks ({racks.it_kw:,.0f} kW) of {building}/{name}"
        takes += f", and so for {len(alike) - 1} more of its kind" if alike[1:] else ""
        text = (
            f'systems {found.systems[0]} and {found.systems[1]} of "{found.link}" join in "{found.element}": '
            f"redundancy is lost there, without it {cords} are dead, {takes}"
        )
        at: Path = ("templates", hall.template, "chain", found.element)
        scope.warn(at if found.inside else ("buildings", building, "halls", name, "fed_from"), text, key=True)


def _halls(scope: Scope) -> list[tuple[str, str, Hall]]:
    return [(b, name, hall) for b, one in scope.site.buildings.items() for name, hall in one.halls.items()]


__all__ = ["check_independence", "check_power"]
