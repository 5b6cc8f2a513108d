"""How unevenly requests come: variance per mean of their counts over windows of growing length."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter

from dashboards.chart import Chart, Key, Table, num
from dashboards.theme import INK, INK_COLOR, PURPLE, number_axis, plot
from twin.forcing.traces.arrivals import variance_per_mean
from twin.forcing.traces.summary import Summary

LEAST_WINDOWS = 10


def build(found: Summary) -> Chart | None:
    """The chart; None for a rate curve and where the trace is too short."""
    rows = factors(found)
    if len(rows) < 2:
        return None
    p = number_axis(plot(300, "variance per mean", x_axis_type="log", y_axis_type="log"), "0,0.[00]")
    p.xaxis.axis_label = "window, s"
    data = ColumnDataSource({"x": [w for w, _ in rows], "y": [f for _, f in rows]})
    line = p.line("x", "y", source=data, line_color=PURPLE, line_width=2)
    p.scatter("x", "y", source=data, size=6, color=PURPLE)
    p.line([rows[0][0], rows[-1][0]], [1.0, 1.0], line_color=INK_COLOR, line_dash="6 3", line_width=2, name=INK)
    p.add_tools(HoverTool(renderers=[line], tooltips=[("window", "@x{0,0} s"), ("variance per mean", "@y{0,0.00}")]))
    p.xaxis.ticker = FixedTicker(ticks=[w for w, _ in rows[:: 1 + len(rows) // 8]])
    p.xaxis.formatter = NumeralTickFormatter(format="0,0")
    p.y_range.update(start=0.8 * min(1.0, *(f for _, f in rows)))
    first, last = rows[0], rows[-1]
    return Chart(
        "bursts",
        "Burstiness",
        f"Counts in windows of {first[0]:,.0f} s scatter {num(first[1])} times as much as independent requests at a "
        f"constant rate would, those in {last[0]:,.0f} s {num(last[1], 1)} times: a rise is a rate that changes.",
        [p],
        Table(("Window s", "Variance per mean"), [[num(w, 0), num(f)] for w, f in rows]),
        keys=[Key("this trace", PURPLE, "line"), Key("independent requests (Poisson)", INK, "dash")],
        wide=False,
    )


def factors(found: Summary) -> list[tuple[float, float]]:
    """Window in s and variance per mean of the counts, windows doubling from the bins of the curve on."""
    if found.kind == "rate":
        return []
    widths = np.diff(found.curve.edges_s)
    counts = np.rint(found.curve.rps * widths)[:-1]  # the last bin is shorter
    rows, size = [], 1
    while len(counts) // size >= LEAST_WINDOWS:
        whole = counts[: len(counts) // size * size].reshape(-1, size).sum(axis=1)
        factor = variance_per_mean(float(whole.sum()), float((whole**2).sum()), len(whole))
        if factor is not None and factor > 0.0:
            rows.append((float(widths[0] * size), factor))
        size *= 2
    return rows
