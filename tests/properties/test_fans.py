"""Fans of a plant that has more air than it needs: they settle, at steps of any length."""

from __future__ import annotations

import numpy as np
import pytest

from twin.cooling.plant import aimed_at
from twin.core.integrate import phi1

START = 1_900_000_800.0


@pytest.mark.parametrize("site", ["oklahoma-10", "zone-4a-adiabatic", "zone-4a-tower"])
def test_fans_do_not_ring_from_one_second_to_the_next(lab, tools, site):
    air = tools.steady_weather(8.0, 0.6)
    plan = tools.quiet(lab.plan(site))
    start = max(START, float(plan.hall_start_s.max()))
    rows = lab.run(plan, start, 240.0, 1.0, load=0.7, weather=air, interval=1.0)
    fan = tools.column(rows, "plant_fan_power")
    assert (fan[-1] > 0.0).any()
    steps = np.diff(fan[60:], axis=0)
    turns = (steps[1:] * steps[:-1] < 0.0) & (np.abs(steps[1:]) > 1e-3 * fan[62:])
    assert turns.mean() < 0.02


def test_the_energy_of_fans_does_not_hang_on_the_step(lab, tools):
    air = tools.steady_weather(8.0, 0.6)
    plan = tools.quiet(lab.plan("zone-4a-tower"))
    start = max(START, float(plan.hall_start_s.max()))
    means = [
        tools.column(lab.run(plan, start, 7200.0, step, load=0.7, weather=air, interval=3600.0), "plant_fan_power")[-1]
        for step in (2.0, 60.0, 300.0)
    ]
    assert means[1] == pytest.approx(means[0], rel=0.02)
    assert means[2] == pytest.approx(means[0], rel=0.02)


@pytest.mark.parametrize("z", [1e-3, 0.1, 1.0, 10.0, 1e4])
def test_a_basin_that_is_too_cold_ends_the_step_at_the_target(z):
    """A tank with a held inlet: mean and end from the exponential."""
    basin, target = 12.0, 20.0
    inlet = basin + (target - basin) / (1.0 - np.exp(-z))
    mean = inlet + (basin - inlet) * (1.0 - np.exp(-z)) / z
    assert aimed_at(target, basin, z, phi1(z)) == pytest.approx(mean, rel=1e-9)
    assert aimed_at(target, 25.0, z, phi1(z)) == target
