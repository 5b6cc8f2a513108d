"""The engine stepped with measured boundary conditions: what is measured drives the model, the rest it finds itself.

One step of the loop of every run at a time, on columns of the Plan that are altered between steps: see
``twin.engine.driven_racks`` (power), ``twin.engine.driven_water`` (flows, temperatures) and ``DRIVERS`` for what can
drive. Energy closes in each step whatever is measured: readings that do not fit each other show in what is not
measured. Units are those of the variable table (W, kg/s, degC); steps of 1 s to 1 h.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.core.variables import slot
from twin.engine.driven_air import drive_air
from twin.engine.driven_inputs import (
    AIRFLOW,
    COOLANT,
    OUTDOOR,
    POWER,
    PRIMARY,
    SUPPLY,
    WATER,
    Bounds,
    Hands,
    lit,
    possible,
    sized,
)
from twin.engine.driven_racks import Racks
from twin.engine.driven_rows import Interval, by_name
from twin.engine.driven_water import (
    air_supply,
    cdu_flow,
    cdu_primary_flow,
    cdu_supply,
    fws_flow,
    fws_supply,
    handler_airflow,
)
from twin.engine.prepare import Prepared
from twin.engine.run import Ends, Engine, Forcing, Result, blank_unenergised, complete_site, make_engine
from twin.engine.serve import FleetBlock, FleetRun
from twin.engine.still import Held
from twin.engine.timeline import Block, Timeline
from twin.site.plan import Plan

Floats = NDArray[np.float64]
HEADROOM = slice(slot("hall_cooling_headroom"), slot("hall_cooling_headroom") + 4)


@dataclass(frozen=True)
class Driver:
    """An input that can drive: its name in the variable table, what a reading can be, and how it is applied.

    ``apply`` is None for racks and outdoor air; it puts NaN in place of readings that are not believed.
    """

    name: str
    bounds: Bounds
    apply: Callable[[Hands, Floats], None] | None = None


DRIVERS: tuple[Driver, ...] = (
    Driver("rack_power", POWER),
    Driver("outdoor_dry_bulb_temperature", OUTDOOR),
    Driver("outdoor_wet_bulb_temperature", OUTDOOR),
    Driver("cdu_flow", COOLANT, cdu_flow),
    Driver("hall_handler_airflow", AIRFLOW, handler_airflow),
    Driver("cdu_supply_temperature", SUPPLY, cdu_supply),
    Driver("hall_supply_air_temperature", SUPPLY, air_supply),
    Driver("fws_supply_temperature", SUPPLY, fws_supply),
    Driver("cdu_primary_flow", PRIMARY, cdu_primary_flow),
    # The last: what a loop's own meter shows holds for all of its branches.
    Driver("fws_flow", WATER, fws_flow),
)
BOUNDS = {driver.name: driver.bounds for driver in DRIVERS}
AIR = ("outdoor_dry_bulb_temperature", "outdoor_wet_bulb_temperature")
WATER_SUPPLY = "fws_supply_temperature"
# A supply that differs less from its reading has been driven by it: sensors err by tenths of a kelvin (estimate).
MISSED_K = 0.5
FIRST = {driver.name for driver in DRIVERS if driver.apply is None}


@dataclass
class StepEngine(Engine):
    """An engine of one step after the other; headroom is that of the site as it is described."""

    site_plan: Plan | None = None
    latencies: bool = True

    def serving(self, block: Block, fleet: FleetRun) -> FleetBlock:
        """A step to be served; latencies are told where headroom is."""
        return FleetBlock(fleet, self.plan, block, self.timeline.interval, latencies=self.latencies)

    def at_ends(self, block: Block, forcing: Forcing, at: NDArray[np.int64]) -> Ends:
        """The site's own limits and set points, with the power and the weather that are measured."""
        del at
        assert self.site_plan is not None
        return Ends(self.site_plan, self.out.power_rows, forcing.weather[block.closes >= 0])

    def settle(self, block: Block, forcing: Forcing, pool: ThreadPoolExecutor) -> None:
        """Go to the steady state of a step."""
        self._settle(block, forcing, pool)

    def _result(self, block: Block, site_rows: Floats, fleet: dict[str, Floats]) -> Result:
        """Rows as they stand in the output arrays, nothing made blank: they hold until the next step."""
        out = self.out
        levels = {
            "site": site_rows, "hall": out.hall_rows, "cdu": out.cdu_rows[:, self.plan.labels.cdu_sec],
            "loop": out.loop_rows, "element": out.element_rows, "rack": out.rack_rows,
        }  # fmt: skip
        complete_site(levels)
        return Result(block, levels | fleet)


@dataclass(frozen=True)
class Saved:
    """Where a driven run stands, in memory."""

    steps: int
    state: list[NDArray[Any]]
    interval: dict[str, Floats]
    headroom: Floats
    delays: Floats | None


class Driven:
    """A site stepped with what is measured, from ``start_s`` (s since 1970, UTC) on.

    ``step_s`` (s) is one step, ``every_s`` (a multiple of it) the output interval: then headroom and latencies are
    found anew, and ``interval`` holds the interval's rows. Begins with the steady state of the first inputs. ``used``:
    what drove the last step, by name (item), NaN where the model found the value itself: what was not believed, and
    facility water that is supplied more than ``MISSED_K`` from its reading, as a plant cannot heat. Flows of branches
    that the loop's own meter has reduced have driven it all the same. ``doubted``: how many readings of what has power
    did not, for they were not believed.
    Raises ``ValueError`` where step and interval do not fit.
    """

    def __init__(self, prepared: Prepared, start_s: float, step_s: float = 1.0, every_s: float = 10.0) -> None:
        per = round(every_s / step_s) if step_s > 0.0 else 0
        if per < 1 or abs(per * step_s - every_s) > 1e-9 * every_s:
            raise ValueError(f"every_s must be a multiple of step_s > 0, got {every_s:g} and {step_s:g}")
        self.prepared, self.start_s, self.step_s, self.every_s = prepared, start_s, step_s, every_s
        self.interval: Result | None = None
        self.used: dict[str, Floats] = {}
        self.doubted: dict[str, int] = {}
        self._per, self._n, self._settled = per, 0, False
        site = self._site = prepared.plan
        self._events = np.unique(np.concatenate([site.hall_start_s, site.tranche_start_s]).astype(np.float64))
        self._make()
        self._rows = Interval()
        self._asked = np.zeros((2, 1, len(site.labels.hall)), np.uint8)
        self._asked[1] = 1
        self._headroom = np.full((len(site.labels.hall), 4), np.nan)
        self._delays: Floats | None = None
        self._pool = ThreadPoolExecutor(max_workers=self._engine.threads)

    def _make(self) -> None:
        """An engine that has not begun, on columns of its own."""
        prepared, site, start = self.prepared, self._site, self.time_s
        a = site.arrays
        own = a._replace(
            group=a.group.copy(), group_curve=a.group_curve.copy(), sec=a.sec.copy(), fac=a.fac.copy()
        )  # fmt: skip
        self._plan = replace(site, arrays=own)
        timeline = Timeline(start, start + self.step_s, self.step_s, self.step_s, self._events, 1)
        made = make_engine(
            self._plan, prepared.weather, [*prepared.curves, Held(1.0)], timeline, seed=prepared.seed,
            threads=prepared.threads, racks=True, demand=prepared.demand, caps=prepared.caps,
        )  # fmt: skip
        self._engine = StepEngine(**vars(made), site_plan=site)
        self._racks = Racks(site, self._plan, made.state, prepared.seed, len(prepared.curves))

    @property
    def time_s(self) -> float:
        """Where the model stands, s since 1970, UTC: the end of the last step."""
        return self.start_s + self._n * self.step_s

    def settle(self, inputs: Mapping[str, Floats]) -> None:
        """Go to the steady state of ``inputs`` and of what the model finds itself; time does not pass."""
        self._settle(self._block(), inputs)

    def anew(self) -> None:
        """Begin anew where it stands: the next step goes from the steady state of its inputs, as the first one did.

        The output interval goes on: steps before and after are in it.
        """
        self._make()
        self._settled = False

    def step(self, inputs: Mapping[str, Floats]) -> dict[str, Floats]:
        """Advance one step; ``inputs`` by variable name over the items of its level, NaN where nothing is measured.

        Returns the step's values of every variable of the table by name, over the items of its level (``stream``:
        (pool, workload); ``latency``: (pool, workload, percentile)); headroom and latencies are those of the last
        interval. ``self.interval`` is then the interval that ends here, or None.
        Raises ``ValueError`` for inputs that drive nothing or do not fit their level.
        """
        block, engine = self._block(), self._engine
        ends = (self._n + 1) % self._per == 0
        told = ends or self._n == 0 or not self._settled
        if not self._settled:
            self._settle(block, inputs)
        forcing = self._forcing(block, inputs, told=told)
        engine.run_islands(block, forcing, self._pool)
        levels = engine.finish(block, forcing, self._pool).levels
        self._complete(levels, told)
        self._miss(levels)
        self._n += 1
        self._rows.add(levels, self.step_s)
        self.interval = self._close() if ends else None
        blank_unenergised(self._plan, levels)
        return by_name(levels)

    def save(self) -> Saved:
        """Where the run stands; not while a step runs."""
        state = [part.copy() for part in self._engine.state]
        delays = None if self._delays is None else self._delays.copy()
        return Saved(self._n, state, self._rows.save(), self._headroom.copy(), delays)

    def load(self, saved: Saved) -> None:
        """Go on from where ``save`` was called."""
        for part, before in zip(self._engine.state, saved.state, strict=True):
            np.copyto(part, before)
        self._racks.release()
        self._n, self._settled, self.interval = saved.steps, True, None
        self._rows.load(saved.interval)
        self._headroom = saved.headroom.copy()
        self._delays = None if saved.delays is None else saved.delays.copy()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def _block(self) -> Block:
        """The next step, split where a hall is energised or a tranche begins."""
        start, end = self.time_s, self.start_s + (self._n + 1) * self.step_s
        timeline = Timeline(start, end, end - start, end - start, self._events, 1)
        self._engine.timeline = timeline
        if ((self._events > start) & (self._events < end)).any():
            return timeline.block(0)
        last = np.array([end])
        return Block(0, 0, last, np.array([end - start]), np.zeros(1, np.int64), last, [(0, 1)])

    def _forcing(self, block: Block, inputs: Mapping[str, Floats], *, told: bool, steady: bool = False) -> Forcing:
        """Forcing and columns of a step, with what is measured in them."""
        engine, start = self._engine, float(block.t_end[0] - block.dt[0])
        given = lit(self._site, engine.energised(start), sized(self._site, BOUNDS, inputs))
        count = {name: _count(values) for name, values in given.items()}
        found = possible(self._site, BOUNDS, given)
        engine.latencies, engine.headroom_at = told, self._asked[int(told)]
        forcing, own, site = engine.forcing(block), self._plan.arrays, self._site.arrays
        hands = Hands(
            self._site, self._plan, engine.state, engine.scratch, forcing, float(block.dt.min()), steady
        )  # fmt: skip
        drive_air(hands, found.get(AIR[0]), found.get(AIR[1]), engine.weather, block)
        self._racks.drive(found.get("rack_power"), forcing.curves[0], start, float(block.t_end[-1]))
        own.sec[:], own.fac[:] = site.sec, site.fac
        for driver in DRIVERS:
            if driver.apply is not None and driver.name in found:
                driver.apply(hands, found[driver.name])
        self.used = found
        self.doubted = {n: k - _count(found[n]) if n in found else k for n, k in count.items()}
        return forcing

    def _settle(self, block: Block, inputs: Mapping[str, Floats]) -> None:
        """Steady with what racks and air do; then with water and flows, of which the heat says what can be believed."""
        engine = self._engine
        if engine.fleet is not None:
            engine.fleet.settle(self._plan, block)
        first = {name: values for name, values in inputs.items() if name in FIRST}
        engine.settle(block, self._forcing(block, first, told=False), self._pool)
        if len(first) < len(inputs):
            engine.settle(block, self._forcing(block, inputs, told=False, steady=True), self._pool)
        self._settled = True

    def _complete(self, levels: dict[str, Floats], told: bool) -> None:
        """Utilisation of measured racks, and what is not found in every step."""
        self._racks.correct(levels["hall"][0])
        if told:
            self._headroom = levels["hall"][0, :, HEADROOM].copy()
            self._delays = levels["latency"].copy() if "latency" in levels else None
        levels["hall"][0, :, HEADROOM] = self._headroom
        if self._delays is not None:
            levels["latency"] = self._delays.copy()

    def _miss(self, levels: dict[str, Floats]) -> None:
        """Put NaN for water whose supply the model found itself: that of a plant which would have to heat it."""
        found = self.used.get(WATER_SUPPLY)
        if found is not None:
            with np.errstate(invalid="ignore"):
                found[np.abs(levels["loop"][0, :, slot(WATER_SUPPLY)] - found) > MISSED_K] = np.nan

    def _close(self) -> Result:
        """The interval that ends here."""
        index, end = self._n // self._per - 1, np.array([self.time_s])
        block = Block(index, index, end, np.array([self.every_s]), np.zeros(1, np.int64), end, [(0, 1)])
        return Result(block, self._rows.close(self._plan, self.every_s))


def _count(values: Floats) -> int:
    return int(np.count_nonzero(~np.isnan(values)))


__all__ = ["BOUNDS", "DRIVERS", "Driven", "Driver", "Saved"]
