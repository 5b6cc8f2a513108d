"""``twin trace`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.child import twin


def test_it_tells_what_depends_on_an_element_what_feeds_it_and_what_it_feeds(tmp_path: Path):
    done = twin("trace", "oklahoma-10", "okc/hall-1/cdu-03", "--html", "t.html", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("okc/hall-1/cdu-03: CDU, 3.00 MW cdu-3mw, in okc/hall-1, since 2025-09-22\n")
    # 88 racks divided in order over five CDUs: the third has those from 36 to 52, 46 kW each.
    assert "17 racks (782 kW) lose liquid cooling" in done.stdout
    for heading in ("If it is lost", "Fed by, the nearest first", "Feeds"):
        assert f"\n{heading}\n" in done.stdout
    assert "okc/chw/rejection" in (tmp_path / "t.html").read_text()
    again = twin("trace", "oklahoma-10", "mv", "--html", "t.html", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr


def test_json_is_all_that_is_on_stdout(tmp_path: Path):
    done = twin("trace", "oklahoma-10", "plant", "okc/hall-2", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert [element["name"] for element in told["elements"]] == ["plant", "okc/hall-2"]
    assert told["elements"][0]["racks"]["alone"][0]["lose"] == ["liquid", "air"]
    assert told["page"] is None


def test_an_unknown_element_and_a_bad_page_are_told_at_once_with_exit_code_2(tmp_path: Path):
    done = twin("trace", "oklahoma-10", "okc/hal-1", "--html", "no/where.html", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'the site has no element "okc/hal-1"; did you mean "okc/hall-1"?' in done.stderr
    assert "there is no folder" in done.stderr
