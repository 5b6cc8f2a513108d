"""Faults of the plant in a virtual facility: those of ``twin fail`` and its scenario files, as the engine follows them.

Interlocks are armed where the plant breaks, as in ``twin fail``: racks alarm, slow down and trip. Instants of
``--fault`` count from the start by the clock of the messages, so that at a speed of 60 a fault ``@2min`` breaks two
hours into the model; a scenario begins ``LEAD_S`` of the model after the start (where no date is given, it is its
own instant less that) and keeps its own times. Where the power path follows a fault, meters read what comes over it,
from stores and from generators (``telemetry.emulate.path``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from telemetry.emulate.faults import Words, of_plant
from telemetry.emulate.path import Assumed, Watched, assumed
from telemetry.emulate.rows import Scope
from telemetry.emulate.sources import ups_of
from twin.analysis import fail_power
from twin.core.errors import Faults as Problems
from twin.core.errors import option
from twin.engine.faults import Fault, Faults, armed, has_power, make_faults, named, places
from twin.engine.modes import Place
from twin.engine.options import Asked
from twin.engine.prepare import Prepared
from twin.engine.run import Engine
from twin.engine.scenario import Fitted, Written, fit
from twin.engine.timeline import make_timeline
from twin.forcing.shifted import shifted
from twin.site.plan import Plan

LEAD_S = 60.0
Known = dict[str, Place]


@dataclass(frozen=True)
class PlantFaults:
    """A run through faults of the plant; ``faults`` None where nothing of it breaks."""

    prepared: Prepared
    faults: Faults | None
    begin_s: float

    @property
    def found(self) -> tuple[Fault, ...]:
        """The faults."""
        return () if self.faults is None else self.faults.found

    def named(self) -> list[str]:
        """The faults as they are written."""
        return [fault.named() for fault in self.found]

    def engine(self, prepared: Prepared) -> Engine:
        """An engine at the start, told of the faults."""
        engine = prepared.engine()
        if self.faults is not None:
            engine.faults = self.faults
            if fail_power.by_path(self.faults):
                run = fail_power.couple(engine, prepared, self.faults, self.begin_s)
                run.machine.meter = None  # of the rules of a grid, which nobody asks for
                engine.coupled = Watched(run, prepared.plan)
        return engine

    def assumed(self, scope: Scope) -> Assumed | None:
        """Losses of the grid that are taken to end well, without a path."""
        if self.faults is None:
            return None
        return assumed(scope, self.faults, ups_of(scope, range(len(scope.plan.labels.element))))


def broken(
    prepared: Prepared, asked: Asked, words: Sequence[Words], written: Written | None, begin: float, speed: float,
    model_s: float,
) -> PlantFaults:  # fmt: skip
    """The run with its faults. Raises ``InputError`` with everything that does not fit the site."""
    known, problems = places(prepared.loaded, prepared.plan) if words or written else {}, Problems()
    own = [w for w in words if of_plant(w, known)]
    if not own and written is None:
        return PlantFaults(prepared, None, begin)
    plan, first = armed(prepared.plan, prepared.loaded), begin + LEAD_S
    fitted = Fitted((), ())
    if written is not None:
        lasting_s = written.lasting_s or max(1.0, model_s - LEAD_S)
        fitted = problems.of(fit, written, first, lasting_s, prepared.loaded, plan, known) or fitted
    made = [found for w in own if (found := problems.of(_of_words, w, begin, speed, plan, known)) is not None]
    problems.tell()
    faults = make_faults(plan, prepared.loaded, (), option("fault="), (*made, *fitted.faults))
    if fail_power.by_path(faults):
        faults = fail_power.at_blocks(faults)
    t = asked.timeline
    events = np.union1d(t.events, faults.events)
    line = make_timeline(t.start, t.end, t.step, t.interval, events, t.intervals_per_block)
    air = shifted(prepared.weather, fitted.shifts)
    prepared = replace(prepared, plan=faults.plan, weather=air, timeline=line)
    return PlantFaults(prepared, faults, min((f.at_s for f in faults.found), default=first))


def _of_words(w: Words, begin: float, speed: float, plan: Plan, known: Known) -> Fault:
    place = option("fault=")
    until = inf if w.until_s == inf else begin + round(speed * w.until_s, 3)
    found = Problems()
    fault = found.of(named, w.what, w.mode, w.amount, begin + round(speed * w.at_s, 3), until, known)
    found.problems = [replace(p, path=place, message=f"{w.text}: {p.message}") for p in found.problems]
    found.tell()
    assert fault is not None
    has_power(plan, fault, known, place)
    return fault


__all__ = ["PlantFaults", "broken"]
