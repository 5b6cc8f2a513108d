"""The halls with the least headroom, cooling and power, each with its worst hour and the limit that binds there.

Bars are HTML: they are read by screen readers as they stand and wrap on a telephone.
"""

from __future__ import annotations

from html import escape
from typing import Any

from dashboards.chart import Chart, Table, num, power
from dashboards.source import Source

SHOWN = 10
Row = dict[str, Any]


def build(s: Source) -> Chart | None:
    """The chart; None where the run holds no headroom."""
    halls = [row for row in s.summary["halls"] if row.get("cooling_headroom")]
    if not halls:
        return None
    by_cooling = sorted(halls, key=lambda row: float(row["cooling_headroom"]["worst_mw"]))
    by_power = sorted(
        (row for row in halls if row.get("power_headroom")), key=lambda row: float(row["power_headroom"]["worst_mw"])
    )
    first = by_cooling[0]
    worst = first["cooling_headroom"]
    body = _bars(s, by_cooling, "cooling", "Cooling") + _bars(s, by_power, "power", "Power")
    return Chart(
        "headroom",
        "Worst hour of each hall",
        f"Least cooling headroom: {first['hall']}, {power(worst['worst_mw'])} at {s.local(worst['at_utc'])}, "
        f"bound by {worst['binding']}.",
        [f'<div class="pair">{body}</div>'],
        Table(
            ("Hall", "Racks", "Cooling MW", "at", "bound by", "h < 0", "Power MW", "at", "bound by", "h < 0"),
            [[row["hall"], row["kind"], *_cells(s, row, "cooling"), *_cells(s, row, "power")] for row in by_cooling],
            note=f"Times in {s.zone}",
        ),
    )


def _cells(s: Source, row: Row, what: str) -> list[str]:
    worst = row.get(f"{what}_headroom")
    if not worst:
        return ["–"] * 4
    return [num(worst["worst_mw"], 3), s.local(worst["at_utc"]), worst["binding"], num(worst["negative_hours"], 0)]


def _bars(s: Source, halls: list[Row], what: str, title: str) -> str:
    shown = halls[:SHOWN]
    if not shown:
        return ""
    scale = max(abs(float(row[f"{what}_headroom"]["worst_mw"])) for row in shown) or 1.0
    more = f"the {len(shown)} tightest of {len(halls)}" if len(halls) > len(shown) else "all halls"
    items = "".join(_bar(s, row["hall"], row[f"{what}_headroom"], scale) for row in shown)
    return f'<div><h3>{title} <small>{more}</small></h3><ol class="bars">{items}</ol></div>'


def _bar(s: Source, hall: str, worst: Row, scale: float) -> str:
    mw = float(worst["worst_mw"])
    wrong = " wrong" if mw < 0 else ""
    mark = "▲ " if mw < 0 else ""
    return (
        f'<li><span class="who">{escape(hall)}</span>'
        f'<span class="bar" aria-hidden="true"><i class="fill{wrong}" style="width:{100 * abs(mw) / scale:.1f}%"></i>'
        "</span>"
        f'<b class="what{wrong}">{mark}{power(mw)}</b>'
        f'<span class="why">{escape(worst["binding"])} <time>{s.local(worst["at_utc"])}</time></span></li>'
    )
