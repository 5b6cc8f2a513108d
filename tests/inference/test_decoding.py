"""Little's fixed point, overload, stalls, percentiles, stability and the link."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.inference.decoding import (
    ADDED,
    ALONE,
    colocated,
    fixed_point,
    own_step,
    stable_rate,
    step_time,
    tpot_percentile,
)
from twin.inference.link import RHO_MOST, kv_bytes, transfer

HYPOTHESIS = settings(deadline=None, max_examples=300, derandomize=True)
# Llama 2 70B on a DGX H100 (splitwise-sim): it falls at first; and a table with a dip in its throughput.
AT = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
TAU = np.array([0.03056, 0.03026, 0.03179, 0.0325, 0.03417, 0.03862, 0.05016])
DIP = np.array([0.03, 0.031, 0.033, 0.04, 0.09, 0.10, 0.11])
TABLES = st.sampled_from([TAU, DIP])


@HYPOTHESIS
@given(tau=TABLES, demand=st.floats(0.1, 1200.0), most=st.floats(1.0, 64.0))
def test_the_fixed_point_makes_what_is_asked_for(tau, demand, most):
    n, share = fixed_point(AT, tau, demand, most)
    grid = np.linspace(1e-3, most, 20_001)
    rates = grid / np.interp(grid, AT, tau)
    assert 0.0 < n <= most * (1 + 1e-12)
    if share == 1.0:
        assert n / step_time(AT, tau, n) == pytest.approx(demand, rel=1e-9)
        assert (rates[grid < n * (1 - 1e-9)] <= demand * (1 + 1e-9)).all()  # the least of the batches that do
    else:
        assert rates.max() == pytest.approx(demand * share, rel=1e-3)
        assert rates.max() < demand


@HYPOTHESIS
@given(demand=st.floats(0.0, 1500.0), more=st.floats(0.0, 100.0), prompts=st.floats(0.0, 12.0), mixed=st.booleans())
def test_more_demand_never_makes_a_smaller_batch_or_serves_more(demand, more, prompts, mixed):
    here, there = (colocated(AT, TAU, g, prompts, 0.1, mixed, 64.0) for g in (demand, demand + more))
    if here[3] == 1.0:
        assert there[0] >= here[0] * (1 - 1e-6)
    assert there[3] <= here[3] * (1 + 1e-9)
    assert there[1] > 0.0


def test_prompts_slow_tokens_down_by_the_time_they_take():
    n, step, stall, share = colocated(AT, TAU, 200.0, 2.0, 0.1, False, 64.0)
    assert (stall, share) == (0.2, 1.0)
    assert step == pytest.approx(step_time(AT, TAU, n) / 0.8)
    assert n == pytest.approx(200.0 * step)


def test_a_mixed_step_gives_each_sequence_its_token_while_a_prompt_runs():
    """Counted in one second: 2 prompts of 0.1 s, each a step, and ordinary steps in the remaining 0.8 s."""
    n, step, _, _ = colocated(AT, TAU, 200.0, 2.0, 0.1, True, 64.0)
    steps = 2.0 + 0.8 / step_time(AT, TAU, n)
    assert 1.0 / step == pytest.approx(steps, rel=1e-6)
    assert n * steps == pytest.approx(200.0, rel=1e-4)


def test_overload_serves_what_time_allows():
    """A share s of prompts and of tokens: s rho_p + s g tau(n)/n = 1."""
    demand, prompts = 1500.0, 5.0
    n, _, stall, share = colocated(AT, TAU, demand, prompts, 0.1, False, 64.0)
    assert share < 1.0
    assert share * prompts * 0.1 + share * demand * step_time(AT, TAU, n) / n == pytest.approx(1.0)
    assert stall == pytest.approx(share * 0.5)
    only_prompts = colocated(AT, TAU, 1e-9, 20.0, 0.1, False, 64.0)
    assert only_prompts[3] == pytest.approx(0.5)


def test_spread_of_the_batch_and_of_the_stalls_widens_the_percentiles():
    still = [tpot_percentile(AT, TAU, z, 8.0, 0.0, 0.0, 64.0, 0.0, 0.0, 200.0) for z in (0.0, 2.326)]
    assert still[0] == still[1] == 0.0325
    assert tpot_percentile(AT, TAU, 2.326, 8.0, 0.0, 1.0, 64.0, 0.0, 0.0, 200.0) == pytest.approx(
        step_time(AT, TAU, 8.0 + 2.326 * math.sqrt(8.0))
    )
    stalled = tpot_percentile(AT, TAU, 2.326, 8.0, 0.0, 0.0, 64.0, 1.0, 0.02, 200.0)
    assert stalled == pytest.approx(0.0325 + 2.326 * math.sqrt(0.0325 * 0.02 / 200.0))


def test_the_step_that_a_prompt_ends_in_may_make_tokens():
    assert own_step(ADDED, 0.03, 0.5) == 0.015
    assert own_step(ALONE, 0.03, 0.5) == 0.0


def test_the_stable_rate_is_memory_over_what_a_request_holds():
    """Counted: 300 prompt tokens, one more with each of 40 steps of 0.03 s."""
    held = sum(300 + j for j in range(1, 41)) * 0.03
    assert stable_rate(1e5, 0.03, 300.0, 40.0, 1600.0) == pytest.approx(1e5 / held)


def test_a_shared_link_is_slower_by_what_is_free_and_passes_no_more_than_it_can():
    size = kv_bytes(327_680.0, 0.0, 8192.0, 0.0)
    assert size == pytest.approx(2.68e9, rel=2e-3)  # facts: an 8k prompt on 70B is 2.7 GB
    assert transfer(size, 0.0, size, 150e9)[0] == pytest.approx(0.018, rel=0.01)  # 18 ms at one wafer
    assert transfer(size, 0.0, size, 400e9)[0] == pytest.approx(0.0067, rel=0.01)  # 6.7 ms at a server's EFA
    time, rho, share = transfer(size, 28.0, size, 150e9)
    assert rho == pytest.approx(0.501, rel=1e-2)
    assert time == pytest.approx(size / 150e9 / (1.0 - rho))
    assert share == 1.0
    _, rho, share = transfer(size, 100.0, size, 150e9)
    assert share == pytest.approx(RHO_MOST / rho)
    assert transfer(size, 100.0, size, 0.0) == (0.0, 0.0, 1.0)
