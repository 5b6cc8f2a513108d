"""What ``twin headroom`` is asked for, checked as a whole before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any

from twin.analysis.feed_paths import named, resolve
from twin.analysis.map_options import site_weather
from twin.core.errors import Faults, Problem, did_you_mean, one, option
from twin.engine.peak import peak_hour
from twin.engine.period import Moment, instant
from twin.forcing.weather import TYPICAL_HOURS, Weather
from twin.site.graph import Graph
from twin.site.graph_of import site_graph
from twin.site.load import LoadedSite, load_site

MOST_RECIRCULATION_K = 15.0
# Rows of each level; a row of racks is one for each run of equal racks behind one CDU.
LEVELS = ("site", "building", "loop", "hall", "cdu", "rack")
DEFAULT_LEVELS = LEVELS[:4]


@dataclass(frozen=True)
class Options:
    """The arguments of :func:`twin.analysis.headroom.headroom`."""

    elements: tuple[str, ...] = ()
    at: Moment | None = None
    load: float | None = None
    weather: str | Path | None = None
    recirculation_k: float = 0.0
    transient: bool = False
    levels: tuple[str, ...] = DEFAULT_LEVELS


@dataclass(frozen=True)
class Asked:
    """Checked options; ``keys`` are those of the named elements in ``graph``, none where none is named."""

    loaded: LoadedSite
    weather: Weather
    graph: Graph | None
    keys: tuple[str, ...]
    at_s: float
    peak: bool  # nothing was said of the time: it is the peak hour
    load: float | None
    recirculation_k: float
    transient: bool
    levels: tuple[str, ...]


def ask(site: str | Path | LoadedSite, options: Options) -> Asked:
    """Check the options. Raises ``InputError`` with the faults of all of them and of the site."""
    faults = Faults()
    loaded = site if isinstance(site, LoadedSite) else faults.of(load_site, site)
    weather = faults.of(site_weather, options.weather, loaded) if loaded or options.weather is not None else None
    if weather is not None:
        faults.of(_whole_year, weather)
    load = None if options.load is None else faults.of(_number, options.load, "load=", 1.0, "a share, 0 to 1")
    extra = faults.of(
        _number, options.recirculation_k, "recirculation_k=", MOST_RECIRCULATION_K, f"K, 0 to {MOST_RECIRCULATION_K:g}"
    )
    for level in options.levels:
        if level not in LEVELS:
            what = f'there is no level "{level}"{did_you_mean(level, LEVELS)}, expected {", ".join(LEVELS)}'
            faults.problems.append(Problem(option("level="), what))
    at_s = None if options.at is None else faults.of(instant, options.at, option("at="))
    graph: Graph | None = None
    keys: tuple[str, ...] = ()
    if loaded is not None and options.elements:
        graph, keys = _elements(faults, loaded, options.elements)
    faults.tell()
    assert loaded is not None
    assert weather is not None
    assert extra is not None
    peak = at_s is None
    at_s = peak_hour(loaded, weather) if at_s is None else at_s
    return Asked(loaded, weather, graph, keys, at_s, peak, load, extra, options.transient, options.levels)


def _elements(faults: Faults, loaded: LoadedSite, elements: Sequence[str]) -> tuple[Graph, tuple[str, ...]]:
    """Keys of the named elements that carry racks."""
    graph = site_graph(loaded)
    index, found = named(graph), []
    for name in dict.fromkeys(elements):
        keys = faults.of(resolve, index, name) or []
        carrying = [key for key in keys if racks_of(graph, key)]
        if keys and not carrying:
            faults.of(_refuse, f'"{name}" carries no racks, so it has no headroom of its own')
        found += carrying
    return graph, tuple(dict.fromkeys(found))


def racks_of(graph: Graph, key: str) -> set[str]:
    """Keys of the racks that an element is, holds or feeds."""
    inside = graph.parts.get(key, [key])
    return {k for k in {*inside, *graph.below(inside)} if graph.nodes[k].role == "rack"}


def _refuse(message: str) -> None:
    raise one(message)


def _whole_year(weather: Weather) -> None:
    if weather.dry_bulb_c.size < TYPICAL_HOURS:
        hours = weather.dry_bulb_c.size
        raise one(f"weather {weather.name} has {hours} hours; design conditions need a year", path=option("weather="))


def _number(value: Any, place: str, most: float, expected: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(float(value)):
        raise one(f"{value!r} is no number, expected {expected}", path=option(place))
    if not 0.0 <= float(value) <= most:
        raise one(f"{float(value):g} is out of range, expected {expected}", path=option(place))
    return float(value)


__all__ = ["Asked", "Options", "ask", "racks_of"]
