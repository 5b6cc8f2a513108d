"""Faults of options: all at once, before any work, in the words of the command line, as JSON where asked for."""

from __future__ import annotations

import json

import pytest

from tests.cli.child import DAY, here, twin

PERIOD = ("--step", "2h", "--every", "48h", "--from", "2028-07-01", "--to", "2028-07-02", "--level", "room")
MANY = (*PERIOD, "--seed", "x", "--threads", "0", "--load", "chatt", "--weather", "tempa", "--out", "taken.zarr")
TOLD = [
    '--seed: "x" is no whole number, expected a whole number >= 0 and < 2^63',
    "--threads: 0 is out of range, expected a whole number >= 1",
    '--level: unknown level "room"; expected one of site, hall, cdu, rack',
    '--load: the site has no load "chatt"; did you mean "chat"?',
    '--weather: unknown weather "tempa"; did you mean "tampa"?',
    "--step: a step of 2 h is out of range, expected > 0 and <= 1 h",
    "--every: an output interval of 48 h is longer than the period of 24 h",
    "taken.zarr: is a file: choose another --out",
    "taken.html: is there already: choose another --out, or use --overwrite or --no-page",
]


def test_every_fault_is_told_at_once_and_nothing_is_compiled_or_written_for_it(tmp_path):
    place, cache = tmp_path / "place", tmp_path / "cache"
    place.mkdir()
    for name in ("taken.zarr", "taken.html"):
        (place / name).write_text("mine")
    done = twin("simulate", "oklahoma-10", *MANY, cwd=place, HALLTWIN_CACHE=str(cache))
    assert done.returncode == 2
    told = done.stderr.splitlines()
    assert [line[: len(start)] for line, start in zip(told, TOLD, strict=True)] == TOLD
    assert sorted(path.name for path in place.iterdir()) == ["taken.html", "taken.zarr"]
    assert list(cache.rglob("*.nb[ci]")) == []  # what Numba leaves of a compilation


def test_a_fault_of_the_site_hides_none_of_the_options(tmp_path):
    (tmp_path / "bad.yaml").write_text("base: oklahoma-10\nname: bad\nutc_offset_h: noon\n")
    done = twin("simulate", "bad.yaml", "--seed", "-1", "--step", "fast", cwd=tmp_path)
    assert done.returncode == 2
    site, seed, step = done.stderr.splitlines()
    assert site.startswith("bad.yaml:3:15: utc_offset_h: expected a number")
    assert seed.startswith("--seed: -1 is out of range")
    assert step.startswith('--step: "fast" is no length of time')


@pytest.mark.parametrize(
    ("arguments", "path", "message"),
    [
        (("simulate", "oklahoma-10", "--seed", "x"), "--seed", '"x" is no whole number'),
        (("simulate", "oklahoma-10", "--jsom"), "", "No such option: --jsom"),
        (("simulate",), "", "Missing argument"),
        (("simulat",), "", "No such command 'simulat'"),
        (("--versoin",), "", "No such option: --versoin"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_wrong_usage_is_json_where_json_is_asked_for(tmp_path, arguments, path, message):
    done = twin(*arguments, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "")
    told = json.loads(done.stdout)
    assert told["valid"] is False
    assert told["problems"][0]["path"] == path
    assert message in told["problems"][0]["message"]
    plain = twin(*arguments, cwd=tmp_path)
    assert (plain.returncode, plain.stdout) == (2, "")
    assert message in plain.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "1899-12-31"), '--from: "1899-12-31" is out of range, expected a year from 1900 to 2200'),
        (("--from", "2028-07-01", "--to", "2201-01-01"), '--to: "2201-01-01" is out of range'),
        (("--from", "9999-12-31"), '--from: "9999-12-31" is out of range'),
        (("--to", "2028-07-01"), "--to: an end needs a start: give --from as well"),
        (
            ("--from", "2028-07-02", "--to", "2028-07-01"),
            "--to: the period is empty: 2028-07-01T00:00:00Z is not later",
        ),
    ],
)
def test_a_period_that_cannot_be_is_told(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    done = here("simulate", "oklahoma-10", *words)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(message)
    assert list(tmp_path.iterdir()) == []


LIVE, EMULATE = ("live", "oklahoma-10", "--broker", "localhost"), ("emulate", "oklahoma-10")


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        ((*LIVE, "--every", "2000000h"), ["is out of range, expected a year from 1900 to 2200"]),
        ((*LIVE, "--every", "100000000000h"), ["3.6e+14 s is out of range, expected > 0 and no more than 301 years"]),
        ((*LIVE, "--at", "2200-12-31T12:00"), ["is out of range, expected a year from 1900 to 2200"]),
        ((*LIVE, "--option", "prefix=#"), ["prefix: the topic holds a wildcard or NUL"]),
        ((*LIVE, "--option", "prefx=a"), ["prefx: dsx has no such option"]),
        (
            (*LIVE, "--dialect", "influx", "--option", "prefx=a", "--option", "topic=a/#/b"),
            ['prefx: influx has no such option; did you mean "prefix"?', "topic: expected a topic, + for any level"],
        ),
        ((*EMULATE, "--for", "2000000h"), ["is out of range, expected a year from 1900 to 2200"]),
        ((*EMULATE, "--for", "100000000000h"), ["3.6e+14 s is out of range"]),
        ((*EMULATE, "--at", "2200-12-31T12:00"), ["is out of range, expected a year from 1900 to 2200"]),
    ],
)
def test_a_problem_is_of_the_option_that_was_given_whatever_it_is_called_further_down(words, messages):
    done = here(*words)
    assert done.exit_code == 2
    told = [line.partition(": ") for line in done.stderr.splitlines() if not line.startswith("compiling")]
    assert {option for option, _, _ in told} <= {word for word in words[2:] if word.startswith("--")}
    assert len(told) == len(messages)
    for (_, _, words_of_it), message in zip(told, messages, strict=True):
        assert message in words_of_it


def test_a_page_that_is_there_is_replaced_only_when_asked(tmp_path):
    run = ("simulate", "oklahoma-10", *DAY, "--level", "site", "--out", "a.zarr")
    page = tmp_path / "a.html"
    page.write_text("mine")
    refused = twin(*run, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == "a.html: is there already: choose another --out, or use --overwrite or --no-page\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]
    assert twin(*run, "--no-page", cwd=tmp_path).returncode == 0
    assert page.read_text() == "mine"
    assert twin(*run, "--resume", cwd=tmp_path).returncode == 0
    assert page.read_text().startswith("<!")
    page.write_text("mine")
    assert twin(*run, "--overwrite", cwd=tmp_path).returncode == 0
    assert page.read_text().startswith("<!")
