"""The points that messages speak of: who they are, under the twin's names, units and limits.

A point is known by its ``identity`` (of DSX the topic behind ``Value`` or ``Metadata``), never by its metadata, which
may be shared. Points are numbered in the order in which they were first heard of; a number never changes its identity.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Point(msgspec.Struct, frozen=True):
    """One point of a source.

    ``source``: who publishes it, in whose name gaps and skew are counted. ``item``: the equipment or rack it belongs
    to. ``variable``: name as in the twin's results where there is one, else ``<thing>_<quantity>`` in the same words.
    ``units``: UDUNITS of the batch's values (SI, degC). ``written``: the unit as the source writes it, "" for states.
    ``states``: text by value. ``covers``: of a heartbeat the topics whose life it tells, "" for all of its source; None
    for every other point. ``low``, ``high``: what is possible for the quantity, in ``units``.
    """

    identity: str
    source: str
    variable: str
    item: str = ""
    units: str = "1"
    written: str = ""
    qualifier: tuple[str, ...] = ()  # what tells points of one item and variable apart: process area, phase
    set_point: bool = False
    states: tuple[tuple[int, str], ...] = ()
    serves: tuple[str, ...] = ()  # ids that the item feeds, toward the racks
    part_of: str = ""  # id of the object or rack that the point is hung on (DSX: associateId)
    covers: str | None = None
    low: float = float("-inf")
    high: float = float("inf")


class Points:
    """All points heard of, by number and by identity.

    ``changed``: points by number as they were before they were described anew as something else (:func:`meaning`) or
    given to another source: their former readings are worth nothing now. Whoever keeps readings looks there, and clears
    it.
    """

    def __init__(self) -> None:
        self.changed: dict[int, Point] = {}
        self._list: list[Point] = []
        self._index: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._list)

    def __iter__(self) -> Iterator[Point]:
        return iter(self._list)

    def __getitem__(self, index: int) -> Point:
        return self._list[index]

    def index(self, identity: str) -> int | None:
        """Number of an identity, None where nobody spoke of it."""
        return self._index.get(identity)

    def before(self, index: int) -> Point:
        """A point as it was when ``changed`` was cleared."""
        return self.changed.get(index, self._list[index])

    def put(self, point: Point) -> int:
        """Number of ``point``; what was known of its identity before is replaced."""
        index = self._index.setdefault(point.identity, len(self._list))
        if index == len(self._list):
            self._list.append(point)
        else:
            former = self._list[index]
            if meaning(former) != meaning(point) or former.source != point.source:
                self.changed.setdefault(index, former)
            self._list[index] = point
        return index


def meaning(point: Point) -> tuple[object, ...]:
    """What a kept reading relies on."""
    return point.units, point.variable, point.states
