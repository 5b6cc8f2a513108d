"""The messages of a virtual facility in their order: metadata, values, heartbeats, each at its instant.

Time is cut into slots of ``SLOT_S``; every point has its slot in a period (1-2 s), so that messages come evenly. In a
slot the points that are its own are read, and those that moved by their dead band, changed in quality, or were
not told for ``AGAIN_S``, are published with the slot's instant as their time. Metadata come first of all, and again
within the same ``AGAIN_S``, spread over it; heartbeats every ``HEARTBEAT_S``. Values are never retained, metadata are.

Source: BMS Event Bus 1.0.0 (value on change and each 100 s, 1-2 s ideal; metadata at start and each 100 s; heartbeat
each 10 s with the epoch in ms as its value).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from telemetry.emulate.facility import Facility
from telemetry.emulate.faults import Broken, SensorFault
from telemetry.emulate.points import RUNNING, Spec, topic
from telemetry.emulate.sensors import GOOD, MISSING, Rates, Sensors

Floats = NDArray[np.float64]
SLOT_S = 0.1
AGAIN_S = 100.0
HEARTBEAT_S = 10.0
SPELLS_EVERY_S = 1.0
MS = 1_000_000  # ns


class Truth(Protocol):
    """What is read: the plant, or a table in a test."""

    def at(self, t_s: float, points: slice) -> Floats:
        """True values of points at an instant of the model, s since 1970 UTC."""
        ...


@dataclass(frozen=True)
class Slot:
    """What is published at an instant (ns since 1970 UTC): (topic, payload, retain)."""

    due_ns: int
    messages: list[tuple[str, bytes, bool]]


@dataclass(frozen=True)
class Pace:
    """When the model and the messages begin (s and ns since 1970 UTC), how fast it goes, how often points are read."""

    model_s: float
    start_ns: int
    speed: float = 1.0
    period_s: float = 2.0

    @property
    def slots(self) -> int:
        """Slots in a period."""
        return max(1, round(self.period_s / SLOT_S))


class Layout:
    """Points in the order of their slots, so that those of a slot lie side by side; sensors and faults follow it."""

    def __init__(self, made: Facility, slots: int) -> None:
        turn = np.arange(len(made.specs)) % slots
        self.order = np.argsort(turn, kind="stable")
        edges = np.concatenate([[0], np.cumsum(np.bincount(turn, minlength=slots))])
        self.slots = [slice(int(edges[k]), int(edges[k + 1])) for k in range(slots)]
        self.specs = [made.specs[i] for i in self.order]
        self.tails = [made.tails[i] for i in self.order]


class Stream:
    """Messages of a facility; ``slots()`` gives them in order, without end."""

    def __init__(
        self, site: str, layout: Layout, truth: Truth, sensors: Sensors, faults: Sequence[SensorFault], pace: Pace
    ) -> None:
        self._layout, self._truth, self._sensors, self._pace = layout, truth, sensors, pace
        self._broken = Broken(faults, sensors.count)
        specs, tails = [*layout.specs, *system(site)], list(layout.tails)
        tails += [spec.tail(site) for spec in specs[len(tails) :]]
        self._topics = [topic("Value", tail) for tail in tails]
        self._metadata = [(topic("Metadata", t), s.metadata(), True) for t, s in zip(tails, specs, strict=True)]
        self._formats = [f'{{"value":%.{digits}f'.encode() for digits in sensors.digits]
        self._told = np.full(sensors.count, np.nan)
        self._worth = np.full(sensors.count, 255, np.uint8)
        self._when = np.full(sensors.count, -np.inf)
        # Each point is told again at a moment of its own, so that all do not speak at once.
        self._phase = AGAIN_S * np.arange(sensors.count) / max(1, sensors.count)
        self._silent = self._stuck = np.zeros(sensors.count, bool)
        self._held = np.full(sensors.count, np.nan)  # what is told while it is stuck

    @property
    def topics(self) -> list[str]:
        """Topics of values of all points, those of the system itself included."""
        return self._topics

    def slots(self) -> Iterator[Slot]:
        """What is published, slot by slot; where nothing is, the slot is empty."""
        pace, n = self._pace, 0
        while True:
            t_s = round(n * SLOT_S, 6)
            ns = pace.start_ns + round(t_s * 1000) * MS
            messages = [] if self._broken.offline(t_s) else self._slot(n, t_s, ns // MS)
            yield Slot(ns, messages)
            n += 1

    def _slot(self, n: int, t_s: float, ms: int) -> list[tuple[str, bytes, bool]]:
        found = self._metadata_of(n)
        if n % round(HEARTBEAT_S / SLOT_S) == 0:
            found.append((self._topics[-2], b'{"value":%d,"timestamp":%d,"quality":1}' % (ms, ms), False))
            found.append((self._topics[-1], b'{"value":1,"timestamp":%d,"quality":1}' % ms, False))
        if n % round(SPELLS_EVERY_S / SLOT_S) == 0:
            self._silent, self._stuck = self._sensors.silent(t_s), self._sensors.stuck(t_s)
        at = self._layout.slots[n % self._pace.slots]
        if at.stop > at.start:
            self._values(found, at, n, t_s, ms)
        return found

    def _metadata_of(self, n: int) -> list[tuple[str, bytes, bool]]:
        """All at the start, then a share in each slot."""
        if n == 0:
            return list(self._metadata)
        whole = round(AGAIN_S / SLOT_S)
        k, count = n % whole, len(self._metadata)
        return self._metadata[k * count // whole : (k + 1) * count // whole]

    def _values(self, found: list[tuple[str, bytes, bool]], at: slice, n: int, t_s: float, ms: int) -> None:
        """Read the points ``at`` and add what is to be told."""
        true = self._truth.at(self._pace.model_s + self._pace.speed * t_s, at).copy()
        self._broken.of_truth(true, at, t_s)
        read, worth = self._sensors.read(true, at, n, t_s)
        silent, stuck, held = self._silent[at].copy(), self._stuck[at], self._held[at]
        held[:] = np.where(stuck, np.where(np.isnan(held), read, held), np.nan)
        read = np.where(stuck, held, read)
        self._broken.of_readings(read, worth, silent, at, t_s)
        read = self._sensors.rounded(read, at)
        told, before, when = self._told[at], self._worth[at], self._when[at]
        phase, again = self._phase[at], AGAIN_S - self._pace.period_s
        due = np.floor((t_s + phase) / again) > np.floor((when + phase) / again)
        with np.errstate(invalid="ignore"):
            moved = (worth != MISSING) & self._sensors.moved(read, told, at)
        chosen = np.flatnonzero((moved | due | (worth != before)) & ~silent)
        told[chosen], before[chosen], when[chosen] = read[chosen], worth[chosen], t_s
        end = [b',"timestamp":%d,"quality":%d}' % (ms, quality) for quality in (1, 0)]
        formats, topics, first = self._formats, self._topics, at.start
        for i, value, of in zip(chosen.tolist(), read[chosen].tolist(), worth[chosen].tolist(), strict=True):
            number = b'{"value":null' if of == MISSING else formats[first + i] % (value + 0.0)
            found.append((topics[first + i], number + end[of != GOOD], False))


def system(site: str) -> list[Spec]:
    """The points of the BMS itself: heartbeat and state, the last of all."""
    name = f"{site}-bms"
    return [
        Spec("System", "HeartbeatTimestampBms", name, "state"),
        Spec("System", "Status", name, "state", states=RUNNING),
    ]


def sensors_of(layout: Layout, seed: int, rates: Rates) -> Sensors:
    """Sensors of all points of a layout."""
    return Sensors([spec.quantity for spec in layout.specs], seed, rates)


__all__ = ["AGAIN_S", "HEARTBEAT_S", "SLOT_S", "Layout", "Pace", "Slot", "Stream", "sensors_of", "system"]
