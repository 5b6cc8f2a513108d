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
from twin.inference.fleet import PERCENTILES, Flow, Held, new_flow
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
class Served:
    """A block served: step-mean power of a system of each pool in W (step, pool), and rows by level."""

    watts: Floats
    levels: dict[str, Floats]


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
        held, first = self.held, block.t_end[:1]
        brief = Block(0, 0, first, np.array([SETTLED_S]), np.array([-1]), first, [(0, 1)])
        self.advance(plan, brief, SETTLED_S, block.dt[:1])
        held.queue.fill(0.0)

    def advance(
        self, plan: Plan, block: Block, interval_s: float, asked_s: Floats | None = None, *, latencies: bool = True
    ) -> Served:
        """Serve a block; demand and caps are those of the last ``asked_s`` of each step (all of it without)."""
        fleet, steps, intervals = self.plan.fleet, len(block.dt), len(block.interval_end)
        services, classes = fleet.mix.shape
        start = block.t_end - (block.dt if asked_s is None else asked_s)
        absolute, relative = self._demand(plan, start, block.t_end)
        caps, left = np.full((steps, services), np.inf), np.ones((steps, len(fleet.pool)))
        if self.caps is not None:
            caps, left = self.caps.power(start, block.t_end), self.caps.systems(start, block.t_end)
        streams = np.zeros((services, classes, len(rows("stream"))))
        pools = np.zeros((len(fleet.pool), len(rows("pool"))))
        delays = np.zeros((services, classes, len(PERCENTILES) if latencies else 0, len(rows("latency"))))
        stream_rows, pool_rows = np.zeros((intervals, *streams.shape)), np.zeros((intervals, *pools.shape))
        delay_rows = np.zeros((intervals, *delays.shape))
        watts = np.zeros((steps, len(fleet.pool)))
        for first, last in block.segments:
            part = slice(first, last)
            on = plan.hall_start_s <= start[first]
            serve_block(
                fleet, self.held, self.flow, on @ self.plan.hall_systems, left[part], block.dt[part], absolute[part],
                relative[part], caps[part], self.plan.rank, np.zeros(services + classes), block.closes[part],
                interval_s, streams, pools, delays, stream_rows, pool_rows, delay_rows, watts[part],
            )  # fmt: skip
        meant = fleet.mix > 0.0
        stream_rows[:, ~meant] = np.nan
        delay_rows[:, ~meant] = np.nan
        return Served(
            watts * left,
            {"pool": pool_rows, "stream": self._by_pool(stream_rows), "latency": self._by_pool(delay_rows)},
        )

    def _by_pool(self, service_rows: Floats) -> Floats:
        """Rows of services as rows of the pools that answer, NaN for those that only compute prompts."""
        fleet = self.plan.fleet
        made = np.full((len(service_rows), len(fleet.pool), *service_rows.shape[2:]), np.nan)
        made[:, fleet.decoding] = service_rows
        return made

    def _demand(self, plan: Plan, start: Floats, end: Floats) -> tuple[Floats, Floats]:
        """Requests/s of each class, and requests/s per capacity: (step, class) each."""
        made = np.zeros((2, len(end), len(self.demand)))
        for c, demand in enumerate(self.demand):
            made[int(demand.relative), :, c] = demand.curve.sample(start, end, plan.utc_offset_s)
        return made[0], made[1]


NOT_SERVED = Served(np.empty((0, 0)), {})


def new_fleet_run(plan: FleetPlan, state: State, demand: Sequence[ClassDemand], caps: Caps | None = None) -> FleetRun:
    """A fleet whose state is that of the run."""
    held = Held(state.pool_queue, state.pool_active, state.pool_power)
    return FleetRun(plan, list(demand), held, new_flow(plan.fleet), caps)


__all__ = ["NOT_SERVED", "ClassDemand", "Demand", "FleetRun", "PoolCurve", "Served", "new_fleet_run"]
