"""``twin curtail`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.analysis.test_curtail_points import SITE
from tests.cli.child import twin

EVENT = ("--at", "2028-07-12T18:00", "--for", "1h")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a site of two feeders."""
    path = tmp_path_factory.mktemp("feeders")
    (path / "feeders.yaml").write_text(SITE)
    return path


def test_a_feeder_is_held_and_the_record_is_on_stdout(folder):
    done = twin("curtail", "feeders.yaml", "--cap", "b=3.2MW", "--shed-latency-s", "300", *EVENT, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = (row for row in done.stdout.splitlines() if row.startswith("b  "))
    assert "for 3.20: compliant, after " in line
    assert "held for 0.92 of 0.92 h, 0 breaches" in line
    assert "fast: " in done.stdout
    assert "not touched; 0 % behind b" in done.stdout


def test_json_has_the_record_and_a_cap_that_cannot_be_held_is_exit_code_1(folder):
    done = twin("curtail", "feeders.yaml", "--cap", "hall-2=500kW", *EVENT, "--json", cwd=folder)
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert told["points"][0]["point"] == "okc/hall-2"
    assert told["points"][0]["target_mw"] == 0.5
    assert told["flex"]["feeds"]["okc/hall-2"]["compliant"] is False


def test_everything_that_is_wrong_is_told_at_once(folder):
    done = twin("curtail", "feeders.yaml", "--cap", "b=much", "--by", "half", "--for", "soon", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert '--cap: "b=much" is no cap, expected as b1/b1-h1=10MW' in done.stderr
    assert '--by: "half" is no share' in done.stderr
    assert "--for: " in done.stderr
    done = twin("curtail", "feeders.yaml", "--cap", "c=1MW", "--cap", "hall-3=1MW", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.count("--cap: there is no point") == 2
