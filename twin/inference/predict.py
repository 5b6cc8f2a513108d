"""Latencies of a recorded trace in closed form: no events, no sampling, milliseconds for an hour.

The trace is cut into windows (60 s: many residence times, few enough that the rate holds still). In each, the replicas
are the queue of ``twin.inference.waiting`` and the fixed point of ``twin.inference.decoding`` with the window's rate,
mean and spread of prefill times and mean output; every request keeps its own prefill time and output.

Equations (i request in window w)::

    F(t)  = mean_i P(W_w + V_w <= t - T_p,i)                    TTFT percentiles by inversion
    TBT_i = tau_eff,w (L_i - 1)/L_i                             (E2E - TTFT)/L as splitwise-sim counts it
    E2E_i = T_p,i + C_w D_w + v_w/2 + tau_eff,w (L_i - 1)

c_s^2 is that of the prefill times of the window. c_a^2 is the index of dispersion of the counts in 1 s bins about the
mean of their window, pooled over the trace: the swings between windows are in the rates already. Nothing is fitted.
Range: windows well longer than a request; a window whose load exceeds the replicas is reported in ``overloaded`` and
its wait is that of the fluid queue that builds up from window to window.
Source: P. Patel et al., Splitwise, ISCA 2024, and its simulator (metrics); the parts name their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.jit import kernel
from twin.core.root import illinois
from twin.inference.decoding import BATCHING, MIXED, colocated, own_step, step_time
from twin.inference.erlang import wait_share, wait_table
from twin.inference.serving import Serving
from twin.inference.ttft import late_share
from twin.inference.waiting import RHO_FLUID, ROUTING, busy_share, mean_wait, normal_share, queue_servers

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

WINDOW_S = 60.0
BIN_S = 1.0
PASSES = 60
CLOSE = 1e-6
# Columns of the state of a window.
C, D, V, SHIFT, FAR, RHO, BATCH, STEP, STALLS, QUEUE = range(10)
COLUMNS = 10


@dataclass(frozen=True)
class Prediction:
    """Latencies in s over all requests of a trace, and the state of each window (arrays, one value per window)."""

    ttft: dict[float, float]
    tbt: dict[float, float]
    tbt_mean: float
    e2e_mean: float
    dispersion: float
    start_s: Floats
    rate: Floats
    prefill_load: Floats
    batch: Floats
    step_s: Floats
    overloaded: NDArray[np.bool_]


@kernel
def _windows(
    at: np.ndarray,
    tau: np.ndarray,
    waits: np.ndarray,
    stats: np.ndarray,
    replicas: float,
    routing: int,
    batching: int,
    chunk: float,
    most: float,
    ca2: float,
    width: float,
    out: np.ndarray,
) -> None:
    """State of each window.

    ``stats`` (w, 5): requests, mean and mean square of T_p, mean of L - 1, mean prompt. ``out`` (w, COLUMNS).
    """
    queue = 0.0
    servers = queue_servers(routing, replicas)
    for w in range(stats.shape[0]):
        count, prefill, square, output = stats[w, 0], stats[w, 1], stats[w, 2], stats[w, 3]
        rate = count / width
        each = rate / replicas
        n, step, _, _ = colocated(at, tau, each * output, each, prefill, batching == MIXED, most)
        raw = step_time(at, tau, n)
        busy = busy_share(routing, replicas, n * replicas, ca2)
        own = own_step(batching, raw, busy)
        service = prefill + own * stats[w, 4] / chunk
        rho = each * service
        cs2 = max(0.0, square - prefill * prefill) / (service * service) if service > 0.0 else 0.0
        out[w, C] = wait_share(waits, servers, rho)
        out[w, D] = mean_wait(servers, 0.0, rho, service, ca2, cs2)
        out[w, V] = raw * busy
        # Fluid queue of prompts: its mean over the window, drained at the rate that the replicas reach.
        mu = replicas / service if service > 0.0 else 0.0
        after = max(0.0, queue + (rate - mu) * width)
        out[w, SHIFT] = own + (0.5 * (queue + after) / mu if mu > 0.0 else 0.0)
        out[w, FAR] = out[w, V] + 25.0 * out[w, D]
        queue = after
        out[w, RHO] = rho
        out[w, BATCH] = n
        out[w, STEP] = step
        out[w, STALLS] = each * step * square
        out[w, QUEUE] = queue


@kernel
def _ttft_share(t: float, prefill: np.ndarray, window: np.ndarray, state: np.ndarray) -> float:
    total = 0.0
    for i in range(prefill.size):
        w = window[i]
        x = t - prefill[i] - state[w, SHIFT]
        if x > state[w, FAR]:
            total += 1.0
        elif x > 0.0:
            total += late_share(x, state[w, C], state[w, D], state[w, V])
    return total / prefill.size


@kernel
def _tbt_share(t: float, output: np.ndarray, window: np.ndarray, state: np.ndarray) -> float:
    total = 0.0
    for i in range(output.size):
        w = window[i]
        length = output[i]
        sd = math.sqrt(state[w, STALLS] / length)
        total += normal_share((t - state[w, STEP] * (length - 1.0) / length) / max(sd, 1e-12))
    return total / output.size


@kernel
def _invert(which: int, p: float, high: float, values: np.ndarray, window: np.ndarray, state: np.ndarray) -> float:
    low, g_low, g_high = 0.0, -p, 1.0 - p
    x, side = high, 0
    for _ in range(PASSES):
        x = low - g_low * (high - low) / (g_high - g_low)
        share = _ttft_share(x, values, window, state) if which == 0 else _tbt_share(x, values, window, state)
        if abs(share - p) < CLOSE or high - low < CLOSE * high:
            break
        low, g_low, high, g_high, side = illinois(low, g_low, high, g_high, x, share - p, side)
    return x


def dispersion(arrival_s: Floats, window_s: float) -> float:
    """Variance per mean of the counts in 1 s bins about the mean of their window."""
    per = max(1, round(window_s / BIN_S))
    counts = np.bincount(((arrival_s - arrival_s[0]) / BIN_S).astype(np.int64))
    counts = counts[: counts.size // per * per].reshape(-1, per)
    if counts.size == 0 or counts.mean() == 0.0:
        return 1.0
    return float(counts.var(axis=1, ddof=1).mean() / counts.mean())


def predict(
    serving: Serving,
    arrival_s: Floats,
    input_tokens: Floats,
    output_tokens: Floats,
    *,
    replicas: float,
    routing: str = "shortest",
    window_s: float = WINDOW_S,
    percentiles: tuple[float, ...] = (0.5, 0.9, 0.99),
) -> Prediction:
    """Latencies of requests (n; ``arrival_s`` ascending, outputs >= 1) on ``replicas`` of a colocated ``serving``."""
    assert serving.prefill_s is not None, "a configuration that takes prompts"
    assert serving.decode_step_s is not None, "a configuration that makes tokens"
    span = max(float(arrival_s[-1] - arrival_s[0]), BIN_S)
    count = max(1, round(span / window_s))
    width = span / count
    window = np.minimum(((arrival_s - arrival_s[0]) / width).astype(np.int64), count - 1)
    output = np.maximum(output_tokens.astype(np.float64), 1.0)
    prompts = input_tokens.astype(np.float64)
    prefill = serving.prefill_time(prompts)
    requests = np.bincount(window, minlength=count).astype(np.float64)
    some = np.maximum(requests, 1.0)
    sums = [np.bincount(window, x, count) / some for x in (prefill, prefill * prefill, output - 1.0, prompts)]
    ca2 = dispersion(arrival_s, window_s)
    state = np.zeros((count, COLUMNS))
    at, tau = serving.steps()
    most = min(serving.max_batch.value, serving.kv_tokens.value / max(1.0, float(np.mean(prompts + 0.5 * output))))
    _windows(
        at,
        tau,
        wait_table(),
        np.column_stack([requests, *sums]),
        float(replicas),
        ROUTING[routing],
        BATCHING[serving.batching],
        float(serving.chunk_tokens),
        most,
        ca2,
        width,
        state,
    )
    step = state[window, STEP]
    delay = state[:, SHIFT] + state[:, C] * state[:, D] + 0.5 * state[:, V]
    ttft_mean = prefill + delay[window]
    slow = float(prefill.max() + (state[:, SHIFT] + state[:, FAR]).max())
    return Prediction(
        ttft={p: _invert(0, p, slow, prefill, window, state) for p in percentiles},
        tbt={p: _invert(1, p, float(state[:, STEP].max() * 20.0), output, window, state) for p in percentiles},
        tbt_mean=float((step * (output - 1.0) / output).mean()),
        e2e_mean=float((ttft_mean + step * (output - 1.0)).mean()),
        dispersion=ca2,
        start_s=arrival_s[0] + width * np.arange(count),
        rate=requests / width,
        prefill_load=state[:, RHO],
        batch=state[:, BATCH],
        step_s=state[:, STEP],
        overloaded=(state[:, RHO] >= RHO_FLUID) | (state[:, QUEUE] > 0.0),
    )


__all__ = ["WINDOW_S", "Prediction", "dispersion", "predict"]
