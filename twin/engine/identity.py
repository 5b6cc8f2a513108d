"""What decides a run: its global attributes, and the few of them that must agree before it may be continued.

The attributes hold no clock time, host, user or path: the same inputs and seed give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from twin.core.jit import source_digest
from twin.engine.options import Asked
from twin.engine.period import stamp
from twin.forcing.shifted import ShiftedWeather
from twin.forcing.stepped import read_stepped
from twin.forcing.weather import Weather
from twin.site.figures import figure_rows
from twin.site.load import LoadedSite

# The word of a difference -> the attributes that show it.
DECIDING: dict[str, tuple[str, ...]] = {
    "site": ("site_digest", "load_digest"),
    "load": ("load", "caps_digest"),
    "weather": ("weather_digest",),
    "period": ("period_start", "period_end"),
    "step": ("step_s",),
    "every": ("interval_s",),
    "block size": ("intervals_per_block",),
    "level": ("level",),
    "seed": ("seed",),
    "version": ("version", "engine_digest"),
}
# Computed from the readings by kernels: the version stands for these.
FOLLOWING = {"wet_bulb_c", "humidity_ratio"}
COMPLETE = "run_complete"
GROWS = "halltwin_kind", "live"  # of a run that grows as time goes: whole at any instant, finished or not
FIGURE_KEYS = ("key", "value", "unit", "low", "high", "confidence", "source")


def halltwin_version() -> str:
    """The installed version; ``unknown`` where the package is not installed."""
    try:
        return version("halltwin")
    except PackageNotFoundError:
        return "unknown"


def run_attributes(asked: Asked, weather: Weather) -> dict[str, Any]:
    """Global attributes of a run, in their order; every value is a text or a number."""
    loaded, timeline, site = asked.loaded, asked.timeline, asked.loaded.site
    return {
        "Conventions": "CF-1.11",
        "title": site.title,
        "site": site.name,
        "site_note": site.note,
        "site_text": loaded.text,
        "site_digest": loaded.digest,
        "utc_offset_h": site.utc_offset_h,
        "load": asked.load if asked.load is not None else "as the site says",
        "load_digest": files_digest(loaded.paths),
        "caps_digest": asked.caps.digest() if asked.caps else "",
        "weather": weather.name,
        "weather_station": weather.station,
        "weather_source": weather.source,
        "weather_licence": weather.licence,
        # Who names a weather has chosen it: it stands in for nothing.
        "weather_stands_in_for": "" if asked.weather_named else site.weather.stands_in_for or "",
        "weather_digest": weather_digest(weather),
        "period_start": stamp(timeline.start),
        "period_end": stamp(timeline.end),
        "step_s": timeline.step,
        "interval_s": timeline.interval,
        "intervals_per_block": timeline.intervals_per_block,
        "level": asked.level,
        "seed": asked.seed,
        "version": halltwin_version(),
        "engine_digest": source_digest(),
        "figures": json.dumps(sourced_figures(loaded), ensure_ascii=False),
        "source": f"halltwin {halltwin_version()}",
        **_grid_series(loaded, timeline.start, timeline.end),
    }


def _grid_series(loaded: LoadedSite, start_s: float, end_s: float) -> dict[str, str]:
    """What recorded prices and intensities say of the period, as JSON; nothing where the site has no recording.

    Raises ``InputError`` for a faulty file.
    """
    found = {}
    for key in ("price", "carbon"):
        path = loaded.paths.get(f"grid.{key}.csv")
        if path is not None:
            found[key] = read_stepped(path).within(start_s, end_s).plain()
    return {"grid_series": json.dumps(found)} if found else {}


def sourced_figures(loaded: LoadedSite) -> list[dict[str, Any]]:
    """A row for each figure of the library entries in use: entry, kind, key, value, band, source and confidence."""
    entries = [(id, loaded.library.get(id)) for id in loaded.used]
    return [
        {"entry": id, "kind": entry.kind, **{key: row[key] for key in FIGURE_KEYS}}
        for id, entry in entries
        for row in figure_rows(entry)
    ]


def weather_digest(weather: Weather) -> str:
    """SHA-256 over the air of a weather: readings, times and nature; not its file or what follows from them."""
    made = hashlib.sha256(f"{weather.utc_offset_h!r} {weather.measured!r}".encode())
    for item in fields(weather):
        value = None if item.name in FOLLOWING else getattr(weather, item.name)
        if isinstance(value, np.ndarray):
            made.update(f"\0{item.name} {value.dtype.str} {value.shape}\0".encode())
            made.update(np.ascontiguousarray(value).tobytes())
    if isinstance(weather, ShiftedWeather):
        made.update(repr(weather.shifts).encode())
    return made.hexdigest()


def files_digest(paths: Mapping[str, Path]) -> str:
    """SHA-256 over what a site names of load, demand, zones and prices; empty without any (the weather has its own)."""
    named = ("loads.", "inference.", "templates.", "grid.")
    loads = {place: path for place, path in sorted(paths.items()) if place.startswith(named)}
    made = hashlib.sha256()
    for place, path in loads.items():
        raw = path.read_bytes()
        made.update(f"{place}\0{len(raw)}\0".encode())
        made.update(raw)
    return made.hexdigest() if loads else ""


def run_digest(attrs: Mapping[str, Any]) -> str:
    """SHA-256 over everything that decides the run."""
    parts = {word: [attrs.get(name) for name in names] for word, names in DECIDING.items()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Which of site, load, weather, period, step, every, block size, level, seed, version differ."""
    return [word for word, names in DECIDING.items() if any(one.get(n) != other.get(n) for n in names)]
