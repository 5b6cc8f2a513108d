"""Curtailment: the meter comes down as far as asked, by whom the policy says, and nothing is lost on the way."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from twin import InputError
from twin.analysis.curtail import POLICIES, STEP_S, Curtailment, curtail, seconds, told
from twin.cli.curtail import _text
from twin.core.units import HOUR
from twin.engine.period import instant

AT = instant("2028-07-12T18:00", "at")


@pytest.fixture(scope="module")
def held_at(serving_site):
    """The site held down by a share at ``AT``; what several tests look at is computed once."""

    @cache
    def made(share: float, hours: int, policy: str = "proportional") -> Curtailment:
        return curtail(serving_site, share, at=AT, lasting_s=hours * HOUR, policy=policy)

    return made


@pytest.mark.parametrize("policy", POLICIES)
def test_the_meter_is_held_below_its_target(held_at, policy):
    made = held_at(0.08, 2, policy)
    assert made.reached
    free, held = made.free["site_power"].values, made.held["site_power"].values
    during = made.during()
    assert during.sum() == 2 * HOUR / STEP_S
    assert held[during].max() <= made.target_w * 1.003
    assert held[during].mean() >= made.target_w * 0.99, "more than asked for is taken from users in vain"
    assert made.target_w == pytest.approx(0.92 * free[seconds(made.free) == AT][0])
    before = seconds(made.free) <= AT
    assert (held[before] == free[before]).all()
    tokens = [np.nansum(ds["pool_token_rate"].values[during]) for ds in (made.held, made.free)]
    assert tokens[0] < 0.97 * tokens[1]


def test_the_last_priority_gives_way_first(serving_site):
    made = told(curtail(serving_site, 0.05, at=AT, lasting_s=2 * HOUR, policy="priority"))
    rows = {row["workload"]: row for row in made["classes"]}
    assert rows["chat"]["tokens_per_s"]["curtailed"] == pytest.approx(rows["chat"]["tokens_per_s"]["free"], rel=1e-3)
    assert rows["batch"]["tokens_per_s"]["curtailed"] < 0.9 * rows["batch"]["tokens_per_s"]["free"]


RANKED = """\
format: 1
base: oklahoma-10
name: ranked
inference:
  policy: latency
  demand:
    chat: {workload: chat, mean_per_s: 300}
    batch: {workload: enterprise-batch, mean_per_s: 1500}
  services:
    fast: {serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1]}, mix: {chat: 0.8, batch: 0.2}}
    deep: {serve: {serving: gpt-oss-120b-cs3, halls: [okc/hall-2]}, mix: {batch: 1}}
"""


def test_a_service_that_is_meant_for_batches_but_serves_none_does_not_give_way_for_them(tmp_path):
    site = tmp_path / "ranked.yaml"
    site.write_text(RANKED)
    made = curtail(site, 0.04, at=AT, lasting_s=HOUR, policy="priority")
    assert made.reached
    rows = {row["workload"]: row["tokens_per_s"] for row in told(made)["classes"]}
    assert rows["chat"]["curtailed"] == pytest.approx(rows["chat"]["free"], rel=1e-3)
    assert rows["batch"]["curtailed"] < 0.95 * rows["batch"]["free"]


def test_what_answers_of_minutes_cannot_give_at_once_the_next_service_gives():
    peak = instant("2029-07-16T23:00", "at")
    made = curtail("prairie-750", 0.02, at=peak, lasting_s=3 * STEP_S, policy="priority")
    assert made.reached
    assert made.held["site_power"].values[made.during()].max() <= made.target_w * 1.003


def test_a_ramp_is_kept_and_the_backlog_is_worked_off_afterwards(serving_site, held_at):
    made = curtail(serving_site, 0.08, at=AT, lasting_s=2 * HOUR, ramp_s=HOUR)
    steep = told(held_at(0.08, 2))
    gentle = told(made)
    assert gentle["steepest_mw_per_min"]["down"] < 0.5 * steep["steepest_mw_per_min"]["down"]
    assert gentle["rebound_mw"] > 0.0
    assert 0.0 < gentle["backlog_after_h"] <= 12.0


def test_batches_are_put_off_and_every_token_of_them_is_made_afterwards(serving_site):
    made = curtail(serving_site, 0.04, at=AT, lasting_s=2 * HOUR, policy="priority")
    assert made.reached
    rows = {row["workload"]: row for row in told(made)["classes"]}
    assert rows["chat"]["put_off"] is None
    assert rows["agents"]["put_off"] is None
    put_off = rows["batch"]["put_off"]
    assert put_off["window_h"] == 24.0
    assert 0.0 < put_off["caught_up_h"] < 12.0
    assert 0.0 < put_off["longest_h"] < 12.0
    tokens = [ds["pool_token_rate"].sel(workload="batch").sum().item() * STEP_S for ds in (made.free, made.held)]
    assert tokens[1] == pytest.approx(tokens[0], rel=1e-3)
    assert made.held["pool_shed_rate"].max() == 0.0


def test_agents_lose_nothing_while_batches_can_give_way(serving_site):
    made = curtail(serving_site, 0.01, at=AT, lasting_s=HOUR, policy="priority")
    rows = {row["workload"]: row for row in told(made)["classes"]}
    agents, batch = (rows[name]["tokens_per_s"] for name in ("agents", "batch"))
    assert agents["curtailed"] == pytest.approx(agents["free"], rel=1e-3)
    assert batch["curtailed"] < 0.9 * batch["free"]
    lost = (batch["free"] - batch["curtailed"]) * HOUR
    assert rows["batch"]["put_off"]["tokens"] == pytest.approx(lost, rel=0.01)


def test_idle_power_is_the_floor(serving_site):
    made = curtail(serving_site, 0.9, at=AT, lasting_s=HOUR)
    assert not made.reached
    found = told(made)
    assert found["reached"] is False
    assert found["held_from_utc"] is None
    assert "without work is the floor" in _text(found)


def test_a_meter_that_is_held_late_says_from_when_and_what_helps(held_at):
    found = told(held_at(0.05, 1))
    assert found["held_from_utc"] == "2028-07-12T18:00:00Z"
    words = _text(found | {"reached": False, "held_from_utc": "2028-07-12T18:10:00Z"})
    assert "NOT reached before 2028-07-12T18:10:00Z" in words
    assert "--ramp" in words


def test_columns_stay_apart_where_billions_wait(held_at):
    found = told(held_at(0.05, 1))
    found["classes"][0] |= {"queue_at_end": 2.4e9, "shed_per_s": 23098.5}
    row = next(line for line in _text(found).splitlines() if line.startswith("chat "))
    assert len(row.split()) == 7


def test_before_anything_is_energised_there_is_nothing_to_curtail(serving_site):
    with pytest.raises(InputError, match="nothing is energised"):
        curtail(serving_site, 0.1, at=instant("1990-01-01", "at"))


def test_requests_are_conserved_under_the_caps(held_at):
    held = held_at(0.08, 2).held
    rate = held["pool_offered_rate"] - held["pool_served_rate"] - held["pool_shed_rate"]
    change = rate.cumsum("time").values * STEP_S
    backlog = held["pool_backlog"].values
    meant = ~np.isnan(backlog[0])
    # Single precision of what is stored, summed over 192 intervals.
    scale = np.abs(held["pool_offered_rate"].values[:, meant]).sum(axis=0) * STEP_S
    defect = (change - (backlog - backlog[0] + change[0]))[:, meant]
    assert (np.abs(defect) <= 1e-6 * scale).all()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"share": 1.5}, "150 % is out of range"),
        ({"lasting_s": 60.0}, "expected 5 min to 168 h"),
        ({"ramp_s": 4 * HOUR}, "does not end within the event"),
        ({"policy": "prio"}, 'did you mean "priority"'),
    ],
)
def test_options_out_of_range_are_told(serving_site, how, words):
    with pytest.raises(InputError, match=words):
        curtail(serving_site, how.pop("share", 0.1), at=AT, **how)


def test_a_site_that_serves_nothing_cannot_be_curtailed():
    with pytest.raises(InputError, match="serves nothing"):
        curtail("frontier", 0.1)
