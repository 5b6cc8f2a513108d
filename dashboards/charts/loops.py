"""Facility-water temperatures: supply, return and set point of the loops, one picture for each sort of loop."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from dashboards.chart import Chart, Key, Table, num
from dashboards.source import Source
from dashboards.theme import BLUE, INK, INK_COLOR, ORANGE, number_axis, plot


def build(s: Source) -> Chart | None:
    """The chart; None where the run holds no loops."""
    rows = s.summary["loops"]
    if not rows:
        return None
    sorts: dict[str, list[int]] = {}
    for f, row in enumerate(rows):
        sorts.setdefault(row["loop"].rpartition("/")[2], []).append(f)
    body: list[figure] = []
    for name, part in sorts.items():
        body.append(_panel(s, name, part))
    missed = [row for row in rows if row["set_point_missed_hours"] > 0]
    free = sum(float(row["free_cooling_hours"]) for row in rows) / max(1e-9, sum(r["energised_hours"] for r in rows))
    text = (
        f"{len(missed)} of {len(rows)} loops miss their set point at some time."
        if missed
        else "Every set point is held."
    )
    return Chart(
        "loops",
        "Facility water",
        f"{text} No chiller ran in {100 * free:.0f} % of the loops' hours.",
        body,
        Table(
            ("Loop", "On h", "No chiller h", "Set point missed h", "Supply max °C", "Peak heat MW", "Least spare MW",
             "Chillers MWh", "Water m³"),
            [
                [
                    row["loop"], num(row["energised_hours"], 0), num(row["free_cooling_hours"], 0),
                    num(row["set_point_missed_hours"], 1), num(row["supply_maximum_c"], 1), num(row["heat_peak_mw"]),
                    num(row["spare_capacity_minimum_mw"]), num(row["chiller_energy_mwh"], 0), num(row["water_m3"], 0),
                ]
                for row in rows
            ],
        ),
        keys=[
            Key(f"supply, highest in the {s.bins.unit}", BLUE, "line"),
            Key(f"return, highest in the {s.bins.unit}", ORANGE, "line"),
            Key("set point", INK, "dash"),
        ],
    )  # fmt: skip


def _panel(s: Source, sort: str, part: list[int]) -> figure:
    b, names = s.bins, s.labels("loop")
    title = f"{sort} ({len(part)} loops), °C" if len(part) > 1 else f"{names[part[0]]}, °C"
    p = number_axis(plot(170, title, x_range=s.x_range), "0.[0]")
    for variable, colour in (("fws_return_temperature", ORANGE), ("fws_supply_temperature", BLUE)):
        series = b.high(s.of(variable)[:, part])
        for i, f in enumerate(part):
            data = ColumnDataSource({"x": b.centre_ms, "y": series[:, i].astype(np.float32)})
            line = p.line("x", "y", source=data, line_color=colour, line_width=1.3, line_alpha=0.8)
            tips = [("loop", names[f]), (variable.split("_")[1], "@y{0.0} °C"), (b.unit, "@x{%F}")]
            p.add_tools(HoverTool(renderers=[line], tooltips=tips, formatters={"@x": "datetime"}))
    target = b.high(s.of("fws_set_temperature")[:, part]).T
    for line_ in target:
        p.line(b.centre_ms, line_, line_color=INK_COLOR, line_dash="5 4", line_width=1.2, name=INK)
    return p
