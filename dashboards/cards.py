"""The head of the report: the figures people ask for first, and whether any constraint is violated."""

from __future__ import annotations

from html import escape
from typing import Any

from dashboards.chart import Table, num, power
from dashboards.html import card, listed, table
from dashboards.source import Source

Row = dict[str, Any]
SHOWN = 8


def cards(s: Source) -> str:
    """Cards of the headline figures."""
    found = s.summary
    meter, it, eff = found["meter"], found["it"], found["efficiency"]
    over = float(meter["largest_exceedance_mw"])
    interim = ", interim" if eff["interim"] else ""
    residual = found["energy_residual_maximum"]
    parts = [
        card("Peak at the meter", power(meter["peak_mw"]), f"at {s.local(meter['peak_at_utc'])} {s.zone}"),
        _contract(s, meter, over),
        card("IT power", power(it["mean_mw"]), f"mean; peak {power(it['peak_mw'])}"),
        card("PUE", num(eff["pue"], 3), f"category 3{interim}"),
        card("WUE", f"{num(eff['wue_l_kwh'], 2)} L/kWh", f"{eff['water_m3']:,.0f} m³ of water"),
        card("Energy", _energy(meter["energy_mwh"]), f"of it {_energy(it['energy_mwh'])} to racks"),
        *(_headroom(s, what) for what in ("cooling", "power")),
    ]
    if residual is not None:
        parts.append(card("Energy ledger", f"{residual:.0e}", "largest residual of a step", wrong=residual > 1e-9))
    parts.append(_free_cooling(found["loops"]))
    return f'<dl class="cards">{"".join(parts)}</dl>'


def verdict(s: Source) -> str:
    """What is violated, or that nothing is."""
    found = s.summary["violations"]
    if not found:
        notes = escape(" ".join(["", *s.summary["notes"]]))
        return f'<p class="verdict good" role="status"><b>✓ No constraint is violated</b> in this run.{notes}</p>'
    rest = f"<details><summary>{len(found) - SHOWN} more</summary>{listed(found[SHOWN:])}</details>"
    count = "1 constraint is" if len(found) == 1 else f"{len(found)} constraints are"
    return (
        f'<div class="verdict bad" role="status"><b>▲ {count} violated</b>{listed(found[:SHOWN])}'
        f"{rest if len(found) > SHOWN else ''}</div>"
    )


def years(s: Source) -> str:
    """A row for each calendar year, where there is more than one."""
    rows = s.summary["years"]
    if len(rows) < 2:
        return ""
    content = Table(
        ("Year (UTC)", "Peak MW", "Mean MW", "IT mean MW", "Energy GWh", "Contract MW", "Halls on"),
        [
            [
                str(r["year"]), num(r["peak_mw"], 1), num(r["mean_mw"], 1), num(r["it_mean_mw"], 1),
                num(r["energy_mwh"] / 1e3, 0), num(r["contract_mw"], 0),
                "–" if r["energised_halls"] is None else f"{r['energised_halls']} of {r['halls']}",
            ]
            for r in rows
        ],
    )  # fmt: skip
    return f'<section id="years" class="wide"><h2>Year by year</h2>{table(content, "Calendar years")}</section>'


def basis(s: Source) -> str:
    """What the numbers rest on: simulated, and the figures that are estimates."""
    rows = s.summary["priors"]
    text = (
        "<p>Every figure on this page is <b>simulated</b>: no meter of the site was read. Figures of equipment that "
        "makers do not publish are <b>priors</b>, among them the idle share, sustained power and thermal mass of a "
        "CS-3; what hangs on them moves with them until it is calibrated against a meter log.</p>"
    )
    if not rows:
        return (
            text + "<p>This run carries no list of its figures; the library states source and confidence of each.</p>"
        )
    content = Table(
        ("Entry", "Figure", "Value", "Band", "Confidence", "Source"),
        [
            [
                str(r.get("entry", r.get("id", ""))), str(r.get("key", "")),
                f"{_short(r.get('value'))} {'' if r.get('unit') == '1' else r.get('unit', '')}",
                _band(r),
                str(r["confidence"]), str(r.get("source", "")),
            ]
            for r in rows
        ],
    )  # fmt: skip
    return (
        f"{text}<details><summary>Estimates and reported figures behind this run <small>{len(rows)} rows</small>"
        "</summary>"
        f"{table(content, 'Priors')}</details>"
    )


def facts(s: Source) -> str:
    """Period, step, weather, seed and version in one line."""
    period = s.summary["period"]
    parts = [
        f"{_utc(period['start_utc'])} to {_utc(period['end_utc'])} UTC",
        f"{period['hours']:,.0f} h",
        f"step {period['step_s']:g} s" if period["step_s"] is not None else "",
        f"weather {period['weather']}" if period["weather"] else "",
        f"in place of {period['weather_stands_in_for']}" if period["weather_stands_in_for"] else "",
        f"seed {period['seed']}" if period["seed"] is not None else "",
        f"halltwin {period['version']}" if period["version"] else "",
    ]
    return " · ".join(escape(part) for part in parts if part)


def _contract(s: Source, meter: Row, over: float) -> str:
    if meter["smallest_margin_mw"] is None:
        return card("Contract", "none yet", "no tranche has begun")
    if over > 0:
        return card("Over the contract", power(over), f"{meter['hours_above_contract']:,.0f} h in all", wrong=True)
    return card(
        "Contract to spare",
        power(meter["smallest_margin_mw"]),
        f"at the least, {s.local(meter['smallest_margin_at_utc'])}",
    )


def _headroom(s: Source, what: str) -> str:
    known = [row for row in s.summary["halls"] if row.get(f"{what}_headroom")]
    name = f"{what.capitalize()} headroom"
    if not known:
        return card(name, "–", "not in this run")
    row = min(known, key=lambda r: float(r[f"{what}_headroom"]["worst_mw"]))
    worst = row[f"{what}_headroom"]
    return card(
        name, power(worst["worst_mw"]), f"worst hour: {row['hall']}, {worst['binding']}", wrong=worst["worst_mw"] < 0
    )


def _free_cooling(loops: list[Row]) -> str:
    hours = sum(float(row["energised_hours"]) for row in loops)
    if hours <= 0:
        return ""
    share = 100 * sum(float(row["free_cooling_hours"]) for row in loops) / hours
    missed = sum(float(row["set_point_missed_hours"]) for row in loops)
    return card(
        "Free cooling",
        f"{share:.0f} %",
        f"of loop hours; set point missed {missed:,.1f} h" if missed > 0 else "share of loop hours",
        wrong=missed > 0,
    )


def _utc(moment: str) -> str:
    return moment.rstrip("Z").replace("T", " ")


def _energy(mwh: float) -> str:
    return f"{mwh / 1e6:,.2f} TWh" if mwh >= 1e6 else f"{mwh / 1e3:,.1f} GWh" if mwh >= 1e3 else f"{mwh:,.0f} MWh"


def _band(r: Row) -> str:
    return "–" if r.get("low") is None else f"{_short(r['low'])} to {_short(r.get('high'))}"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
