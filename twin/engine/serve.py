"""The fleet in a run: demand and energised systems of a block in, power of the pools and rows of intervals out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from twin.core.variables import rows
from twin.engine.arrays import State
from twin.engine.caps import Caps
from twin.engine.timeline import Block
from twin.inference.fleet import PERCENTILES, Flow, Held, Pool, new_flow
from twin.inference.step import serve_block
from twin.site.lower_fleet import FleetPlan
from twin.site.plan import Plan

Floats = NDArray[np.float64]
# Longer than any request lives.
SETTLED_S = 1e7


class Demand(Protocol):
    """Requests of a class over time."""

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n): requests/s, or per capacity where ``relative``."""
        ...


@dataclass(frozen=True)
class ClassDemand:
    """The demand of a class; ``relative`` to the capacity of what is energised and meant for it, or in requests/s."""

    curve: Demand
    relative: bool


@dataclass(frozen=True)
class PoolCurve:
    """The utilisation of racks that follow a pool: its power per the rated power ``rated_w`` of one system."""

    pool: int
    rated_w: float


@dataclass
class FleetRun:
    """A fleet with its demand and its state."""

    plan: FleetPlan
    demand: list[ClassDemand]
    held: Held
    flow: Flow
    caps: Caps | None = None

    def settle(self, plan: Plan, block: Block) -> None:
        """Begin with what the first step's demand keeps in service, and nothing waiting."""
        first = block.t_end[:1]
        brief = Block(0, 0, first, np.array([SETTLED_S]), np.array([-1]), first, [(0, 1)])
        energised = (plan.hall_start_s <= first[0] - block.dt[0]).astype(np.uint8)
        FleetBlock(self, plan, brief, SETTLED_S, block.dt[:1]).serve(0, 1, energised)
        self.held.queue.fill(0.0)
        self.held.age.fill(0.0)


class FleetBlock:
    """A block of steps to be served, part after part; a part can be taken back and served anew."""

    def __init__(
        self, run: FleetRun, plan: Plan, block: Block, interval_s: float, asked_s: Floats | None = None, *,
        latencies: bool = True,
    ) -> None:  # fmt: skip
        """Demand and caps are those of the last ``asked_s`` of each step (all of it without)."""
        fleet, steps, intervals = run.plan.fleet, len(block.dt), len(block.interval_end)
        services, classes = fleet.mix.shape
        start = block.t_end - (block.dt if asked_s is None else asked_s)
        self._run, self._block, self._interval_s = run, block, interval_s
        self._absolute, self._relative = _demand(run, plan, start, block.t_end)
        self._caps, self.left = np.full((steps, services), np.inf), np.ones((steps, len(fleet.pool)))
        if run.caps is not None:
            self._caps, self.left = run.caps.power(start, block.t_end), run.caps.systems(start, block.t_end)
        self.alive = np.ones_like(self.left)  # share of the systems that are left and have not tripped
        # Accumulators of the running interval, and the rows of those that have ended.
        self._since = np.zeros(1)
        self._streams = np.zeros((services, classes, len(rows("stream"))))
        self._pools = np.zeros((len(fleet.pool), len(rows("pool"))))
        self._delays = np.zeros((services, classes, len(PERCENTILES) if latencies else 0, len(rows("latency"))))
        self._stream_rows, self._pool_rows, self._delay_rows = (
            np.zeros((intervals, *part.shape)) for part in (self._streams, self._pools, self._delays)
        )
        self._watts = np.zeros((steps, len(fleet.pool)))
        self._most = np.full((steps, len(fleet.pool)), np.inf)

    def serve(self, first: int, last: int, on: NDArray[np.uint8], most: Floats | None = None) -> None:
        """Serve the steps ``first .. last``; ``on`` (hall) energised.

        ``most`` (pool): W of a system whose racks are at their junction limit, inf for the others and without.
        """
        run, part, block = self._run, slice(first, last), self._block
        fleet = run.plan.fleet
        self._most[part] = np.inf if most is None else most
        serve_block(
            fleet, run.held, run.flow, on @ run.plan.hall_systems, self.left[part] * self.alive[part],
            block.dt[part],
            self._absolute[part], self._relative[part], self._caps[part], self._most[part], run.plan.rank,
            np.zeros(sum(fleet.mix.shape)), block.closes[part], self._interval_s, self._since, self._streams,
            self._pools, self._delays, self._stream_rows, self._pool_rows, self._delay_rows, self._watts[part],
        )  # fmt: skip

    def power(self, pool: int, part: slice) -> Floats:
        """Step-mean power in ``part`` per energised system of a pool that has not tripped, lost ones included, W."""
        return self._watts[part, pool] * self.left[part, pool]

    def watts(self, step: int) -> Floats:
        """Step-mean power of a system of each pool that is left, W."""
        return self._watts[step].copy()

    def wanted(self, step: int, before: Floats) -> tuple[Floats, Floats]:
        """What a system of each pool would draw at full speed at the working point that it has, W: over the step and at
        its end, after its lag from ``before``."""
        flow, lag = self._run.flow, self._run.plan.fleet.pool[:, Pool.LAG]
        z = np.divide(self._block.dt[step], lag, out=np.full(len(lag), 1e9), where=lag > 0.0)
        start = np.where(before >= 0.0, before, flow.full) - flow.full
        return flow.full - start * np.expm1(-z) / z, flow.full + start * np.exp(-z)

    @property
    def power_state(self) -> Floats:
        """W of a system of each pool after its lag, where the fleet stands: (pool), to be written to."""
        return self._run.held.power

    def save(self) -> list[Floats]:
        """What a part changes besides its own rows."""
        return [part.copy() for part in self._lasting()]

    def restore(self, saved: list[Floats]) -> None:
        """Take back what was served since."""
        for part, before in zip(self._lasting(), saved, strict=True):
            np.copyto(part, before)

    def _lasting(self) -> tuple[Floats, ...]:
        return (*self._run.held, self._since, self._streams, self._pools, self._delays)

    def levels(self) -> dict[str, Floats]:
        """Rows of the block's intervals by level."""
        streams, pools, delays = (part.copy() for part in (self._stream_rows, self._pool_rows, self._delay_rows))
        meant = self._run.plan.fleet.mix > 0.0
        streams[:, ~meant] = np.nan
        delays[:, ~meant] = np.nan
        return {"pool": pools, "stream": self._by_pool(streams), "latency": self._by_pool(delays)}

    def _by_pool(self, service_rows: Floats) -> Floats:
        """Rows of services as rows of the pools that answer, NaN for those that only compute prompts."""
        fleet = self._run.plan.fleet
        made = np.full((len(service_rows), len(fleet.pool), *service_rows.shape[2:]), np.nan)
        made[:, fleet.decoding] = service_rows
        return made


def _demand(run: FleetRun, plan: Plan, start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Requests/s of each class, and requests/s per capacity: (step, class) each."""
    made = np.zeros((2, len(end), len(run.demand)))
    for c, demand in enumerate(run.demand):
        made[int(demand.relative), :, c] = demand.curve.sample(start, end, plan.utc_offset_s)
    return made[0], made[1]


def new_fleet_run(plan: FleetPlan, state: State, demand: Sequence[ClassDemand], caps: Caps | None = None) -> FleetRun:
    """A fleet whose state is that of the run."""
    held = Held(state.pool_queue, state.pool_age, state.pool_active, state.pool_power)
    return FleetRun(plan, list(demand), held, new_flow(plan.fleet), caps)


__all__ = ["ClassDemand", "Demand", "FleetBlock", "FleetRun", "PoolCurve", "new_fleet_run"]
