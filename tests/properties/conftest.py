"""A small site, constant weather and load, and one call that runs an engine and hands back its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from twin.cooling.moist_air import humidity_ratio_array, wet_bulb_array
from twin.core.columns import Group
from twin.core.variables import slot
from twin.engine.run import Engine, make_engine
from twin.engine.timeline import Timeline, make_timeline
from twin.forcing.load import Daily
from twin.forcing.weather import Weather, load_weather
from twin.site.load import LoadedSite, load_site
from twin.site.lower import lower
from twin.site.plan import Plan

Floats = NDArray[np.float64]
Rows = dict[str, Floats]

SMALL = """\
format: 1
name: small
title: Three halls for the tests
utc_offset_h: -6
weather: {file: chicago-ohare}
contract:
  tranches:
    - {from: "2025-01-01", mw: 5, source: "made for the tests", confidence: estimate}
electrical:
  elements:
    mv: {device: mv-feeder, count: 1, fed_from: grid}
    plant: {device: tr-2500-eu-tier2, count: 1, fed_from: mv}
templates:
  wafer:
    rows: {r: {count: 2, groups: [{rack: cs3-x2, count: 6}]}}
    liquid: {cdu: cdu-3mw, count: 1, loop: chw, supply_c: 21, supply_max_c: 24}
    air: {crah: fan-wall-400kw, count: 1, loop: chw, supply_c: 22}
    chain:
      rpp: {device: rpp-500kw, count: 2, losses_to: hall}
      ups: {device: ups-99-eco, count: 1, mechanical: true}
      transformer: {device: tr-2500-eu-tier2, count: 1, losses_to: outdoors}
  nvl:
    rows: {r: {groups: [{rack: gb200-nvl72, count: 6}]}}
    liquid: {cdu: cdu-2mw-coolit-like, count: 1, loop: warm, supply_c: 30, supply_max_c: 32}
    air: {crah: fan-wall-400kw, count: 1, loop: chw, supply_c: 23}
    chain:
      busway: {device: busway, count: 2}
      ups: {device: ups-97-double-conversion, count: 1, mechanical: true}
  air:
    rows: {r: {groups: [{rack: hgx-b200-air, count: 5}]}}
    air: {crah: fan-wall-400kw, count: 1, loop: chw, supply_c: 22}
buildings:
  b:
    loops:
      chw:
        supply_c: 16
        design_rise_k: 6
        reset: {on: wet_bulb, approach_k: 8, max_c: 17}
        flow_max_m3_h: 250
        head_kpa: 200
        volume_m3: 20
        plant:
          rejection: {device: tower-cell-6mw, count: 1}
          economizer: economizer-plate
          chillers: {device: chiller-centrifugal, count: 1}
          fed_from: plant
          condenser_head_kpa: 120
          condenser_volume_m3: 20
      warm:
        supply_c: 25
        design_rise_k: 9
        flow_max_m3_h: 120
        head_kpa: 250
        volume_m3: 12
        coolant: pg25
        plant:
          rejection: {device: dry-cooler-bac-tdfs1238n, count: 1}
          economizer: economizer-plate
          chillers: {device: chiller-high-lift, count: 1}
          fed_from: plant
          condenser_head_kpa: 150
          condenser_volume_m3: 6
    halls:
      wafer: {template: wafer, energised_on: "2025-01-01", fed_from: mv, load: chat}
      nvl: {template: nvl, energised_on: "2028-03-15", fed_from: mv, load: batch}
      air: {template: air, energised_on: "2025-01-01", fed_from: mv, load: chat}
loads:
  chat: {mean: 0.6, daily_amplitude: 0.25, peak_hour: 14, weekend_factor: 0.8, rack_spread: 0.06, rack_noise: 0.05}
  batch: {mean: 0.7, daily_amplitude: 0.1, peak_hour: 2, weekend_factor: 1, rack_spread: 0.06, rack_noise: 0.06}
"""


@dataclasses.dataclass(frozen=True)
class Constant:
    """A load that stays."""

    value: float

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """The same for every step."""
        del start_s, utc_offset_s
        return np.full(len(end_s), self.value)


@cache
def year(name: str) -> Weather:
    return load_weather(name)


def steady_weather(dry_bulb_c: float, humidity: float, pressure_pa: float = 101_325.0) -> Weather:
    """A day of 24 equal hours, again and again."""
    t, rh, p = (np.full(24, v) for v in (dry_bulb_c, humidity, pressure_pa))
    return dataclasses.replace(
        year("chicago-ohare"), times_utc_s=None, dry_bulb_c=t, dew_point_c=t, relative_humidity=rh, pressure_pa=p,
        wet_bulb_c=wet_bulb_array(t, rh, p), humidity_ratio=humidity_ratio_array(t, rh, p),
    )  # fmt: skip


def quiet(plan: Plan) -> Plan:
    """Racks without offsets and without wander."""
    group = plan.arrays.group.copy()
    group[:, [Group.SPREAD, Group.NOISE]] = 0.0
    return dataclasses.replace(plan, arrays=plan.arrays._replace(group=group))


def own_curves(loaded: LoadedSite, plan: Plan) -> list[Any]:
    """The site's daily curves in the order of the plan."""
    loads = [loaded.site.loads[name] for name in plan.labels.curve]
    return [Daily(c.mean, c.daily_amplitude, c.peak_hour, c.weekend_factor) for c in loads]


class Lab:
    """Plans by name, and runs."""

    def __init__(self, small: Path) -> None:
        self.small = small
        self._loaded: dict[str, LoadedSite] = {}

    def site(self, name: str) -> LoadedSite:
        """A shipped site, or ``small``."""
        if name not in self._loaded:
            loaded = load_site(self.small if name == "small" else name)
            # Driven by load curves here, which the tests set; tests of the fleet have it serve.
            self._loaded[name] = dataclasses.replace(loaded, site=loaded.site.model_copy(update={"inference": None}))
        return self._loaded[name]

    def plan(self, name: str) -> Plan:
        """The lowered site."""
        return lower(self.site(name))

    def engine(
        self,
        plan: Plan,
        start: float,
        length: float,
        step: float,
        *,
        load: float | list[Any],
        weather: Weather | str = "chicago-ohare",
        interval: float | None = None,
        seed: int = 1,
        threads: int = 1,
        racks: bool = False,
    ) -> Engine:
        """An engine over ``length`` s from ``start``; a number as ``load`` holds for all racks."""
        curves: list[Any] = [Constant(load) for _ in plan.labels.curve] if isinstance(load, float) else load
        air = year(weather) if isinstance(weather, str) else weather
        every = max(step, 60.0) if interval is None else interval
        timeline = make_timeline(start, start + length, step, every, plan.hall_start_s.astype(np.float64))
        return make_engine(plan, air, curves, timeline, seed=seed, threads=threads, racks=racks)

    def run(self, plan: Plan, start: float, length: float, step: float, **how: Any) -> Rows:
        """The rows of a whole run by level: (interval, item, variable)."""
        return rows_of(self.engine(plan, start, length, step, **how))


def rows_of(engine: Engine) -> Rows:
    results = [result.levels for result in engine.blocks()]
    return {level: np.concatenate([r[level] for r in results]) for level in results[0]}


def column(rows: Rows, name: str) -> Floats:
    """A variable of a run by its name: (interval, item)."""
    level = {"site": "site", "outd": "site", "ener": "site", "cont": "site", "hall": "hall", "cdu_": "cdu",
             "fws_": "loop", "plan": "loop", "elem": "element", "rack": "rack"}[name[:4]]  # fmt: skip
    return rows[level][..., slot(name)]


def one_interval_blocks(timeline: Timeline) -> Timeline:
    """The same timeline with every output interval a block of its own: the state shows between them."""
    return dataclasses.replace(timeline, intervals_per_block=1)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    path = tmp_path_factory.mktemp("small") / "small.yaml"
    path.write_text(SMALL)
    return Lab(path)


@pytest.fixture(scope="session")
def tools() -> Any:
    """What tests of this folder share besides the lab (they cannot import each other)."""
    return cast(Any, ToolBox())


class ToolBox:
    """Functions of this file by name."""

    quiet: Callable[[Plan], Plan] = staticmethod(quiet)
    column: Callable[[Rows, str], Floats] = staticmethod(column)
    rows_of: Callable[[Engine], Rows] = staticmethod(rows_of)
    steady_weather: Callable[..., Weather] = staticmethod(steady_weather)
    one_interval_blocks: Callable[[Timeline], Timeline] = staticmethod(one_interval_blocks)
    own_curves: Callable[[LoadedSite, Plan], list[Any]] = staticmethod(own_curves)
    small_text: str = SMALL
