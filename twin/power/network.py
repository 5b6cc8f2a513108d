"""The electrical path as a graph: nodes in parallel banks, feeds with shares, what has a source and what flows where.

A node is a bank of equal units on one busbar, one unit that stands by itself, or a load. It draws from its feeds in the
ratio of their ``share``; a feed of share 0 stands by. What is lost goes over to what is left, in the ratio of the
shares; where none of those is left, to the first that stands by and has a source::

    alive   up > 0, and a feed is alive or the node has a source of its own (battery, generator)
    flow    delivered = demand + sum over children of (live share of this feed) x (input of the child)
    input   P_in = P_out + P_r up (a + b x + c x^2),  x = P_out / (P_r up)      (``twin.power.loss``)

Nodes stand children before parents, so one pass down finds what is alive and one pass up the flows: exact, no
iteration, and energy is conserved by construction. Losses of a bank of which some units are lost follow what is left.
A cord of a load is a feed of it: shares sum to 1, so no cord is counted twice.

Source: physics sheet 1.3 (share of load = 1/(live feeds)), 7.1 rule 1; ties of two feeds are open (Correction 8).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.core.jit import kernel
from twin.power.loss import input_power

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GRID = -1


class Network(NamedTuple):
    """Columns of the nodes, children before parents. Powers in W of active power.

    ``rated``, ``a``, ``b``, ``c``: the loss law of the whole bank (rated 0: ideal). ``normal``: what it may carry for
    ever, ``emergency``: what it may carry for a limited time, both of the whole bank; inf: no limit, NaN: unknown,
    which is never taken for fine. ``units``: equal units of the bank.
    """

    rated: Floats
    a: Floats
    b: Floats
    c: Floats
    normal: Floats
    emergency: Floats
    units: Ints
    feed_ptr: Ints  # (node + 1)
    feed: Ints  # node that feeds, GRID: the utility
    share: Floats  # of the node's input, summing to 1 over its feeds; 0: stands by


class Flows(NamedTuple):
    """What a network carries: W by node, and 1 for what is alive.

    ``live`` are the shares by which feeds are drawn on (feed); ``grid`` the power from the utility; ``own`` the input
    that a node takes from its own source (node).
    """

    alive: NDArray[np.uint8]
    out: Floats
    into: Floats
    live: Floats
    own: Floats
    grid: float


@kernel
def _alive(
    up: np.ndarray, source: np.ndarray, grid: float, feed_ptr: np.ndarray, feed: np.ndarray, share: np.ndarray,
    alive: np.ndarray, live: np.ndarray,
) -> None:  # fmt: skip
    """From the grid down: which nodes have a source, and the shares by which they draw on their feeds."""
    for n in range(up.shape[0] - 1, -1, -1):
        first, last = feed_ptr[n], feed_ptr[n + 1]
        total, spare = 0.0, -1
        for i in range(first, last):
            live[i] = 0.0
            fed = grid > 0.0 if feed[i] < 0 else alive[feed[i]] > 0
            if fed and share[i] > 0.0:
                total += share[i]
            elif fed and spare < 0:
                spare = i
        alive[n] = 1 if up[n] > 0.0 and (total > 0.0 or spare >= 0 or source[n] > 0.0) else 0
        if alive[n] == 0 or source[n] > 0.0:
            continue
        if total <= 0.0:
            live[spare] = 1.0
            continue
        for i in range(first, last):
            if share[i] > 0.0 and (grid > 0.0 if feed[i] < 0 else alive[feed[i]] > 0):
                live[i] = share[i] / total


@kernel
def _flow(
    demand: np.ndarray, up: np.ndarray, source: np.ndarray, law: np.ndarray, feed_ptr: np.ndarray, feed: np.ndarray,
    alive: np.ndarray, live: np.ndarray, out: np.ndarray, into: np.ndarray, own: np.ndarray,
) -> float:  # fmt: skip
    """From the loads up: what each node delivers and takes; returns what the grid gives, W."""
    grid = 0.0
    for n in range(demand.shape[0]):
        out[n], own[n] = demand[n], 0.0
    for n in range(demand.shape[0]):
        if alive[n] == 0 or out[n] <= 0.0:
            into[n] = 0.0
            if alive[n] == 0:
                out[n] = 0.0
            continue
        into[n] = input_power(out[n], law[n, 0] * up[n], law[n, 1], law[n, 2], law[n, 3])
        if source[n] > 0.0:
            own[n] = into[n]
            continue
        for i in range(feed_ptr[n], feed_ptr[n + 1]):
            if live[i] <= 0.0:
                continue
            if feed[i] < 0:
                grid += live[i] * into[n]
            else:
                out[feed[i]] += live[i] * into[n]
    return grid


def solve(
    net: Network, demand: Floats, up: Floats | None = None, source: Floats | None = None, *, grid: bool = True
) -> Flows:
    """Flows at ``demand`` (node) W with the share ``up`` (node, 0..1) of each bank's units left.

    ``source`` (node) is above 0 where a node lives on its own source; ``grid`` whether the utility is there. Demand of
    nodes that are not alive is dropped: ``(1 - alive) * demand`` is the load lost.
    """
    n = len(net.rated)
    up = np.ones(n) if up is None else np.ascontiguousarray(up, np.float64)
    source = np.zeros(n) if source is None else np.ascontiguousarray(source, np.float64)
    alive, live = np.zeros(n, np.uint8), np.zeros(len(net.feed))
    out, into, own = np.zeros(n), np.zeros(n), np.zeros(n)
    _alive(up, source, float(grid), net.feed_ptr, net.feed, net.share, alive, live)
    law = np.column_stack([net.rated, net.a, net.b, net.c])
    taken = _flow(
        np.ascontiguousarray(demand, np.float64), up, source, law, net.feed_ptr, net.feed, alive, live, out, into, own
    )
    return Flows(alive, out, into, live, own, float(taken))


__all__ = ["GRID", "Flows", "Network", "solve"]
