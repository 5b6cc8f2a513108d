"""Colours, figures and axes of every chart: safe for colour-blind eyes, muted by default, readable in light and dark.

Colours are those of Okabe and Ito with neutral additions; heat maps use Cividis. Vermilion is kept for what is wrong
and never means a normal state. What is drawn in the ink of the page is named ``INK``: the page's script follows the
reader's light or dark preference with it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    DatetimeTicker,
    DatetimeTickFormatter,
    Image,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.models.annotations import ColorBar
from bokeh.models.renderers import GlyphRenderer
from bokeh.palettes import Cividis256
from bokeh.plotting import figure
from numpy.typing import NDArray

from twin.analysis import consumers as c

STEEL, SKY, BLUE, GREEN = "#8296ab", "#56b4e9", "#0072b2", "#009e73"
PURPLE, ORANGE, YELLOW, BROWN, GREY = "#cc79a7", "#e69f00", "#f0e442", "#a6611a", "#999999"
WRONG = "#d55e00"
NO_DATA = "#b9bec6"
INK = "ink"
INK_COLOR = "#1d2733"
# Stacks of unlike things (rack kinds): neighbours differ in lightness as well as in hue.
CYCLE = (STEEL, ORANGE, BLUE, YELLOW, GREEN, PURPLE, SKY, BROWN, GREY)
CONSUMER = {
    c.IT: STEEL,
    c.HALL_MECHANICAL: PURPLE,
    c.PUMPS: GREEN,
    c.FANS: SKY,
    c.CHILLERS: BLUE,
    c.COOLING: BLUE,
    c.UPS: ORANGE,
    c.HALL_PATH: YELLOW,
    c.RACK_PATH: BROWN,
    c.CAMPUS_PATH: GREY,
    c.PATH: ORANGE,
}
GROUP = {c.IT_GROUP: STEEL, c.COOLING_GROUP: BLUE, c.LOSS_GROUP: ORANGE}
FONT = "system-ui, sans-serif"
# `%` codes of BokehJS, from the smallest span of the axis to the largest.
TIME_AXIS = DatetimeTickFormatter(
    minutes="%H:%M", hourmin="%H:%M", hours="%H:%M", days="%-d %b", months="%b %Y", years="%Y"
).properties_with_values(include_defaults=False)


def plot(height: int, y_label: str, *, x_range: Range1d | None = None, **options: Any) -> figure:
    """An empty figure as wide as its place, with quiet axes; given an ``x_range``, x is time and moves with others."""
    options |= {"x_range": x_range} if x_range is not None else {}
    options.setdefault("x_axis_type", "linear" if x_range is None else "datetime")
    p = figure(
        height=height, sizing_mode="stretch_width", min_width=0, toolbar_location="above",
        tools="xpan,box_zoom,reset,save",
        active_drag=None, active_scroll=None, background_fill_color=None, border_fill_color=None,
        outline_line_color=None, min_border_right=12, min_border_left=62, min_border_top=8, **options,
    )  # fmt: skip
    p.toolbar.autohide = True
    p.toolbar.logo = None
    p.yaxis.axis_label = y_label
    if x_range is not None:
        p.xaxis.formatter = DatetimeTickFormatter(**TIME_AXIS)
        p.xaxis.ticker = DatetimeTicker(desired_num_ticks=7)
    quiet(p)
    return p


def quiet(p: figure) -> None:
    """Text in the page's font, hairline axes, a faint grid on y alone."""
    p.axis.axis_label_text_font = FONT
    p.axis.axis_label_text_font_style = "normal"
    p.axis.axis_label_text_font_size = "12px"
    p.axis.major_label_text_font = FONT
    p.axis.major_label_text_font_size = "12px"
    p.axis.minor_tick_line_color = None
    p.axis.major_tick_out = 3
    p.axis.major_tick_in = 0
    p.axis.axis_line_color = None
    p.xgrid.grid_line_color = None
    p.ygrid.grid_line_alpha = 0.5


def number_axis(p: figure, form: str = "0,0.[00]") -> figure:
    """Plain numbers with thousands separators on y."""
    p.yaxis.formatter = NumeralTickFormatter(format=form)
    return p


def colours(low: float, high: float) -> LinearColorMapper:
    """Cividis between two values; what is unknown is grey."""
    return LinearColorMapper(palette=list(Cividis256), low=low, high=max(high, low + 1e-9), nan_color=NO_DATA)


def picture(
    p: figure, cells: NDArray[np.float64], box: tuple[float, float], mapper: LinearColorMapper
) -> GlyphRenderer[Image]:
    """Cells (row, column) as colours: x from ``box[0]`` to ``box[1]``, a row a unit of y from 0 on."""
    data = ColumnDataSource({"image": [cells.astype(np.float32)]})
    glyph = Image(image="image", x=box[0], y=0, dw=box[1] - box[0], dh=cells.shape[0], color_mapper=mapper)
    return p.add_glyph(data, glyph)


def colour_bar(p: figure, mapper: LinearColorMapper, title: str) -> None:
    """A slim bar above the figure that says what a colour is."""
    bar = ColorBar(
        color_mapper=mapper, height=10, width="auto", title=title, padding=4, title_standoff=4, label_standoff=4,
        title_text_font=FONT, title_text_font_size="12px", title_text_font_style="normal",
        major_label_text_font=FONT, major_label_text_font_size="12px", major_tick_line_color=None,
        background_fill_color=None, ticker=BasicTicker(desired_num_ticks=5), name=INK,
    )  # fmt: skip
    p.add_layout(bar, "above")
