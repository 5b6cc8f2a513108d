"""A heat map of halls over time: one row a hall, in the order of the site; grey before a hall is energised."""

from __future__ import annotations

import numpy as np
from bokeh.models import CustomJSHover, FixedTicker, HoverTool
from bokeh.plotting import figure

from dashboards.bins import Floats
from dashboards.source import Source
from dashboards.theme import WRONG, colour_bar, colours, picture, plot

ROW_PX, LEAST_PX, FRAME_PX = 14, 60, 84
NAME = "const i = Math.floor(special_vars.y); return names[i] ?? '';"


def hall_map(s: Source, mw: Floats, title: str, unit: str) -> figure:
    """A picture of ``mw`` (bin, hall); values below zero are also marked by a triangle."""
    names = s.labels("hall")
    count, b = len(names), s.bins
    shown = [name.rpartition("/")[2] if len({*map(_last, names)}) == count else name for name in names]
    known = mw[np.isfinite(mw)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    mapper = colours(min(low, 0.0) if low < 0 else low, high)
    p = plot(max(LEAST_PX, ROW_PX * count) + FRAME_PX, "", x_range=s.x_range, y_range=(count, 0))
    image = picture(p, mw.T, (float(b.edges_ms[0]), float(b.edges_ms[-1])), mapper)
    p.ygrid.grid_line_color = None
    p.yaxis.ticker = FixedTicker(ticks=[i + 0.5 for i in range(count)])
    p.yaxis.major_label_overrides = {i + 0.5: name for i, name in enumerate(shown)}
    p.yaxis.major_label_text_font_size = "11px"
    p.yaxis.major_tick_line_color = None
    colour_bar(p, mapper, unit)
    when = "$x{%F %H:%M}" if b.unit == "hour" else "$x{%F}"
    p.add_tools(
        HoverTool(
            renderers=[image], tooltips=[("hall", "$y{custom}"), (b.unit, when), (title, "@image{0,0.000} MW")],
            formatters={"$x": "datetime", "$y": CustomJSHover(args={"names": names}, code=NAME)},
        )
    )  # fmt: skip
    bad_bin, bad_hall = np.nonzero(mw < 0)
    if len(bad_bin):
        p.scatter(
            b.centre_ms[bad_bin], bad_hall + 0.5, marker="triangle", size=6, fill_color=WRONG, line_color="white",
            line_width=0.5,
        )  # fmt: skip
    return p


def on_share(s: Source) -> Floats:
    """Share of each interval in which each hall is energised."""
    return s.of("hall_energised_share")


def _last(name: str) -> str:
    return name.rpartition("/")[2]
