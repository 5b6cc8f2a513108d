"""Make-up water of the towers over time."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool

from dashboards.chart import Chart, Table, num
from dashboards.charts.efficiency import ratio
from dashboards.charts.power import b_name
from dashboards.source import Source
from dashboards.theme import SKY, number_axis, plot


def build(s: Source) -> Chart | None:
    """The chart; None where the site draws no water."""
    kg = s.of("site_water_flow", s.period.interval_s)
    if not kg.any():
        return None
    b, eff = s.bins, s.summary["efficiency"]
    m3 = b.total(kg) / 1e3
    p = number_axis(plot(220, f"m³ per {b.unit}", x_range=s.x_range), "0,0.[0]")
    data = ColumnDataSource({"x": b.centre_ms, "top": m3})
    bars = p.vbar("x", top="top", width=1e3 * b.width, source=data, fill_color=SKY, line_color=None)
    p.y_range.update(start=0)
    when = "@x{%F %H:%M}" if b.unit == "hour" else "@x{%F}"
    tips = [(b.unit, when), ("make-up water", "@top{0,0} m³")]
    p.add_tools(HoverTool(renderers=[bars], mode="vline", tooltips=tips, formatters={"@x": "datetime"}))
    r = s.rows
    it_kwh = r.total(s.of("site_it_power", s.period.interval_s / 3.6e6))
    peak = int(np.argmax(m3))
    names = b.names()
    return Chart(
        "water",
        "Water",
        f"{eff['water_m3']:,.0f} m³ in all, {num(eff['wue_l_kwh'], 2)} L per kWh of IT energy; "
        f"most in the {b.unit} of {names[peak]}: {m3[peak]:,.0f} m³.",
        [p],
        Table(
            (b_name(s), "Make-up water m³", "L/kWh of IT"),
            [
                [name, num(w / 1e3, 1), num(l, 3)]
                for name, w, l in zip(r.names(), r.total(kg), ratio(r.total(kg), it_kwh), strict=True)
            ],
            note=str(eff["wue_category"]),
        ),
        wide=True,
        note=str(eff["wue_category"]) + ".",
    )
