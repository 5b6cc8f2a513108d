"""Racks at their junction limit: what they draw, what their pool serves, alike at every step length."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.engine.runs import bytes_of
from twin.core.columns import Group
from twin.core.errors import StoppedError
from twin.core.variables import slot
from twin.engine import simulate as simulating
from twin.engine.prepare import Prepared, prepare, read_in
from twin.engine.run import Engine
from twin.inference.fleet import Binding

SITE = """\
format: 1
base: oklahoma-10
name: serving
inference:
  demand:
    chat: {workload: chat, shape: servegen-m-large, fill: 0.95}
    agents: {workload: agents, fill: 0.7}
  services:
    fast: {serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1]}, mix: {chat: 1}}
    deep: {serve: {serving: gpt-oss-120b-cs3, halls: [okc/hall-2]}, mix: {agents: 1}}
"""
# Six hours in which demand rises: at this limit both halls are slowed all the time, the first one more and more.
START, END = "2028-07-11T12:00", "2028-07-11T18:00"
LIMIT_C = 38.5


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = tmp_path_factory.mktemp("throttle") / "serving.yaml"
    path.write_text(SITE)
    return path


def limited(prepared: Prepared, limit_c: float) -> Prepared:
    """The same with another junction limit for all racks."""
    group = prepared.plan.arrays.group.copy()
    group[:, Group.THROTTLE] = limit_c
    plan = dataclasses.replace(prepared.plan, arrays=prepared.plan.arrays._replace(group=group))
    return dataclasses.replace(prepared, plan=plan)


def levels(engine: Engine) -> dict[str, Any]:
    results = [result.levels for result in engine.blocks()]
    return {level: np.concatenate([r[level] for r in results]) for level in results[0]}


def served(site: Any, step: float, limit_c: float = LIMIT_C, **how: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"start": START, "end": END, "every": 3600.0, **how}
    return levels(limited(prepare(site, step=step, **asked), limit_c).engine())


def of(rows: dict[str, Any], name: str) -> Any:
    level = {"hall": "hall", "site": "site", "rack": "rack", "ener": "site"}.get(name[:4], "pool")
    return rows[level][..., slot(name)]


def test_tokens_power_and_the_hottest_rack_agree_at_steps_of_a_second_a_minute_and_an_hour(site):
    found = {}
    for step in (1.0, 60.0, 3600.0):
        rows = served(site, step, start="2028-07-11T15:00")
        assert (of(rows, "hall_slowed_share") > 0.9).any()
        tokens = np.nansum(rows["stream"][..., slot("pool_token_rate")], axis=(0, 2))
        rise = of(rows, "hall_rack_temperature_maximum").max() - 16.0
        found[step] = np.array([*tokens, of(rows, "hall_it_power").mean(), rise])
    for step in (60.0, 3600.0):
        assert found[step] == pytest.approx(found[1.0], rel=0.01), step


def test_what_a_pool_draws_is_what_its_racks_draw_and_heat_binds(site):
    rows = served(site, 300.0)
    assert of(rows, "pool_power") == pytest.approx(of(rows, "hall_it_power"), rel=0.005)
    assert (of(rows, "pool_binding") == Binding.HEAT).all()
    free = served(site, 300.0, limit_c=90.0)
    assert not (of(free, "pool_binding") == Binding.HEAT).any()
    assert (of(rows, "pool_power") < of(free, "pool_power")).all()


def test_with_all_the_work_it_can_do_a_slowed_pool_makes_as_many_tokens_as_it_has_watts_above_idle(site, tmp_path):
    """What a token costs above idle is the same at any speed, where the batch is (here: full, at any speed)."""
    busy = tmp_path / "busy.yaml"
    busy.write_text(SITE.replace("shape: servegen-m-large, fill: 0.95", "fill: 1.4").replace("fill: 0.7", "fill: 1.4"))
    slowed, free = served(busy, 300.0), served(busy, 300.0, limit_c=90.0)
    made, most = (np.nansum(r["stream"][..., slot("pool_token_rate")], axis=(0, 2)) for r in (slowed, free))
    idle = 176 * 11.5e3
    share = (of(slowed, "pool_power").mean(0) - idle) / (of(free, "pool_power").mean(0) - idle)
    assert made / most == pytest.approx(share, rel=0.01)
    assert (share < 0.8).all()


def test_slowed_pools_answer_later(site):
    rows, free = served(site, 300.0), served(site, 300.0, limit_c=90.0)
    slow, fast = (r["latency"][..., slot("pool_tpot")] for r in (rows, free))
    known = np.isfinite(fast)
    assert (slow[known] >= fast[known] * (1.0 - 1e-9)).all()
    assert np.nanmax(slow / fast) > 1.1


def test_no_request_is_lost_while_racks_are_slowed(site):
    rows = served(site, 60.0)
    stream = rows["stream"]
    backlog = np.nansum(stream[..., slot("pool_backlog")], axis=(1, 2))
    offered, done, shed = (
        np.nansum(stream[..., slot(f"pool_{name}_rate")], axis=(1, 2)) * 3600.0
        for name in ("offered", "served", "shed")
    )
    assert np.diff(backlog) == pytest.approx((offered - done - shed)[1:], rel=1e-9)


def test_results_do_not_hang_on_blocks_or_threads(site):
    whole = served(site, 60.0, threads=1)
    for how in ({"intervals_per_block": 1}, {"intervals_per_block": 4}, {"threads": 2}):
        cut = served(site, 60.0, **how)
        for level, values in whole.items():
            assert np.array_equal(values, cut[level], equal_nan=True), (level, how)


def test_a_stopped_run_goes_on_to_the_same_bytes(site, tmp_path, monkeypatch):
    monkeypatch.setattr(simulating, "read_in", lambda asked: limited(read_in(asked), LIMIT_C))
    monkeypatch.setattr(simulating, "prepare", lambda *a, **k: limited(prepare(*a, **k), LIMIT_C))
    whole, cut = tmp_path / "whole.zarr", tmp_path / "cut.zarr"
    period: dict[str, Any] = {"start": START, "end": END, "every": 3600, "intervals_per_block": 2}
    simulating.simulate(site, **period, out=whole)

    def stop(done: int, blocks: int) -> None:
        if done == 1:
            raise StoppedError("here")

    with pytest.raises(StoppedError):
        simulating.simulate(site, **period, out=cut, progress=stop)
    assert simulating.simulate(site, **period, out=cut, resume=True).first_block == 1
    assert bytes_of(cut) == bytes_of(whole)
