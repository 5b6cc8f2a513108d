"""Power at the meter over time, by where it goes, against the contract; triangles mark halls as they are energised."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure

from dashboards.bins import Floats, stepped
from dashboards.chart import Chart, Key, Table, num, power
from dashboards.source import Source
from dashboards.theme import GROUP, INK, INK_COLOR, WRONG, number_axis, plot
from twin.analysis.consumers import GROUP as GROUP_OF


def groups(s: Source) -> dict[str, Floats]:
    """Power of IT, cooling and electrical losses over time, MW."""
    found: dict[str, Floats] = {}
    for name, part in s.consumers.items():
        group = GROUP_OF[name]
        found[group] = found[group] + part if group in found else part
    return found


def build(s: Source) -> Chart:
    """The chart; it needs nothing but the site's own rows."""
    b, parts = s.bins, groups(s)
    peak_series = s.of("site_power_maximum", 1e-6) if s.has("site_power_maximum") else s.of("site_power", 1e-6)
    contract = s.of("contract_power", 1e-6)
    peak = b.high(peak_series)
    p = number_axis(plot(340, "MW", x_range=s.x_range))
    base = np.zeros(len(b) + 1)
    for name, part in parts.items():
        top = base + stepped(b.mean(part))
        p.varea_step(b.edges_ms, base, top, step_mode="after", fill_color=GROUP[name], fill_alpha=0.9)
        base = top
    p.step(b.edges_ms, stepped(peak), mode="after", line_color=INK_COLOR, line_alpha=0.55, line_width=1, name=INK)
    limit = np.where(b.last(contract) > 0, b.last(contract), np.nan)
    p.step(b.edges_ms, stepped(limit), mode="after", line_color=INK_COLOR, line_dash="6 3", line_width=2, name=INK)
    p.y_range.update(start=0)
    _marks(s, p, float(np.nanmax(np.append(peak, limit))))
    _hover(s, p, parts, peak, limit)
    meter = s.summary["meter"]
    return Chart(
        "power", "Power at the meter",
        finding(s), [p],
        Table(
            (b_name(s), "Mean MW", "Largest step MW", "Contract MW", *(f"{name} MW" for name in parts)),
            [
                [name, num(m), num(top), num(c, 0), *(num(v) for v in rest)]
                for name, m, top, c, *rest in zip(
                    s.rows.names(), s.rows.mean(s.of("site_power", 1e-6)), s.rows.high(peak_series),
                    s.rows.last(contract), *(s.rows.mean(part) for part in parts.values()), strict=True,
                )
            ],
        ),
        keys=[
            *(Key(name, GROUP[name]) for name in parts),
            Key(f"largest step in the {b.unit}", INK, "line"),
            Key("contract", INK, "dash"),
            *([Key("hall energised", INK, "mark")] if events(s) else []),
            *([Key("over the contract", WRONG, "mark")] if meter["largest_exceedance_mw"] > 0 else []),
        ],
    )  # fmt: skip


def finding(s: Source) -> str:
    """Peak, when, and what is left of the contract."""
    meter = s.summary["meter"]
    text = f"Peak {power(meter['peak_mw'])} at {s.local(meter['peak_at_utc'])}, mean {power(meter['mean_mw'])}. "
    if meter["largest_exceedance_mw"] > 0:
        return text + f"The contract is exceeded by up to {power(meter['largest_exceedance_mw'])}."
    if meter["smallest_margin_mw"] is None:
        return text + "No contract holds in this period."
    return text + f"The contract keeps at least {power(meter['smallest_margin_mw'])} to spare."


def b_name(s: Source) -> str:
    """Head of the first column of a table over time."""
    return f"{s.rows.unit.capitalize()} ({s.zone})"


def events(s: Source) -> list[tuple[float, str, str]]:
    """(instant on the axes, hall, kind) of each hall energised inside the period."""
    return [
        (s.local_ms(row["energised_from_utc"]), row["hall"], row["kind"])
        for row in s.summary["halls"]
        if row["energised_from_utc"] and not row["energised_before_period"]
    ]


def _marks(s: Source, p: figure, top: float) -> None:
    """Triangles of halls at the foot of the chart, and of hours over the contract at its top."""
    found = events(s)
    if found:
        data = ColumnDataSource(
            {"x": [e[0] for e in found], "y": [0.02 * top] * len(found), "hall": [e[1] for e in found],
             "kind": [e[2] for e in found]}
        )  # fmt: skip
        marks = p.scatter(
            "x", "y", source=data, marker="triangle", size=8, fill_color=INK_COLOR, line_color="white", name=INK
        )
        tips = [("energised", "@hall"), ("kind", "@kind"), ("on", "@x{%F}")]
        p.add_tools(HoverTool(renderers=[marks], tooltips=tips, formatters={"@x": "datetime"}))
    meter = s.summary["meter"]
    if meter["largest_exceedance_mw"] > 0:
        x = [s.local_ms(meter["largest_exceedance_at_utc"])]
        p.scatter(x, [top * 1.03], marker="inverted_triangle", size=11, fill_color=WRONG, line_color="white")


def _hover(s: Source, p: figure, parts: dict[str, Floats], peak: Floats, limit: Floats) -> None:
    b = s.bins
    data = {"x": b.centre_ms, "total": b.mean(s.of("site_power", 1e-6)), "peak": peak, "limit": limit}
    data |= {f"p{i}": b.mean(part) for i, part in enumerate(parts.values())}
    line = p.line("x", "total", source=ColumnDataSource(data), line_alpha=0)
    when = "@x{%F %H:%M}" if b.unit == "hour" else "@x{%F}"
    tips = [(b.unit, when), ("meter, mean", "@total{0,0.00} MW"), ("largest step", "@peak{0,0.00} MW")]
    tips += [("contract", "@limit{0,0} MW"), *((name, f"@p{i}{{0,0.00}} MW") for i, name in enumerate(parts))]
    p.add_tools(HoverTool(renderers=[line], mode="vline", tooltips=tips, formatters={"@x": "datetime"}))
