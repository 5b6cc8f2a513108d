"""How long prompts and answers are: the share of requests with at most so many tokens."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter

from dashboards.chart import Chart, Key, Table, num
from dashboards.theme import BLUE, ORANGE, number_axis, plot
from twin.forcing.traces.lengths import POINTS, Lengths
from twin.forcing.traces.summary import Summary

MARKS = (10, 25, 50, 75, 90, 95)


def build(found: Summary) -> Chart | None:
    """The chart; None where the file knows no tokens."""
    if found.input_tokens is None or found.output_tokens is None:
        return None
    parts = {"input": (found.input_tokens, BLUE), "output": (found.output_tokens, ORANGE)}
    p = number_axis(plot(300, "% of requests", x_axis_type="log"), "0")
    p.xaxis.formatter = NumeralTickFormatter(format="0,0")
    p.xaxis.axis_label = "tokens, at most"
    share = 100.0 * (np.arange(POINTS) + 0.5) / POINTS
    for name, (spread, colour) in parts.items():
        data = ColumnDataSource({"x": np.maximum(1.0, spread.grid), "y": share})
        line = p.line("x", "y", source=data, line_color=colour, line_width=2)
        tips = [(name, "@x{0,0} tokens or less"), ("requests", "@y{0.0} %")]
        p.add_tools(HoverTool(renderers=[line], tooltips=tips))
    p.y_range.update(start=0, end=100)
    return Chart(
        "lengths",
        "Token lengths",
        f"Half of the prompts have {found.input_tokens.p50:,.0f} tokens or more, one in a hundred "
        f"{found.input_tokens.p99:,.0f}; answers {found.output_tokens.p50:,.0f} and {found.output_tokens.p99:,.0f}.",
        [p],
        Table(("Figure", "Input tokens", "Output tokens"), _rows(found.input_tokens, found.output_tokens)),
        keys=[Key(name, colour, "line") for name, (_, colour) in parts.items()],
        wide=False,
    )


def _rows(into: Lengths, out: Lengths) -> list[list[str]]:
    rows = [["mean", num(into.mean, 1), num(out.mean, 1)]]
    for mark in MARKS:
        at = min(POINTS - 1, int(mark / 100 * POINTS))
        rows.append([f"about p{mark}", num(into.grid[at], 0), num(out.grid[at], 0)])
    rows += [["p99", num(into.p99, 0), num(out.p99, 0)], ["longest", num(into.longest, 0), num(out.longest, 0)]]
    return rows
