"""The closed form for a trace, next to an exact simulation of the prompts' queue and at its limits."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from twin.inference.predict import dispersion, predict
from twin.inference.serving import Serving
from twin.site.library import load_library

SERVING = load_library().get("llama2-70b-dgx-h100", Serving)
PROMPT_S = SERVING.prefill_s


def trace(rate: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Poisson arrivals of lognormal prompts that ask for one token, which the prefill makes."""
    rng = np.random.default_rng(seed)
    prompts = np.minimum(rng.lognormal(6.8, 0.7, n), 8192.0)
    return np.cumsum(rng.exponential(1.0 / rate, n)), prompts, np.ones(n)


def simulated(arrivals: np.ndarray, service: np.ndarray, k: int) -> np.ndarray:
    free = [0.0] * k
    done = np.empty(service.size)
    for i in range(service.size):
        start = max(heapq.heappop(free), arrivals[i])
        done[i] = start + service[i] - arrivals[i]
        heapq.heappush(free, start + service[i])
    return done


@pytest.mark.parametrize(("k", "rho"), [(1, 0.4), (5, 0.6), (20, 0.75)])
def test_prompts_alone_are_the_queue_that_an_exact_simulation_has(k, rho):
    assert PROMPT_S is not None
    _, prompts, _ = trace(1.0, 60_000, 1)
    service = PROMPT_S.sample(prompts)
    arrivals, prompts, outputs = trace(rho * k / service.mean(), 60_000, 1)
    exact = simulated(arrivals, service, k)
    found = predict(SERVING, arrivals, prompts, outputs, replicas=k)
    for p, value in found.ttft.items():
        assert value == pytest.approx(np.quantile(exact, p), rel=0.10)
    assert found.prefill_load.mean() == pytest.approx(rho, rel=0.05)
    assert found.dispersion == pytest.approx(1.0, abs=0.1)
    assert not found.overloaded.all()


def test_too_few_replicas_are_reported_and_their_queue_grows():
    arrivals, prompts, outputs = trace(30.0, 20_000, 2)
    found = predict(SERVING, arrivals, prompts, outputs, replicas=2)
    assert found.overloaded.all()
    # 30/s of about 0.1 s each on 2 replicas: a third is not served, and the last wait a third of the time.
    behind = (found.prefill_load.mean() - 1.0) * (arrivals[-1] - arrivals[0])
    assert found.ttft[0.99] == pytest.approx(behind, rel=0.10)


def test_longer_outputs_make_larger_batches_and_slower_tokens():
    arrivals, prompts, _ = trace(6.0, 5_000, 3)
    short, long = (predict(SERVING, arrivals, prompts, np.full(5000, n), replicas=5) for n in (50.0, 400.0))
    assert long.batch.mean() > 5.0 * short.batch.mean()
    assert long.tbt_mean > short.tbt_mean
    assert long.e2e_mean > 7.0 * short.e2e_mean


def test_one_request_meets_nobody():
    assert PROMPT_S is not None
    found = predict(SERVING, np.array([5.0]), np.array([1024.0]), np.array([10.0]), replicas=1000)
    alone = float(PROMPT_S.sample(np.array([1024.0]))[0])
    assert found.ttft[0.5] == pytest.approx(alone, rel=1e-3)


def test_dispersion_counts_bursts():
    even = np.arange(0.0, 6000.0, 0.25)
    assert dispersion(even, 60.0) == pytest.approx(0.0, abs=1e-9)
    pairs = np.repeat(np.cumsum(np.random.default_rng(4).exponential(0.5, 30_000)), 2)
    assert dispersion(pairs, 60.0) == pytest.approx(2.0, rel=0.05)
