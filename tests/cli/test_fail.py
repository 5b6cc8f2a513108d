"""``twin fail`` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

from tests.cli.child import TWIN, twin
from twin.cli.output import say_if_compiling
from twin.engine.faults import MODES

AT = ("--at", "2028-07-11T18:00", "--for", "2min")


def test_it_tells_who_trips_when_and_why_and_what_is_left(tmp_path: Path):
    done = twin("fail", "oklahoma-10", "okc/hall-1/cdu-02", *AT, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")  # racks trip
    assert done.stdout.startswith("oklahoma-10, 2028-07-11T18:00:00Z: okc/hall-1/cdu-02:pumps\n")
    assert "s  18 x cs3-x2: trip by low_flow, at okc/hall-1/cdu-02" in done.stdout
    assert "racks that run                     176             158             158" in done.stdout
    assert "not validated" in done.stdout


def test_what_no_rack_minds_is_no_violation_and_json_is_all_that_is_on_stdout(tmp_path: Path):
    done = twin("fail", "oklahoma-10", "okc/hall-1/cdu-02:sensor=1", *AT, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["faults"] == ["okc/hall-1/cdu-02:sensor=1K"]
    assert (told["racks"], told["racks_tripped"], told["racks_at_end"]) == (176, 0, 176)
    assert told["energy_residual_maximum"] < 1e-9


def test_a_terminal_sees_how_far_it_is(tmp_path: Path):
    ours, theirs = pty.openpty()
    asked = [*TWIN, "fail", "oklahoma-10", "okc/hall-1/cdu-02:sensor=1", *AT, "--json"]
    env = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(asked, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert json.loads(done.stdout)["racks_tripped"] == 0
    assert re.fullmatch(r"(\r +\d+ %[^\r]*)*\r100 %[^\r]*\r\n", shown)


def test_everything_wrong_is_told_at_once_with_exit_code_2(tmp_path: Path):
    done = twin("fail", "oklahoma-10", "okc/hall-1/cdu-2", "okc/chw:pump", *AT, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "okc/hall-1/cdu-02"?' in done.stderr
    assert 'did you mean "pumps"?' in done.stderr
    assert "ELEMENT: nothing" in done.stderr
    span = twin("fail", "oklahoma-10", "okc/chw", "--for", "3days", "--at", "now", cwd=tmp_path)
    assert (span.returncode, span.stdout) == (2, "")


def test_every_fault_of_a_kind_is_told_worst_first(tmp_path: Path):
    done = twin("fail", "oklahoma-10", "--every", "cdu,pump", *AT, "--out", "all.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "11 single faults of cdu, pump, each for 120 s, worst first" in done.stdout
    assert "10 cases trip racks, 0 take no rack" in done.stdout
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 12
    told = json.loads(twin("fail", "oklahoma-10", "--every", "chiller", *AT, "--json", cwd=tmp_path).stdout)
    assert (told["cases"], told["rows"][0]["alike"], told["rows"][0]["racks_tripped"]) == (2, 2, 0)


def test_elements_and_every_are_one_of_the_two(tmp_path: Path):
    for asked in (("okc/chw",), ("--scenario", "heat-wave")):
        done = twin("fail", "oklahoma-10", *asked, "--every", "cdu", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "one after the other" in done.stderr
    done = twin("fail", "oklahoma-10", "--every", "cdu:control", "--for", "1min", cwd=tmp_path)
    assert (done.returncode, "10 single faults of cdu:control" in done.stdout) == (0, True)
    done = twin("fail", "oklahoma-10", "--every", "cdu,pmup", "--out", "no/such/all.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder" in done.stderr


def test_a_table_that_cannot_be_written_and_a_mode_that_no_cdu_has_are_bad_input(tmp_path: Path):
    asked = ("fail", "oklahoma-10", *AT, "--every")
    done = twin(*asked, "cdu", "--out", "/dev/full", "--overwrite", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    done = twin(*asked, "cdu:pumps=1", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "okc/hall-1/cdu-01 takes no amount" in line
    assert "(and 9 more of them)" in line
    done = twin(*asked, "", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'no kind is called ""' in done.stderr


def test_bands_are_told_of_one_loss(tmp_path: Path):
    asked = ("fail", "oklahoma-10", "okc/hall-1/cdu-02", "--bands", "--samples", "8", *AT)
    done = twin(*asked, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "closed form over 8 samples" in done.stdout
    assert "prior, not validated" in done.stdout
    told = json.loads(twin(*asked, "--json", cwd=tmp_path).stdout)
    assert told["times"]["trip_s"]["p10"] < told["times"]["trip_s"]["p90"]
    done = twin("fail", "oklahoma-10", "okc/hall-1/cdu-02", "--bands", "--repair", "1min", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "stays broken" in done.stderr


def test_a_scenario_goes_with_elements_and_its_page_is_told(tmp_path: Path):
    page = tmp_path / "f.html"
    scenario = ("--scenario", "loss-of-utility", "--for", "2min", "--html", str(page))
    done = twin("fail", "oklahoma-10", "okc/hall-1/cdu-02:valve=10%", *scenario, cwd=tmp_path)
    assert done.stderr == ""
    first, second, *rest = done.stdout.splitlines()
    assert first.endswith("Z: Loss of utility for 20 minutes in the warmest hour")
    assert second.startswith("source: NFPA 110")
    text = "\n".join(rest)
    for words in (
        "0.0 s  grid:outage=60s fails", "0.0 s  okc/hall-1/cdu-02:valve=10% fails", "drawn, MW",
        "60.0 s  facility pumps run again", "80.0 s  condenser pumps and fans run again",
    ):  # fmt: skip
        assert words in text
    assert text.endswith(f"page  {page}")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    again = twin("fail", "oklahoma-10", *scenario, cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert "--overwrite" in again.stderr


def test_a_faulty_scenario_is_told_with_what_else_is_wrong(tmp_path: Path):
    (tmp_path / "s.yaml").write_text(
        "format: 1\ntitle: wrong\nsource: a test\nfaults:\n  - {element: okc/chw, mod: pumps}\n  - {role: cdu}\n"
    )
    both = twin("fail", "oklahoma-10", "okc/hall-1/cdu-2", "--scenario", "s.yaml", *AT, cwd=tmp_path)
    assert (both.returncode, both.stdout) == (2, "")
    assert 's.yaml:5:24: faults.0.mod: unknown key "mod"; did you mean "mode"?' in both.stderr
    assert 'ELEMENT: nothing that can break is called "okc/hall-1/cdu-2"' in both.stderr
    wrong = twin("fail", "oklahoma-10", "--scenario", "s.yaml", "--for", "soon", "--json", cwd=tmp_path)
    assert wrong.returncode == 2
    problems = json.loads(wrong.stdout)["problems"]
    assert [(p["file"], p["line"]) for p in problems] == [(None, None), ("s.yaml", 5)]
    none = twin("fail", "oklahoma-10", *AT, cwd=tmp_path)
    assert (none.returncode, none.stderr) == (2, "nothing happens: expected an ELEMENT or --scenario\n")


def test_a_campus_is_told_in_a_screen_and_json_has_every_group(tmp_path: Path):
    asked = ("fail", "prairie-750", "--scenario", "loss-of-utility", "--for", "3min")
    shown, told = twin(*asked, cwd=tmp_path), twin(*asked, "--json", cwd=tmp_path)
    assert len(shown.stdout.splitlines()) < 45
    assert "halls" in shown.stdout
    found = json.loads(told.stdout)
    assert shown.returncode == told.returncode == (1 if found["racks_tripped"] else 0)
    assert found["scenario"] == "loss-of-utility"
    assert len(found["timeline"]) > 100
    assert all({"s", "what"} <= set(row) for row in found["timeline"])


def test_the_schema_of_a_scenario_is_the_shipped_one(tmp_path: Path):
    shipped = Path(__file__).resolve().parents[2] / "sites" / "scenario.schema.json"
    assert twin("site", "schema", "--scenario", cwd=tmp_path).stdout == shipped.read_text(encoding="utf-8")


def test_help_knows_every_mode(tmp_path: Path):
    told = twin("fail", "--help", cwd=tmp_path, COLUMNS="200").stdout
    assert {mode for modes in MODES.values() for mode in modes} <= set(re.findall(r"[a-z]+", told))


def test_a_length_that_is_too_long_is_told_by_the_name_of_its_option(tmp_path: Path):
    done = twin("fail", "oklahoma-10", "okc/chw", "--for", "2d", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--for: 172800 s")


def test_the_first_run_says_that_it_compiles(monkeypatch, capsys):
    monkeypatch.setattr("twin.core.jit.is_compiled", lambda: False)
    say_if_compiling()
    assert capsys.readouterr() == ("", "compiling the kernels once, about 20 s\n")
