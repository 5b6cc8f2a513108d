"""Tokens: the step time at a batch, Little's fixed point, prompts that share the replica, percentiles, stability.

Equations per replica (n active sequences, tau(n) step time from a table, g = lambda E[L_out] tokens/s asked for, rho_p
share of the time that prompts take)::

    tau_eff = tau(n)/(1 - s),   s = rho_p, or with prompts and tokens in one step  max(0, rho_p - lambda tau(n))
    n = g tau_eff(n)                                                            (Little)
    n ~ Normal(n*, F n*/m):  TPOT_p = tau_eff(n* + z_p sqrt(F n*/m)) + z_p sqrt(lambda tau_eff E[T_p^2]/L_out)
    S = T_p, or where a step with prompts makes the other tokens after them ("added")  T_p + tau(n) E[L_in]/chunk
    lambda* = M_kv/(t_b E[integral of KV over the steps of a request])           (stable below it)

S is the service time of a prompt in the queue of ``twin.inference.waiting``. m is the number of replicas that
join-shortest-queue evens out (1 for random routing); the last term is the spread of the stalls by prompts that one
request of ``L_out`` tokens meets, Poisson in number.

tau is linear between the points of its table, so Little's equation is linear on each segment and the fixed point is
exact: the first segment at whose end n/tau(n) covers the demand. Where none does, the replica is overloaded, and the
largest n/tau(n) says what share it serves. No iteration, no assumption that tau rises.
Range: n up to the last point of the table or ``most``; s held below 0.98.
Source: J. D. C. Little 1961; M/G/infinity with bursty arrivals: W. Whitt, Management Science 38, 1992; stability:
arXiv 2605.04595; mixed steps: P. Patel et al., Splitwise, ISCA 2024 (mixed batching).
"""

from __future__ import annotations

import math

import numpy as np

from twin.core.jit import kernel

ALONE, ADDED, MIXED = 0, 1, 2
BATCHING = {"alone": ALONE, "added": ADDED, "mixed": MIXED}
STALL_MOST = 0.98
MIXED_PASSES = 4
Z_PERCENTILES = (0.0, 1.2815515655446004, 2.3263478740408408)  # p50, p90, p99


@kernel
def step_time(at: np.ndarray, tau: np.ndarray, batch: float) -> float:
    """tau in s at ``batch``: linear between the points, held beyond the ends."""
    if batch <= at[0]:
        return float(tau[0])
    for i in range(1, at.size):
        if batch <= at[i]:
            return float(tau[i - 1] + (tau[i] - tau[i - 1]) * (batch - at[i - 1]) / (at[i] - at[i - 1]))
    return float(tau[at.size - 1])


@kernel
def fixed_point(at: np.ndarray, tau: np.ndarray, demand: float, most: float) -> tuple[float, float]:
    """Least batch n <= ``most`` with n/tau(n) = ``demand`` (tokens/s), and the share of the demand that it serves.

    Share 1 unless overloaded; then n is where most tokens are made.
    """
    if demand <= 0.0:
        return 0.0, 1.0
    best_rate, best = 0.0, 0.0
    low, tau_low = 0.0, tau[0]
    for i in range(at.size + 1):
        high = min(at[i], most) if i < at.size else most
        if high <= low:
            continue
        tau_high = step_time(at, tau, high)
        rate = high / tau_high
        if rate >= demand:
            slope = (tau_high - tau_low) / (high - low)
            n = demand * (tau_low - slope * low) / (1.0 - demand * slope)
            return min(max(n, low), high), 1.0
        if rate > best_rate:
            best_rate, best = rate, high
        low, tau_low = high, tau_high
    return best, best_rate / demand


@kernel
def colocated(
    at: np.ndarray, tau: np.ndarray, demand: float, prompts: float, prefill_s: float, mixed: bool, most: float
) -> tuple[float, float, float, float]:
    """Batch, tau_eff in s, stall s, and share served of a replica that does both.

    ``prompts`` per s with ``prefill_s`` on average; ``mixed``: a step with a prompt makes tokens too. With
    ``prompts`` 0 a replica that only decodes.
    """
    busy = prompts * prefill_s
    stall = busy
    n, share = 0.0, 1.0
    for _ in range(MIXED_PASSES if mixed else 1):
        n, share = fixed_point(at, tau, demand / (1.0 - min(stall, STALL_MOST)), most)
        if mixed:
            stall = max(0.0, busy - prompts * step_time(at, tau, n))
    raw = step_time(at, tau, n)
    if share < 1.0 or stall > STALL_MOST:
        # Fewer requests served are fewer prompts too: s g = (1 - s stall) n/tau.
        n = n if share < 1.0 else fixed_point(at, tau, math.inf, most)[0]
        raw = step_time(at, tau, n)
        rate = n / raw
        share = min(1.0, rate / (demand + stall * rate))
        stall *= share
    return n, raw / (1.0 - min(stall, STALL_MOST)), stall, share


@kernel
def own_step(batching: int, step_s: float, busy: float) -> float:
    """tau in s of the step that a prompt ends in, if that step makes tokens after it; ``busy`` of ``busy_share``."""
    return step_s * busy if batching == ADDED else 0.0


@kernel
def tpot_percentile(
    at: np.ndarray,
    tau: np.ndarray,
    z: float,
    batch: float,
    stall: float,
    spread: float,
    most: float,
    prompts: float,
    prefill_s2: float,
    output: float,
) -> float:
    """TPOT in s at the normal quantile ``z``; ``spread`` = F/m.

    ``prompts`` per s of the replica with a mean square ``prefill_s2`` (s2) stall a request of ``output`` tokens.
    """
    n = min(max(batch + z * math.sqrt(spread * batch), 0.0), most)
    step = step_time(at, tau, n) / (1.0 - min(stall, STALL_MOST))
    return step + z * math.sqrt(prompts * step * prefill_s2 / max(output, 1.0))


@kernel
def stable_rate(kv_tokens: float, step_s: float, prompt: float, output: float, output_square: float) -> float:
    """lambda* in requests/s: above it the KV cache fills without end however the requests are ordered.

    A request of L_in and L_out tokens holds ``L_out L_in + L_out (L_out + 1)/2`` token steps; ``output_square`` is
    E[L_out^2], lengths independent.
    """
    return kv_tokens / (step_s * (output * prompt + 0.5 * (output_square + output)))


__all__ = [
    "ADDED",
    "ALONE",
    "BATCHING",
    "MIXED",
    "Z_PERCENTILES",
    "colocated",
    "fixed_point",
    "own_step",
    "stable_rate",
    "step_time",
    "tpot_percentile",
]
