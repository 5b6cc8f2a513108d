"""What meters read while the power path follows a fault: batteries, generators and dead busbars, not balanced halls.

At the end of a step, by node of the path (``twin.power.machine_supply``), with ``b`` the share of its input from a
store and ``c`` what the store takes::

    own    = into (1 - b) + c        where generators of the node carry it, else 0
    drawn  = into (1 - b) + c        from its feeds where it draws on any, else 0

A row of the Plan is the sum of its nodes; where several feeds of a hall or plant join, it is what is drawn there. The
grid gives what the ledger of the path has, the mean of the step.

A loss of the grid that is *assumed* (an amount is stated) says nothing of where power comes from until it is back: the
grid reads 0, and meters from the grid down to the inputs of UPS have no value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.emulate.rows import Floats, Ints, Path, Rows, Scope
from twin.core.variables import slot
from twin.engine.faults import Faults
from twin.engine.power_run import PowerRun
from twin.engine.run import Forcing
from twin.engine.timeline import Block
from twin.power.machine_state import CARRY, COOL, RETURN
from twin.site.plan import Arrays, Plan

POWER, LOSS, SITE = slot("element_power"), slot("element_loss"), slot("site_power")


class _Ends(NamedTuple):
    """Of an instant, by element of the Plan."""

    out: Floats
    drawn: Floats
    own: Floats
    battery: Floats
    running: Floats


@dataclass
class Watched:
    """The power path of a run, seen at the ends of its intervals."""

    run: PowerRun
    plan: Plan
    _rows: list[_Ends] = field(default_factory=list)

    def __post_init__(self) -> None:
        site, plan = self.run.site, self.plan
        a, halls = plan.arrays, len(plan.labels.hall)
        self._own = site.element >= 0
        self._of = site.element[self._own]
        # Where feeds join there is no node: what is drawn by the top of the hall, or by the plant.
        nodes = np.bincount(self._of, minlength=len(a.element))
        self._joints = [e for e in range(plan.hall_elements, len(a.element)) if not nodes[e]]
        port = a.port[:halls]
        self._tops = {e: [int(a.hall_element[h + 1]) - 1 for h in np.flatnonzero(port == e)] for e in self._joints}
        plants = a.port[halls:]
        self._plants = {e: site.node_of_fac[np.flatnonzero(plants == e)] for e in self._joints}

    def before(self, start: float) -> None:
        """As the path does."""
        self.run.before(start)

    def arrays(self, a: Arrays) -> Arrays:
        """As the path does."""
        return self.run.arrays(a)

    def after(self, block: Block, forcing: Forcing, step: int) -> None:
        """As the path does; an end of an interval is kept."""
        self.run.after(block, forcing, step)
        if block.closes[step] >= 0:
            self._rows.append(self._ends())

    def _ends(self) -> _Ends:
        s, net = self.run.machine.state.live, self.run.site.net
        taken = s.into * (1.0 - s.battery) + s.charge
        sets = np.isin(s.plant, (CARRY, RETURN))
        fed = np.add.reduceat(np.append(s.live, 0.0), net.feed_ptr[:-1])
        drawn = np.where(sets, 0.0, taken * np.minimum(1.0, fed))
        stored = s.battery * s.into
        out, pulled, own, given, into = (
            self._sum(x) for x in (s.out, drawn, np.where(sets, taken, 0.0), stored, s.into)
        )
        for e in self._joints:
            through = sum(pulled[top] for top in self._tops[e]) + float(drawn[self._plants[e]].sum())
            out[e] = pulled[e] = through
        running = self._sum(np.isin(s.plant, (CARRY, RETURN, COOL)).astype(np.float64))
        share = np.divide(given, into, out=np.zeros_like(given), where=into > 0.0)
        return _Ends(out, pulled, own, share, np.minimum(1.0, running))

    def _sum(self, nodes: Floats) -> Floats:
        found: Floats = np.bincount(self._of, nodes[self._own], len(self.plan.arrays.element)).astype(np.float64)
        return found

    def over(self, rows: Rows) -> Rows:
        """The rows of a block with what the path did in it; what is kept of it is given up."""
        ends, self._rows = self._rows, []
        grid = np.array(self.run.ledger.rows["grid"][-len(ends) :])
        for kept in self.run.ledger.rows.values():
            kept.clear()
        columns = [np.array(column) for column in zip(*ends, strict=True)]
        out, drawn, own, battery, running = columns
        element, site = rows.levels["element"].copy(), rows.levels["site"].copy()
        element[..., POWER], element[..., LOSS] = out, drawn - out
        site[:, 0, SITE] = grid
        return replace(rows, levels=rows.levels | {"element": element, "site": site}, path=Path(own, battery, running))


@dataclass(frozen=True)
class Assumed:
    """Losses of the grid that are assumed: (from, to) s since 1970; ``dark`` (element) rows that then have no value,
    ``inputs`` those of which the input has none."""

    spans: tuple[tuple[float, float], ...]
    dark: NDArray[np.bool_]
    inputs: NDArray[np.bool_]

    def over(self, rows: Rows, ends: Floats) -> Rows:
        """Rows of a block, its intervals ending at ``ends``."""
        lost = np.zeros(len(ends), bool)
        for begin, end in self.spans:
            lost |= (begin < ends) & (ends <= end)
        if not lost.any():
            return rows
        element, site = rows.levels["element"].copy(), rows.levels["site"].copy()
        element[np.ix_(lost, self.dark, np.array([POWER, LOSS]))] = np.nan
        element[np.ix_(lost, self.inputs, np.array([LOSS]))] = np.nan
        site[lost, 0, SITE] = 0.0
        return replace(rows, levels=rows.levels | {"element": element, "site": site})


def assumed(scope: Scope, faults: Faults, ups: Ints) -> Assumed | None:
    """The assumed losses among the faults; ``ups`` are the rows of UPS. None where there is none."""
    found = [f for f in faults.found if faults.mode(f).dark and not faults.by_path(f)]
    if not found:
        return None
    a, plan = scope.plan.arrays, scope.plan
    dark = np.zeros(len(a.element), bool)
    dark[plan.hall_elements :] = True
    inputs = np.zeros(len(a.element), bool)
    for h in range(len(plan.labels.hall)):
        low, high = int(a.hall_element[h]), int(a.hall_element[h + 1])
        own = ups[(ups >= low) & (ups < high)]
        # Without a UPS what is below is dark itself, and reads 0.
        if len(own):
            inputs[own[-1]] = True
            dark[own[-1] + 1 : high] = True
    return Assumed(tuple((f.at_s, min(f.until_s, inf)) for f in found), dark, inputs)


__all__ = ["Assumed", "Watched", "assumed"]
