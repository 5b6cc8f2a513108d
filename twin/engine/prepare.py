"""The inputs of a run: what is asked for becomes a Plan, weather, load curves and a timeline, all checked.

Nothing is written here, and whatever is wrong is told before anything is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from twin.core.columns import Group
from twin.core.jit import ensure_compiled
from twin.engine.caps import Caps
from twin.engine.demand import class_demands
from twin.engine.identity import run_attributes
from twin.engine.options import Asked, Inputs, ask
from twin.engine.run import Curve, Engine, make_engine
from twin.engine.scenario import in_scenario
from twin.engine.serve import ClassDemand, Demand, PoolCurve
from twin.engine.timeline import Timeline
from twin.forcing.load import Daily, column_for, read_csv
from twin.forcing.training import Swinging, Training
from twin.forcing.weather import Weather, make_weather
from twin.racks.rack import Rack
from twin.site.load import LoadedSite
from twin.site.lower import lower
from twin.site.model import Swing
from twin.site.plan import POOL, Plan


@dataclass(frozen=True)
class Prepared:
    """Everything that a run needs, checked; ``attrs`` are the global attributes of its Dataset."""

    loaded: LoadedSite
    plan: Plan
    weather: Weather
    curves: list[Curve | PoolCurve]
    demand: list[ClassDemand]
    timeline: Timeline
    level: str
    seed: int
    threads: int
    attrs: dict[str, Any]
    caps: Caps | None = None

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
            demand=self.demand,
            caps=self.caps,
        )


def prepare(site: str | Path | LoadedSite, **inputs: Unpack[Inputs]) -> Prepared:
    """Check and read all inputs of a run; nothing is written.

    ``site`` is a path, a shipped name or a loaded site; ``weather`` (a shipped name or a file) replaces the site's.
    ``start`` and ``end`` are ISO 8601, UTC unless an offset is given; ``twin.engine.period`` has the default. ``step``
    (default 300 s) and ``every`` (the output interval: 1 h, or 60 s for less than a day) are s or text as ``5min``.
    ``level`` is ``site``, ``hall``, ``cdu`` or ``rack``. ``load`` puts all halls on one load curve of the site, or on
    ``full``. ``caps`` hold services back over time. ``scenario`` lays its warmer or colder days over the
    weather. ``threads`` defaults to the cores of this process.
    ``intervals_per_block`` replaces the block size, for tests.

    Raises ``InputError`` for input that cannot be used.
    """
    return read_in(ask(site, **inputs))


def read_in(asked: Asked) -> Prepared:
    """The plan, weather and load curves of checked options.

    Raises ``InputError`` where weather, load or demand do not cover the period, and where kernels cannot be compiled.
    """
    ensure_compiled()
    plan, air = lower(asked.loaded), make_weather(asked.weather)
    if asked.scenario is not None:
        air = in_scenario(air, asked.scenario, asked.timeline.start, asked.timeline.end)
    curves = load_curves(plan, asked.loaded)
    demand = class_demands(asked.loaded, asked.seed)
    _covered(plan, air, [*curves, *(asks.curve for asks in demand)], asked.timeline)
    return Prepared(
        asked.loaded,
        plan,
        air,
        curves,
        demand,
        asked.timeline,
        asked.level,
        asked.seed,
        asked.threads or _cores(),
        run_attributes(asked, air),
        asked.caps,
    )


def load_curves(plan: Plan, loaded: LoadedSite) -> list[Curve | PoolCurve]:
    """The utilisation curves that the plan names. Raises ``InputError`` for a faulty recording."""
    curves: list[Curve | PoolCurve] = []
    tables: dict[str, Any] = {}
    for index, key in enumerate(plan.labels.curve):
        if key.startswith(POOL):
            curves.append(pool_curve(plan, loaded, index))
            continue
        name = key.split("|")[0]
        spec = loaded.site.loads[name]
        if spec.csv is None:
            slow = Daily(spec.mean, spec.daily_amplitude, spec.peak_hour, spec.weekend_factor)
            curves.append(Swinging(slow, _job(spec.mean, spec.swing)) if spec.swing else slow)
            continue
        path = loaded.paths[f"loads.{name}.csv"]
        if name not in tables:
            tables[name] = read_csv(path)
        curves.append(column_for(key, tables[name], str(path)))
    return curves


def _job(mean: float, swing: Swing) -> Training:
    """A training job; all jobs of a site rise at whole periods since 1970, as a job over several halls does."""
    return Training(mean, swing.amplitude, swing.period_s, swing.duty)


def pool_curve(plan: Plan, loaded: LoadedSite, index: int) -> PoolCurve:
    """The curve ``pool:<pool>|<rack>`` at ``index``: rated power of a system from a group of such racks."""
    assert plan.fleet is not None
    pool, _, rack = plan.labels.curve[index].removeprefix(POOL).rpartition("|")
    group = int(np.flatnonzero(plan.arrays.group_curve == index)[0])
    rated = float(plan.arrays.group[group, Group.RATED]) / loaded.library.get(rack, Rack).systems
    return PoolCurve(plan.fleet.pool.index(pool), rated)


def _covered(plan: Plan, weather: Weather, curves: Sequence[Curve | PoolCurve | Demand], timeline: Timeline) -> None:
    """Ask for the first and the last step, so that what does not reach is told before anything is written."""
    ends = np.array([timeline.start + timeline.step, timeline.end])
    weather.sample(ends, timeline.step)
    for curve in curves:
        if not isinstance(curve, PoolCurve):
            curve.sample(ends - timeline.step, ends, plan.utc_offset_s)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
