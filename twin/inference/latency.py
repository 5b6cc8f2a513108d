"""Latencies of a service in one step, from its working point: percentiles without sampling.

Equations: TTFT from ``twin.inference.ttft`` with the share that waits (Erlang) and the mean wait (Allen-Cunneen, Cobham
by priority) of ``twin.inference.waiting``, plus the transfer of the KV cache and the fluid wait of what queues in
overload: ``q/a`` of those who come, of a deferrable class the age of those whose turn it is; TPOT from
``twin.inference.decoding``; ``E2E_p = TTFT_50 + L_p TPOT_50``, L_p the output length that a share p of the requests
stays below: lengths vary far more than speeds.
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
DEFER = int(Class.DEFER)
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
def first_tokens(fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, batch: float) -> tuple[float, float, float]:
    """Fill ``flow.first``, (class, percentile) times to first token in s with no queue but that of the load.

    A pool at ``flow.speed`` of its speed takes as long as one at full speed whose clock runs slower: loads are counted
    per the time that is left, times are stretched. Returns the requests/s that are taken, their Fano factor and the
    mean square of a prompt's service time (s2).
    """
    p, d = fleet.prefilling[s], fleet.decoding[s]
    speed = max(flow.speed[p], SLOWEST)
    raw = at(fleet.batch[d], fleet.step[d], batch)
    busy, own = 0.0, 0.0
    rate, fano, service, square = _arrivals(fleet, flow, s, 0.0)
    if p == d:
        busy = busy_share(SHORTEST, r_d, batch * r_d, fano)
        own = own_step(int(fleet.pool[p, BATCHING]), raw, busy)
        rate, fano, service, square = _arrivals(fleet, flow, s, own)
    servers = queue_servers(SHORTEST, r_p)
    waits = wait_share(fleet.waits, servers, rate * service / (r_p * speed))
    cs2 = square / (service * service) - 1.0 if service > 0.0 else 0.0
    upto = 0.0
    for k in range(fleet.level.shape[0] - 1):
        above = upto
        for i in range(fleet.level[k], fleet.level[k + 1]):
            c = fleet.order[i]
            upto += flow.taken[c] * fleet.prefill[p, c] / (r_p * speed)
        wait = mean_wait(servers, above, upto, service, fano, max(0.0, cs2))
        for i in range(fleet.level[k], fleet.level[k + 1]):
            c = fleet.order[i]
            if fleet.ttft_of[s, c] >= 0:
                table, mean = fleet.ttft[fleet.ttft_of[s, c]], max(1e-9, fleet.prefill[p, c])
                times = ttft_from_table(table, mean / speed, waits, wait / speed, raw * busy / speed)
                shift = own / speed + _sent(fleet, flow, s, c, r_p, r_d)
                for m in range(3):
                    flow.first[c, m] = times[m] + shift
    return rate, fano, square


@inner
def add_latencies(
    fleet: Fleet, flow: Flow, queue: np.ndarray, age: np.ndarray, s: int, r_p: float, r_d: float, batch: float,
    stall: float, dt: float, out: np.ndarray,
) -> None:  # fmt: skip
    """Add the latencies of a service's classes, (class, percentile, variable), times ``dt``."""
    if r_p <= 0.0 or r_d <= 0.0:
        for c in range(queue.shape[0]):
            for i in range(3):
                for v in range(3):
                    out[c, i, v] += FOREVER_S * dt
        return
    rate, fano, square = first_tokens(fleet, flow, s, r_p, r_d, batch)
    for c in range(queue.shape[0]):
        if fleet.ttft_of[s, c] >= 0:
            queued = _queued(fleet, flow, queue, age, c)
            slow = 1.0 / max(flow.speed[fleet.decoding[s]], SLOWEST)
            speeds = _speeds(fleet, s, c, batch, stall, fano / r_d, slow * rate / r_d, square, slow)
            for i in range(3):
                out[c, i, TTFT] += min(FOREVER_S, flow.first[c, i] + queued) * dt
                out[c, i, TPOT] += speeds[i] * dt
                last = flow.first[c, 0] + queued + fleet.cls[c, OUTPUT_50 + i] * speeds[0]
                out[c, i, E2E] += min(FOREVER_S, last) * dt


@inner
def _queued(fleet: Fleet, flow: Flow, queue: np.ndarray, age: np.ndarray, c: int) -> float:
    """Time that every request of a class waits for the queue before it, s."""
    if queue[c] <= 0.0:
        return 0.0
    if fleet.cls[c, DEFER] > 0.0:
        return age[c]
    return queue[c] / flow.taken[c] if flow.taken[c] > 0.0 else FOREVER_S


@inner
def _sent(fleet: Fleet, flow: Flow, s: int, c: int, r_p: float, r_d: float) -> float:
    """Time that a request of a class waits for its KV cache to arrive, s."""
    size = fleet.transfer[s, c]
    if size <= 0.0:
        return 0.0
    moved, count = 0.0, 0.0
    for other in range(flow.taken.shape[0]):
        moved += flow.taken[other] * fleet.transfer[s, other]
        count += flow.taken[other]
    links = min(r_p, r_d)
    mean = moved / count if count > 0.0 else size
    time, _, _ = transfer(size, count / links, mean, fleet.link[s])
    return time


@inner
def _speeds(
    fleet: Fleet, s: int, c: int, batch: float, stall: float, spread: float, prompts: float, square: float, slow: float
) -> tuple[float, float, float]:
    """TPOT p50, p90, p99 in s, where everything takes ``slow`` times as long as at full speed."""
    d = fleet.decoding[s]
    together = fleet.prefilling[s] == d
    at_, tau, top = fleet.batch[d], fleet.step[d], fleet.batch[d, fleet.batch.shape[1] - 1]
    rate, square = (prompts, square) if together else (0.0, 0.0)
    output = fleet.cls[c, OUTPUT]
    return (
        slow * tpot_percentile(at_, tau, Z_50, batch, stall, spread, top, rate, square, output),
        slow * tpot_percentile(at_, tau, Z_90, batch, stall, spread, top, rate, square, output),
        slow * tpot_percentile(at_, tau, Z_99, batch, stall, spread, top, rate, square, output),
    )


__all__ = ["FOREVER_S", "add_latencies", "first_tokens"]
