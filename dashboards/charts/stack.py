"""A stack of powers over time with one hover for all parts: the drawing behind the overhead and growth charts."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from dashboards.bins import Floats, stepped
from dashboards.source import Source
from dashboards.theme import number_axis, plot


def stack(s: Source, parts: dict[str, Floats], colours: dict[str, str], height: int) -> figure:
    """Step areas of ``parts`` (MW over time), the first at the bottom."""
    b = s.bins
    p = number_axis(plot(height, "MW", x_range=s.x_range))
    base = np.zeros(len(b) + 1)
    data = {"x": b.centre_ms}
    for i, (name, part) in enumerate(parts.items()):
        data[f"p{i}"] = b.mean(part)
        top = base + stepped(data[f"p{i}"])
        p.varea_step(b.edges_ms, base, top, step_mode="after", fill_color=colours[name])
        base = top
    data["total"] = base[:-1]
    line = p.line("x", "total", source=ColumnDataSource(data), line_alpha=0)
    when = "@x{%F %H:%M}" if b.unit == "hour" else "@x{%F}"
    tips = [(b.unit, when), ("together", "@total{0,0.000} MW")]
    tips += [(name, f"@p{i}{{0,0.000}} MW") for i, name in reversed(list(enumerate(parts)))]
    p.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=tips, formatters={"@x": "datetime"}))
    p.y_range.update(start=0)
    return p


def stack_rows(s: Source, parts: dict[str, Floats], digits: int = 3) -> list[list[str]]:
    """The rows of the table behind a stack, MW."""
    columns = [s.rows.mean(part) for part in parts.values()]
    return [[name, *(f"{v:,.{digits}f}" for v in line)] for name, *line in zip(s.rows.names(), *columns, strict=True)]
