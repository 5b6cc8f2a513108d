"""Measured against simulated over the last while: of the site, the hall that is looked at, or the chosen rack.

Measured is a solid line in the ink of the page, simulated a dashed one in blue. The feed is asked off the document's
lock, so that a run on a slow disk holds up nobody. The scale of power stays while the lines are well within it. Where
the measured value drove the model there is no difference to show. What the model made of itself before all was heard is
left out of the picture once there is enough besides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, CustomJSHover, CustomJSTickFormatter, HoverTool, Line, Model, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboards.panels.panel import Floats, Word, Words, closing, opening, picture
from dashboards.theme import BLUE, INK, plot
from dashboards.view import DASH, DRIVES, MEASURED, View, measured_racks, moment, signed, span, values, watts
from telemetry.live.frame import Bools, Frame, Trend
from twin.core.units import KW, MW

KEY, TITLE = "trend", "Measured against simulated"
HEIGHT = 172
WINDOW_S = 1800.0
# Room above and below the lines, of their span; a span is no less than this share of the value.
PAD, LEAST = 0.12, 0.01
# A scale is kept that is at most so many times as long as the lines need.
LOOSE = 2.5
MOST_ROWS, MOST_POINTS = 60, 900
ENOUGH = 20  # points without those at which not all was heard
NS_IN_MS = 1e6
# Labels that need no neighbour: Bokeh's own read the unit off the distance of two, and one alone is then its year.
TIMES = """
const d = new Date(tick), two = (n) => String(n).padStart(2, "0");
const month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")[d.getUTCMonth()];
if (tick % 86400e3 === 0) return `${d.getUTCDate()} ${month}`;
const clock = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
return ticks.some((t) => t % 60e3) ? `${clock}:${two(d.getUTCSeconds())}` : clock;
"""
# All with as many digits as the finest needs, a true minus.
POWERS = """
const fine = (n) => ticks.every((t) => Math.abs(t * 10 ** n - Math.round(t * 10 ** n)) < 1e-6);
const digits = [0, 1, 2, 3].find(fine) ?? 4;
return tick.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits}).replace("-", "\u2212");
"""
# A line of the tooltip: ``format`` is the column, the unit is that of the axis.
TOLD = """
const at = source.data[format][special_vars.index], unit = axis.axis_label.split(", ")[1];
if (!Number.isFinite(at)) return DASH;
const digits = Math.abs(at) < 10 ? 3 : Math.abs(at) < 100 ? 2 : 1;
return `${at.toFixed(digits).replace("-", "\u2212")} ${unit}`;
"""


class Lines:
    """The picture and the table behind it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._source = ColumnDataSource(
            _columns(np.zeros(1), np.full(1, np.nan), np.full(1, np.nan)), name=f"{KEY}-lines"
        )
        self._figure = self._drawn()
        self._asked: object = None
        self._trend: Trend | None = None
        self._racks = (0, 0)
        self._focus = view.focus
        self._scale: tuple[str, float, float] | None = None
        legend = (
            '<ul class="legend"><li><i class="key line" style="--c:var(--ink)"></i>measured</li><li><i class="key '
            'dash" style="--c:var(--sim)"></i>simulated</li></ul>'
        )
        self.parts: list[str | Model] = [
            opening(KEY, TITLE, legend) + picture(KEY),
            self._figure,
            "</div>" + closing(KEY, TITLE, ("Time", "Measured", "Simulated", "measured − simulated")),
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """Ask for the lines; they come with the next words."""
        focus = self._view.focus
        if focus != self._focus:
            self._focus, self._asked, self._trend, self._scale = focus, None, None, None
        self._racks = self._counted(frame)
        if self._asked is None:
            self._ask()
        return self._words()

    def _counted(self, frame: Frame) -> tuple[int, int]:
        """Racks of the hall that is looked at: those that are measured, and all; none for a rack or the site."""
        variable, hall, _ = self._focus
        found = values(frame, MEASURED, "rack_power")
        if variable != "hall_it_power" or found is None:
            return 0, 0
        here = found[self._view.topology.rack_hall == hall]
        return int(np.isfinite(here).sum()), len(here)

    def _ask(self) -> None:
        variable, item, _ = focus = self._focus
        window_s = float(getattr(self._view.feed, "window_s", WINDOW_S))
        self._asked = focus
        self._view.later(
            lambda: self._view.feed.trend(variable, item, window_s), lambda found: self._take(focus, found)
        )

    def _take(self, focus: object, found: Trend | None) -> None:
        if focus != self._focus or self._asked is None:
            return
        self._asked = None
        if found is not None:
            self._trend = found
            self._draw(found)
            self._view.say(self._words())

    def _draw(self, t: Trend) -> None:
        every = -(-len(t.times_ns) // MOST_POINTS) or 1
        t = t.of(slice((len(t.times_ns) - 1) % every, None, every))  # the newest stays
        simulated = np.where(_hidden(t), np.nan, t.simulated)
        lines = np.concatenate([t.measured, simulated])
        known = lines[np.isfinite(lines)]
        unit, scale = ("MW", MW) if len(known) and np.abs(known).max() >= MW else ("kW", KW)
        at = t.times_ns / NS_IN_MS + 1e3 * self._view.topology.utc_offset_s
        if not len(at):
            at, t, simulated = np.zeros(1), Trend.empty(1), np.full(1, np.nan)
        self._source.data = _columns(at, t.measured / scale, simulated / scale)
        label = f"Power, {unit}"
        if self._figure.yaxis[0].axis_label != label:
            self._figure.yaxis.axis_label = label
        self._figure.x_range.update(start=float(at[0]), end=float(max(at[-1], at[0] + 1.0)))
        if len(known):
            self._fit(unit, float(known.min()) / scale, float(known.max()) / scale)

    def _fit(self, unit: str, low: float, high: float) -> None:
        """A scale for lines between two values; the present one where it fits, so that it does not breathe."""
        room = max(high - low, LEAST * max(abs(high), abs(low)), 1e-6)
        if self._scale is not None:
            known, start, end = self._scale
            if known == unit and start <= low and high <= end and end - start <= LOOSE * (1 + 2 * PAD) * room:
                return
        self._scale = unit, low - PAD * room, high + PAD * room
        self._figure.y_range.update(start=self._scale[1], end=self._scale[2])

    def _words(self) -> Words:
        t, name = self._trend, self._focus[2]
        if t is None or not len(t.times_ns):
            said = f"{name}: no trend is kept" if t is not None else name
            return {f"{KEY}-finding": said, f"{KEY}-picture@aria-label": f"{TITLE}: {said}"}
        measured, simulated, residual = (float(x[-1]) for x in (t.measured, t.simulated, t.residual))
        parts = [self._measured(measured)]
        if math.isfinite(simulated):
            parts.append(f"simulated {watts(simulated)}")
        if t.drove[-1]:
            parts.append(f"it {DRIVES}")
        elif math.isfinite(residual) and simulated:
            parts.append(signed(f"{100 * residual / simulated:.1f} %"))
        length_s = float(t.times_ns[-1] - t.times_ns[0]) / 1e9
        said = f"{name}: {', '.join(parts)}; {f'the last {span(length_s)}' if length_s else 'one instant, no line yet'}"
        # Before what drives the model was heard it went by itself: its line then is no measure of it.
        if t.early.any() and not t.early[-1]:
            last = moment(int(t.times_ns[t.early][-1]), self._view.topology.utc_offset_s, "%H:%M:%S")
            said += f"; until {last} not all was heard{', and simulated is not drawn' if _hidden(t).any() else ''}"
        words: Words = {f"{KEY}-finding": said, f"{KEY}-picture@aria-label": f"{TITLE}. {said}"}
        if KEY in self._view.opened:
            words[f"{KEY}-table#rows"] = self._rows(t)
        return words

    def _measured(self, power_w: float) -> str:
        """The measured value in words; of a hall without one, how many of its racks are known."""
        count, total = self._racks
        if math.isfinite(power_w):
            return f"measured {watts(power_w)}"
        return f"{measured_racks(count, total)}, so no sum" if 0 < count < total else "not measured"

    def _rows(self, t: Trend) -> list[list[str]]:
        offset = self._view.topology.utc_offset_s
        newest = range(len(t.times_ns) - 1, max(-1, len(t.times_ns) - 1 - MOST_ROWS), -1)
        return [
            [moment(int(t.times_ns[i]), offset), watts(float(t.measured[i])), watts(float(t.simulated[i])),
             DRIVES if t.drove[i] else signed(watts(float(t.residual[i])))]
            for i in newest
        ]  # fmt: skip

    def _drawn(self) -> figure:
        p = plot(HEIGHT, "Power, MW", x_range=Range1d(start=0.0, end=1.0), y_range=Range1d(start=0.0, end=1.0))
        p.xaxis.formatter, p.yaxis.formatter = CustomJSTickFormatter(code=TIMES), CustomJSTickFormatter(code=POWERS)
        p.tools, p.toolbar_location, p.name = [], None, f"{KEY}-figure"
        dashed = Line(x="x", y="simulated", line_color=BLUE, line_dash=[7, 4], line_width=2)
        p.add_glyph(self._source, dashed, name=f"{KEY}-simulated")
        p.add_glyph(self._source, Line(x="x", y="measured", line_width=1.8), name=INK)
        # One line that is there wherever either is, and is not seen, so that both are told whichever is missing.
        either = p.add_glyph(self._source, Line(x="x", y="either", line_alpha=0.0), name=f"{KEY}-either")
        told = CustomJSHover(args={"source": self._source, "axis": p.yaxis[0], "DASH": DASH}, code=TOLD)
        tips = [("", "@x{%H:%M:%S}"), ("measured", "$index{measured}"), ("simulated", "$index{simulated}")]
        forms: dict[str, Any] = {"@x": "datetime", "$index": told}
        p.add_tools(HoverTool(renderers=[either], tooltips=tips, formatters=forms, mode="vline"))
        return p


def _hidden(t: Trend) -> Bools:
    """Where the model is not drawn: not all was heard, that is past, and there is enough besides."""
    past = len(t.early) > 0 and not t.early[-1] and int((~t.early).sum()) >= ENOUGH
    return t.early & past


def _columns(at: Floats, measured: Floats, simulated: Floats) -> dict[str, NDArray[Any]]:
    lines = {"measured": measured, "simulated": simulated, "either": np.where(np.isnan(measured), simulated, measured)}
    return {"x": at, **{name: line.astype(np.float32) for name, line in lines.items()}}


def build(view: View) -> Lines:
    """The panel."""
    return Lines(view)


__all__ = ["DASH", "build"]
