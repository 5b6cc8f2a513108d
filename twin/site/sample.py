"""Samples of a site: what nobody has published of its racks, draws and serving, drawn within the bands.

The unknowns and their places are those of ``twin.site.unknowns``: sample ``i`` of two variants of a site has the same
unknowns, so differences are of the variants alone, and a map and the bands of a year draw the same numbers.
"""

from __future__ import annotations

from twin.core.bands import banded
from twin.core.errors import InputError
from twin.core.strata import places
from twin.inference.draw import Draw
from twin.inference.serving import Serving
from twin.racks.rack import Rack
from twin.site.library import Library
from twin.site.load import LoadedSite
from twin.site.model import Site
from twin.site.unknowns import drawn, places_of, unknowns

ATTEMPTS = 100


def unknown_entries(site: Site, library: Library) -> list[str]:
    """Ids of the racks, serving configurations and draws that the site uses and that have a band, in order."""
    ids = {g.rack for t in site.templates.values() for row in t.rows.values() for g in row.groups}
    if site.inference is not None:
        pools = [s for id, service in site.inference.services.items() for s in service.pools(id).values()]
        ids |= {s.serving for s in pools}
        ids |= {library.get(s.serving, Serving).draw for s in pools}
    return sorted(id for id in ids if isinstance(library.get(id), Rack | Serving | Draw) and banded(library.get(id)))


def sampled_site(loaded: LoadedSite, index: int, *, samples: int, seed: int) -> LoadedSite:
    """Sample ``index`` of ``samples`` of a site: the same site with a library without those bands.

    Bands that break a rule of a kind together are drawn anew, as often as it takes. Raises ``InputError`` where it
    never ends.
    """
    found = unknowns(loaded, unknown_entries(loaded.site, loaded.library))
    for attempt in range(ATTEMPTS):
        u = places_of(found, index, samples, seed, attempt)
        try:
            return drawn(loaded, dict(zip(found, u.tolist(), strict=True)))
        except InputError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError


__all__ = ["places", "sampled_site", "unknown_entries"]
