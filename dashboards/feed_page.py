"""A trace as ONE self-contained HTML page: a picture of each element's paths from the grid to the load, and a table."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path

from jinja2 import Template

from dashboards.chart import Chart, Table
from dashboards.feeds.diagram import KEYS, diagram
from dashboards.html import card, listed, section
from twin.analysis.feed_lumps import Picture, percent, picture, watts
from twin.analysis.feed_paths import Trace, Traces, racks
from twin.analysis.feed_text import about, fate, headline, holds, render_together
from twin.engine.identity import halltwin_version
from twin.engine.target import write_whole
from twin.site.graph import Graph

HEAD = ("From", "Medium", "To", "Units of what is fed", "Rated", "Share", "Since", "If it is lost")


def write_feed_page(found: Traces, html_path: str | Path) -> Path:
    """Write the page of traces and return its path; the same traces give the same bytes.

    Raises ``InputError`` where the page cannot be written.
    """
    path = Path(html_path)
    text = feed_page(found)
    write_whole(path, text)
    return path


def feed_page(found: Traces) -> str:
    """The text of the page."""
    charts = [_chart(found.graph, trace, i) for i, trace in enumerate(found.traces)]
    names = ", ".join(dict.fromkeys(trace.node.name for trace in found.traces))
    text: str = Template(_file("feed.html")).render(
        title=f"{found.name}, {names}, halltwin",
        heading=f"What feeds {names}, and what hangs on it",
        facts=f"{found.title} ({found.name}). Ratings, no run: lost is an element with all its units.",
        cards=_cards(found),
        sections=[section(chart) for chart in charts],
        together=_together(found),
        footer=f"Rated: power or heat of the racks at full load that goes this way; of pumps and fans their own power. "
        f"Either: one of several ways, weather or routing decides. Made by halltwin {halltwin_version()}.",
        page_css=_file("report.css") + _file("feed.css"),
    )
    return text


def _chart(graph: Graph, trace: Trace, number: int) -> Chart:
    seen = picture(graph, trace)
    lines = headline(graph, trace)
    finding = f"If it is lost: {'; '.join(lines)}." if lines else "Nothing depends on it."
    name = f"{trace.node.name}: {about(trace)}"
    held = holds(graph, trace)
    note = f"It holds {'; '.join(held)}." if held else ""
    body = [diagram(seen, f"{name}. {finding}")]
    return Chart(f"trace-{number + 1}", name, finding, body, _table(seen), keys=KEYS, note=note)


def _table(seen: Picture) -> Table:
    rows = []
    for link in sorted(seen.links, key=lambda link: (link.target, link.source)):
        source, target = seen.lumps[link.source], seen.lumps[link.target]
        rated = "–" if link.kw is None else watts(link.kw)
        lost = "" if target.effect is None else fate(target.effect, target.node.role)
        rows.append(
            [source.name, link.medium, target.name, target.units, rated, percent(link.share), target.node.since, lost]
        )
    return Table(HEAD, rows)


def _cards(found: Traces) -> str:
    """For each element the racks that hang on it alone, and those that have another way."""
    made = []
    for trace in found.traces:
        sums = racks(found.graph, trace.below, trace.inside)
        lost = [sums["own"], *sums["alone"]]
        alone, kw = sum(row["racks"] for row in lost), sum(row["rated_kw"] for row in lost)
        below = f"racks are lost with it, {watts(kw)}; {sums['other']['racks']:,} have another way"
        made.append(card(trace.node.name, f"{alone:,}", below))
    return f'<dl class="cards">{"".join(made)}</dl>'


def _together(found: Traces) -> str:
    """What only the loss of all the elements takes; empty where there is nothing of that sort."""
    head, *lines = render_together(found) or [""]
    return f'<div class="verdict plain" id="together"><b>{escape(head)}</b>{listed(lines)}</div>' if head else ""


def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")


__all__ = ["feed_page", "write_feed_page"]
