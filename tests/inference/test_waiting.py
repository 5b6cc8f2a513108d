"""Allen-Cunneen, priorities and routing next to an exact simulation of the queue."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.inference.erlang import erlang_c
from twin.inference.waiting import RANDOM, RHO_FLUID, SHORTEST, busy_share, mean_wait, queue_servers

SERVICE = 0.2


def simulated_waits(k: int, rho: float, service: np.ndarray, seed: int) -> np.ndarray:
    """Waits of an M/G/k queue, first come first served: every request takes the server that is free first."""
    gaps = np.random.default_rng(seed).exponential(service.mean() / (k * rho), service.size)
    arrivals = np.cumsum(gaps)
    free = [0.0] * k
    waits = np.empty(service.size)
    for i in range(service.size):
        at = heapq.heappop(free)
        start = max(at, arrivals[i])
        waits[i] = start - arrivals[i]
        heapq.heappush(free, start + service[i])
    return waits[service.size // 10 :]


def gamma_times(n: int, cs2: float, seed: int) -> np.ndarray:
    times: np.ndarray = np.random.default_rng(seed).gamma(1.0 / cs2, cs2 * SERVICE, n)
    return times


@pytest.mark.parametrize(("k", "rho"), [(1, 0.7), (5, 0.8), (20, 0.8)])
def test_exponential_service_is_exact(k, rho):
    """M/M/k: P(W > t) = C e^(-t/D), in its height and in its slope."""
    waits = simulated_waits(k, rho, gamma_times(400_000, 1.0, 1), 2)
    c, d = erlang_c(k, k * rho), mean_wait(k, 0.0, rho, SERVICE, 1.0, 1.0)
    assert np.mean(waits > 0.0) == pytest.approx(c, rel=0.04)
    assert waits.mean() == pytest.approx(c * d, rel=0.08)
    for t in (0.5 * d, d):
        assert np.mean(waits > t) == pytest.approx(c * np.exp(-t / d), rel=0.10)


@pytest.mark.parametrize("cs2", [0.3, 0.82, 2.0])
@pytest.mark.parametrize(("k", "rho"), [(1, 0.7), (5, 0.8), (20, 0.8)])
def test_the_mean_wait_of_general_service_is_within_its_known_accuracy(k, rho, cs2):
    """Pollaczek-Khinchine for one server; the printed accuracy of Allen-Cunneen (about 10 %) for more."""
    waits = simulated_waits(k, rho, gamma_times(400_000, cs2, 3), 4)
    mean = erlang_c(k, k * rho) * mean_wait(k, 0.0, rho, SERVICE, 1.0, cs2)
    assert waits.mean() == pytest.approx(mean, rel=0.08 if k == 1 else 0.12)


def simulated_priorities(rates: tuple[float, float], n: int, seed: int) -> list[float]:
    """Mean waits of two classes at one server that serves the first before the second (exponential, not preempted)."""
    rng = np.random.default_rng(seed)
    arrivals = [np.cumsum(rng.exponential(1.0 / rate, int(n * rate))) for rate in rates]
    now, place, waits = 0.0, [0, 0], [0.0, 0.0]
    while place[0] < arrivals[0].size and place[1] < arrivals[1].size:
        first = min((0, 1), key=lambda j: (max(now, arrivals[j][place[j]]), j))
        start = max(now, arrivals[first][place[first]])
        waits[first] += start - arrivals[first][place[first]]
        place[first] += 1
        now = start + rng.exponential(SERVICE)
    return [w / p for w, p in zip(waits, place, strict=True)]


def test_the_urgent_wait_less_and_the_others_more():
    """Cobham is exact for M/G/1."""
    rates = (1.5, 2.0)
    loads = [rate * SERVICE for rate in rates]
    waits = simulated_priorities(rates, 150_000, 5)
    for j, (above, upto) in enumerate([(0.0, loads[0]), (loads[0], sum(loads))]):
        expected = erlang_c(1.0, sum(loads)) * mean_wait(1.0, above, upto, SERVICE, 1.0, 1.0)
        assert waits[j] == pytest.approx(expected, rel=0.06)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(rho=st.floats(0.0, 2.0), more=st.floats(0.0, 1.0), k=st.floats(1.0, 1e4), ca2=st.floats(0.2, 13.0))
def test_waits_rise_with_load_and_stop_where_the_fluid_takes_over(rho, more, k, ca2):
    low, high = (mean_wait(k, 0.0, r, SERVICE, ca2, 1.0) for r in (rho, rho + more))
    assert high >= low > 0.0
    assert high <= mean_wait(k, 0.0, RHO_FLUID, SERVICE, ca2, 1.0)


def test_random_routing_is_a_queue_of_one():
    assert queue_servers(SHORTEST, 12.0) == 12.0
    assert queue_servers(RANDOM, 12.0) == 1.0


def test_a_request_meets_a_running_step_where_all_replicas_work():
    assert busy_share(SHORTEST, 40.0, 400.0, 1.0) == pytest.approx(1.0)
    assert busy_share(SHORTEST, 40.0, 4.0, 1.0) == pytest.approx(0.0, abs=1e-12)
    assert busy_share(RANDOM, 40.0, 40.0, 1.0) == pytest.approx(1.0 - np.exp(-1.0))
    assert busy_share(RANDOM, 40.0, 0.0, 1.0) == 0.0
