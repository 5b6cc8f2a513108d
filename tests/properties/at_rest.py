"""A site in which everything stands, the ways out of it for its heat, and its steps one by one with their ledger."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from twin.core.columns import Fac, Group, Sec
from twin.engine.arrays import State
from twin.engine.book import GROSS, OUTWARD, STORED
from twin.engine.run import Engine
from twin.site.plan import Plan

Floats = NDArray[np.float64]
START = 1_900_000_800.0
ULP = float(np.finfo(float).eps)
STORES = ("sec_return", "sec_supply", "fac_return", "fac_supply", "basin")


def edited(plan: Plan, group: Floats, sec: Floats, fac: Floats) -> Plan:
    return dataclasses.replace(plan, arrays=plan.arrays._replace(group=group, sec=sec, fac=fac))


def columns(plan: Plan) -> tuple[Floats, Floats, Floats]:
    a = plan.arrays
    return a.group.copy(), a.sec.copy(), a.fac.copy()


def still(plan: Plan, pipes: bool = True) -> Plan:
    """No load, no pump, no fan, no plant; with pipes that hold half as much as the headers, and a store."""
    group, sec, fac = columns(plan)
    group[:, [Group.P0, Group.P1, Group.P2]] = 0.0
    sec[:, [Sec.RUNNING, Sec.OPEN]] = 0.0
    fac[:, [Fac.RUNNING, Fac.CHILLERS, Fac.ECONOMIZER, Fac.ECONOMIZER_UA, Fac.FAN, Fac.BASIN_HEATER]] = 0.0
    if pipes:
        fac[:, Fac.C_PIPE_RETURN] = 0.5 * fac[:, Fac.C_RETURN]
        fac[:, Fac.C_PIPE_SUPPLY] = 2.0 * fac[:, Fac.C_SUPPLY]
    return edited(plan, group, sec, fac)


def leaky(
    plan: Plan, within_s: float, out: tuple[float, float, float] = (1, 1, 1), room: tuple[float, float] = (1, 1)
) -> Plan:
    """Conductances with which each store alone would follow what it meets with a time constant of ``within_s``.

    Times factors: ``out`` of the loops, basins and rooms to the outdoors, ``room`` of coolant and racks to their room.
    """
    group, sec, fac = columns(plan)
    air = plan.arrays.hall_sec[1:] - 1
    water = fac[:, [Fac.C_RETURN, Fac.C_SUPPLY, Fac.C_PIPE_RETURN, Fac.C_PIPE_SUPPLY]].sum(axis=1)
    fac[:, Fac.TO_OUTDOORS] = out[0] * water / within_s
    fac[:, Fac.BASIN_TO_OUTDOORS] = out[1] * fac[:, Fac.C_BASIN] / within_s
    sec[:, Sec.TO_ROOM] = room[0] * (sec[:, Sec.C_RETURN] + sec[:, Sec.C_SUPPLY]) / within_s
    sec[air, Sec.TO_ROOM] = 1.0
    sec[air, Sec.TO_OUTDOORS] = out[2] * sec[air, Sec.C_RETURN] / within_s
    group[:, Group.TO_ROOM] = room[1] * group[:, Group.C_PLATE] / within_s
    return edited(plan, group, sec, fac)


def cooled(plan: Plan) -> NDArray[np.bool_]:
    """Racks that have coolant: the plate of another is no part of it."""
    return np.repeat(plan.arrays.group_liquid >= 0, np.diff(plan.arrays.group_rack))


def temperatures(plan: Plan, state: State) -> Floats:
    """Every temperature of a site, degC."""
    water = state.pipe[:, :, 1][state.pipe[:, :, 0] > 0.0]
    # Parcels of a pipe come and go: its coldest and its warmest stand for all.
    ends = [water.min(), water.max()] if water.size else []
    return np.concatenate([state.t_plate[cooled(plan)], state.t_body, *(getattr(state, n) for n in STORES), ends])


def heat(plan: Plan, state: State, t0: float) -> float:
    """Heat in everything above ``t0``, J."""
    a = plan.arrays
    liquid = a.group_liquid >= 0
    total = (a.group[:, Group.C_PLATE] * (state.sum_plate - a.group[:, Group.COUNT] * t0))[liquid].sum()
    total += (a.group[:, Group.C_BODY] * (state.sum_body - a.group[:, Group.COUNT] * t0)).sum()
    total += (a.sec[:, Sec.C_RETURN] * (state.sec_return - t0) + a.sec[:, Sec.C_SUPPLY] * (state.sec_supply - t0)).sum()
    total += (a.fac[:, Fac.C_RETURN] * (state.fac_return - t0) + a.fac[:, Fac.C_SUPPLY] * (state.fac_supply - t0)).sum()
    total += (a.fac[:, Fac.C_BASIN] * (state.basin - t0)).sum()
    return float(total + (state.pipe[:, :, 0] * (state.pipe[:, :, 1] - t0)).sum())


def fill(plan: Plan, state: State, t: Floats | float) -> None:
    """Set every temperature; racks of a group alike. ``t`` for all, or a source of as many as there are."""
    each: Iterator[float] = iter(np.broadcast_to(t, (10_000,)) if np.ndim(t) == 0 else np.asarray(t))
    a = plan.arrays
    for g in range(len(a.group)):
        r = slice(int(a.group_rack[g]), int(a.group_rack[g + 1]))
        state.t_plate[r], state.t_body[r] = next(each), next(each)
        state.sum_plate[g], state.sum_body[g] = state.t_plate[r].sum(), state.t_body[r].sum()
    for name in STORES:
        getattr(state, name)[:] = [next(each) for _ in getattr(state, name)]
    state.pipe[:, :, 1] = state.fac_return[:, None, None]
    state.sec_flow.fill(0.0)
    state.fac_flow.fill(0.0)


def standing(
    lab: Any, tools: Any, plan: Plan, outdoors: float, start: Floats | float, length: float, step: float
) -> Engine:
    """An engine whose state is ``start``, that has not run."""
    air = tools.steady_weather(outdoors, 0.6)
    engine: Engine = lab.engine(plan, START, length, step, load=0.0, weather=air, interval=length)
    fill(plan, engine.state, start)
    return engine


def passing(engine: Engine, every: int = 1) -> Iterator[State]:
    """The state after each ``every`` steps of a run that does not settle before it; the ledger is closed in each."""
    plan = engine.plan
    whole = np.abs(heat(plan, engine.state, -1000.0)) / 1000.0
    with ThreadPoolExecutor(1) as pool:
        for index in range(engine.timeline.blocks):
            block = engine.timeline.block(index)
            forcing = engine.forcing(block)
            for first in range(0, len(block.dt), every):
                last = min(first + every, len(block.dt))
                before = heat(plan, engine.state, 0.0)
                engine.advance(block, forcing, first, last, engine.energised(START), pool)
                book = forcing.ledger[first:last].sum(axis=1)
                # Temperatures near 50 degC round to one part in 2^53: joules are told no better than that.
                rounding = 64.0 * ULP * 50.0 * whole
                residual = np.abs(book[:, OUTWARD] + book[:, STORED])
                assert (residual <= 1e-9 * (np.abs(book[:, OUTWARD]) + book[:, GROSS]) + rounding).all()
                assert forcing.ports[first:last].max() == 0.0
                moved = heat(plan, engine.state, 0.0) - before
                assert moved == pytest.approx(-book[:, OUTWARD].sum(), rel=1e-9, abs=rounding * (last - first))
                yield engine.state
