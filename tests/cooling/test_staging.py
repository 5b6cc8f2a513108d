"""Chillers start and stop by timers that count seconds: the same from 1 s to 1 h."""

from __future__ import annotations

import numpy as np
import pytest

from twin.cooling.chiller import Chiller
from twin.cooling.eir_chiller import EirChiller
from twin.cooling.machines import (
    CLOCKS,
    PENDING,
    RUNNING,
    advance_clocks,
    bank_power,
    lose_power,
    power_of,
    staged_power,
    startable,
    steady_count,
)
from twin.core.columns import Fac
from twin.site.library import load_library

LIBRARY = load_library()
IDS = ["chiller-centrifugal", "chiller-eir-2317-vsd", "chiller-eir-2771-vsd", "chiller-eir-5170-vanes"]


def bank(id: str, count: int) -> np.ndarray:
    """The row of a plant with ``count`` equal machines."""
    row = np.zeros(len(Fac))
    params = LIBRARY.get(id, Chiller)
    for column, value in (params.columns() | {Fac.CHILLERS: float(count)}).items():
        row[column] = value
    return row


def test_both_kinds_are_here():
    assert {type(LIBRARY.get(id, Chiller)) for id in IDS} == {Chiller, EirChiller}


@pytest.mark.parametrize("id", IDS)
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_steady_power_is_continuous_and_rises_with_the_heat(id, count):
    """Headroom asks for both: no jump where one machine more starts, never less power for more heat."""
    fac, unit, cop = bank(id, count), 1e6, 8.0
    q = np.linspace(1.0, count * unit, 40_001)
    power = np.array([bank_power(fac, x, unit, cop) for x in q])
    step = q[1] - q[0]
    assert np.diff(power).max() < 2.0 / cop * step
    assert np.diff(power).min() > -1e-6 * power.max()


@pytest.mark.parametrize("id", IDS)
def test_no_other_count_is_cheaper(id):
    """Of all counts that can carry the heat, the one that runs costs the least."""
    fac, unit = bank(id, 12), 1e6
    for q in np.linspace(5e5, 12e6, 60):
        counts = np.arange(max(1.0, np.ceil(q / unit - 1e-9)), 13.0)
        cost = [power_of(fac, q, unit, 8.0, n) for n in counts]
        assert power_of(fac, q, unit, 8.0, steady_count(fac, q, unit)) == pytest.approx(min(cost), rel=1e-9)


def held(dt: float, minutes: float, *, lost: bool = False) -> tuple[list[float], list[float]]:
    """(time, startable and running machines) while three of four machines are called, from none or after a loss."""
    fac, clocks = bank("chiller-centrifugal", 4), np.zeros(CLOCKS)
    if lost:
        lose_power(fac, clocks)
    can, on = [], []
    for _ in range(round(minutes * 60.0 / dt)):
        can.append(float(startable(fac, clocks, dt)))
        advance_clocks(fac, clocks, 3.0, dt)
        on.append(float(clocks[RUNNING]))
    return can, on


@pytest.mark.parametrize("dt", [1.0, 5.0, 60.0, 600.0, 3600.0])
def test_a_start_takes_its_seconds_whatever_the_step(dt):
    """No machine carries load in the first 120 s, all that are called do from then on."""
    can, on = held(dt, 60.0)
    reached = 120.0 if dt <= 120.0 else 0.0
    before = sum(can[: round(reached / dt)]) * dt
    assert before == pytest.approx(0.0, abs=1e-9)
    # Three run by then; within a longer step all four could have been called.
    first = can[round(reached / dt)] * dt
    assert first == pytest.approx(3.0 * dt if dt <= 120.0 else 4.0 * (dt - 120.0))
    assert on[-1] == 3.0


@pytest.mark.parametrize("dt", [1.0, 20.0, 60.0, 180.0])
def test_after_a_loss_of_power_machines_wait_for_their_restart(dt):
    """540 s, a figure between the 180 and 900 s that are reported."""
    _, on = held(dt, 15.0, lost=True)
    assert on.index(3.0) * dt == pytest.approx(540.0 - dt)


def test_the_restart_time_passes_whether_or_not_a_machine_is_called():
    fac, clocks = bank("chiller-centrifugal", 2), np.zeros(CLOCKS)
    lose_power(fac, clocks)
    for _ in range(1000):
        advance_clocks(fac, clocks, 0.0, 1.0)
    assert clocks[PENDING] == 0.0
    for _ in range(120):
        advance_clocks(fac, clocks, 2.0, 1.0)
    assert clocks[RUNNING] == 2.0


@pytest.mark.parametrize("dt", [1.0, 60.0, 600.0])
def test_a_machine_runs_its_least_time(dt):
    """1,200 s from the start, in which a smaller load is carried at worse part load."""
    fac, clocks = bank("chiller-centrifugal", 2), np.zeros(CLOCKS)
    while clocks[RUNNING] < 2.0:
        advance_clocks(fac, clocks, 2.0, 1.0)
    low, unit = 2e6, float(fac[Fac.CHILLER_UNIT])
    assert steady_count(fac, low, unit) == 1.0
    energy, seconds = 0.0, 0.0
    while clocks[RUNNING] > 1.0:
        energy += staged_power(fac, clocks, low, unit, 8.0, dt) * dt
        advance_clocks(fac, clocks, 1.0, dt)
        seconds += dt
    assert seconds == pytest.approx(1200.0)
    assert energy == pytest.approx(low / 8.0 * 1.32 * 1200.0)
    assert energy > 1.03 * bank_power(fac, low, unit, 8.0) * 1200.0


@pytest.mark.parametrize("dt", [1.0, 60.0, 300.0, 3600.0])
def test_a_load_that_swings_about_a_threshold_starts_at_most_three_times_an_hour(dt):
    fac, clocks = bank("chiller-centrifugal", 2), np.zeros(CLOCKS)
    starts = 0
    for i in range(round(6 * 3600.0 / dt)):
        before = clocks[RUNNING]
        advance_clocks(fac, clocks, 1.0 + i % 2, dt)
        starts += clocks[RUNNING] > before
    assert starts <= 3 * 6
