"""Halls and feeders are held like the meter: at the point itself, by those who stand behind it, and it is recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twin import InputError
from twin.analysis.curtail import curtail, told
from twin.analysis.curtail_event import CLOSE, Curtailment, seconds, step_for
from twin.analysis.curtail_points import carried, points
from twin.analysis.curtail_split import split
from twin.analysis.dataset import simulate
from twin.core.units import HOUR, MW
from twin.engine.period import instant
from twin.site.load import LoadedSite, load_site
from twin.site.lower_fleet import members

AT = instant("2028-07-12T18:00", "at")
SITE = """\
format: 1
base: oklahoma-10
name: feeders
electrical:
  elements:
    a: {device: mv-feeder, count: 1, fed_from: grid}
    b: {device: mv-feeder, count: 1, fed_from: grid}
    both: {device: lv-switchgear, count: 3, fed_from: {a: 0.25, b: 0.75}}
    plant: {fed_from: a}
    mv: null
buildings: {okc: {halls: {hall-1: {fed_from: a}, hall-2: {fed_from: b}}}}
inference:
  demand:
    chat: {workload: chat, fill: 0.8}
    agents: {workload: agents, fill: 0.7}
    batch: {workload: enterprise-batch, fill: 0.7}
  services:
    fast: {serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1]}, mix: {chat: 1}}
    deep: {serve: {serving: gpt-oss-120b-cs3, halls: [okc/hall-2]}, mix: {agents: 0.5, batch: 0.5}}
"""

SPREAD = """\
inference:
  demand:
    agents: {workload: agents, fill: 0.7}
    batch: {workload: enterprise-batch, fill: 0.7}
  services:
    deep: {serve: {serving: gpt-oss-120b-cs3, templates: [cs3-hall]}, mix: {agents: 0.5, batch: 0.5}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> LoadedSite:
    """Two halls on a feeder each, a service in each."""
    path = tmp_path_factory.mktemp("feeders") / "feeders.yaml"
    path.write_text(SITE)
    return load_site(path)


def tokens(made: Curtailment, workload: str) -> tuple[np.ndarray, np.ndarray]:
    rates = [np.nansum(ds["pool_token_rate"].sel(workload=workload).values, axis=1) for ds in (made.free, made.held)]
    return rates[0], rates[1]


@pytest.fixture(scope="module")
def feeder(site) -> Curtailment:
    """The feeder of hall 2 at 3.2 MW; it carries some 3.4."""
    return curtail(site, caps=[("b", 3.2 * MW)], at=AT, lasting_s=2 * HOUR)


def test_a_feeder_is_held_at_its_own_input_and_who_is_not_on_it_is_not_touched(feeder):
    assert feeder.reached
    (point,) = feeder.targets
    power, during = point.measured(feeder.held), feeder.during()
    ds = feeder.held.sel(element="b")
    assert power == pytest.approx(ds["element_power"].values + ds["element_loss"].values)
    assert power[during].max() <= 3.2 * MW * (1 + CLOSE)
    assert power[during].mean() >= 3.2 * MW * 0.99
    assert point.measured(feeder.free)[during].mean() > 3.4 * MW
    free, held = tokens(feeder, "chat")
    assert (free == held).all()
    rows = {row["service"]: row for row in told(feeder)["services"]}
    assert rows["fast"]["throttled"] is False
    assert rows["fast"]["behind"] == {"b": 0.0}
    assert rows["deep"]["throttled"] is True
    assert rows["deep"]["behind"] == {"b": 1.0}


def test_the_ledger_stays_closed_and_tokens_lost_are_told_by_class(feeder):
    assert feeder.held["energy_residual"].max() < 1e-9
    for row in told(feeder)["classes"]:
        free, held = tokens(feeder, row["workload"])
        missing = (free - held).sum() * feeder.event.step
        assert row["tokens_lost"] == pytest.approx(max(0.0, missing), rel=1e-6, abs=1e4)
        inside = seconds(feeder.free) <= feeder.event.end
        late = (free - held)[inside].sum() * feeder.event.step - max(0.0, missing)
        assert row["tokens_late"] == pytest.approx(max(0.0, late), rel=1e-6, abs=1e4)
        assert (row["how"] == []) is (row["workload"] == "chat")
    assert {row["workload"]: row["how"] for row in told(feeder)["classes"]}["batch"][0] == "deferred"


def test_a_hall_is_held_at_the_top_of_its_chain(site):
    made = curtail(site, caps=[("hall:hall-1", 2.9 * MW)], at=AT, lasting_s=HOUR, policy="priority")
    assert made.reached
    during = made.during()
    assert made.held["hall_power"].sel(hall="okc/hall-1").values[during].max() <= 2.9 * MW * (1 + CLOSE)
    free, held = tokens(made, "batch")
    assert (free == held).all()


def test_two_points_and_the_meter_are_held_at_once(site):
    caps = [("a", 4.0 * MW), ("b", 3.3 * MW)]
    made = curtail(site, 0.03, caps=caps, at=AT, lasting_s=HOUR)
    assert made.reached
    assert [point.name for point in made.targets] == ["site", "a", "b"]
    for point in made.targets:
        assert point.measured(made.held)[made.during()].max() <= point.target_w * (1 + CLOSE)


def test_of_a_service_on_both_feeders_only_what_is_behind_the_capped_one_slows_down(tmp_path):
    path = tmp_path / "spread.yaml"
    path.write_text(SITE.partition("inference:")[0] + SPREAD)
    made = curtail(path, caps=[("b", 3.2 * MW)], at=AT, lasting_s=HOUR)
    assert made.reached
    assert made.services == ("deep", "deep.b")
    assert made.targets[0].weight.tolist() == [0.0, 1.0]
    during = made.during()
    free, held = (ds["hall_it_power"].values[during].mean(axis=0) for ds in (made.free, made.held))
    assert held[1] < 0.95 * free[1]
    # Requests may find the other part, which is not capped.
    assert held[0] >= free[0] * (1 - 1e-9)
    # In parts the site draws what it draws whole: pools of hundreds of systems gain little by sharing a queue.
    whole = simulate(path, start="2028-07-12T18:00", end="2028-07-12T19:00", step=300.0, every=300.0)
    apart = made.free["site_power"].values[during]
    assert whole["site_power"].values.mean() == pytest.approx(apart.mean(), rel=2e-3)


def test_a_service_whose_prompts_and_tokens_stand_apart_stays_whole():
    """Its decode systems stand in halls of two feeders, its prefill systems in others."""
    site = load_site("prairie-750")
    assert site.site.inference is not None
    (hall, *_) = (
        name for name, _ in members(site.site, site.site.inference.services["split-search"].pools("x")["x/decode"])
    )
    found = split(site, [points(site.site)[hall]]).site.inference
    assert found is not None
    whole = {id for id in found.services if id.partition(".")[0] == "split-search"}
    assert whole == {"split-search"}


def test_parts_divide_the_weight_and_the_meter_needs_none(site, tmp_path):
    path = tmp_path / "weights.yaml"
    text = SITE.partition("inference:")[0] + SPREAD.replace("inference:\n", "inference:\n  policy: weights\n")
    path.write_text(text.replace("batch: 0.5}}", "batch: 0.5}, weight: 4}"))
    loaded = load_site(path)
    inference = split(loaded, [points(loaded.site)["b"]]).site.inference
    assert inference is not None
    assert {id: service.weight for id, service in inference.services.items()} == {"deep": 2.0, "deep.b": 2.0}
    assert split(site, [points(site.site)["site"]]) is site
    assert split(site, [points(site.site)["b"]]) is site


def test_a_cap_that_nobody_needs_changes_nothing(site):
    made = curtail(site, caps=[("b", 9.0 * MW)], at=AT, lasting_s=HOUR)
    assert made.reached
    assert (made.held["site_power"].values == made.free["site_power"].values).all()


def test_what_idles_behind_a_feeder_is_its_floor(site):
    made = curtail(site, caps=[("b", 0.5 * MW)], at=AT, lasting_s=HOUR)
    assert not made.reached
    found = told(made)
    (row,) = found["points"]
    assert row["compliant"] is False
    assert row["response_s"] is None
    (breach,) = row["breaches"]
    assert breach["severity"] == "critical"
    assert (breach["from_utc"], breach["to_utc"]) == (found["begins_utc"], found["ends_utc"])
    assert breach["highest_mw"] == pytest.approx(row["highest_mw"])
    free, held = tokens(made, "chat")
    assert (free == held).all()


@pytest.mark.parametrize(("latency", "step"), [(0.0, 300.0), (600.0, 300.0), (60.0, 60.0), (30.0, 30.0), (7.0, 10.0)])
def test_the_step_ends_with_the_latency(latency, step):
    assert step_for(latency) == step


def test_the_shed_path_takes_its_time_and_it_is_in_the_record(site):
    made = curtail(site, caps=[("b", 3.2 * MW)], at=AT, lasting_s=HOUR, latency_s=60.0)
    assert made.reached
    end = seconds(made.held)
    before = end <= AT + 60.0
    assert (made.held["site_power"].values[before] == made.free["site_power"].values[before]).all()
    assert made.held["site_power"].values[end == AT + 120.0] < made.free["site_power"].values[end == AT + 120.0]
    found = told(made)
    (row,) = found["points"]
    assert found["shed_latency_s"] == row["shed_latency_s"] == 60.0
    assert row["response_s"] >= 60.0
    assert row["asked_h"] == pytest.approx(59 / 60)
    assert row["hold_h"] == pytest.approx(row["asked_h"])
    assert row["shed_mw"] == pytest.approx(row["baseline_mw"] - row["held_mw"])


def test_the_words_of_dsx_flex(feeder):
    flex = told(feeder)["flex"]
    feed = flex["feeds"]["b"]
    (asked,) = feed["targets"]
    assert asked["load_constraint"] == {"value": pytest.approx(3.2), "unit": "megawatt"}
    assert asked["interval"] == {"start_time": "2028-07-12T18:00:00Z", "end_time": "2028-07-12T20:00:00Z"}
    assert feed["compliant"] is True
    names = [event["event"] for event in flex["events"]]
    assert names[:4] == ["target_set", "start_ramp_down", "end_ramp_down", "start_ramp_up"]
    times = [event["time"] for event in flex["events"]]
    assert times == sorted(times)


def test_what_a_point_carries_of_a_hall(site):
    known = points(site.site)
    assert carried(site.site, known["a"], "okc/hall-1") == 1.0
    assert carried(site.site, known["a"], "okc/hall-2") == 0.0
    assert carried(site.site, known["okc/hall-2/ups"], "okc/hall-2") == 1.0
    assert carried(site.site, known["okc/hall-2/ups"], "okc/hall-1") == 0.0
    halls = site.site.buildings["okc"].halls
    moved = halls["hall-1"].model_copy(update={"fed_from": "both"})
    building = site.site.buildings["okc"].model_copy(update={"halls": {**halls, "hall-1": moved}})
    other = site.site.model_copy(update={"buildings": {"okc": building}})
    assert carried(other, known["a"], "okc/hall-1") == 0.25
    assert carried(other, known["b"], "okc/hall-1") == 0.75
    assert carried(other, known["both"], "okc/hall-1") == 1.0


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"caps": [("okc/hal-1", MW)]}, 'did you mean "okc/hall-1"'),
        ({"caps": [("feeder:a", MW)]}, "expected site, hall or element"),
        ({"caps": [("a", 0.0)]}, "0 MW is out of range"),
        ({"caps": [("a", MW), ("element:a", MW)]}, "held twice"),
        ({"caps": [("plant", MW)]}, "nothing that serves"),
        ({"caps": [("site", MW)], "share": 0.1}, "give one of them"),
        ({}, "give a share"),
        ({"share": 0.1, "latency_s": -1.0}, "latency of -1 s"),
    ],
)
def test_what_makes_no_sense_is_told(site: LoadedSite, how, words):
    with pytest.raises(InputError, match=words):
        curtail(site, how.pop("share", None), at=AT, lasting_s=HOUR, **how)


def test_all_faults_at_once(site: LoadedSite, tmp_path: Path):
    del tmp_path
    with pytest.raises(InputError) as caught:
        curtail(site, 2.0, caps=[("x", MW), ("y", MW)], lasting_s=1.0, policy="none")
    assert len(caught.value.problems) == 5
