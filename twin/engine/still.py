"""Still points: what a site does while its load and its weather stay as they are.

The loop of every run settles each point: long steps from the state that a run begins with, then one hour that is
recorded. So a point is what a long run under the same load and weather ends with; it does not depend on the points
before it. What more is asked for than can be served is the exception: its queue would grow for ever, so a point begins
with nothing waiting and shows the first hour. Every rack of a hall is alike: spread and wander are off, and
equal ones are lumped (``twin.site.reduced``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.engine.prepare import load_curves
from twin.engine.run import Forcing, make_engine
from twin.engine.serve import ClassDemand, PoolCurve
from twin.engine.settle import forget
from twin.engine.timeline import Block, Timeline
from twin.forcing.coincident import Air
from twin.forcing.weather import Weather
from twin.site.load import LoadedSite
from twin.site.lower import lower
from twin.site.lower_fleet import FleetPlan
from twin.site.plan import Plan
from twin.site.reduced import reduced

Floats = NDArray[np.float64]
HOUR_S = 3600.0
# Four days in long steps: within 1e-7 of the power at the meter after 300 h in steps of an hour (tested).
LONG_STEPS = 4
LONG_STEP_S = 86_400.0
LONG_AGO_S = 1e9


@dataclass
class Held:
    """A load, or a demand, that stays."""

    value: float

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """The same for every step (n)."""
        del start_s, utc_offset_s
        return np.full(len(end_s), self.value)


class Still:
    """A site at an instant, ready to be asked for points: see :func:`still`."""

    def __init__(self, loaded: LoadedSite, at_s: float, pool: ThreadPoolExecutor, threads: int) -> None:
        whole = lower(loaded)
        self.whole = frozen(whole, at_s)
        self.plan = frozen(reduced(whole), at_s)
        self._pool = pool
        # The curves of pools hang on the rated power of one rack: that of the whole Plan.
        self._use = [c if isinstance(c, PoolCurve) else Held(0.0) for c in load_curves(whole, loaded)]
        timeline = Timeline(at_s, at_s + HOUR_S, HOUR_S, HOUR_S, np.zeros(0), 1)
        nobody = [ClassDemand(Held(0.0), relative=True) for _ in (self.plan.fleet.workload if self.plan.fleet else [])]
        nowhere = still_weather(Air(15.0, 10.0, 101_325.0))
        self._engine = make_engine(
            self.plan, nowhere, self._use, timeline, seed=0, threads=threads, racks=False, demand=nobody
        )
        self._begin = [part.copy() for part in self._engine.state]

    def point(self, air: Air, use: Floats, demand: Sequence[ClassDemand] = ()) -> dict[str, Floats]:
        """The rows of an hour by level, as a run records them: (1, item, variable).

        ``use`` (curve) is the utilisation of racks that follow no pool (in the order of the plan's curves), ``demand``
        what each class asks for where the site serves.
        """
        engine, plan = self._engine, self.plan
        for part, first in zip(engine.state, self._begin, strict=True):
            np.copyto(part, first)
        engine.weather = still_weather(air)
        for curve, value in zip(self._use, use, strict=True):
            if isinstance(curve, Held):
                curve.value = float(value)
        block = engine.timeline.block(0)
        if engine.fleet is not None:
            engine.fleet.demand = list(demand)
            engine.fleet.settle(plan, block)
        forcing = engine.forcing(block)
        self._settle(block, forcing)
        engine.run_islands(block, forcing, self._pool)
        return engine.finish(block, forcing, self._pool).levels

    def power(self) -> Floats:
        """Power that the racks of each group of the whole plan ask for at the last point, W (group).

        Racks of a kind that follow the same curve in a hall are alike, whatever their CDU.
        """
        asked = self._engine.out.power_rows[0]
        lumps, groups = _alike(self.plan), _alike(self.whole)
        rated = [
            plan.arrays.group[:, Group.RATED] * plan.arrays.group[:, Group.COUNT] for plan in (self.plan, self.whole)
        ]
        sums: dict[tuple[int, int, str], Floats] = {}
        for key, pair in zip(lumps, np.column_stack([asked, rated[0]]), strict=True):
            sums[key] = sums.get(key, np.zeros(2)) + pair
        return np.array([sums[key][0] / sums[key][1] * w for key, w in zip(groups, rated[1], strict=True)])

    def _settle(self, block: Block, forcing: Forcing) -> None:
        """Hold the point's load and weather over the long steps."""
        n, engine = LONG_STEPS, self._engine
        ends = block.t_end[0] - block.dt[0] - LONG_STEP_S * np.arange(n - 1, -1, -1.0)
        steps = Block(0, 0, ends, np.full(n, LONG_STEP_S), np.full(n, -1, np.int64), ends[-1:], [(0, n)])
        held = Forcing(
            np.repeat(forcing.weather, n, axis=0), np.repeat(forcing.curves, n, axis=0),
            np.repeat(np.zeros_like(forcing.ports), n, axis=0), np.repeat(np.zeros_like(forcing.ledger), n, axis=0),
        )  # fmt: skip
        engine.run_islands(steps, held, self._pool)
        forget(engine.out, engine.scratch)
        engine.site.fill(0.0)


def _alike(plan: Plan) -> list[tuple[int, int, str]]:
    """Hall, curve and kind of rack of each group."""
    a = plan.arrays
    hall = np.searchsorted(a.hall_group, np.arange(len(a.group)), side="right") - 1
    return [(int(h), int(c), kind) for h, c, kind in zip(hall, a.group_curve, plan.labels.group_kind, strict=True)]


@contextmanager
def still(loaded: LoadedSite, at_s: float, threads: int = 1) -> Iterator[Still]:
    """A site with what is energised at ``at_s`` (s since 1970, UTC), ready to be asked for points."""
    with ThreadPoolExecutor(max_workers=threads) as pool:
        yield Still(loaded, at_s, pool, threads)


def frozen(plan: Plan, at_s: float) -> Plan:
    """The plan at an instant: nothing is energised or contracted later, and racks of a group are alike.

    Requests are shared out in proportion, whatever the policy: a load is that of every service.
    """
    group = plan.arrays.group.copy()
    group[:, [Group.SPREAD, Group.NOISE]] = 0.0
    halls, tranches = (
        np.where(starts <= at_s, at_s - LONG_AGO_S, at_s + LONG_AGO_S)
        for starts in (plan.hall_start_s, plan.tranche_start_s)
    )
    return replace(
        plan,
        arrays=plan.arrays._replace(group=group),
        hall_start_s=halls.astype(np.int64),
        fleet=_in_proportion(plan.fleet) if plan.fleet else None,
        tranche_start_s=tranches + np.arange(len(tranches)),  # in their order
    )


def _in_proportion(fleet: FleetPlan) -> FleetPlan:
    arrays = fleet.fleet._replace(weight=np.zeros_like(fleet.fleet.weight))
    return replace(fleet, fleet=arrays, rank=np.zeros(0, np.int64))


def still_weather(air: Air) -> Weather:
    """Weather that does not change: a day of 24 equal hours, again and again."""
    dry, wet, pressure = (np.full(24, v) for v in (air.dry_bulb_c, air.wet_bulb_c, air.pressure_pa))
    nothing = np.zeros(24)
    return Weather(
        name="still", station="", source="", licence="", latitude=0.0, longitude=0.0, elevation_m=0.0,
        utc_offset_h=0.0, file=None, measured=False, filled_hours=0, times_utc_s=None, dry_bulb_c=dry,
        dew_point_c=nothing, relative_humidity=nothing, pressure_pa=pressure, wet_bulb_c=wet, humidity_ratio=nothing,
    )  # fmt: skip


__all__ = ["Held", "Still", "frozen", "still", "still_weather"]
