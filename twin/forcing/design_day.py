"""Design conditions of a place, and the day of 24 hours built on one of them.

Conditions: from the files of an EPW where it has them, else percentiles of the year itself; ``origin`` says
which. Of the year: the 0.4 % dry bulb is exceeded in 0.4 % of the hours (quantile .996), its coincident wet
bulb is the mean wet bulb of the hours within 0.5 K of it; likewise the 0.4 % wet bulb with its coincident dry
bulb; the 99.6 % dry bulb is the quantile .004; the daily range is the mean of the daily maximum less minimum
in the month with the highest mean.

Day: T(h) = T_max - R/2 (1 - cos(2 pi (h - 15)/24)), h hours in local standard time, maximum at 15:00; the
humidity ratio of the maximum is kept all day, limited by saturation. The heating day is constant and
saturated.

Symbols: T degC, R daily range K. Source: ASHRAE Handbook - Fundamentals (2017), chapter 14, for the meaning
of the percentiles; the cosine replaces its table of hourly fractions.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin.cooling import moist_air
from twin.forcing.design_file import DesignConditions, conditions_of_file
from twin.forcing.weather import HOURS_A_DAY, TYPICAL_HOURS, Weather

Kind = Literal["dry-bulb", "wet-bulb", "heating"]
KINDS: tuple[Kind, ...] = ("dry-bulb", "wet-bulb", "heating")
HOT_QUANTILE = 0.996
COLD_QUANTILE = 0.004
BIN_HALF_WIDTH_K = 0.5
HOTTEST_HOUR = 15.0
MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def design_conditions(weather: Weather) -> DesignConditions:
    """Design conditions of the place of ``weather``; ``origin`` tells where they come from.

    A weather shorter than a year cannot give percentiles: ``ValueError``.
    """
    if weather.file is not None and weather.file.lower().endswith(".epw") and Path(weather.file).is_file():
        found = conditions_of_file(Path(weather.file))
        if found is not None:
            return found
    return conditions_of_year(weather)


def conditions_of_year(weather: Weather) -> DesignConditions:
    """Design conditions as percentiles of the hours of ``weather`` (at least a year)."""
    dry, wet = weather.dry_bulb_c, weather.wet_bulb_c
    if dry.size < TYPICAL_HOURS:
        raise ValueError(f"weather {weather.name} has {dry.size} hours; percentiles need a year")
    hot, humid = float(np.quantile(dry, HOT_QUANTILE)), float(np.quantile(wet, HOT_QUANTILE))
    return DesignConditions(
        origin=f"percentiles of the hours of {weather.name}",
        cooling_dry_bulb_c=hot,
        cooling_coincident_wet_bulb_c=_coincident(dry, hot, wet),
        wet_bulb_c=humid,
        wet_bulb_coincident_dry_bulb_c=_coincident(wet, humid, dry),
        heating_dry_bulb_c=float(np.quantile(dry, COLD_QUANTILE)),
        daily_range_k=_daily_range(dry),
    )


def _coincident(of: NDArray[np.float64], value: float, other: NDArray[np.float64]) -> float:
    """Mean of ``other`` in the hours in which ``of`` is within 0.5 K of ``value``, or closest to it."""
    distance = np.abs(of - value)
    return float(other[distance <= max(BIN_HALF_WIDTH_K, float(distance.min()))].mean())


def _daily_range(dry: NDArray[np.float64]) -> float:
    """Mean daily range in K of the month with the highest mean dry bulb, from the first 365 days."""
    days = dry[:TYPICAL_HOURS].reshape(-1, HOURS_A_DAY)
    months = np.repeat(np.arange(12), MONTH_DAYS)
    hottest = max(range(12), key=lambda month: float(days[months == month].mean()))
    return float(np.ptp(days[months == hottest], axis=1).mean())


def design_day_weather(
    weather: Weather, kind: Kind = "dry-bulb", conditions: DesignConditions | None = None
) -> Weather:
    """A day of 24 hours that repeats, at the place and the mean pressure of ``weather``.

    ``dry-bulb``: 0.4 % dry bulb with coincident wet bulb; ``wet-bulb``: 0.4 % wet bulb with coincident dry
    bulb; ``heating``: 99.6 % dry bulb. ``conditions`` default to :func:`design_conditions`.
    """
    found = design_conditions(weather) if conditions is None else conditions
    peak, wet_peak, daily_range = {
        "dry-bulb": (found.cooling_dry_bulb_c, found.cooling_coincident_wet_bulb_c, found.daily_range_k),
        "wet-bulb": (found.wet_bulb_coincident_dry_bulb_c, found.wet_bulb_c, found.daily_range_k),
        "heating": (found.heating_dry_bulb_c, found.heating_dry_bulb_c, 0.0),
    }[kind]
    p_pa = float(weather.pressure_pa.mean())
    hour = np.arange(1, HOURS_A_DAY + 1)
    dry = peak - 0.5 * daily_range * (1.0 - np.cos(2.0 * np.pi * (hour - HOTTEST_HOUR) / HOURS_A_DAY))
    w_peak = moist_air.humidity_ratio_from_wet_bulb(peak, min(wet_peak, peak), p_pa)
    ratio = np.array([min(w_peak, moist_air.humidity_ratio_saturated(t, p_pa)) for t in dry])
    pairs = list(zip(dry, ratio, strict=True))
    humidity = np.array([min(moist_air.relative_humidity(t, w, p_pa), 1.0) for t, w in pairs])
    dew = np.array([moist_air.dew_point(t, rh) for t, rh in zip(dry, humidity, strict=True)])
    wet = np.array([moist_air.wet_bulb(t, w, p_pa) for t, w in pairs])
    pressure = np.full(HOURS_A_DAY, p_pa)
    for column in (dry, dew, humidity, pressure, wet, ratio):
        column.setflags(write=False)
    return dataclasses.replace(
        weather,
        name=f"{weather.name} {kind} design day",
        source=f"{weather.source}; {found.origin}",
        measured=False,
        filled_hours=0,
        times_utc_s=None,
        dry_bulb_c=dry,
        dew_point_c=dew,
        relative_humidity=humidity,
        pressure_pa=pressure,
        wet_bulb_c=wet,
        humidity_ratio=ratio,
    )
