"""An incomplete site: the word ``unknown`` stands where nobody has said what a run needs.

``twin site from-telemetry`` writes such files: metadata tell names and what feeds what, never a limit or a rating. An
unknown is no number to guess from: each is told at its place with what is needed, and no verb takes the site until an
overlay (a site with the incomplete one as its ``base``) gives them all. Free text (titles, notes, sources), the name of
the site and names in the telemetry may hold the word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from twin.core.params import quantity_of
from twin.site.document import Document, Path
from twin.site.model import Site
from twin.site.shape import fields_of, walk

UNKNOWN = "unknown"
FREE_TEXT = frozenset(("name", "title", "note", "source", "stands_in_for"))
NEEDED = "not in the telemetry; complete it in an overlay"


def unknowns_of(data: Any, path: Path = ()) -> Iterator[Path]:
    """Places of the word ``unknown`` in a site's data, in the written order."""
    if data == UNKNOWN:
        if path and path[-1] not in FREE_TEXT:
            yield path
        return
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        if not (path or key != "telemetry"):
            continue
        yield from unknowns_of(value, (*path, key))


def without_unknowns(document: Document) -> Document:
    """The document with every unknown as a fault; its place is lost, so that what is checked there is no second one."""
    found = list(unknowns_of(document.data))
    if not found:
        return document
    faults = [document.problem(path, f"{UNKNOWN}{_about(path)}: {NEEDED}") for path in found]
    return replace(document, faults=(*document.faults, *faults), lost=document.lost | set(found))


def _about(path: Path) -> str:
    """What the value at ``path`` means, from the nearest field of the model above it, with its unit."""
    for length in range(len(path), 0, -1):
        place = walk(Site, path[:length])
        name, info = fields_of(place.model).get(str(path[length - 1]), ("", None)) if place.model else ("", None)
        if info is None or place.model is None:
            continue
        quantity = quantity_of(place.model, name)
        about = info.description or (quantity.text if quantity else "")
        unit = f" [{quantity.unit}]" if quantity and quantity.unit != "1" else ""
        return f", {about}{unit}" if about else ""
    return ""


__all__ = ["NEEDED", "UNKNOWN", "unknowns_of", "without_unknowns"]
