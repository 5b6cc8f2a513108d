"""A week of the small site as a Dataset, and a browser: what the page tests share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Browser, sync_playwright

from twin.core.variables import LEVELS, rows
from twin.engine.run import Curve, make_engine
from twin.engine.timeline import make_timeline
from twin.forcing.load import Daily
from twin.forcing.weather import load_weather
from twin.site.load import load_site
from twin.site.lower import lower

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
WEEK_S = 7 * 86_400


@pytest.fixture(scope="session")
def week() -> xr.Dataset:
    """oklahoma-10, the first week of June 2026, steps of 15 min, output by the hour."""
    loaded = load_site("oklahoma-10")
    site, plan = loaded.site, lower(loaded)
    curves: list[Curve] = [
        Daily(c.mean, c.daily_amplitude, c.peak_hour, c.weekend_factor)
        for c in (site.loads[key] for key in plan.labels.curve)
    ]
    timeline = make_timeline(START, START + WEEK_S, 900.0, 3600.0, plan.hall_start_s.astype(np.float64))
    weather = load_weather(site.weather.file)
    engine = make_engine(plan, weather, curves, timeline, seed=1, threads=1, racks=False)
    results = list(engine.blocks())
    data = {}
    for level in (level for level in LEVELS if level in results[0].levels):
        stacked = np.concatenate([result.levels[level] for result in results])
        for column, row in enumerate(rows(level)):
            one = stacked[..., column]
            data[row.name] = (("time",), one[:, 0]) if level == "site" else (("time", level), one)
    ends = np.concatenate([result.block.interval_end for result in results])
    kinds = [loaded.library.get(_device(loaded, name)).KIND for name in plan.labels.element]
    return xr.Dataset(
        data,
        {
            "time": ends.astype("datetime64[s]").astype("datetime64[ns]"), "hall": plan.labels.hall,
            "building": ("hall", plan.labels.hall_building), "kind": ("hall", plan.labels.hall_kind),
            "cdu": plan.labels.cdu, "loop": plan.labels.loop, "element": plan.labels.element,
            "element_kind": ("element", kinds),
        },
        {
            "site": site.name, "title": site.title, "interval_s": 3600.0, "step_s": 900.0, "seed": 1,
            "version": "0.1.0", "weather": site.weather.file, "utc_offset_s": plan.utc_offset_s,
        },
    )  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it."""
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        chromium.close()


def _device(loaded, element: str) -> str:
    """Library id of an element: of the campus, or of the chain of a hall's template."""
    site = loaded.site
    if element in site.electrical.elements:
        return str(site.electrical.elements[element].device)
    building, hall, link = element.split("/")
    return str(site.templates[site.buildings[building].halls[hall].template].chain[link].device)
