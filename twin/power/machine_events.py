"""What has happened between two states at one instant, in words.

Equations: none. Events of one instant stand in the order of :data:`~twin.power.machine_state.WORDS`, then of the nodes.
Source: definition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.power.machine_clock import EMPTIED, FILLED, OVER, PASSED, RELAY, THERMAL
from twin.power.machine_gear import Floats, Gear, Ints
from twin.power.machine_state import BATTERY, BYPASS, EMPTY, MAINS, WALK, WORDS, Event, Live
from twin.power.network import Network

Mask = NDArray[np.bool_]


class Before(NamedTuple):
    """What is compared: copies of the arrays before."""

    alive: NDArray[np.uint8]
    mode: NDArray[np.int8]
    locked: NDArray[np.uint8]
    dropped: NDArray[np.uint8]
    chosen: Ints
    drawn: Ints  # live feeds by node
    out: Floats


def drawn_feeds(net: Network, s: Live) -> Ints:
    """How many feeds each node draws on."""
    sums = np.concatenate([[0], np.cumsum(s.live > 0.0)])
    return np.asarray(sums[net.feed_ptr[1:]] - sums[net.feed_ptr[:-1]], np.int64)


def before(net: Network, s: Live) -> Before:
    """What :func:`events_between` needs of a state that is about to change."""
    return Before(
        s.alive.copy(), s.mode.copy(), s.locked.copy(), s.dropped.copy(), s.chosen.copy(), drawn_feeds(net, s),
        s.out.copy(),
    )  # fmt: skip


def events_between(
    t: float, was: Before, s: Live, net: Network, gear: Gear, demand: Floats, fired: Ints | None = None
) -> list[Event]:
    """Events at the instant ``t`` by comparison of two states, and of the codes that were ``fired`` (node)."""
    load, lives, lived = gear.load > 0, s.alive > 0, was.alive > 0
    battery = s.battery * s.into
    drawn = drawn_feeds(net, s)
    switch = (s.chosen != was.chosen) & (was.chosen >= 0)
    preferred = switch & (net.share[np.maximum(s.chosen, 0)] > 0.0) if len(net.share) else switch
    cords = load & lives & lived & (s.dropped == 0)
    back = lives & ~lived & ((s.dropped == 0) | (gear.returns > 0))
    found: list[tuple[str, Mask, Floats]] = [
        ("loses its source", lived & ~lives & ~load, was.out),
        ("on battery", (s.mode == BATTERY) & (was.mode != BATTERY), battery),
        ("transferred", (switch & ~preferred) | (cords & (drawn < was.drawn)), s.out),
        ("on bypass", (s.mode == BYPASS) & (was.mode != BYPASS), s.out),
        ("battery empty", (s.mode == EMPTY) & (was.mode == MAINS), was.out),
        ("walk-in ends", (s.mode == MAINS) & (was.mode == WALK), s.into),
        ("retransferred", preferred | (cords & (drawn > was.drawn)), s.out),
        ("locked on battery", (s.locked > 0) & (was.locked == 0) & (s.mode == BATTERY), battery),
        ("back", back | ((s.mode == MAINS) & (was.mode == BYPASS)), s.out),
        ("dropped", (s.dropped > 0) & (was.dropped == 0), demand),
    ]
    if fired is not None:
        found += [
            ("overload trip", (fired == OVER) | (fired == PASSED), was.out),
            ("breaker trip", (fired == THERMAL) | (fired == RELAY), was.out),
            ("battery empty", fired == EMPTIED, was.out),
            ("recharged", fired == FILLED, s.energy),
        ]
    return [Event(t, int(n), what, float(value[n])) for what, mask, value in found for n in np.flatnonzero(mask)]


def in_order(events: list[Event]) -> list[Event]:
    """Events in the order of their instants, at one instant in that of the words, then of the nodes."""
    return sorted(events, key=lambda e: (e.t_s, WORDS.index(e.what), e.node))


__all__ = ["Before", "before", "events_between", "in_order"]
