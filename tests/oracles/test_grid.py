"""The grid's limits: storage for a ramp (V28) through a series, and the recovery rule (V32)."""

from __future__ import annotations

import numpy as np

from twin.power.grid_rule import GridRule
from twin.power.ramp import limited
from twin.power.ride_through import recovery
from twin.site.library import load_library

MW, MWH = 1e6, 3.6e9
EDGE_S = 1e-6


def test_a_step_of_100_mw_under_20_mw_per_min(validation_row):
    load = np.full(600, 200.0 * MW)
    load[60:] += 100.0 * MW
    need = limited(load, 10.0, 20.0 * MW / 60.0).need
    source = "E = dP^2/(2 r)"
    validation_row("V28", "100 MW at 20 MW/min, store, MWh", 100.0**2 / (2 * 20 * 60), need.energy_j / MWH,
                   rel=1e-9, source=source, basis="checked")  # fmt: skip
    validation_row("V28", "100 MW at 20 MW/min, lasts, min", 5.0, need.lasts_s / 60.0, rel=1e-9, source=source,
                   basis="checked")  # fmt: skip


def test_the_latest_return_that_the_recovery_rule_lets_pass(validation_row):
    """A load that comes back at once, later and later: the last that is met."""
    rule = load_library().get("ercot", GridRule)

    def met(after_s: float) -> bool:
        times = np.array([0.0, 1.0, 1.0 + after_s, 1.0 + after_s + EDGE_S, 10.0])
        return recovery(times, np.array([0.0, 0.0, 0.0, 95.0, 95.0]) * MW, 100.0 * MW, 1.0, rule).met

    low, high = 0.0, 5.0
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if met(middle) else (low, middle)
    validation_row("V32", "latest return to 90 % of the load after 0.9 pu, s", 1.0, low, abs=2 * EDGE_S,
                   source="CIGRE survey, 2025, of ERCOT's proposal", basis="look-up")  # fmt: skip
