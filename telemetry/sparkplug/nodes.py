"""All edge nodes that are heard, and what their messages come to: readings, losses, wishes, counts.

Data by alias go through one compiled loop (:mod:`telemetry.sparkplug.convert`). The death of a node or device, and what
a birth does not name again, make points that were known bad, without a value, at the time of the death or birth. A
birth says what is now: its readings are of its own time, however long a value has stood.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from telemetry import strict
from telemetry.batch import NOTHING, Batch, Flag, Quality, Reason, Reject
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.points import Points
from telemetry.sparkplug.births import Births, Namer, bdseq
from telemetry.sparkplug.convert import (
    FIRST_MS,
    FULL,
    I32,
    KIND,
    LAST_MS,
    LATEST,
    MS,
    NO_NUMBER,
    NO_ROWS,
    PLACES,
    READ,
    UNIT,
    UNKNOWN,
    UNMAPPED,
    WHEN,
    readings,
)  # fmt: skip
from telemetry.sparkplug.naming import by_name
from telemetry.sparkplug.node import Life, Node
from telemetry.sparkplug.payload import Mark as Says
from telemetry.sparkplug.payload import Payload, read
from telemetry.sparkplug.place import Place, Route
from telemetry.sparkplug.schema import CLASSES, Datatype
from telemetry.sparkplug.sequence import NUMBERS, Loss
from telemetry.sparkplug.unfold import unfolded

MAX_NODES = 20_000
MAX_DEVICES = 5_000  # of one node
MAX_ALIVE = 200_000  # nodes and devices that were born, together
MARKS = 10_000
REBIRTH = "Node Control/Rebirth"
NAMED, RICH = int(Says.NAMED), int(Says.RICH)  # plain numbers are quicker
WORDS = {
    UNKNOWN: "unknown", KIND: "of another type", WHEN: "time", NO_NUMBER: "no number", UNIT: "unit",
    UNMAPPED: "unmapped", FULL: "full",
}  # fmt: skip


class Nodes:
    """``marks``: losses to be kept with the recording. ``namer`` makes points of metrics, None: their names do."""

    def __init__(self, points: Points, namer: Namer | None, max_points: int, marks: deque[Mark]) -> None:
        self.marks = marks
        self._births = Births(points, namer or by_name, max_points)
        self._nodes: dict[tuple[str, str, str], Node] = {}
        self._open: set[Node] = set()  # something is missing of them
        self._tally = np.zeros(PLACES, np.int64)
        self._late = self._vain = self._asked = self._alive = 0
        self._kinds = {
            "NBIRTH": self._node_birth, "NDATA": self._data, "NDEATH": self._node_death,
            "DBIRTH": self._device_birth, "DDATA": self._data, "DDEATH": self._device_death,
        }  # fmt: skip

    # ------------------------------------------------------------------------------------------ messages
    def take(self, route: Route, message: Message) -> Batch | Reject:
        """What a message of an edge node says."""
        payload = read(message.payload)
        if isinstance(payload, Reject):
            return payload
        wrong = None if route.kind == "NDEATH" else _wrong(payload)  # a will was written when the session began
        if wrong is not None:
            return wrong
        node = self._node(route.place)
        if node is None:
            return strict.refuse(Reason.FULL, f"more than {MAX_NODES} edge nodes")
        if payload.marks & RICH:
            payload = unfolded(payload, node.rows.name_of)
            if isinstance(payload, Reject):
                return payload
        if node.sequence.missing:
            self._tell(node, node.sequence.expire(message.received_ns), message.received_ns)
        return self._kinds[route.kind](node, route.place.device, payload, message)

    def _node(self, place: Place) -> Node | None:
        key = place.front, place.group, place.node
        node = self._nodes.get(key)
        if node is None and len(self._nodes) < MAX_NODES:
            node = self._nodes[key] = Node(place._replace(device=""))
        return node

    def _follows(self, node: Node, payload: Payload, message: Message) -> bool:
        """Note the number of a message; False where it is a copy."""
        sequence = node.sequence
        seq, stamp = payload.seq, payload.timestamp_ms
        if sequence.take(seq, stamp, message.received_ns):
            if sequence.missing:
                self._open.add(node)
            return True
        return False

    def _data(self, node: Node, device: str, payload: Payload, message: Message) -> Batch:
        if not self._follows(node, payload, message):
            return NOTHING
        rows, tally, given = node.rows, self._tally, NO_ROWS
        if device not in rows.alive:
            tally[UNKNOWN] += payload.count
            node.needs("unknown", message.received_ns)
            return NOTHING
        if payload.marks & NAMED and payload.names is not None:
            given = rows.by_name(device, payload.names, payload.alias.tolist())
        unknown = tally[UNKNOWN]
        batch = self._read(node, payload, message, given)
        if tally[UNKNOWN] > unknown:
            node.needs("unknown", message.received_ns)
        return batch

    def _read(self, node: Node, payload: Payload, message: Message, given: I32, floor_ms: int = 0) -> Batch:
        tally = self._tally
        table = node.rows.table if given is NO_ROWS else node.rows.bare
        batch = readings(payload, table, message, tally, given, floor_ms)
        node.heard(int(tally[LATEST]), message.received_ns)
        tally[LATEST] = 0
        return batch

    def _node_birth(self, node: Node, device: str, payload: Payload, message: Message) -> Batch:
        session = bdseq(payload)
        if node.is_late_birth(session, message.received_ns):
            self._late += 1
            return NOTHING
        if node.is_copy(session, payload.seq, payload.timestamp_ms):
            node.sequence.copies += 1
            return NOTHING
        lost = node.sequence.begin(payload.seq, payload.timestamp_ms, message.received_ns)
        self._tell(node, lost, message.received_ns)
        before = self._end(node)
        node.born(session, payload.seq, payload.timestamp_ms)
        return self._birth(node, device, payload, message, before)

    def _device_birth(self, node: Node, device: str, payload: Payload, message: Message) -> Batch | Reject:
        if not self._follows(node, payload, message):
            return NOTHING
        if node.life is Life.DEAD:
            node.needs("unknown", message.received_ns)
            return NOTHING
        if node.life is Life.UNHEARD:
            node.needs("unknown", message.received_ns)
        if device not in node.rows.alive and (len(node.rows.alive) >= MAX_DEVICES or self._alive >= MAX_ALIVE):
            return strict.refuse(
                Reason.FULL, f"more than {MAX_DEVICES} devices of one edge node, or {MAX_ALIVE} in all"
            )
        node.device_born()
        return self._birth(node, device, payload, message, self._end(node, device))

    def _end(self, node: Node, device: str | None = None) -> list[int]:
        """Points of a device that ends, of the node and all its devices where it is None."""
        before = len(node.rows.alive)
        ended = node.rows.end(device)
        self._alive -= before - len(node.rows.alive)
        return ended

    def _birth(self, node: Node, device: str, payload: Payload, message: Message, before: list[int]) -> Batch:
        """Learn, and read what the birth says; points of ``before`` that it does not name end."""
        rows = self._births.learn(node, device, payload)
        self._alive += 1
        stamp_ms = payload.timestamp_ms or 0
        batch = self._read(node, payload, message, rows, stamp_ms)
        refused = self._births.refused
        gone = sorted(set(before) - set(np.asarray(batch.points).tolist()))
        if not gone:
            return Batch(*_columns(batch), refused=refused) if refused else batch
        node.heard(stamp_ms * MS, message.received_ns)
        ended = _ended(gone, node.end_ns(message.received_ns), message)
        both = zip(_columns(ended), _columns(batch), strict=True)
        return Batch(*(np.concatenate(pair) for pair in both), refused=refused)

    def _device_death(self, node: Node, device: str, payload: Payload, message: Message) -> Batch:
        if not self._follows(node, payload, message):
            return NOTHING
        node.heard((payload.timestamp_ms or 0) * MS, message.received_ns)
        return _ended(self._end(node, device), node.end_ns(message.received_ns), message)

    def _node_death(self, node: Node, device: str, payload: Payload, message: Message) -> Batch:
        if not node.dies(bdseq(payload), message.received_ns):
            self._vain += 1
            return NOTHING
        at_ns = node.end_ns(message.received_ns)
        self._tell(node, node.sequence.expire(message.received_ns, all_of_it=True), message.received_ns)
        return _ended(self._end(node), at_ns, message)

    # ---------------------------------------------------------------------------------------- what is told
    def _tell(self, node: Node, lost: list[Loss], now_ns: int) -> None:
        if not node.sequence.missing:
            self._open.discard(node)
        for loss in lost:
            if len(self.marks) < MARKS:
                self.marks.append(Mark("gap", now_ns, node.place.source, loss.from_ns, loss.to_ns, str(loss)))
            node.needs("gap", now_ns)

    def tick(self, now_ns: int) -> None:
        """Give up waiting for what is missing of nodes that say nothing more."""
        for node in sorted(self._open, key=lambda node: node.place):
            self._tell(node, node.sequence.expire(now_ns), now_ns)

    def asks(self, now_ns: int, most: int, *, on_gap: bool) -> list[tuple[Place, str]]:
        """Nodes to be asked for a birth now, at most so many, and why."""
        found: list[tuple[Place, str]] = []
        for node in self._nodes.values():
            if len(found) < most and node.asks(now_ns, on_gap=on_gap):
                found.append((node.place, node.want))
        self._asked += len(found)
        return found

    @property
    def unknown(self) -> int:
        """Metrics that no birth had told of."""
        return int(self._tally[UNKNOWN])

    def told(self) -> dict[str, Any]:
        """Counts, as plain data: nodes and what they wait for, messages that did not come, metrics that were not read.

        ``waiting``: nodes of which data came and no birth, or something that no birth told of.
        """
        nodes = list(self._nodes.values())  # at once: another thread may add some
        sequences = [node.sequence for node in nodes]
        return {
            "nodes": len(nodes),
            "alive": sum(node.life is Life.ALIVE for node in nodes),
            "dead": sum(node.life is Life.DEAD for node in nodes),
            "waiting": sum(node.want == "unknown" for node in nodes),
            "lost": sum(each.lost for each in sequences),
            "missing": sum(len(each.missing) for each in sequences),
            "reordered": sum(each.reordered for each in sequences),
            "copies": sum(each.copies for each in sequences),
            "late_births": self._late,
            "vain_deaths": self._vain,
            "rebirths_asked": self._asked,
            "unread": {word: int(self._tally[place]) for place, word in WORDS.items() if self._tally[place]},
            "read": int(self._tally[READ]),
        }


def rebirth(now_ns: int) -> bytes:
    """The command that makes an edge node give birth again."""
    made = CLASSES["Payload"](timestamp=now_ns // MS)
    made.metrics.add(name=REBIRTH, timestamp=now_ns // MS, datatype=int(Datatype.BOOLEAN), boolean_value=True)
    data: bytes = made.SerializeToString()
    return data


def _wrong(payload: Payload) -> Reject | None:
    """Why a payload as a whole is not to be believed."""
    if payload.timestamp_ms is not None and not FIRST_MS <= payload.timestamp_ms < LAST_MS:
        return strict.refuse(Reason.TIME, "the time of the payload is not one of 2000..2100 in ms")
    if payload.seq is not None and not 0 <= payload.seq < NUMBERS:
        return strict.refuse(Reason.TYPE, "seq is not one of 0..255")
    return None


def _columns(batch: Batch) -> tuple[Any, ...]:
    return batch.points, batch.times_ns, batch.values, batch.qualities, batch.flags


def _ended(points: list[int], at_ns: int, message: Message) -> Batch:
    """Points that are bad from now on, in the order of their numbers."""
    count = len(points)
    if not count:
        return NOTHING
    flags = int(Flag.NO_TIME | Flag.RETAINED) if message.retain else int(Flag.NO_TIME)
    return Batch(
        np.array(sorted(points), np.int64),
        np.full(count, at_ns, np.int64),
        np.full(count, np.nan),
        np.full(count, int(Quality.BAD), np.int8),
        np.full(count, flags, np.int32),
    )


__all__ = ["REBIRTH", "Nodes", "rebirth"]
