"""IT power of every hall over time, as a heat map."""

from __future__ import annotations

import numpy as np

from dashboards.chart import Chart, Table, num, power
from dashboards.charts.hall_map import hall_map, on_share
from dashboards.source import Source


def build(s: Source) -> Chart | None:
    """The chart; None where the run holds no halls."""
    halls = s.summary["halls"]
    if not halls:
        return None
    mw = np.where(on_share(s) > 0, s.of("hall_it_power", 1e-6), np.nan)
    top = max(halls, key=lambda row: float(row["it_peak_mw"]))
    return Chart(
        "hall-power",
        "IT power by hall",
        f"Largest: {top['hall']}, {power(top['it_peak_mw'])}. Grey: not yet energised.",
        [hall_map(s, s.bins.mean(mw), "IT power", "MW")],
        Table(
            ("Hall", "Racks", "Energised from", "IT mean MW", "IT peak MW", "Used %", "Hottest rack °C",
             "Inlet max °C"),
            [
                [
                    row["hall"], row["kind"],
                    "before" if row["energised_before_period"] else s.local(row["energised_from_utc"]),
                    num(row["it_mean_mw"]), num(row["it_peak_mw"]),
                    num(row["utilization_mean"] and 100 * row["utilization_mean"], 1),
                    num(row["rack_temperature_maximum_c"], 1), num(row["rack_inlet_temperature_maximum_c"], 1),
                ]
                for row in halls
            ],
        ),
    )  # fmt: skip
