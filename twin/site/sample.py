"""Samples of a site: what nobody has published of its racks, draws and serving, drawn within the bands.

Every unknown has its own stratified, seeded places (Latin hypercube), so sample ``i`` of two variants of a site has the
same unknowns: differences are of the variants alone. Figures of one kind and key that rest on the same source sentence
are one unknown: three densities of the same rack do not average it away.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from twin.core.bands import banded, sampled
from twin.core.errors import one
from twin.core.params import Params
from twin.inference.draw import Draw
from twin.inference.serving import Serving
from twin.racks.rack import Rack
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.model import Site

Floats = NDArray[np.float64]
ATTEMPTS = 100


@lru_cache(maxsize=4096)
def places(unknown: str, samples: int, seed: int) -> Floats:
    """Places (samples) of an unknown in its band, 0..1: one in each of as many equal parts, in random order."""
    draw = np.random.default_rng([seed, crc32(unknown.encode())])
    return (draw.permutation(samples) + draw.random(samples)) / samples


def unknown_entries(site: Site, library: Library) -> list[str]:
    """Ids of the racks, serving configurations and draws that the site uses and that have a band, in order."""
    ids = {g.rack for t in site.templates.values() for row in t.rows.values() for g in row.groups}
    if site.inference is not None:
        pools = [s for id, service in site.inference.services.items() for s in service.pools(id).values()]
        ids |= {s.serving for s in pools}
        ids |= {library.get(s.serving, Serving).draw for s in pools}
    return sorted(id for id in ids if isinstance(library.get(id), Rack | Serving | Draw) and banded(library.get(id)))


def sampled_site(loaded: LoadedSite, index: int, *, samples: int, seed: int) -> LoadedSite:
    """Sample ``index`` of ``samples`` of a site: the same site with a library without those bands."""
    library = loaded.library
    entries = {id: library.get(id) for id in unknown_entries(loaded.site, library)}
    made = {id: _sampled(entry, index, samples, seed) for id, entry in entries.items()}
    return replace(loaded, library=library.changed(made))


def _sampled(entry: Params, index: int, samples: int, seed: int) -> Params:
    """The entry at its places; bands that break a rule of the kind together are drawn anew, as often as it takes."""
    figures, keys = entry.figures(), banded(entry)
    for attempt in range(ATTEMPTS):
        again = f"|{attempt}" if attempt else ""
        names = {key: f"{entry.kind}|{key}|{figures[key].source}{again}" for key in keys}
        try:
            return sampled(entry, {key: float(places(name, samples, seed)[index]) for key, name in names.items()})
        except ValueError:
            continue
    raise one(f'the bands of "{entry.title}" do not go together: {", ".join(keys)}')


__all__ = ["places", "sampled_site", "unknown_entries"]
