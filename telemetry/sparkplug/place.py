"""Whose a message or a metric is: group, edge node, device, and what stands in front of them."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Whose a metric is. ``front``: what stands in front of ``spBv1.0`` and is not ours; ``device`` "" of the node."""

    front: str
    group: str
    node: str
    device: str = ""

    @property
    def source(self) -> str:
        """The edge node, in whose name losses are counted."""
        return f"{self.front}{self.group}/{self.node}"

    @property
    def path(self) -> str:
        """Group, node and device, as a mapping matches them."""
        return "/".join(filter(None, (self.group, self.node, self.device)))

    def identity(self, metric: str) -> str:
        """Of a metric: the colon keeps a device's metric apart from one of the node with a slash in its name."""
        return f"{self.front}{self.path}:{metric}"


class Route(NamedTuple):
    """A topic: whose message it is and of which kind."""

    kind: str
    place: Place
