"""Policies fill services in the order they name."""

from __future__ import annotations

import pytest

from tests.inference.fleets import CHAT, Kind, fleet, power
from twin.site.ranking import ranked

QUICK = Kind(step_s=0.002, slope_s=1e-3, draw=lambda b: 3.0 * power(b))
THRIFTY = Kind(step_s=0.05, slope_s=1e-5)
FLEET = fleet([THRIFTY, QUICK], [CHAT], [(0, 0), (1, 1)], [[1.0], [1.0]])


@pytest.mark.parametrize(
    ("policy", "cost", "order"),
    [
        ("proportional", (1, 1), []),
        ("latency", (1, 1), [1, 0]),
        ("energy", (1, 1), [0, 1]),
        ("cost", (100, 1), [1, 0]),
        ("cost", (1, 100), [0, 1]),
    ],
)
def test_a_policy_fills_in_its_order(policy, cost, order):
    assert ranked(FLEET, policy, cost).tolist() == order
