"""The halls from above: a cell for each rack, coloured by one quantity; a click chooses a rack.

An image carries the colours (float32, whole, a message a second), so that 32,000 racks cost what one picture costs.
What is not known is a gap in it through which a hatched ground shows; a rack beyond its rated power has a triangle.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
from bokeh.core.properties import value as fixed
from bokeh.events import Event, Tap
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    CustomJSHover,
    FixedTicker,
    HoverTool,
    Image,
    Model,
    Quad,
    Range1d,
    Scatter,
    Segment,
    Text,
)
from bokeh.plotting import figure

from dashboards.panels.colouring import Colouring, choices, chosen
from dashboards.panels.floor import floor
from dashboards.panels.panel import Floats, Word, Words, closing, flag, opening, picture
from dashboards.panels.rating import BEYOND, over
from dashboards.theme import FONT, INK, NO_DATA, WRONG, colour_bar, colours, plot, quiet
from dashboards.view import DASH, MEASURED, RESIDUAL, SIMULATED, View, apart, degrees, values, watts
from telemetry.live.frame import Bools, Frame, Ints

KEY, TITLE = "heat", "Racks"
HEIGHT = 396
CAMPUS = "whole campus"
# Below every scale: a cell without a rack, painted in the colour of the panel.
GAP = np.float32(-1e30)
MOST_LETTERS = 10  # of the name of a row beside it
MOST_MARKS, MOST_ROWS, MOST_LABELS, MOST_SEAMS = 200, 40, 80, 64
# Why a cell has no value.
NOT_KNOWN, DRIVES, OFF = range(3)
# It asks by the place and not by the value: BokehJS writes NaN itself and calls nobody.
HOVER = """
const {x, y, image_index} = special_vars, d = bands.data, at = image_index.flat_index;
const seen = cells.data.image[0][at], why = ["not known", "drives the model", "without power"][reasons.data.why[at]];
for (let i = 0; i < d.name.length; i++)
  if (x >= d.left[i] && x < d.right[i] && y >= d.bottom[i] && y < d.top[i]) {
    const place = String(Math.floor(x - d.left[i]) + 1).padStart(2, "0");
    const known = `${seen.toFixed(1)} ${d.unit[i]}`;
    return `${d.name[i]}/${place}: ${Number.isNaN(seen) ? why : known}`;
  }
return "";
"""
# In a gap there is nothing to be told.
RACKS = "return !(cb_data.value < -1e29);"

# Names that would run into each other are left out: on a phone the table and the list of halls have them.
LETTER_PX = 6.5
FITS = """
const {left, label} = ground.data, wide = plot.x_range.end - plot.x_range.start;
let least = Infinity;
for (let i = 1; i < left.length; i++) if (left[i] > left[i - 1]) least = Math.min(least, left[i] - left[i - 1]);
const longest = Math.max(0, ...Array.from(label, (text) => text.length));
named.visible = least / wide * plot.inner_width > px * longest;
"""


class Heat:
    """The picture, its controls, and the table behind it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._floor = floor(view.topology, view.hall)
        self._shown: Colouring | None = None
        self._span: tuple[float, float] | None = None
        self._mapper = colours(0.0, 1.0)
        self._mapper.name, self._mapper.nan_color = f"{KEY}-colours", (0, 0, 0, 0)
        self._image = ColumnDataSource({"image": []}, name=f"{KEY}-cells")
        self._reasons = ColumnDataSource({"why": np.zeros(0, np.uint8)}, name=f"{KEY}-reasons")
        self._bands = ColumnDataSource(name=f"{KEY}-bands")
        self._ground = ColumnDataSource(name=f"{KEY}-ground")
        self._seams = ColumnDataSource(_seams(0, 0))
        self._marks = ColumnDataSource({"x": [], "y": []}, name=f"{KEY}-marks")
        self._chosen = ColumnDataSource({k: [] for k in ("left", "right", "bottom", "top")}, name=f"{KEY}-chosen")
        self._figure = self._drawn()
        self._lay()
        self.parts: list[str | Model] = [
            opening(KEY, TITLE, _controls(view)) + picture(KEY),
            self._figure,
            f'</div><ul class="legend under" id="{KEY}-legend"><li><i class="key hatch"></i><span '
            f'id="{KEY}-hatched"></span></li><li><i class="key mark"></i>above rated power by {BEYOND}</li></ul>'
            + closing(KEY, TITLE, ()),
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """Repaint, and say in words what is seen."""
        if self._floor.hall != self._view.hall and len(self._view.topology.halls) > 1:
            self._floor = floor(self._view.topology, self._view.hall)
            self._span = None
            self._lay()
        colouring = chosen(frame, self._view.metric)
        if colouring != self._shown:
            self._recolour(colouring)
        words: Words = {
            f"{KEY}-metric#options": [[c.key, c.title] for c in choices(frame)],
            f"{KEY}-metric@value": colouring.key if colouring else "",
            f"{KEY}-hall@value": CAMPUS if self._floor.hall is None else self._view.topology.halls[self._floor.hall],
        }
        found = colouring.of(frame) if colouring else None
        shown = np.full(len(self._floor.racks), np.nan) if found is None else found[self._floor.racks]
        energised = values(frame, SIMULATED, "hall_energised_share")
        off = np.zeros(len(shown), bool)
        if energised is not None:
            off = energised[self._view.topology.rack_hall[self._floor.racks]] <= 0.0
            shown = np.where(off, np.nan, shown)
        drive = ~off & _driving(frame, colouring, len(self._view.topology.racks))[self._floor.racks]
        if colouring:
            self._scale(colouring, shown)
        self._paint(shown)
        self._reason(np.where(off, OFF, np.where(drive, DRIVES, NOT_KNOWN)))
        self._mark(frame)
        finding = (
            _finding(shown, colouring, int(off.sum()), int(drive.sum())) or "no racks: record the run with --level rack"
        )
        words |= {
            f"{KEY}-finding": finding,
            f"{KEY}-picture@aria-label": f"Racks from above. {finding}",
            f"{KEY}-picture@hidden": flag(not len(shown)),
            f"{KEY}-controls@hidden": flag(not len(shown)),
            f"{KEY}-legend@hidden": flag(not len(shown)),
            f"{KEY}-details@hidden": flag(not len(shown)),
            f"{KEY}-hatched": f"{'drives the model (no residual), ' if drive.any() else ''}not known, or without power",
        }
        return words | (self._table(frame, colouring) if KEY in self._view.opened else {})

    def _drawn(self) -> figure:
        p = plot(HEIGHT, "")
        # Not those of Bokeh's own: their ends go back to the data's with the next of them.
        p.x_range, p.y_range = Range1d(), Range1d()
        p.tools, p.toolbar_location = [], None
        p.min_border_right = 2
        p.name = f"{KEY}-figure"
        p.add_glyph(
            self._ground,
            Quad(left="left", right="right", bottom="bottom", top="top", fill_color=NO_DATA, fill_alpha=0.25,
                 line_color=None, hatch_pattern="/", hatch_color="#7f8894", hatch_weight=1.0, hatch_scale=7.0),
        )  # fmt: skip
        glyph = Image(image="image", x=0, y=0, dw=1, dh=1, color_mapper=self._mapper)
        drawn = p.add_glyph(self._image, glyph, name=f"{KEY}-image")
        seams = Segment(x0="x0", x1="x1", y0="y0", y1="y1", line_width=2)
        p.add_glyph(self._seams, seams, name=f"{KEY}-seams")
        names = Text(x="left", y="top", text="label", text_font=fixed(FONT), text_font_size="11px", y_offset=-2,
                     text_baseline="bottom")  # fmt: skip
        named = p.add_glyph(self._ground, names, name=f"{KEY}-names")
        fits = CustomJS(args={"named": named, "plot": p, "ground": self._ground, "px": LETTER_PX}, code=FITS)
        for model, what in ((p, "inner_width"), (self._ground, "data")):
            model.js_on_change(what, fits)
        p.add_glyph(self._marks, Scatter(x="x", y="y", marker="triangle", size=9, fill_color=WRONG, line_color="white"))
        ring = Quad(left="left", right="right", bottom="bottom", top="top", fill_color=None, line_width=3)
        p.add_glyph(self._chosen, ring, name=INK)
        told = CustomJSHover(args={"bands": self._bands, "cells": self._image, "reasons": self._reasons}, code=HOVER)
        racks: dict[str, Any] = {"@image": CustomJS(code=RACKS)}
        p.add_tools(HoverTool(renderers=[drawn], tooltips="$x{custom}", formatters={"$x": told}, filters=racks))
        p.on_event(Tap, self._tapped)
        p.xgrid.visible = p.ygrid.visible = False
        quiet(p)
        p.axis.major_tick_line_color = None
        colour_bar(p, self._mapper, TITLE)  # without one it has no room for that which comes
        self._bar: Any = p.above[-1]
        self._glyph = glyph
        return p

    def _lay(self) -> None:
        """Bring ranges, ground and names to the floor."""
        f, p = self._floor, self._figure
        rows, columns = f.shape
        one = f.hall is not None
        p.x_range.update(start=0, end=columns)
        p.y_range.update(start=0, end=rows)
        self._glyph.update(dw=columns, dh=rows)
        label = _short([b.name for b in f.halls]) if not one and len(f.halls) <= MOST_LABELS else [""] * len(f.halls)
        self._ground.data = {**_sides(f.halls), "label": label}
        self._name_bands()
        self._seams.data = _seams(rows, columns) if one and max(rows, columns) <= MOST_SEAMS else _seams(0, 0)
        p.axis.visible = one and rows <= MOST_ROWS
        p.min_border_left = 48 if one else 2
        if one:
            at = [b.bottom + 0.5 for b in f.rows]
            p.yaxis.ticker = FixedTicker(ticks=at)
            p.yaxis.major_label_overrides = {
                y: _cut(b.name.rpartition("/")[2]) for y, b in zip(at, f.rows, strict=True)
            }
            places = [0, *range(4, columns, 5)]
            p.xaxis.ticker = FixedTicker(ticks=[x + 0.5 for x in places])
            p.xaxis.major_label_overrides = {x + 0.5: str(x + 1) for x in places}

    def _name_bands(self) -> None:
        f = self._floor
        unit = self._shown.unit if self._shown else ""
        count = len(f.rows)
        self._bands.data = {
            **_sides(f.rows),
            "name": [apart(b.name) for b in f.rows],
            "unit": [unit] * count,
        }

    def _recolour(self, colouring: Colouring | None) -> None:
        self._shown, self._span = colouring, None
        if colouring:
            self._mapper.palette = colouring.palette
            self._bar.title = f"{colouring.title}, {colouring.unit}"
        self._name_bands()

    def _scale(self, colouring: Colouring, shown: Floats) -> None:
        span = colouring.span(shown, self._span)
        if span != self._span:
            self._span = span
            self._mapper.update(low=span[0], high=span[1])

    def _paint(self, shown: Floats) -> None:
        cells = np.full(self._floor.shape[0] * self._floor.shape[1], GAP, np.float32)
        low, high = self._span or (0.0, 1.0)
        cells[self._floor.flat] = np.clip(shown, low, high)
        self._image.data = {"image": [cells.reshape(self._floor.shape)]}

    def _reason(self, why: Ints) -> None:
        """What the hover says of racks without a value."""
        cells = np.zeros(self._floor.shape[0] * self._floor.shape[1], np.uint8)
        cells[self._floor.flat] = why
        if not np.array_equal(cells, self._reasons.data["why"]):
            self._reasons.data = {"why": cells}

    def _mark(self, frame: Frame) -> None:
        f, t = self._floor, self._view.topology
        beyond = np.zeros(len(f.racks), bool)
        for side in (MEASURED, SIMULATED):
            found = values(frame, side, "rack_power")
            if found is not None:
                beyond |= over(found[f.racks], t.rack_rated_w[f.racks])
        here = np.flatnonzero(beyond)[:MOST_MARKS]
        if len(here) or len(self._marks.data["x"]):
            self._marks.data = {"x": f.x[here] + 0.5, "y": f.y[here] + 0.5}
        place = None if self._view.rack is None else f.place(self._view.rack)
        now = _one(place)
        if now != self._chosen.data:
            self._chosen.data = now

    def _tapped(self, event: Event) -> None:
        if not isinstance(event, Tap) or event.x is None or event.y is None:
            return
        rack = self._floor.at(float(event.x), float(event.y))
        self._view.choose("rack", "" if rack is None else self._view.topology.racks[rack])
        self._view.changed()

    def _table(self, frame: Frame, colouring: Colouring | None) -> Words:
        t, f = self._view.topology, self._floor
        if f.hall is not None:
            power = [values(frame, side, "rack_power") for side in (MEASURED, SIMULATED)]
            warm = values(frame, SIMULATED, "rack_temperature")
            beyond = [over(v, t.rack_rated_w) if v is not None else None for v in power]
            rows = [
                [t.racks[r], t.rack_kind[r],
                 *(DASH if v is None or o is None else f"{'▲ ' if o[r] else ''}{watts(float(v[r]))}"
                   for v, o in zip(power, beyond, strict=True)),
                 degrees(float(warm[r])) if warm is not None else DASH]
                for r in f.racks
            ]  # fmt: skip
            head = ["Rack", "Kind", "Power measured", "Power simulated", "Temperature simulated"]
            return {f"{KEY}-table@data-pick": "rack", f"{KEY}-table#head": [head], f"{KEY}-table#rows": rows}
        found = colouring.of(frame) if colouring else None
        rows = (
            [_hall_row(t.halls[h], found[t.rack_hall == h]) for h in range(len(t.halls))] if found is not None else []
        )
        unit = colouring.unit if colouring else ""
        head = ["Hall", "Racks", "known", f"least, {unit}", f"mean, {unit}", f"greatest, {unit}"]
        return {f"{KEY}-table@data-pick": "hall", f"{KEY}-table#head": [head], f"{KEY}-table#rows": rows}


def _sides(blocks: tuple[Any, ...]) -> dict[str, list[Any]]:
    return {side: [getattr(b, side) for b in blocks] for side in ("left", "right", "bottom", "top")}


def _seams(rows: int, columns: int) -> dict[str, list[int]]:
    """Lines between the cells of a hall."""
    across, up = list(range(1, rows)), list(range(1, columns))
    return {
        "x0": [0] * len(across) + up,
        "x1": [columns] * len(across) + up,
        "y0": across + [0] * len(up),
        "y1": across + [rows] * len(up),
    }


def _short(names: list[str]) -> list[str]:
    """Names without their building, where the rest tells them apart."""
    last = [name.rpartition("/")[2] for name in names]
    return last if len(set(last)) == len(last) else names


def _cut(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def _one(place: tuple[int, int] | None) -> dict[str, list[int]]:
    if place is None:
        return {side: [] for side in ("left", "right", "bottom", "top")}
    x, y = place
    return {"left": [x], "right": [x + 1], "bottom": [y], "top": [y + 1]}


def _hall_row(name: str, found: Floats) -> list[str]:
    known = found[np.isfinite(found)]
    numbers = [f"{v:.1f}" for v in (known.min(), known.mean(), known.max())] if len(known) else [DASH] * 3
    return [name, f"{len(found):,}", f"{len(known):,}", *numbers]


def _driving(frame: Frame, colouring: Colouring | None, racks: int) -> Bools:
    """Which racks have no residual because what is measured of them drives the model; none where none is asked for."""
    found = values(frame, MEASURED, colouring.variable) if colouring and colouring.side == RESIDUAL else None
    used = frame.used.get(colouring.variable) if colouring else None
    return np.zeros(racks, bool) if found is None or used is None else np.isfinite(found) & np.ravel(used)


def _finding(shown: Floats, colouring: Colouring | None, off: int, drive: int) -> str:
    known = shown[np.isfinite(shown)]
    lost = len(shown) - len(known) - off - drive
    racks = f"{len(shown):,} racks{f', {off:,} without power' if off else ''}"
    racks += f", {drive:,} drive the model" if drive else ""
    if drive and not len(known):
        return f"{racks}{f', {lost:,} not known' if lost else ''}: no residual"
    if colouring is None or not len(known):
        return f"{racks}, none known" if len(shown) else ""
    unit = colouring.unit
    return (
        f"{racks}{f', {lost:,} not known' if lost else ''}; {number(known.min())} to {number(known.max())} {unit}, "
        f"mean {number(known.mean())} {unit}"
    )


def number(value: float) -> str:
    """One digit behind the point, a true minus, no minus before zero."""
    return f"{value + 0.0:.1f}".replace("-0.0", "0.0").replace("-", "−")


def _controls(view: View) -> str:
    halls = [CAMPUS, *view.topology.halls] if len(view.topology.halls) > 1 else view.topology.halls
    options = "".join(f"<option>{escape(name)}</option>" for name in halls)
    return (
        f'<div class="controls" id="{KEY}-controls"><span><label for="{KEY}-hall">Hall</label> '
        f'<select id="{KEY}-hall" data-ask="hall">'
        f'{options}</select></span><span><label for="{KEY}-metric">Colour</label> <select id="{KEY}-metric" '
        'data-ask="metric"></select></span></div>'
    )


def build(view: View) -> Heat:
    """The panel."""
    return Heat(view)


__all__ = ["build"]
