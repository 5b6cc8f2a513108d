"""What a change at the meter is made of: classes of halls by what they do, cooling, and the losses of the path.

Equation: ``dP = sum over classes dP_it + dP_cooling + dP_losses``; the three sum to the change at the meter but for the
mechanical loads of halls, which stand in cooling. A class of halls is their template and what their racks follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from twin.analysis.period import labels, values
from twin.site.load import LoadedSite
from twin.site.lower_fleet import pool_of


@dataclass(frozen=True)
class Cause:
    """A part of a change: its name, W, and the halls that got power in it."""

    name: str
    power_w: float
    energised: tuple[str, ...] = ()


def causes(loaded: LoadedSite, run: xr.Dataset, first: int, last: int) -> list[Cause]:
    """Parts of the change between the intervals ``first`` and ``last``, largest in the change's direction first."""
    total = float(values(run, "site_power")[[first, last]] @ [-1.0, 1.0])
    kinds = classes(loaded)
    change = values(run, "hall_it_power")[[first, last]].T @ [-1.0, 1.0] if "hall" in run.coords else np.zeros(0)
    fresh = _fresh(run, first, last)
    parts: dict[str, float] = {}
    new: dict[str, list[str]] = {}
    for name, watts in zip(labels(run, "hall"), change, strict=True):
        kind = kinds.get(name, name)
        parts[kind] = parts.get(kind, 0.0) + float(watts)
        new.setdefault(kind, []).extend([name] if name in fresh else [])
    found = [Cause(kind, watts, tuple(new[kind])) for kind, watts in parts.items()]
    cooling = float(values(run, "site_cooling_power")[[first, last]] @ [-1.0, 1.0])
    rest = total - sum(parts.values()) - cooling
    found += [Cause("cooling", cooling), Cause("electrical losses", rest)]
    sign = 1.0 if total >= 0.0 else -1.0
    return sorted((one for one in found if one.power_w), key=lambda one: -sign * one.power_w)


def classes(loaded: LoadedSite) -> dict[str, str]:
    """The class of each hall: its template and the services or the load that its racks follow."""
    spec = loaded.site.inference
    of = {pool: id for id, service in (spec.services.items() if spec else ()) for pool in service.pools(id)}
    pools: dict[str, list[str]] = {}
    for (name, _), pool in pool_of(loaded.site, loaded.library).items():
        service = of[pool]
        pools.setdefault(name, []).extend([service] if service not in pools.get(name, []) else [])
    made = {}
    for b, building in loaded.site.buildings.items():
        for h, hall in building.halls.items():
            serves = pools.get(f"{b}/{h}")
            what = f"serves {', '.join(serves)}" if serves else f"load {hall.load}"
            made[f"{b}/{h}"] = f"{hall.template} ({what})"
    return made


def _fresh(run: xr.Dataset, first: int, last: int) -> set[str]:
    """Halls that get power between two intervals."""
    if "hall_energised_share" not in run:
        return set()
    share = values(run, "hall_energised_share")
    return {name for name, a, b in zip(labels(run, "hall"), share[first], share[last], strict=True) if a < b}


__all__ = ["Cause", "causes", "classes"]
