"""Many faults from one checkpoint, each followed only as far as it reaches.

The site is settled and run to the instant once. From there on

* a fault of one CDU reaches its racks, and through the water and the air what stands beside it: its racks are run as
  they are, the rest of its island lumped (``twin.engine.apart``). Where a lump alarms, slows down or trips, the fault
  reaches further than that, and the whole island is run instead;
* any other fault is followed over its island with all racks; islands share no water and no air.

Racks that follow a pool draw what the pool gave them at the checkpoint: what the others of it take over is not followed
(``twin fail`` of one case does), nor is the power path. Steps, equations and interlocks are those of every run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.core.variables import slot
from twin.engine.apart import apart, island_of
from twin.engine.arrays import Out, Scratch, State, new_out, new_scratch
from twin.engine.faults import MODES, Fault, Faults, Place, armed, cooling_places
from twin.engine.hold import as_it_was
from twin.engine.prepare import Prepared
from twin.engine.present import Present, present
from twin.engine.run import Engine
from twin.engine.serve import PoolCurve
from twin.engine.step import run_island
from twin.site.plan import Plan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Roles whose row is that of a secondary loop; of others it is that of a facility loop.
BY_SEC = ("cdu", "manifold", "air")
SUPPLY_MAX = slot("hall_liquid_supply_temperature_maximum")


@dataclass(frozen=True)
class Checkpoint:
    """A site at ``at_s`` with its interlocks armed, and what drives it from there on, a row a step."""

    prepared: Prepared
    plan: Plan
    known: dict[str, Place]
    present: Present
    before: Floats  # (curve) utilisation in the last step before
    on: NDArray[np.uint8]
    t_end: Floats
    dt: Floats
    weather: Floats
    curves: Floats

    @property
    def at_s(self) -> float:
        """The instant, s since 1970."""
        return self.present.at_s


@dataclass(frozen=True)
class Reached:
    """What a fault did: rows are groups (of the whole Plan) that it was followed over.

    ``alarm_s``, ``slowed_s``, ``trip_s``: s after it, NaN never; ``cause`` codes of ``twin.engine.trip``;
    ``withheld_w`` what slowed racks give up at the end. ``rack_c`` and ``inlet_c``: hottest plate (body where
    air-cooled) of the racks behind a CDU, else of the island, and warmest coolant of their halls, NaN where there is
    none. ``island`` -1: the CDU apart.
    """

    fault: Fault
    island: int
    groups: Ints
    alarm_s: Floats
    slowed_s: Floats
    trip_s: Floats
    cause: Ints
    withheld_w: Floats
    rack_c: float
    inlet_c: float


def checkpoint(prepared: Prepared, lasting_s: float, *, throttling: bool) -> Checkpoint:
    """Run the period of ``prepared``, at whose end things break; steps stay as long as they are."""
    plan = armed(prepared.plan, prepared.loaded, throttling=throttling)
    engine = _engine(prepared, plan)
    for _ in engine.blocks():
        pass
    at, dt = prepared.timeline.end, prepared.timeline.step
    t_end: Floats = at + dt * np.arange(1.0, round(lasting_s / dt) + 1)
    steps: Floats = np.full(len(t_end), dt, np.float64)
    air = engine.weather.sample(t_end, steps)
    now = present(at, plan.arrays, engine.state, engine.scratch)
    before = _use(engine, now, np.array([at]), dt)[0]
    return Checkpoint(
        prepared, plan, cooling_places(prepared.loaded, plan), now, before, engine.energised(at), t_end, steps,
        np.column_stack([air.dry_bulb_c, air.wet_bulb_c, air.pressure_pa]), _use(engine, now, t_end, dt),
    )  # fmt: skip


def _engine(prepared: Prepared, plan: Plan) -> Engine:
    """An engine of the plan that asks for no headroom."""
    engine = replace(prepared, plan=plan).engine()
    engine.headroom_at = np.zeros((prepared.timeline.intervals, len(plan.labels.hall)), np.uint8)
    return engine


def _use(engine: Engine, now: Present, t_end: Floats, dt: float) -> Floats:
    """Utilisations (step, curve); racks that follow a pool stay where they are."""
    made = engine.use(t_end - dt, t_end)
    a = now.arrays
    rated = a.group[:, Group.COUNT] * a.group[:, Group.RATED]
    for c, curve in enumerate(engine.curves):
        if isinstance(curve, PoolCurve):
            on = (a.group_curve == c) & (now.step.group_asked > 0.0)
            made[:, c] = now.step.group_asked[on].sum() / max(1.0, rated[on].sum())
    return made


def energised(check: Checkpoint, name: str) -> bool:
    """Whether something that can break has power at the checkpoint."""
    place, a = check.known[name], check.plan.arrays
    halls = [a.sec_hall[place.row]] if place.role in BY_SEC else a.sec_hall[a.sec_fac == place.row]
    return bool(check.on[halls].any())


def follow(check: Checkpoint, fault: Fault) -> Reached:
    """What ``fault`` does, followed as far as it reaches. Raises ``InputError`` for what leaves nothing."""
    place = check.known[fault.element]
    if place.role in BY_SEC and place.role != "air" and len(_faults(check, fault).events) == 1:
        found = _apart(check, fault, place)
        if found is not None:
            return found
    return whole(check, fault)


def whole(check: Checkpoint, fault: Fault) -> Reached:
    """What ``fault`` does, followed over its island with all racks."""
    a, place = check.plan.arrays, check.known[fault.element]
    hall = int(a.sec_hall[place.row] if place.role in BY_SEC else a.sec_hall[a.sec_fac == place.row][0])
    island = island_of(a, hall)
    state = State._make(part.copy() for part in check.present.state)
    scratch, out = _run(check, check.plan, _faults(check, fault), state, island, check.on)
    halls = a.island_hall[a.island_ptr[island] : a.island_ptr[island + 1]]
    groups = np.concatenate([np.arange(a.hall_group[h], a.hall_group[h + 1]) for h in halls if check.on[h]])
    racks = np.concatenate([np.arange(a.group_rack[g], a.group_rack[g + 1]) for g in groups])
    if place.role in BY_SEC and place.role != "air":
        own = a.group_liquid[groups] == place.row
        racks = np.concatenate([np.arange(a.group_rack[g], a.group_rack[g + 1]) for g in groups[own]])
        halls = np.array([hall])
    return _reached(check, fault, island, (groups, groups), state, scratch, out, racks, halls[check.on[halls] > 0])


def _apart(check: Checkpoint, fault: Fault, place: Place) -> Reached | None:
    """What a fault of a CDU does, its racks apart; None where it reaches further than them."""
    if not (check.plan.arrays.group_liquid == place.row).any():
        return None
    made = apart(check.plan, check.present, place.row, check.before)
    arrays, own = made.plan.arrays, len(made.groups)
    mode = MODES[place.role][fault.mode]
    if mode.units or (mode.pumps and fault.amount):
        return None
    if mode.holds:
        held = as_it_was(check.plan.arrays, check.present.state, check.present.step, place.row)
        arrays.sec[0, list(held)] = list(held.values())
    if mode.edit is not None:
        mode.edit(arrays, Place(place.role, 0, place.units), fault.amount or 0.0)
    began = made.state.alarm_at.copy(), made.state.slowed_at.copy(), made.state.tripped_at.copy()
    scratch, out = _run(check, made.plan, None, made.state, 0, check.on[made.halls])
    ended = made.state.alarm_at, made.state.slowed_at, made.state.tripped_at
    if any((a[own:] != b[own:]).any() for a, b in zip(began, ended, strict=True)):
        return None
    racks = np.arange(arrays.group_rack[0], arrays.group_rack[own])
    return _reached(
        check, fault, -1, (made.groups, np.arange(own)), made.state, scratch, out, racks, np.array([0])
    )  # fmt: skip


def _faults(check: Checkpoint, fault: Fault) -> Faults:
    return Faults(check.plan, check.prepared.loaded, (fault,), check.known)


def _run(
    check: Checkpoint, plan: Plan, faults: Faults | None, state: State, island: int, on: NDArray[np.uint8]
) -> tuple[Scratch, Out]:
    """Advance an island to the end of the time looked at, event by event of ``faults`` (None: the plan stays as it is).

    Nothing is written but the state and the accumulators. What a fault holds is what flowed in the step before it.
    """
    ports, islands = len(on) + len(plan.arrays.fac), len(plan.arrays.island_ptr) - 1
    scratch, out = new_scratch(plan), new_out(plan, 1, False)
    if faults is not None:
        for made, had in zip(scratch, check.present.step, strict=True):
            if made is not scratch.peak:
                made[:] = had
    cuts = [check.at_s] if faults is None else [float(t) for t in faults.events if t < check.t_end[-1]]
    for begin, end in pairwise([*cuts, check.t_end[-1]]):
        part = slice(*np.searchsorted(check.t_end, [begin, end], side="right"))
        if faults is not None:
            faults.begin(state, scratch, begin)
        steps = len(check.dt[part])
        run_island(
            plan.arrays if faults is None else faults.arrays(begin), state, scratch, out, island, check.prepared.seed,
            on, check.t_end[part], check.dt[part], np.full(steps, -1, np.int64), 1.0, check.weather[part],
            check.curves[part], np.zeros((steps, ports)), np.zeros((steps, islands, 3)), False, False,
        )  # fmt: skip
    return scratch, out


def _reached(
    check: Checkpoint, fault: Fault, island: int, rows: tuple[Ints, Ints], state: State, scratch: Scratch, out: Out,
    racks: Ints, halls: Ints,
) -> Reached:  # fmt: skip
    """``rows``: the groups by their number in the whole Plan, and in the one that was run."""
    groups, own = rows
    at = check.at_s

    def since(values: Floats) -> Floats:
        return np.where(values[own] >= at, values[own] - at, np.nan)

    trip = since(state.tripped_at)
    withheld = np.where(state.tripped_by[own] > 0, 0.0, scratch.group_asked[own] - scratch.group_power[own])
    warmest = out.hall[halls, SUPPLY_MAX]
    known = warmest[np.isfinite(warmest) & (warmest > 0.0)]
    return Reached(
        fault, island, groups, since(state.alarm_at), since(state.slowed_at), trip,
        np.where(np.isnan(trip), 0, np.abs(state.tripped_by[own])), withheld,
        float(scratch.peak[racks].max()), float(known.max()) if len(known) else np.nan,
    )  # fmt: skip


__all__ = ["Checkpoint", "Reached", "checkpoint", "energised", "follow", "whole"]
