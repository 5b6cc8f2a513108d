"""Faults that a person asks for: ``WHAT:MODE[=AMOUNT][@START][+LENGTH]``, times since the start by the messages' clock.

Of the plant (``WHAT`` is an element of the twin): the modes of ``twin fail``, followed by the engine. Of sensors
(``WHAT`` is a point as ``item/point``, or an item for all of its points)::

    stuck          goes on telling its last value       bad      quality 0
    drift=UNIT/h   runs away from the truth             null     no value
    bias=UNIT      is off by so much                    silent   says nothing
    leak           tells a leak: leak sensors only      (UNIT is that of the published value)

``bms:offline``: nothing is published at all, the heartbeat neither. Without START it begins after a minute, without
LENGTH it lasts. Where an element has a mode of that name it is the plant that breaks: ``b1/b1-h1/cdu-01:leak`` loses
coolant, and its leak sensor tells it; ``b1/b1-h1/cdu-01/LeakDetect:leak`` is a false alarm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from telemetry.emulate.points import Spec
from telemetry.emulate.sensors import BAD, MISSING
from twin.core.errors import Faults as Problems
from twin.core.errors import did_you_mean, one, option
from twin.engine.modes import MODES, Fault, Place
from twin.engine.period import seconds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BMS = "bms"
# Modes of sensors, and whether they need an amount.
SENSOR_MODES = {
    "stuck": False, "drift": True, "bias": True, "bad": False, "null": False, "silent": False, "leak": False,
}  # fmt: skip
BEGIN_S = 60.0
HOUR_S = 3600.0
FORM = re.compile(r"(?P<what>[^:@]+):(?P<mode>[a-z]+)(?:=(?P<amount>[^@+]+))?(?:@(?P<at>[^+]+))?(?:\+(?P<length>.+))?")
LEAKS = ("LeakDetect", "RackLeakDetect")
# Modes of the plant after which a thing is not fit to run; of others nobody is told.
BROKEN = frozenset(("pumps", "leak", "units", "power", "lost", "breaker"))


@dataclass(frozen=True)
class Words:
    """A fault as it was written, taken apart; times in s since the start."""

    text: str
    what: str
    mode: str
    amount: str | None
    at_s: float
    until_s: float


@dataclass(frozen=True)
class SensorFault:
    """What is wrong with the sensors ``points`` (sorted indices) from ``at_s`` to ``until_s``."""

    mode: str
    points: Ints
    at_s: float
    until_s: float = inf
    amount: float = 0.0


def parse(text: str) -> Words:
    """Take a fault apart. Raises ``InputError`` for what has not its form, or times that are none."""
    found = FORM.fullmatch(text.strip())
    place = option("fault=")
    if found is None:
        words = f'"{text}" is no fault, expected WHAT:MODE[=AMOUNT][@START][+LENGTH], as b1/b1-h1/cdu-01:facility@2min'
        raise one(words, path=place)
    at = BEGIN_S if found["at"] is None else _instant(found["at"], place)
    until = inf if found["length"] is None else at + seconds(found["length"], place)
    return Words(text, found["what"].strip(), found["mode"], found["amount"], at, until)


def _instant(text: str, place: str) -> float:
    return 0.0 if re.fullmatch(r"0+(\.0*)?\s*[a-z]*", text.strip()) else seconds(text, place)


def of_plant(words: Words, known: Mapping[str, Place]) -> bool:
    """Whether the engine follows it: an element of the twin has a mode of that name."""
    return words.what in known and words.mode in MODES[known[words.what].role]


def sensor_faults(asked: Sequence[Words], specs: Sequence[Spec], known: Mapping[str, Place]) -> list[SensorFault]:
    """The faults that are not the plant's, on points in the order of ``specs``.

    Raises ``InputError`` with all that is wrong, and what may have been meant.
    """
    own = [words for words in asked if not of_plant(words, known)]
    index, problems = _index(specs) if own else {}, Problems()
    made = [problems.of(_sensor_fault, words, specs, index, known) for words in own]
    problems.tell()
    return [fault for fault in made if fault is not None]


def told_by_sensors(faults: Sequence[Fault], specs: Sequence[Spec], begin_s: float, speed: float) -> list[SensorFault]:
    """What points of a thing that breaks say of it besides what they measure: it leaks, it is not available."""
    found, index = list[SensorFault](), _index(specs) if faults else {}
    for fault in faults:
        at, until = ((t - begin_s) / speed for t in (fault.at_s, fault.until_s))
        for mode, tell in (("leak", LEAKS), ("unavailable", ("Available",))):
            points = [i for i in index.get(fault.element, ()) if specs[i].point in tell]
            if points and (fault.mode == "leak" or (mode == "unavailable" and fault.mode in BROKEN)):
                found.append(SensorFault(mode, np.array(points, np.int64), at, until))
    return found


def _index(specs: Sequence[Spec]) -> dict[str, list[int]]:
    """Points by their names, and by the items that they belong to."""
    found: dict[str, list[int]] = {}
    for i, spec in enumerate(specs):
        found.setdefault(spec.name, []).append(i)
        found.setdefault(spec.item, []).append(i)
    return found


def _sensor_fault(
    words: Words, specs: Sequence[Spec], index: Mapping[str, list[int]], known: Mapping[str, Place]
) -> SensorFault:
    place = option("fault=")
    if words.what == BMS:
        if words.mode != "offline":
            raise one(f'{BMS} has no mode "{words.mode}"; expected offline', path=place)
        return SensorFault("offline", np.zeros(0, np.int64), words.at_s, words.until_s)
    if words.what not in index:
        if words.what in known:
            _no_mode(words, list(MODES[known[words.what].role]))
        hint = did_you_mean(words.what, [*index, *known, BMS])
        raise one(f'nothing that is published or can break is called "{words.what}"{hint}', path=place)
    if words.mode not in SENSOR_MODES:
        of_element = list(MODES[known[words.what].role]) if words.what in known else []
        _no_mode(words, list(dict.fromkeys([*SENSOR_MODES, *of_element])))
    points = index[words.what]
    if words.mode == "leak":
        points = [i for i in points if specs[i].point in LEAKS]
        if not points:
            raise one(f"{words.what} has no leak sensor that is published", path=place)
    return SensorFault(words.mode, np.array(points, np.int64), words.at_s, words.until_s, _amount(words))


def _no_mode(words: Words, modes: Sequence[str]) -> None:
    hint = did_you_mean(words.mode, modes)
    raise one(f'{words.what} has no mode "{words.mode}"{hint}; expected {", ".join(modes)}', path=option("fault="))


def _amount(words: Words) -> float:
    place = option("fault=")
    if not SENSOR_MODES[words.mode]:
        if words.amount is not None:
            raise one(f"{words.mode} of {words.what} takes no amount", path=place)
        return 0.0
    try:
        amount = float(words.amount or "")
    except ValueError:
        amount = inf
    if not isfinite(amount):
        unit = "unit of the point an hour" if words.mode == "drift" else "unit of the point"
        raise one(f"{words.mode} of {words.what} needs a number ({unit}), as {words.mode}=1.5", path=place)
    return amount


class Broken:
    """The faults of sensors in a run over ``count`` points; what is stuck is kept."""

    def __init__(self, faults: Sequence[SensorFault], count: int) -> None:
        self._faults = faults
        self._held = np.full((len(faults), count), np.nan) if any(f.mode == "stuck" for f in faults) else None

    def active(self, t_s: float) -> list[tuple[int, SensorFault]]:
        """Faults that hold at ``t_s``."""
        return [(n, f) for n, f in enumerate(self._faults) if f.at_s <= t_s < f.until_s]

    def offline(self, t_s: float) -> bool:
        """Whether nothing is published."""
        return any(fault.mode == "offline" for _, fault in self.active(t_s))

    def of_truth(self, true: Floats, at: slice, t_s: float) -> None:
        """Change what there is to read by the sensors ``at``, in place."""
        for _, fault in self.active(t_s):
            if fault.mode == "leak":
                true[_within(fault.points, at)] = 1.0
            elif fault.mode == "unavailable":
                true[_within(fault.points, at)] = 0.0

    def of_readings(
        self, read: Floats, worth: NDArray[np.uint8], silent: NDArray[np.bool_], at: slice, t_s: float
    ) -> None:
        """Change readings of the sensors ``at``, what they are worth and whether they are told, in place."""
        for n, fault in self.active(t_s):
            own = _within(fault.points, at)
            if fault.mode == "stuck" and self._held is not None:
                held = self._held[n, at]
                held[own] = np.where(np.isnan(held[own]), read[own], held[own])
                read[own] = held[own]
            elif fault.mode == "drift":
                read[own] += fault.amount * (t_s - fault.at_s) / HOUR_S
            elif fault.mode == "bias":
                read[own] += fault.amount
            elif fault.mode == "bad":
                worth[own] = BAD
            elif fault.mode == "null":
                worth[own] = MISSING
            elif fault.mode == "silent":
                silent[own] = True


def _within(points: Ints, at: slice) -> Ints:
    """Those of the sorted ``points`` that lie in ``at``, counted from its start."""
    first, last = np.searchsorted(points, (at.start, at.stop))
    found: Ints = points[first:last] - at.start
    return found


__all__ = [
    "BMS",
    "SENSOR_MODES",
    "Broken",
    "SensorFault",
    "Words",
    "of_plant",
    "parse",
    "sensor_faults",
    "told_by_sensors",
]
