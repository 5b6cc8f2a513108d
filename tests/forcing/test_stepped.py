"""Prices that hold until the next: exact means, told where nothing covers them, the same after a journey as JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.forcing.stepped import Stepped, daily

PROPERTY = settings(deadline=None, max_examples=200, derandomize=True)
SERIES = st.lists(st.tuples(st.integers(1, 5000), st.floats(-100.0, 500.0)), min_size=2, max_size=20).map(
    lambda rows: Stepped(1e9 + np.cumsum([float(gap) for gap, _ in rows]), np.array([value for _, value in rows]))
)


@PROPERTY
@given(series=SERIES, parts=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)))
def test_a_mean_is_that_of_single_seconds(series, parts):
    edges = series.edges_s
    whole = edges[-1] - edges[0]
    start, end = (edges[0] + np.floor(part * whole) for part in sorted(parts))
    if end <= start:
        return
    seconds = np.arange(start, end) + 0.5
    held = series.values[np.searchsorted(edges, seconds, side="right") - 1]
    got = series.mean(np.array([start]), np.array([end]))
    assert got[0] == pytest.approx(held.mean(), rel=1e-6, abs=1e-3)


@PROPERTY
@given(series=SERIES)
def test_what_is_not_covered_has_no_mean(series):
    edges = series.edges_s
    assert np.isnan(series.mean(edges[:1] - 1.0, edges[:1] + 1.0)).all()
    assert np.isnan(series.mean(edges[-1:] - 1.0, edges[-1:] + 1.0)).all()
    assert np.isfinite(series.mean(edges[:1], edges[-1:])).all()


@PROPERTY
@given(series=SERIES)
def test_json_brings_it_back(series):
    back = Stepped.of(json.loads(json.dumps(series.plain())))
    assert (back.times_s == series.times_s).all()
    assert (back.values == series.values).all()


def test_a_regular_series_is_told_by_two_instants():
    hours = Stepped(3600.0 * np.arange(24, dtype=np.float64), np.arange(24.0))
    assert len(hours.plain()["times_s"]) == 2
    assert (Stepped.of(hours.plain()).times_s == hours.times_s).all()


def test_a_part_covers_its_period_and_no_more():
    hours = Stepped(3600.0 * np.arange(100, dtype=np.float64), np.arange(100.0))
    part = hours.within(36_500.0, 50_000.0)
    assert part.times_s[0] == 36_000.0
    assert part.edges_s[-1] >= 50_000.0
    assert len(part.times_s) < 7
    ask = (np.array([36_500.0]), np.array([50_000.0]))
    assert part.mean(*ask) == pytest.approx(hours.mean(*ask))


def test_hours_of_the_local_day():
    hours = [float(h) for h in range(24)]
    local = daily(hours, 1e9, 1e9 + 86_400.0, -5.5 * 3600.0)
    # 1e9 s is 01:46:40 UTC, 20:16:40 the evening before at five and a half hours less.
    assert local.mean(np.array([1e9]), np.array([1e9 + 60.0]))[0] == 20.0
    assert local.mean(np.array([1e9 + 86_340.0]), np.array([1e9 + 86_400.0]))[0] == 20.0
    noon = 1e9 + 43_200.0
    assert local.mean(np.array([noon]), np.array([noon + 3600.0]))[0] == pytest.approx(8 + 1000 / 3600)
