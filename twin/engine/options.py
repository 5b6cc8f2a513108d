"""What a run is asked for, checked as a whole: every fault of every option at once, before a kernel is compiled.

A caller may be a person with flags or a program with arguments: ``twin.core.errors.option`` has their words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from twin.core.errors import Faults, InputError, did_you_mean, one, option
from twin.core.units import DAY, HOUR
from twin.engine import period
from twin.engine.caps import Caps
from twin.engine.layout import checked_depth
from twin.engine.timeline import Timeline, make_timeline
from twin.forcing.hourly import HourlyTable
from twin.forcing.weather import read_weather
from twin.site.load import LoadedSite, load_site
from twin.site.lower import local_midnight
from twin.site.model import LoadCurve, Site

if TYPE_CHECKING:
    from twin.engine.scenario import Written

FULL = "full"
FULL_LOAD = LoadCurve(mean=1.0, daily_amplitude=0.0, weekend_factor=1.0, rack_spread=0.0, rack_noise=0.0)
DEFAULT_STEP_S = 300.0
SEEDS = 2**63


class Inputs(TypedDict, total=False):
    """The named arguments of :func:`ask`."""

    weather: str | Path | None
    start: period.Moment | None
    end: period.Moment | None
    step: float | str
    every: float | str | None
    level: str
    seed: int
    threads: int | None
    load: str | None
    intervals_per_block: int | None
    caps: Caps | None
    scenario: Written | None


@dataclass(frozen=True)
class Asked:
    """Checked options. ``load`` is the name that was given; ``weather_named`` says that the site's was replaced."""

    loaded: LoadedSite
    weather: HourlyTable
    weather_named: bool
    timeline: Timeline
    level: str
    seed: int
    threads: int | None
    load: str | None
    caps: Caps | None
    scenario: Written | None = None


def ask(
    site: str | Path | LoadedSite,
    *,
    weather: str | Path | None = None,
    start: period.Moment | None = None,
    end: period.Moment | None = None,
    step: float | str = DEFAULT_STEP_S,
    every: float | str | None = None,
    level: str = "hall",
    seed: int = 0,
    threads: int | None = None,
    load: str | None = None,
    intervals_per_block: int | None = None,
    caps: Caps | None = None,
    scenario: Written | None = None,
) -> Asked:
    """Check what is asked for, as :func:`twin.engine.prepare.prepare` explains it.

    Raises ``InputError`` with the faults of all options and of the site; nothing is compiled and nothing written.
    """
    faults = Faults()
    faults.problems += scenario.problems if scenario is not None else ()
    faults.of(whole_number, seed, option("seed="), 0, SEEDS - 1)
    if threads is not None:
        faults.of(whole_number, threads, option("threads="), 1, None)
    faults.of(checked_depth, level)
    loaded = site if isinstance(site, LoadedSite) else faults.of(load_site, site)
    driven = loaded and faults.of(with_load, loaded, load)
    air = faults.of(_air, weather, loaded)
    timeline = faults.of(_timeline, loaded.site if loaded else None, start, end, step, every, intervals_per_block)
    faults.tell()
    assert driven is not None
    assert air is not None
    assert timeline is not None
    return Asked(driven, air, weather is not None, timeline, level, int(seed), threads, load, caps, scenario)


def whole_number(value: object, place: str, low: int, high: int | None) -> None:
    """Raise ``InputError`` unless ``value`` is a whole number from ``low`` to ``high``."""
    expected = f"expected a whole number >= {low}" + (
        "" if high is None else " and < 2^63" if high == SEEDS - 1 else f" and <= {high:,}"
    )
    if isinstance(value, bool) or not isinstance(value, Integral):
        shown = f'"{value}"' if isinstance(value, str) else repr(value)
        raise one(f"{shown} is no whole number, {expected}", path=place)
    if int(value) < low or (high is not None and int(value) > high):
        raise one(f"{value} is out of range, {expected}", path=place)


def _air(weather: str | Path | None, loaded: LoadedSite | None) -> HourlyTable | None:
    """The weather as asked for, else the site's; None where there is no site to ask."""
    if weather is not None:
        if not isinstance(weather, str | Path):
            raise one(f"{weather!r} is no weather, expected a name or a path", path=option("weather="))
        try:
            return read_weather(weather)
        except InputError as error:
            place = option("weather=")
            raise InputError([replace(p, path=p.path or place) for p in error.problems]) from None
    if loaded is None:
        return None
    return read_weather(loaded.paths.get("weather.file", loaded.site.weather.file))


def _timeline(
    site: Site | None,
    start: period.Moment | None,
    end: period.Moment | None,
    step: float | str,
    every: float | str | None,
    intervals_per_block: int | None,
) -> Timeline | None:
    """The timeline as asked for; None without a site. What can be checked without one is."""
    faults = Faults()
    halls, tranches = _events(site) if site else ([0.0], [])
    span = faults.of(period.period, start, end, max(halls))
    step_s = faults.of(period.seconds, step, option("step="))
    interval_s = faults.of(period.interval, every, step_s or HOUR, span[1] - span[0] if span else DAY)
    timeline = None
    if step_s:
        # Where one of them is at fault, the others are still held against each other.
        length = interval_s or step_s
        events = np.array(halls + tranches, np.float64)
        whole = span if span and interval_s else (0.0, length)
        timeline = faults.of(make_timeline, *whole, step_s, length, events, intervals_per_block)
    faults.tell()
    return timeline if site else None


def _events(site: Site) -> tuple[list[float], list[float]]:
    """When halls are energised and tranches begin, s since 1970: known before the site is lowered to a plan."""
    halls = [hall.energised_on for building in site.buildings.values() for hall in building.halls.values()]
    tranches = [tranche.start for tranche in site.contract.tranches]
    first, second = ([float(local_midnight(day, site.utc_offset_h)) for day in days] for days in (halls, tranches))
    return first, second


def with_load(loaded: LoadedSite, load: object) -> LoadedSite:
    """The site with all halls on the load curve ``load``. Raises ``InputError`` for one that the site does not have."""
    if load is None:
        return loaded
    site: Site = loaded.site
    loads = {FULL: FULL_LOAD} | site.loads
    if not isinstance(load, str) or load not in loads:
        hint = did_you_mean(str(load), loads) or f"; expected one of {', '.join(sorted(loads))}"
        raise one(f'the site has no load "{load}"{hint}', path=option("load="))
    buildings = {
        id: building.model_copy(
            update={"halls": {h: hall.model_copy(update={"load": load}) for h, hall in building.halls.items()}}
        )
        for id, building in site.buildings.items()
    }
    # Every hall on the curve: nobody is left to serve.
    driven = site.model_copy(update={"buildings": buildings, "loads": loads, "inference": None})
    return replace(loaded, site=driven)
