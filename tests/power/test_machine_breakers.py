"""A machine at its breakers, and at the racks: cascades with memory, relays, hold-up, rack batteries, banks."""

from __future__ import annotations

import math

import pytest

from tests.power.nets import Bench, Node, entry
from twin.power.breaker import thermal_trip
from twin.power.machine import Behind

UPS = entry("ups-galaxy-vxl-1250")
BATTERY = entry("ups-battery-2500kw-5min")
RATED = 1e6
RACKS = Behind(load="racks")


def test_a_breaker_that_trips_loads_the_other_feed_until_that_trips_too():
    """A cascade with memory: each at 60 %, then one alone at 120 %, in closed form."""
    breaker = entry("breaker-lv-4000a")
    rated = breaker.rated_va() * 0.95
    nodes = [
        Node("racks", {"rpp-A": 0.5, "rpp-B": 0.5}, RACKS),
        Node("rpp-A", {"grid": 1.0}, Behind(breaker=breaker)),
        Node("rpp-B", {"grid": 1.0}, Behind(breaker=breaker)),
    ]
    bench = Bench(nodes, {"racks": 1.2 * rated})
    bench.to(200_000.0)  # long enough to be warm
    assert bench.events == []
    bench.lose(200_000.0, "rpp-A")
    bench.to(300_000.0)
    trip = thermal_trip(0.36, 1.2, 9050.0, 10.0)
    assert bench.when("breaker trip", "rpp-B") == pytest.approx([200_000.0 + trip], abs=0.1)
    assert bench.who("dropped") == ["racks"]


def test_the_largest_load_a_breaker_carries_for_ever_is_its_rating():
    breaker = entry("breaker-lv-4000a")
    rated = breaker.rated_va() * 0.95
    bench = Bench(
        [Node("racks", {"rpp": 1.0}, RACKS), Node("rpp", {"grid": 1.0}, Behind(breaker=breaker))], {"racks": rated}
    )
    bench.to(1e6)
    assert bench.events == []
    bench.draw(racks=1.01 * rated)
    bench.to(2e6)
    assert bench.who("breaker trip") == ["rpp"]


def test_a_relay_acts_before_the_thermal_element():
    breaker = entry("breaker-mv-1250a")
    rated = breaker.rated_va() * 0.95
    bench = Bench(
        [Node("racks", {"mv": 1.0}, RACKS), Node("mv", {"grid": 1.0}, Behind(breaker=breaker))], {"racks": 2.4 * rated}
    )
    bench.to(100.0)
    assert bench.when("breaker trip") == pytest.approx([0.3 * 0.14 / (2.0**0.02 - 1.0)])


def test_a_breaker_is_closed_again_by_a_person():
    breaker = entry("breaker-mv-1250a")
    rated = breaker.rated_va() * 0.95
    pumps = Behind(load="mechanical")
    bench = Bench(
        [Node("pumps", {"mv": 1.0}, pumps), Node("mv", {"grid": 1.0}, Behind(breaker=breaker))], {"pumps": 2.4 * rated}
    )
    bench.to(100.0)
    assert not bench.powered("pumps")
    bench.draw(pumps=0.5 * rated)
    bench.mend(200.0, "mv", 0)
    assert bench.powered("pumps")
    assert bench.when("back", "pumps") == [200.0]


# --------------------------------------------------------------------------------------------- rack batteries
def test_a_bbu_takes_over_within_the_hold_up_and_lasts_four_minutes():
    shelf = Behind(load="racks", store=entry("bbu-orv3-5500w"), stores=6)
    bench = Bench([Node("rack", {"grid": 1.0}, shelf)], {"rack": 33e3})
    bench.utility(10.0, 0.0)
    bench.to(300.0)
    assert bench.when("back", "rack") == pytest.approx([10.004])
    assert bench.when("battery empty") == pytest.approx([250.0], abs=0.3)
    assert bench.when("dropped") == pytest.approx([bench.when("battery empty")[0] + 0.02])


def test_supplies_alone_hold_20_ms():
    bench = Bench([Node("rack", {"grid": 1.0}, RACKS)], {"rack": 33e3})
    bench.utility(10.0, 0.0)
    bench.utility(10.019, 1.0)
    bench.to(20.0)
    assert bench.powered("rack")
    bench.utility(20.0, 0.0)
    bench.utility(20.021, 1.0)
    bench.to(30.0)
    assert not bench.powered("rack")
    assert bench.when("dropped") == pytest.approx([20.02])


def test_losing_one_of_a_bank_loads_what_is_left():
    nodes = [
        Node("racks", {"ups": 1.0}, RACKS),
        Node("ups", {"grid": 1.0}, Behind(device=UPS, store=BATTERY, stores=4), 4 * RATED, units=4),
    ]
    bench = Bench(nodes, {"racks": 3.0 * RATED})
    bench.lose(10.0, "ups")
    bench.to(1e5)
    assert bench.who("overload trip") == []
    bench.lose(1e5, "ups")  # 150 % on each of two
    bench.to(2e5)
    assert bench.when("overload trip")[0] == pytest.approx(1e5 + 60.0)
    assert math.isfinite(bench.when("dropped")[0])
