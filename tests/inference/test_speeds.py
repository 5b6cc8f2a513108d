"""Speeds of serving tables: they divide the times, rest on what their sources say, and are 1 in the middle."""

from __future__ import annotations

import re

import numpy as np
import pytest
from pydantic import ValidationError

from twin.core.bands import banded, sampled
from twin.core.params import Figure
from twin.core.tables import Quantiles
from twin.inference.draw import Draw
from twin.inference.serving import Serving
from twin.inference.steady import steady
from twin.inference.tables import pool_tables, prefill_times, ttft_tables
from twin.inference.ttft import cell_edges, ttft_percentile
from twin.inference.workload import Workload
from twin.site.library import load_library

LIBRARY = load_library()
SERVINGS = LIBRARY.ids(Serving)
CHAT = LIBRARY.get("chat", Workload)
# Cerebras says 1,800 tok/s a user, Artificial Analysis "> 1,800": a speed published twice without a range.
TWICE = {"llama-3.1-8b-cs3", "llama-3.1-8b-cs3-decode"}


def at(id: str, **speeds: float) -> Serving:
    """An entry with its speeds at these values."""
    made = {key: Figure(value=v, source="made up", confidence="estimate") for key, v in speeds.items()}
    return LIBRARY.get(id, Serving).model_copy(update=made)


def quantiles(workload: Workload) -> Quantiles:
    return Quantiles(values=workload.input_tokens.values, source="made up", confidence="estimate")


def speed(id: str, key: str) -> Figure:
    found = LIBRARY.get(id, Serving).figures()[key]
    assert found.value == 1.0
    return found


@pytest.mark.parametrize("id", SERVINGS)
def test_the_times_of_an_entry_are_its_table_to_the_last_bit(id):
    serving = LIBRARY.get(id, Serving)
    tokens, batch = np.geomspace(1.0, 3e5, 50), np.geomspace(1.0, 6e3, 50)
    if serving.prefill_s is not None:
        assert serving.prefill_time(tokens).tobytes() == serving.prefill_s.sample(tokens).tobytes()
    if serving.decode_step_s is not None:
        assert serving.step_time(batch).tobytes() == serving.decode_step_s.sample(batch).tobytes()


@pytest.mark.parametrize("id", SERVINGS)
def test_what_is_no_measurement_has_a_speed_with_a_band_about_one(id):
    serving = LIBRARY.get(id, Serving)
    for key, table in (("prefill_speed", serving.prefill_s), ("decode_speed", serving.decode_step_s)):
        figure = serving.figures().get(key)
        if table is not None and table.confidence == "estimate" and not (key == "decode_speed" and id in TWICE):
            assert key in banded(serving)
        if figure is not None:
            assert figure.value == 1.0
            assert figure.low is not None
            assert figure.high is not None
            assert 0.5 <= figure.low <= 1.0 <= figure.high <= 2.0


@pytest.mark.parametrize("id", [id for id in SERVINGS if "cs3" in id and "decode" not in id])
def test_prompts_on_a_wafer_are_as_uncertain_as_the_prior_in_their_source(id):
    table = LIBRARY.get(id, Serving).prefill_s
    assert table is not None
    middle, low, high = map(float, re.findall(r"prior of ([\d.]+) \(([\d.]+)-([\d.]+)\)", table.source)[0])
    figure = speed(id, "prefill_speed")
    assert (figure.low, figure.high) == pytest.approx((low / middle, high / middle))


def test_published_speeds_make_the_band_of_gpt_oss():
    """2,059 tok/s a user is taken; 1,706 and 3,000 are published too."""
    figure = speed("gpt-oss-120b-cs3", "decode_speed")
    assert (figure.low, figure.high) == pytest.approx((1706 / 2059, 3000 / 2059), rel=5e-4)
    figure = speed("llama-3.3-70b-cs3", "decode_speed")
    assert (figure.low, figure.high) == pytest.approx((446 / 450, 1.0), rel=5e-4)


def test_a_measured_table_has_no_speed():
    for end in ("", "-prefill", "-decode"):
        keys = LIBRARY.get(f"llama2-70b-dgx-h100{end}", Serving).figures()
        assert not {"prefill_speed", "decode_speed"} & set(keys)


def test_a_fitted_form_has_the_mean_error_that_was_found():
    """8.4 % of tokens/s over ML.ENERGY v3: what a uniform draw between the ends is off by in the mean."""
    figure = speed("deepseek-r1-gb300", "decode_speed")
    assert figure.low is not None
    assert figure.high is not None
    drawn = np.linspace(figure.low, figure.high, 10_001)
    assert np.abs(drawn - 1.0).mean() == pytest.approx(0.084, abs=1e-4)


def test_at_half_the_speed_everything_takes_twice_as_long():
    slow = at("gpt-oss-120b-cs3", prefill_speed=0.5, decode_speed=0.5)
    entry = LIBRARY.get("gpt-oss-120b-cs3", Serving)
    np.testing.assert_allclose(prefill_times(slow, CHAT), 2.0 * prefill_times(entry, CHAT), rtol=1e-12)
    draw = LIBRARY.get(entry.draw, Draw)
    assert isinstance(draw, Draw)
    before, after = pool_tables(entry, draw), pool_tables(slow, draw)
    np.testing.assert_allclose(after["step"], 2.0 * before["step"], rtol=1e-12)
    np.testing.assert_allclose(after["most"], 0.5 * before["most"], rtol=1e-12)
    # Power follows the batch and the share of what a replica can make, which are the same.
    np.testing.assert_allclose(after["draw"], before["draw"], rtol=1e-12)
    quick, late = (steady(s, quantiles(CHAT), CHAT.output_tokens, rate) for s, rate in ((entry, 8.0), (slow, 4.0)))
    assert late.ttft == pytest.approx([2.0 * t for t in quick.ttft], rel=1e-6)
    assert late.tpot == pytest.approx([2.0 * t for t in quick.tpot], rel=1e-6)
    assert late.batch == pytest.approx(quick.batch, rel=1e-6)


def test_at_saturation_tokens_go_as_the_decode_speed():
    """A sample at the low end of the band, of a pool that only makes tokens, asked for far more than it can."""
    entry = LIBRARY.get("gpt-oss-120b-cs3-decode", Serving)
    slow = sampled(entry, {"decode_speed": 0.0})
    rate = 1e5
    made = [steady(s, quantiles(CHAT), CHAT.output_tokens, rate).served * rate for s in (entry, slow)]
    assert 0.0 < made[0] < 0.5 * rate
    assert made[1] / made[0] == pytest.approx(1706 / 2059, rel=1e-3)


def test_samples_of_the_speed_share_the_table_of_ttft():
    """It has no scale: half the speed, and waits and steps twice as long, is twice the time to the first token."""
    entry, slow = at("gpt-oss-120b-cs3"), at("gpt-oss-120b-cs3", prefill_speed=0.7)
    assert ttft_tables([(entry, CHAT)]).tobytes() == ttft_tables([(slow, CHAT)]).tobytes()
    edges = cell_edges(prefill_times(entry, CHAT))
    for p, c, d, v in ((0.5, 0.3, 0.01, 0.002), (0.9, 0.8, 0.05, 0.0), (0.99, 0.0, 0.0, 0.01)):
        once, twice = (ttft_percentile(k * edges, p, c, k * d, k * v) for k in (1.0, 2.0))
        assert twice == pytest.approx(2.0 * once, rel=1e-6)


def test_a_speed_without_its_table_is_refused():
    entry = LIBRARY.get("gpt-oss-120b-cs3-decode", Serving)
    made = Figure(value=1.0, low=0.5, high=2.0, source="made up", confidence="estimate")
    with pytest.raises(ValidationError, match="prefill_speed needs prefill_s"):
        Serving.model_validate({**dict(entry), "prefill_speed": made})
