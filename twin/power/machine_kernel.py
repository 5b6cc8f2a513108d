"""The one way into the compiled passes of a machine.

Equations: those of ``twin.power.machine_supply`` and ``twin.power.machine_clock``. To unpack some seventy arrays from
Python costs more to compile than the passes themselves, so there is one entry for all of them.
Source: definition.
"""

from __future__ import annotations

import numpy as np

from twin.core.jit import kernel
from twin.power.machine_clock import due, fire, integrate
from twin.power.machine_gear import Gear
from twin.power.machine_state import Live
from twin.power.machine_supply import flow, supply, wish
from twin.power.network import Network

SUPPLY, FLOW, WISH, DUE, FIRE, PASS = range(6)


@kernel
def operate(
    what: int, t: float, seconds: float, volt: float, off_hz: float, demand: np.ndarray, net: Network, gear: Gear,
    s: Live, when: np.ndarray, code: np.ndarray, wanted: np.ndarray,
) -> float:  # fmt: skip
    """One pass over the nodes; returns what the grid gives (FLOW, W) or the next instant (DUE, s), else 0."""
    if what == SUPPLY:
        supply(t, net, gear, s, volt, off_hz)
    elif what == FLOW:
        return flow(demand, net, gear, s)
    elif what == WISH:
        wish(demand, net, gear, s, wanted)
    elif what == DUE:
        return due(t, net, gear, s, when, code)
    elif what == FIRE:
        fire(t, gear, s, when, code)
    else:
        integrate(seconds, demand, net, gear, s)
    return 0.0


__all__ = ["DUE", "FIRE", "FLOW", "PASS", "SUPPLY", "WISH", "operate"]
