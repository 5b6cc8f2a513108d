"""A point that is described anew as something else: its former reading is in the former unit, and is forgotten."""

from __future__ import annotations

import math

import pytest

from telemetry.batch import Quality
from telemetry.clock import NS as SECOND
from telemetry.clock import ReplayClock
from telemetry.decode import make
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from tests.telemetry.corpus import CDU, EPOCH_MS, STATES, described, message, value

T = EPOCH_MS * 1_000_000
LPM = described("CDU", "LiquidFlow", "a", **CDU, engUnit="LPM")
FLOW = message("BMS/v1/PUB/Value/CDU/LiquidFlow/a", value(600))


def heard(*messages: Message) -> Pipeline:
    """A pipeline that has taken ``messages``."""
    pipeline = Pipeline(make("dsx"), ReplayClock(T, None))
    pipeline.take(messages)
    return pipeline


@pytest.mark.parametrize("now", [{"engUnit": "kg/s"}, {"engUnit": "%"}, {"stateText": STATES}])
def test_a_reading_is_not_read_in_the_unit_of_another_dimension(now):
    pipeline = heard(LPM, FLOW, described("CDU", "LiquidFlow", "a", **CDU, **now))
    view = pipeline.state.view(T + SECOND)
    assert view.quality.tolist() == [Quality.UNKNOWN]
    assert math.isnan(view.value[0])
    pipeline.take([message(FLOW.topic, value(1))])
    assert pipeline.state.view(T + SECOND).quality.tolist() == [Quality.GOOD]
    assert pipeline.state.counts.applied == 2


@pytest.mark.parametrize("now", [{"engUnit": "GPM"}, {"engUnit": "LPM", "processArea": ["Supply"]}])
def test_a_reading_that_means_the_same_stays(now):
    view = heard(LPM, FLOW, described("CDU", "LiquidFlow", "a", **CDU, **now)).state.view(T + SECOND)
    assert view.quality.tolist() == [Quality.GOOD]
    assert view.value.tolist() == pytest.approx([0.01])


def test_a_point_that_was_given_to_somebody_else_goes_by_his_clock():
    keys = {**CDU, "engUnit": "kW", "processArea": ["Primary"]}
    mine = described("CDU", "GenericPoint", "a", **keys)
    his = described("CDU", "GenericPoint", "a", **keys, integration="NICO")
    said = message("BMS/v1/PUB/Value/CDU/GenericPoint/a", value(1))
    later = message("BMS/v1/NICO/Value/CDU/GenericPoint/a", value(2))
    state = heard(mine, said, his, later).state
    assert state.view(T + SECOND).value.tolist() == [2000.0]
    assert state.clocks.names == ["BMS", "NICO"]
