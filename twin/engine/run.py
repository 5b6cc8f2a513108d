"""Run a Plan over a timeline, block by block, in bounded memory.

Islands advance on a pool of threads (the kernels hold no interpreter lock); the campus pass then closes the block.
What a block leaves behind is the :class:`~twin.engine.arrays.State`, so a run can stop and go on between any two
blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.core.units import HOUR
from twin.core.variables import rows, slot
from twin.engine.arrays import Out, Scratch, State, new_out, new_scratch, new_state
from twin.engine.campus import S_COOLING, S_IT, S_LOSS, run_campus
from twin.engine.caps import Caps
from twin.engine.coupled import Coupled
from twin.engine.faults import Faults
from twin.engine.headroom import headroom_block
from twin.engine.meet import Meeting
from twin.engine.serve import ClassDemand, FleetBlock, FleetRun, PoolCurve, new_fleet_run
from twin.engine.settle import fill_basins, forget, settle
from twin.engine.steady import WIDTH
from twin.engine.step import run_island
from twin.engine.timeline import Block, Timeline
from twin.forcing.weather import Weather
from twin.site.plan import Arrays, Plan

Floats = NDArray[np.float64]
HEADROOM = slot("hall_cooling_headroom")
SLOWED_STEPS = 2  # hours until a pool whose racks are too hot from the start is full


class Curve(Protocol):
    """A utilisation over time."""

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n), 0..1."""
        ...


@dataclass(frozen=True)
class Result:
    """The rows of a block by level: (interval, item, variable); site rows have one item."""

    block: Block
    levels: dict[str, Floats]


@dataclass(frozen=True)
class Forcing:
    """What drives a block and what its islands hand to the campus, a row a step."""

    weather: Floats  # (step, 3) dry bulb, wet bulb (degC), pressure (Pa)
    curves: Floats  # (step, curve) utilisation
    ports: Floats  # (step, port) power into the campus, W
    ledger: Floats  # (step, island, 3) J
    served: FleetBlock | None = None

    def follow(self, curves: Sequence[Curve | PoolCurve], first: int, last: int) -> None:
        """Let racks that follow a pool draw in the steps ``first .. last`` what it was served with."""
        for c, curve in enumerate(curves):
            if isinstance(curve, PoolCurve) and self.served is not None:
                self.curves[first:last, c] = self.served.power(curve.pool, slice(first, last)) / curve.rated_w


class Ends(NamedTuple):
    """What headroom is asked of at the ends of a block's intervals."""

    plan: Plan
    power: Floats  # (interval, group of the plan) W
    weather: Floats  # (interval, 3) dry bulb, wet bulb (degC), pressure (Pa)


@dataclass
class Engine:
    """A Plan with its forcing, its state and its arrays."""

    plan: Plan
    weather: Weather
    curves: list[Curve | PoolCurve]
    timeline: Timeline
    seed: int
    threads: int
    racks: bool
    reach: Floats
    state: State
    scratch: Scratch
    out: Out
    site: Floats
    fleet: FleetRun | None = None
    faults: Faults | None = None
    arrays: Arrays | None = None  # those of the plan as the present faults leave it
    headroom_at: NDArray[np.uint8] | None = None  # (output interval of the run, hall) where it is asked for; None: all
    coupled: Coupled | None = None

    def blocks(self, first: int = 0) -> Iterator[Result]:
        """Advance from block ``first`` to the end; the state must be that at its beginning."""
        with ThreadPoolExecutor(max_workers=self.threads) as pool:
            for index in range(first, self.timeline.blocks):
                yield self._advance(self.timeline.block(index), pool)

    def _advance(self, block: Block, pool: ThreadPoolExecutor) -> Result:
        if block.index == 0 and self.fleet is not None:
            self.fleet.settle(self.plan, block)
        forcing = self.forcing(block)
        if block.index == 0:
            self._settle(block, forcing, pool)
        self.run_islands(block, forcing, pool)
        return self.finish(block, forcing, pool)

    def forcing(self, block: Block) -> Forcing:
        """Weather and utilisation of a block's steps, and room for what its islands leave.

        Racks that follow a pool have only their first step: the rest is served while the islands advance.
        """
        air = self.weather.sample(block.t_end, block.dt)
        start = block.t_end - block.dt
        steps, a = len(block.dt), self.plan.arrays
        made = Forcing(
            np.column_stack([air.dry_bulb_c, air.wet_bulb_c, air.pressure_pa]),
            self.use(start, block.t_end),
            np.zeros((steps, len(a.port))),
            np.zeros((steps, len(a.island_ptr) - 1, 3)),
            self.serving(block, self.fleet) if self.fleet else None,
        )
        if made.served is not None:
            before = made.served.save()
            made.served.serve(0, 1, self.energised(start[0]))
            made.served.restore(before)
            made.follow(self.curves, 0, 1)
        return made

    def serving(self, block: Block, fleet: FleetRun) -> FleetBlock:
        """A block to be served by a fleet."""
        return FleetBlock(fleet, self.plan, block, self.timeline.interval)

    def use(self, start_s: Floats, end_s: Floats, served: FleetBlock | None = None) -> Floats:
        """Mean utilisation from ``start_s`` to ``end_s`` (n) by each curve: (n, curve).

        ``served`` is of the same steps; without it, racks that follow a pool have none.
        """
        made = np.zeros((len(end_s), len(self.curves)))
        for c, curve in enumerate(self.curves):
            if not isinstance(curve, PoolCurve):
                made[:, c] = curve.sample(start_s, end_s, self.plan.utc_offset_s)
            elif served is not None:
                made[:, c] = served.power(curve.pool, slice(None)) / curve.rated_w
        return made

    def run_islands(self, block: Block, forcing: Forcing, pool: ThreadPoolExecutor) -> None:
        """Advance all islands over a block, event by event."""
        for first, last in block.segments:
            start = block.t_end[first] - block.dt[first]
            fill_basins(self.plan, self.state, start, forcing.weather[first])
            if self.faults is not None:
                self.faults.begin(self.state, self.scratch, start)
            on = self.energised(start)
            if self.coupled is None:
                self._serve(block, forcing, first, last, on, pool)
                continue
            for n in range(first, last):
                self.coupled.before(float(block.t_end[n] - block.dt[n]))
                self._serve(block, forcing, n, n + 1, on, pool)
                self.coupled.after(block, forcing, n)

    def _serve(
        self, block: Block, forcing: Forcing, first: int, last: int, on: NDArray[np.uint8], pool: ThreadPoolExecutor
    ) -> None:
        """Advance steps of a block without an event between them, and the fleet with them where there is one."""
        if forcing.served is None:
            self.advance(block, forcing, first, last, on, pool)
            return
        Meeting(self, block, forcing, forcing.served, on, pool).advance(first, last)

    def advance(
        self, block: Block, forcing: Forcing, first: int, last: int, on: NDArray[np.uint8], pool: ThreadPoolExecutor,
        meet: bool = False,
    ) -> int:  # fmt: skip
        """Advance all islands over steps of a block; the first, from ``first`` on, in which a pool is slowed, or -1."""
        part = slice(first, last)
        if self.faults is not None:
            self.arrays = self.faults.arrays(block.t_end[first] - block.dt[first])
        if self.coupled is not None:
            self.arrays = self.coupled.arrays(self.arrays or self.plan.arrays)
        return self._advance_islands(
            pool, block.t_end[part], block.dt[part], block.closes[part], forcing.weather[part], forcing.curves[part],
            forcing.ports[part], forcing.ledger[part], on, meet,
        )  # fmt: skip

    def energised(self, t: float) -> NDArray[np.uint8]:
        """1 for each hall that has power at ``t`` s."""
        return (self.plan.hall_start_s <= t).astype(np.uint8)

    def _settle(self, block: Block, forcing: Forcing, pool: ThreadPoolExecutor) -> None:
        """Bring what is energised at the start of the run to the steady state of its first step."""
        start = self.timeline.start
        if self.faults is not None:
            # What holds before the run, as smoke does; no interlock acts on the way to the steady state.
            a = self.faults.arrays(start)
            group = a.group.copy()
            group[:, Group.TRIP_DELAY] = -1.0
            self.arrays = a._replace(group=group)
        settle(
            self.plan, partial(self._advance_islands, pool), start, self.energised(start), forcing.weather[0],
            forcing.curves[0],
        )  # fmt: skip
        if self.fleet is not None and (self.scratch.held * self.plan.arrays.group[:, Group.SERVED]).any():
            self._settle_slowed(self.fleet, block, forcing, pool)
        forget(self.out, self.scratch)

    def _settle_slowed(self, fleet: FleetRun, block: Block, forcing: Forcing, pool: ThreadPoolExecutor) -> None:
        """Where racks of a pool are too hot from the start, let it fill up and flows follow; nothing waits yet."""
        n, end = SLOWED_STEPS, block.t_end[:1]
        steps = Block(0, 0, np.repeat(end, n), np.full(n, HOUR), np.full(n, -1, np.int64), end, [(0, n)])
        served = FleetBlock(fleet, self.plan, steps, HOUR, np.repeat(block.dt[:1], n), latencies=False)
        held = Forcing(
            np.repeat(forcing.weather[:1], n, axis=0), np.repeat(forcing.curves[:1], n, axis=0),
            np.zeros((n, *forcing.ports.shape[1:])), np.zeros((n, *forcing.ledger.shape[1:])), served,
        )  # fmt: skip
        Meeting(self, steps, held, served, self.energised(self.timeline.start), pool).advance(0, n)
        fleet.held.queue.fill(0.0)
        fleet.held.age.fill(0.0)

    def _advance_islands(
        self, pool: ThreadPoolExecutor, t_end: Floats, dt: Floats, closes: NDArray[np.int64], weather: Floats,
        curves: Floats, ports: Floats, ledger: Floats, on: NDArray[np.uint8], meet: bool = False,
    ) -> int:  # fmt: skip
        """Advance every island over steps without an event between them: see ``run_island``."""
        a = self.arrays or self.plan.arrays
        jobs = [
            pool.submit(
                run_island, a, self.state, self.scratch, self.out, i, self.seed, on, t_end, dt, closes,
                self.timeline.interval, weather, curves, ports, ledger, self.racks, meet,
            )
            for i in range(len(a.island_ptr) - 1)
        ]  # fmt: skip
        return min((found for job in jobs if (found := job.result()) >= 0), default=-1)

    def finish(self, block: Block, forcing: Forcing, pool: ThreadPoolExecutor) -> Result:
        """The campus pass, headroom and rows of a block whose islands have run."""
        plan = self.plan
        site_rows = np.zeros((len(block.interval_end), 1, len(rows("site"))))
        run_campus(
            plan.arrays, self.scratch.element_out, self.out.element, self.out.element_rows, plan.hall_elements,
            block.dt, block.closes, self.timeline.interval, forcing.weather, forcing.ports, forcing.ledger,
            contract_w(plan, block.t_end - block.dt), rated_it_w(plan), self.site, site_rows[:, 0],
        )  # fmt: skip
        self._headroom(block, forcing, pool)
        return self._result(block, site_rows, forcing.served.levels() if forcing.served else {})

    def at_ends(self, block: Block, forcing: Forcing, at: NDArray[np.int64]) -> Ends:
        """What headroom is asked of at the intervals ``at`` of a block."""
        del at
        return Ends(self.plan, self.out.power_rows, forcing.weather[block.closes >= 0])

    def _headroom(self, block: Block, forcing: Forcing, pool: ThreadPoolExecutor) -> None:
        """Headroom at the interval ends: independent of each other, so they are shared out over the threads."""
        n, closing = len(block.interval_end), block.closes >= 0
        on = (self.plan.hall_start_s[None, :] < block.interval_end[:, None]).astype(np.uint8)
        contract = contract_w(self.plan, block.t_end[closing] - block.dt[closing])
        # An array of its own: a slice of the rows is contiguous in a run of one hall and one interval, another type.
        found = np.full((*on.shape, 4), np.nan)
        asked = np.ones_like(on)
        if self.headroom_at is not None:
            asked = self.headroom_at[block.first : block.first + n]
        at = np.flatnonzero(asked.any(axis=1))
        plan, power, weather = self.at_ends(block, forcing, at)
        jobs = [
            pool.submit(
                headroom_block, plan.arrays, at[i :: self.threads].copy(), asked, on, weather, contract, power,
                self.reach, *headroom_scratch(plan), found,
            )
            for i in range(self.threads)
        ]  # fmt: skip
        for job in jobs:
            job.result()
        self.out.hall_rows[:n, :, HEADROOM : HEADROOM + 4] = found

    def _result(self, block: Block, site_rows: Floats, fleet: dict[str, Floats]) -> Result:
        n = len(block.interval_end)
        out = self.out
        levels = {
            "site": site_rows,
            "hall": out.hall_rows[:n].copy(),
            "cdu": out.cdu_rows[:n, self.plan.labels.cdu_sec].copy(),
            "loop": out.loop_rows[:n].copy(),
            "element": out.element_rows[:n].copy(),
        }
        if self.racks:
            levels["rack"] = out.rack_rows[:n].copy()
        complete_site(levels)
        blank_unenergised(self.plan, levels)
        return Result(block, levels | fleet)


def make_engine(
    plan: Plan,
    weather: Weather,
    curves: Sequence[Curve | PoolCurve],
    timeline: Timeline,
    *,
    seed: int,
    threads: int,
    racks: bool,
    demand: Sequence[ClassDemand] = (),
    caps: Caps | None = None,
) -> Engine:
    """An engine at the start of its timeline; ``demand`` by class and ``caps`` where the plan has a fleet."""
    intervals = min(timeline.intervals, timeline.intervals_per_block)
    state = new_state(plan, seed)
    return Engine(
        plan, weather, list(curves), timeline, seed, max(1, threads), racks, reachable(plan), state,
        new_scratch(plan), new_out(plan, intervals, racks), np.zeros(len(rows("site"))),
        new_fleet_run(plan.fleet, state, demand, caps) if plan.fleet else None,
    )  # fmt: skip


def headroom_scratch(plan: Plan) -> tuple[Floats, Floats, Floats]:
    """Scratch of ``headroom_block``, one set a thread."""
    a = plan.arrays
    halls, loops = len(plan.labels.hall), len(a.fac)
    longest = max(len(a.sec), halls + loops, len(a.element), WIDTH)
    return np.zeros((5, longest)), np.zeros((halls, WIDTH)), np.zeros((loops, 2))


def reachable(plan: Plan) -> Floats:
    """``(hall, campus element)``: 1 where an element carries the hall or the plants of its loops."""
    a, first = plan.arrays, plan.hall_elements
    halls = len(plan.labels.hall)
    found = np.zeros((halls, len(a.element) - first))
    for h in range(halls):
        loops = {int(f) for f in a.sec_fac[a.hall_sec[h] : a.hall_sec[h + 1]]}
        todo = [int(a.port[h]), *(int(a.port[halls + f]) for f in loops)]
        while todo:
            e = todo.pop()
            if e >= 0 and not found[h, e - first]:
                found[h, e - first] = 1
                todo += [int(p) for p in a.feed[a.feed_ptr[e] : a.feed_ptr[e + 1]]]
    return found


def contract_w(plan: Plan, t: Floats) -> Floats:
    """Contracted power at the meter in W at each time; 0 before the first tranche."""
    index = np.searchsorted(plan.tranche_start_s, t, side="right") - 1
    return np.where(index >= 0, plan.tranche_w[np.maximum(index, 0)], 0.0)


def rated_it_w(plan: Plan) -> float:
    """Rated IT power of all racks, W."""
    group = plan.arrays.group
    return float((group[:, Group.RATED] * group[:, Group.COUNT]).sum())


def complete_site(levels: dict[str, Floats]) -> None:
    """Site sums that follow from the rows of halls and loops."""
    site, hall, loop = levels["site"][:, 0], levels["hall"], levels["loop"]
    site[:, S_IT] = hall[..., slot("hall_it_power")].sum(axis=1)
    mechanical = hall[..., slot("hall_mechanical_power")].sum(axis=1)
    site[:, S_COOLING] = mechanical + loop[..., slot("plant_power")].sum(axis=1)
    site[:, S_LOSS] += hall[..., slot("hall_electrical_loss")].sum(axis=1)
    site[:, slot("site_water_flow")] = loop[..., slot("plant_water_flow")].sum(axis=1)


def blank_unenergised(plan: Plan, levels: dict[str, Floats]) -> None:
    """Temperatures are means over the energised part of an interval, NaN where there was none."""
    share = levels["hall"][..., slot("hall_energised_share")]
    hall_of_cdu = plan.arrays.sec_hall[plan.labels.cdu_sec]
    hall_of_rack = np.repeat(np.arange(share.shape[1]), _racks_per_hall(plan))
    shares = {
        "hall": share,
        "cdu": share[:, hall_of_cdu],
        "rack": share[:, hall_of_rack],
        "loop": levels["loop"][..., slot("plant_energised_share")],
    }
    for level, part in shares.items():
        if level not in levels:
            continue
        for v, row in enumerate(rows(level)):  # type: ignore[arg-type]
            if row.units != "degC":
                continue
            value = levels[level][..., v]
            scale = part if row.how == "mean" else np.where(part > 0, 1.0, 0.0)
            with np.errstate(invalid="ignore", divide="ignore"):
                levels[level][..., v] = np.where(scale > 0, value / scale, np.nan)


def _racks_per_hall(plan: Plan) -> NDArray[np.int64]:
    a = plan.arrays
    return np.diff(a.group_rack[a.hall_group])
