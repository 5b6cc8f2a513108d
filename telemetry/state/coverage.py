"""Which heartbeats tell of which points: those in whose scope a point lies, else those of its source without a scope.

A scope is free text of a site: a filter, a beginning or a part of topics. Its levels have to stand in the point's
identity in a row; ``+`` stands for any one, ``#`` or ``*`` at its end for all that follow; the head of a DSX topic
(``BMS/v1/PUB/Value``) says nothing of the point.
"""

from __future__ import annotations

import re
from array import array

import numpy as np
from numpy.typing import NDArray

from telemetry.points import Points

MOST = 32  # heartbeats of one source; further ones are points like others


class Coverage:
    """Works out again only what is new, or what a heartbeat that is new or was described anew may cover."""

    def __init__(self) -> None:
        self.heartbeats: dict[int, tuple[str, str]] = {}
        self.groups: list[tuple[int, ...]] = []
        self._group = array("i")
        self._looked = 0
        self._sources: dict[str, tuple[list[tuple[int, re.Pattern[str]]], tuple[int, ...]]] = {}

    def of(self, points: Points) -> NDArray[np.int32]:
        """Number of the group of heartbeats by point, -1 where none covers it."""
        found = {
            index: (points[index].source, points[index].covers or "")
            for index in [*self.heartbeats, *range(self._looked, len(points))]
            if points[index].covers is not None
        }
        if found != self.heartbeats:
            self._learn(found)
        numbers = {group: number for number, group in enumerate(self.groups)}
        for index in range(len(self._group), len(points)):
            group = self._covering(points[index].source, points[index].identity)
            self._group.append(numbers.setdefault(group, len(numbers)) if group else -1)
        self.groups, self._looked = list(numbers), len(points)
        return np.array(self._group, np.int32)

    def _learn(self, found: dict[int, tuple[str, str]]) -> None:
        by_source: dict[str, list[tuple[int, str]]] = {}
        for index, (source, scope) in found.items():
            own = by_source.setdefault(source, [])
            if len(own) < MOST:
                own.append((index, scope))
        self._sources = {
            source: ([(i, pattern(scope)) for i, scope in own if scope], tuple(i for i, scope in own if not scope))
            for source, own in by_source.items()
        }
        self.heartbeats, self.groups, self._group = found, [], array("i")

    def _covering(self, source: str, identity: str) -> tuple[int, ...]:
        scoped, others = self._sources.get(source, ([], ()))
        return tuple(index for index, scope in scoped if scope.search(identity)) or others


def pattern(scope: str) -> re.Pattern[str]:
    """What the identities look like that a scope covers."""
    asked = scope.strip("/").split("/")
    if asked[-1] in ("#", "*"):
        asked.pop()
    for head in ("BMS", "v1"):
        asked = asked[1:] if asked[:1] == [head] else asked
    for place in (0, 1):
        if asked[place : place + 1] in (["Value"], ["Metadata"]):
            asked = asked[place + 1 :]
            break
    if asked in ([], ["+"]):
        return re.compile("")
    levels = "/".join("[^/]+" if level == "+" else re.escape(level) for level in asked)
    return re.compile(f"(?:^|/){levels}(?:/|$)")
