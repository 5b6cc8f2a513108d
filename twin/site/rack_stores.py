"""Stores inside racks (battery modules, supercapacitors of a shelf): which racks have them, cut into equal runs.

Racks that hang on the same cords need not hold the same stores: each run of racks with equal ones is a load of its own,
whose store is that of its racks together. Equation: count = racks x stores of a rack.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from twin.power.store import Store
from twin.racks.rack import Rack, RackStore
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.lower_hall import rack_runs
from twin.site.model import Template
from twin.site.rated import rack_counts

SMOOTHS = "supercapacitor"


class Stored(NamedTuple):
    """Stores of racks together: library id and how many."""

    device: str
    units: int


def stores_of(template: Template, library: Library) -> list[RackStore | None]:
    """The store of each rack of a hall, in the order of the Plan; empty where none has one."""
    runs = rack_runs(template, library)
    if all(run.rack.store is None for run in runs):
        return []
    return [run.rack.store for run in runs for _ in run.rows]


def cut(racks: range, stores: list[RackStore | None], first: int) -> Iterator[tuple[range, Stored | None]]:
    """``racks`` in runs with equal stores; ``first`` is the number of the hall's first rack."""
    if not stores:
        yield racks, None
        return
    for store, run in groupby(racks, key=lambda rack: stores[rack - first]):
        at = list(run)
        yield range(at[0], at[-1] + 1), Stored(store.device, store.count * len(at)) if store is not None else None


def racks_ride(loaded: LoadedSite) -> bool:
    """Whether racks of the site have batteries of their own; supercapacitors smooth, they carry nobody."""
    site, library = loaded.site, loaded.library
    used = {hall.template for building in site.buildings.values() for hall in building.halls.values()}
    racks = {id for template in used for id in rack_counts(site.templates[template])}
    stores = [rack.store for rack in (library.get(id, Rack) for id in racks) if rack.store is not None]
    return any(library.get(store.device, Store).form != SMOOTHS for store in stores)


__all__ = ["SMOOTHS", "Stored", "cut", "racks_ride", "stores_of"]
