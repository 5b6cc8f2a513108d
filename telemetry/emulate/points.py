"""What one point of a virtual facility is called, and what its metadata say: DSX Exchange, BMS Event Bus 1.0.0.

A topic is ``BMS/v1/PUB/{Value|Metadata}/{object}/{point}/{tag}``; the tag comes from the names of the twin, without
dots, blanks and wildcards, and is unique. ``objectId`` and ``rackLocationId`` are names of the twin as they are, so
that a reader finds its elements again. A power meter stands at the output of its element and serves what hangs on it.

Source: the AsyncAPI file of the contract (Apache-2.0); labels of states other than a rack's are ours.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

States = tuple[tuple[int, str], ...]
ROOT = "BMS/v1/PUB"
# What a broker or NATS behind it reads as more than a letter.
SPECIAL = re.compile(r"[^A-Za-z0-9_/-]+")
LEAK: States = ((0, "NoLeak"), (1, "Leak"))
SENSOR_FAULT: States = ((0, "NoFault"), (1, "Fault"))
ISOLATED: States = ((0, "NotIsolated"), (1, "Isolated"))
RUNNING: States = ((0, "Stopped"), (1, "Running"))
AVAILABLE: States = ((0, "NotAvailable"), (1, "Available"))


@dataclass(frozen=True)
class Spec:
    """One point: its place in the contract, the element of the twin that it belongs to, and how it is measured.

    ``kind`` and ``point`` are object and point type, ``item`` is a name of the twin. ``quantity`` names a row of
    ``telemetry.emulate.sensors.QUANTITIES``; ``unit`` is that of the published value, "" for states and heartbeats.
    ``part_of``: it is hung on that object (associateId) and has no name of its own.
    """

    kind: str
    point: str
    item: str
    quantity: str
    unit: str = ""
    area: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    states: States = ()
    set_point: bool = False
    part_of: str = ""

    def tail(self, site: str) -> str:
        """Topic behind Value or Metadata: the identity of the point."""
        leaf = "-".join((*self.area, "SetPoint")) if self.set_point else "-".join(self.area)
        path = "/".join(part for part in (site, self.item, leaf) if part)
        return f"{self.kind}/{self.point}/{SPECIAL.sub('-', path)}"

    @property
    def name(self) -> str:
        """How people name it: ``item/point``, with its process area where it has one."""
        return "/".join((self.item, self.point, *self.area, *(("SetPoint",) if self.set_point else ())))

    def metadata(self) -> bytes:
        """The payload of its metadata."""
        said: dict[str, object] = {"objectType": self.kind, "pointType": self.point}
        if self.states:
            said["stateText"] = [{"value": value, "text": text} for value, text in self.states]
        elif self.unit:
            said["engUnit"] = self.unit
        if self.kind == "Rack":
            said |= {"rackLocationName": self.item, "rackLocationId": self.item}
        elif self.part_of:
            said["associateId"] = self.part_of
        else:
            said |= {"objectName": self.item, "objectId": self.item}
            if self.serves or self.kind == "PowerMeter":
                said["servesId"] = list(self.serves)
        if self.area:
            said["processArea"] = list(self.area)
        if self.set_point:
            said["isSetpoint"] = True
        return json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()


def topic(what: str, tail: str) -> str:
    """Full topic of a point; ``what`` is Value or Metadata."""
    return f"{ROOT}/{what}/{tail}"


__all__ = ["AVAILABLE", "ISOLATED", "LEAK", "ROOT", "RUNNING", "SENSOR_FAULT", "Spec", "States", "topic"]
