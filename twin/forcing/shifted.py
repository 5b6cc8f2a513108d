"""Warmer or colder days laid over a weather: heat waves and cold spells of a scenario.

Equations (k shift in K, w humidity ratio of the reading, w_s saturation)::

    T' = T + k,   w' = min(w, w_s(T')),   wet bulb of (T', w')
    air = air_0 + s(t) (air' - air_0),   s 0 outside the days, 1 inside, linear over the first and the last hour

A heat wave keeps the water in the air, so its wet bulb rises by less than its dry bulb; air that is cooled below its
dew point loses what it cannot hold. Source: definition; means over steps are those of ``twin.forcing.weather``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.cooling import moist_air
from twin.forcing.weather import HOUR_S, Weather, WeatherSteps

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shift:
    """``dry_bulb_k`` more from ``from_s`` to ``to_s`` (s since 1970 UTC; infinite: from or to ever)."""

    dry_bulb_k: float
    from_s: float = -np.inf
    to_s: float = np.inf

    def named(self) -> str:
        """In words: ``+8 K from 2026-07-03T18:00Z to 2026-07-06T18:00Z``."""
        ends = [(word, t) for word, t in (("from", self.from_s), ("to", self.to_s)) if np.isfinite(t)]
        return " ".join(
            [f"{self.dry_bulb_k:+g} K", *(f"{word} {np.datetime64(round(t / 60.0), 'm')}Z" for word, t in ends)]
        )

    def share(self, start_s: Floats, end_s: Floats) -> Floats:
        """How much of the shift holds, mean over steps (n): 0..1."""
        ramp = min(HOUR_S, 0.5 * (self.to_s - self.from_s))
        return _risen(start_s, end_s, self.from_s, ramp) - _risen(start_s, end_s, self.to_s - ramp, ramp)


def _risen(start_s: Floats, end_s: Floats, at_s: float, ramp_s: float) -> Floats:
    """Mean over steps of a signal that rises from 0 to 1 in ``ramp_s`` from ``at_s`` on."""
    if not np.isfinite(at_s):
        return np.full(start_s.shape, 1.0 if at_s < 0.0 else 0.0)

    def integral(t: Floats) -> Floats:
        x = np.maximum(0.0, t - at_s)
        return np.where(x < ramp_s, 0.5 * x * x / ramp_s, x - 0.5 * ramp_s)

    length = end_s - start_s
    now = np.clip((end_s - at_s) / ramp_s, 0.0, 1.0)
    mean = (integral(end_s) - integral(start_s)) / np.where(length > 0.0, length, 1.0)
    return np.where(length > 0.0, np.clip(mean, 0.0, 1.0), now)


@dataclass(frozen=True, slots=True, eq=False)
class ShiftedWeather(Weather):
    """A weather with ``shifts``, which do not overlap; ``others`` is the weather with each of them all the time."""

    shifts: tuple[Shift, ...] = ()
    others: tuple[Weather, ...] = ()

    def sample(self, t_utc_s: ArrayLike, dt_s: ArrayLike) -> WeatherSteps:
        """As :meth:`Weather.sample`, with the shifts."""
        base = Weather.sample(self, t_utc_s, dt_s)
        end = np.atleast_1d(np.asarray(t_utc_s, dtype=np.float64))
        start = end - np.broadcast_to(np.asarray(dt_s, dtype=np.float64), end.shape)
        made = {item.name: getattr(base, item.name) for item in fields(WeatherSteps)}
        for shift, other in zip(self.shifts, self.others, strict=True):
            share = shift.share(start, end)
            if share.any():
                steps = other.sample(t_utc_s, dt_s)
                made = {name: had + share * (getattr(steps, name) - getattr(base, name)) for name, had in made.items()}
        return WeatherSteps(**made)


def shifted(weather: Weather, shifts: Sequence[Shift]) -> Weather:
    """``weather`` with ``shifts``; itself without any."""
    if not shifts:
        return weather
    about = {item.name: getattr(weather, item.name) for item in fields(Weather)}
    name = ", ".join([weather.name, *(shift.named() for shift in shifts)])
    others = tuple(always(weather, shift.dry_bulb_k) for shift in shifts)
    return ShiftedWeather(**(about | {"name": name}), shifts=tuple(shifts), others=others)


def always(weather: Weather, dry_bulb_k: float) -> Weather:
    """Every reading ``dry_bulb_k`` warmer, with the same water in the air as far as it can hold it."""
    dry, p = weather.dry_bulb_c + dry_bulb_k, weather.pressure_pa
    rows = zip(dry, weather.humidity_ratio, p, strict=True)
    ratio = np.array([min(w, moist_air.humidity_ratio_saturated(t, at)) for t, w, at in rows])
    triples = list(zip(dry, ratio, p, strict=True))
    humidity = np.array([min(1.0, moist_air.relative_humidity(*air)) for air in triples])
    wet = np.array([moist_air.wet_bulb(*air) for air in triples])
    dew = np.array([moist_air.dew_point(t, rh) for t, rh in zip(dry, humidity, strict=True)])
    return replace(
        weather, dry_bulb_c=dry, dew_point_c=dew, relative_humidity=humidity, wet_bulb_c=wet, humidity_ratio=ratio
    )


__all__ = ["Shift", "ShiftedWeather", "always", "shifted"]
