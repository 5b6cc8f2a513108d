"""Time to first token: the exact inversion of its distribution, and tables of it for every step.

Equations (T_p prefill time with the transfer of the KV cache, C share that waits, D mean wait of those who do,
v residual of the running step)::

    TTFT = T_p + W + V,   P(W > t) = C e^(-t/D),   V ~ U(0, v)
    F(t) = sum_cells w (G2(t - lo) - G2(t - hi))/(hi - lo),   G2(x) = integral_0^x P(W + V <= y) dy
    TTFT_p: F(TTFT_p) = p

T_p comes as quantiles of equal weight; its quantile function runs straight between them and on to both ends, so each
cell is a uniform distribution and F has a closed form: no sampling, no steps. A request that finds an idle replica
meets no running step: ``v`` is the step time times the share of replicas that are at work.

The table of a class holds TTFT_p/(M + w), M = E[T_p] + v/2, w = D ln(C/(1 - p)) where that is positive, else 0. Its
axes are sqrt(D/M)/(1 + sqrt(D/M)), the same of (v/2)/E[T_p], and for each p one for C that bends where waiting begins
to matter: C/(1 - p) below C = 1 - p, w/(w + M) above. It is within 3 % of the inversion for T_p with a coefficient of
variation up to 1.5, D up to 50 M and v up to 100 E[T_p]; half of the cases are within 0.15 %. It has no scale: classes
whose T_p differ by a factor share it.
Range: 0 <= C <= 1, D and v >= 0. Where load passes :data:`~twin.inference.waiting.RHO_FLUID` the caller adds the
fluid wait q/mu.
Source: facts of this project, 6.3 (mixture over the grid of T_p); tail of W: A. O. Allen, Probability, Statistics and
Queueing Theory, 1990.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin.core.jit import kernel
from twin.core.root import illinois

Floats = NDArray[np.float64]

PERCENTILES = (0.5, 0.9, 0.99)
PASSES = 80
CLOSE = 1e-9
CLOSE_TABLE = 1e-4

BELOW = 12  # cells of the table up to C = 1 - p
ROWS_C = BELOW + 33
ROWS_D = 33
ROWS_V = 10
TABLE = (len(PERCENTILES), ROWS_D, ROWS_V, ROWS_C)
LOG_RARE_50, LOG_RARE_90, LOG_RARE_99 = (-math.log(1.0 - p) for p in PERCENTILES)


@kernel
def late_share(x: float, c: float, d: float, v: float) -> float:
    """P(W + V <= x)."""
    if x < 0.0:
        return 0.0
    m = min(x, v)
    at_once = m / v if v > 0.0 else 1.0
    if c <= 0.0 or d <= 0.0:
        return at_once
    if v <= 1e-9 * d:
        return 1.0 - c * math.exp(-x / d)
    waited = (m + d * math.exp(-(x - m) / d) * math.expm1(-m / d)) / v
    return at_once + c * (waited - at_once)


@kernel
def _late_sum(x: float, c: float, d: float, v: float) -> float:
    """Integral of :func:`late_share` from 0 to x."""
    if x <= 0.0:
        return 0.0
    m = min(x, v)
    at_once = x - m + (0.5 * m * m / v if v > 0.0 else 0.0)
    if c <= 0.0 or d <= 0.0:
        return at_once
    if v <= 1e-9 * d:
        return x + c * d * math.expm1(-x / d)
    z = m / d
    # z^2/2 - z + 1 - e^-z, by its series where it would cancel
    curve = z * z * z * (1.0 / 6.0 - z / 24.0 + z * z / 120.0) if z < 1e-3 else 0.5 * z * z - z - math.expm1(-z)
    waited = d * d * curve / v
    if x > v:
        waited += x - v - d * d * math.expm1(-(x - v) / d) * math.expm1(-v / d) / v
    return at_once + c * (waited - at_once)


@kernel
def ttft_share(edges: np.ndarray, t: float, c: float, d: float, v: float) -> float:
    """F(t): share of requests with their first token within ``t``; ``edges`` (n + 2) of :func:`cell_edges`."""
    n = edges.size - 2
    total = 0.0
    last = _late_sum(t - edges[0], c, d, v)
    for i in range(n + 1):
        low, high = edges[i], edges[i + 1]
        weight = 0.5 if i in (0, n) else 1.0
        after = _late_sum(t - high, c, d, v)
        if high - low > 1e-7 * t:
            total += weight * (last - after) / (high - low)
        else:
            total += weight * late_share(t - 0.5 * (low + high), c, d, v)
        last = after
    return float(total / n)


@kernel
def _solve(edges: np.ndarray, p: float, c: float, d: float, v: float, close: float) -> float:
    """F(t) = p: regula falsi with the Illinois weight between bounds that hold for any T_p; it always ends."""
    wait = d * math.log(c / (1.0 - p)) if c > 1.0 - p else 0.0
    low, high = 0.0, float(edges[edges.size - 1] + v + wait)
    g_low, g_high = -p, ttft_share(edges, high, c, d, v) - p
    if g_high <= 0.0:
        return high
    x = high
    side = 0
    for _ in range(PASSES):
        x = low - g_low * (high - low) / (g_high - g_low)
        g = ttft_share(edges, x, c, d, v) - p
        if abs(g) < close * (1.0 - p) or high - low < close * high:
            break
        low, g_low, high, g_high, side = illinois(low, g_low, high, g_high, x, g, side)
    return x


@kernel
def ttft_percentile(edges: np.ndarray, p: float, c: float, d: float, v: float) -> float:
    """The time in s within which a share ``p`` of the requests has its first token: the exact inversion."""
    return float(_solve(edges, p, c, d, v, CLOSE))


def cell_edges(quantiles: Floats) -> Floats:
    """Edges (n + 2) of the cells of a distribution given by ``quantiles`` (n, ascending, at (i + 1/2)/n)."""
    q = np.asarray(quantiles, dtype=np.float64)
    first, last = (0.0, 0.0) if q.size == 1 else (0.5 * (q[1] - q[0]), 0.5 * (q[-1] - q[-2]))
    return np.concatenate([[max(0.0, q[0] - first)], q, [q[-1] + last]])


def edges_mean(edges: Floats) -> tuple[float, float]:
    """Mean and squared coefficient of variation of the distribution of ``edges``."""
    weight = np.ones(edges.size - 1)
    weight[[0, -1]] = 0.5
    weight /= edges.size - 2
    low, high = edges[:-1], edges[1:]
    mean = float(weight @ (0.5 * (low + high)))
    square = float(weight @ ((low * low + low * high + high * high) / 3.0))
    return mean, square / (mean * mean) - 1.0 if mean > 0.0 else 0.0


@kernel
def _share_at(row: int, log_rare: float, span: float) -> float:
    """The share that waits at a row of the table; ``span`` = D ln(1/(1 - p))/size."""
    if row <= BELOW:
        left = 1.0 - row / BELOW
        return math.exp(-log_rare) * (1.0 - left * left)
    y = (row - BELOW) / (ROWS_C - 1 - BELOW)
    return math.exp(log_rare * (y / (1.0 + span * (1.0 - y)) - 1.0))


@kernel
def _row(c: float, log_rare: float, span: float) -> float:
    """Where the share ``c`` stands between the rows: the inverse of :func:`_share_at`."""
    rare = math.exp(-log_rare)
    if c <= rare:
        return BELOW * (1.0 - math.sqrt(1.0 - c / rare))
    a = min(1.0, 1.0 + math.log(c) / log_rare)
    return BELOW + (ROWS_C - 1 - BELOW) * a * (1.0 + span) / (1.0 + span * a)


@kernel
def _fill(edges: np.ndarray, mean: float, percentiles: np.ndarray, table: np.ndarray) -> None:
    for m in range(percentiles.size):
        p = percentiles[m]
        log_rare = -math.log(1.0 - p)
        for j in range(ROWS_D):
            root = j / max(ROWS_D - 1.0 - j, 0.01)
            ratio = root * root
            for l in range(ROWS_V):
                root = l / max(ROWS_V - 1.0 - l, 0.01)
                v = 2.0 * mean * root * root
                size = mean + 0.5 * v
                d = ratio * size
                for i in range(ROWS_C):
                    c = _share_at(i, log_rare, ratio * log_rare)
                    wait = d * max(0.0, log_rare + math.log(c)) if c > 0.0 else 0.0
                    table[m, j, l, i] = _solve(edges, p, c, d, v, CLOSE_TABLE) / (size + wait)


def ttft_table(edges: Floats) -> Floats:
    """The table of one class (``TABLE``) for :func:`ttft_from_table`; ``edges`` of its T_p in s."""
    table = np.empty(TABLE)
    _fill(edges, max(edges_mean(edges)[0], 1e-9), np.array(PERCENTILES), table)
    return table


@kernel
def _look_up(table: np.ndarray, m: int, log_rare: float, c: float, d: float, size: float, y: float, z: float) -> float:
    """One percentile; ``y`` and ``z`` are the places along the axes of D and of v."""
    x = _row(c, log_rare, d / size * log_rare)
    i = min(int(x), ROWS_C - 2)
    j = min(int(y), ROWS_D - 2)
    l = min(int(z), ROWS_V - 2)
    fx, fy, fz = x - i, y - j, z - l
    total = 0.0
    for b in range(2):
        wy = fy if b == 1 else 1.0 - fy
        for e in range(2):
            w = wy * (fz if e == 1 else 1.0 - fz)
            at = table[m, j + b, l + e, i]
            total += w * (at + fx * (table[m, j + b, l + e, i + 1] - at))
    wait = d * max(0.0, log_rare + math.log(c)) if c > 0.0 else 0.0
    return total * (size + wait)


@kernel
def ttft_from_table(table: np.ndarray, scale: float, c: float, d: float, v: float) -> tuple[float, float, float]:
    """TTFT p50, p90, p99 in s from the table of a class; ``scale`` is the mean of its T_p (> 0, s).

    ``c`` share that waits (0..1), ``d`` mean wait of those who do, ``v`` residual of the running step (s).
    """
    size = scale + 0.5 * v
    root = math.sqrt(d / size)
    y = root / (1.0 + root) * (ROWS_D - 1)
    root = math.sqrt(0.5 * v / scale)
    z = root / (1.0 + root) * (ROWS_V - 1)
    p50 = _look_up(table, 0, LOG_RARE_50, c, d, size, y, z)
    p90 = _look_up(table, 1, LOG_RARE_90, c, d, size, y, z)
    p99 = _look_up(table, 2, LOG_RARE_99, c, d, size, y, z)
    return p50, p90, p99


__all__ = [
    "PERCENTILES",
    "TABLE",
    "cell_edges",
    "edges_mean",
    "late_share",
    "ttft_from_table",
    "ttft_percentile",
    "ttft_share",
    "ttft_table",
]
