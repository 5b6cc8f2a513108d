"""The inputs of a run: what is asked for becomes a Plan, weather, load curves and a timeline, all checked.

Nothing is written here, and whatever is wrong is told before anything is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from twin.core.errors import did_you_mean, one
from twin.engine import period
from twin.engine.identity import run_attributes
from twin.engine.layout import checked_depth
from twin.engine.run import Curve, Engine, make_engine
from twin.engine.timeline import Timeline, make_timeline
from twin.forcing.load import Daily, column_for, read_csv
from twin.forcing.weather import Weather, load_weather
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.model import LoadCurve, Site
from twin.site.plan import Plan

FULL = "full"
FULL_LOAD = LoadCurve(mean=1.0, daily_amplitude=0.0, weekend_factor=1.0, rack_spread=0.0, rack_noise=0.0)


class Inputs(TypedDict, total=False):
    """The named arguments of :func:`prepare`."""

    weather: str | Path | None
    start: period.Moment | None
    end: period.Moment | None
    step: float | str
    every: float | str | None
    level: str
    seed: int
    threads: int | None
    load: str | None
    intervals_per_block: int | None


@dataclass(frozen=True)
class Prepared:
    """Everything that a run needs, checked; ``attrs`` are the global attributes of its Dataset."""

    loaded: LoadedSite
    plan: Plan
    weather: Weather
    curves: list[Curve]
    timeline: Timeline
    level: str
    seed: int
    threads: int
    attrs: dict[str, Any]

    def engine(self) -> Engine:
        """An engine at the start of the period."""
        return make_engine(
            self.plan,
            self.weather,
            self.curves,
            self.timeline,
            seed=self.seed,
            threads=self.threads,
            racks=self.level == "rack",
        )


def prepare(
    site: str | Path | LoadedSite,
    *,
    weather: str | Path | None = None,
    start: period.Moment | None = None,
    end: period.Moment | None = None,
    step: float | str = 300.0,
    every: float | str | None = None,
    level: str = "hall",
    seed: int = 0,
    threads: int | None = None,
    load: str | None = None,
    intervals_per_block: int | None = None,
) -> Prepared:
    """Check and read all inputs of a run; nothing is written.

    ``site`` is a path, a shipped name or a loaded site; ``weather`` (a shipped name or a file) replaces the site's.
    ``start`` and ``end`` are ISO 8601, UTC unless an offset is given; ``twin.engine.period`` has the default. ``step``
    and ``every`` (the output interval: 1 h, or 60 s for less than a day) are s or text as ``5min``. ``level`` is
    ``site``, ``hall``, ``cdu`` or ``rack``. ``load`` puts all halls on one load curve of the site, or on ``full``.
    ``threads`` defaults to the cores of this process. ``intervals_per_block`` replaces the block size, for tests.

    Raises ``InputError`` for input that cannot be used.
    """
    checked_depth(level)
    if not 0 <= seed < 2**63:
        raise one(f"a seed of {seed} is out of range, expected 0 .. 2^63 - 1", path="--seed")
    if threads is not None and threads < 1:
        raise one(f"{threads} threads are out of range, expected >= 1", path="--threads")
    loaded = with_load(site if isinstance(site, LoadedSite) else load_site(site), load)
    plan = lower(loaded)
    begin, finish = period.period(start, end, float(plan.hall_start_s.max()))
    step_s = period.seconds(step, "--step")
    interval_s = period.interval(every, step_s, finish - begin)
    events = np.concatenate([plan.hall_start_s, plan.tranche_start_s]).astype(np.float64)
    timeline = make_timeline(begin, finish, step_s, interval_s, events, intervals_per_block)
    air = load_weather(weather if weather is not None else loaded.paths.get("weather.file", loaded.site.weather.file))
    curves = load_curves(plan, loaded)
    _covered(plan, air, curves, timeline)
    attrs = run_attributes(loaded, air, timeline, seed=seed, level=level, load=load)
    return Prepared(loaded, plan, air, curves, timeline, level, seed, threads or _cores(), attrs)


def with_load(loaded: LoadedSite, load: str | None) -> LoadedSite:
    """The site with all halls on the load curve ``load``. Raises ``InputError`` for one that the site does not have."""
    if load is None:
        return loaded
    site: Site = loaded.site
    loads = {FULL: FULL_LOAD} | site.loads
    if load not in loads:
        hint = did_you_mean(load, loads) or f"; expected one of {', '.join(sorted(loads))}"
        raise one(f'the site has no load "{load}"{hint}', path="--load")
    buildings = {
        id: building.model_copy(
            update={"halls": {h: hall.model_copy(update={"load": load}) for h, hall in building.halls.items()}}
        )
        for id, building in site.buildings.items()
    }
    return replace(loaded, site=site.model_copy(update={"buildings": buildings, "loads": loads}))


def load_curves(plan: Plan, loaded: LoadedSite) -> list[Curve]:
    """The utilisation curves that the plan names. Raises ``InputError`` for a faulty recording."""
    curves: list[Curve] = []
    tables: dict[str, Any] = {}
    for key in plan.labels.curve:
        name = key.split("|")[0]
        spec = loaded.site.loads[name]
        if spec.csv is None:
            curves.append(Daily(spec.mean, spec.daily_amplitude, spec.peak_hour, spec.weekend_factor))
            continue
        path = loaded.paths[f"loads.{name}.csv"]
        if name not in tables:
            tables[name] = read_csv(path)
        curves.append(column_for(key, tables[name], str(path)))
    return curves


def _covered(plan: Plan, weather: Weather, curves: list[Curve], timeline: Timeline) -> None:
    """Ask for the first and the last step, so that what does not reach is told before anything is written."""
    ends = np.array([timeline.start + timeline.step, timeline.end])
    weather.sample(ends, timeline.step)
    for curve in curves:
        curve.sample(ends - timeline.step, ends, plan.utc_offset_s)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
