"""Latencies of a pool that stands at one load: what tables and events are compared with, and what an SLO can hope for.

Equations: those of ``twin.inference.waiting``, ``decoding`` and ``ttft`` for one class, put together::

    n, tau_eff = Little's fixed point;  S of decoding;  C, D from rho = lambda E[S]/k;  TTFT_p by exact inversion

With ``rate`` 0 this is the best that a configuration can do: a promise below it cannot be kept however many replicas
there are. Range: load below saturation; above it ``served`` < 1 and latencies are those at the edge, without the queue.
Source: as named in the parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.tables import Quantiles
from twin.inference.decoding import BATCHING, Z_PERCENTILES, colocated, own_step, step_time, tpot_percentile
from twin.inference.erlang import wait_share, wait_table
from twin.inference.serving import Serving
from twin.inference.ttft import PERCENTILES, cell_edges, edges_mean, ttft_percentile
from twin.inference.waiting import ROUTING, SHORTEST, busy_share, mean_wait, queue_servers

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steady:
    """TTFT and TPOT in s at p50, p90 and p99, loads and batch of a pool at one rate; zeros for a phase it has not."""

    ttft: tuple[float, ...]
    tpot: tuple[float, ...]
    prefill_load: float
    batch: float
    step_s: float
    served: float


def steady(
    serving: Serving,
    prompts: Quantiles,
    outputs: Quantiles,
    rate: float,
    *,
    replicas: float = 1.0,
    routing: str = "shortest",
    ca2: float = 1.0,
) -> Steady:
    """The pool at ``rate`` requests/s (0: the best possible) with arrivals of dispersion ``ca2``."""
    prefill = cell_edges(serving.prefill_time(np.array(prompts.values))) if serving.prefill_s else np.zeros(3)
    mean, spread = edges_mean(prefill)
    square = (1.0 + spread) * mean * mean
    each = rate / replicas
    code, output = ROUTING[routing], outputs.mean()
    n, step, raw, stall, served = 0.0, 0.0, 0.0, 0.0, 1.0
    most = 0.0
    at, tau = serving.steps()
    if serving.decode_step_s is not None:
        most = min(serving.max_batch.value, serving.kv_tokens.value / max(1.0, prompts.mean() + 0.5 * output))
        mixed = serving.batching == "mixed"
        n, step, stall, served = colocated(at, tau, each * max(output - 1.0, 0.0), each, mean, mixed, most)
        raw = step_time(at, tau, n)
    busy = busy_share(code, replicas, n * replicas, ca2)
    own = own_step(BATCHING[serving.batching], raw, busy)
    service = mean + own * prompts.mean() / serving.chunk_tokens
    rho = each * service
    servers = queue_servers(code, replicas)
    cs2 = (square - mean * mean) / (service * service) if service > 0.0 else 0.0
    c = wait_share(wait_table(), servers, rho)
    d = mean_wait(servers, 0.0, rho, service, ca2, cs2)
    pooled = replicas if code == SHORTEST else 1.0
    return Steady(
        ttft=tuple(ttft_percentile(prefill + own, p, c, d, raw * busy) if mean > 0.0 else 0.0 for p in PERCENTILES),
        tpot=tuple(
            tpot_percentile(at, tau, z, n, stall, ca2 / pooled, most, each, square, output) if most > 0.0 else 0.0
            for z in Z_PERCENTILES
        ),
        prefill_load=rho,
        batch=n,
        step_s=step,
        served=served,
    )


__all__ = ["Steady", "steady"]
