"""The machine of a site's power path (``twin.power.machine``): its network, and what stands at each node by the site.

Racks ride through what their supplies and the stores in them hold, and stay down once they have lost it. Pumps, fans
and plants come back with their power. Generators take UPSs and racks with stores first, then what has none, in the
order of the site.
"""

from __future__ import annotations

from twin.core.jit import ensure_compiled
from twin.power.breaker import Breaker
from twin.power.generator import Generator
from twin.power.machine import Machine
from twin.power.machine_gear import Behind
from twin.power.store import Store
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.power_site import LOADS, PowerSite


def machine_of(site: PowerSite, loaded: LoadedSite, begin: float = 0.0) -> Machine:
    """The machine of a site from ``begin`` (s) on: everything fed by the utility, stores full, sets at rest."""
    ensure_compiled(power=True)
    behind = [_behind(site, n, loaded.library) for n in range(len(site.name))]
    return Machine(site.net, behind, begin=begin, power_factor=loaded.site.electrical.power_factor)


def _behind(site: PowerSite, n: int, library: Library) -> Behind:
    role, backed = site.role[n], site.backed[n]
    if role in LOADS:
        load, held = "racks" if role == "racks" else "mechanical", site.stores[n]
        if held is None:
            return Behind(load=load)
        return Behind(load=load, store=library.get(held.device, Store), stores=held.units)
    if backed is None:
        return Behind(site.device[n])
    store, sets = backed.store, backed.generators
    return Behind(
        site.device[n],
        breaker=library.get(backed.breaker, Breaker) if backed.breaker else None,
        store=library.get(store.device, Store) if store else None, stores=store.count if store else 1,
        generator=library.get(sets.device, Generator) if sets else None, sets=sets.count if sets else 1,
    )  # fmt: skip


__all__ = ["machine_of"]
