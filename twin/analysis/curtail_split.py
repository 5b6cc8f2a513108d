"""A site whose services end where a point does: what stands behind it is throttled, the rest of its service is not.

A cap acts on a whole service. A service of which only some halls are behind a point is taken as several, one for each
set of points that its halls are behind; mix, serving and cost stay, a weight is divided by systems, and requests find
the parts by the site's policy. It stays whole where a part would lack prompts or tokens, or a replica: all of it is
throttled then. Pools that share a queue answer a little sooner together than apart; both runs of a curtailment have
the same parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twin.analysis.curtail_points import Named, carried
from twin.inference.serving import Serving
from twin.site.inference_model import Service, Systems
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.lower_fleet import members, pool_of
from twin.site.model import Site
from twin.site.serving_site import systems_of

# Halls by what each point carries of them.
Sides = dict[tuple[float, ...], list[str]]


def split(loaded: LoadedSite, points: Sequence[Named]) -> LoadedSite:
    """The site with its services in parts; the site itself where every service is behind all of a point or nothing."""
    spec = loaded.site.inference
    if spec is None:
        return loaded
    services: dict[str, Service] = {}
    for id, service in spec.services.items():
        services |= _parts(loaded, id, service, points)
    if list(services) == list(spec.services):
        return loaded
    return replace(
        loaded,
        site=loaded.site.model_copy(update={"inference": spec.model_copy(update={"services": services})}),
    )


def _parts(loaded: LoadedSite, id: str, service: Service, points: Sequence[Named]) -> dict[str, Service]:
    """A service in parts by name; what is behind no point keeps the name."""
    site, library = loaded.site, loaded.library
    pools = service.pools(id)
    sides = {pool: _sides(loaded, pool, systems, points) for pool, systems in pools.items()}
    keys = list(dict.fromkeys(key for found in sides.values() for key in found))
    if len(keys) < 2 or any(set(found) != set(keys) for found in sides.values()):
        return {id: service}
    made: dict[str, Service] = {}
    total = _systems(site, library, service, id)
    for key in keys:
        update = {
            role: systems.model_copy(update={"halls": sides[pool][key], "templates": []})
            for role, (pool, systems) in zip(_roles(service), pools.items(), strict=True)
        }
        part = service.model_copy(update=update)
        if not _whole_replicas(site, library, part, id):
            return {id: service}
        if service.weight is not None:
            part = part.model_copy(update={"weight": service.weight * _systems(site, library, part, id) / total})
        behind = [name.replace("/", "-") for (_, name), share in zip(points, key, strict=True) if share > 0.0]
        made[".".join([id, *behind])] = part
    return made


def _roles(service: Service) -> tuple[str, ...]:
    return ("serve",) if service.serve is not None else ("prefill", "decode")


def _sides(loaded: LoadedSite, pool: str, systems: Systems, points: Sequence[Named]) -> Sides:
    """The halls of a pool by what comes of them through each point."""
    there = {hall for (hall, _), owner in pool_of(loaded.site, loaded.library).items() if owner == pool}
    found: Sides = {}
    for hall, _ in members(loaded.site, systems):
        if hall in there:
            found.setdefault(tuple(carried(loaded.site, at, hall) for at in points), []).append(hall)
    return found


def _whole_replicas(site: Site, library: Library, part: Service, id: str) -> bool:
    """Whether every pool of a part holds a replica."""
    for systems in part.pools(id).values():
        serving = library.get(systems.serving, Serving)
        if systems_of(site, library, systems, serving) < serving.systems_per_replica * (1.0 - 1e-9):
            return False
    return True


def _systems(site: Site, library: Library, service: Service, id: str) -> float:
    """Systems of the pool that makes the tokens."""
    systems = list(service.pools(id).values())[-1]
    return float(systems_of(site, library, systems, library.get(systems.serving, Serving)))


__all__ = ["split"]
