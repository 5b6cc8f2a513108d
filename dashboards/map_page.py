"""A map as ONE self-contained HTML page: the site and its halls over load and outdoor temperature."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path

import xarray as xr
from bokeh.embed import file_html
from bokeh.models import Model
from bokeh.resources import INLINE
from jinja2 import Template

from dashboards.chart import Chart, power
from dashboards.html import card, section
from dashboards.maps import halls, meter, outdoor
from dashboards.maps.source import MapSource
from dashboards.report import same_names
from twin.analysis.map_answers import Answers
from twin.core.units import MW
from twin.engine.target import write_whole

ORDER = (outdoor, halls, meter)


def write_map_page(ds: xr.Dataset, html_path: str | Path, hall: str | None = None) -> Path:
    """Write the page of a map and return its path; the same map gives the same bytes. ``hall`` is shown first.

    Raises ``InputError`` where the page cannot be written.
    """
    path = Path(html_path)
    text = map_page(ds, hall)
    write_whole(path, text)
    return path


def map_page(ds: xr.Dataset, hall: str | None = None) -> str:
    """The text of the page."""
    s = MapSource(Answers(ds), hall)
    charts: list[Chart] = [chart for module in ORDER for chart in module.build(s)]
    models = []
    for chart in charts:
        for number, part in enumerate(part for part in chart.body if isinstance(part, Model)):
            part.name = f"{chart.key}-{number}"
            models.append(part)
    text = file_html(
        models, INLINE, f"{ds.attrs['site']}, map, halltwin", template=Template(_file("map.html")),
        template_variables=_variables(s, charts),
    )  # fmt: skip
    return same_names(text)


def _variables(s: MapSource, charts: list[Chart]) -> dict[str, object]:
    about = s.answers.ds.attrs
    return {
        "heading": about["title"] or about["site"],
        "facts": _facts(s),
        "cards": _cards(s),
        "sections": [section(chart) for chart in charts],
        "data": s.json(),
        "footer": f"Load: {about['load']}. State: {about['state']}. Made by halltwin {about['version']}.",
        "page_css": _file("report.css"),
        "page_js": _file("report.js") + _file("map.js"),
    }


def _facts(s: MapSource) -> str:
    about = s.answers.ds.attrs
    values = "central values" if not s.answers.banded else f"P50 of the bands ({about['values']})"
    return (
        f"{about['site']} as energised at {about['instant']}; {about['weather']}, {about['humidity']}; steady states, "
        f"{values}"
    )


def _cards(s: MapSource) -> str:
    a, t = s.answers, s.hottest
    mw, hot, full = a.of("site_power", 1.0 / MW), s.outdoor_labels[s.hottest], s.load_labels[-1]
    over = float(mw[-1, t]) > a.contract_mw
    made = [
        card("Power at the meter", power(float(mw[-1, t])), f"load {full}, {hot} °C; contract {a.contract_mw:g} MW",
             wrong=over),
        card("PUE", f"{a.pue[-1, t]:.3f}", f"load {full}, {hot} °C; {a.pue[-1, 0]:.3f} at {s.outdoor_labels[0]} °C"),
    ]  # fmt: skip
    for kind in ("cooling", "power"):
        h = int(a.tightest(kind)[-1, t])
        if h >= 0:
            room = float(a.headroom_mw(kind)[-1, t, h])
            below = f"{a.halls[h]}, {s.limits[kind][-1][t][h]}; load {full}, {hot} °C"
            made.append(card(f"Least {kind} headroom", power(room), below, wrong=room < 0))
    return f'<dl class="cards">{"".join(made)}</dl>'


def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")


__all__ = ["escape", "map_page", "write_map_page"]
