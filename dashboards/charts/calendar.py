"""Site power by day and hour of day: the shape of the week, the season and the growth in one picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.models import FixedTicker, HoverTool

from dashboards.bins import DAY, Floats
from dashboards.chart import Chart, Key, Table, num, power
from dashboards.source import Source
from dashboards.theme import NO_DATA, colour_bar, colours, picture, plot


def grid(s: Source) -> Floats:
    """Mean site power in MW, (hour of day, local day); NaN where no interval begins."""
    day = s.start_s // DAY - s.start_s[0] // DAY
    hour = s.start_s % DAY // 3600
    total, count = np.zeros((24, day[-1] + 1)), np.zeros((24, day[-1] + 1))
    np.add.at(total, (hour, day), s.of("site_power", 1e-6))
    np.add.at(count, (hour, day), 1.0)
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def build(s: Source) -> Chart | None:
    """The chart; None where the intervals are longer than an hour."""
    if s.period.interval_s > 3600:
        return None
    power_mw = grid(s)
    first_ms = 1e3 * float(s.start_s[0] // DAY * DAY)
    days = power_mw.shape[1]
    mapper = colours(float(np.nanmin(power_mw)), float(np.nanmax(power_mw)))
    p = plot(300, f"hour of day, {s.zone}", x_range=s.x_range, y_range=(24, 0))
    image = picture(p, power_mw, (first_ms, first_ms + 1e3 * DAY * days), mapper)
    p.yaxis.ticker = FixedTicker(ticks=[0, 6, 12, 18, 24])
    p.ygrid.grid_line_color = None
    colour_bar(p, mapper, "MW")
    tips = [("day", "$x{%F}"), ("hour", "$y{0}"), ("mean", "@image{0,0.00} MW")]
    p.add_tools(HoverTool(renderers=[image], tooltips=tips, formatters={"$x": "datetime"}))
    by_hour = [_known_mean(row) for row in power_mw]
    known = [(v, h) for h, v in enumerate(by_hour) if v is not None]
    (low, low_hour), (high, high_hour) = min(known), max(known)
    return Chart(
        "calendar",
        "Site power by day and hour",
        f"On average highest at {high_hour:02d}:00 ({power(high)}) and lowest at {low_hour:02d}:00 ({power(low)}).",
        [p],
        Table(
            (f"Hour ({s.zone})", "Mean MW", "Lowest MW", "Highest MW"),
            [
                [f"{h:02d}:00", num(by_hour[h]), num(_edge(row, np.min)), num(_edge(row, np.max))]
                for h, row in enumerate(power_mw)
            ],
        ),
        keys=[Key("outside the run", NO_DATA)] if np.isnan(power_mw).any() else [],
        wide=False,
    )


def _known_mean(row: Floats) -> float | None:
    known = row[np.isfinite(row)]
    return float(known.mean()) if len(known) else None


def _edge(row: Floats, take: Callable[[Floats], Any]) -> float | None:
    known = row[np.isfinite(row)]
    return float(take(known)) if len(known) else None
