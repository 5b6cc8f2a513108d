"""How long requests wait for one of k replicas: Allen-Cunneen's tail, priorities, routing.

Equations (E[S] mean service time, c_a^2 and c_s^2 squared coefficients of variation of arrivals and of service, sigma_j
load of the classes of priority up to j, per k)::

    P(W > t) = C(k, a) e^(-t/D)
    D_j = E[S] (c_a^2 + c_s^2) / (2 k (1 - sigma_(j-1)) (1 - sigma_j))         (Cobham; one class: 2 k (1 - rho))
    W   = q/mu from rho = 0.95 on, on top of the wait at 0.95                  (fluid: the queue q is a state)

Exact for M/M/k and, in the mean, for M/G/1; the mean wait of M/G/k is off by some 10 % for c_s^2 <= 2.
Range: k >= 1 real; sigma >= 0, held at 0.95.

Routing decides how many servers a request can turn to: with join-shortest-queue the k replicas are one queue of k
servers, with random routing k queues of one. It also decides whether a request meets a running step: under
join-shortest-queue only if every replica is at work.
Source: A. O. Allen, Probability, Statistics and Queueing Theory, 1990; A. Cobham, Operations Research 2, 1954.
"""

from __future__ import annotations

import math

from twin.core.jit import kernel

RHO_FLUID = 0.95
SHORTEST = 0  # join the shortest queue
RANDOM = 1
ROUTING = {"shortest": SHORTEST, "random": RANDOM}


@kernel
def queue_servers(routing: int, replicas: float) -> float:
    """Servers that a request can turn to, for :func:`~twin.inference.erlang.wait_share`."""
    return replicas if routing == SHORTEST else min(replicas, 1.0)


@kernel
def mean_wait(servers: float, above: float, upto: float, service_s: float, ca2: float, cs2: float) -> float:
    """D in s, the mean wait of those who wait, of a class with load ``above`` it and ``upto`` and with it (per server).

    One class: ``above`` 0, ``upto`` rho.
    """
    free = (1.0 - min(max(above, 0.0), RHO_FLUID)) * (1.0 - min(max(upto, 0.0), RHO_FLUID))
    return 0.5 * service_s * (ca2 + cs2) / (servers * free)


@kernel
def normal_share(z: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * math.erfc(-z * 0.7071067811865476)


@kernel
def busy_share(routing: int, replicas: float, sequences: float, fano: float) -> float:
    """Share of arrivals that meet a running step, with ``sequences`` active in all replicas together.

    Join-shortest-queue: all replicas have one, N ~ Normal(N*, F N*). Random: the one chosen has, N ~ Poisson(N*/k).
    """
    if sequences <= 0.0 or replicas <= 0.0:
        return 0.0
    if routing == SHORTEST:
        return normal_share((sequences - replicas + 0.5) / math.sqrt(max(fano, 1e-6) * sequences))
    return -math.expm1(-sequences / replicas)


__all__ = [
    "RANDOM",
    "RHO_FLUID",
    "ROUTING",
    "SHORTEST",
    "busy_share",
    "mean_wait",
    "normal_share",
    "queue_servers",
]
