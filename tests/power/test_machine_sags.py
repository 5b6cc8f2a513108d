"""Sags that come while a UPS waits or walks: it locks, goes on and ends without a loop."""

from __future__ import annotations

import numpy as np
import pytest

from tests.power.nets import Bench, Node, entry
from twin.power.machine import Behind

WATTS = 1e6


def bench(**ups) -> Bench:
    """Racks behind a UPS of 2.5 MW with a battery of 5 min at its rating."""
    device = entry("ups-galaxy-vxl-1250", return_s=10.0, walk_in_s=10.0, **ups)
    nodes = [
        Node("racks", {"ups": 1.0}, Behind(load="racks")),
        Node("ups", {"grid": 1.0}, Behind(device=device, store=entry("ups-battery-2500kw-5min"), stores=2), 2.5e6),
    ]
    return Bench(nodes, {"racks": WATTS})


def test_a_ups_that_locks_while_it_waits_for_its_return_stays_until_it_is_reset():
    """Sags half a second long, a second apart: the third locks it, and its return of ten seconds never comes."""
    made = bench()
    for k in range(3):
        made.utility(10.0 + k, 0.0)
        made.utility(10.5 + k, 1.0)
    made.to(100.0)
    assert made.when("locked on battery") == [12.0]
    assert made.when("walk-in ends") == []
    assert made.power("ups") == pytest.approx(WATTS)
    made.reset(100.0, "ups")
    made.to(130.0)
    assert made.when("walk-in ends") == [120.0]


def test_who_resets_a_ups_in_its_walk_in_does_not_stop_it():
    made = bench()
    made.utility(10.0, 0.0)
    made.utility(11.0, 1.0)
    made.reset(25.0, "ups")
    made.to(200.0)
    assert made.when("walk-in ends") == [31.0]


@pytest.mark.parametrize("watts", [-1.0, np.nan])
def test_a_demand_that_is_none_is_refused(watts):
    made = bench()
    with pytest.raises(ValueError, match="0 W or more"):
        made.machine.advance(0.0, 1.0, np.array([watts, 0.0]))
