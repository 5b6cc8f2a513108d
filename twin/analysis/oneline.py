"""The one-line diagram of a site as data: banks, what feeds what, what hangs on it, and how full each bank is.

One drawing for the campus, from the utility to the halls, and one for each template of a hall, from its feed to the
racks (``oneline_hall.py``). Loading is at full load of all racks, with the losses of the path and the rated pumps and
fans of the halls::

    normal      = P / (n P_unit)                          largest of the bank's systems
    one lost    = normal n/(n - 1)                        a bank on one busbar; n = 1: nothing is left
    system lost = what the other systems then carry (``twin.analysis.oneline_hall``)

What a cooling plant draws hangs on the weather and is no rating: above a plant the loading is told as a lower bound.
What has no rating in its library entry says so: None, never fine. Source: physics sheet 1.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from twin.analysis.oneline_bank import (
    Bank,
    Drawing,
    Feed,
    Load,
    Source,
    input_w,
    is_ideal,
    limit_w,
    parts_of,
    rating_of,
)
from twin.analysis.oneline_hall import hall_drawing
from twin.core.errors import did_you_mean, one, option
from twin.core.units import KW
from twin.site.feeds import downward, upstream
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.model import Element, Site
from twin.site.scope import GRID
from twin.site.systems import hall_feeds, plant_feeds

CAMPUS = "campus"


@dataclass(frozen=True)
class OneLine:
    """All drawings of a site."""

    site: str
    title: str
    drawings: tuple[Drawing, ...]

    @property
    def banks(self) -> tuple[Bank, ...]:
        """The banks of all drawings."""
        return tuple(bank for drawing in self.drawings for bank in drawing.banks)

    def plain(self) -> dict[str, Any]:
        """The tables behind the pictures as plain JSON types."""
        return asdict(self)


def one_line(loaded: LoadedSite, hall: str | None = None) -> OneLine:
    """The diagram of a site; with ``hall`` (building/hall) of what feeds that hall only. Raises ``InputError``."""
    site, library = loaded.site, loaded.library
    halls = {f"{b}/{h}": own for b, building in site.buildings.items() for h, own in building.halls.items()}
    if hall is not None and hall not in halls:
        hint = did_you_mean(hall, halls) or f"; expected building/hall, as {next(iter(halls))}"
        raise one(f'the site has no hall "{hall}"{hint}', path=option("hall="))
    made = {}
    for id in dict.fromkeys(own.template for own in halls.values()):
        alike = {name: own for name, own in halls.items() if own.template == id and hall in (None, name)}
        made[id] = hall_drawing(site, library, id, alike)
    campus = _campus(site, library, {name: made[own.template][1] for name, own in halls.items()}, hall)
    shown = list(made) if hall is None else [halls[hall].template]
    return OneLine(site.name, site.title, (campus, *(made[id][0] for id in shown)))


def _campus(site: Site, library: Library, inputs: dict[str, float], only: str | None) -> Drawing:
    """Campus elements; ``inputs`` has the power into each hall, W. All count in loadings, ``only`` is shown."""
    feeds, order = upstream(site), downward(site)
    halls, plants = _hall_loads(site, inputs, only), _plant_loads(site)
    under: dict[str, float] = dict.fromkeys([GRID, *order], 0.0)
    least = dict.fromkeys([GRID, *order], False)
    for above, load in [*halls, *plants]:
        under[above] += (load.kw or 0.0) * KW
        least[above] = least[above] or load.kw is None
    banks = []
    for id in reversed(order):
        element = site.electrical.elements[id]
        out = under[id]
        banks.append(_bank(library, id, element, out, site.electrical.power_factor, least=least[id]))
        into = input_w(library, element, out, site.electrical.power_factor)
        for above, share in feeds[id].items():
            under[above] += share * into
            least[above] = least[above] or least[id]
    edges = [Feed(up, id, share) for id in order for up, share in feeds[id].items()]
    edges += [Feed(above, load.key, 1.0) for above, load in [*halls, *plants]]
    chosen = [load.key for _, load in halls if only is None or load.title.endswith(f"hall {only}")]
    kept = _above(edges, chosen) if only is not None else {edge.target for edge in edges}
    loads = tuple(load for _, load in [*halls, *plants] if load.key in kept)
    shown = tuple(bank for bank in reversed(banks) if bank.key in kept)
    title = f"Campus {site.name}" + (f", what feeds {only}" if only else "")
    utility = Source(GRID, ("utility", *_contract(site)))
    return Drawing(CAMPUS, title, (utility,), shown, loads, tuple(edge for edge in edges if edge.target in kept))


def _contract(site: Site) -> tuple[str, ...]:
    return tuple(f"{tranche.mw:g} MW from {tranche.start}" for tranche in site.contract.tranches)


def _above(edges: Iterable[Feed], keys: Iterable[str]) -> set[str]:
    """``keys`` and all that feeds them."""
    kept, todo, known = set(keys), list(keys), list(edges)
    while todo:
        key = todo.pop()
        for edge in known:
            if edge.target == key and edge.source not in kept:
                kept.add(edge.source)
                todo.append(edge.source)
    return kept


def _hall_loads(site: Site, inputs: dict[str, float], only: str | None) -> list[tuple[str, Load]]:
    """Halls of one building, template and feeds together (``only`` by itself), with what feeds them.

    What has several feeds hangs on each of them, with the part of its power that it draws there.
    """
    groups: dict[tuple[tuple[tuple[str, float], ...], str, str, bool], list[str]] = {}
    for name in inputs:
        building, _, id = name.partition("/")
        hall = site.buildings[building].halls[id]
        feeds = tuple(hall_feeds(hall, site.templates[hall.template]).items())
        groups.setdefault((feeds, building, hall.template, name == only), []).append(name)
    made = []
    for (feeds, building, template, alone), names in groups.items():
        watts = sum(inputs[name] for name in names)
        title = f"{len(names)} x hall {template}" if names[1:] else f"hall {names[0]}"
        notes = _spans([name.rpartition("/")[2] for name in names], list(site.buildings[building].halls))
        for above, share in feeds:
            key = f"halls:{names[0] if alone and not feeds[1:] else f'{building}/{template}/{above}'}"
            part = f"{100.0 * share:.0f} %: " if feeds[1:] else ""
            load = Load(key, "halls", part + title, share * watts / KW, notes if names[1:] else (template,))
            made.append((above, load))
    return made


def _spans(names: list[str], every: list[str]) -> tuple[str, ...]:
    """Names of halls as runs of neighbours, a line each."""
    runs: list[list[str]] = []
    for name in names:
        if runs and every.index(name) == every.index(runs[-1][-1]) + 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    return tuple(run[0] if len(run) == 1 else f"{run[0]} .. {run[-1]}" for run in runs)


def _plant_loads(site: Site) -> list[tuple[str, Load]]:
    """Cooling plants: their power hangs on the weather."""
    return [
        (up, Load(f"plant:{b}/{id}" + (f"/{up}" if len(feeds) > 1 else ""), "plant", f"plant {b}/{id}", None))
        for b, building in site.buildings.items()
        for id, loop in building.loops.items()
        for feeds in [plant_feeds(loop.plant)]
        for up in feeds
    ]


def _bank(library: Library, id: str, item: Element, out: float, power_factor: float, *, least: bool) -> Bank:
    ideal = is_ideal(library, item)
    each = limit_w(library, item, power_factor)
    normal = None if ideal or (least and out <= 0.0) else out / (each * item.count)
    left = None if normal is None or item.count == 1 else normal * item.count / (item.count - 1)
    return Bank(
        id, id, item.device, library.get(item.device).kind, item.count, rating_of(library, item.device), normal, left,
        least=least, ideal=ideal, parts=parts_of(library, item),
    )  # fmt: skip


__all__ = ["CAMPUS", "OneLine", "one_line"]
