"""Load duration: for how much of the period the site draws at least a power, against the contract."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool

from dashboards.chart import Chart, Key, Table, num, power
from dashboards.source import Source
from dashboards.theme import INK, INK_COLOR, STEEL, number_axis, plot

MOST_POINTS = 400


def build(s: Source) -> Chart:
    """The chart; it needs nothing but the site's own rows."""
    load = np.sort(s.of("site_power", 1e-6))[::-1]
    share = 100 * (np.arange(len(load)) + 1) / len(load)
    keep = np.unique(np.linspace(0, len(load) - 1, min(MOST_POINTS, len(load))).astype(np.int64))
    contract = float(s.summary["meter"]["contract_mw"])
    p = number_axis(plot(300, "MW"))
    p.varea(x=share[keep], y1=np.zeros(len(keep)), y2=load[keep], fill_color=STEEL, fill_alpha=0.35)
    data = ColumnDataSource({"x": share[keep], "y": load[keep], "h": share[keep] / 100 * s.period.total_hours})
    line = p.line("x", "y", source=data, line_color=STEEL, line_width=2)
    p.line([0, 100], [contract] * 2, line_color=INK_COLOR, line_dash="6 3", line_width=2, name=INK)
    p.xaxis.axis_label = "% of the period"
    p.x_range.update(range_padding=0)
    p.y_range.update(start=0)
    tips = [("at least", "@y{0,0.00} MW"), ("for", "@h{0,0} h (@x{0.0} %)")]
    p.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=tips))
    marks = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100)
    at = {m: float(np.percentile(load, 100 - m)) for m in marks}
    factor = float(load.mean() / load[0]) if load[0] > 0 else 0.0
    return Chart(
        "duration",
        "Load duration",
        f"Load factor {100 * factor:.0f} %: half of the time the site draws {power(at[50])} or more.",
        [p],
        Table(
            ("% of the period", "Hours", "At least MW"),
            [[f"{m}", num(m / 100 * s.period.total_hours, 0), num(mw)] for m, mw in at.items()],
        ),
        keys=[Key("site power", STEEL), Key("contract at the end", INK, "dash")],
        wide=False,
    )
