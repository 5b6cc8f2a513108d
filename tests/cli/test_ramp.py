"""``twin ramp`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.child import twin

PERIOD = ("--from", "2026-07-01", "--to", "2026-07-01T03:00")


def test_a_limit_that_is_not_kept_is_exit_code_1_and_the_page_is_there(tmp_path: Path):
    done = twin("ramp", "oklahoma-10", *PERIOD, "--limit-mw-min", "0.001", "--html", "r.html", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "VIOLATED   ramp over 1 min" in done.stdout
    assert done.stdout.endswith("page  r.html\n")
    assert "violated" in (tmp_path / "r.html").read_text()
    again = twin("ramp", "oklahoma-10", *PERIOD, "--html", "r.html", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")


def test_json_is_all_that_is_on_stdout(tmp_path: Path):
    done = twin("ramp", "oklahoma-10", *PERIOD, "--limit-mw-min", "20", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["violated"] is False
    assert told["page"] is None
    assert [row["window_s"] for row in told["steepest"]] == [60.0, 60.0, 300.0, 300.0]


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path):
    done = twin("ramp", "oklahoma-1", "--limit-mw-min", "0", "--stage-s", "-1", "--to", "2026-01-01", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "oklahoma-10"' in done.stderr
    assert "--limit-mw-min: 0 is out of range" in done.stderr
    assert "--stage-s: -1 s is out of range" in done.stderr
    assert "--to: an end needs a start: give --from as well" in done.stderr
