"""What a conversion is asked for, checked as a whole before a kernel is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.analysis.axis import axis
from twin.analysis.map_options import COLDEST_C, HOTTEST_C, MOST_SAMPLES, cores, moment, site_weather, whole
from twin.core.errors import Faults, one, option
from twin.engine.period import Moment, stamp
from twin.forcing.coincident import Air, hottest, outdoor_air
from twin.forcing.weather import Weather
from twin.inference.serving import Serving
from twin.site.conversion import Conversion, conversion
from twin.site.load import LoadedSite, load_site
from twin.site.lower import local_midnight


@dataclass(frozen=True)
class Asked:
    """Checked options of a conversion; ``models`` are those that the group serves now."""

    loaded: LoadedSite
    change: Conversion
    weather: Weather
    air: Air
    at_s: float
    samples: int
    seed: int
    threads: int
    models: list[str]


def ask(
    site: str | Path | LoadedSite,
    *,
    halls: Sequence[str] = (),
    service: str | None = None,
    to: str,
    at: Moment | None = None,
    outdoor: float | str | None = None,
    weather: str | Path | None = None,
    samples: int = 64,
    seed: int = 0,
    threads: int | None = None,
) -> Asked:
    """Check the options of a conversion; 0 ``samples``: no bands. Raises ``InputError`` with all faults."""
    faults = Faults()
    loaded = site if isinstance(site, LoadedSite) else faults.of(load_site, site)
    change = faults.of(conversion, loaded, halls, service, to) if loaded else None
    point = faults.of(axis, outdoor, option("outdoor="), COLDEST_C, HOTTEST_C, " degC") if outdoor is not None else None
    if point is not None and len(point) != 1:
        faults.of(_single, outdoor)
    count = faults.of(whole, samples, option("samples="), 0, MOST_SAMPLES)
    number = faults.of(whole, seed, option("seed="), 0, 2**63 - 1)
    workers = faults.of(whole, threads or cores(), option("threads="), 1, 1024)
    year = faults.of(site_weather, weather, loaded) if loaded or weather is not None else None
    at_s = faults.of(moment, at, loaded)
    if loaded and change and at_s is not None:
        faults.of(_energised, loaded, change, at_s)
    faults.tell()
    assert loaded is not None
    assert change is not None
    assert year is not None
    assert at_s is not None
    assert count is not None
    assert number is not None
    assert workers is not None
    air = outdoor_air(year, [hottest(year) if point is None else float(point[0])])[0]
    return Asked(loaded, change, year, air, at_s, count, number, workers, _models(loaded, change))


def _single(outdoor: object) -> None:
    raise one(f'"{outdoor}" is more than one temperature, expected one', path=option("outdoor="))


def _energised(loaded: LoadedSite, change: Conversion, at_s: float) -> None:
    """Raise ``InputError`` for halls that have no power yet."""
    site = loaded.site
    for hall in change.halls:
        building, _, name = hall.partition("/")
        day = site.buildings[building].halls[name].energised_on
        if local_midnight(day, site.utc_offset_h) > at_s:
            raise one(f"hall {hall} has power from {day} on, asked for is {stamp(at_s)}", path=option("at="))


def _models(loaded: LoadedSite, change: Conversion) -> list[str]:
    spec = loaded.site.inference
    assert spec is not None
    pools = [s for id in change.slices.values() for s in spec.services[id].pools(id).values()]
    return list(dict.fromkeys(loaded.library.get(s.serving, Serving).model for s in pools))


__all__ = ["Asked", "ask"]
