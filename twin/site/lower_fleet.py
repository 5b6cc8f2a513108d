"""Site -> fleet: services become pools with tables, halls give them their systems, racks find their pool by index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.units import GB
from twin.inference.draw import Draw
from twin.inference.erlang import wait_table
from twin.inference.fleet import Fleet, serving_order
from twin.inference.fluctuation import averaged
from twin.inference.model import Model
from twin.inference.serving import Serving
from twin.inference.tables import class_row, pool_row, pool_tables, prefill_times, transfer_bytes, ttft_tables
from twin.inference.workload import Workload
from twin.racks.kernel import KNOT_S
from twin.racks.rack import Rack
from twin.site.inference_model import Inference, Systems
from twin.site.library import Library
from twin.site.model import Hall, Site
from twin.site.ranking import ranked

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FleetPlan:
    """A fleet ready to run, with the names of its parts and the systems that each hall gives to each pool."""

    fleet: Fleet
    pool: list[str]
    service: list[str]
    workload: list[str]
    serving: list[str]  # (pool)
    hall_systems: Floats  # (hall, pool)
    rank: NDArray[np.int64]  # services in the order of filling; empty: in proportion


def pool_of(site: Site, library: Library) -> dict[tuple[str, str], str]:
    """The pool of each (hall as building/hall, rack id) that serves."""
    found: dict[tuple[str, str], str] = {}
    if site.inference is None:
        return found
    for id, service in site.inference.services.items():
        for pool, systems in service.pools(id).items():
            racks = library.get(systems.serving, Serving).racks
            for name, hall in members(site, systems):
                present = {g.rack for row in site.templates[hall.template].rows.values() for g in row.groups}
                found |= {(name, rack): pool for rack in racks if rack in present}
    return found


@dataclass(frozen=True)
class Drawing:
    """What racks that follow a pool take from its draw: W of a system without work at its rack's AC input, and how far
    its power wanders about its mean between the knots of the racks' noise, as a share of it."""

    idle_w: float
    wander: float


def drawings(site: Site, library: Library) -> dict[str, Drawing]:
    """The drawing of each pool."""
    services = site.inference.services.items() if site.inference else ()
    pools = {pool: systems for id, service in services for pool, systems in service.pools(id).items()}
    return {pool: _drawing(library, library.get(s.serving, Serving)) for pool, s in pools.items()}


def _drawing(library: Library, serving: Serving) -> Drawing:
    """Prompts that stop the tokens make power wander as long prompts do, those that ride along hardly."""
    draw = _draw(library, serving)
    heavy = 0.0 if serving.phase == "decode" or serving.batching == "mixed" else 1.0
    variance = sum(averaged(part, KNOT_S)[0] ** 2 for part in draw.residual_parts(heavy))
    return Drawing(draw.idle_w(), variance**0.5)


def members(site: Site, systems: Systems) -> list[tuple[str, Hall]]:
    """The halls of a pool as (building/hall, hall), in the order of the site."""
    halls = [(f"{b}/{h}", hall) for b, building in site.buildings.items() for h, hall in building.halls.items()]
    return [(name, hall) for name, hall in halls if name in systems.halls or hall.template in systems.templates]


def lower_fleet(site: Site, library: Library, halls: list[str], like: FleetPlan | None = None) -> FleetPlan | None:
    """The fleet of a site, None without one; ``halls`` in the order of the plan, TTFT tables those of ``like``."""
    if site.inference is None:
        return None
    spec = site.inference
    pools = {pool: s for id, service in spec.services.items() for pool, s in service.pools(id).items()}
    names = list(pools)
    servings = [library.get(s.serving, Serving) for s in pools.values()]
    draws = [_draw(library, s) for s in servings]
    classes = [library.get(d.workload, Workload) for d in spec.demand.values()]
    tables = [pool_tables(s, d) for s, d in zip(servings, draws, strict=True)]
    order, level = serving_order([(w.priority, w.may_defer_h) for w in classes])
    parts = _services(spec, library, names, servings, classes)
    times = np.array([[_spread(prefill_times(s, w)) for w in classes] for s in servings])
    pairs, table_of = _pairs(parts["mix"], [pools[names[p]].serving for p in parts["prefilling"]], parts["prefilling"])
    columns: dict[str, Any] = {
        "pool": np.array([pool_row(s, d) for s, d in zip(servings, draws, strict=True)]),
        **{key: np.ascontiguousarray([t[key] for t in tables]) for key in tables[0]},
        "prefill": times.mean(axis=2),
        "prefill_square": (times**2).mean(axis=2),
        "ttft": like.fleet.ttft if like else ttft_tables([(servings[p], classes[c]) for p, c in pairs]),
        "ttft_of": table_of,
        "waits": wait_table(),
        **parts,
        "cls": np.array([class_row(w) for w in classes]),
        "order": order,
        "level": level,
    }
    systems = _hall_systems(site, library, halls, names)
    fleet = Fleet(**columns)
    return FleetPlan(
        fleet, names, list(spec.services), list(spec.demand), [s.serving for s in pools.values()], systems,
        ranked(fleet, spec.policy, [s.cost_usd_h or 0.0 for s in pools.values()]),
    )  # fmt: skip


def _spread(quantiles: Floats) -> Floats:
    """A distribution as 64 quantiles of equal weight, whatever it was given as."""
    n = len(quantiles)
    return np.interp((np.arange(64) + 0.5) / 64, (np.arange(n) + 0.5) / n, quantiles) if n != 64 else quantiles


def _pairs(
    mix: Floats, serving: list[str], prefilling: NDArray[np.int64]
) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
    """Which (prefill pool, class) need a table of their own, and the table of each (service, class)."""
    pairs: list[tuple[int, int]] = []
    known: dict[tuple[str, int], int] = {}
    table_of = np.full(mix.shape, -1, np.int64)
    for s, c in np.argwhere(mix > 0.0):
        key = (serving[s], int(c))
        if key not in known:
            known[key] = len(pairs)
            pairs.append((int(prefilling[s]), int(c)))
        table_of[s, c] = known[key]
    return pairs, table_of


def _draw(library: Library, serving: Serving) -> Draw:
    draw = library.get(serving.draw, Draw)
    assert isinstance(draw, Draw)
    return draw


def _services(
    spec: Inference, library: Library, names: list[str], servings: list[Serving], classes: list[Workload]
) -> dict[str, Any]:
    """Columns of the services: their pools, links and mixes."""
    first, last, link, moved, mix = [], [], [], [], []
    for id, service in spec.services.items():
        pools = list(service.pools(id))
        p, d = names.index(pools[0]), names.index(pools[-1])
        apart = p != d
        first.append(p)
        last.append(d)
        ends = [servings[i].link_gb_s for i in (p, d)]
        link.append(min((e.value * GB for e in ends if e is not None), default=np.inf) if apart else np.inf)
        model = library.get(servings[d].model, Model)
        moved.append([transfer_bytes(model, servings[d], w) if apart else 0.0 for w in classes])
        mix.append([service.mix.get(c, 0.0) / sum(service.mix.values()) for c in spec.demand])
    return {
        "prefilling": np.array(first, np.int64),
        "decoding": np.array(last, np.int64),
        "link": np.array(link),
        "transfer": np.array(moved),
        "mix": np.array(mix),
        "weight": np.array([(s.weight or 0.0) if spec.policy == "weights" else 0.0 for s in spec.services.values()]),
    }


def _hall_systems(site: Site, library: Library, halls: list[str], names: list[str]) -> Floats:
    """Systems of each pool in each hall: (hall, pool)."""
    found = np.zeros((len(halls), len(names)))
    templates = {f"{b}/{h}": hall.template for b, bl in site.buildings.items() for h, hall in bl.halls.items()}
    for (hall, rack), pool in pool_of(site, library).items():
        rows = site.templates[templates[hall]].rows.values()
        racks = sum(row.count * g.count for row in rows for g in row.groups if g.rack == rack)
        found[halls.index(hall), names.index(pool)] += racks * library.get(rack, Rack).systems
    return found


__all__ = ["Drawing", "FleetPlan", "drawings", "lower_fleet", "members", "pool_of"]
