"""What a run begins with: the steady state of its first step, and basins as warm as the weather makes them.

A site does not begin to exist when a run does. Started at its set points, the first hour drew 2.5 % less than the
second, and a basin at chilled-water temperature took heat from hot air for hours.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twin.cooling.rejection import rejection_kinds
from twin.core.columns import Fac
from twin.engine.arrays import Out, Scratch, State
from twin.site.plan import Plan

Floats = NDArray[np.float64]
# Weather and load of the first step are held for three days: Frontier's slowest loop is then within 6e-5.
SETTLE_STEPS = 72
SETTLE_STEP_S = 3600.0
# As near to the wet bulb as towers come, to the dry bulb as dry coolers.
APPROACH_K = 4.0

# (end, length, closes (n); weather (n, 3); curves (n, curves); ports (n, ports); ledger (n, islands, 3); on (hall))
Advance = Callable[[Floats, Floats, NDArray[np.int64], Floats, Floats, Floats, Floats, NDArray[np.uint8]], object]


def fill_basins(plan: Plan, state: State, start: float, air: Floats) -> None:
    """Fill the loops whose first hall is energised at ``start`` with water as warm as the air (3) lets it be."""
    a, wet = plan.arrays, [kind.WET for kind in rejection_kinds().values()]
    for f, fac in enumerate(a.fac):
        if plan.hall_start_s[a.sec_hall[a.sec_fac == f]].min() != start:
            continue
        bulb = air[1] if wet[int(fac[Fac.REJECTION])] else air[0]
        state.basin[f] = state.condenser[f] = min(air[0], bulb + APPROACH_K)
        if fac[Fac.CHILLERS] == 0.0:
            state.fac_supply[f] = max(state.fac_supply[f], bulb + APPROACH_K)
            state.fac_return[f] = max(state.fac_return[f], bulb + APPROACH_K)
            state.pipe[f, :, 1, 0] = state.fac_supply[f]


def settle(plan: Plan, advance: Advance, start: float, on: NDArray[np.uint8], air: Floats, curves: Floats) -> None:
    """Hold the first step's weather ``air`` (3) and load ``curves`` until everything energised is steady."""
    n, a = SETTLE_STEPS, plan.arrays
    advance(
        start - SETTLE_STEP_S * np.arange(n - 1, -1, -1.0),
        np.full(n, SETTLE_STEP_S),
        np.full(n, -1, np.int64),
        np.tile(air, (n, 1)),
        np.tile(curves, (n, 1)),
        np.zeros((n, len(a.port))),
        np.zeros((n, len(a.island_ptr) - 1, 3)),
        on,
    )


def forget(out: Out, scratch: Scratch) -> None:
    """Empty the accumulators: what happened before the run is not part of it."""
    for name in ("hall", "cdu", "loop", "element", "rack"):
        getattr(out, name).fill(0.0)
    scratch.peak.fill(-1e300)
