"""IT power by kind of rack as the campus grows, phase by phase."""

from __future__ import annotations

from dashboards.bins import Floats
from dashboards.chart import Chart, Key, Table, power
from dashboards.charts.power import b_name
from dashboards.charts.stack import stack, stack_rows
from dashboards.source import Source
from dashboards.theme import CYCLE


def by_kind(s: Source) -> dict[str, Floats]:
    """IT power of each kind of hall over time, MW, in the order of the site."""
    it, kinds = s.of("hall_it_power", 1e-6), [row["kind"] for row in s.summary["halls"]]
    return {
        kind: it[:, [h for h, other in enumerate(kinds) if other == kind]].sum(axis=1) for kind in dict.fromkeys(kinds)
    }


def build(s: Source) -> Chart | None:
    """The chart; None where the run holds no halls or all are of one kind and energised from the start."""
    halls = s.summary["halls"]
    late = [row for row in halls if row["energised_from_utc"] and not row["energised_before_period"]]
    parts = by_kind(s) if halls else {}
    if not late and len(parts) < 2:
        return None
    colours = {name: CYCLE[i % len(CYCLE)] for i, name in enumerate(parts)}
    on = sum(row["energised_hours"] > 0 for row in halls)
    most = max(parts, key=lambda name: float(parts[name].mean()))
    return Chart(
        "growth",
        "IT power by kind of rack",
        f"{on} of {len(halls)} halls carry load by the end, {len(late)} of them energised in this period. "
        f"Most power goes to {most}: {power(float(parts[most].mean()))} on average.",
        [stack(s, parts, colours, 300)],
        Table((b_name(s), *(f"{name} MW" for name in parts)), stack_rows(s, parts, 2)),
        keys=[Key(name, colours[name]) for name in reversed(parts)],
    )
