"""``twin map`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import xarray as xr

from tests.cli.child import twin

SMALL = ("--load", "0:1:0.5", "--outdoor", "-10:30:20")


def test_it_prints_the_site_and_writes_the_map_and_its_page(tmp_path: Path):
    done = twin("map", "oklahoma-10", *SMALL, "--out", "m.nc", "--html", "m.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Least cooling headroom of a hall, MW of IT" in done.stdout
    assert "okc/hall-1" in done.stdout
    with xr.open_dataset(tmp_path / "m.nc") as ds:
        assert ds["hall_power"].shape == (3, 3, 2)
    assert "map-data" in (tmp_path / "m.html").read_text()
    again = twin("map", "oklahoma-10", *SMALL, "--out", "m.nc", "--html", "m.html", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.count("is there already") == 2


def test_json_is_all_that_is_on_stdout_and_bands_have_quantiles(tmp_path: Path):
    done = twin("map", "oklahoma-10", *SMALL, "--bands", "--samples", "4", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["coordinates"]["quantile"]["values"] == [0.1, 0.5, 0.9]
    power = told["variables"]["hall_power"]
    assert power["dims"] == ["load", "outdoor_dry_bulb_temperature", "hall", "quantile"]
    assert power["units"] == "W"


def test_every_fault_is_told_at_once_in_the_words_of_the_command(tmp_path: Path):
    wrong = ("--load", "1:0:0.1", "--outdoor", "20:x:1", "--hall", "okc/hall-3", "--at", "never", "--out", "m.csv")
    done = twin("map", "oklahoma-10", *wrong, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    for said in ("--load: ", "--outdoor: ", "--at: ", "ends in .nc or .zarr"):
        assert said in done.stderr
    hall = twin("map", "oklahoma-10", "--hall", "okc/hall-3", cwd=tmp_path)
    assert hall.returncode == 2
    assert 'no hall "okc/hall-3"; did you mean "okc/hall-' in hall.stderr
