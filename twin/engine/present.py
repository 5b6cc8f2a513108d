"""The site as the first fault finds it: its state, and what flows and is drawn in the step before."""

from __future__ import annotations

from dataclasses import dataclass, fields

from twin.engine.arrays import Scratch, State
from twin.engine.faults import Faults
from twin.site.plan import Arrays, Floats


@dataclass(frozen=True)
class Present:
    """An instant of a run; everything is a copy. ``arrays`` are those of the Plan without faults."""

    at_s: float
    arrays: Arrays
    state: State
    step: Scratch

    def air_inlets(self) -> Floats:
        """Air at the inlets of each group's racks (group), degC: as ``twin.engine.zones`` has it."""
        j, step = self.arrays.group_air, self.step
        found: Floats = step.inlet[j] + step.stray * (step.back[j] - step.supply[j])
        return found


@dataclass
class Seen(Faults):
    """Faults that keep the site as the first of them finds it."""

    present: Present | None = None

    def begin(self, state: State, scratch: Scratch, t: float) -> None:
        """Before a step that begins at ``t``: keep what is there when the first fault begins."""
        if self.present is None and self.found and t == min(f.at_s for f in self.found):
            self.present = present(t, self.plan.arrays, state, scratch)
        super().begin(state, scratch, t)


def present(t: float, arrays: Arrays, state: State, step: Scratch) -> Present:
    """A copy of a run at ``t``."""
    return Present(t, arrays, State._make(part.copy() for part in state), Scratch._make(part.copy() for part in step))


def seen(faults: Faults) -> Seen:
    """The same faults, which keep the site as they find it."""
    return Seen(**{part.name: getattr(faults, part.name) for part in fields(faults)})


__all__ = ["Present", "Seen", "present", "seen"]
