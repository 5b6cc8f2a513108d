"""Requests per second over the period of a trace; gaps of a recording are grey."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.models.annotations import BoxAnnotation

from dashboards.bins import Floats
from dashboards.chart import Chart, Key, Table, num
from dashboards.theme import INK, INK_COLOR, NO_DATA, STEEL, number_axis, plot
from twin.forcing.traces.curve import Curve
from twin.forcing.traces.summary import Summary

MOST_GAPS = 200
ROWS = 200
UNITS = ((2 * 86_400.0, 86_400.0, "days"), (2 * 3600.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "s"))


def build(found: Summary) -> Chart:
    """The chart."""
    curve = found.curve.merged()
    edges, label = _axis(found, curve)
    dated = found.start is not None
    ends = Range1d(start=float(edges[0]), end=float(edges[-1]), bounds=(float(edges[0]), float(edges[-1])))
    p = number_axis(plot(320, "requests/s", x_range=ends) if dated else plot(320, "requests/s"))
    if not dated:
        p.x_range = ends
        p.xaxis.axis_label = f"{label} from the begin"
    width = float(np.median(np.diff(curve.edges_s)))
    data = ColumnDataSource(
        {"left": edges[:-1], "right": edges[1:], "y": curve.rps, "t": 0.5 * (edges[1:] + edges[:-1])}
    )
    bars = p.quad(left="left", right="right", top="y", bottom=0, source=data, fill_color=STEEL, line_color=None)
    for begin, end in _gaps(found.curve)[:MOST_GAPS]:
        at = np.interp([begin, end], curve.edges_s, edges)
        p.add_layout(BoxAnnotation(left=float(at[0]), right=float(at[1]), fill_color=NO_DATA, fill_alpha=0.6))
    mean = found.mean_rps or 0.0
    p.line([edges[0], edges[-1]], [mean, mean], line_color=INK_COLOR, line_dash="6 3", line_width=2, name=INK)
    p.y_range.update(start=0)
    tips = [("at", "@t{%F %H:%M:%S}" if dated else f"@t{{0.00}} {label}"), ("rate", "@y{0,0.00}/s")]
    p.add_tools(HoverTool(renderers=[bars], tooltips=tips, formatters={"@t": "datetime"} if dated else {}))
    peak = int(np.nanargmax(curve.rps))
    over = num(float(curve.rps[peak]) / mean, 1) if mean else "–"
    keys = [Key(f"requests/s, mean of {width:,.0f} s", STEEL), Key("mean", INK, "dash")]
    return Chart(
        "rate",
        "Request rate",
        f"{num(mean)} requests/s on average; the highest {width:,.0f} s have {over} times that.",
        [p],
        _table(found, curve),
        keys=[*keys, Key("gap of the recording", NO_DATA)] if found.gaps else keys,
    )


def _axis(found: Summary, curve: Curve) -> tuple[Floats, str]:
    """Edges on the axis: ms since 1970, or in the unit that suits; and the unit's name."""
    if found.start is not None:
        # Text with more than six decimals is cut: a microsecond is less than a pixel.
        begin = datetime.fromisoformat(found.start[:26]).replace(tzinfo=UTC).timestamp()
        return 1e3 * (begin + curve.edges_s), "ms"
    size, name = next((size, name) for least, size, name in UNITS if curve.edges_s[-1] >= least)
    return curve.edges_s / size, name


def _gaps(curve: Curve) -> list[tuple[float, float]]:
    """Begin and end of every run of rows without a rate, s."""
    sides = np.flatnonzero(np.diff(np.concatenate(([False], curve.gaps, [False])).astype(np.int8)))
    return [(float(curve.edges_s[a]), float(curve.edges_s[b])) for a, b in sides.reshape(-1, 2)]


def _table(found: Summary, curve: Curve) -> Table:
    few = curve.merged(ROWS)
    rows = [
        [num(t, 0), num(None if np.isnan(r) else r)]
        for t, r in zip(few.edges_s.tolist(), few.rps.tolist(), strict=False)
    ]
    return Table(("From s", "Requests/s"), rows, "A dash is a gap of the recording" if found.gaps else "")
