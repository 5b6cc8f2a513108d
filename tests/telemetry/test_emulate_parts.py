"""Parts of a virtual facility by themselves: its sensors, and the plant that runs a block ahead."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.emulate.plant import Frames, Plant, PlantEndedError
from telemetry.emulate.sensors import GOOD, MISSING, QUANTITIES, RATES, Rates, Sensors

ALL = slice(0, 3)
NEVER_HELD = np.zeros(3, bool)


def blocks():
    """Two blocks of steps of 10 s; the third value is the sum of the first two, the last block has a gap."""
    for first in (0, 3):
        ends = np.linspace(10.0 * first + 10.0, 10.0 * first + 30.0, 3)
        a, b = np.sin(ends), np.cos(ends)
        yield Frames(ends, np.column_stack([a, b, a + b]))


@given(st.lists(st.floats(0.0, 60.0), min_size=1, max_size=20).map(sorted))
def test_what_adds_up_in_the_steps_adds_up_at_any_instant(instants):
    plant = Plant(blocks(), NEVER_HELD)
    try:
        for t in instants:
            a, b, both = plant.at(t, ALL)
            assert both == pytest.approx(a + b, abs=1e-12)
            assert min(np.sin([10.0, 20, 30, 40, 50, 60])) - 1e-9 <= a <= 1.0
    finally:
        plant.close()


def test_values_go_over_linearly_and_states_do_not():
    plant = Plant(blocks(), np.array([False, True, False]))
    try:
        plant.at(10.0, ALL)
        a, state, _ = plant.at(14.0, ALL)
        assert a == pytest.approx(0.6 * np.sin(10.0) + 0.4 * np.sin(20.0))
        assert state == np.cos(20.0)
    finally:
        plant.close()


def test_a_fault_of_the_engine_and_its_end_reach_who_reads():
    def broken():
        yield from blocks()
        raise ZeroDivisionError

    plant = Plant(broken(), NEVER_HELD)
    plant.at(60.0, ALL)
    with pytest.raises(ZeroDivisionError):
        plant.at(61.0, ALL)
    plant.close()
    plant = Plant(blocks(), NEVER_HELD)
    for _ in range(2):
        with pytest.raises(PlantEndedError):
            plant.at(61.0, ALL)
    plant.close()


def test_a_plant_makes_no_more_than_a_block_ahead_and_ends_when_told():
    made, asked = list[int](), threading.Event()

    def endless():
        while True:
            made.append(len(made))
            if len(made) == 3:
                asked.set()
            yield Frames(np.array([10.0 * len(made)]), np.zeros((1, 3)))

    plant = Plant(endless(), NEVER_HELD)
    plant.at(5.0, ALL)
    assert asked.wait(30.0)
    plant.at(10.0, ALL)
    assert len(made) <= 3  # read, waiting, made
    plant.close()
    count = len(made)
    assert len(made) == count


def test_sensors_err_as_stated():
    points, instants = 4000, 50
    sensors = Sensors(["liquid_temperature"] * points, 1, Rates(bad=0.01, missing=0.005))
    true, quantity = np.full(points, 30.0), QUANTITIES["liquid_temperature"]
    read = [sensors.read(true, slice(0, points), n, 0.0) for n in range(instants)]
    errors = np.array([r for r, _ in read]) - 30.0
    assert errors.std(axis=0).mean() == pytest.approx(quantity.noise[0], rel=0.02)
    assert errors.mean(axis=0).std() == pytest.approx(quantity.bias[0], rel=0.05)
    worth = np.array([w for _, w in read])
    assert (worth == MISSING).mean() == pytest.approx(0.005, rel=0.05)
    assert (worth != GOOD).mean() == pytest.approx(0.015, rel=0.05)
    silent = np.array([sensors.silent(t) for t in np.arange(0.0, 86_400.0, 30.0)])
    # 0.2 silences of 130 s on average a day; 0.02 spells of 1,950 s in which a value is stuck.
    assert silent.mean() == pytest.approx(0.2 * 130.0 / 86_400.0, rel=0.2)
    stuck = np.array([sensors.stuck(t) for t in np.arange(0.0, 864_000.0, 300.0)])
    assert stuck.mean() == pytest.approx(0.02 * 1950.0 / 86_400.0, rel=0.2)


def test_a_missing_truth_is_a_missing_value_and_a_silent_sensor_says_nothing():
    sensors = Sensors(["rack_power"] * 3, 1, RATES["ideal"])
    read, worth = sensors.read(np.array([1.0, np.nan, 3.0]), slice(0, 3), 0, 0.0)
    assert worth.tolist() == [GOOD, MISSING, GOOD]
    assert read[[0, 2]].tolist() == [1.0, 3.0]
