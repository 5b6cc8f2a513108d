"""``twin simulate`` and its companions as a person or a script meets them: in a process of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.cli.child import DAY, HELP_COST, TWIN, help_cost, here, twin
from twin.engine import checkpoint
from twin.site.load import load_site


def test_a_run_lands_under_its_name_with_a_summary(place):
    assert [path.name for path in (place / "runs").iterdir()] == ["oklahoma-10.zarr"]
    shown = twin("kpi", Path("runs", "oklahoma-10.zarr"), cwd=place)
    assert shown.returncode == 0
    assert "PUE" in shown.stdout
    assert shown.stderr == ""


def test_json_is_all_that_is_on_stdout(tmp_path):
    done = twin("simulate", "oklahoma-10", *DAY, "--out", "a.zarr", "--no-page", "--json", cwd=tmp_path)
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert (told["run"], told["page"], told["violations"]) == ("a.zarr", None, [])
    shown = twin("kpi", "a.zarr", "--json", cwd=tmp_path)
    assert json.loads(shown.stdout)["meter"] == told["meter"]
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr + done.stdout


def test_a_violated_constraint_is_exit_code_1(tmp_path):
    site = yaml.safe_load(load_site("oklahoma-10").text)
    site["contract"]["tranches"][0]["mw"] = 5
    (tmp_path / "poor.yaml").write_text(yaml.safe_dump(site, sort_keys=False))
    done = twin("simulate", "poor.yaml", *DAY, "--no-page", cwd=tmp_path)
    assert done.returncode == 1
    assert twin("kpi", "runs/oklahoma-10.zarr", cwd=tmp_path).returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("simulate", "oklahoma-11"), "oklahoma-10"),
        (("simulate", "oklahoma-10", "--from", "1.7.2028"), '--from: "1.7.2028" is no date or time'),
        (("simulate", "oklahoma-10", "--step", "fast"), '--step: "fast" is no length of time'),
        (("simulate", "oklahoma-10", "--level", "room"), '--level: unknown level "room"'),
        (("simulate", "oklahoma-10", *DAY), "holds a finished run"),
        (("simulate", "oklahoma-10", *DAY, "--resume", "--seed", "1"), "holds a run of another seed"),
        (("kpi", "nowhere"), "nowhere: there is no run here"),
        (("export", "nowhere", "x.nc"), "nowhere: there is no run here"),
        (("weather", "show", "oslo"), 'unknown weather "oslo"'),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_bad_input_is_exit_code_2_and_one_line(place, monkeypatch, arguments, message):
    monkeypatch.chdir(place)
    done = here(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_run_becomes_a_netcdf_file_and_an_old_file_stays(place):
    first = twin("export", "runs/oklahoma-10.zarr", "day.nc", cwd=place)
    assert (first.returncode, first.stdout) == (0, "day.nc\n")
    again = twin("export", "runs/oklahoma-10.zarr", "day.nc", cwd=place)
    assert again.returncode == 2
    assert "is there already: replace it with --overwrite" in again.stderr
    assert twin("export", "runs/oklahoma-10.zarr", "day.nc", "--overwrite", cwd=place).returncode == 0


def test_ctrl_c_stops_between_blocks_and_says_how_to_go_on(tmp_path):
    long = ("simulate", "oklahoma-10", "--from", "2028-01-01", "--step", "10s", "--level", "site", "--out", "a.zarr")
    with subprocess.Popen([*TWIN, *long], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        while child.poll() is None and not (checkpoint.next_block(tmp_path / "a.zarr") or 0):
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate()
    assert child.returncode == 130
    assert "a.zarr: stopped after block" in said
    assert "continue with --resume" in said
    assert "Traceback" not in said
    assert checkpoint.next_block(tmp_path / "a.zarr")


def test_weather_is_listed_and_shown(place):
    rows = json.loads(twin("weather", "list", "--json", cwd=place).stdout)
    assert {row["name"] for row in rows} >= {"tampa", "washington-dulles"}
    shown = twin("weather", "show", "tampa", cwd=place)
    assert "public domain" in shown.stdout
    assert "cooling_dry_bulb_c" in shown.stdout
    design = json.loads(twin("weather", "show", "tampa", "--json", cwd=place).stdout)["design"]
    assert design["heating_dry_bulb_c"] < design["wet_bulb_c"] < design["cooling_dry_bulb_c"]


def test_help_is_quick():
    assert help_cost("simulate") < HELP_COST
