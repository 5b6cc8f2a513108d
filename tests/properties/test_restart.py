"""A plant that loses its power: chillers come back by their timers, whatever the step, and no energy is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twin.cooling.machines import RUNNING, lose_power
from twin.core.columns import Fac
from twin.core.variables import slot
from twin.engine.run import make_engine
from twin.engine.timeline import make_timeline
from twin.forcing.load import Daily
from twin.forcing.weather import load_weather
from twin.site.load import load_site
from twin.site.lower import lower

# A July afternoon at Dulles: chillers carry the whole load.
START = 1_910_185_200.0
INTERVAL = 180.0


def after_a_loss(step: float) -> dict[str, np.ndarray]:
    """The loop of oklahoma-10 over an hour, its chillers without power for an instant after the first interval."""
    plan = lower(load_site("oklahoma-10"))
    timeline = make_timeline(START, START + 3600.0, step, INTERVAL, np.array([]), intervals_per_block=1)
    curves: list[Any] = [Daily(0.7, 0.0, 12.0, 1.0) for _ in plan.labels.curve]
    engine = make_engine(plan, load_weather("washington-dulles"), curves, timeline, seed=1, threads=1, racks=False)
    rows, residual = [], []
    for i, result in enumerate(engine.blocks()):
        rows.append(result.levels["loop"][0, 0])
        residual.append(result.levels["site"][0, 0, slot("energy_residual")])
        if i == 0:
            assert engine.state.chillers[0, RUNNING] >= 1.0
            lose_power(plan.arrays.fac[0], engine.state.chillers[0])
    assert max(residual) < 1e-9
    assert plan.arrays.fac[0, Fac.RESTART] == 540.0
    return {name: np.array(rows)[:, slot(name)] for name in NAMES}


NAMES = ["plant_chillers_on", "plant_chiller_power", "fws_supply_temperature", "plant_heat", "plant_unmet_share"]


@pytest.fixture(scope="module")
def fine() -> dict[str, np.ndarray]:
    return after_a_loss(1.0)


def test_chillers_are_off_for_their_restart_time_and_then_come_back(fine):
    """540 s are three intervals of 180 s; the water warms meanwhile and is cold again within the hour."""
    assert fine["plant_chillers_on"][0] >= 1.0
    assert (fine["plant_chillers_on"][1:4] < 0.02).all()
    assert (fine["plant_chiller_power"][1:4] < 1.0).all()
    assert fine["plant_chillers_on"][4] >= 1.0
    supply = fine["fws_supply_temperature"]
    assert supply[3] > supply[0] + 5.0
    assert supply[-1] == pytest.approx(supply[0], abs=0.05)
    assert fine["plant_unmet_share"][1] > 0.99
    assert fine["plant_unmet_share"][-1] == 0.0


@pytest.mark.parametrize("step", [5.0, 20.0, 60.0, 180.0])
def test_a_restart_is_the_same_at_any_step(fine, step):
    """Machines count seconds: the water reaches the same warmth, and the heat that came late is the same."""
    coarse = after_a_loss(step)
    assert coarse["fws_supply_temperature"].max() == pytest.approx(fine["fws_supply_temperature"].max(), abs=0.25)
    assert coarse["plant_heat"].sum() == pytest.approx(fine["plant_heat"].sum(), rel=0.02)
