"""``twin fail`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.child import twin

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
    assert told["faults"] == ["okc/hall-1/cdu-02:sensor=1"]
    assert (told["racks"], told["racks_tripped"], told["racks_at_end"]) == (176, 0, 176)
    assert told["energy_residual_maximum"] < 1e-9


def test_everything_wrong_is_told_at_once_with_exit_code_2(tmp_path: Path):
    done = twin("fail", "oklahoma-10", "okc/hall-1/cdu-2", "okc/chw:pump", *AT, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "okc/hall-1/cdu-02"?' in done.stderr
    assert 'did you mean "pumps"?' in done.stderr
    span = twin("fail", "oklahoma-10", "okc/chw", "--for", "3days", "--at", "now", cwd=tmp_path)
    assert (span.returncode, span.stdout) == (2, "")


def test_every_fault_of_a_kind_is_told_worst_first(tmp_path: Path):
    done = twin("fail", "oklahoma-10", "--every", "cdu,pump", *AT, "--out", "all.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "11 single faults of cdu, pump, each for 120 s, worst first" in done.stdout
    assert "10 cases trip racks, 0 do nothing" in done.stdout
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 12
    told = json.loads(twin("fail", "oklahoma-10", "--every", "chiller", *AT, "--json", cwd=tmp_path).stdout)
    assert (told["cases"], told["rows"][0]["alike"], told["rows"][0]["racks_tripped"]) == (2, 2, 0)


def test_elements_and_every_are_one_of_the_two(tmp_path: Path):
    for asked in ((), ("okc/chw", "--every", "cdu")):
        done = twin("fail", "oklahoma-10", *asked, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "one of the two" in done.stderr
    done = twin("fail", "oklahoma-10", "--every", "cdu,pmup", "--out", "no/such/all.csv", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder" in done.stderr


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
