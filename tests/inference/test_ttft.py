"""Time to first token: the closed form against samples, the tables against the closed form."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from twin.inference.erlang import erlang_c, wait_share, wait_table
from twin.inference.ttft import (
    PERCENTILES,
    cell_edges,
    edges_mean,
    ttft_from_table,
    ttft_percentile,
    ttft_share,
    ttft_table,
)
from twin.inference.waiting import mean_wait

HYPOTHESIS = settings(deadline=None, max_examples=400, derandomize=True)
WORST = 0.03  # the bound of the issue
CELLS = (0.05, 0.3, 0.7, 1.1, 1.5)  # coefficients of variation of T_p


@cache
def prefill(cv: float, n: int = 24) -> np.ndarray:
    """Edges of a lognormal T_p of mean about 0.2 s."""
    s = math.sqrt(math.log1p(cv * cv))
    return cell_edges(0.2 * np.exp(s * norm.ppf((np.arange(n) + 0.5) / n) - 0.5 * s * s))


@cache
def table(cv: float) -> np.ndarray:
    return ttft_table(prefill(cv))


@pytest.mark.parametrize(("c", "d", "v"), [(0.3, 0.5, 0.03), (0.02, 3.0, 0.1), (0.0, 1.0, 0.05), (1.0, 0.01, 0.0)])
@pytest.mark.parametrize("cv", [0.3, 1.1])
def test_the_closed_form_is_the_distribution_of_the_sum(cv, c, d, v):
    """One million samples of T_p + W + V."""
    edges, n, rng = prefill(cv), 1_000_000, np.random.default_rng(7)
    places = np.concatenate([[0.0], np.arange(edges.size - 2) + 0.5, [edges.size - 2.0]])
    t_p = np.interp(rng.random(n) * (edges.size - 2), places, edges)
    total = t_p + (rng.random(n) < c) * rng.exponential(d, n) + rng.random(n) * v
    for p in PERCENTILES:
        t = ttft_percentile(edges, p, c, d, v)
        assert np.mean(total <= t) == pytest.approx(p, abs=5.0 * math.sqrt(p * (1 - p) / n))
        assert ttft_share(edges, t, c, d, v) == pytest.approx(p, abs=1e-8)
    assert edges_mean(edges)[0] == pytest.approx(t_p.mean(), rel=5e-3)
    assert edges_mean(edges)[1] == pytest.approx(t_p.var() / t_p.mean() ** 2, rel=3e-2)


@HYPOTHESIS
@given(
    cv=st.sampled_from(CELLS),
    k=st.floats(0.0, 13.0).map(lambda x: 2.0**x),
    rho=st.floats(0.0, 0.95),
    ca2=st.floats(0.5, 13.0),
    longer=st.floats(0.1, 10.0),
    v=st.floats(-3.0, 1.0).map(lambda x: 10.0**x),
)
def test_the_tables_are_within_three_per_cent_of_the_inversion(cv, k, rho, ca2, longer, v):
    """Over load, replicas, bursts, the other classes' prompts (``longer`` than this one's) and step times."""
    edges = prefill(cv)
    scale, cs2 = edges_mean(edges)
    d, residual = mean_wait(k, 0.0, rho, scale * longer, ca2, cs2), scale * v
    got = ttft_from_table(table(cv), scale, wait_share(wait_table(), k, rho), d, residual)
    for p, value in zip(PERCENTILES, got, strict=True):
        assert value == pytest.approx(ttft_percentile(edges, p, erlang_c(k, k * rho), d, residual), rel=WORST)


@HYPOTHESIS
@given(cv=st.sampled_from(CELLS), k=st.integers(1, 500), rho=st.floats(0.0, 0.9), more=st.floats(0.001, 0.05))
def test_more_load_is_later_and_more_replicas_are_sooner(cv, k, rho, more):
    edges = prefill(cv)
    scale, cs2 = edges_mean(edges)

    def at(servers: float, load: float) -> list[float]:
        d = mean_wait(servers, 0.0, load, scale, 1.0, cs2)
        return [ttft_percentile(edges, p, erlang_c(servers, servers * load), d, 0.03) for p in PERCENTILES]

    here = at(k, rho)
    assert all(b >= a * (1 - 1e-7) for a, b in zip(here, at(k, rho + more), strict=True))
    assert all(b <= a * (1 + 1e-7) for a, b in zip(here, at(k + 1.0, rho), strict=True))


def test_one_length_only_is_a_point():
    edges = cell_edges(np.array([0.5]))
    assert ttft_percentile(edges, 0.9, 0.0, 1.0, 0.0) == pytest.approx(0.5)
    assert ttft_percentile(edges, 0.9, 0.0, 1.0, 0.2) == pytest.approx(0.68)
    assert ttft_percentile(edges, 0.9, 1.0, 1.0, 0.0) == pytest.approx(0.5 + math.log(10.0))
