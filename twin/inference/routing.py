"""Where the requests of a class go: in proportion to what services can take, by fixed weights, or by rank.

Without ranks the split is proportional to the meant mix times capacity (capped capacity counts, so it is aware of
caps). With weights it is that of the weights, whatever they can take, as long as they have power. With ranks services
fill up in that order, and what fits nowhere is split in proportion.
"""

from __future__ import annotations

import numpy as np

from twin.core.jit import inner
from twin.inference.fleet import Fleet, Flow

# A ranked service is filled so far before the next one is asked: queues grow steeply beyond.
TARGET = 0.9


@inner
def _weight(fleet: Fleet, flow: Flow, s: int, c: int) -> float:
    if fleet.weight[s] > 0.0:
        return fleet.weight[s] if fleet.mix[s, c] > 0.0 and flow.capacity[s] > 0.0 else 0.0
    return fleet.mix[s, c] * flow.capacity[s] * flow.limit[s]


@inner
def _in_proportion(fleet: Fleet, flow: Flow, c: int, rate: float) -> None:
    """Split ``rate`` over the services of a class; where none has capacity, over all that are meant for it."""
    total, meant = 0.0, 0.0
    for s in range(fleet.mix.shape[0]):
        total += _weight(fleet, flow, s, c)
        meant += fleet.mix[s, c]
    for s in range(fleet.mix.shape[0]):
        share = _weight(fleet, flow, s, c) / total if total > 0.0 else fleet.mix[s, c] / meant
        flow.routed[s, c] += rate * share


@inner
def _by_rank(fleet: Fleet, flow: Flow, rank: np.ndarray, room: np.ndarray, c: int, rate: float) -> float:
    """Fill services in the order of their rank; returns what is left. ``room`` (service) is used up, requests/s."""
    for n in range(rank.shape[0]):
        s = rank[n]
        if fleet.mix[s, c] > 0.0 and rate > 0.0:
            part = min(rate, room[s])
            room[s] -= part
            flow.routed[s, c] += part
            rate -= part
    return rate


@inner
def route(fleet: Fleet, flow: Flow, rates: np.ndarray, rank: np.ndarray, room: np.ndarray) -> None:
    """Fill ``flow.routed`` (service, class) from ``rates`` (class) requests/s; ``rank`` empty: in proportion."""
    for s in range(fleet.mix.shape[0]):
        room[s] = TARGET * flow.capacity[s] * flow.limit[s]
        for c in range(rates.shape[0]):
            flow.routed[s, c] = 0.0
    for i in range(rates.shape[0]):
        c = fleet.order[i]
        left = rates[c]
        if rank.shape[0] > 0:
            left = _by_rank(fleet, flow, rank, room, c, left)
        if left > 0.0:
            _in_proportion(fleet, flow, c, left)


__all__ = ["route"]
