"""``twin load`` as people and scripts call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from twin.cli.main import app

HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens"
# A request a second, but every seventh of them twenty seconds early: uneven, and in order.
TIMES = sorted(i - 20 * (i % 7 == 0 and i > 20) for i in range(600))
ROWS = [f"2024-01-01 00:{t // 60:02d}:{t % 60:02d}.{i:03d},{100 + i},{i % 7}" for i, t in enumerate(TIMES)]


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.csv"
    path.write_text("\n".join([HEAD, *ROWS]) + "\n")
    return path


def test_a_trace_is_summarised_in_words(trace):
    result = call("load", "show", trace)
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = dict(line.split("  ", 1) for line in result.stdout.split("\n\n")[0].splitlines())
    lines = {key: value.strip() for key, value in lines.items()}
    assert lines["format"] == "azure"
    assert lines["requests"] == "600"
    assert lines["start"] == "2024-01-01T00:00:00 (not stated)"


def test_a_trace_is_summarised_as_json(trace):
    result = call("load", "show", trace, "--json", "--every", "1min")
    found = json.loads(result.stdout)
    assert (found["requests"], found["bin_s"], found["prefix_hit_share"]) == (600, 60.0, None)
    assert len(found["input_tokens"]["grid"]) == 32
    assert sum(found["curve"]["rps"]) / len(found["curve"]["rps"]) == pytest.approx(1.0, abs=0.01)


def test_a_page_opens_offline_and_is_the_same_for_the_same_trace(trace, tmp_path):
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    assert call("load", "show", trace, "--html", one).exit_code == 0
    assert call("load", "show", trace, "--html", other).exit_code == 0
    assert one.read_bytes() == other.read_bytes()
    for title in ("Request rate", "Token lengths", "Burstiness"):
        assert title in one.read_text()
    again = call("load", "show", trace, "--html", one)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert call("load", "show", trace, "--html", one, "--overwrite").exit_code == 0


def test_a_page_escapes_what_comes_from_the_file(tmp_path):
    path = tmp_path / "<b>bold<script>.csv"
    path.write_text("\n".join([HEAD, *ROWS, ROWS[-1]]) + "\n")
    page = tmp_path / "p.html"
    assert call("load", "show", path, "--html", page).exit_code == 0
    assert "<b>bold" not in page.read_text()


def test_a_trace_becomes_a_plain_one_and_back(trace, tmp_path):
    out = tmp_path / "plain.csv"
    result = call("load", "convert", trace, out)
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    head = out.read_text().splitlines()[:4]
    assert head == [
        "# from: azure, trace.csv", "# start: 2024-01-01T00:00:00", "arrival_s,input_tokens,output_tokens", "0,100,0",
    ]  # fmt: skip
    one, other = (json.loads(call("load", "show", path, "--json").stdout) for path in (trace, out))
    for key in ("start", "zone", "requests", "mean_rps", "gap_cv", "fano", "input_tokens", "output_tokens", "curve"):
        assert one[key] == other[key], key


def test_a_rate_is_written_and_read(trace, tmp_path):
    out = tmp_path / "rate.csv"
    assert call("load", "convert", trace, out, "--every", "2min").exit_code == 0
    found = json.loads(call("load", "show", out, "--json").stdout)
    assert (found["kind"], found["gaps"], found["start"]) == ("rate", 0, "2024-01-01T00:00:00")
    assert found["requests"] == pytest.approx(600)


def test_nothing_is_left_of_a_trace_with_faults(trace, tmp_path):
    trace.write_text("\n".join([HEAD, *ROWS, "2024-01-01 01:00:00,-1,2"]) + "\n")
    out = tmp_path / "out" / "plain.csv"
    out.parent.mkdir()
    result = call("load", "convert", trace, out)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{trace}:602:21: ContextTokens: expected a whole number of tokens")
    assert list(out.parent.iterdir()) == []
    out.write_text("mine")
    assert "--overwrite" in call("load", "convert", trace, out).stderr
    assert out.read_text() == "mine"
    assert "over itself" in call("load", "convert", trace, trace, "--overwrite").stderr


def test_faults_go_to_stdout_as_json(trace):
    trace.write_text(f"{HEAD}\n2024-01-01 00:00:00,1\n")
    result = call("load", "show", trace, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"][0]["line"] == 2


def test_a_width_that_is_no_time_is_told(trace):
    assert "no length of time" in call("load", "show", trace, "--every", "often").stderr
    assert "whole number of seconds" in call("load", "show", trace, "--every", "0.5s").stderr


def test_unsorted_requests_are_sorted_when_asked(trace):
    trace.write_text("\n".join([HEAD, *reversed(ROWS)]) + "\n")
    result = call("load", "show", trace)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 21
    assert result.stderr.splitlines()[-1].endswith("and 579 more")
    assert call("load", "show", trace, "--sort").exit_code == 0
