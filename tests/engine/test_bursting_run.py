"""Bursts in a run: one path for every step, block and repetition, counted once, and only where they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import twin
from tests.engine.runs import bytes_of
from twin.engine.simulate import simulate
from twin.site.shipped import data_root

SIX: dict[str, Any] = {"start": "2024-07-01", "end": "2024-07-01T06:00"}
# Requests in a minute on five servers, and their Fano factor (library).
PER_MINUTE, FANO = 60 * 5.53, 1.39


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The Azure conversation as it ships, and with bursts."""
    even = (data_root() / "azure-dgx.yaml").read_text(encoding="utf-8")
    bursty = even.replace("mean_per_s: 5.53", "mean_per_s: 5.53, bursts: true")
    folder = tmp_path_factory.mktemp("bursts")
    for name, text in (("even", even), ("bursty", bursty)):
        (folder / f"{name}.yaml").write_text(text)
    return {name: folder / f"{name}.yaml" for name in ("even", "bursty")}


def offered(ds: Any) -> np.ndarray:
    """Requests/s of both classes, (time, class)."""
    return np.asarray(np.nansum(ds["pool_offered_rate"].values.astype(np.float64), axis=1))


def test_minutes_scatter_by_the_fano_factor_and_the_mean_stays(sites):
    ds = twin.simulate(sites["bursty"], start="2024-07-01", end="2024-07-03", step=60, every=60)
    counts = 60.0 * offered(ds)
    assert counts.mean(axis=0) == pytest.approx([PER_MINUTE] * 2, rel=0.01)
    # 2,880 minutes: the variance is known to 2.6 %, four times that.
    assert counts.var(axis=0) / counts.mean(axis=0) == pytest.approx([FANO] * 2, rel=0.11)
    assert abs(np.mean((counts[:, 0] - PER_MINUTE) * (counts[:, 1] - PER_MINUTE)) / (FANO * PER_MINUTE)) < 0.1
    assert np.ptp(offered(twin.simulate(sites["even"], **SIX, step=60, every=60))) == 0.0


def test_steps_of_a_second_a_minute_and_an_hour_have_the_same_arrivals_tokens_and_power(sites):
    made = {step: twin.simulate(sites["bursty"], **SIX, step=step, every=3600) for step in (1.0, 60.0, 3600.0)}
    for step in (60.0, 3600.0):
        assert offered(made[step]) == pytest.approx(offered(made[1.0]), rel=1e-6)
        for name in ("pool_token_rate", "pool_power"):
            one, other = (np.nan_to_num(made[s][name].values).mean(axis=0) for s in (1.0, step))
            assert other == pytest.approx(one, rel=0.01), name


def test_blocks_do_not_change_the_bursts_and_the_seed_does(sites, tmp_path):
    for blocks in (1, 6):
        simulate(
            sites["bursty"], **SIX, step=300, every=3600, intervals_per_block=blocks, out=tmp_path / f"{blocks}.zarr"
        )
    one, six = (twin.open_run(tmp_path / f"{blocks}.zarr") for blocks in (1, 6))
    assert (offered(one) == offered(six)).all()
    simulate(sites["bursty"], **SIX, step=300, every=3600, intervals_per_block=6, out=tmp_path / "again.zarr")
    assert bytes_of(tmp_path / "again.zarr") == bytes_of(tmp_path / "6.zarr")
    other = twin.simulate(sites["bursty"], **SIX, step=300, every=3600, seed=1)
    assert (offered(other) != offered(six)).any()


def test_bursts_are_not_counted_twice_in_the_first_token(sites):
    """The formula holds the scatter within a minute; minutes that differ move the 99th by less than 1 %."""
    late = [
        np.nanmean(twin.simulate(site, **SIX, step=step, every=60)["pool_ttft"].sel(percentile=99.0).max("workload"))
        for site, step in ((sites["even"], 60.0), (sites["bursty"], 60.0), (sites["bursty"], 1.0))
    ]
    assert late[1:] == pytest.approx([late[0]] * 2, rel=0.01)
