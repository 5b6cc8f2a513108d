"""``twin convert`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.child import twin

ASKED = ("convert", "prairie-750", "--hall", "b1/b1-h1", "--to", "gpt-oss-120b-cs3")


def test_it_prints_before_and_after(tmp_path: Path):
    done = twin(*ASKED, "--samples", "0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "before" in done.stdout.splitlines()[3]
    assert "tokens/s per system that decodes" in done.stdout
    assert "Hall b1/b1-h1" in done.stdout


def test_json_is_all_that_is_on_stdout(tmp_path: Path):
    done = twin(*ASKED, "--samples", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    power = next(row for row in told["rows"] if row["figure"] == "power_kw")
    assert set(power["before"]) == {"value", "p10", "p50", "p90"}


def test_every_fault_is_told_in_the_words_of_the_command(tmp_path: Path):
    done = twin("convert", "prairie-750", "--hall", "b1/b1", "--to", "gpt-oss", "--at", "x", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    for said in ("--hall: ", "--to: ", "--at: "):
        assert said in done.stderr
