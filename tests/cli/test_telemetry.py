"""``twin telemetry`` as a person or a script meets it."""

from __future__ import annotations

import json

from tests.cli.child import twin
from tests.telemetry.exchange import shared
from tests.telemetry.recorded import stream, written


def test_inspect_summarises_the_example(tmp_path):
    done = twin("telemetry", "inspect", shared("dsx_exemplar.csv"), cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4,711 messages on 311 topics" in done.stdout
    assert "dialect     dsx: 4,545 readings of 166 points; good 4,545" in done.stdout


def test_inspect_answers_in_json_and_needs_no_dialect(tmp_path):
    written(tmp_path / "recording", stream(100))
    done = twin("telemetry", "inspect", "recording", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["messages"], told["understood"]) == (100, None)


def test_everything_that_is_wrong_is_told_at_once(tmp_path):
    (tmp_path / "bad.csv").write_text("offset,topic,payload\nsoon,a,b\n")
    done = twin("telemetry", "inspect", "bad.csv", "--dialect", "dxs", "--epoch", "never", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'bad.csv:2: "soon" is no duration' in done.stderr
    assert '--dialect: "dxs" is not known, expected one of dsx, plain; did you mean "dsx"?' in done.stderr
    assert '--epoch: "never" is no date' in done.stderr
    done = twin("telemetry", "inspect", "nothing.mcap", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing.mcap: there is no such file or folder" in done.stderr
