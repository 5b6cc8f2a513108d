"""The key figures of a run as plain text for a terminal: aligned, at most some fifty lines, no colour.

Halls are grouped by building and kind; the five with the least cooling headroom are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from twin.analysis.bands_text import figures, span
from twin.core.units import amount

Summary = dict[str, Any]
WORST = 5
MOST_VIOLATIONS = 6
ALL = "`twin kpi RUN --json` lists all of them"


def render(summary: Summary) -> str:
    """Text of :func:`twin.analysis.kpi.summary`; no line ends in a space, the last line in a line feed."""
    blocks = [
        _head(summary),
        summary["notes"],
        _figures(summary),
        _grid(summary.get("grid")),
        _consumers(summary),
        _years(summary["years"]),
        _groups(summary["halls"]),
        _worst(summary["halls"]),
        _loops(summary["loops"]),
        _serving(summary.get("serving")),
        _violations(summary["violations"]),
        _drivers(summary.get("bands")),
    ]
    lines = [line.rstrip() for block in blocks for line in block]
    return "\n".join(lines) + "\n"


def _head(s: Summary) -> list[str]:
    period, site = s["period"], s["site"]
    stands_in = period["weather_stands_in_for"]
    step = f"step {period['step_s']:g} s" if period["step_s"] is not None else "step unknown"
    return [
        f"{site['name']}: {site['title']}" if site["title"] else site["name"],
        f"{period['start_utc']} to {period['end_utc']} ({period['hours']:,.0f} h), {step}, "
        f"weather {period['weather'] or 'unknown'}{f' in place of {stands_in}' if stands_in else ''}; simulated",
        f"Times are the ends of output intervals of {period['interval_s']:g} s, UTC.",
    ]


def _figures(s: Summary) -> list[str]:
    meter, it, eff = s["meter"], s["it"], s["efficiency"]
    over = meter["largest_exceedance_mw"]
    agreed = f"contract {meter['contract_mw']:g} MW"
    if meter["smallest_margin_mw"] is None:
        agreed = "no contract yet"
    elif over > 0:
        agreed += f", exceeded by {over:.2f} MW"
    else:
        agreed += f", least margin {meter['smallest_margin_mw']:.2f} MW"
    interim = " interim" if eff["interim"] else ""
    peak, mean, it_mean, pue, wue = (
        span(s.get("bands"), name) for name in ("site_power_maximum", "site_power", "site_it_power", "pue", "wue")
    )
    return [
        f"Meter  peak {meter['peak_mw']:,.2f} MW{peak} at {meter['peak_at_utc']}, "
        f"mean {meter['mean_mw']:,.2f} MW{mean}, {meter['energy_mwh']:,.0f} MWh; {agreed}",
        f"IT     peak {it['peak_mw']:,.2f} MW, mean {it['mean_mw']:,.2f} MW{it_mean}, {it['energy_mwh']:,.0f} MWh",
        f"PUE    {_number(eff['pue'], 4)}{pue}{interim} (category 3)   WUE {_number(eff['wue_l_kwh'], 3)} L/kWh{wue}, "
        f"{eff['water_m3']:,.0f} m3   energy residual {_exponent(s['energy_residual_maximum'])}",
    ]


def _grid(grid: Summary | None) -> list[str]:
    """Cost, demand charge and carbon, a line each where the site has them."""
    if grid is None:
        return []
    lines = []
    if (energy := grid.get("energy")) is not None:
        paid = (
            f"{_number(energy['price_paid_usd_mwh'], 2)} USD/MWh paid, {_number(energy['price_mean_usd_mwh'], 2)} mean"
        )
        gap = energy["covered_share"]
        left = "" if gap == 1.0 else f"; the price covers {100 * gap:.0f} % of the period"
        lines.append(f"Energy {_usd(energy['usd'])}, {paid}{left}")
    if (demand := grid.get("demand")) is not None:
        months = demand["months"]
        top = max(months, key=lambda row: float(row["highest_mw"]))
        parts = sum(not row["whole"] for row in months)
        what = "15 min" if demand["exact"] else f"step of {demand['window_s']:g} s, in place of 15 min"
        lines.append(
            f"Demand {_usd(demand['usd'])} in {len(months)} months{f' ({parts} of them in part)' if parts else ''}, "
            f"highest {top['highest_mw']:,.2f} MW in {top['month']} ({what})"
        )
    if (carbon := grid.get("carbon")) is not None:
        tonnes = "unknown" if carbon["kg"] is None else f"{carbon['kg'] / 1e3:,.1f} t"
        lines.append(f"CO2    {tonnes}, CUE {_number(carbon['cue_kg_kwh'], 4)} kg/kWh")
    return lines


def _usd(value: float | None) -> str:
    return "cost unknown" if value is None else f"{value:,.0f} USD"


def _drivers(bands: Summary | None) -> list[str]:
    """What the numbers in brackets are, and which figures drive them."""
    if bands is None:
        return []
    words = (
        f"In brackets: P10-P90 of {bands['samples']} samples of {bands['unknowns']} unknowns; `twin bands` has more."
    )
    return [words, *figures(bands)]


def _consumers(s: Summary) -> list[str]:
    rows = [
        (r["consumer"], f"{r['mean_mw']:,.3f}", f"{r['energy_mwh']:,.0f}", f"{100 * r['share_of_meter']:.2f} %")
        for r in s["consumers"]
    ]
    meter = s["meter"]
    rows.append(("Meter", f"{meter['mean_mw']:,.3f}", f"{meter['energy_mwh']:,.0f}", "100.00 %"))
    return _table(("Where it goes", "mean MW", "MWh", "share"), rows)


def _years(years: list[Summary]) -> list[str]:
    rows = [
        (
            str(r["year"]),
            f"{r['peak_mw']:,.1f}",
            f"{r['mean_mw']:,.1f}",
            f"{r['contract_mw']:g}",
            _of(r["energised_halls"], r["halls"]),
        )
        for r in years
    ]
    return _table(("Year (UTC)", "peak MW", "mean MW", "contract MW", "halls"), rows) if len(years) > 1 else []


def _groups(halls: list[Summary]) -> list[str]:
    groups: dict[str, list[Summary]] = {}
    for row in halls:
        groups.setdefault(row["kind"], []).append(row)
    rows = [
        (
            kind or "(kind unknown)",
            _of(sum(r["energised_hours"] > 0 for r in part), len(part)),
            f"{sum(r['it_mean_mw'] or 0 for r in part):,.2f}",
            _span(r["utilization_mean"] and 100 * r["utilization_mean"] for r in part),
            _span((r["rack_temperature_maximum_c"] for r in part), low=False),
            _span((r["coolant_supply_maximum_c"] for r in part), low=False),
            _span((r["rack_inlet_temperature_maximum_c"] for r in part), low=False),
            _share(part, "supply_heat_index"),
            _share(part, "return_temperature_index"),
            _least(part, "cooling"),
            _least(part, "power"),
        )
        for kind, part in groups.items()
    ]
    head = ("Halls by kind", "on", "IT MW", "used %", "rack max C", "coolant max C", "air max C", "SHI %", "RTI %",
            "cooling room", "power room MW")  # fmt: skip
    return _table(head, rows) if rows else []


def _worst(halls: list[Summary]) -> list[str]:
    known = sorted((r for r in halls if r.get("cooling_headroom")), key=lambda r: r["cooling_headroom"]["worst_mw"])
    rows = [
        (
            r["hall"],
            f"{r['cooling_headroom']['worst_mw']:,.3f}",
            r["cooling_headroom"]["at_utc"],
            _span([r["coolant_supply_maximum_c"]]),
            r["cooling_headroom"]["binding"],
        )
        for r in known[:WORST]
    ]
    head = ("Least cooling headroom", "MW", "at", "coolant max C", "bound by")
    return _table(head, rows, left=(0, 2, 4)) if rows else []


def _loops(loops: list[Summary]) -> list[str]:
    groups: dict[str, list[Summary]] = {}
    for row in loops:
        groups.setdefault(row["loop"].rpartition("/")[2], []).append(row)
    rows = [
        (
            f"{name} ({len(part)})",
            f"{sum(r['free_cooling_hours'] for r in part):,.0f} of {sum(r['energised_hours'] for r in part):,.0f} h",
            _span((r["supply_maximum_c"] for r in part), low=False),
            f"{sum(r['set_point_missed_hours'] for r in part):,.1f} h",
        )
        for name, part in groups.items()
    ]
    return _table(("Loops", "no chiller ran", "supply max C", "set point missed"), rows) if rows else []


def _serving(serving: Summary | None) -> list[str]:
    """A line for each class: what is asked and answered, its latencies at the promised share, whether that is kept."""
    if not serving:
        return []
    rows = []
    for r in serving["classes"]:
        promise = r.get("promise") or {}
        refused = f"{100 * r['shed_share']:.2g} %" if r["shed_s"] > 0 else "-"
        asked = (amount(r["offered_s"]), amount(r["tokens_s"]), amount(r["queue_peak"]), refused)
        times = (_promised(promise, "ttft"), _promised(promise, "tpot"))
        share = f"p{100 * promise['share']:g}" if promise else "-"
        rows.append((r["class"], *asked, share, *times, "kept" if r.get("kept", True) else "BROKEN"))
    head = ("Served, by class", "asked/s", "tokens/s", "waiting", "refused", "at", "first token s (promised)",
            "per token s (promised)", "promise")  # fmt: skip
    joule = serving["joule_per_token"]
    per_token = f", {amount(joule)} J a token (idle included, at the racks' input)" if joule is not None else ""
    total = f"Tokens  {amount(serving['tokens_s'])} a second on average{per_token}"
    return [total, *_table(head, rows)]


def _promised(promise: Summary, key: str) -> str:
    got = promise.get(f"{key}_at_share_s")
    return "-" if got is None else f"{min(got, 1e9):.3g} ({promise[f'{key}_s']:g})"


def _violations(found: list[str]) -> list[str]:
    if not found:
        return ["No constraint is violated."]
    more = len(found) - MOST_VIOLATIONS
    shown = [f"  ! {sentence}" for sentence in found[:MOST_VIOLATIONS]]
    return [f"Violated ({len(found)}):", *shown, *([f"  ... and {more} more; {ALL}"] if more > 0 else [])]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], left: tuple[int, ...] = (0,)) -> list[str]:
    """Columns padded to their widest cell, two spaces apart; columns in ``left`` aligned left, others right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for line in (head, *rows):
        cells = zip(line, widths, strict=True)
        lines.append("  ".join(c.ljust(w) if i in left else c.rjust(w) for i, (c, w) in enumerate(cells)))
    return lines


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"


def _exponent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0e}"


def _of(part: int | None, whole: int | None) -> str:
    return "" if part is None else f"{part} of {whole}"


def _span(given: Iterable[float | None], *, low: bool = True) -> str:
    known = [v for v in given if v is not None]
    if not known:
        return "-"
    return f"{min(known):.0f}-{max(known):.0f}" if low and len(known) > 1 else f"{max(known):.1f}"


def _share(halls: list[Summary], what: str) -> str:
    return _span(None if r[what] is None else 100.0 * r[what] for r in halls)


def _least(halls: list[Summary], what: str) -> str:
    known = [r[f"{what}_headroom"]["worst_mw"] for r in halls if r.get(f"{what}_headroom")]
    return f"{min(known):,.2f}" if known else "-"
