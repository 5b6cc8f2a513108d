"""The table itself: verdicts, what README.md shows of it, and data of the user's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracles import readme
from tests.oracles.rows import BASES, NotRun, Row, closing, document, text
from tests.readme_block import ROOT, block_of, write


def made(case: str = "I01", got: float = 100.0, basis: str = "predicted", what: str = "power, W", **more) -> Row:
    return Row(case, what, 100.0, got, 0.05, True, "this test", basis, **more)


def test_a_row_holds_within_its_tolerance_and_a_nan_never():
    assert made(got=104.9).verdict == "ok"
    assert made(got=105.1).verdict == "FAILED"
    assert made(got=float("nan")).verdict == "FAILED"
    assert made(got=104.0, recorded=True).verdict == "recorded"


def test_a_control_must_fail():
    assert made(got=130.0, basis="control").verdict == "fails, as it must"
    assert made(got=101.0, basis="control").verdict == "FAILED"
    assert made(got=float("nan"), basis="control").verdict == "FAILED"


def test_a_known_gap_is_shown_as_missed_and_must_go_when_it_is_closed():
    missed = made(got=80.0, gap="why")
    assert missed.verdict == "MISSED"
    assert missed.as_it_should
    assert missed.cells()[-1] == "this test; why"
    assert made(got=100.0, gap="why").verdict == "FAILED"


def test_a_basis_is_one_of_the_closed_set():
    with pytest.raises(ValueError, match="basis 'guessed': expected one of fitted, predicted"):
        made(basis="guessed")


def test_the_printed_table_has_a_column_for_the_basis_and_counts_verdicts():
    rows = [made(), made(got=130.0, basis="control", what="control: W"), made("I02", 80.0, gap="why")]
    head, first, *_ = text(rows)
    assert head.split() == ["case", "what", "expected", "got", "error", "tolerance", "basis", "verdict", "source"]
    assert "+30.0 %" in first
    assert closing(rows) == "3 rows, 0 out of tolerance, 1 missed and told, 1 controls that fail"


def full() -> tuple[list[Row], list[NotRun]]:
    """A row of every case but I12, which was not run, and two of physics."""
    rows = [made(case) for case in readme.CASES if case != "I12"]
    rows += [made(got=96.0), made(basis="fitted"), made(got=60.0, gap="why", what="other, W")]
    rows += [made(got=0.0, basis="control", what="none: W"), made(got=90.0, basis="control", what="none: W, again")]
    rows += [Row("V08", "exchanger", 1.0, 1.0, 1e-7, False, "ht, exact series", "checked")]
    rows += [Row("V31", "defect", 0.0, 5e-12, 1e-11, False, "maximum principle", "checked")]
    return rows, [NotRun("I12", "stability", "data not redistributable")]


def test_the_readme_shows_the_widest_row_of_a_basis_the_mildest_control_and_every_miss():
    lines = readme.markdown(document(*full())).splitlines()
    assert [line for line in lines if line.startswith("| I01 ")] == [
        "| I01 | power, W | 100 | 100 | 5 % | fitted | ok |",
        "| I01 | power, W (widest of 2) | 100 | 96 | 5 % | predicted | ok |",
        "| I01 | other, W | 100 | 60 | 5 % | predicted | MISSED |",
        "| I01 | none: W, again (mildest of 2) | 100 | 90 | 5 % | control | fails, as it must |",
    ]
    assert "| I12 | stability |  |  |  |  | not run: data not redistributable |" in lines
    assert "| ht | V08 | 1 | V08 exchanger | 0 |" in lines
    assert lines[-1] == f"| {readme.REST} | V31 | 1 | V31 defect | 0.5 |"


def test_a_case_without_rows_keeps_the_readme_as_it_is(tmp_path, capsys):
    rows, absent = full()
    (tmp_path / "build").mkdir()
    found = document([row for row in rows if row.case != "I06"], absent)
    (tmp_path / "build" / "validate.json").write_text(json.dumps(found))
    page = tmp_path / "README.md"
    page.write_text("<!-- validate -->\nold\n<!-- /validate -->\n")
    assert write("validate", "make validate", readme.markdown, tmp_path) == 2
    assert page.read_text() == "<!-- validate -->\nold\n<!-- /validate -->\n"
    assert "no row of I06" in capsys.readouterr().err


def test_the_readme_of_the_project_shows_every_case_as_the_script_writes_it():
    serving, physics = (
        part.splitlines() for part in block_of((ROOT / "README.md").read_text(), "validate").split("\n\n")
    )
    assert serving[:2] == readme.table(readme.HEAD, [])
    assert physics[:2] == readme.table(readme.ORACLE_HEAD, [])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in serving[2:]]
    assert {row[0] for row in cells} >= set(readme.CASES)
    assert {len(row) for row in cells} == {len(readme.HEAD)}
    for *_, basis, verdict in cells:
        if verdict.startswith("not run: "):
            assert basis == ""
        else:
            assert basis in BASES
            assert verdict in {"ok", "recorded", "MISSED", "fails, as it must"}
            assert (basis == "control") == (verdict == "fails, as it must")
    controls = {(row[0], row[1].split(":")[0]) for row in cells if row[5] == "control"}
    assert controls == {(case, "utilisation x TDP") for case in ("I01", "I03", "I04", "I08")} | {
        (case, "constant mean power") for case in ("I03", "I10")
    }


def test_data_of_the_users_own_come_by_their_path(tmp_path: Path):
    """A run of its own: with a CSV of stability limits I12 is a row, I05 stays "not run"."""
    limits, out = tmp_path / "limits.csv", tmp_path / "validate.json"
    limits.write_text("kv_tokens,step_s,input,output,output_square,rate\n105500,0.1,100,10,100,1050\n")
    mine = ["--kv-stability", str(limits), "--validate-json", str(out), "-k", "stability_limits_of_vllm or i05"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "tests/oracles"]
    done = subprocess.run([*command, *mine], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    found = json.loads(out.read_text())
    (row,) = [Row(**fields) for fields in found["rows"]]
    assert row.got == pytest.approx(1000.0)
    assert (row.case, row.basis, row.verdict) == ("I12", "predicted", "ok")
    assert [gone["case"] for gone in found["not_run"]] == ["I05"]
    assert "one batch left out of 94 configurations" in done.stdout
    assert "not run: data not redistributable" in done.stdout
