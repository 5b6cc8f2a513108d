"""A failure as ONE self-contained HTML page: the course, the hottest racks, the water, the power, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Template
from numpy.typing import NDArray

from dashboards.chart import Chart, Table, num, power
from dashboards.failures.axis import FOCUS_S, TimeAxis
from dashboards.failures.course import KEYS, course, said
from dashboards.failures.lines import NAMED, Line, lines
from dashboards.failures.together import together
from dashboards.html import card, listed, section
from twin.analysis.fail import MEAN_S, Failure, told
from twin.analysis.fail_course import hottest_groups, lanes, one_of_each, spells
from twin.analysis.fail_groups import EVENTS
from twin.analysis.fail_warmest import outdoors
from twin.core.units import MW
from twin.engine.identity import halltwin_version
from twin.engine.period import lasting
from twin.engine.target import write_whole

MOST_LANES, MOST_PALE = 16, 40
Floats = NDArray[np.float64]


def write_fail_page(failure: Failure, html_path: str | Path) -> Path:
    """Write the page of a failure that was run with ``picture`` and return its path; the same run, the same bytes.

    Raises ``InputError`` where the page cannot be written.
    """
    path = Path(html_path)
    text = fail_page(failure)
    write_whole(path, text)
    return path


def fail_page(failure: Failure) -> str:
    """The text of the page."""
    found, written, site = told(failure), failure.written, failure.prepared.loaded.site
    what = written.title if written else ", ".join(found["faults"])
    charts = [_course(failure), _heat(failure), _water(failure), _power(failure, found)]
    if failure.power is not None:
        charts.insert(1, together(failure, _axis(failure), _instants(failure), _wider(failure)))
    facts = [f"{site.title} ({site.name})", f"from {found['at_utc']} for {lasting(found['lasting_s'])}",
             outdoors(found["dry_bulb_c"])]  # fmt: skip
    if written:
        facts += [f"Source: {written.source}", *([written.note] if written.note else [])]
    text: str = Template(_file("feed.html")).render(
        badge="SIMULATED",
        verb="fail",
        title=f"{site.name}, {what}, halltwin",
        heading=what,
        facts=". ".join(f"{line[0].upper()}{line[1:]}".rstrip(". ") for line in facts) + ".",
        cards=_cards(found),
        sections=[section(chart) for chart in charts],
        together=_verdict(found),
        footer="Trip settings are priors, not validated: twin library show of the racks has each with its source. "
        f"Racks of a group trip together. Made by halltwin {halltwin_version()}.",
        page_css="".join(_file(name) for name in ("report.css", "feed.css", "failures.css")),
    )
    return text


def _axis(failure: Failure) -> TimeAxis:
    begin = failure.at_s
    first = min((f.at_s - begin for f in failure.faults.found if f.at_s >= begin), default=inf)
    instants = [s for row in failure.groups for key in EVENTS if (s := row[key]) is not None]
    busy = any(first < s <= first + FOCUS_S for s in instants)
    start = failure.prepared.timeline.start - begin
    return TimeAxis(start, float(failure.times_s[-1] - begin), first if busy else inf)


def _wider(failure: Failure) -> str:
    return " The two minutes after the first fault are drawn wider, on grey ground." if _axis(failure).wide else ""


def _instants(failure: Failure) -> list[float]:
    """When something breaks, is mended, or racks that tripped are reset, s after the scenario's instant."""
    found = {t for f in failure.faults.found for t in (f.at_s, f.until_s)}
    found |= {failure.faults.reset_at} if failure.faults.trips else set()
    return sorted(t - failure.at_s for t in found if np.isfinite(t))


def _course(failure: Failure) -> Chart:
    found, rows = lanes(failure, MOST_LANES), told(failure)["timeline"]
    tripped = [lane for lane in found if lane.tripped]
    finding = f"{tripped[0].name}: {said(tripped[0])}." if tripped else "No rack trips."
    shown, title = found[:MOST_LANES], "What happens, in order"
    left = f" {len(found) - len(shown)} more rows of racks stand in the table." if len(found) > len(shown) else ""
    body = course(spells(failure), shown, _axis(failure), f"{title}. {finding}")
    table = Table(("After", "What"), [(f"{row['s']:,.1f} s", row["what"]) for row in rows])
    return Chart("course", title, finding, [body], table, keys=KEYS, note=(_wider(failure) + left).strip())


def _heat(failure: Failure) -> Chart:
    heat, begin, title = failure.heat, failure.at_s, "Hottest rack of each group"
    assert heat is not None, "the failure was run without picture"
    order = hottest_groups(failure, NAMED + MOST_PALE)
    rows = {row["group"]: row for row in failure.groups}
    drawn, body = [], []
    for n, g in enumerate(order):
        row, values = rows[g], heat.hottest_c[:, g]
        events = [(row[key], key) for key in EVENTS if row[key] is not None]
        drawn.append(Line(f"{row['cooled_by']}, {row['rack']}", heat.times_s - begin, values, n < NAMED, events))
        known = values[np.isfinite(values)]
        times = ["–" if row[key] is None else f"{row[key]:,.1f} s" for key in EVENTS]
        body.append([f"{row['cooled_by']}, {row['rack']}", f"{row['racks']:,}", num(known[0], 1), num(known.max(), 1),
                     num(known[-1], 1), *times, row["cause"] or "–"])  # fmt: skip
    finding = _highest(drawn)
    head = ("Racks", "Count", "Before, degC", "Highest", "End", "Inlets beyond limits", "Slow down", "Trip", "Again",
            "Cause")  # fmt: skip
    picture = lines(drawn, _axis(failure), "degC", _instants(failure), f"{title}. {finding}")
    note = "Cold plate, or body where a rack is air-cooled. Named are those that did something or rise most, by kind."
    return Chart("heat", title, finding, [picture], Table(head, body), keys=KEYS[2:], note=note + _wider(failure))


def _highest(drawn: Sequence[Line]) -> str:
    peaks = [float(np.nanmax(line.values)) for line in drawn]
    if not peaks:
        return "No rack has power."
    top = int(np.argmax(peaks))
    when = float(drawn[top].times_s[int(np.nanargmax(drawn[top].values))])
    return f"Highest: {drawn[top].name} at {peaks[top]:.1f} degC, {when:,.0f} s after the beginning."


def _water(failure: Failure) -> Chart:
    """Coolant to the racks by hall, facility water by loop: those that move most are named."""
    labels, series, t = failure.prepared.plan.labels, failure.series, failure.times_s - failure.at_s
    coolant, air = series["hall_liquid_supply_temperature_maximum"], series["hall_rack_inlet_temperature"]
    known: list[tuple[str, str, Floats]] = [
        *((f"{name} coolant", labels.hall_kind[n], coolant[:, n]) for n, name in enumerate(labels.hall)),
        *((f"{name} supply", name.rpartition("/")[2], series["fws_supply_temperature"][:, n])
          for n, name in enumerate(labels.loop)),
        *((f"{name} rack air", "air", air[:, n]) for n, name in enumerate(labels.hall)),
    ]  # fmt: skip
    energised = [row for row in known if np.isfinite(row[2]).any()]
    energised.sort(key=lambda row: (-round(float(np.nanmax(row[2]) - np.nanmin(row[2])), 2), row[0]))
    chosen = one_of_each(energised, [kind for _, kind, _ in energised])
    there = [(name, v) for name, _, v in chosen]
    drawn = [Line(name, t, v, n < NAMED) for n, (name, v) in enumerate(there[: NAMED + MOST_PALE])]
    name, moved = there[0][0], float(np.nanmax(there[0][1]) - np.nanmin(there[0][1]))
    finding, title = f"Moves most: {name}, by {moved:.1f} K.", "Supply temperatures"
    rows = [
        (name, *(num(float(x), 2) for x in (v[np.isfinite(v)][0], np.nanmin(v), np.nanmax(v), v[np.isfinite(v)][-1])))
        for name, v in there
    ]
    picture = lines(drawn, _axis(failure), "degC", _instants(failure), f"{title}. {finding}")
    head = ("Where", "Before, degC", "Lowest", "Highest", "End")
    note = f"Coolant is the warmest of a hall's CDUs; supply is facility water leaving the plant.{_wider(failure)}"
    return Chart("water", title, finding, [picture], Table(head, rows), note=note)


def _power(failure: Failure, found: dict[str, Any]) -> Chart:
    t, series, title = failure.times_s - failure.at_s, failure.series, "Power"
    outage = failure.power is None and any(fault.mode == "outage" for fault in failure.faults.found)
    meter = "drawn by the site" if outage else "at the meter"
    known = [(meter, series["site_power"] / MW), ("IT at the racks", series["site_it_power"] / MW)]
    width = max(1, round(MEAN_S / failure.prepared.timeline.interval))
    drawn = [Line(f"{name}, by the step", t, v, named=False) for name, v in known]
    drawn += [Line(name, t, _smooth(v, width)) for name, v in known]
    it = found["it_mw"]
    finding = (
        f"IT power: {power(it['before'])} before, {power(it['least'])} at the least, {power(it['end'])} at the end."
    )
    rows = [
        (name, *(num(found[key][at]) for at in ("before", "least", "end")))
        for name, key in ((meter, "site_mw"), ("IT at the racks", "it_mw"))
    ]
    picture = lines(drawn, _axis(failure), "MW", _instants(failure), f"{title}. {finding}")
    note = "On batteries and generators, losses are counted as if the power came from the meter. " if outage else ""
    return Chart("power", title, finding, [picture], Table(("Power", "Before, MW", "Least", "End"), rows),
                 note=f"{note}Lines and table: means of 10 s; pale: by the step.{_wider(failure)}")  # fmt: skip


def _smooth(values: Floats, width: int) -> Floats:
    """Means of ``width`` values around each, of fewer at the ends."""
    ones = np.ones(min(width, len(values)))
    made: Floats = np.convolve(values, ones, "same") / np.convolve(np.ones(len(values)), ones, "same")
    return made


def _cards(found: dict[str, Any]) -> str:
    it, trips = found["it_mw"], [row for row in found["groups"] if row["trip_s"] is not None]
    first = min((row["trip_s"] for row in trips), default=None)
    below = "none trips" if first is None else f"of {found['racks']:,}, the first after {first:.1f} s"
    made = [
        card("Racks that trip", f"{found['racks_tripped']:,}", below, wrong=bool(trips)),
        card("Racks that run at the end", f"{found['racks_at_end']:,}", f"of {found['racks']:,}"),
        card("Least IT power", power(it["least"]), f"{power(it['before'])} before, {power(it['end'])} at the end"),
    ]
    if "tokens_per_s" in found:
        tokens = found["tokens_per_s"]
        made.append(card("Least tokens/s", f"{tokens['least']:,.0f}", f"{tokens['before']:,.0f} before"))
    return f'<dl class="cards">{"".join(made)}</dl>'


def _verdict(found: dict[str, Any]) -> str:
    """Who trips by which cause, or that nobody does."""
    by_cause: dict[str, int] = {}
    for row in found["groups"]:
        if row["trip_s"] is not None:
            by_cause[row["cause"]] = by_cause.get(row["cause"], 0) + row["racks"]
    if not by_cause:
        return '<div class="verdict good"><b>No rack trips.</b></div>'
    said = [f"{racks:,} racks by {cause.replace('_', ' ')}" for cause, racks in by_cause.items()]
    head = f"▲ {found['racks_tripped']:,} of {found['racks']:,} racks trip"
    return f'<div class="verdict bad"><b>{escape(head)}</b>{listed(said)}</div>'


def _file(name: str) -> str:
    return files("dashboards").joinpath("page", name).read_text(encoding="utf-8")


__all__ = ["fail_page", "write_fail_page"]
