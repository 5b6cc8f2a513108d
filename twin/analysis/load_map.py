"""The map: what a site does at every load and outdoor temperature, in steady state, as a Dataset.

``load`` is the share of what is energised: each service gets that share of its capacity in requests, of the mix that it
is meant for, and racks that follow no pool run at that utilisation. Every point is settled by the engine
(``twin.engine.still``), so it is what a long run under the same load and weather ends with. The wet bulb of an outdoor
temperature is the one that goes with it at the site (``twin.forcing.coincident``), or follows from a humidity.

With quantiles, samples of what is unknown (``twin.site.sample``) take the place of the central values; samples are the
same at every point, so a band is of the unknowns and not of the lottery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from dask.base import compute
from dask.delayed import delayed
from numpy.typing import NDArray

from twin.analysis.map_options import Asked, Options, ask
from twin.analysis.without_dask import leave_dask
from twin.core.jit import ensure_compiled
from twin.core.variables import BY_NAME, slot
from twin.engine.identity import halltwin_version
from twin.engine.layout import attributes, coordinates
from twin.engine.period import Moment, stamp
from twin.engine.run import contract_w
from twin.engine.serve import ClassDemand
from twin.engine.still import Held, Still, still
from twin.engine.timeline import Timeline
from twin.forcing.coincident import Air, outdoor_air
from twin.site.load import LoadedSite
from twin.site.plan import Plan
from twin.site.sample import sampled_site

leave_dask()

Floats = NDArray[np.float64]
OUTDOOR = "outdoor_dry_bulb_temperature"
PUE = "site_power_usage_effectiveness"
SITE = ("site_power", "site_it_power", "site_cooling_power")
HALL = (
    "hall_power", "hall_it_power", "hall_cooling_headroom", "hall_cooling_binding", "hall_power_headroom",
    "hall_power_binding", "hall_unmet_share",
)  # fmt: skip
POOL = ("pool_power", "pool_utilization", "pool_token_rate")
BINDINGS = ("hall_cooling_binding", "hall_power_binding")
LOAD_MEANS = (
    "share of what is energised: of the capacity of each service in requests of its mix, of 1 for the utilisation of "
    "racks that follow no pool"
)
LARGEST_SAMPLES = "of the samples, the code that most of them have"


def load_map(
    site: str | Path | LoadedSite,
    *,
    load: str | float | Sequence[float] = "0:1:0.1",
    outdoor: str | float | Sequence[float] | None = None,
    quantiles: Sequence[float] = (),
    at: Moment | None = None,
    humidity: float | None = None,
    weather: str | Path | None = None,
    samples: int = 64,
    seed: int = 0,
    threads: int | None = None,
) -> xr.Dataset:
    """The map of a site over (``load``, outdoor dry bulb, hall or pool[, quantile]).

    ``load`` (0..1) and ``outdoor`` (degC) are numbers, or text as ``0:1:0.1`` (first:last:step) or ``20,30,35``;
    without ``outdoor`` the site's year gives the range, in steps of 5 K. ``quantiles`` (as ``(0.1, 0.5, 0.9)``) asks
    for bands from ``samples`` samples drawn with ``seed``; without, the values are central and have no such dimension.
    ``at`` is the instant that decides what is energised and contracted (default: the first full year of all halls),
    ``humidity`` (0..1) replaces the humidity of the site's year, ``weather`` that year.

    Raises ``InputError`` with everything that is wrong with the options and the site.
    """
    options = Options(load, outdoor, tuple(quantiles), at, humidity, weather, samples, seed, threads)
    return drawn(ask(site, options))


def drawn(asked: Asked) -> xr.Dataset:
    """The map of checked options."""
    ensure_compiled()
    air = outdoor_air(asked.weather, [float(t) for t in asked.outdoor], asked.humidity)
    if not len(asked.quantiles):
        grid = _grid(asked.loaded, asked, air, asked.threads)
        return _dataset(asked, air, grid, {name: (values, False) for name, values in grid.values.items()})
    tasks = [delayed(_sample)(asked, air, index) for index in range(asked.samples)]
    grids: list[Grid] = list(compute(*tasks, scheduler="threads", num_workers=asked.threads))  # type: ignore[no-untyped-call]
    values = {name: _over_samples(name, grids, asked.quantiles) for name in grids[0].values}
    return _dataset(asked, air, grids[0], values)


@dataclass(frozen=True)
class Grid:
    """The map of one site without unknowns: values by variable, (load, outdoor[, item])."""

    plan: Plan
    values: dict[str, Floats]


def _sample(asked: Asked, air: list[Air], index: int) -> Grid:
    loaded = sampled_site(asked.loaded, index, samples=asked.samples, seed=asked.seed)
    return _grid(loaded, asked, air, 1)


def _grid(loaded: LoadedSite, asked: Asked, air: list[Air], threads: int) -> Grid:
    with still(loaded, asked.at_s, threads) as site:
        points = [[_point(site, load, one) for one in air] for load in asked.load]
        plan = site.plan
    names = list(points[0][0])
    return Grid(plan, {name: np.array([[point[name] for point in line] for line in points]) for name in names})


def _point(site: Still, load: float, air: Air) -> dict[str, Floats]:
    plan = site.plan
    demand = [ClassDemand(Held(load), relative=True) for _ in (plan.fleet.workload if plan.fleet else [])]
    levels = site.point(air, np.full(len(plan.labels.curve), load), demand)
    found = {name: levels["site"][0, 0, slot(name)] for name in SITE}
    found[PUE] = found["site_power"] / found["site_it_power"] if found["site_it_power"] > 0.0 else np.float64(np.nan)
    found |= {name: levels["hall"][0, :, slot(name)] for name in HALL}
    if plan.fleet is not None:
        found |= {name: levels["pool"][0, :, slot(name)] for name in POOL[:2]}
        found["pool_token_rate"] = np.nansum(levels["stream"][0, :, :, slot("pool_token_rate")], axis=1)
    return found


def _over_samples(name: str, grids: list[Grid], quantiles: Floats) -> tuple[Floats, bool]:
    """Quantiles over the samples as a last axis; codes of limits have none, the commonest stands for all."""
    values = np.array([grid.values[name] for grid in grids])
    if name in BINDINGS:
        return _commonest(values), False
    return np.moveaxis(np.quantile(values, quantiles, axis=0), 0, -1), True


def _commonest(codes: Floats) -> Floats:
    """The code that most samples (first axis) have, the smallest of several; NaN where there is none."""
    known = np.unique(codes[np.isfinite(codes)])
    if not len(known):
        return np.asarray(codes[0])
    counts = np.array([(codes == code).sum(axis=0) for code in known])
    return np.asarray(np.where(np.isfinite(codes[0]), known[counts.argmax(axis=0)], np.nan))


def _dataset(asked: Asked, air: list[Air], grid: Grid, values: dict[str, tuple[Floats, bool]]) -> xr.Dataset:
    plan = grid.plan
    made: dict[str, Any] = {}
    for name, (array, banded) in values.items():
        item = name.partition("_")[0]
        dims = ["load", OUTDOOR, *([item] if item != "site" else []), *(["quantile"] if banded else [])]
        made[name] = (dims, array, _attributes(name, plan, banded=bool(len(asked.quantiles))))
    contract = float(contract_w(plan, np.array([asked.at_s]))[0])
    made["contract_power"] = ([], np.float64(contract), _attributes("contract_power", plan, banded=False))
    dataset = xr.Dataset(made, attrs=_about(asked))
    return dataset.assign_coords(_coordinates(asked, air, plan))


def _attributes(name: str, plan: Plan, *, banded: bool) -> dict[str, Any]:
    if name == PUE:
        return {"units": "1", "long_name": "power at the meter per IT power at the racks' AC input"}
    attrs = attributes(BY_NAME[name], plan.labels.element)
    attrs.pop("cell_methods")  # there is no time
    if name == "pool_token_rate":
        attrs["long_name"] = "tokens generated, all classes together"
    if banded and name in BINDINGS:
        attrs["comment"] = "; ".join(filter(None, (attrs.get("comment"), LARGEST_SAMPLES)))
    return attrs


def _coordinates(asked: Asked, air: list[Air], plan: Plan) -> dict[str, Any]:
    hour = Timeline(asked.at_s, asked.at_s + 3600.0, 3600.0, 3600.0, np.zeros(0), 1)
    made: dict[str, Any] = {}
    for c in coordinates(plan, asked.loaded, hour, "hall"):
        if c.dimension in ("hall", "element", "pool") and c.name != "hall_energised":
            values = c.values.astype(object) if c.values.dtype.kind == "T" else c.values
            made[c.name] = (c.dimension, values, c.attrs)
    temperature = {"units": "degC", "long_name": BY_NAME[OUTDOOR].long_name}
    wet = {"units": "degC", "long_name": "outdoor wet-bulb temperature that goes with the dry bulb"}
    made["load"] = ("load", asked.load, {"units": "1", "long_name": "load", "comment": LOAD_MEANS})
    made[OUTDOOR] = (OUTDOOR, asked.outdoor, temperature)
    made["outdoor_wet_bulb_temperature"] = (OUTDOOR, np.array([a.wet_bulb_c for a in air]), wet)
    if len(asked.quantiles):
        made["quantile"] = ("quantile", asked.quantiles, {"units": "1", "long_name": "share of samples below"})
    return made


def _about(asked: Asked) -> dict[str, Any]:
    loaded, banded = asked.loaded, bool(len(asked.quantiles))
    convention = "mean humidity of the hours of the year that come nearest to the dry bulb"
    return {
        "Conventions": "CF-1.11",
        "title": loaded.site.title,
        "site": loaded.site.name,
        "site_text": loaded.text,
        "site_digest": loaded.digest,
        "instant": stamp(asked.at_s),
        "load": LOAD_MEANS,
        "state": "steady; every rack of a hall alike",
        "weather": asked.weather.name,
        "humidity": convention if asked.humidity is None else f"relative humidity {asked.humidity:g}",
        "values": f"quantiles of {asked.samples} samples, seed {asked.seed}" if banded else "central",
        "version": halltwin_version(),
        "source": f"halltwin {halltwin_version()}",
    }


__all__ = ["OUTDOOR", "PUE", "drawn", "load_map"]
