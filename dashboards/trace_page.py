"""A request trace as ONE self-contained HTML page: its rate over time, its token lengths, its bursts."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from pathlib import Path

from bokeh.embed import file_html
from bokeh.models import Model
from bokeh.resources import INLINE
from jinja2 import Template

from dashboards.chart import Chart, num
from dashboards.html import card, listed, section
from dashboards.report import same_names
from dashboards.traces import bursts, lengths, rate
from twin.engine.target import write_whole
from twin.forcing.traces.summary import Summary

ORDER = (rate, lengths, bursts)


def write_trace_page(found: Summary, html_path: str | Path) -> Path:
    """Write the page of a trace and return its path; the same trace gives the same bytes.

    Raises ``InputError`` where the page cannot be written.
    """
    path = Path(html_path)
    write_whole(path, trace_page(found))
    return path


def trace_page(found: Summary) -> str:
    """The text of the page."""
    charts = [chart for module in ORDER if (chart := module.build(found)) is not None]
    models = []
    for chart in charts:
        for number, part in enumerate(part for part in chart.body if isinstance(part, Model)):
            part.name = f"{chart.key}-{number}"
            models.append(part)
    name = Path(found.file).name
    text = file_html(
        models, INLINE, f"{name}, halltwin", template=Template(_file("trace.html")),
        template_variables=_variables(found, name, charts),
    )  # fmt: skip
    return same_names(text)


def _variables(found: Summary, name: str, charts: list[Chart]) -> dict[str, object]:
    return {
        "heading": name,
        "facts": facts(found),
        "notes": _notes(found),
        "cards": _cards(found),
        "sections": [section(chart) for chart in charts],
        "page_css": _file("report.css"),
        "page_js": _file("report.js"),
    }


def facts(found: Summary) -> str:
    """Format, period and zone in a line."""
    begin = f"from {found.start} (zone {found.zone})" if found.start else "times from the trace's own zero"
    what = "rate curve" if found.kind == "rate" else "single requests"
    return f"{found.format}: {what} over {span(found.span_s)}, {begin}"


def span(seconds: float) -> str:
    """A length of time as people write it."""
    for unit, size in (("days", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.3g} s"


def _notes(found: Summary) -> str:
    if not found.warnings:
        return ""
    lines = [f"line {w.line}: {w.message}" if w.line else w.message for w in found.warnings]
    return f'<div class="verdict bad"><b>{escape("What is odd in the file")}</b>{listed(lines)}</div>'


def _cards(found: Summary) -> str:
    below = "of a rate curve" if found.kind == "rate" else f"{found.failed:,} more failed"
    cards = [
        card("Requests", f"{found.requests:,.0f}", below),
        card("Mean rate", f"{num(found.mean_rps)}/s", f"over {span(found.span_s)}"),
        card("Peak rate", f"{num(found.peak_rps)}/s", f"highest {span(found.bin_s)}"),
    ]
    if found.fano is not None:
        local = "" if found.fano_minute is None else f", {found.fano_minute:.2f} within minutes"
        cards.append(card("Fano factor at 1 s", f"{found.fano:.2f}", f"1 is Poisson{local}"))
    for title, spread in (("Input tokens", found.input_tokens), ("Output tokens", found.output_tokens)):
        if spread is not None:
            ends = f"p50 {spread.p50:,.0f}, p99 {spread.p99:,.0f}"
            cards.append(card(title, f"{spread.mean:,.0f}", f"mean; {ends}"))
    if found.prefix_hit_share is not None:
        cards.append(card("Prefix hits", f"{100 * found.prefix_hit_share:.1f} %", "of the blocks of all prompts"))
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")


__all__ = ["facts", "span", "trace_page", "write_trace_page"]
