"""The run of a live twin on disk: whole at any instant, whatever happens to its writer or its disk."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from dashboards.run_reader import RunReader
from telemetry.clock import NS
from telemetry.live import growing
from telemetry.live.frame import Mode
from telemetry.live.store import opened
from tests.telemetry.live_writer import fill, prepared, step
from tests.telemetry.until import until
from twin.analysis.dataset import open_run
from twin.core.errors import InputError, one
from twin.engine.lock import only_writer


@pytest.fixture(scope="module")
def site():
    return prepared()


def numbers(run) -> list[int]:
    """The intervals that a reader finds, after a look at every number of the run."""
    data = open_run(run).load()
    found = [int(n) for n in data["site_power"].values]
    for name, variable in data.data_vars.items():
        if "time" in variable.dims and name not in ("mode", "data_age", "early"):
            flat = variable.values.reshape(len(found), -1)
            assert (flat == np.array(found)[:, None]).all(), name
    for group in ("measured", "age"):
        beside = xr.open_zarr(run, group=group)["rack_power"].values
        assert (beside[: len(found)] == np.array(found, np.float32)[:, None]).all()
    return found


def test_a_run_is_what_was_written(tmp_path, site):
    with opened(tmp_path / "run", site, 86_400.0, print) as store:
        for n in range(1, 401):  # past the end of chunks of both lengths
            store.add(*step(site, n))
        assert not open_run(tmp_path / "run").attrs["complete"]
    assert numbers(tmp_path / "run") == list(range(1, 401))
    data = open_run(tmp_path / "run")
    assert data.attrs["halltwin_kind"] == "live"
    assert data.attrs["complete"] is True
    assert data.attrs["model_shift_s"] == 86_400.0
    assert data.attrs["period_end"] == str(data["time"].values[-1])[:19] + "Z"
    assert np.diff(data["time"].values).astype("timedelta64[s]").astype(int).tolist() == [10] * 399
    assert (data["mode"].values == list(Mode).index(Mode.LIVE)).all()
    residual = xr.open_zarr(tmp_path / "run", group="residual")["rack_power"].values
    assert np.isnan(residual[:, ::2]).all()  # these racks drove the model
    assert (residual[:, 1::2] == 1.0).all()


def test_what_is_measured_later_is_missing_before(tmp_path, site):
    with opened(tmp_path / "run", site, 0.0, print) as store:
        for n in range(1, 60):
            frame, interval = step(site, n)
            known = {"rack_power": 45, "hall_power": 50, "site_power": 55}
            told = {name: np.full(24 if name == "rack_power" else 1, float(n)) for name in known if n >= known[name]}
            store.add(replace(frame, simulated=told, measured=told, used={}, age_s=told), interval)
    assert open_run(tmp_path / "run").sizes["time"] == 59
    beside = xr.open_zarr(tmp_path / "run", group="measured")
    assert set(beside) == {"hall_power", "rack_power", "site_power"}
    for name, first in (("rack_power", 45), ("hall_power", 50), ("site_power", 55)):
        found = beside[name].values.reshape(59, -1)[:, 0]
        assert np.isnan(found[: first - 1]).all()
        assert found[first - 1 :].tolist() == list(range(first, 60))


def test_what_is_not_measured_any_more_at_the_end_of_an_interval_is_of_no_age(tmp_path, site):
    """Points come and go in mid-interval: one that is described anew is of another thing, or of none."""
    with opened(tmp_path / "run", site, 0.0, print) as store:
        for n in (1, 2):
            frame, interval = step(site, n)
            store.add(replace(frame, time_ns=frame.time_ns - NS), None)
            store.add(replace(frame, measured={}, used={}, age_s={}), interval)
        frame, interval = step(site, 3)
        store.add(replace(frame, measured={}, used={}, age_s={}), interval)
        store.add(*step(site, 4))
    measured, age = (xr.open_zarr(tmp_path / "run", group=group)["rack_power"].values for group in ("measured", "age"))
    np.testing.assert_array_equal(measured[:, 0], [1.0, 2.0, np.nan, 4.0])
    assert age[:, 0].tolist() == [np.inf, np.inf, np.inf, 4.0]


@pytest.mark.parametrize(
    ("error", "whole"),
    [
        (None, True),
        (KeyboardInterrupt(), True),
        (one("cannot be read on"), False),
        (KeyError("x"), False),
        (OSError("disk"), False),
    ],
)
def test_a_run_that_did_not_come_to_its_end_is_not_complete(tmp_path, site, error, whole):
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, opened(tmp_path / "run", site, 0.0, print) as store:
        for n in range(1, 6):
            store.add(*step(site, n))
        if error is not None:
            raise error
    assert numbers(tmp_path / "run") == [1, 2, 3, 4, 5]  # complete or not, nothing of it is lost
    attrs = open_run(tmp_path / "run").attrs
    assert (attrs["complete"], bool(attrs["run_complete"])) == (whole, whole)
    reader = RunReader(tmp_path / "run")
    assert (reader.complete, reader.is_written, len(reader.times_s)) == (whole, False, 5)


def begun(run: Path) -> bool:
    return run.exists() and open_run(run).sizes["time"] > 2


def test_a_writer_that_is_killed_leaves_whole_intervals(tmp_path):
    """Killed at 6 instants of its writing; each time the run opens and holds all that was committed before."""
    runs = [tmp_path / f"run-{k}" for k in range(6)]
    command = [sys.executable, "-m", "tests.telemetry.live_writer", *map(str, runs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writers:
        assert writers.stdout is not None
        for k, run in enumerate(runs):
            writer = int(writers.stdout.readline())
            try:
                assert until(partial(begun, run), 60.0)
                seen = open_run(run).sizes["time"]
                time.sleep(0.011 * k)
            finally:
                os.kill(writer, signal.SIGKILL)
            found = numbers(run)
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= seen


def test_a_reader_of_a_run_that_is_being_written_sees_whole_intervals_only(tmp_path, site):
    with opened(tmp_path / "run", site, 0.0, print) as store:
        for n in range(1, 60):
            fill(store, site, n, n + 1)
            if n % 25 == 0:
                assert numbers(tmp_path / "run") == list(range(1, n + 1))


class Disk:
    """Where runs are written; ``full`` says to which files it gives no room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full: Callable[[Path], bool] = lambda path: False
        self._write = growing._replace
        monkeypatch.setattr(growing, "_replace", self._replace)

    def _replace(self, path: Path, data: bytes) -> None:
        if self.full(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        self._write(path, data)


@pytest.fixture
def disk(monkeypatch) -> Disk:
    return Disk(monkeypatch)


def test_a_full_disk_is_told_once_loses_what_finds_no_room_and_is_written_again(tmp_path, site, disk):
    said: list[str] = []
    with opened(tmp_path / "run", site, 0.0, said.append) as store:
        fill(store, site, 1, 31)
        disk.full = lambda path: True
        fill(store, site, 31, 51)  # six of them have room in the open chunk, in memory
        assert store.trouble == "the disk is full"
        assert open_run(tmp_path / "run").sizes["time"] == 30
        disk.full = lambda path: False
        fill(store, site, 51, 61)
        assert store.trouble == ""
        assert store.lost == 14
    assert numbers(tmp_path / "run") == [*range(1, 37), *range(51, 61)]
    assert len(said) == 2
    assert "going on without" in said[0]


def test_what_is_measured_for_the_first_time_while_the_disk_is_full_is_laid_out_later(tmp_path, site, disk):
    with opened(tmp_path / "run", site, 0.0, print) as store:
        for n in range(1, 12):
            frame, interval = step(site, n)
            disk.full = lambda path, full=5 <= n < 8: full
            store.add(frame if n >= 5 else replace(frame, measured={}, used={}, age_s={}), interval)
            store.flush()
        assert store.lost == 3
    assert open_run(tmp_path / "run")["site_power"].values.tolist() == [1, 2, 3, 4, 8, 9, 10, 11]
    measured = xr.open_zarr(tmp_path / "run", group="measured")["rack_power"].values[:, 0]
    assert np.isnan(measured[:4]).all()
    assert measured[4:].tolist() == [8, 9, 10, 11]


def test_a_run_is_complete_only_where_all_of_it_is_on_the_disk(tmp_path, site, disk):
    def until_the_disk_is_full() -> None:
        with opened(tmp_path / "run", site, 0.0, print) as store:
            fill(store, site, 1, 5)
            disk.full = lambda path: path.parent.name == "rack_power"

    with pytest.raises(InputError, match="No space left"):
        until_the_disk_is_full()
    assert not open_run(tmp_path / "run").attrs["complete"]
    assert numbers(tmp_path / "run") == [1, 2, 3, 4]


def test_time_in_a_run_never_goes_back(tmp_path, site):
    with opened(tmp_path / "run", site, 0.0, print) as store:
        fill(store, site, 10, 15)
        assert not store.again
        fill(store, site, 5, 12)
        assert store.again
        assert store.lost == 7
    assert numbers(tmp_path / "run") == [10, 11, 12, 13, 14]


def test_one_writer_and_no_run_is_ever_replaced(tmp_path, site):
    with opened(tmp_path / "run", site, 0.0, print) as store:
        store.add(*step(site, 1))
        with pytest.raises(InputError, match="another process is writing"), only_writer(tmp_path / "run"):
            pass
    with pytest.raises(InputError, match="holds a run: choose another"), opened(tmp_path / "run", site, 0.0, print):
        pass


@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), one("refused"), KeyError("x")])
def test_a_run_of_no_interval_is_not_in_the_way_of_the_next(tmp_path, site, error):
    """A password that was wrong: the same command with the right one must not need another folder."""
    expected = nullcontext() if error is None else pytest.raises(type(error))
    with expected, opened(tmp_path / "run", site, 0.0, print) as store:
        store.add(step(site, 1)[0], None)
        if error is not None:
            raise error
    assert list(tmp_path.iterdir()) == []
    with opened(tmp_path / "run", site, 0.0, print) as store:
        store.add(*step(site, 1))
    assert numbers(tmp_path / "run") == [1]
