"""Hypothesis: what is written is read again, and how a file is cut into blocks changes nothing."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.forcing.stream.chunk import requests
from twin.forcing.stream.order import in_order
from twin.forcing.traces.read import read_curve, read_trace, summarise
from twin.forcing.traces.write import convert

# Times in steps of 0, 1 ns, half a second and up: ties, ticks and gaps.
GAPS = st.sampled_from([0, 0, 1, 500_000_000, 3_000_000_000, 61_000_000_007])
ROWS = st.lists(
    st.tuples(GAPS, st.integers(0, 3_000_000), st.integers(0, 5000), st.booleans()), min_size=1, max_size=60
)
ZERO = 1_700_000_000 * 10**9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces")


def azure(path: Path, rows: Any) -> Path:
    times = ZERO + np.cumsum([gap for gap, *_ in rows])
    stamps = [f"{np.datetime64(int(t), 'ns')}".replace("T", " ") for t in times]
    body = [f"{stamp},{i},{o}" for stamp, (_, i, o, _) in zip(stamps, rows, strict=True)]
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *body]))
    return path


def mooncake(path: Path, rows: Any) -> Path:
    times = np.cumsum([gap for gap, *_ in rows]) // 10**6
    lines = [
        json.dumps({"timestamp": int(t), "input_length": i, "output_length": o, "hash_ids": list(range(i % 7, o % 9))})
        for t, (_, i, o, _) in zip(times, rows, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def burst(path: Path, rows: Any) -> Path:
    times = np.cumsum([gap for gap, *_ in rows])
    lines = [
        f"{t / 1e9:.9f},M{o % 3},{i},{0 if failed else o},1,x" for t, (_, i, o, failed) in zip(times, rows, strict=True)
    ]
    path.write_text("\n".join(["Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type", *lines]) + "\n")
    return path


@pytest.mark.parametrize("writer", [azure, mooncake, burst])
@settings(max_examples=60, deadline=None)
@given(rows=ROWS, block=st.integers(1, 400))
def test_any_size_of_block_gives_the_same_summary(writer, rows, block, folder):
    path = writer(folder / "t", [(0, 1, 1, False), *rows])
    whole, cut = summarise(path), summarise(path, block=block)
    for item in fields(whole):
        one, other = getattr(whole, item.name), getattr(cut, item.name)
        if item.name == "curve":
            assert one.rps.tolist() == other.rps.tolist()
            assert one.edges_s.tolist() == other.edges_s.tolist()
        elif isinstance(one, float):
            assert other == pytest.approx(one, rel=1e-9, abs=1e-9), item.name
        else:
            assert other == one, item.name


@pytest.mark.parametrize("writer", [azure, mooncake, burst])
@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_what_is_converted_is_read_again(writer, rows, folder):
    path = writer(folder / "t", [(0, 1, 1, False), *rows])
    out = folder / "out.csv"
    convert(path, out, overwrite=True)
    before, after = read_trace(path), read_trace(out)
    assert after.start_ns == (before.start_ns if before.absolute else 0)
    assert (after.absolute, after.zone) == (before.absolute, before.zone)
    assert after.arrival_s.tolist() == before.arrival_s.tolist()
    assert after.input_tokens.tolist() == before.input_tokens.tolist()
    assert after.output_tokens.tolist() == before.output_tokens.tolist()
    assert (after.failed, after.tick_s) == (before.failed, before.tick_s)
    assert (before.hit_share is None) == (after.hit_share is None)
    if before.hit_share is not None and after.hit_share is not None:
        assert after.hit_share.tolist() == before.hit_share.tolist()


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, every=st.sampled_from([1, 7, 60]))
def test_a_converted_rate_is_the_curve_that_was_counted(rows, every, folder):
    path = azure(folder / "t", [(0, 1, 1, False), *rows, (61_000_000_007, 1, 1, False)])
    out = folder / "out.csv"
    convert(path, out, every_s=every, overwrite=True)
    one, other = read_curve(path, every_s=every), read_curve(out)
    assert other.rps.tolist() == one.rps.tolist()
    assert other.requests() == pytest.approx(len(rows) + 2, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(times=st.lists(st.integers(0, 50), min_size=1, max_size=300), run=st.integers(1, 80), cut=st.integers(1, 40))
def test_sorted_runs_on_disk_merge_to_the_sorted_whole(times, run, cut):
    line = np.arange(len(times), dtype=np.int64)
    whole = requests(line, np.array(times, np.int64), line, line)
    parts = (whole.part(slice(i, i + cut)) for i in range(0, len(times), cut))
    merged = list(in_order(parts, run))
    order = np.lexsort((line, np.array(times)))
    assert np.concatenate([chunk.line for chunk in merged]).tolist() == line[order].tolist()
