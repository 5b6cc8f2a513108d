"""Things that hang together: sets that are joined pair by pair (union-find)."""

from __future__ import annotations


class Sets:
    """Which set each id is in; an id that nobody joined is alone."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}

    def find(self, id: str) -> str:
        """The one that stands for the set of ``id``."""
        self.parent.setdefault(id, id)
        while self.parent[id] != id:
            self.parent[id] = self.parent[self.parent[id]]
            id = self.parent[id]
        return id

    def join(self, one: str, other: str) -> None:
        """Make one set of two."""
        self.parent[self.find(other)] = self.find(one)
