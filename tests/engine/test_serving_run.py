"""A site that serves: same bytes however it is run, energy closed, tokens alike at every step length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import twin
from tests.engine.runs import bytes_of
from twin.core.errors import StoppedError
from twin.engine.simulate import simulate

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
PERIOD: dict[str, Any] = {"start": "2028-07-01", "end": "2028-07-02", "every": 3600, "intervals_per_block": 6}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = tmp_path_factory.mktemp("serving") / "serving.yaml"
    path.write_text(SITE)
    return path


def test_one_thread_and_two_make_the_same_bytes(site, tmp_path):
    for threads in (1, 2):
        simulate(site, **PERIOD, threads=threads, out=tmp_path / f"{threads}.zarr")
    assert bytes_of(tmp_path / "1.zarr") == bytes_of(tmp_path / "2.zarr")


def test_queues_and_requests_in_service_go_on_after_a_stop(site, tmp_path, monkeypatch):
    whole, cut = tmp_path / "whole.zarr", tmp_path / "cut.zarr"
    simulate(site, **PERIOD, out=whole)

    def stop(done, blocks):
        if done == 2:
            raise StoppedError("here")

    with pytest.raises(StoppedError):
        simulate(site, **PERIOD, out=cut, progress=stop)
    assert simulate(site, **PERIOD, out=cut, resume=True).first_block == 2
    assert bytes_of(cut) == bytes_of(whole)


@pytest.mark.parametrize("name", ["serving", "prairie-750"])
@pytest.mark.parametrize("step", [1.0, 60.0, 3600.0])
def test_energy_closes_while_serving(site, name, step):
    """From before an energisation to after it."""
    length = {1.0: "T06:10", 60.0: "T09:00", 3600.0: "T18:00"}[step]
    ds = twin.simulate(
        site if name == "serving" else name, start="2028-07-10T06:00", end=f"2028-07-10{length}", step=step,
        every=max(step, 600.0),
    )  # fmt: skip
    assert ds["energy_residual"].max() < 1e-9
    assert ds["pool_power"].min() >= 0.0
    assert ds["site_it_power"].min() > 0.0


def test_tokens_and_the_hottest_rack_agree_at_steps_of_a_second_a_minute_and_an_hour(site):
    found = {}
    for step in (1.0, 60.0, 3600.0):
        ds = twin.simulate(site, start="2028-07-11T12:00", end="2028-07-11T18:00", step=step, every=3600)
        rise = ds["hall_rack_temperature_maximum"].max().item() - ds["fws_supply_temperature"].mean().item()
        found[step] = np.array([*np.nansum(ds["pool_token_rate"].values, axis=(0, 2)), ds["site_power"].mean(), rise])
    for step in (60.0, 3600.0):
        assert found[step] == pytest.approx(found[1.0], rel=0.01), step


def test_pool_power_is_the_power_of_its_racks(site):
    """The racks' spread and noise average out; rated power bounds both."""
    ds = twin.simulate(site, start="2028-07-11", end="2028-07-12")
    assert ds["pool_power"].values == pytest.approx(ds["hall_it_power"].values, rel=0.005)


def test_a_load_curve_takes_the_place_of_the_fleet(site):
    ds = twin.simulate(site, start="2028-07-11", end="2028-07-11T06:00", load="full")
    assert "pool_power" not in ds
    assert ds["site_it_power"].max() == pytest.approx(352 * 23e3, rel=1e-9)
