"""Readers of recorded requests: figures of the recordings, and what each format means."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from tests.forcing.recordings import AZURE, CONVERSATION, HEAD, LARGE, MID, SYNTHETIC, recording
from twin.core.errors import InputError
from twin.forcing.traces.format import formats
from twin.forcing.traces.read import read_curve, read_trace, summarise

BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_every_format_is_found_by_its_file():
    assert list(formats()) == ["azure", "burstgpt", "mooncake", "plain", "servegen"]


def test_the_azure_hour_is_what_its_readers_say():
    """Figures of the data's README; times and tokens against the csv module and datetime."""
    path = recording(AZURE)
    found, trace = summarise(path), read_trace(path, spread=False)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    moments = [datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in rows]
    seconds = [(moment - moments[0]).total_seconds() for moment in moments]
    assert found.requests == len(rows) == 19_366
    assert trace.arrival_s == pytest.approx(np.array(seconds), abs=1.1e-6)
    assert trace.input_tokens.tolist() == [int(row["ContextTokens"]) for row in rows]
    assert trace.output_tokens.tolist() == [int(row["GeneratedTokens"]) for row in rows]
    assert found.start == "2023-11-16T18:15:46.68059"
    assert found.zone == "not stated"
    assert found.mean_rps == pytest.approx(5.5, abs=0.05)
    assert found.input_tokens is not None
    assert found.output_tokens is not None
    assert (round(found.input_tokens.mean), found.input_tokens.p50, found.input_tokens.p99) == (1155, 1020, 4142)
    assert (round(found.output_tokens.mean), found.output_tokens.p99) == (211, 601)
    gaps = np.diff(seconds)
    assert found.gap_cv == pytest.approx(gaps.std() / gaps.mean(), rel=1e-4)
    assert found.gap_cv == pytest.approx(1.1, abs=0.05)
    counts = np.bincount(np.floor(trace.arrival_s).astype(int))
    assert found.fano == pytest.approx(counts.var(ddof=1) / counts.mean(), rel=1e-9)
    assert found.fano == pytest.approx(1.4, abs=0.05)
    assert found.peak_rps == counts.max()


def test_a_last_request_in_a_part_of_a_second_is_no_burst(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("arrival_s,input_tokens,output_tokens\n0,10,20\n39.1,10,25\n")
    found = summarise(path)
    assert (found.peak_rps, found.bin_s) == (1.0, 1.0)


def test_a_grid_is_the_inverse_of_the_distribution_and_its_parts_keep_the_mean():
    path = recording(AZURE)
    found, trace = summarise(path).input_tokens, read_trace(path)
    assert found is not None
    middle = (np.arange(32) + 0.5) / 32
    expected = np.quantile(trace.input_tokens, middle, method="inverted_cdf")
    assert found.grid == tuple(expected.tolist())
    assert np.mean(found.parts) == pytest.approx(trace.input_tokens.mean(), rel=1e-12)
    ordered = np.sort(trace.input_tokens)
    assert found.parts[-1] == pytest.approx(ordered[-19_366 // 32 + 1 :].mean(), rel=2e-3)


@pytest.mark.parametrize(("name", "share"), [(CONVERSATION, 0.37), (SYNTHETIC, 0.64)])
def test_the_prefix_hits_are_the_blocks_that_came_before(name, share):
    path = recording(name)
    seen: set[int] = set()
    hits = total = 0
    for line in path.read_text().splitlines():
        for block in json.loads(line)["hash_ids"]:
            hits += block in seen
            total += 1
            seen.add(block)
    found = summarise(path).prefix_hit_share
    assert found == pytest.approx(hits / total, rel=1e-12)
    assert found == pytest.approx(share, abs=0.005)


def test_a_tick_of_three_seconds_is_found_and_arrivals_are_spread_over_it():
    path = recording(CONVERSATION)
    found, raw, spread = summarise(path), read_trace(path, spread=False), read_trace(path, seed=3)
    assert found.tick_s == pytest.approx(3.0, abs=0.005)
    assert found.tied_share > 0.99
    assert len(np.unique(raw.arrival_s)) < 1200
    assert len(np.unique(spread.arrival_s)) == len(spread)
    assert (np.diff(spread.arrival_s) >= 0).all()
    assert ((spread.arrival_s - raw.arrival_s) >= 0).all()
    assert (spread.arrival_s - raw.arrival_s).max() < found.tick_s
    # The expectation in closed form against what one spreading gives.
    gaps = np.diff(spread.arrival_s)
    counts = np.bincount(np.floor(spread.arrival_s).astype(int))
    assert found.gap_cv == pytest.approx(gaps.std() / gaps.mean(), rel=0.03)
    assert found.fano == pytest.approx(counts.var(ddof=1) / counts.mean(), rel=0.06)


def test_a_rate_curve_is_read_with_its_mean_and_peak():
    found = summarise(recording(LARGE))
    assert (found.kind, found.gaps, found.span_s) == ("rate", 0, 14 * 86_400)
    assert found.mean_rps == pytest.approx(195.8, abs=0.05)
    assert found.peak_rps == pytest.approx(583.0, abs=0.05)


def test_zero_rows_of_a_rate_curve_are_gaps_and_never_zero_demand():
    path = recording(MID)
    found, filled = summarise(path), summarise(path, fill=True)
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    known = rows[:, 1] > 0
    assert found.gaps == 84 == (~known).sum()
    assert found.mean_rps == pytest.approx(rows[known, 1].mean(), rel=1e-12)
    assert np.isnan(found.curve.rps).sum() == 84
    assert "84 rows of zero requests/s are gaps" in found.warnings[0].message
    assert found.warnings[0].line == int(np.flatnonzero(~known)[0]) + 2
    assert filled.curve.rps.min() > 0
    middle = rows[:, 0] + 300.0
    assert filled.curve.rps == pytest.approx(np.interp(middle, middle[known], rows[known, 1]), rel=1e-12)


def test_a_failed_request_is_counted_and_in_no_other_figure(tmp_path):
    rows = ["5,ChatGPT,100,20,120,Conversation log", "5,GPT-4,30,0,30,API log", "9,ChatGPT,50,10,60,Conversation log"]
    found = summarise(write(tmp_path / "b.csv", BURST, *rows))
    assert (found.format, found.requests, found.failed) == ("burstgpt", 2, 1)
    assert found.input_tokens is not None
    assert found.input_tokens.mean == 75.0


def test_the_columns_that_only_some_of_the_files_have_change_nothing(tmp_path):
    short = write(tmp_path / "a.csv", BURST, "0,A,1,2,3,x", "4,A,3,4,7,x")
    names = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"
    long = write(tmp_path / "b.csv", names, "0,7,0.5,A,1,2,3,x", "4,8,0.25,A,3,4,7,x")
    one, other = read_trace(short), read_trace(long)
    assert one.arrival_s.tolist() == other.arrival_s.tolist() == [0.0, 4.0]
    assert one.output_tokens.tolist() == other.output_tokens.tolist() == [2, 4]


def test_equal_times_are_legal_and_equal_rows_are_told(tmp_path):
    rows = ["2024-01-01 00:00:00,5,6", "2024-01-01 00:00:00,5,7", "2024-01-01 00:00:00,5,6", "2024-01-01 00:00:02,5,6"]
    found = summarise(write(tmp_path / "a.csv", HEAD, *rows))
    assert (found.requests, found.duplicates, found.tick_s) == (4, 1, 2.0)
    assert [str(w) for w in found.warnings] == [
        f"{tmp_path / 'a.csv'}:4: warning: 1 row is the same as an earlier row of the same time"
    ]


def test_sorting_gives_the_trace_that_was_shuffled(tmp_path):
    rng = np.random.default_rng(1)
    seconds = np.sort(rng.integers(0, 400, 5000)) / 4
    rows = [
        f"{t},{i},{o}" for t, i, o in zip(seconds, rng.integers(0, 99, 5000), rng.integers(0, 99, 5000), strict=True)
    ]
    head = "arrival_s,input_tokens,output_tokens"
    whole = write(tmp_path / "a.csv", head, *rows)
    mixed = write(tmp_path / "b.csv", head, *rng.permutation(rows).tolist())
    one, other = summarise(whole), summarise(mixed, sort=True)
    for name in ("requests", "span_s", "tick_s", "gap_cv", "fano", "duplicates", "input_tokens", "output_tokens"):
        before, after = getattr(one, name), getattr(other, name)
        assert after == (pytest.approx(before) if isinstance(before, float) else before), name
    assert one.curve.rps.tolist() == other.curve.rps.tolist()
    with pytest.raises(InputError, match="--sort sorts"):
        summarise(mixed)


def test_a_time_with_a_zone_is_the_same_instant_without(tmp_path):
    plain = write(tmp_path / "a.csv", HEAD, "2024-01-01 12:00:00.5,1,1", "2024-01-01 12:00:01,1,1")
    zoned = write(tmp_path / "b.csv", HEAD, "2024-01-01T14:00:00.5+02:00,1,1", "2024-01-01T14:00:01+02:00,1,1")
    one, other = summarise(plain), summarise(zoned)
    assert one.start == other.start == "2024-01-01T12:00:00.5"
    assert (one.zone, other.zone) == ("not stated", "UTC+02:00")


def test_a_curve_of_requests_has_all_of_them(tmp_path):
    path = recording(AZURE)
    for every in (1, 60, 600, None):
        curve = read_curve(path, every_s=every)
        assert curve.requests() == pytest.approx(19_366, rel=1e-12)
