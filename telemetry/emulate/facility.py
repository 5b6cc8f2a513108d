"""All points of a virtual facility and what they read, from the rows of the engine: the one place where both meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from telemetry.emulate import cooling, meters, racks
from telemetry.emulate.points import Spec
from telemetry.emulate.rows import Floats, Part, Rows, Scope
from twin.core.errors import one


@dataclass(frozen=True)
class Facility:
    """Points in a fixed order; ``tails`` are the topics of each behind Value or Metadata."""

    site: str
    specs: tuple[Spec, ...]
    tails: tuple[str, ...]
    parts: tuple[Part, ...]

    def read(self, rows: Rows) -> Floats:
        """True values in published units: (interval, point), NaN for no value."""
        return np.concatenate([part.values(rows) for part in self.parts], axis=1)


def facility(scope: Scope) -> Facility:
    """The points of what is published of a site. Raises ``InputError`` where two would share a topic."""
    parts = tuple(part for room in (meters, cooling, racks) for part in room.parts(scope) if part.specs)
    specs = tuple(spec for part in parts for spec in part.specs)
    site = scope.loaded.site.name
    tails = tuple(spec.tail(site) for spec in specs)
    seen: dict[str, Spec] = {}
    for tail, spec in zip(tails, specs, strict=True):
        if tail in seen:
            raise one(f"{spec.name} and {seen[tail].name} would have the same topic: their names differ too little")
        seen[tail] = spec
    return Facility(site, specs, tails, parts)


__all__ = ["Facility", "facility"]
