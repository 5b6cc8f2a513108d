"""Ramps as ONE self-contained HTML page: the power of the day, its ramps against the limit, swings, steps, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Template

from dashboards.chart import Chart, Table, num, power
from dashboards.failures.axis import TimeAxis
from dashboards.failures.lines import Line, lines
from dashboards.html import card, listed, section
from twin.analysis.curtail import seconds
from twin.analysis.period import Floats, values
from twin.analysis.ramp import STEP_S, WINDOWS_S, Ramps
from twin.analysis.ramp_limits import MINUTE
from twin.analysis.ramp_text import causes_text, flank, plain
from twin.core.units import MW
from twin.engine.identity import halltwin_version
from twin.engine.period import stamp
from twin.engine.target import write_whole
from twin.power.swing import wave

# A limit that lies further above the steepest ramp than this would press the curve flat: it is told in words alone.
SHOWN_ABOVE = 6.0
POINTS = 600


def write_ramp_page(found: Ramps, html_path: str | Path) -> Path:
    """Write the page and return its path; the same ramps give the same bytes.

    Raises ``InputError`` where the page cannot be written.
    """
    path = Path(html_path)
    write_whole(path, ramp_page(found))
    return path


def ramp_page(found: Ramps) -> str:
    """The text of the page."""
    site, told = found.loaded.site, plain(found)
    charts = [_power(found), _ramps(found, told), *_swings(found, told), _steps(told), _limits(told)]
    limit = told["limit_mw_per_min"]
    against = "No limit of ramps is known" if limit is None else f"Limit {limit:g} MW/min: {told['limit_source']}"
    text: str = Template(_file("feed.html")).render(
        badge="SIMULATED",
        verb="ramp",
        title=f"{site.name}, ramps, halltwin",
        heading=f"How fast the power of {site.title} changes",
        facts=f"{told['begins_utc']} to {told['ends_utc']}, steps of {STEP_S:g} s; hours of the axis count from there. "
        f"{against}.",
        cards=_cards(told),
        sections=[section(chart) for chart in charts],
        together=_verdict(told),
        footer=f"Made by halltwin {halltwin_version()}.",
        page_css=_file("report.css") + _file("feed.css") + _file("failures.css") + _file("ramp.css"),
    )
    return text


def _axis(found: Ramps) -> TimeAxis:
    return TimeAxis(0.0, STEP_S * found.run.sizes["time"], inf)


def _after(found: Ramps) -> Floats:
    """Middles of the intervals, s after the begin."""
    ends = seconds(found.run)
    after: Floats = ends - ends[0] + 0.5 * STEP_S
    return after


def _power(found: Ramps) -> Chart:
    """The metered power, and the grid side with the store."""
    load, title = values(found.run, "site_power") / MW, "Power at the meter"
    t = _after(found)
    drawn = [Line("drawn by the site", t, load)]
    if found.store is not None:
        drawn.append(Line("grid side with storage", t, found.store.grid_w[1:] / MW))
    top = int(np.argmax(load))
    finding = f"Peak {power(float(load[top]))} at {stamp(seconds(found.run)[top])}, least {power(float(load.min()))}."
    ends = seconds(found.run)
    hours = range(0, len(load), round(3600 / STEP_S))
    rows = [
        (stamp(ends[n] - STEP_S), num(float(load[n : n + 60].mean())), num(float(load[n : n + 60].min())),
         num(float(load[n : n + 60].max())))
        for n in hours
    ]  # fmt: skip
    return Chart(
        "meter", title, finding, [lines(drawn, _axis(found), "MW", [], f"{title}. {finding}")],
        Table(("Hour from, UTC", "Mean, MW", "Lowest minute", "Highest minute"), rows),
    )  # fmt: skip


def _ramps(found: Ramps, told: dict[str, Any]) -> Chart:
    """Ramps over both windows against the limit."""
    load, t, title = values(found.run, "site_power") / MW, _after(found), "Ramps at the meter"
    drawn, steepest = [], 0.0
    for window in WINDOWS_S:
        span = round(window / STEP_S)
        slope = (load[span:] - load[:-span]) / (window / MINUTE)
        steepest = max(steepest, float(np.abs(slope).max(initial=0.0)))
        drawn.append(Line(f"over {window / MINUTE:g} min", t[span:], slope))
    limit, note = told["limit_mw_per_min"], ""
    if limit is not None and limit <= SHOWN_ABOVE * max(steepest, 1e-9):
        drawn += [Line("limit up", t, np.full(len(t), limit)), Line("limit down", t, np.full(len(t), -limit))]
    elif limit is not None:
        note = f"The limit of {limit:g} MW/min lies far above the picture."
    rows = [
        (f"{one.window_s / MINUTE:g} min, {'up' if n % 2 == 0 else 'down'}", num(one.rate_w_s * MINUTE / MW, 3),
         stamp(one.end_s), causes_text(one.causes))
        for n, one in enumerate(found.changes)
    ]  # fmt: skip
    first = max(found.changes, key=lambda one: abs(one.rate_w_s))
    finding = (
        f"Steepest: {first.rate_w_s * MINUTE / MW:+.3g} MW/min over {first.window_s / MINUTE:g} min, to "
        f"{stamp(first.end_s)}; {causes_text(first.causes[:1])}."
    )
    picture = lines(drawn, _axis(found), "MW/min", [], f"{title}. {finding}")
    head = ("Over", "MW/min", "Ends, UTC", "Because of")
    return Chart("ramps", title, finding, [picture], Table(head, rows), note=note)


def _swings(found: Ramps, told: dict[str, Any]) -> list[Chart]:
    """Two periods of the largest job; nothing where nobody trains."""
    if not found.swings.jobs:
        return []
    job, said = found.swings.jobs[0], told["swings"]
    times = np.linspace(0.0, 2.0 * job.job.period_s, POINTS)
    drawn = [
        Line("at the racks", times, wave(job.job, [], times) / MW),
        Line("behind the stages", times, wave(job.job, found.swings.stages_s, times) / MW),
    ]
    title = f"Swings of the largest job, {job.load}"
    finding = (
        f"{power(job.job.amplitude_w / MW)} every {job.job.period_s:g} s; all jobs together {power(said['range_mw'])}, "
        f"flanks {flank(said['flank_mw_per_s'])}, {100 * said['energy_share_training_band']:.0f} % of their energy "
        "at 0.2-3 Hz."
    )
    rows = [
        (one["load"], f"{len(one['halls'])}", f"{one['racks']:,}", num(one["period_s"], 2), num(one["amplitude_mw"]),
         num(one["range_behind_stages_mw"]), num(one["up_mw_per_s"], 1), num(one["store_mw"]), num(one["store_kwh"], 1))
        for one in said["jobs"]
    ]  # fmt: skip
    head = ("Job", "Halls", "Racks", "Period, s", "At the racks, MW", "Behind stages, MW", "Flank, MW/s", "Store, MW",
            "Store, kWh")  # fmt: skip
    stages = ", ".join(f"{1e3 * tau:g} ms" for tau in found.swings.stages_s) or "none"
    axis = TimeAxis(0.0, float(times[-1]), inf)
    picture = lines(drawn, axis, "MW", [], f"{title}. {finding}")
    note = f"About the mean, s after a rise; first-order stages: {stages}. The store takes the swing away altogether."
    return [Chart("swings", title, finding, [picture], Table(head, rows), note=note)]


def _steps(told: dict[str, Any]) -> Chart:
    """Canonical steps as bars, each with the storage that meets the limit."""
    rows = told["steps"]
    scale = max(abs(row["mw"]) for row in rows) or 1.0
    items = "".join(_bar(row, scale) for row in rows)
    largest = max(rows, key=lambda row: abs(row["mw"]))
    need = largest["storage"]
    finding = f"Largest: {largest['name']}, {power(abs(largest['mw']))}"
    finding += f"; {need['mwh']:.1f} MWh over {need['lasts_s'] / MINUTE:.1f} min meet the limit." if need else "."
    table = [
        (row["name"], num(row["mw"], 1), *(("–", "–") if row["storage"] is None else (
            num(row["storage"]["mwh"]), num(row["storage"]["lasts_s"] / MINUTE, 1))), row["what"])
        for row in rows
    ]  # fmt: skip
    return Chart(
        "steps", "Steps that come seldom", finding, [f'<ol class="bars">{items}</ol>'],
        Table(("Step", "MW", "Store, MWh", "Lasts, min", "What"), table),
        note="None of them is held against the limit: the storage says what it would take.",
    )  # fmt: skip


def _bar(row: dict[str, Any], scale: float) -> str:
    need = row["storage"]
    store = "no limit known" if need is None else f"{need['mwh']:.2f} MWh, {need['lasts_s'] / MINUTE:.1f} min"
    sign = "-" if row["mw"] < 0 else "+"
    return (
        f'<li><span class="who">{escape(row["name"])}</span><span class="bar" aria-hidden="true">'
        f'<i class="fill" style="width:{100 * abs(row["mw"]) / scale:.1f}%"></i></span>'
        f'<b class="what">{sign}{power(abs(row["mw"]))}</b><span class="why">{escape(store)}; '
        f"{escape(row['what'])}</span></li>"
    )


def _limits(told: dict[str, Any]) -> Chart:
    """Every limit and what was found, as a table that stands open as a list."""
    words = {True: "kept", False: "▲ violated", None: "not judged"}
    rows = [(one["what"], words[one["kept"]], one["found"], one["limit"], one["source"]) for one in told["limits"]]
    broken = sum(one["kept"] is False for one in told["limits"])
    finding = f"{broken} of {len(rows)} are violated." if rows else "No limit is known here."
    said = [f"{what}: {found}, allowed {limit} – {mark}" for what, mark, found, limit, _ in rows]
    return Chart(
        "limits", "Limits of the grid", finding, [listed(said) if said else ""],
        Table(("Limit", "Verdict", "Found", "Allowed", "Source"), rows),
    )  # fmt: skip


def _cards(told: dict[str, Any]) -> str:
    limit = told["limit_mw_per_min"]
    made = []
    for window in WINDOWS_S:
        of = [row for row in told["steepest"] if row["window_s"] == window]
        first = max(of, key=lambda row: abs(row["mw_per_min"]))
        wrong = limit is not None and abs(first["mw_per_min"]) > limit * (1.0 + 1e-9)
        made.append(
            card(f"Steepest over {window / MINUTE:g} min", f"{first['mw_per_min']:+.3g} MW/min", first["ends_utc"],
                 wrong=wrong)
        )  # fmt: skip
    swings = told["swings"]
    if swings["jobs"]:
        made.append(card("Swings at the meter", power(swings["range_mw"]), flank(swings["flank_mw_per_s"])))
    store = told["storage"]
    if store is not None:
        made.append(card("Storage for the limit", f"{store['mwh']:.2f} MWh", power(store["mw"])))
    return f'<dl class="cards">{"".join(made)}</dl>'


def _verdict(told: dict[str, Any]) -> str:
    broken: Sequence[dict[str, Any]] = [one for one in told["limits"] if one["kept"] is False]
    if not broken:
        head = "Every limit that is judged here is kept." if told["limits"] else "No limit is known."
        return f'<div class="verdict good"><b>{head}</b></div>'
    said = [f"{one['what']}: {one['found']}, allowed {one['limit']} ({one['source']})" for one in broken]
    return f'<div class="verdict bad"><b>▲ {len(broken)} limits are violated</b>{listed(said)}</div>'


def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")


__all__ = ["ramp_page", "write_ramp_page"]
