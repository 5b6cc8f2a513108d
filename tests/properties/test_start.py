"""What a run begins with, and what a coarse step makes of a sudden change."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from twin.core.columns import Fac

START = 1_900_000_800.0  # March 2030, on the hour
HOUR = 3600.0


@pytest.mark.parametrize("site", ["small", "oklahoma-10", "frontier"])
@pytest.mark.parametrize("dry_bulb", [-10.0, 34.0])
def test_a_run_begins_steady(lab, tools, site, dry_bulb):
    """Nothing changes outside, so nothing changes from the first five minutes to the last of a day."""
    plan = tools.quiet(lab.plan(site))
    air = tools.steady_weather(dry_bulb, 0.4)
    rows = lab.run(plan, START, 24 * HOUR, 300.0, load=0.7, weather=air)
    for name in ("site_power", "plant_rejected_heat", "fws_return_temperature", "hall_rack_temperature_maximum"):
        values = tools.column(rows, name)
        assert values[0] == pytest.approx(values[-1], rel=2e-4), name
    assert (tools.column(rows, "plant_rejected_heat") > 0.0).all()


def test_a_plant_that_comes_on_in_the_heat_rejects_from_the_first_hour(lab, tools):
    plan = lab.plan("small")
    h = plan.labels.hall.index("b/nvl")
    date = float(plan.hall_start_s[h])
    rows = lab.run(plan, date - 2 * HOUR, 12 * HOUR, 300.0, load=0.7, weather=tools.steady_weather(38.0, 0.3))
    warm = plan.labels.loop.index("b/warm")
    assert (tools.column(rows, "plant_rejected_heat")[24:, warm] >= 0.0).all()


def test_what_came_before_the_run_is_not_in_its_sums(lab, tools):
    """One hour in one interval: means over an hour, not over the day of settling before it."""
    plan = tools.quiet(lab.plan("small"))
    air = tools.steady_weather(20.0, 0.5)
    one = lab.run(plan, START, HOUR, HOUR, load=0.7, weather=air, racks=True)
    later = lab.run(plan, START, 30 * HOUR, HOUR, load=0.7, weather=air, racks=True)
    for level, rows in one.items():
        np.testing.assert_allclose(rows[0], later[level][0], rtol=1e-12, err_msg=level)


def test_an_hour_long_step_takes_heat_after_a_jump_of_the_weather(lab, tools):
    """Air hotter than the return at first: the loop warms within the step, and then the plant takes heat again.

    Told by the return at the start of the step, the plant took nothing for an hour, then too much, and so on: 109 degC.
    """
    plan = tools.quiet(lab.plan("small"))
    fac = plan.arrays.fac.copy()
    fac[:, Fac.CHILLERS] = 0.0
    plan = dataclasses.replace(plan, arrays=plan.arrays._replace(fac=fac))
    air = tools.steady_weather(0.0, 0.2)
    hot = air.dry_bulb_c.copy()
    hot[13:] = 47.0
    weather = dataclasses.replace(air, dry_bulb_c=hot, wet_bulb_c=np.where(hot > 40.0, 36.0, air.wet_bulb_c))
    midnight = START - START % (24 * HOUR) + 6 * HOUR  # local, in Chicago
    runs = [lab.run(plan, midnight, 20 * HOUR, step, load=0.8, weather=weather, interval=HOUR) for step in (60.0, HOUR)]
    fine, coarse = (tools.column(run, "plant_heat") for run in runs)
    assert (coarse[14] > 0.5 * fine[14]).all()
    assert coarse[15:] == pytest.approx(fine[15:], rel=0.08)
