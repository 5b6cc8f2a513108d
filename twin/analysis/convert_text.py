"""A conversion as plain text for a terminal: before, after and their ratio, with bands."""

from __future__ import annotations

from math import floor, log10
from typing import Any

Row = dict[str, Any]
TITLES = {
    "tokens_per_s": "tokens/s", "tokens_per_s_per_decode_system": "tokens/s per system that decodes",
    "requests_per_s": "requests/s", "served_share": "share served at once, %", "decode_systems": "systems that decode",
    "systems": "systems", "power_kw": "power of the systems, kW", "joules_per_token": "J per token",
    "ttft_p50_s": "TTFT p50, ms", "ttft_p99_s": "TTFT p99, ms", "tpot_p50_s": "time per token p50, ms",
    "tpot_p99_s": "time per token p99, ms", "hall_power_kw": "hall power, kW",
    "cooling_headroom_kw": "cooling headroom, kW of IT", "power_headroom_kw": "power headroom, kW of IT",
}  # fmt: skip
SCALE = {"served_share": 100.0, **{f"{k}_p{p}_s": 1e3 for k in ("ttft", "tpot") for p in (50, 99)}}
CAPACITY = (
    "tokens_per_s",
    "tokens_per_s_per_decode_system",
    "requests_per_s",
    "systems",
    "power_kw",
    "joules_per_token",
)
PRESENT = ("requests_per_s", "served_share", "tokens_per_s", "power_kw", "joules_per_token")
SHOWN = ("before", "after", "ratio")
EACH = ("tokens_per_s", "decode_systems", "tokens_per_s_per_decode_system", "power_kw")
UNSERVED = "No band: in some samples requests pile up, and those have no latency."
CLAIM = (
    "AWS and Cerebras claim 5 times the token capacity for prefill on Trainium with decode on CS-3 (March 2026, not "
    "measured by others): the ratio of tokens/s per system that decodes is what this model makes of it."
)


def render_conversion(told: dict[str, Any]) -> str:
    """The text of what :func:`twin.analysis.convert.convert` tells; ends in a line feed."""
    rows = _sections(told)
    cells = [(title, *(_cell(row, side) for side in ("before", "after")), _ratio(row)) for title, row in rows]
    head = ("", "before", "after", "after/before")
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(4)]
    lines = [
        "  ".join((line[0].ljust(widths[0]), *(line[i].rjust(widths[i]) for i in (1, 2, 3)))).rstrip()
        for line in [head, *cells]
    ]
    return "\n".join([*_head(told), "", *lines, "", *_notes(told)]) + "\n"


def _head(told: dict[str, Any]) -> list[str]:
    parts = " + ".join(f"{p['serving']} on {_listed(p['halls'])}" for p in told["layout"])
    air = told["outdoor"]
    bands = f"bands P10 to P90 of {told['samples']} samples" if told["samples"] else "central values"
    others = [s for s in told["services"]["before"] if s != told["converted"]]
    also = f"; {' and '.join(others)} {'gives' if len(others) == 1 else 'give'} systems to it" if others else ""
    return [
        f"{told['site']}: what was {_was(told)} becomes {parts}{also}",
        f"{told['instant']}, {told['weather']} at {air['dry_bulb_c']:g} degC, wet bulb {air['wet_bulb_c']:.1f}; "
        f"{bands}; simulated",
    ]


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more halls"


def _was(told: dict[str, Any]) -> str:
    """The halls that are converted, by the service that they leave."""
    taken = [hall for part in told["layout"] for hall in part["halls"]]
    return f"{told['converted']} on {_listed([hall for hall in told['halls'] if hall in taken][:4])}"


def _sections(told: dict[str, Any]) -> list[tuple[str, Row | None]]:
    by = {(*row["where"], row["figure"]): row for row in told["rows"]}
    limits = {side: {tuple(b["where"]): b["limit"] for b in told["binding"][side]} for side in ("before", "after")}

    def bound(where: tuple[str, ...]) -> str:
        first, second = (limits[side].get(where, "-") for side in ("before", "after"))
        return f"bound by {first}" if first == second else f"bound by {first}, then {second}"

    def shown(service: str) -> str:
        return "the converted halls" if service == told["converted"] else service

    services = list(dict.fromkeys([*told["services"]["before"], *told["services"]["after"]]))
    lines: list[tuple[str, Row | None]] = []
    limit = f" ({bound(('capacity', services[0]))})" if len(services) == 1 else ""
    lines.append((f"At capacity{limit}", None))
    lines += [(f"  {TITLES[f]}", by["capacity", f]) for f in CAPACITY]
    if len(services) > 1:
        for service in services:
            lines.append((f"  of which {shown(service)} ({bound(('capacity', service))})", None))
            lines += [(f"    {TITLES[f]}", by["capacity", service, f]) for f in EACH]
    lines.append(("At the present demand, mean of the week", None))
    lines += [(f"  {TITLES[f]}", by["present", f]) for f in PRESENT]
    keys = [key for key in by if key[0] == "latency"]
    for service, workload in dict.fromkeys(key[1:3] for key in keys):
        lines.append((f"  {workload} on {shown(service)}", None))
        lines += [(f"    {TITLES[key[3]]}", by[key]) for key in keys if key[1:3] == (service, workload)]
    for hall in told["halls"]:
        cooling, electric = (bound(("hall", hall, kind)) for kind in ("cooling", "power"))
        lines.append((f"Hall {hall}", None))
        lines.append((f"  {TITLES['hall_power_kw']}", by["hall", hall, "hall_power_kw"]))
        lines.append((f"  {TITLES['cooling_headroom_kw']} ({cooling})", by["hall", hall, "cooling_headroom_kw"]))
        lines.append((f"  {TITLES['power_headroom_kw']} ({electric})", by["hall", hall, "power_headroom_kw"]))
    return lines


def _cell(row: Row | None, side: str) -> str:
    return "" if row is None else _number(row[side], SCALE.get(row["figure"], 1.0))


def _ratio(row: Row | None) -> str:
    return "" if row is None else _number(row["ratio"], 1.0, 3)


def _number(value: dict[str, float | None], scale: float, digits: int = 4) -> str:
    """The value, and its band where that has a width; a band that samples without a value have not is told."""
    middle, low, high = (value.get(key) for key in ("value", "p10", "p90"))
    if middle is None:
        return "-"
    text = _short(middle * scale, digits)
    if low is None or high is None:
        return f"{text} (no band)" if "p10" in value else text
    ends = _short(low * scale, digits), _short(high * scale, digits)
    return text if ends == (text, text) else f"{text} ({ends[0]} to {ends[1]})"


def _short(value: float, digits: int) -> str:
    """So many significant digits at most, thousands apart, no exponent."""
    value = float(f"{value:.{digits}g}")
    if value == 0.0 or abs(value) < 1e-9:
        return "0"
    size = floor(log10(abs(value))) + 1
    text = f"{value:,.{max(0, digits - size)}f}"
    return text if value != round(value) or abs(value) < 10 else f"{value:,.0f}"


def _notes(told: dict[str, Any]) -> list[str]:
    notes = []
    models = list(dict.fromkeys(part["model"] for part in told["layout"]))
    if models != told["models_before"]:
        notes.append(f"Another model answers: {', '.join(told['models_before'])} before, {', '.join(models)} after.")
    served = next(row for row in told["rows"] if row["where"] == ["present"] and row["figure"] == "served_share")
    for side in ("before", "after"):
        share = served[side]["value"]
        if share is not None and share < 1.0 - 1e-6:
            notes.append(f"The present demand is more than can be served {side}: requests pile up, no latency is told.")
    if any(row[of]["value"] is not None and row[of].get("p10", 0.0) is None for row in told["rows"] for of in SHOWN):
        notes.append(UNSERVED)
    if [part["serving"].rpartition("-")[2] for part in told["layout"]] == ["prefill", "decode"]:
        servings = [part["serving"] for part in told["layout"]]
        if "trn" in servings[0] and "cs3" in servings[1]:
            notes.append(CLAIM)
    return notes


__all__ = ["render_conversion"]
