"""The share of requests that wait: Erlang's C for any real number of servers, and its table for every step.

Equations (k servers, a = lambda E[S] offered load, rho = a/k < 1)::

    pmf = a^k e^-a / Gamma(k + 1)
    Q   = Gamma(k + 1, a)/Gamma(k + 1) = 1 - pmf sum_{n >= 1} a^n / ((k + 1) ... (k + n))
    B   = pmf/Q,     C = B/(1 - rho (1 - B))

The sum has positive terms that fall from the first one on, so nothing cancels: about 9 sqrt(k) terms next to
saturation, fewer below. Real ``k`` is the usual continuation by the incomplete gamma function.
Range: k from 0.1 to 1e5, any a >= 0.

The table is bilinear in ``x`` and ``log2 k``; ``x`` is 1 - rho for one server and the square-root staffing variable
``h = (1 - rho) sqrt(k)`` as ``h/(1 + h)`` for many, along which C hardly changes with k::

    x = (1 - rho) s/(1 + (s - 1)(1 - rho)),   s = sqrt(k)

Source: A. K. Erlang 1917; D. L. Jagerman, Bell System Technical Journal 53, 1974 (continuation to real k); S. Halfin
and W. Whitt, Operations Research 29, 1981 (h).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from twin.core.jit import kernel

Floats = NDArray[np.float64]

SMALLEST_LOG = -60.0
SMALLEST_TERM = 1e-17
K_MOST = 1e5
K_DIRECT = 32.0
ROWS_PER_OCTAVE = 4
COLUMNS = 65
ROWS = 17 * ROWS_PER_OCTAVE + 1  # up to 2^17 servers


@kernel
def erlang_c(servers: float, load: float) -> float:
    """Probability that a request waits: ``servers`` k (real, > 0), ``load`` a in servers; 1 from saturation on."""
    if load <= 0.0:
        return 0.0
    if load >= servers:
        return 1.0
    log_pmf = servers * math.log(load) - load - math.lgamma(servers + 1.0)
    if log_pmf < SMALLEST_LOG:
        return 0.0
    pmf = math.exp(log_pmf)
    n = 1.0
    term = load / (servers + n)
    total = 0.0
    while term > SMALLEST_TERM * total:
        total += term
        n += 1.0
        term *= load / (servers + n)
    blocked = pmf / (1.0 - pmf * total)
    return blocked / (1.0 - load / servers * (1.0 - blocked))


@kernel
def _column(servers: float, idle: float) -> float:
    """``x`` of the table at ``idle`` = 1 - rho."""
    s = math.sqrt(servers)
    return idle * s / (1.0 + (s - 1.0) * idle)


@kernel
def wait_share(table: np.ndarray, servers: float, rho: float) -> float:
    """:func:`erlang_c`; with more than ``K_DIRECT`` servers from :func:`wait_table`, within 0.001.

    ``servers`` (>= 1) and ``rho`` are held in range. Few servers are computed: a percentile turns where the share that
    waits passes 1 - p, and there the table's 0.0004 moved the 99th by 10 %.
    """
    if rho <= 0.0:
        return 0.0
    if rho >= 1.0:
        return 1.0
    k = min(max(servers, 1.0), K_MOST)
    if k <= K_DIRECT:
        return erlang_c(k, k * rho)
    x = _column(k, 1.0 - rho) * (COLUMNS - 1)
    y = math.log2(k) * ROWS_PER_OCTAVE
    i = min(int(y), ROWS - 2)
    j = min(int(x), COLUMNS - 2)
    fy = y - i
    fx = x - j
    low = table[i, j] + fx * (table[i, j + 1] - table[i, j])
    high = table[i + 1, j] + fx * (table[i + 1, j + 1] - table[i + 1, j])
    return float(low + fy * (high - low))


@cache
def wait_table() -> Floats:
    """The table for :func:`wait_share` (ROWS over log2 k, COLUMNS over x), one for all pools; not to be written to."""
    made = np.empty((ROWS, COLUMNS))
    for i in range(ROWS):
        k = 2.0 ** (i / ROWS_PER_OCTAVE)
        s = math.sqrt(k)
        for j in range(COLUMNS):
            x = j / (COLUMNS - 1)
            made[i, j] = erlang_c(k, k * (1.0 - x / (s - (s - 1.0) * x)))
    made.flags.writeable = False
    return made


__all__ = ["erlang_c", "wait_share", "wait_table"]
