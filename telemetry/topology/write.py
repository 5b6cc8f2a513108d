"""A site file from a recording, and a first overlay that completes it with estimates.

The file holds what metadata tell and ``unknown`` for what they do not (:mod:`twin.site.incomplete`); the overlay has it
as its base and gives a figure of ours for each unknown, with what it rests on. Of the same recording come the same
bytes, in whatever order its metadata were received.
"""

from __future__ import annotations

from dataclasses import dataclass

from telemetry.recording.read import Recording
from telemetry.topology.emit import Line, Tree, overlay_text, site_text
from telemetry.topology.graph import Graph, graph_of
from telemetry.topology.structure import Structure, structure_of
from telemetry.topology.survey import Survey, survey
from telemetry.topology.tree import SiteTree
from twin.site.document import parse
from twin.site.incomplete import unknowns_of
from twin.site.library import load_library

HEAD = (
    "A site from telemetry, as `twin site from-telemetry` writes it. Names and what feeds what are those of DSX"
    " metadata (objectId, rackLocationId, servesId, associateId); ids are not taken apart. No metadata hold a limit or"
    " a rating: `unknown` stands where an overlay has to say what is so."
)
OVERLAY = (
    "An overlay that completes a site from telemetry. Every figure is an estimate of ours, with what it rests on, until"
    " it is replaced by what is known of the site; nothing is fitted to measurements."
)


@dataclass(frozen=True)
class Made:
    """What was made of a recording; ``text`` of the site file, ``notes`` what contradicts or is left out."""

    name: str
    title: str
    text: str
    tree: Tree
    notes: tuple[str, ...]
    found: Survey
    graph: Graph
    structure: Structure

    def overlay(self, name: str, base: str, note: str = "") -> str:
        """Text of an overlay called ``name`` upon the site ``base`` (a path from the overlay, or a shipped name)."""
        first: Tree = {
            "format": Line(1),
            "base": Line(base),
            "name": Line(name),
            "title": Line(f"{self.title}, completed by estimates"),
            **({"note": Line(note)} if note else {}),
        }
        return overlay_text(self.tree, OVERLAY, first)

    def counts(self) -> dict[str, int]:
        """What the site holds, and how much is unknown."""
        halls = self.structure.halls
        return {
            "messages": self.found.messages,
            "metadata": self.found.metadata,
            "points": len(self.found.points),
            "refused": sum(self.found.rejects.values()),
            "halls": len(halls),
            "racks": sum(len(hall.racks) for hall in halls),
            "cdus": sum(len(hall.cdus) for hall in halls),
            "air_handlers": sum(len(hall.handlers) for hall in halls),
            "elements": len(self.structure.elements),
            "loops": len(self.structure.loops),
            "placeholders": len(self.graph.placeholders()),
            "unknown": sum(1 for _ in unknowns_of(parse(self.text, self.name).data)),
        }


def site_from(recording: Recording, name: str, *, title: str = "", note: str = "", dialect: str | None = None) -> Made:
    """The site of a recording. Raises ``InputError`` where there is nothing to build one from."""
    found = survey(recording, dialect)
    graph = graph_of(found)
    structure = structure_of(graph)
    maker = SiteTree(structure, found, load_library())
    notes = [*structure.notes, *maker.notes]
    if refused := sum(found.rejects.values()):
        what = ", ".join(f"{count:,} {reason}" for reason, count in sorted(found.rejects.items()))
        notes.append(f"{refused:,} of {found.messages:,} messages were refused: {what}")
    title = title or f"From telemetry: {recording.path.name}"
    tree = maker.tree(name, title, note)
    head = "\n".join([HEAD, *(f"- {line}" for line in notes)])
    return Made(name, title, site_text(tree, head), tree, tuple(notes), found, graph, structure)


__all__ = ["Made", "site_from"]
