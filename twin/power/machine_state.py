"""What a machine is at an instant, by node, and the words of what happens to it.

Equations: none. Energies in J since the beginning, instants in s; an instant that is not set is inf.
Source: definition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.power.machine_gear import WIDEST_COUNT, Floats, Gear, Ints
from twin.power.network import Network

# What a node with a UPS or a store lives on. EMPTY comes back with its input, OFF waits for a reset.
MAINS, BATTERY, WALK, BYPASS, EMPTY, OFF = 0, 1, 2, 3, 4, 5
# What a plant does: at rest, about to crank, starting, carrying, carrying with the utility back, cooling, none came.
REST, CALLED, CRANK, CARRY, RETURN, COOL, NONE = 0, 1, 2, 3, 4, 5, 6

WORDS = (
    "loses its source",
    "on battery",
    "transferred",
    "on bypass",
    "overload trip",
    "breaker trip",
    "battery empty",
    "generator starts",
    "generator failed to start",
    "generator ready",
    "load accepted",
    "load shed",
    "walk-in ends",
    "recharged",
    "retransferred",
    "locked on battery",
    "out of fuel",
    "back",
    "dropped",
)


class Event(NamedTuple):
    """Something that happens to a node; ``what`` is one of :data:`WORDS`.

    ``value`` in W for a load, a store or a plant, in units or sets where units are lost or sets fail.
    """

    t_s: float
    node: int
    what: str
    value: float


class Live(NamedTuple):
    """The arrays of a state that the kernels work on, by node unless said."""

    up: Floats  # share of the units left
    tripped: NDArray[np.uint8]
    mode: NDArray[np.int8]
    locked: NDArray[np.uint8]
    timer: Floats  # return, walk-in step, retransfer of a switch
    gap: Floats  # no source before this instant; -inf: none
    step: Ints  # of the walk-in
    chosen: Ints  # feed of a transfer switch; -1: none yet
    sags: Floats  # (node, WIDEST_COUNT) instants of the last sags of the input, latest first
    exposure: Floats  # D of the overload
    bypassed: Floats  # exposure of the static bypass
    theta: Floats  # of the thermal element
    relay: Floats
    energy: Floats  # J stored
    plant: NDArray[np.int8]
    fuel: Floats  # J
    admitted: NDArray[np.uint8]
    recharges: NDArray[np.uint8]  # a plant lets it
    dropped: NDArray[np.uint8]
    dead_since: Floats  # loads: when they lost their source
    # Found anew at each instant:
    alive: NDArray[np.uint8]
    volt: Floats  # per nominal, behind the node
    off_hz: Floats  # deviation of the frequency behind the node
    carried: Ints  # the plant that carries it; -1: none
    by: Ints  # the plant that carries its input, its own included; -1: none
    good: NDArray[np.uint8]  # the input is accepted
    waits: Ints  # the plant that it waits for; -1: none
    fed: NDArray[np.uint8]  # of plants: the utility is within their limits
    live: Floats  # (feed) shares
    battery: Floats  # share of the input that the store gives
    out: Floats
    into: Floats
    charge: Floats  # W taken by the store beside ``into``
    # J since the beginning:
    delivered: Floats
    lost: Floats
    charged: Floats
    discharged: Floats
    generated: Floats
    unserved: Floats


@dataclass
class MachineState:
    """Everything that changes: ``live`` by node, and the few numbers of the whole. ``copy`` is deep."""

    live: Live
    now: float
    volt: float  # of the utility, per nominal
    off_hz: float
    grid_w: float
    grid_j: float
    began: dict[int, float]  # when a plant began to crank
    plant_timer: dict[int, float]
    barred: frozenset[int]  # shed under overload: out until the utility is back
    resting: frozenset[int]  # stopped recharging under overload: until the utility is back
    sets: dict[int, int]  # of a plant that start when called
    called: dict[int, int]  # of a plant that started when it was called last
    running: dict[int, int]  # of a plant on its busbar

    def copy(self) -> MachineState:
        """A state of its own."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        held["live"] = Live._make(column.copy() for column in self.live)
        held |= {key: dict(held[key]) for key in ("began", "plant_timer", "sets", "called", "running")}
        return MachineState(**held)


def fresh(net: Network, gear: Gear, fuel: Floats, sets: dict[int, int]) -> MachineState:
    """A state in which everything is at rest and full, at the instant 0."""
    n = len(net.rated)

    def column(value: float = 0.0, kind: type[np.generic] = np.float64) -> NDArray[Any]:
        return np.full(n, value, kind)

    made: dict[str, Any] = {key: column() for key in Live._fields}
    made |= {key: column(math.inf) for key in ("timer", "dead_since")}
    made |= {key: column(0, np.uint8) for key in ("tripped", "locked", "dropped", "alive", "good", "fed")}
    made |= {key: column(0, np.int8) for key in ("mode", "plant")}
    made |= {key: column(-1, np.int64) for key in ("chosen", "carried", "by", "waits")}
    made |= {
        "up": column(1.0),
        "step": column(0, np.int64),
        "admitted": column(1, np.uint8),
        "recharges": column(1, np.uint8),
    }
    made |= {"gap": column(-math.inf), "energy": gear.full.copy(), "fuel": fuel.copy(), "live": np.zeros(len(net.feed))}
    made["sags"] = np.full((n, WIDEST_COUNT), -math.inf)
    live, none = Live(**made), frozenset[int]()
    return MachineState(
        live,
        0.0,
        1.0,
        0.0,
        0.0,
        0.0,
        {},
        dict.fromkeys(sets, math.inf),
        none,
        none,
        dict(sets),
        dict(sets),
        dict.fromkeys(sets, 0),
    )


__all__ = ["WORDS", "Event", "Live", "MachineState", "fresh"]
