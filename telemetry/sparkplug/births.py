"""What a birth teaches: of each metric its row, and the point that it is or why it is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from telemetry import strict
from telemetry.batch import Reason, Reject
from telemetry.points import Points
from telemetry.sparkplug.convert import CONTROL, FULL, I32, NO_NUMBER, UNIT
from telemetry.sparkplug.naming import Meaning, unit_of
from telemetry.sparkplug.node import Node
from telemetry.sparkplug.payload import NO_ALIAS, Mark, Payload, Stood
from telemetry.sparkplug.place import Place
from telemetry.sparkplug.schema import Datatype
from telemetry.sparkplug.unfold import LONGEST_NAME

BDSEQ = "bdSeq"
CONTROLS = ("Node Control/", "Device Control/")
NUMBERS = frozenset((*range(Datatype.INT8, Datatype.STRING), int(Datatype.DATETIME)))
STOOD = {
    Stood.INT: Datatype.UINT32,
    Stood.LONG: Datatype.UINT64,
    Stood.FLOAT: Datatype.FLOAT,
    Stood.DOUBLE: Datatype.DOUBLE,
    Stood.BOOLEAN: Datatype.BOOLEAN,
}
ALIASED = int(Mark.ALIASED)
Namer = Callable[[Place, str, int, str], Meaning | int]
"""Makes of whose metric it is, its name, data type and written unit a point; else why it is none (of ``convert``)."""


def bdseq(payload: Payload) -> int | None:
    """The number of the session that a birth or death of a node is of; None where it says none."""
    for name, raw in zip(payload.names or (), payload.raw.tolist(), strict=False):
        if name == BDSEQ:
            return int(raw)
    return None


class Births:
    """Teaches nodes what their births say; at most ``max_points`` points, and as many rows that are none."""

    def __init__(self, points: Points, namer: Namer, max_points: int) -> None:
        self._points, self._namer, self._most = points, namer, max_points
        self._rows = 0
        self._refused: dict[Reason, tuple[Reject, int]] = {}

    @property
    def refused(self) -> tuple[tuple[Reject, int], ...]:
        """Metrics of the last birth that were refused, by reason."""
        return tuple(self._refused.values())

    def learn(self, node: Node, device: str, payload: Payload) -> I32:
        """Rows of the metrics of a birth; -1 where a metric has no name, or there is no room."""
        self._refused = {}
        node.rows.begin(device)
        place = node.place._replace(device=device)
        rows, names = np.full(payload.count, -1, np.int32), payload.names or [None] * payload.count
        units = {index: unit_of(payload.message(index).properties) for index in payload.rich}
        columns = (payload.flags.tolist(), payload.alias.tolist(), payload.datatype.tolist(), payload.field.tolist())
        for index, (name, flags, alias, datatype, field) in enumerate(zip(names, *columns, strict=True)):
            if not name or len(name) > LONGEST_NAME:
                continue
            kind = datatype or STOOD.get(field, Datatype.UNKNOWN)
            row = self._row(node, place, name, kind, units.get(index, ""))
            if row is None:
                continue
            rows[index] = row
            node.rows.teach(device, name, alias if flags & ALIASED and alias != NO_ALIAS else None, row)
        return rows

    def _row(self, node: Node, place: Place, name: str, datatype: int, unit: str) -> int | None:
        """The row of a metric, made anew where its birth says something else than the one before."""
        row = node.rows.known(place.device, name)
        if row is not None and node.rows.says(row, datatype, unit):
            return row
        if row is None and self._rows >= 2 * self._most:
            return None
        found = self._point(place, name, datatype, unit)
        self._rows += row is None
        if not isinstance(found, Meaning):
            self._note(found, name, unit)
            return node.rows.put(place.device, name, (-1, datatype, found), (1.0, 0.0, 0.0, 0.0), unit)
        point = found.point
        real = found.unit.factor, found.unit.offset, point.low, point.high
        return node.rows.put(place.device, name, (self._points.put(point), datatype, 0), real, unit)

    def _note(self, why: int, name: str, unit: str) -> None:
        """Count what makes no point though somebody might expect one."""
        words = {
            UNIT: (Reason.UNIT, f'{name}: the unit "{unit}" is not known, or not that of its variable'),
            FULL: (Reason.FULL, f"more than {self._most} points"),
        }.get(why)
        if words is not None:
            reject, times = self._refused.get(words[0], (strict.refuse(*words), 0))
            self._refused[words[0]] = reject, times + 1

    def _point(self, place: Place, name: str, datatype: int, unit: str) -> Meaning | int:
        if name == BDSEQ or name.startswith(CONTROLS) or datatype == Datatype.TEMPLATE:  # its members stand beside it
            return CONTROL
        if datatype not in NUMBERS:
            return NO_NUMBER
        found = self._namer(place, name, datatype, unit)
        if isinstance(found, Meaning) and self._points.index(found.point.identity) is None:
            return FULL if len(self._points) >= self._most else found
        return found


__all__ = ["Births", "Namer", "bdseq"]
