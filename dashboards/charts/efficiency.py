"""PUE over time above the outdoor temperatures that drive it; both on one time axis."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from dashboards.bins import Floats, stepped
from dashboards.chart import Chart, Key, Table, num
from dashboards.charts.power import b_name
from dashboards.source import Source
from dashboards.theme import BLUE, GREEN, ORANGE, number_axis, plot


def build(s: Source) -> Chart:
    """The chart; it needs nothing but the site's own rows."""
    pue = ratio(s.bins.total(s.of("site_power")), s.bins.total(s.of("site_it_power")))
    wet, dry = s.of("outdoor_wet_bulb_temperature"), s.of("outdoor_dry_bulb_temperature")
    top = number_axis(plot(190, "PUE", x_range=s.x_range), "0.00")
    line(s, top, pue, BLUE, "PUE", "{0.0000}", 2.0)
    below = number_axis(plot(190, "outdoors, °C", x_range=s.x_range), "0")
    x = s.bins.edges_ms
    for series, colour in ((dry, ORANGE), (wet, GREEN)):
        low, high = stepped(s.bins.low(series)), stepped(s.bins.high(series))
        below.varea_step(x, low, high, step_mode="after", fill_color=colour, fill_alpha=0.3)
    line(s, below, s.bins.mean(dry), ORANGE, "dry bulb, mean", "{0.0} °C", 1.5)
    line(s, below, s.bins.mean(wet), GREEN, "wet bulb, mean", "{0.0} °C", 1.5)
    eff, weather = s.summary["efficiency"], s.summary["weather"]
    known = pue[np.isfinite(pue)]
    span = f", from {known.min():.3f} to {known.max():.3f} by {s.bins.unit}" if len(known) else ""
    r = s.rows
    return Chart(
        "efficiency",
        "PUE and outdoor temperature",
        f"PUE {num(eff['pue'], 4)} over the period{span}. Highest wet bulb {weather['wet_bulb_maximum_c']:.1f} °C, "
        f"highest dry bulb {weather['dry_bulb_maximum_c']:.1f} °C.",
        [top, below],
        Table(
            (b_name(s), "PUE", "Wet bulb mean °C", "Wet bulb highest °C", "Dry bulb mean °C", "Dry bulb highest °C"),
            [
                [name, num(v, 4), *(num(t, 1) for t in air)]
                for name, v, *air in zip(
                    r.names(), ratio(r.total(s.of("site_power")), r.total(s.of("site_it_power"))),
                    r.mean(wet), r.high(wet), r.mean(dry), r.high(dry), strict=True,
                )
            ],
            note=str(eff["pue_category"]),
        ),
        keys=[
            Key("PUE", BLUE, "line"),
            Key("dry bulb, mean and range", ORANGE),
            Key("wet bulb, mean and range", GREEN),
        ],
        note=str(eff["pue_category"]) + ".",
    )  # fmt: skip


def ratio(above: Floats, below: Floats) -> Floats:
    """Quotient; NaN where there is nothing to divide by."""
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.nan)


def line(s: Source, p: figure, series: Floats, colour: str, name: str, form: str, width: float) -> None:
    """A step line over the bins with its hover."""
    b = s.bins
    p.step(b.edges_ms, stepped(series), mode="after", line_color=colour, line_width=width)
    points = p.line("x", "y", source=ColumnDataSource({"x": b.centre_ms, "y": series}), line_alpha=0)
    when = "@x{%F %H:%M}" if b.unit == "hour" else "@x{%F}"
    p.add_tools(
        HoverTool(
            renderers=[points], mode="vline", tooltips=[(b.unit, when), (name, f"@y{form}")],
            formatters={"@x": "datetime"},
        )
    )  # fmt: skip
