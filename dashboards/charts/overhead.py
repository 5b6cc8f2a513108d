"""What the campus draws beside its IT equipment, by consumer: the part that design and operation can change."""

from __future__ import annotations

from dashboards.chart import Chart, Key, Table, power
from dashboards.charts.power import b_name
from dashboards.charts.stack import stack, stack_rows
from dashboards.source import Source
from dashboards.theme import CONSUMER
from twin.analysis.consumers import IT


def build(s: Source) -> Chart:
    """The chart; consumers are groups where the run holds no halls, loops or elements."""
    parts = {name: part for name, part in s.consumers.items() if name != IT}
    rows = [row for row in s.summary["consumers"] if row["consumer"] != IT]
    top = max(rows, key=lambda row: float(row["mean_mw"]))
    share = sum(float(row["share_of_meter"]) for row in rows)
    return Chart(
        "overhead",
        "Overhead: everything that is not IT",
        f"{100 * share:.1f} % of the energy at the meter. "
        f"Largest: {top['consumer']}, {power(top['mean_mw'])} on average.",
        [stack(s, parts, CONSUMER, 300)],
        Table((b_name(s), *(f"{name} MW" for name in parts)), stack_rows(s, parts)),
        keys=[Key(name, CONSUMER[name]) for name in reversed(parts)],
    )
