"""``twin calibrate power`` as a person or a script meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

TWIN = (sys.executable, "-m", "twin.cli.main", "calibrate", "power")


def twin(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TWIN, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log of a wafer: 11 kW idle, 20 kW sustained, w 0.5, without lag."""
    folder = tmp_path_factory.mktemp("meter")
    random = np.random.default_rng(1)
    u = np.repeat(random.choice([0.0, 0.2, 0.5, 0.8, 1.0], 60), 10)
    power = (11.0 + 9.0 * (0.5 * (u > 0) + 0.5 * u)) * (1.0 + 0.005 * random.standard_normal(600))
    rows = [f"{30 * k},{9000 * a},{p}" for k, (a, p) in enumerate(zip(u, power, strict=True))]
    (folder / "pdu.csv").write_text("time,tokens/s,kW\n" + "\n".join(rows) + "\n")
    return folder


def test_it_says_what_the_log_tells_and_writes_an_entry(place):
    done = twin("pdu.csv", "--kind", "cs3", "--out", "library/draws/mine.yaml", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert "sustained_kw" in done.stdout
    assert "lag_s is not identified, its band stays the prior" in done.stdout
    entry = yaml.safe_load((place / "library/draws/mine.yaml").read_text())
    assert entry["kind"] == "wafer-draw"
    assert entry["sustained_kw"]["value"] == pytest.approx(20.0, rel=0.01)
    assert entry["sustained_kw"]["source"] == "own meter log pdu.csv, 600 readings of 30 s, 90 % interval"
    assert entry["sustained_kw"]["confidence"] == "measured"
    assert entry["lag_s"]["confidence"] == "estimate"
    again = twin("pdu.csv", "--kind", "cs3", "--out", "library/draws/mine.yaml", cwd=place)
    assert (again.returncode, again.stdout) == (2, "")
    assert "--overwrite replaces it" in again.stderr


def test_json_is_all_that_is_on_stdout(place):
    done = twin("pdu.csv", "--kind", "gpu", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [e["key"] for e in told["estimates"]] == ["idle_kw", "busy_kw", "half_share", "lag_s"]
    assert told["entry"]["kind"] == "device-draw"
    assert told["out"] is None


def test_bad_input_is_exit_code_2_with_every_fault(place):
    (place / "bad.csv").write_text("time,tokens,kW\n0,1,2\n")
    done = twin("bad.csv", "--kind", "cs3", cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'bad.csv:1:2: tokens: warning: column not used; did you mean "tokens_per_s"?' in done.stderr
    assert "no column tokens_per_s" in done.stderr
    done = twin("pdu.csv", "--kind", "gpus", cwd=place)
    assert (done.returncode, done.stderr) == (2, '--kind: unknown kind "gpus"; did you mean "gpu"?\n')
    done = twin("bad.csv", "--kind", "gpus", cwd=place)
    assert 'unknown kind "gpus"' in done.stderr, "told at once with what is wrong in the log"
    assert "no column tokens_per_s" in done.stderr
