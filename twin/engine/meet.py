"""Where a fleet and the islands meet: racks too hot for what their pool asks for, and the pool for what they can draw.

Usually the fleet runs ahead: it is served over many steps, and its racks draw that. When racks of a pool reach their
junction limit (``twin.engine.throttle``), both are taken back to the step in which it happens. That step is then found
as a whole: the islands say what the racks draw, the fleet serves the most that fits it (less of its own, more where
other services take over), the islands follow what has changed, until nothing does. From there on windows begin with one
step and double as long as nothing is slowed, so that little is computed in vain and no result hangs on the windows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from twin.core.columns import Group
from twin.engine.serve import FleetBlock, PoolCurve
from twin.engine.timeline import Block
from twin.inference.fleet import Held

if TYPE_CHECKING:
    from twin.engine.run import Engine, Forcing

Floats = NDArray[np.float64]
PASSES = 6
# What is asked for has settled, as a share of it.
CLOSE = 1e-4


@dataclass(frozen=True)
class Meeting:
    """The steps of a block between two events; ``on`` (hall) energised."""

    engine: Engine
    block: Block
    forcing: Forcing
    served: FleetBlock
    on: NDArray[np.uint8]
    pool: ThreadPoolExecutor

    def advance(self, first: int, last: int) -> None:
        """Serve and advance the steps ``first .. last``."""
        at, window = first, last - first
        served = self._served_groups()
        can_be_slowed = bool((np.isfinite(served[:, Group.THROTTLE]) | (served[:, Group.TRIP_DELAY] >= 0.0)).any())
        while at < last:
            end = min(last, at + window)
            fleet, islands = self.served.save(), self._save() if can_be_slowed else []
            held = self._run(at, end, stop=True)
            if held < 0:
                at, window = end, 2 * window
                continue
            self._take_back(fleet, islands)
            if held > 0:
                self._run(at, at + held, stop=False)
            self._together(at + held)
            at, window = at + held + 1, 1

    def _run(self, first: int, last: int, stop: bool) -> int:
        """Serve steps, let the islands follow; the first step, counted from ``first``, that slows a pool, or -1."""
        self.served.alive[first:last] = self._alive()
        self.served.serve(first, last, self.on)
        self.forcing.follow(self.engine.curves, first, last)
        return self._islands(first, last, stop)

    def _islands(self, first: int, last: int, stop: bool) -> int:
        self.forcing.ledger[first:last] = 0.0
        return self.engine.advance(self.block, self.forcing, first, last, self.on, self.pool, stop)

    def _together(self, step: int) -> None:
        """One step in which racks of a pool are slowed."""
        fleet, islands = self.served.save(), self._save()
        self.served.alive[step] = self._alive()
        self.served.serve(step, step + 1, self.on)
        asked, lagging = self.served.watts(step), self.served.power_state.copy()
        start = fleet[Held._fields.index("power")]
        self.forcing.follow(self.engine.curves, step, step + 1)
        others = np.ones(len(asked), bool)
        for _ in range(PASSES):
            self._islands(step, step + 1, stop=False)
            share = self._drawn_share()
            self.served.restore(fleet)
            self.served.serve(step, step + 1, self.on, np.where(share < 1.0, share * asked, np.inf))
            others = share >= 1.0
            # A pool that is slowed fills up: in a long step it asks for more than it did at full speed.
            full, end = self.served.wanted(step, start)
            lagging = np.where(others | (full <= asked), lagging, end)
            wanted = np.where(others, self.served.watts(step), np.maximum(asked, full))
            if (np.abs(wanted - asked) <= CLOSE * asked).all():
                break
            self._restore(islands)
            self._ask(step, wanted)
            asked = wanted
        # What a slowed pool would draw goes on with its lag, so that it is asked for in full while it is slowed.
        self.served.power_state[~others] = lagging[~others]

    def _ask(self, step: int, watts: Floats) -> None:
        """Let racks ask for ``watts`` (pool) of a system in a step, as if none were slowed."""
        for c, curve in enumerate(self.engine.curves):
            if isinstance(curve, PoolCurve):
                left = self.served.left[step, curve.pool]
                self.forcing.curves[step, c] = watts[curve.pool] * left / curve.rated_w

    def _alive(self) -> Floats:
        """Share of each pool's energised racks that have not tripped."""
        a, state = self.engine.plan.arrays, self.engine.state
        if not (state.tripped_by > 0).any():
            return np.ones(self.served.left.shape[1])
        running, racks = (np.zeros(self.served.left.shape[1]) for _ in range(2))
        of, count = self._pool_of(), a.group[:, Group.COUNT]
        np.add.at(racks, of[of >= 0], count[of >= 0])
        np.add.at(running, of[of >= 0], (count * (state.tripped_by <= 0))[of >= 0])
        return running / np.maximum(racks, 1.0)

    def _pool_of(self) -> NDArray[np.int64]:
        """The pool of each energised group, -1 for none."""
        a = self.engine.plan.arrays
        on = np.repeat(self.on != 0, np.diff(a.hall_group))
        of = np.array([c.pool if isinstance(c, PoolCurve) else -1 for c in self.engine.curves])[a.group_curve]
        return np.where(on, of, -1)

    def _drawn_share(self) -> Floats:
        """What the racks of each pool drew in the last step per what they asked for, 1 where none is slowed."""
        s, of = self.engine.scratch, self._pool_of()
        drawn, asked, held = (np.zeros(self.served.left.shape[1]) for _ in range(3))
        for total, values in ((drawn, s.group_power), (asked, s.group_asked), (held, s.held)):
            np.add.at(total, of[of >= 0], values[of >= 0])
        return np.where(held > 0.0, drawn / np.maximum(asked, 1e-300), 1.0)

    def _served_groups(self) -> Floats:
        group = self.engine.plan.arrays.group
        return group[group[:, Group.SERVED] != 0.0]

    def _lasting(self) -> tuple[NDArray[np.generic], ...]:
        out = self.engine.out
        return (*self.engine.state, out.hall, out.cdu, out.loop, out.element, out.rack, self.engine.scratch.peak)

    def _save(self) -> list[NDArray[np.generic]]:
        return [part.copy() for part in self._lasting()]

    def _restore(self, saved: list[NDArray[np.generic]]) -> None:
        for part, before in zip(self._lasting(), saved, strict=True):
            np.copyto(part, before)

    def _take_back(self, fleet: list[Floats], islands: list[NDArray[np.generic]]) -> None:
        self._restore(islands)
        self.served.restore(fleet)


__all__ = ["Meeting"]
