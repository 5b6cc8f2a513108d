"""A run as ONE self-contained HTML page: opens offline from a file, asks nobody for anything, same run -> same bytes.

Bokeh draws what moves with time, plain HTML and SVG the rest; style, script and frame lie in ``page/``. Bokeh numbers
its models by process and its documents at random: both are renamed by order of appearance.
"""

from __future__ import annotations

import re
from html import escape
from importlib.resources import files
from pathlib import Path

import xarray as xr
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.models import Model
from bokeh.resources import INLINE
from jinja2 import Template

from dashboards import cards
from dashboards.chart import Chart
from dashboards.charts import (
    calendar,
    duration,
    efficiency,
    flow,
    growth,
    hall_headroom,
    hall_power,
    headroom,
    loops,
    overhead,
    power,
    serving,
    water,
)
from dashboards.html import section
from dashboards.source import Source, source
from twin.analysis.dataset import open_run
from twin.engine.target import write_whole

# The order of the page: how much, where it goes, for what, when, what cooling takes, which hall is next to its limit.
ORDER = (
    power, flow, overhead, growth, serving, calendar, duration, headroom, hall_headroom, hall_power, efficiency, water,
    loops,
)  # fmt: skip
BODY = "<!--page-->"
RANDOM_NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# In quotes: a page may hold such letters inside packed data.
MODEL_NAME = re.compile(r'(?<=")p\d{4,}(?=")')


def write_page(run: str | Path | xr.Dataset, html_path: str | Path) -> Path:
    """Write the report of a run (a store or an open Dataset), which appears when it is whole, and return its path.

    Raises ``InputError`` where the run is no run or holds no interval, and where the page cannot be written.
    """
    path = Path(html_path)
    text = page(run if isinstance(run, xr.Dataset) else open_run(run))
    write_whole(path, text)
    return path


def page(ds: xr.Dataset) -> str:
    """The text of the report."""
    s = source(ds)
    charts = [chart for module in ORDER if (chart := module.build(s)) is not None]
    document = Document()
    with document.models.freeze():  # which of all models belong to it is found out once, not for each: 0.2 s
        for chart in charts:
            for number, part in enumerate(part for part in chart.body if isinstance(part, Model)):
                part.name = f"{chart.key}-{number}"  # the place of the picture in the page, and a handle for tests
                document.add_root(part)
    text = file_html(
        document, INLINE, _title(s), template=Template(_file("report.html")), template_variables=_variables(s, charts)
    )
    return same_names(text)


def _title(s: Source) -> str:
    period = s.summary["period"]
    days = f"{period['start_utc'][:10]} to {period['end_utc'][:10]}"
    return f"{s.summary['site']['name']}, {days}, halltwin {period['version']}"


def _variables(s: Source, charts: list[Chart]) -> dict[str, object]:
    site = s.summary["site"]
    links = [f'<li><a href="#{escape(c.key)}">{escape(c.key.replace("-", " ").capitalize())}</a></li>' for c in charts]
    return {
        "heading": site["title"] or site["name"],
        "version": s.summary["period"]["version"],
        "facts": cards.facts(s),
        "nav": "".join(links),
        "verdict": cards.verdict(s),
        "cards": cards.cards(s),
        "years": cards.years(s),
        "sections": [section(chart) for chart in charts],
        "basis": cards.basis(s),
        "footer": _footer(s),
        "page_css": _file("report.css"),
        "page_js": _file("report.js"),
    }


def same_names(text: str) -> str:
    """The page with Bokeh's names replaced by ones that depend on the page alone."""
    head, mark, body = text.partition(BODY)
    body = _numbered(body, RANDOM_NAME, "halltwin-{:04d}")
    return head + mark + _numbered(body, MODEL_NAME, "m{:04d}")


def _numbered(text: str, pattern: re.Pattern[str], form: str) -> str:
    names: dict[str, str] = {}
    return pattern.sub(lambda found: names.setdefault(found[0], form.format(len(names) + 1)), text)


def _footer(s: Source) -> str:
    period = s.summary["period"]
    return (
        f"Site {s.summary['site']['name']}, {period['start_utc']} to {period['end_utc']}. Times on the axes are "
        f"site-local standard time ({s.zone}); instants in cards and tables are the ends of output intervals. "
        f"Made by halltwin {period['version']}."
    )


def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")
