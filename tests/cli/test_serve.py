"""``twin serve`` as a person or a script meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cli.child import twin
from twin.cli.main import app

HOUR = ("--from", "2024-07-01", "--to", "2024-07-01T06:00")
PRAIRIE = ("--from", "2028-07-11", "--to", "2028-07-11T02:00")
TRACE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["serve", *(str(a) for a in arguments)])


def test_what_is_served_is_shown_by_pool_and_class(tmp_path):
    shown = twin("serve", "azure-dgx", *HOUR, cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    for part in ("five", "forty", "conversation-40", "TTFT p50/p90/p99 s", "J/token", "Every promise is kept."):
        assert part in shown.stdout
    assert not any(line.endswith(" ") for line in shown.stdout.splitlines())
    assert list(tmp_path.iterdir()) == []


def test_half_of_what_is_energised_is_half_of_the_capacity():
    """The capacity that ``site validate`` shows comes from another calculation."""
    told = json.loads(call("azure-dgx", "--load", "0.5", *HOUR, "--json").stdout)
    checked = CliRunner().invoke(app, ["site", "validate", "azure-dgx", "--json"])
    services = json.loads(checked.stdout)["services"]
    for row in told["streams"]:
        assert row["offered_s"] == pytest.approx(0.5 * services[row["service"]]["requests_s"], rel=0.02)
        assert row["served_s"] == pytest.approx(row["offered_s"], rel=0.01)
        assert row["tokens_s"] == pytest.approx(211.1 * row["served_s"], rel=0.01)  # mean output of the trace
        assert row["ttft_s"]["p50"] < row["ttft_s"]["p90"] < row["ttft_s"]["p99"]
    assert told["kept"]
    pool = told["pools"][0]
    assert pool["halls"] == ["az/five"]
    assert pool["power_mean_kw"] / 5 < 10.2


def test_more_than_can_be_served_is_exit_code_1_and_says_what_binds():
    done = call("azure-dgx", "--load", "1.3", *HOUR, "--service", "five", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [row["pool"] for row in told["pools"]] == ["five"]
    assert told["pools"][0]["bound"] == {"decode": 6.0}
    (row,) = told["streams"]
    assert row["growing"]
    assert not row["kept"]
    assert row["served_s"] < 0.8 * row["offered_s"]
    assert "the queue grows" in call("azure-dgx", "--load", "1.3", *HOUR).stdout


def test_every_fault_is_told_at_once():
    done = call("azure-dgx", "--load", "2", "--load", "conversation=1", "--service", "fife", "--hall", "az/forti")
    assert done.exit_code == 2
    for words in ("2 is out of range", 'no class is called "conversation"', 'did you mean "five"?',
                  'did you mean "az/forty"?'):  # fmt: skip
        assert words in done.stderr
    assert "--load" in done.stderr


def test_a_hall_shows_the_services_that_it_has_systems_of():
    told = json.loads(call("azure-dgx", *HOUR, "--hall", "az/forty", "--json").stdout)
    assert [row["class"] for row in told["streams"]] == ["conversation-40"]


def test_a_trace_is_replayed_without_a_run(tmp_path):
    """A request a second of 1,000 tokens in and 100 out: 100 tokens/s, 9.5 s of decoding at batch 1 or 2."""
    rows = (f"2024-07-01 00:{n // 60:02d}:{n % 60:02d}.5000000,1000,100\n" for n in range(1200))
    (tmp_path / "trace.csv").write_text(TRACE + "".join(rows))
    done = call("azure-dgx", "--load", tmp_path / "trace.csv", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told["requests"] == 1200
    five, forty = told["services"]
    assert (five["replicas"], forty["replicas"]) == (5, 40)
    assert five["tokens_s"] == pytest.approx(100.0, rel=0.01)
    # Splitwise: 77.9 ms for 1,024 tokens, 30.6 ms a step at batch 1.
    assert five["ttft_s"]["p50"] == pytest.approx(0.077, rel=0.1)
    assert five["tbt_s"]["mean"] == pytest.approx(0.0306 * 0.99, rel=0.05)
    assert five["e2e_mean_s"] == pytest.approx(0.077 + 99 * 0.0306, rel=0.05)
    assert five["joule_per_token"] == pytest.approx(1e3 * five["power_mean_kw"] / five["tokens_s"], rel=1e-3)
    assert five["bound"] == {}
    assert five["promises"]["conversation-5"]["kept"]


def test_a_trace_that_is_too_much_says_so(tmp_path):
    rows = (f"2024-07-01 00:00:{n // 200:02d}.{n % 200 * 5:03d}0000,1000,400\n" for n in range(8000))
    (tmp_path / "trace.csv").write_text(TRACE + "".join(rows))
    done = call("azure-dgx", "--load", tmp_path / "trace.csv", "--service", "five")
    assert done.exit_code == 1
    assert "BROKEN" in done.stdout
    assert "prefill in" in done.stdout
    assert "decode in" in done.stdout


def test_a_trace_is_for_services_that_do_both(tmp_path):
    (tmp_path / "trace.csv").write_text(TRACE + "2024-07-01 00:00:00.5,10,10\n2024-07-01 00:00:01.5,10,10\n")
    done = call("prairie-750", "--load", tmp_path / "trace.csv", "--service", "split-search")
    assert done.exit_code == 2
    assert "split-search: a trace is replayed by services" in done.stderr


def test_tasks_are_shown_where_a_class_makes_several_requests_of_one():
    done = call("prairie-750", *PRAIRIE, "--service", "wafer-agents")
    told = json.loads(call("prairie-750", *PRAIRIE, "--service", "wafer-agents", "--json").stdout)
    (row,) = [row for row in told["classes"] if row["class"] == "agents"]
    assert row["tasks_s"] == pytest.approx(row["served_s"] / 10.0)
    assert row["task_s"] > 10.0 * row["ttft_s"]["p50"]
    assert "time of a task s" in done.stdout
    assert "tools between them is not known" in done.stdout
    assert "time of a task" not in call("azure-dgx", *HOUR).stdout
