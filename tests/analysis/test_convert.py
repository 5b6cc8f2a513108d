"""A conversion: nothing changes where nothing is changed, sums hold, bands are of the conversion alone."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from twin.analysis.convert import convert
from twin.analysis.convert_options import ask
from twin.analysis.convert_text import render_conversion
from twin.analysis.load_map import load_map
from twin.core.errors import InputError
from twin.inference.serving import Serving
from twin.inference.workload import Workload
from twin.site.load import LoadedSite, load_site
from twin.site.unknowns import drawn, unknowns

HALL = "okc/hall-2"
# A hall of oklahoma-10: 8 rows of 11 racks of two CS-3.
SYSTEMS = 8 * 11 * 2


def figure(told: dict[str, Any], *where: str) -> dict[str, Any]:
    (row,) = [r for r in told["rows"] if (*r["where"], r["figure"]) == where]
    return dict(row)


@pytest.fixture(scope="module")
def same(serves: LoadedSite) -> dict[str, Any]:
    return convert(ask(serves, halls=[HALL], to="gpt-oss-120b-cs3", samples=5))


@pytest.fixture(scope="module")
def other(serves: LoadedSite) -> dict[str, Any]:
    return convert(ask(serves, halls=[HALL], to="llama-3.1-8b-cs3", samples=5))


def test_the_layout_that_a_hall_has_changes_nothing(same):
    # Latencies and headroom are closed in on numerically; all else is the same arithmetic.
    for row in same["rows"]:
        near = 2e-3 if "headroom" in row["figure"] else 1e-9
        ratio = [v for v in row["ratio"].values() if v is not None]
        assert ratio == pytest.approx([1.0] * len(ratio), rel=near), row
        ends = [row["before"][q] for q in ("p10", "p50", "p90")]
        # A sample whose batch is too small for the demand has no latency: then there is no band.
        assert ends == [None] * 3 or ends == sorted(ends)
    assert same["binding"]["before"] == same["binding"]["after"]


def test_the_present_demand_is_the_week_s_mean_of_the_site(same, serves):
    # fill 0.5, flat: half of what each service takes of its mix, chat of both shared in proportion to it.
    capacity = figure(same, "capacity", "requests_per_s")["before"]["value"]
    assert figure(same, "present", "requests_per_s")["before"]["value"] == pytest.approx(0.5 * capacity, rel=1e-6)
    assert figure(same, "present", "served_share")["before"]["value"] == pytest.approx(1.0)
    mean_out = {c: serves.library.get(c, Workload).output_tokens.mean() for c in ("agents", "chat")}
    tokens = 0.5 * capacity * (0.6 * mean_out["agents"] + 0.4 * mean_out["chat"])
    assert figure(same, "present", "tokens_per_s")["before"]["value"] == pytest.approx(tokens, rel=1e-6)


def test_capacity_is_what_memory_prompts_and_steps_leave(other, serves):
    # Kept apart from the kernels: the batch that the KV cache holds, its rate, and the time that prompts take from it.
    serving = serves.library.get("gpt-oss-120b-cs3", Serving)
    classes = [(0.6, serves.library.get("agents", Workload)), (0.4, serves.library.get("chat", Workload))]
    out = sum(m * w.output_tokens.mean() for m, w in classes)
    held = sum(m * w.output_tokens.mean() * (w.input_tokens.mean() + w.output_tokens.mean() / 2) for m, w in classes)
    batch = min(serving.kv_tokens.value / (held / out), serving.max_batch.value)
    assert serving.decode_step_s is not None
    assert serving.prefill_s is not None
    step = float(np.interp(batch, serving.decode_step_s.at, serving.decode_step_s.values))
    prompt = sum(
        m * float(np.mean(np.interp(np.array(w.input_tokens.values) * (1 - w.prefix_hit_share.value),
                                    serving.prefill_s.at, serving.prefill_s.values)))
        for m, w in classes
    )  # fmt: skip
    replicas = SYSTEMS / serving.systems_per_replica
    by_decode = replicas / (out * step / batch + prompt)
    expected = min(by_decode, 0.98 * replicas / prompt)
    assert figure(other, "capacity", "requests_per_s")["before"]["value"] == pytest.approx(expected, rel=0.01)
    assert figure(other, "capacity", "decode_systems")["after"]["value"] == SYSTEMS


def test_power_stays_between_idle_and_the_rating(other):
    for side in ("before", "after"):
        watts = figure(other, "capacity", "power_kw")[side]["value"]
        assert 0.5 * 23 * SYSTEMS < watts <= 23 * SYSTEMS
        per_token = figure(other, "capacity", "joules_per_token")[side]["value"]
        tokens = figure(other, "capacity", "tokens_per_s")[side]["value"]
        assert per_token * tokens == pytest.approx(1e3 * watts)


def test_tokens_per_second_have_a_band_on_both_sides(other):
    """The speeds of prompts and steps on wafers are priors: none of the two ends is near the other."""
    for side in ("before", "after"):
        band = figure(other, "capacity", "tokens_per_s")[side]
        assert band["p10"] < band["p50"] < band["p90"]
        assert band["p90"] > 1.2 * band["p10"]
    assert "Speeds have no band" not in render_conversion(other)


def test_a_band_that_some_samples_have_no_value_for_is_told_as_missing(other):
    text, told = render_conversion(other), copy.deepcopy(other)
    row = next(r for r in told["rows"] if r["figure"] == "ttft_p50_s" and r["before"]["p10"] is not None)
    row["before"] |= {"p10": None, "p50": None, "p90": None}
    changed = render_conversion(told)
    assert changed.count("(no band)") == text.count("(no band)") + 1
    assert "No band: in some samples requests pile up" in changed
    assert ("No band" in text) == ("(no band)" in text)


def test_a_hall_at_a_lower_speed_makes_fewer_tokens_in_proportion(serves, other):
    """Both speeds of gpt-oss-120b at 0.9: the hall takes 0.9 of the requests."""
    entry = serves.library.get("gpt-oss-120b-cs3", Serving)
    at = {}
    for unknown in unknowns(serves, ["gpt-oss-120b-cs3"]):
        if (key := unknown.members[0][1]) in ("prefill_speed", "decode_speed"):
            band = entry.figures()[key]
            assert band.low is not None
            assert band.high is not None
            at[unknown] = (0.9 - band.low) / (band.high - band.low)
    assert len(at) == 2
    told = convert(ask(drawn(serves, at), halls=[HALL], to="llama-3.1-8b-cs3", samples=0))
    for name in ("tokens_per_s", "requests_per_s"):
        slow, full = (figure(t, "capacity", name)["before"]["value"] for t in (told, other))
        assert slow / full == pytest.approx(0.9, rel=1e-4)
        slow, full = (figure(t, "capacity", name)["after"]["value"] for t in (told, other))
        assert slow / full == pytest.approx(1.0, rel=1e-9)


def test_the_hall_agrees_with_the_map(other, serves):
    ds = load_map(serves, load=0.5, outdoor=other["outdoor"]["dry_bulb_c"]).squeeze().sel(hall=HALL)
    row = figure(other, "hall", HALL, "hall_power_kw")
    assert row["before"]["value"] == pytest.approx(float(ds["hall_power"]) / 1e3, rel=1e-4)
    room = figure(other, "hall", HALL, "cooling_headroom_kw")
    assert room["before"]["value"] == pytest.approx(float(ds["hall_cooling_headroom"]) / 1e3, rel=4e-3)


def test_a_demand_that_does_not_fit_is_told_and_has_no_latency(serves):
    told = convert(ask(serves, halls=[HALL], to="llama-3.1-405b-cs3", samples=0))
    share = figure(told, "present", "served_share")["after"]["value"]
    capacity = figure(told, "capacity", "requests_per_s")["after"]["value"]
    present = figure(told, "present", "requests_per_s")["after"]["value"]
    # Chat goes first and is cheap, so more requests are served than of the mix as it is meant.
    assert capacity / present < share < 0.9
    assert figure(told, "latency", "think", "agents", "ttft_p50_s")["after"]["value"] is None
    text = render_conversion(told)
    assert "more than can be served after" in text
    assert "Another model answers: gpt-oss-120b before, llama-3.1-405b after." in text


def test_a_prefill_hall_taken_from_others_is_paid_for_by_them():
    layout = "gpt-oss-120b-trn2-prefill@b2/b2-h6+gpt-oss-120b-cs3-decode"
    told = convert(ask("prairie-750", halls=["b1/b1-h4"], to=layout, samples=0))
    # split-search is bound by its three equal prefill halls, and gives one away.
    assert {"where": ["capacity", "split-search"], "limit": "prefill"} in told["binding"]["before"]
    assert figure(told, "capacity", "split-search", "tokens_per_s")["ratio"]["value"] == pytest.approx(2 / 3, rel=1e-3)
    assert figure(told, "capacity", "wafer-agents", "tokens_per_s_per_decode_system")["ratio"]["value"] > 1.0
    text = render_conversion(told)
    assert "claim 5 times" in text
    assert "split-search gives systems to it" in text


def test_it_is_plain_json_and_the_same_for_the_same_seed(other, serves):
    assert json.loads(json.dumps(other, allow_nan=False)) == other
    again = convert(ask(serves, halls=[HALL], to="llama-3.1-8b-cs3", samples=5, threads=1))
    assert again == other
    assert convert(ask(serves, halls=[HALL], to="llama-3.1-8b-cs3", samples=5, seed=9)) != other


def test_every_fault_is_told_at_once(serves):
    with pytest.raises(InputError) as caught:
        ask(serves, halls=["okc/hall-9"], to="gpt", at="soon", outdoor="10:20:5", samples=-1)
    assert {p.path for p in caught.value.problems} == {"hall=", "to=", "at=", "outdoor=", "samples="}
    with pytest.raises(InputError, match="has power from"):
        ask(serves, halls=[HALL], to="llama-3.1-8b-cs3", at="2025-10-01")
    with pytest.raises(InputError, match="no inference load"):
        ask(load_site("oklahoma-10"), halls=[HALL], to="llama-3.1-8b-cs3")
