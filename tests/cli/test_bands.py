"""``twin bands`` and ``twin simulate --bands``, as a person or a script meets them."""

from __future__ import annotations

import json

from tests.cli.child import twin
from tests.engine.runs import bytes_of

DAY = ("--from", "2028-07-01", "--to", "2028-07-02")


def test_bands_are_told_as_text_and_as_json(tmp_path):
    done = twin("bands", "oklahoma-10", *DAY, "--samples", "16", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("Meter peak, MW") for line in done.stdout.splitlines())
    found = twin("bands", "oklahoma-10", *DAY, "--samples", "16", "--json", cwd=tmp_path)
    rows = json.loads(found.stdout)
    assert rows["samples"] == 16
    assert {"name", "unit", "centre", "p10", "p50", "p90", "drivers"} <= rows["headlines"][0].keys()
    again = twin("bands", "oklahoma-10", *DAY, "--samples", "16", "--json", "--threads", "1", cwd=tmp_path)
    assert again.stdout == found.stdout
    assert list(tmp_path.iterdir()) == []


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    done = twin("bands", "oklahoma-10", "--samples", "3", "--seed", "x", "--load", "fulll", cwd=tmp_path)
    assert done.returncode == 2
    assert "--samples: 3 is out of range" in done.stderr
    assert '--seed: "x" is no whole number' in done.stderr
    assert 'did you mean "full"?' in done.stderr


def test_bands_stand_beside_the_numbers_of_a_run_and_leave_its_bytes_alone(tmp_path):
    how = ("simulate", "oklahoma-10", *DAY, "--every", "1h", "--no-page")
    plain = twin(*how, "--out", "plain.zarr", "--json", cwd=tmp_path)
    done = twin(*how, "--out", "banded.zarr", "--bands", cwd=tmp_path)
    assert plain.returncode == done.returncode == 0, done.stderr
    assert bytes_of(tmp_path / "plain.zarr") == bytes_of(tmp_path / "banded.zarr")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Meter  peak")]
    assert " MW (" in line
    rows = json.loads(twin(*how, "--out", "json.zarr", "--bands", "--json", cwd=tmp_path).stdout)
    assert rows["bands"]["samples"] == 64
    assert "bands" not in json.loads(plain.stdout)


def test_a_period_of_no_whole_hours_is_refused_before_anything_runs(tmp_path):
    done = twin("simulate", "oklahoma-10", "--from", "2028-07-01", "--to", "2028-07-01T01:30", "--bands", cwd=tmp_path)
    assert done.returncode == 2
    assert "--to: bands are made in steps of an hour: the period of 90 min must hold whole hours" in done.stderr
    assert list(tmp_path.iterdir()) == []
