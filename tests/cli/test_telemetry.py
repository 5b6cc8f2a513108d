"""``twin telemetry`` as a person or a script meets it."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import xarray as xr

from tests.cli.child import small_disk, twin
from tests.telemetry.exchange import shared
from tests.telemetry.recorded import stream, written


def test_inspect_summarises_the_example(tmp_path):
    done = twin("telemetry", "inspect", shared("dsx_exemplar.csv"), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4,711 messages on 311 topics" in done.stdout
    assert "dialect     dsx: 4,545 readings of 166 points; good 4,545" in done.stdout


def test_inspect_answers_in_json_and_needs_no_dialect(tmp_path):
    written(tmp_path / "recording", stream(100))
    done = twin("telemetry", "inspect", "recording", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["messages"], told["understood"]) == (100, None)


def test_export_writes_readings_and_a_grid(tmp_path):
    example = shared("dsx_exemplar.csv")
    done = twin("telemetry", "export", example, "--out", "a.parquet", "--epoch", "2026-03-01", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a.parquet: 4,545 readings of 145 points\n", "")
    assert str(pq.read_table(tmp_path / "a.parquet")["time"][0].as_py()).startswith("2026-03-01 00:00:01.9")
    done = twin("telemetry", "export", example, "--out", "a.zarr", "--every", "20s", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["readings"] == 4545
    assert xr.open_zarr(tmp_path / "a.zarr", group="meter_power").sizes == {"time": 5, "item": 4}
    done = twin("telemetry", "export", example, "--out", "b.zarr", "--every", "2.5s", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "--every: expected whole seconds, at least 1\n")
    done = twin("telemetry", "export", example, "--out", "a.zarr", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "a.zarr: is there already: replace it with --overwrite\n")


def test_a_full_disk_leaves_no_export(tmp_path):
    done = small_disk(5000, "telemetry", "export", shared("dsx_exemplar.csv"), "--out", "a.parquet", cwd=tmp_path)
    assert done.returncode == 2
    assert "a.parquet: cannot be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    (tmp_path / "bad.csv").write_text("offset,topic,payload\nsoon,a,b\n")
    done = twin("telemetry", "inspect", "bad.csv", "--dialect", "dxs", "--epoch", "never", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'bad.csv:2: "soon" is no duration' in done.stderr
    assert '--dialect: there is no "dxs"; known: dsx, influx, plain, sparkplug; did you mean "dsx"?' in done.stderr
    assert '--epoch: "never" is no date' in done.stderr
    done = twin("telemetry", "inspect", "nothing.mcap", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing.mcap: there is no such file or folder" in done.stderr
