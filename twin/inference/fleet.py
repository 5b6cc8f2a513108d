"""The fleet as columns: what the serving kernels read, what they keep, what they hand on.

A *pool* is a serving configuration on the systems of some halls. A *service* is a colocated pool, or a prefill pool and
a decode pool joined by a KV link; it holds one queue per class. Tables over the batch are linear between points.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


# Percentiles of latencies that are recorded.
PERCENTILES = (50.0, 90.0, 99.0)


class Pool(IntEnum):
    """Columns of a pool."""

    SYSTEMS = 0  # systems per replica
    IDLE = 1  # W of a system without work
    PREFILL = 2  # W of a system that computes prompts
    KV = 3  # KV tokens of a replica
    LAG = 4  # first-order lag of the power, s
    BATCHING = 5  # whether a step with a prompt makes tokens (``twin.inference.decoding``)
    CHUNK = 6  # prompt tokens of a step


class Class(IntEnum):
    """Columns of a workload class."""

    OUTPUT = 0  # mean generated tokens
    HELD = 1  # mean KV tokens of a request while it is served
    TTFT = 2  # promised time to first token, s
    SHED = 3  # 1: refused where it would be later than that, or than its window
    PROMPT = 4  # mean prompt tokens to compute
    FANO = 5  # variance per mean of arrivals counted in 1 s
    OUTPUT_50 = 6  # generated tokens that half of the requests stay below
    OUTPUT_90 = 7
    OUTPUT_99 = 8
    DEFER = 9  # window: how long requests may be put off, s; 0: not at all
    SHARE = 10  # share of requests that the promises are made for


class Binding(IntEnum):
    """What limits a service."""

    NONE = 0
    PREFILL = 1  # prompts need more time than there is
    DECODE = 2  # tokens: the batch is as large as it may be
    KV = 3  # memory for the KV cache ends the batch
    LINK = 4  # the KV link
    POWER = 5  # a power cap
    SYSTEMS = 6  # no system is energised
    HEAT = 7  # racks at their junction limit


class Fleet(NamedTuple):
    """Numeric columns of pools, services and classes."""

    pool: Floats  # (pool, Pool)
    batch: Floats  # (pool, points) ascending from 0
    step: Floats  # (pool, points) time of a decode step at the batch, s
    rate: Floats  # (pool, points) tokens/s of a replica at the batch
    most: Floats  # (pool, points) largest rate at this batch or a smaller one
    draw: Floats  # (pool, points) W of a system that decodes at the batch
    prefill: Floats  # (pool, class) mean prefill time of a request on a replica, s
    prefill_square: Floats  # (pool, class) mean square of it, s2
    ttft: Floats  # (table, percentile, ...) tables of ``twin.inference.ttft``
    ttft_of: Ints  # (service, class) table, -1 where not served
    waits: Floats  # table of ``twin.inference.erlang``
    prefilling: Ints  # (service) pool that computes prompts
    decoding: Ints  # (service) pool that makes tokens; the same one where they are colocated
    link: Floats  # (service) bytes/s of one replica's link, inf without
    transfer: Floats  # (service, class) mean KV bytes of a request over the link
    mix: Floats  # (service, class) share of the service's requests as it is meant, sum 1; 0: not served
    weight: Floats  # (service) fixed part of the requests of its classes; 0: by what it can take
    cls: Floats  # (class, Class)
    order: Ints  # classes in the order in which they are served: :func:`serving_order`
    level: Ints  # (levels + 1) offsets into ``order``: classes that are served alike


class Held(NamedTuple):
    """What lasts from step to step."""

    queue: Floats  # (service, class) requests that wait
    age: Floats  # (service, class) time that the first of them has waited, s; kept for deferrable classes
    active: Floats  # (service, class) requests that are served
    power: Floats  # (pool) W of a system, after its lag; negative: not begun


class Flow(NamedTuple):
    """Scratch of a service in a step."""

    offered: Floats  # (class) requests/s
    taken: Floats  # (class) requests/s
    routed: Floats  # (service, class) requests/s
    limit: Floats  # (service) share of its capacity that caps and hot racks leave
    capacity: Floats  # (service) requests/s of its meant mix with what is left of its systems
    built: Floats  # (service) the same with everything energised
    systems: Floats  # (pool) what is left of the energised systems
    speed: Floats  # (pool) of full speed, below 1 where racks are at their junction limit
    full: Floats  # (pool) what a system would draw at the step's working point at full speed, W
    first: Floats  # (class, percentile) time to first token without the queue, s
    patience: Floats  # (class) how long a request that may be refused waits at most, s


def serving_order(classes: Sequence[tuple[int, float]]) -> tuple[Ints, Ints]:
    """``order`` and ``level`` of classes given as (priority, window; 0: may not be put off).

    Who may be put off comes after all who may not, whatever the priorities: moved within its window it loses nothing.
    """
    rank = [(window > 0.0, priority) for priority, window in classes]
    order = sorted(range(len(rank)), key=lambda c: rank[c])
    begins = [i for i in range(len(order)) if i == 0 or rank[order[i]] != rank[order[i - 1]]]
    return np.array(order, np.int64), np.array([*begins, len(order)], np.int64)


def new_held(fleet: Fleet | None) -> Held:
    """Nothing waits, nothing runs; empty without a fleet."""
    shape = fleet.mix.shape if fleet else (0, 0)
    return Held(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.full(len(fleet.pool) if fleet else 0, -1.0))


def new_flow(fleet: Fleet) -> Flow:
    """Scratch for ``twin.inference.step``."""
    services, classes = fleet.mix.shape
    offered, taken = np.zeros(classes), np.zeros(classes)
    limit, capacity, built = (np.zeros(services) for _ in range(3))
    routed = np.zeros((services, classes))
    first, patience = np.zeros((classes, len(PERCENTILES))), np.zeros(classes)
    pools = len(fleet.pool)
    systems, speed, full = np.zeros(pools), np.ones(pools), np.zeros(pools)
    return Flow(offered, taken, routed, limit, capacity, built, systems, speed, full, first, patience)


__all__ = ["Binding", "Class", "Fleet", "Flow", "Held", "Pool", "new_flow", "new_held", "serving_order"]
