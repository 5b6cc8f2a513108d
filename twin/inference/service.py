"""A service in one step: what it takes from its queues, how large its batch gets, what it draws.

Equations (a_c requests/s taken of class c, R_p and R_d replicas that prefill and decode, L_c output tokens)::

    rho = sum a_c T_p,c / R_p                     share of time spent on prompts
    s   = rho where prompts and tokens share the systems (less the steps that serve both), else 0
    g   = sum a_c L_c / R_d                       tokens/s asked of a replica
    g  <= (1 - s) max_{B <= B_max} B/tau(B),      B_max = min(largest batch, M_kv / mean KV tokens of a request)
    B   : B/tau(B) = g/(1 - s),  tau_eff = tau(B)/(1 - s)                (Little, closed form in a table's segment)
    P   = (1 - rho) P_dec(B) + rho P_pre;         a prefill pool: P_idle + rho (P_pre - P_idle)

All limits are linear in what is taken, so the share of a priority level that fits is one division each. Source: facts
on inference, sections 6.2-6.5.
"""

from __future__ import annotations

import numpy as np

from twin.core.jit import constant, inner
from twin.inference.decoding import MIXED, MIXED_PASSES
from twin.inference.fleet import Binding, Class, Fleet, Flow, Pool

OUTPUT, HELD = int(Class.OUTPUT), int(Class.HELD)
IDLE, PREFILL, KV, BATCHING = int(Pool.IDLE), int(Pool.PREFILL), int(Pool.KV), int(Pool.BATCHING)
NONE, BY_PREFILL, BY_DECODE = constant(Binding.NONE), constant(Binding.PREFILL), constant(Binding.DECODE)
BY_KV, BY_LINK, BY_SYSTEMS = constant(Binding.KV), constant(Binding.LINK), constant(Binding.SYSTEMS)
# Time to answer is unbounded at full prefill load; beyond this share no more is taken.
FULL = 0.98
# Halvings of a share: to 1e-12 of what is asked, for a queue may ask for a million times what fits.
BESIDE_STEPS = 40


@inner
def segment(row: np.ndarray, x: float) -> int:
    """Index ``i`` with ``row[i] <= x < row[i + 1]``, the outer segments beyond the ends."""
    low, high = 0, row.shape[0] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if row[middle] <= x:
            low = middle
        else:
            high = middle
    return low


@inner
def at(grid: np.ndarray, values: np.ndarray, x: float) -> float:
    """Linear interpolation, held beyond the ends."""
    i = segment(grid, x)
    share = min(1.0, max(0.0, (x - grid[i]) / (grid[i + 1] - grid[i])))
    return values[i] + share * (values[i + 1] - values[i])


@inner
def batch_for(batch: np.ndarray, step: np.ndarray, most: np.ndarray, rate: float) -> float:
    """Smallest batch whose tokens/s reach ``rate``: ``B = rate tau(B)``, tau linear in the segment."""
    if rate <= 0.0:
        return 0.0
    i = segment(most, rate)
    slope = (step[i + 1] - step[i]) / (batch[i + 1] - batch[i])
    left = 1.0 - rate * slope
    if left <= 1e-12:
        return batch[i + 1]
    return min(batch[i + 1], max(batch[i], rate * (step[i] - slope * batch[i]) / left))


@inner
def largest(fleet: Fleet, d: int, held: float) -> tuple[float, float, bool]:
    """Most tokens/s of a decode replica, its step time there, whether memory ends it; ``held`` KV tokens a request."""
    top = fleet.batch[d, fleet.batch.shape[1] - 1]
    room = fleet.pool[d, KV] / max(held, 1.0)
    batch = min(room, top)
    return at(fleet.batch[d], fleet.most[d], batch), at(fleet.batch[d], fleet.step[d], batch), room < top


@inner
def admit(fleet: Fleet, flow: Flow, s: int, r_p: float, r_d: float, limit: float) -> tuple[float, float, float, int]:
    """Fill ``flow.taken`` from ``flow.offered``, first priority first; ``limit`` scales every capacity.

    Returns prefill load (replica-seconds/s), tokens/s, use of what decodes (0..1), and what binds.
    """
    load, tokens, peak, bound = 0.0, 0.0, 0.0, NONE
    if r_p <= 0.0 or r_d <= 0.0:
        for c in range(flow.taken.shape[0]):
            flow.taken[c] = 0.0
        return 0.0, 0.0, 0.0, BY_SYSTEMS
    stolen, moved, held = 0.0, 0.0, 0.0
    for k in range(fleet.level.shape[0] - 1):
        d_load, d_tokens, d_moved, d_held = asked(fleet, flow, s, k)
        tau, by_memory = 0.0, False
        if tokens + d_tokens > 0.0:
            peak, tau, by_memory = largest(fleet, fleet.decoding[s], (held + d_held) / (tokens + d_tokens))
        d_stolen = stolen_time(fleet, flow, s, k, tau)
        share, why = 1.0, NONE
        room = limit * FULL * r_p - load
        if d_load > 0.0 and d_load > room:
            share, why = max(0.0, room) / d_load, BY_PREFILL
        room = peak * (limit * r_d - stolen) - tokens
        need = d_tokens + peak * d_stolen
        if need > 0.0 and share * need > room:
            part = max(0.0, room) / need
            if tokens > 0.0:
                level = d_tokens, d_held, d_stolen
                part, peak = _beside(fleet, fleet.decoding[s], limit * r_d - stolen, tokens, held, level)
            if part < share:
                share, why = part, BY_KV if by_memory else BY_DECODE
        room = limit * fleet.link[s] * min(r_p, r_d) - moved
        if d_moved > 0.0 and share * d_moved > room:
            share, why = max(0.0, room) / d_moved, BY_LINK
        for i in range(fleet.level[k], fleet.level[k + 1]):
            flow.taken[fleet.order[i]] = share * flow.offered[fleet.order[i]]
        load, tokens, moved = load + share * d_load, tokens + share * d_tokens, moved + share * d_moved
        held, stolen = held + share * d_held, stolen + share * d_stolen
        if bound == NONE:
            bound = why
    used = (tokens / peak + stolen) / r_d if peak > 0.0 else 0.0
    return load, tokens, max(used, moved / (fleet.link[s] * min(r_p, r_d))), bound


@inner
def _beside(
    fleet: Fleet, d: int, replicas: float, tokens: float, held: float, level: tuple[float, float, float]
) -> tuple[float, float]:
    """Share of a priority level that decodes beside the ``tokens`` of those before it: (share, peak with it).

    How much memory a token takes in the mean follows from what of the level is taken, not from what is asked: else its
    own queue would shut it out. ``level`` has its tokens/s, what they hold, and the time that its prompts take.
    """
    low, high, peak = 0.0, 1.0, 0.0
    for _ in range(BESIDE_STEPS):
        share = 0.5 * (low + high)
        made = tokens + share * level[0]
        peak, _, _ = largest(fleet, d, (held + share * level[1]) / made)
        if made <= peak * (replicas - share * level[2]):
            low = share
        else:
            high = share
    return low, peak


@inner
def asked(fleet: Fleet, flow: Flow, s: int, k: int) -> tuple[float, float, float, float]:
    """What a priority level asks for: prefill load, tokens/s, bytes/s, tokens/s times KV tokens held."""
    p = fleet.prefilling[s]
    load, tokens, moved, held = 0.0, 0.0, 0.0, 0.0
    for i in range(fleet.level[k], fleet.level[k + 1]):
        c = fleet.order[i]
        rate = flow.offered[c]
        load += rate * fleet.prefill[p, c]
        tokens += rate * fleet.cls[c, OUTPUT]
        moved += rate * fleet.transfer[s, c]
        held += rate * fleet.cls[c, OUTPUT] * fleet.cls[c, HELD]
    return load, tokens, moved, held


@inner
def stolen_time(fleet: Fleet, flow: Flow, s: int, k: int, tau: float) -> float:
    """Replica-seconds/s that the prompts of a priority level take from decoding, steps of ``tau`` s.

    None on systems of their own; where a step with a prompt makes tokens too, only what exceeds the step.
    """
    p = fleet.prefilling[s]
    if p != fleet.decoding[s]:
        return 0.0
    spared = tau if fleet.pool[p, BATCHING] == MIXED else 0.0
    total = 0.0
    for i in range(fleet.level[k], fleet.level[k + 1]):
        c = fleet.order[i]
        total += flow.offered[c] * max(0.0, fleet.prefill[p, c] - spared)
    return total


@inner
def working_point(
    fleet: Fleet, flow: Flow, s: int, load: float, tokens: float, r_p: float, r_d: float
) -> tuple[float, float, float, float]:
    """Steady ``(rho, B, tau_eff, stall)`` of a service that takes prefill ``load`` and makes ``tokens`` per second."""
    p, d = fleet.prefilling[s], fleet.decoding[s]
    if r_p <= 0.0 or r_d <= 0.0:
        return 0.0, 0.0, 0.0, 0.0
    rho = load / r_p
    batch, tau, stall = 0.0, 0.0, rho if p == d else 0.0
    mixed = p == d and fleet.pool[p, BATCHING] == MIXED
    for _ in range(MIXED_PASSES if mixed else 1):
        batch = batch_for(fleet.batch[d], fleet.step[d], fleet.most[d], tokens / r_d / (1.0 - stall))
        tau = at(fleet.batch[d], fleet.step[d], batch)
        if mixed:
            stall = 0.0
            for c in range(flow.taken.shape[0]):
                stall += flow.taken[c] * max(0.0, fleet.prefill[p, c] - tau) / r_p
    return rho, batch, tau / (1.0 - stall), stall


@inner
def system_power(fleet: Fleet, s: int, rho: float, batch: float) -> tuple[float, float]:
    """Power of a system of the prefill pool and of the decode pool, W; equal where they are one."""
    p, d = fleet.prefilling[s], fleet.decoding[s]
    decode = at(fleet.batch[d], fleet.draw[d], batch)
    if p == d:
        both = (1.0 - rho) * decode + rho * fleet.pool[d, PREFILL]
        return both, both
    idle = fleet.pool[p, IDLE]
    return idle + rho * (fleet.pool[p, PREFILL] - idle), decode


__all__ = ["admit", "at", "system_power", "working_point"]
