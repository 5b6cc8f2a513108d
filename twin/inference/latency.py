"""Latencies of a service in one step, from its working point: percentiles without sampling.

Equations: TTFT from ``twin.inference.ttft`` with the share that waits (Erlang) and the mean wait (Allen-Cunneen, Cobham
by priority) of ``twin.inference.waiting``, plus the fluid wait ``q/a`` of what queues in overload and the transfer of
the KV cache; TPOT from ``twin.inference.decoding``; ``E2E_p = TTFT_50 + L_p TPOT_50``, L_p the output length that a
share p of the requests stays below: lengths vary far more than speeds.
"""

from __future__ import annotations

import numpy as np

from twin.core.jit import inner
from twin.core.variables import slot
from twin.inference.decoding import Z_PERCENTILES, own_step, tpot_percentile
from twin.inference.erlang import wait_share
from twin.inference.fleet import Class, Fleet, Flow, Pool
from twin.inference.link import transfer
from twin.inference.service import at
from twin.inference.ttft import ttft_from_table
from twin.inference.waiting import SHORTEST, busy_share, mean_wait, queue_servers

BATCHING, CHUNK = int(Pool.BATCHING), int(Pool.CHUNK)
OUTPUT, PROMPT, FANO, OUTPUT_50 = int(Class.OUTPUT), int(Class.PROMPT), int(Class.FANO), int(Class.OUTPUT_50)
TTFT, TPOT, E2E = slot("pool_ttft"), slot("pool_tpot"), slot("pool_e2e")
Z_50, Z_90, Z_99 = Z_PERCENTILES
# A queue that nobody serves waits for ever; a record holds a number.
FOREVER_S = 1e9
# A pool that stands still takes for ever, too.
SLOWEST = 1e-9


@inner
def _arrivals(fleet: Fleet, flow: Flow, s: int, own: float) -> tuple[float, float, float, float]:
    """Of what is taken: requests/s, Fano factor, mean and mean square of a prompt's service time (s, s2)."""
    p = fleet.prefilling[s]
    rate, fano, mean, square = 0.0, 0.0, 0.0, 0.0
    for c in range(flow.taken.shape[0]):
        a = flow.taken[c]
        extra = own * fleet.cls[c, PROMPT] / fleet.pool[p, CHUNK]
        rate += a
        fano += a * fleet.cls[c, FANO]
        mean += a * (fleet.prefill[p, c] + extra)
        square += a * (fleet.prefill_square[p, c] + extra * (2.0 * fleet.prefill[p, c] + extra))
    if rate <= 0.0:
        return 0.0, 1.0, 0.0, 0.0
    return rate, fano / rate, mean / rate, square / rate


@inner
def _write(
    fleet: Fleet, flow: Flow, s: int, c: int, shift: float, waits: float, wait: float, residual: float,
    speeds: tuple[float, float, float], dt: float, out: np.ndarray,
) -> None:  # fmt: skip
    """Add the percentiles of one class, (percentile, variable), times ``dt``."""
    p = fleet.prefilling[s]
    slow = 1.0 / max(flow.speed[p], SLOWEST)
    table = fleet.ttft[fleet.ttft_of[s, c]]
    first = ttft_from_table(table, max(1e-9, slow * fleet.prefill[p, c]), waits, slow * wait, slow * residual)
    for i in range(3):
        out[i, TTFT] += min(FOREVER_S, first[i] + shift) * dt
        out[i, TPOT] += speeds[i] * dt
        out[i, E2E] += min(FOREVER_S, first[0] + shift + fleet.cls[c, OUTPUT_50 + i] * speeds[0]) * dt


@inner
def add_latencies(
    fleet: Fleet, flow: Flow, queue: np.ndarray, s: int, r_p: float, r_d: float, batch: float, stall: float,
    dt: float, out: np.ndarray,
) -> None:  # fmt: skip
    """Add the latencies of a service's classes, (class, percentile, variable), times ``dt``.

    A pool at ``flow.speed`` of its speed takes as long as one at full speed whose clock runs slower: loads are counted
    per the time that is left, times are stretched.
    """
    p, d = fleet.prefilling[s], fleet.decoding[s]
    fast_p, fast_d = r_p * max(flow.speed[p], SLOWEST), r_d * max(flow.speed[d], SLOWEST)
    if r_p <= 0.0 or r_d <= 0.0:
        for c in range(queue.shape[0]):
            for i in range(3):
                for v in range(3):
                    out[c, i, v] += FOREVER_S * dt
        return
    raw = at(fleet.batch[d], fleet.step[d], batch)
    busy, own = 0.0, 0.0
    rate, fano, service, square = _arrivals(fleet, flow, s, 0.0)
    if p == d:
        busy = busy_share(SHORTEST, r_d, batch * r_d, fano)
        own = own_step(int(fleet.pool[p, BATCHING]), raw, busy)
        rate, fano, service, square = _arrivals(fleet, flow, s, own)
    servers = queue_servers(SHORTEST, r_p)
    waits = wait_share(fleet.waits, servers, rate * service / fast_p)
    cs2 = square / (service * service) - 1.0 if service > 0.0 else 0.0
    upto = 0.0
    for k in range(fleet.level.shape[0] - 1):
        above = upto
        for i in range(fleet.level[k], fleet.level[k + 1]):
            c = fleet.order[i]
            upto += flow.taken[c] * fleet.prefill[p, c] / fast_p
        wait = mean_wait(servers, above, upto, service, fano, max(0.0, cs2))
        for i in range(fleet.level[k], fleet.level[k + 1]):
            c = fleet.order[i]
            if fleet.ttft_of[s, c] >= 0:
                shift = own / max(flow.speed[p], SLOWEST) + _shift(fleet, flow, queue, s, c, r_p, r_d)
                speeds = _speeds(fleet, flow, s, c, batch, stall, fano / r_d, rate / fast_d, square)
                _write(fleet, flow, s, c, shift, waits, wait, raw * busy, speeds, dt, out[c])


@inner
def _shift(fleet: Fleet, flow: Flow, queue: np.ndarray, s: int, c: int, r_p: float, r_d: float) -> float:
    """Time that every request of a class waits for the queue before it, and for its KV cache to arrive, s."""
    queued = 0.0
    if queue[c] > 0.0:
        queued = queue[c] / flow.taken[c] if flow.taken[c] > 0.0 else FOREVER_S
    size = fleet.transfer[s, c]
    if size <= 0.0:
        return queued
    moved, count = 0.0, 0.0
    for other in range(queue.shape[0]):
        moved += flow.taken[other] * fleet.transfer[s, other]
        count += flow.taken[other]
    links = min(r_p, r_d)
    mean = moved / count if count > 0.0 else size
    time, _, _ = transfer(size, count / links, mean, fleet.link[s])
    return queued + time


@inner
def _speeds(
    fleet: Fleet, flow: Flow, s: int, c: int, batch: float, stall: float, spread: float, prompts: float, square: float
) -> tuple[float, float, float]:
    """TPOT p50, p90, p99 in s."""
    d = fleet.decoding[s]
    together = fleet.prefilling[s] == d
    at_, tau, top = fleet.batch[d], fleet.step[d], fleet.batch[d, fleet.batch.shape[1] - 1]
    rate, square = (prompts, square) if together else (0.0, 0.0)
    output, slow = fleet.cls[c, OUTPUT], 1.0 / max(flow.speed[d], SLOWEST)
    return (
        slow * tpot_percentile(at_, tau, Z_50, batch, stall, spread, top, rate, square, output),
        slow * tpot_percentile(at_, tau, Z_90, batch, stall, spread, top, rate, square, output),
        slow * tpot_percentile(at_, tau, Z_99, batch, stall, spread, top, rate, square, output),
    )


__all__ = ["FOREVER_S", "add_latencies"]
