"""The wet bulb that goes with a dry bulb: what air of a given temperature is like at a place.

Convention. Air of dry bulb T has the mean humidity ratio of the hours of the site's year that come nearest to T (one
in a hundred, at least twelve), at most saturated, at the year's mean pressure: close to what ASHRAE calls the mean
coincident wet bulb. Beyond the coldest and the hottest hours the humidity ratio stays: hotter air is drier, not wetter.
Range: -60..60 degC. Source: ASHRAE Handbook Fundamentals, climatic design information (mean coincident wet bulb).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.cooling.moist_air import humidity_ratio, humidity_ratio_saturated, wet_bulb
from twin.forcing.weather import Weather

NEAREST_SHARE = 0.01
FEWEST = 12


@dataclass(frozen=True)
class Air:
    """Outdoor air: dry and wet bulb in degC, pressure in Pa."""

    dry_bulb_c: float
    wet_bulb_c: float
    pressure_pa: float


def outdoor_air(weather: Weather, dry_bulb_c: Sequence[float], humidity: float | None = None) -> list[Air]:
    """Air of each dry bulb (degC) at the weather's place; ``humidity`` (0..1) replaces what the year has there."""
    pressure = float(weather.pressure_pa.mean())
    if humidity is not None:
        return [Air(t, wet_bulb(t, humidity_ratio(t, humidity, pressure), pressure), pressure) for t in dry_bulb_c]
    order = np.argsort(weather.dry_bulb_c, kind="stable")
    dry, ratio = weather.dry_bulb_c[order], weather.humidity_ratio[order]
    count = min(len(dry), max(FEWEST, round(NEAREST_SHARE * len(dry))))
    found = []
    for t in dry_bulb_c:
        near = np.argpartition(np.abs(dry - t), count - 1)[:count]
        w = min(float(ratio[near].mean()), humidity_ratio_saturated(t, pressure))
        found.append(Air(float(t), wet_bulb(float(t), w, pressure), pressure))
    return found


def hottest(weather: Weather) -> float:
    """Dry bulb of the hottest hour, degC."""
    return float(weather.dry_bulb_c.max())


__all__ = ["Air", "hottest", "outdoor_air"]
