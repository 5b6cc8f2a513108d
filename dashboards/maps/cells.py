"""A picture of cells: a value in each, as colour and as a number; below its limit vermilion with a triangle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, LinearColorMapper, Rect, Text
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboards.bins import Floats
from dashboards.theme import FONT, WRONG, colour_bar, colours, plot, quiet

Bools = NDArray[np.bool_]
FRAME_PX = 104
# From this share of the scale on, cividis is bright enough for dark numbers.
BRIGHT = 0.5
DARK_INK, LIGHT_INK = "#1d2733", "#ffffff"
MARK = "▲ "


def inks(values: Floats, low: float, high: float, wrong: Bools) -> list[str]:
    """The colour of the number in each cell; ``wrong`` cells are vermilion."""
    bright = (values - low) > BRIGHT * max(high - low, 1e-9)
    return [DARK_INK if b and not w else LIGHT_INK for b, w in zip(bright.ravel(), wrong.ravel(), strict=True)]


def texts(values: Floats, form: str, wrong: Bools) -> list[str]:
    """The number in each cell; what is wrong carries a triangle, what is unknown is empty."""
    return [
        f"{MARK if w else ''}{format(v, form)}" if np.isfinite(v) else ""
        for v, w in zip(values.ravel(), wrong.ravel(), strict=True)
    ]


def columns(values: Floats, form: str, scale: tuple[float, float], wrong: Bools) -> dict[str, list[object]]:
    """Columns of the cells of ``values`` (row, column): place, value, number and its colour."""
    rows, count = values.shape
    y, x = np.mgrid[0:rows, 0:count]
    return {
        "x": (x + 0.5).ravel().tolist(),
        "y": (y + 0.5).ravel().tolist(),
        "value": np.where(wrong, scale[0] - 1.0, values).ravel().tolist(),
        "text": list(texts(values, form, wrong)),
        "ink": list(inks(values, *scale, wrong)),
    }


def cells(
    name: str,
    data: dict[str, list[object]],
    axes: tuple[Sequence[str], Sequence[str]],
    titles: tuple[str, str, str],
    scale: tuple[float, float],
    tips: Sequence[tuple[str, str]],
    row_px: int = 30,
    font_px: int = 12,
    upward: bool = True,
) -> figure:
    """The picture: ``axes`` name the columns and the rows, ``titles`` x, y and the colours; ``tips`` are of a hover.

    The source carries the name ``<name>-cells``, the colours ``<name>-colours``: the page's script finds them so.
    """
    across, down = axes
    x_title, y_title, bar = titles
    rows = len(down)
    p = plot(
        max(90, row_px * rows) + FRAME_PX, y_title, x_range=None, y_range=(0, rows) if upward else (rows, 0),
    )  # fmt: skip
    p.x_range.update(start=0, end=len(across))
    p.tools = [tool for tool in p.tools if type(tool).__name__ in ("SaveTool", "ResetTool")]
    mapper: LinearColorMapper = colours(*scale)
    mapper.low_color, mapper.name = WRONG, f"{name}-colours"
    source = ColumnDataSource(data, name=f"{name}-cells")
    fill: Any = {"field": "value", "transform": mapper}
    drawn = p.add_glyph(source, Rect(x="x", y="y", width=0.97, height=0.94, fill_color=fill, line_color=None))
    numbers = Text(
        x="x", y="y", text="text", text_color="ink", text_align="center", text_baseline="middle", text_font=value(FONT),
        text_font_size=f"{font_px}px",
    )  # fmt: skip
    p.add_glyph(source, numbers, name="numbers")
    p.add_tools(HoverTool(renderers=[drawn], tooltips=list(tips)))
    p.xaxis.axis_label = x_title
    for axis, labels in ((p.xaxis, across), (p.yaxis, down)):
        axis.ticker = FixedTicker(ticks=[i + 0.5 for i in range(len(labels))])
        axis.major_label_overrides = {i + 0.5: label for i, label in enumerate(labels)}
        axis.major_tick_line_color = None
    quiet(p)
    p.ygrid.grid_line_color = None
    colour_bar(p, mapper, bar)
    return p


__all__ = ["cells", "columns"]
