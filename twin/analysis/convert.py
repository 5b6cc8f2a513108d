"""What halls gain or lose when they serve with another layout: the same requests, before and after, with bands.

Two steady points of each site (``twin.engine.still``): at *capacity* the group has all the requests of its mix that it
can take; at *present* it has those that it has today, on the mean of the week, and nobody else's. Samples of what is
unknown are the same for both sites, so that bands of ratios are of the conversion. The weather is that of the year's
hottest hour unless another is asked for.

The group is what changes hands (``twin.site.conversion``): sums over it count everything that the conversion touches,
so a prefill hall that is taken from another service is paid for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from dask.base import compute
from dask.delayed import delayed
from numpy.typing import NDArray

from twin.analysis.convert_options import Asked
from twin.analysis.halls import binding_name
from twin.core.jit import ensure_compiled
from twin.core.units import DAY, KW
from twin.core.variables import slot
from twin.engine.demand import class_demands
from twin.engine.headroom import COOLING_LIMITS
from twin.engine.period import stamp
from twin.engine.prepare import load_curves
from twin.engine.serve import ClassDemand, PoolCurve
from twin.engine.still import Held, Still, still
from twin.forcing.coincident import Air
from twin.inference.fleet import PERCENTILES, Binding
from twin.inference.serving import Serving
from twin.site.conversion import MARK, NEW, Conversion
from twin.site.load import LoadedSite
from twin.site.lower_fleet import FleetPlan
from twin.site.sample import sampled_site

Floats = NDArray[np.float64]
Levels = dict[str, Floats]
QUANTILES = (0.1, 0.5, 0.9)
HOUR_S = 3600.0
# Just above capacity, where what binds shows.
BEYOND = 1.02
# Requests are served as they come where no more than the rounding of a step waits at its end.
KEEPS_UP = 1.0 - 1e-6
SIDES = ("before", "after")
SECTIONS = ("capacity", "present", "latency", "hall")
UNITS = {
    "requests_per_s": "1/s", "tokens_per_s": "1/s", "tokens_per_s_per_decode_system": "1/s", "systems": "1",
    "decode_systems": "1", "power_kw": "kW", "joules_per_token": "J", "served_share": "1", "ttft_p50_s": "s",
    "ttft_p99_s": "s", "tpot_p50_s": "s", "tpot_p99_s": "s", "hall_power_kw": "kW", "cooling_headroom_kw": "kW",
    "power_headroom_kw": "kW",
}  # fmt: skip
Key = tuple[str, ...]


@dataclass(frozen=True)
class Today:
    """What the site is asked for now: requests/s of all classes of both sites, and the utilisation of other racks."""

    rates: Floats  # (classes of the site, then of the group) requests/s
    use: dict[str, float]  # by the name of the curve


def convert(asked: Asked, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Compare the two sites; plain types, every number with its band where ``asked.samples`` is not 0."""
    ensure_compiled()
    tell = progress or (lambda done, runs: None)
    change, air = asked.change, asked.air
    today = present(asked.loaded, change, asked.at_s, air)
    tell(0, asked.samples + 1)
    central, names = _both(change, asked.at_s, air, today)
    tell(1, asked.samples + 1)
    tasks = [delayed(_sample)(asked, today, index) for index in range(asked.samples)]
    samples: list[dict[str, dict[Key, float]]] = []
    if tasks:
        samples = list(compute(*tasks, scheduler="threads", num_workers=asked.threads))  # type: ignore[no-untyped-call]
    tell(asked.samples + 1, asked.samples + 1)
    return _told(asked, central, names, samples)


def present(loaded: LoadedSite, change: Conversion, at_s: float, air: Air) -> Today:
    """Requests of the week's mean demand: those of the group, by its share of each service's systems, and the rest."""
    with still(loaded, at_s) as site:
        fleet = site.plan.fleet
        assert fleet is not None
        use = {
            key: 0.0 if isinstance(curve, PoolCurve) else _mean(curve, at_s, site.plan.utc_offset_s)
            for key, curve in zip(site.plan.labels.curve, load_curves(site.plan, loaded), strict=True)
        }
        demand = [
            ClassDemand(Held(_mean(d.curve, at_s, site.plan.utc_offset_s)), d.relative) for d in class_demands(loaded)
        ]
        levels = site.point(air, np.array(list(use.values())), demand)
        on = site.plan.hall_start_s <= at_s
    offered = np.nan_to_num(levels["stream"][0, :, :, slot("pool_offered_rate")])
    total, group = offered.sum(axis=0), np.zeros(len(fleet.workload))
    for slice_id, id in change.slices.items():
        pool = int(fleet.fleet.decoding[fleet.service.index(id)])
        with still(change.before, at_s) as sliced:
            plan = sliced.plan.fleet
            assert plan is not None
            part = plan.hall_systems[on][:, plan.fleet.decoding[plan.service.index(slice_id)]].sum()
        whole = fleet.hall_systems[on][:, pool].sum()
        group += offered[pool] * (part / whole if whole > 0.0 else 0.0)
    moved = [fleet.workload.index(c) for c in change.classes]
    return Today(np.concatenate([total - group, group[moved]]), use)


def _mean(curve: Any, at_s: float, utc_offset_s: int) -> float:
    """Mean over the week that begins at ``at_s``."""
    ends = at_s + HOUR_S * np.arange(1, round(7 * DAY / HOUR_S) + 1)
    return float(curve.sample(ends - HOUR_S, ends, utc_offset_s).mean())


def _sample(asked: Asked, today: Today, index: int) -> dict[str, dict[Key, float]]:
    change = asked.change
    sites = [sampled_site(s, index, samples=asked.samples, seed=asked.seed) for s in (change.before, change.after)]
    return _both(replace(change, before=sites[0], after=sites[1]), asked.at_s, asked.air, today)[0]


def _both(
    change: Conversion, at_s: float, air: Air, today: Today
) -> tuple[dict[str, dict[Key, float]], dict[str, dict[Key, str]]]:
    """Numbers and names of both sites."""
    numbers, names = {}, {}
    groups = (tuple(change.slices), change.group_after)
    for side, loaded, group in zip(SIDES, (change.before, change.after), groups, strict=True):
        with still(loaded, at_s) as site:
            numbers[side], names[side] = _measured(site, group, change, air, today)
    return numbers, names


def _measured(
    site: Still, group: tuple[str, ...], change: Conversion, air: Air, today: Today
) -> tuple[dict[Key, float], dict[Key, str]]:
    plan = site.plan
    fleet = plan.fleet
    assert fleet is not None
    use = np.array([today.use.get(key, 0.0) for key in plan.labels.curve])
    own = [c.endswith(MARK) for c in fleet.workload]
    levels = site.point(air, use, [ClassDemand(Held(rate), relative=False) for rate in today.rates])

    def filled(share: float) -> Levels:
        demand = [
            ClassDemand(Held(share if mine else rate), relative=mine)
            for mine, rate in zip(own, today.rates, strict=True)
        ]
        return site.point(air, use, demand)

    full = filled(1.0)
    numbers = _group(("present",), levels, fleet, group) | _group(("capacity",), full, fleet, group)
    for id in group:
        numbers |= _group(("capacity", change.name(id)), full, fleet, (id,))
        numbers |= _delays(change.name(id), levels, fleet, id)
    beyond = filled(BEYOND)
    names: dict[Key, str] = {("capacity", change.name(id)): _binding(beyond, fleet, id) for id in group}
    for hall in change.halls:
        h = plan.labels.hall.index(hall)
        row = levels["hall"][0, h]
        for name, variable in (("hall_power_kw", "hall_power"), ("cooling_headroom_kw", "hall_cooling_headroom"),
                               ("power_headroom_kw", "hall_power_headroom")):  # fmt: skip
            numbers["hall", hall, name] = float(row[slot(variable)]) / KW
        limits = dict(enumerate(limit.replace("_", " ").replace("cdu", "CDU") for limit in COOLING_LIMITS))
        for kind in ("cooling", "power"):
            code = float(row[slot(f"hall_{kind}_binding")])
            names["hall", hall, kind] = binding_name(code, kind, limits, plan.labels.element)
    return numbers, names


def _pools(fleet: FleetPlan, group: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """All pools of the group, and those of them that make tokens."""
    services = [fleet.service.index(id) for id in group]
    decoding = [int(fleet.fleet.decoding[s]) for s in services]
    return sorted({*decoding, *(int(fleet.fleet.prefilling[s]) for s in services)}), decoding


def _group(where: Key, levels: Levels, fleet: FleetPlan, group: tuple[str, ...]) -> dict[Key, float]:
    """Sums over the group."""
    pools, decoding = _pools(fleet, group)
    stream, pool = levels["stream"][0], levels["pool"][0]
    offered = float(np.nansum(stream[decoding][:, :, slot("pool_offered_rate")]))
    waits = float(np.nansum(stream[decoding][:, :, slot("pool_queue_length")]))
    shed = float(np.nansum(stream[decoding][:, :, slot("pool_shed_rate")]))
    tokens = float(np.nansum(stream[decoding][:, :, slot("pool_token_rate")]))
    watts = float(pool[pools, slot("pool_power")].sum())
    systems, making = (float(pool[which, slot("pool_systems")].sum()) for which in (pools, decoding))
    # An hour that begins with nobody waiting ends with what was not taken in it.
    missed = shed + waits / HOUR_S
    found = {
        "requests_per_s": offered,
        "served_share": 1.0 - min(1.0, missed / offered) if offered > 0.0 else 1.0,
        "tokens_per_s": tokens,
        "tokens_per_s_per_decode_system": tokens / making if making > 0.0 else 0.0,
        "systems": systems,
        "decode_systems": making,
        "power_kw": watts / KW,
        "joules_per_token": watts / tokens if tokens > 0.0 else float("nan"),
    }
    return {(*where, name): value for name, value in found.items()}


def _delays(name: str, levels: Levels, fleet: FleetPlan, id: str) -> dict[Key, float]:
    """Latencies of a service by class; not a number where requests pile up."""
    found: dict[Key, float] = {}
    s = fleet.service.index(id)
    pool = int(fleet.fleet.decoding[s])
    for c, workload in enumerate(fleet.workload):
        if fleet.fleet.mix[s, c] <= 0.0:
            continue
        stream = levels["stream"][0, pool, c]
        missed = stream[slot("pool_queue_length")] / HOUR_S
        piles = missed > (1.0 - KEEPS_UP) * max(stream[slot("pool_offered_rate")], 1e-12)
        for kind in ("ttft", "tpot"):
            for p in (50, 99):
                value = levels["latency"][0, pool, c, PERCENTILES.index(float(p)), slot(f"pool_{kind}")]
                key = ("latency", name, workload.removesuffix(MARK), f"{kind}_p{p}_s")
                found[key] = float("nan") if piles else float(value)
    return found


def _binding(levels: Levels, fleet: FleetPlan, id: str) -> str:
    """What ends the capacity of a service."""
    pool = int(fleet.fleet.decoding[fleet.service.index(id)])
    return Binding(int(levels["pool"][0, pool, slot("pool_binding")])).name.lower()


def _told(
    asked: Asked, central: dict[str, dict[Key, float]], names: dict[str, dict[Key, str]],
    samples: list[dict[str, dict[Key, float]]],
) -> dict[str, Any]:  # fmt: skip
    """The answer as plain types."""
    loaded, change = asked.loaded, asked.change
    keys = list(dict.fromkeys(key for side in SIDES for key in central[side]))
    keys.sort(key=lambda key: (SECTIONS.index(key[0]), len(key) if key[0] == "capacity" else 0))
    rows = [_row(key, central, samples) for key in keys]
    serving = {part.serving: loaded.library.get(part.serving, Serving) for part in change.parts}
    return {
        "site": loaded.site.name,
        "instant": stamp(asked.at_s),
        "weather": asked.weather.name,
        "outdoor": {"dry_bulb_c": asked.air.dry_bulb_c, "wet_bulb_c": asked.air.wet_bulb_c},
        "samples": asked.samples,
        "seed": asked.seed,
        "halls": list(change.halls),
        "layout": [{"serving": part.serving, "title": serving[part.serving].title, "halls": list(part.halls),
                    "model": serving[part.serving].model} for part in change.parts],
        "services": {"before": [change.name(id) for id in change.slices],
                     "after": [change.name(id) for id in change.group_after]},
        "converted": change.name(NEW),
        "models_before": asked.models,
        "rows": rows,
        "binding": {side: [{"where": list(key), "limit": limit} for key, limit in names[side].items()]
                    for side in SIDES},
    }  # fmt: skip


def _row(key: Key, central: dict[str, dict[Key, float]], samples: list[dict[str, dict[Key, float]]]) -> dict[str, Any]:
    """A figure before and after, its difference and ratio; bands of the paired samples."""
    made: dict[str, Any] = {"where": list(key[:-1]), "figure": key[-1], "unit": UNITS[key[-1]]}
    pair = [central[side].get(key, float("nan")) for side in SIDES]
    drawn = np.array([[s[side].get(key, np.nan) for side in SIDES] for s in samples]).reshape(-1, 2)
    made["before"], made["after"] = (_banded(pair[i], drawn[:, i]) for i in range(2))
    made["change"] = _banded(pair[1] - pair[0], drawn[:, 1] - drawn[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        made["ratio"] = _banded(float(np.divide(pair[1], pair[0])), drawn[:, 1] / drawn[:, 0])
    return made


def _banded(value: float, drawn: Floats) -> dict[str, float | None]:
    made: dict[str, float | None] = {"value": value if np.isfinite(value) else None}
    if len(drawn):
        # A band with samples that have no value has no ends.
        fine = bool(np.isfinite(drawn).all())
        ends = np.quantile(drawn, QUANTILES) if fine else [None] * len(QUANTILES)
        made |= {f"p{100 * q:g}": None if end is None else float(end) for q, end in zip(QUANTILES, ends, strict=True)}
    return made


__all__ = ["SIDES", "UNITS", "convert", "present"]
