"""``twin headroom`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.child import twin


def test_it_tells_the_room_of_every_element_what_binds_and_what_comes_second(tmp_path: Path):
    done = twin("headroom", "oklahoma-10", "--html", "h.html", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\nnot additive: a shared limit is counted in every element on it\n" in done.stdout
    assert "from percentiles of the hours of washington-dulles" in done.stdout
    for row in ("site oklahoma-10", "building okc", "loop okc/chw", "hall okc/hall-1"):
        assert f"\n  {row} " in done.stdout
    assert "binds at design\n" in done.stdout
    assert "second\n" in done.stdout
    # 88 racks of 46 kW divided over five CDUs, at most 18 on one.
    assert "okc/hall-2/cdu-01 (the fullest of 5 CDUs that stand alone): racks of 828 kW" in done.stdout
    # What the figures alone do not say.
    assert "so much IT has to go" in done.stdout
    (plant,) = (line for line in done.stdout.splitlines() if line.startswith("  plant  ") and "28." in line)
    assert plant.endswith("no load of these racks reaches it")
    assert "beyond stand more racks\n" in done.stdout
    assert "okc/hall-1" in (tmp_path / "h.html").read_text()
    again = twin("headroom", "oklahoma-10", "--html", "h.html", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr


def test_json_is_all_that_is_on_stdout(tmp_path: Path):
    names = ("okc/hall-1/cdu-03", "okc/chw/chillers", "plant")
    done = twin("headroom", "oklahoma-10", *names, "--load", "0.5", "--recirculation", "2", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert [(row["name"], row["role"], row["racks"]) for row in told["elements"]] == [
        ("okc/hall-1/cdu-03", "cdu", 17), ("okc/chw/chillers", "chillers", 176), ("plant", "element", 176)
    ]  # fmt: skip
    assert (told["additive"], told["load"], told["recirculation_k"], told["page"]) == (False, 0.5, 2.0, None)
    cdu = told["elements"][0]
    assert cdu["lost_with"] == [{"name": "okc/hall-1/cdu-03", "alike": 1, "rated_kw": 782.0}]
    assert {loss["loss"] for loss in cdu["losses"]} >= {"okc/chw/chillers", "okc/chw/rejection", "okc/hall-1/ups", "mv"}
    assert cdu["n_1"]["headroom_kw"] <= cdu["design"]["headroom_kw"]


def test_what_is_not_energised_yet_has_no_headroom(tmp_path: Path):
    done = twin("headroom", "oklahoma-10", "--at", "2025-10-15T12:00", "--json", cwd=tmp_path)
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)["elements"]}
    assert (rows["okc/hall-2"]["energised"], rows["okc/hall-2"]["present"]) == (False, None)
    assert rows["okc/hall-1"]["present"]["headroom_kw"] > 0.0
    shown = twin("headroom", "oklahoma-10", "--at", "2025-10-15T12:00", cwd=tmp_path)
    assert "not energised" in shown.stdout


def test_everything_that_is_wrong_is_told_at_once_with_exit_code_2(tmp_path: Path):
    done = twin(
        "headroom", "oklahoma-10", "okc/hal-1", "chat", "--at", "noon", "--load", "3", "--recirculation", "-1",
        "--weather", "dulles", "--html", "no/where.html", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert 'the site has no element "okc/hal-1"; did you mean "okc/hall-1"?' in done.stderr
    assert '"chat" carries no racks' in done.stderr
    for flag in ("--at", "--load: 3 is out of range", "--recirculation: -1 is out of range", "--weather"):
        assert flag in done.stderr
    assert "there is no folder" in done.stderr


def test_levels_are_the_rows_that_are_asked_for_and_transfers_a_column(tmp_path):
    done = twin("headroom", "oklahoma-10", "--level", "cdu,rack", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(done.stdout)["elements"]
    assert [row["role"] for row in rows] == ["cdu"] * 10 + ["rack"] * 10
    assert (rows[0]["name"], rows[0]["racks"]) == ("okc/hall-1/cdu-01", 18)
    assert (rows[10]["name"], rows[10]["racks"]) == ("cs3-x2 at okc/hall-1/cdu-01", 1)
    # One rack ends where its CDU does: all others are held.
    assert abs(rows[0]["present"]["headroom_kw"] - rows[10]["present"]["headroom_kw"]) < 1.0
    assert rows[0]["transient_ok"] is None
    done = twin("headroom", "oklahoma-10", "--level", "hall", "--transient", cwd=tmp_path)
    assert "transfer" in done.stdout
    assert "on the way there, with its N-1 headroom added" in done.stdout


def test_a_level_that_is_not_known_is_told(tmp_path):
    done = twin("headroom", "oklahoma-10", "--level", "hals", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'did you mean "hall"?' in done.stderr
    done = twin("headroom", "oklahoma-10", "okc/chw", "--level", "cdu", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "one of the two" in done.stderr
