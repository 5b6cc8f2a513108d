"""What sensors make of the truth: noise, lasting error, drift, resolution, dead band, silence, bad and missing values.

A reading of the true value ``x`` at the time ``t`` since the start (s)::

    y = x (1 + b_r) + b_a + d t + (s_r |x| + s_a) z        z ~ N(0, 1), independent
    published = round(y / r) r,  never below the least that the quantity can be

``b_r``, ``b_a`` ~ N(0, .) once for each sensor, ``d`` ~ N(0, .) its drift. A value is told again when it has moved by
the dead band. At stated rates a sensor falls silent for a while, a reading is bad (quality 0) or is missing (null).

All numbers follow from the seed, the point's place and the number of the instant, by a counter (Philox): whoever asks
in whatever order gets the same. Sources: accuracy of meters as classes of IEC 62053-21/-22 and IEC 60751 have them (the
limit taken as two standard deviations); what stands as a prior is an estimate, nobody publishes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
DAY_S = 86_400.0
GOOD, BAD, MISSING = 0, 1, 2
# Streams of numbers: of a sensor for ever, of an instant, of windows in which sensors fall silent or are stuck.
LASTING, INSTANT, SILENCE, STUCK = 1, 2, 3, 4


@dataclass(frozen=True)
class Quantity:
    """How one kind of sensor errs, in the published unit.

    ``noise``, ``bias``, ``dead_band``: (absolute, relative); ``drift``: standard deviation a year; ``step``: its
    resolution, written with ``digits`` behind the point. ``source`` of bias and drift, the rest is a prior.
    """

    noise: tuple[float, float]
    bias: tuple[float, float]
    dead_band: tuple[float, float]
    drift: float
    digits: int
    low: float
    high: float
    source: str

    @property
    def step(self) -> float:
        """Resolution."""
        return 10.0**-self.digits


INF = float("inf")
PRIOR = "prior (estimate)"
QUANTITIES: dict[str, Quantity] = {
    "power": Quantity((0.0, 0.001), (0.0, 0.0025), (0.0, 0.002), 0.0, 3, 0.0, INF, "IEC 62053-22 class 0.5 S"),
    "rack_power": Quantity((0.0, 0.002), (0.0, 0.005), (0.0, 0.005), 0.0, 3, 0.0, INF, "IEC 62053-21 class 1"),
    "liquid_temperature": Quantity((0.02, 0.0), (0.2, 0.0), (0.05, 0.0), 0.05, 2, -50.0, 150.0, "IEC 60751 class B"),
    "air_temperature": Quantity((0.05, 0.0), (0.25, 0.0), (0.1, 0.0), 0.1, 2, -60.0, 100.0, PRIOR),
    "humidity": Quantity((0.3, 0.0), (1.5, 0.0), (0.5, 0.0), 1.0, 1, 0.0, 100.0, PRIOR),
    "liquid_flow": Quantity((0.0, 0.003), (0.0, 0.005), (0.0, 0.005), 0.0, 2, 0.0, INF, PRIOR),
    "air_flow": Quantity((0.0, 0.01), (0.0, 0.03), (0.0, 0.02), 0.0, 0, 0.0, INF, PRIOR),
    "speed": Quantity((0.1, 0.0), (0.0, 0.0), (0.5, 0.0), 0.0, 1, 0.0, 100.0, PRIOR),
    "set_point": Quantity((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), 0.0, 2, -50.0, 150.0, "a set point is no reading"),
    "state": Quantity((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), 0.0, 0, -INF, INF, "a state is no reading"),
}


@dataclass(frozen=True)
class Rates:
    """What goes wrong by itself: silences and spells of being stuck a point-day, how long they last (s), shares of
    readings that are bad or missing.

    ``scale`` of noise, bias and drift; ``dead`` of dead bands. All are priors (estimates).
    """

    scale: float = 1.0
    dead: float = 1.0
    silences: float = 0.2
    silence_s: tuple[float, float] = (20.0, 240.0)
    stuck: float = 0.02
    stuck_s: tuple[float, float] = (300.0, 3600.0)
    bad: float = 2e-4
    missing: float = 5e-5


RATES = {
    "ideal": Rates(scale=0.0, dead=0.0, silences=0.0, stuck=0.0, bad=0.0, missing=0.0),
    "typical": Rates(),
    "poor": Rates(scale=3.0, dead=2.0, silences=4.0, silence_s=(20.0, 600.0), stuck=0.5, bad=5e-3, missing=1e-3),
}


class Sensors:
    """Sensors of the points of a facility, in their order."""

    def __init__(self, quantities: Sequence[str], seed: int, rates: Rates = RATES["typical"]) -> None:
        of = [QUANTITIES[name] for name in quantities]
        self.rates, self._seed, self.count = rates, seed, len(of)
        self.digits = [q.digits for q in of]
        self._step = np.array([q.step for q in of])
        self._low, self._high = np.array([q.low for q in of]), np.array([q.high for q in of])
        self._noise = rates.scale * np.array([q.noise for q in of]).reshape(-1, 2)
        self._dead = rates.dead * np.array([q.dead_band for q in of]).reshape(-1, 2)
        z = self._numbers(LASTING, 0, 0).standard_normal((len(of), 3))
        spread = rates.scale * np.array([[*q.bias, q.drift / (365.0 * DAY_S)] for q in of]).reshape(-1, 3)
        self.bias, self.gain, self.drift = (z * spread).T
        self.state = np.array([name == "state" for name in quantities])

    def _numbers(self, stream: int, n: int, part: int) -> np.random.Generator:
        """Numbers of their own for each (stream, n, part)."""
        return np.random.Generator(np.random.Philox(key=self._seed, counter=[0, n, part, stream]))

    def read(self, true: Floats, at: slice, n: int, t_s: float) -> tuple[Floats, NDArray[np.uint8]]:
        """Readings of the sensors ``at`` at the instant ``n`` and what they are worth: GOOD, BAD or MISSING.

        ``true`` (of those sensors) in published units, NaN where there is nothing to read: MISSING.
        """
        numbers = self._numbers(INSTANT, n, at.start or 0)
        z, u = numbers.standard_normal(len(true)), numbers.random(len(true))
        noise = (self._noise[at, 0] + self._noise[at, 1] * np.abs(true)) * z
        read = true * (1.0 + self.gain[at]) + self.bias[at] + self.drift[at] * t_s + noise
        worth = np.where(u < self.rates.missing, MISSING, np.where(u > 1.0 - self.rates.bad, BAD, GOOD))
        worth[self.state[at] & (worth == BAD)] = GOOD
        worth[np.isnan(true)] = MISSING
        return read, worth.astype(np.uint8)

    def rounded(self, read: Floats, at: slice) -> Floats:
        """Readings as they are written."""
        step = self._step[at]
        written: Floats = np.clip(np.round(read / step) * step, self._low[at], self._high[at])
        return written

    def moved(self, read: Floats, last: Floats, at: slice) -> Flags:
        """Whether readings have left the dead band around what was told last."""
        band = np.maximum(self._dead[at, 0] + self._dead[at, 1] * np.abs(last), 0.5 * self._step[at])
        left: Flags = ~(np.abs(read - last) < band)
        return left

    def silent(self, t_s: float) -> Flags:
        """Which sensors are silent by themselves at ``t_s``."""
        return self._spell(t_s, SILENCE, self.rates.silences, self.rates.silence_s)

    def stuck(self, t_s: float) -> Flags:
        """Which sensors go on telling the value that they had, by themselves, at ``t_s``."""
        found: Flags = self._spell(t_s, STUCK, self.rates.stuck, self.rates.stuck_s) & ~self.state
        return found

    def _spell(self, t_s: float, stream: int, a_day: float, lasting_s: tuple[float, float]) -> Flags:
        """Which sensors are in a spell at ``t_s``: at most one in a window, wholly inside it."""
        if not a_day:
            return np.zeros(self.count, bool)
        shortest, longest = lasting_s
        window = max(3600.0, 2.0 * longest)
        number, into = divmod(t_s, window)
        u = self._numbers(stream, int(number), 0).random((3, self.count))
        length = shortest + u[1] * (longest - shortest)
        begin = u[2] * (window - length)
        found: Flags = (u[0] < a_day * window / DAY_S) & (begin <= into) & (into < begin + length)
        return found


def told(rates: Rates) -> dict[str, object]:
    """Rates as plain data, for the file of the truth."""
    return {key: getattr(replace(rates), key) for key in rates.__dataclass_fields__}


__all__ = ["BAD", "GOOD", "MISSING", "QUANTITIES", "RATES", "Quantity", "Rates", "Sensors", "told"]
