"""What nobody has published of a site: the figures with a band among the library entries that it uses.

Figures that rest on the same words are one unknown: where kind, key and source agree (the liquid share of two and of
three CS-3 to a rack), what holds for one holds for the other, and both are drawn at the same place of their bands.
Figures without a band are taken as they are, and so are tables, but for a speed that may stand beside them; so is what
the site itself says (loads, demand, sizes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from twin.core.bands import banded, sampled
from twin.core.errors import one
from twin.core.strata import places
from twin.inference.serving import Serving
from twin.site.load import LoadedSite

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Unknown:
    """Figures that are drawn together: ``members`` as (entry, key); ``name`` is the same in every site."""

    name: str
    members: tuple[tuple[str, str], ...]
    source: str
    confidence: str

    @property
    def label(self) -> str:
        """``cs3-x2, cs3-x3: liquid_share``."""
        return f"{', '.join(entry for entry, _ in self.members)}: {self.members[0][1]}"


def entries_of(loaded: LoadedSite) -> list[str]:
    """Ids of the library entries that a site uses, those of what it serves included; sorted."""
    found, library, spec = set(loaded.used), loaded.library, loaded.site.inference
    if spec is not None:
        found |= {demand.workload for demand in spec.demand.values()}
        for id, service in spec.services.items():
            for systems in service.pools(id).values():
                serving = library.get(systems.serving, Serving)
                found |= {systems.serving, serving.model, serving.draw}
    return sorted(found)


def unknowns(loaded: LoadedSite, ids: Sequence[str] | None = None) -> tuple[Unknown, ...]:
    """The unknowns of a site, in the order of its entries (of ``ids`` where given) and their fields."""
    members: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    confidence: dict[tuple[str, str, str], str] = {}
    for id in entries_of(loaded) if ids is None else ids:
        params = loaded.library.get(id)
        for key in banded(params):
            figure = params.figures()[key]
            same = (params.kind, key, figure.source)
            members.setdefault(same, []).append((id, key))
            confidence[same] = figure.confidence
    return tuple(Unknown("\0".join(same), tuple(pairs), same[2], confidence[same]) for same, pairs in members.items())


def places_of(found: Sequence[Unknown], index: int, samples: int, seed: int, attempt: int = 0) -> Floats:
    """Places (unknown), 0..1, of sample ``index`` of ``samples``; each further ``attempt`` is another set of strata."""
    return np.array([places(f"{attempt}\0{unknown.name}", samples, seed)[index] for unknown in found])


def drawn(loaded: LoadedSite, at: Mapping[Unknown, float]) -> LoadedSite:
    """The site with its unknowns at their places (0..1) in their bands.

    Raises ``InputError`` where entries at these places break a rule of their kind.
    """
    by_entry: dict[str, dict[str, float]] = {}
    for unknown, place in at.items():
        for entry, key in unknown.members:
            by_entry.setdefault(entry, {})[key] = place
    made = {}
    for id, at_keys in by_entry.items():
        try:
            made[id] = sampled(loaded.library.get(id), at_keys)
        except ValidationError as error:
            words = "; ".join(fault["msg"] for fault in error.errors())
            raise one(f"a sample of its bands is no {loaded.library.get(id).kind}: {words}", path=id) from None
    return replace(loaded, library=loaded.library.changed(made))


__all__ = ["Unknown", "drawn", "entries_of", "places_of", "unknowns"]
