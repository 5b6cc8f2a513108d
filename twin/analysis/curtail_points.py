"""Points at which power can be held, by name: the site, a hall, an element of the campus or of a hall's chain.

Equations: an element carries of a hall's power ``f = 1`` where the hall's chain ends in it, else the sum over what it
feeds of their shares times their f; of a service's power it carries

    w = sum over its pools P_pool (systems of energised halls, each times f)/(systems of all) / sum P_pool

with P_pool of the free run. A cap acts on a whole service; ``curtail_split`` makes two of one that is on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from twin.analysis.curtail_event import Floats, Target
from twin.core.errors import Faults, did_you_mean, one, option
from twin.core.units import MW
from twin.site.load import LoadedSite
from twin.site.lower import local_midnight
from twin.site.lower_fleet import FleetPlan
from twin.site.model import Site
from twin.site.scope import GRID
from twin.site.systems import hall_feeds

SITE = "site"
Named = tuple[str, str]  # role and name


def named(site: Site, caps: Sequence[tuple[str, float]]) -> list[tuple[Named, float]]:
    """Role and full name of each point with its power, W. Raises ``InputError`` with all that is wrong."""
    known = points(site)
    faults, found = Faults(), []
    for text, watts in caps:
        at = faults.of(_one, known, text, watts)
        if at is not None:
            found.append((at, watts))
    names = [name for (_, name), _ in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        faults.of(_refuse, f'"{name}" is held twice')
    faults.tell()
    return found


def points(site: Site) -> dict[str, Named]:
    """Every point by its full name."""
    made = {SITE: (SITE, SITE)}
    made |= {id: ("element", id) for id in site.electrical.elements}
    for b, building in site.buildings.items():
        for h, hall in building.halls.items():
            made[f"{b}/{h}"] = ("hall", f"{b}/{h}")
            chain = site.templates[hall.template].chain
            made |= {f"{b}/{h}/{id}": ("element", f"{b}/{h}/{id}") for id in chain}
    return made


def _one(known: dict[str, Named], text: str, watts: float) -> Named:
    role, _, rest = text.rpartition(":")
    of_role = {name: at for name, at in known.items() if not role or at[0] == role}
    if role and not of_role:
        _refuse(f'"{role}" is no kind of point, expected site, hall or element')
    match = [at for name, at in of_role.items() if name == rest] or [
        at for name, at in of_role.items() if at[0] == "hall" and name.endswith(f"/{rest}")
    ]
    if len(match) != 1:
        hint = did_you_mean(rest, of_role) or "; twin trace knows their names"
        _refuse(f'there is no point "{text}" in the site{hint}')
    if not 0.0 < watts < 2e4 * MW:
        _refuse(f"{watts / MW:g} MW is out of range, expected more than 0")
    return match[0]


def _refuse(what: str) -> None:
    raise one(what, path=option("cap="))


def target(loaded: LoadedSite, plan: FleetPlan, free: xr.Dataset, at: Named, watts: float, begin_s: float) -> Target:
    """The point with the weights of the services. Raises ``InputError`` where none of them is on it."""
    role, name = at
    halls = [f"{b}/{h}" for b, building in loaded.site.buildings.items() for h in building.halls]
    carries = np.array([carried(loaded.site, at, hall) for hall in halls])
    weight = _weights(loaded.site, plan, free, carries, begin_s)
    if not (weight > 0.0).any():
        _refuse(f'nothing that serves is energised on "{name}": there is nothing to curtail')
    return Target(name, role, watts, weight)


def carried(site: Site, at: Named, hall: str) -> float:
    """Share of a hall's power that comes through a point."""
    role, name = at
    if role == SITE:
        return 1.0
    b, _, h = hall.partition("/")
    if role == "hall" or name.count("/") == 2:
        return float(name == hall or name.startswith(f"{hall}/"))

    def through(id: str) -> float:
        if id in (name, GRID):
            return float(id == name)
        fed = site.electrical.elements[id].fed_from
        return through(fed) if isinstance(fed, str) else sum(share * through(up) for up, share in fed.items())

    own = site.buildings[b].halls[h]
    return sum(share * through(up) for up, share in hall_feeds(own, site.templates[own.template]).items())


def _weights(site: Site, plan: FleetPlan, free: xr.Dataset, carries: Floats, begin_s: float) -> Floats:
    """Share of each service's power that comes through a point, (service); 1 where all halls do."""
    services = len(plan.service)
    if (carries == 1.0).all():
        return np.ones(services)
    starts = [hall.energised_on for building in site.buildings.values() for hall in building.halls.values()]
    on = np.array([local_midnight(day, site.utc_offset_h) <= begin_s for day in starts], np.float64)
    systems = plan.hall_systems * on[:, None]
    total = systems.sum(axis=0)
    share = np.divide(carries @ systems, total, out=np.zeros_like(total), where=total > 0.0)
    power = free["pool_power"].values.mean(axis=0)
    made = np.zeros(services)
    for s in range(services):
        pools = list(dict.fromkeys([int(plan.fleet.prefilling[s]), int(plan.fleet.decoding[s])]))
        drawn = float(power[pools].sum())
        made[s] = float((power[pools] * share[pools]).sum()) / drawn if drawn > 0.0 else 0.0
    return made


__all__ = ["SITE", "carried", "named", "points", "target"]
