"""What a map is asked for, checked as a whole before a kernel is compiled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.analysis.axis import axis
from twin.core.errors import Faults, InputError, did_you_mean, one, option
from twin.engine.period import Moment, instant, period
from twin.forcing.weather import Weather, make_weather, read_weather
from twin.site.load import LoadedSite, load_site
from twin.site.lower import local_midnight
from twin.site.model import Site

Floats = NDArray[np.float64]
COLDEST_C, HOTTEST_C = -60.0, 60.0
# The default range of outdoor temperatures: below, nothing changes any more.
FROM_C, STEP_C = -10.0, 5.0
MOST_SAMPLES = 10_000


@dataclass(frozen=True)
class Options:
    """The arguments of :func:`twin.analysis.load_map.load_map`."""

    load: str | float | Sequence[float] = "0:1:0.1"
    outdoor: str | float | Sequence[float] | None = None
    quantiles: tuple[float, ...] = ()
    at: Moment | None = None
    humidity: float | None = None
    weather: str | Path | None = None
    samples: int = 64
    seed: int = 0
    threads: int | None = None


@dataclass(frozen=True)
class Asked:
    """Checked options: what the map is drawn from."""

    loaded: LoadedSite
    weather: Weather
    load: Floats
    outdoor: Floats
    quantiles: Floats
    at_s: float
    humidity: float | None
    samples: int
    seed: int
    threads: int


def ask(site: str | Path | LoadedSite, options: Options) -> Asked:
    """Check the options of a map. Raises ``InputError`` with the faults of all of them and of the site."""
    faults = Faults()
    loaded = site if isinstance(site, LoadedSite) else faults.of(load_site, site)
    load = faults.of(axis, options.load, option("load="), 0.0, 1.0)
    outdoor = None
    if options.outdoor is not None:
        outdoor = faults.of(axis, options.outdoor, option("outdoor="), COLDEST_C, HOTTEST_C, " degC")
    quantiles = faults.of(_quantiles, options.quantiles)
    humidity = faults.of(_humidity, options.humidity)
    samples = faults.of(whole, options.samples, option("samples="), 2, MOST_SAMPLES)
    seed = faults.of(whole, options.seed, option("seed="), 0, 2**63 - 1)
    threads = faults.of(whole, options.threads or cores(), option("threads="), 1, 1024)
    weather = faults.of(site_weather, options.weather, loaded) if loaded or options.weather is not None else None
    at_s = faults.of(moment, options.at, loaded)
    faults.tell()
    assert loaded is not None
    assert weather is not None
    assert at_s is not None
    assert samples is not None
    assert seed is not None
    assert threads is not None
    points = default_outdoor(weather) if outdoor is None else outdoor
    return Asked(
        loaded, weather, np.asarray(load), points, np.asarray(quantiles), at_s, humidity, samples, seed, threads
    )


def default_outdoor(weather: Weather) -> Floats:
    """The range of a year and one step beyond its hottest hour, degC; not below what still changes anything."""
    low = max(FROM_C, STEP_C * floor(weather.dry_bulb_c.min() / STEP_C))
    high = STEP_C * (ceil(weather.dry_bulb_c.max() / STEP_C) + 1)
    return np.arange(low, high + 0.5 * STEP_C, STEP_C)


def site_weather(weather: str | Path | None, loaded: LoadedSite | None) -> Weather:
    """The weather that is named, else the site's. Raises ``InputError`` for one that cannot be read."""
    if weather is None:
        assert loaded is not None
        return make_weather(read_weather(loaded.paths.get("weather.file", loaded.site.weather.file)))
    try:
        return make_weather(read_weather(weather))
    except InputError as error:
        raise InputError([replace(p, path=p.path or option("weather=")) for p in error.problems]) from None


def moment(at: Moment | None, loaded: LoadedSite | None) -> float:
    """The instant that is named, else the beginning of the first year with all halls, s since 1970 UTC."""
    if at is not None:
        return instant(at, option("at="))
    if loaded is None:
        return 0.0
    site = loaded.site
    days = [hall.energised_on for building in site.buildings.values() for hall in building.halls.values()]
    return period(None, None, max(float(local_midnight(day, site.utc_offset_h)) for day in days))[0]


def check_hall(site: Site, hall: str) -> None:
    """Raise ``InputError`` for a hall (as building/hall) that the site does not have."""
    halls = [f"{b}/{h}" for b, building in site.buildings.items() for h in building.halls]
    if hall not in halls:
        hint = did_you_mean(hall, halls) or f"; expected one of {', '.join(halls)}"
        raise one(f'the site has no hall "{hall}"{hint}', path=option("hall="))


def _quantiles(quantiles: Sequence[float]) -> Floats:
    if not len(quantiles):
        return np.zeros(0)
    return axis(list(quantiles), option("quantiles="), 0.0, 1.0)


def _humidity(humidity: Any) -> float | None:
    if humidity is None:
        return None
    if isinstance(humidity, bool) or not isinstance(humidity, Real) or not isfinite(float(humidity)):
        raise one(f"{humidity!r} is no number, expected a relative humidity, 0 to 1", path=option("humidity="))
    if not 0.0 <= float(humidity) <= 1.0:
        hint = f"; {float(humidity):g} % is {float(humidity) / 100:g}" if 1.0 < float(humidity) <= 100.0 else ""
        what = f"{float(humidity):g} is out of range, expected a relative humidity, 0 to 1{hint}"
        raise one(what, path=option("humidity="))
    return float(humidity)


def whole(value: Any, place: str, low: int, high: int) -> int:
    """A whole number in its range. Raises ``InputError`` that names ``place``."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise one(f"{value!r} is no whole number, expected {low} to {high}", path=place)
    if not low <= int(value) <= high:
        raise one(f"{value} is out of range, expected {low} to {high}", path=place)
    return int(value)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


__all__ = ["Asked", "Options", "ask", "check_hall", "cores", "default_outdoor", "moment", "site_weather", "whole"]
