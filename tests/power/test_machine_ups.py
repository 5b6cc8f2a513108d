"""A machine on its UPSs: what survivors see when one is lost, overloads, bypass, transfer switches, sags."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.power.nets import Bench, Node, entry
from twin.power.machine import Behind
from twin.power.machine_state import BATTERY as BATTERY_MODE
from twin.power.machine_state import BYPASS

UPS = entry("ups-galaxy-vxl-1250")
BATTERY = entry("ups-battery-2500kw-5min")
RATED = 1e6
BLOCKS = ["".join(pair) for pair in combinations("ABCD", 2)]
RACKS = Behind(load="racks")


def four_n_three(load: float, **ups: float) -> Bench:
    """Six blocks of racks with two cords each, on four systems of 1 MW that are ``load`` full; lossless."""
    device = entry("ups-galaxy-vxl-1250", **ups)
    each = load * 4 * RATED / 6
    blocks = [Node(b, {f"ups-{b[0]}": 0.5, f"ups-{b[1]}": 0.5}, RACKS) for b in BLOCKS]
    units = [
        Node(f"ups-{s}", {"bus": 1.0}, Behind(device=device, store=BATTERY), RATED) for s in "ABCD"
    ]  # fmt: skip
    bench = Bench([*blocks, *units, Node("bus", {"grid": 1.0})], dict.fromkeys(BLOCKS, each))
    bench.to(100.0)
    assert bench.events == []
    return bench


def loads(bench: Bench) -> dict[str, float]:
    return {s: bench.power(f"ups-{s}") / RATED for s in "ABCD"}


@pytest.mark.parametrize("lost", "ABCD")
def test_4n3_at_75_percent_rides_through_the_loss_of_any_ups(lost):
    """V27: 100 % on each survivor, for ever; no rack notices."""
    bench = four_n_three(0.75)
    bench.lose(100.0, f"ups-{lost}")
    bench.to(100_000.0)
    assert {e.what for e in bench.events} == {"loses its source", "transferred"}
    assert bench.who("loses its source") == [f"ups-{lost}"]
    assert sorted(bench.who("transferred")) == [b for b in BLOCKS if lost in b]
    assert loads(bench) == pytest.approx({s: 0.0 if s == lost else 1.0 for s in "ABCD"}, abs=1e-12)
    assert all(map(bench.powered, BLOCKS))


def test_4n3_at_100_percent_gives_survivors_a_minute_on_mains_and_then_their_bypass():
    """V27: 133.3 % on each survivor. Their bypasses carry it for a minute more; then they are lost one and all."""
    bench = four_n_three(1.0)
    bench.lose(100.0, "ups-A")
    assert loads(bench) == pytest.approx({"A": 0.0, "B": 4 / 3, "C": 4 / 3, "D": 4 / 3})
    bench.to(159.9)
    assert bench.when("overload trip") == []
    bench.to(219.0)
    assert bench.when("overload trip") == pytest.approx([160.0] * 3)
    assert sorted(bench.who("on bypass")) == ["ups-B", "ups-C", "ups-D"]
    assert all(map(bench.powered, BLOCKS))
    bench.to(300.0)
    assert bench.when("dropped") == pytest.approx([220.02] * 6)
    assert sorted(bench.who("dropped")) == BLOCKS


def test_shedding_within_the_minute_saves_the_rest():
    bench = four_n_three(1.0)
    bench.lose(100.0, "ups-A")
    bench.to(159.0)
    bench.draw(**dict.fromkeys(BLOCKS, 0.75 * 4 * RATED / 6))
    bench.to(100_000.0)
    assert {e.what for e in bench.events} == {"loses its source", "transferred"}
    assert loads(bench)["B"] == pytest.approx(1.0)


def test_shedding_on_the_bypass_brings_the_inverters_back_when_they_have_rested():
    bench = four_n_three(1.0)
    bench.lose(100.0, "ups-A")
    bench.to(200.0)
    bench.draw(**dict.fromkeys(BLOCKS, 0.6 * 4 * RATED / 6))
    bench.to(10_000.0)
    assert bench.who("dropped") == []
    assert UPS.overload_mains is not None
    assert bench.when("back") == pytest.approx([160.0 + UPS.overload_mains.recovery_s] * 3)


def test_without_a_bypass_in_tolerance_the_overload_loses_all_racks():
    """At 88 % of the voltage the UPSs stay on mains, but their bypass does not accept it."""
    bench = four_n_three(1.0)
    bench.utility(100.0, 0.88)
    assert bench.who("on battery") == []
    bench.lose(101.0, "ups-A")
    bench.to(200.0)
    assert bench.when("overload trip") == pytest.approx([161.0] * 3)
    assert bench.who("on bypass") == []
    assert sorted(bench.who("dropped")) == BLOCKS
    assert bench.when("dropped") == pytest.approx([161.02] * 6)
    assert not any(map(bench.powered, BLOCKS))


def test_on_battery_there_is_no_time_at_all():
    """Above 110 % a UPS on battery trips at once; with the mains gone there is no bypass."""
    bench = four_n_three(1.0)
    bench.utility(100.0, 0.0)
    bench.lose(130.0, "ups-A")
    assert all(map(bench.powered, BLOCKS))
    bench.to(131.0)
    assert bench.when("overload trip") == [130.0] * 3
    assert bench.when("dropped") == pytest.approx([130.02] * 6)
    assert sorted(bench.who("dropped")) == BLOCKS
    bench.utility(140.0, 1.0)
    bench.to(1000.0)
    assert not any(map(bench.powered, BLOCKS))  # what has dropped waits for a person


def test_on_battery_with_the_mains_there_the_bypass_takes_it():
    bench = four_n_three(1.0)
    bench.utility(100.0, 0.0)
    bench.utility(120.0, 1.0)
    bench.lose(125.0, "ups-A")  # the others have not begun to walk in
    bench.to(126.0)
    assert sorted(bench.who("on bypass")) == ["ups-B", "ups-C", "ups-D"]
    assert bench.who("dropped") == []


def test_up_to_110_percent_a_battery_carries_a_minute():
    bench = four_n_three(0.75 * 1.08)
    bench.utility(100.0, 0.0)
    bench.lose(110.0, "ups-B")
    bench.to(200.0)
    assert bench.when("overload trip") == pytest.approx([170.0] * 3)
    assert sorted(bench.who("dropped")) == BLOCKS


def test_who_is_started_again_has_its_power_back():
    bench = four_n_three(1.0)
    bench.utility(100.0, 0.0)
    bench.lose(130.0, "ups-A")
    bench.utility(140.0, 1.0)
    bench.mend(150.0, "ups-A")
    for s in "BCD":
        bench.reset(160.0, f"ups-{s}")
    assert not any(map(bench.powered, BLOCKS))
    for b in BLOCKS:
        bench.reset(170.0, b)
    bench.to(10_000.0)
    assert all(map(bench.powered, BLOCKS))
    assert loads(bench) == pytest.approx(dict.fromkeys("ABCD", 1.0))


# ----------------------------------------------------------------------------------------- block redundancy
def catcher() -> Bench:
    """Three primaries at 100 % and a catcher, each block behind a static transfer switch."""
    switch = entry("sts-2500kw")
    blocks = [Node(f"racks-{k}", {f"sts-{k}": 1.0}, RACKS) for k in (1, 2, 3)]
    switches = [Node(f"sts-{k}", {f"ups-{k}": 1.0, "ups-catcher": 0.0}, Behind(device=switch)) for k in (1, 2, 3)]
    units = [
        Node(f"ups-{k}", {"bus": 1.0}, Behind(device=UPS, store=BATTERY), RATED) for k in (1, 2, 3, "catcher")
    ]  # fmt: skip
    bench = Bench([*blocks, *switches, *units, Node("bus", {"grid": 1.0})], {f"racks-{k}": RATED for k in (1, 2, 3)})
    bench.to(10.0)
    return bench


def test_a_catcher_goes_from_nothing_to_full_within_the_hold_up_of_the_racks():
    bench = catcher()
    assert bench.power("ups-catcher") == 0.0
    bench.lose(10.0, "ups-1")
    assert bench.powered("racks-1")  # rides through
    bench.to(10_000.0)
    assert bench.power("ups-catcher") == pytest.approx(RATED)
    assert bench.who("transferred") == ["sts-1"]
    assert bench.when("back", "racks-1") == pytest.approx([10.0045])
    assert bench.who("dropped") == []


def test_a_second_loss_is_not_covered():
    """The catcher sees 200 %, beyond its table and that of its bypass: both blocks are lost, the third is not."""
    bench = catcher()
    bench.lose(10.0, "ups-1")
    bench.lose(20.0, "ups-2")
    bench.to(100.0)
    assert sorted(bench.who("dropped")) == ["racks-1", "racks-2"]
    assert bench.powered("racks-3")


def test_a_switch_goes_back_when_its_source_has_been_good_for_a_while():
    bench = catcher()
    bench.lose(10.0, "ups-1")
    bench.mend(20.0, "ups-1")
    bench.to(29.0)
    assert bench.power("ups-catcher") == pytest.approx(RATED)
    bench.to(40.0)
    assert bench.when("retransferred", "sts-1") == pytest.approx([30.0])
    assert bench.power("ups-catcher") == 0.0
    assert bench.who("dropped") == []


def test_a_switch_with_contacts_is_too_slow_for_racks_and_fast_enough_before_a_ups():
    slow = entry("ats-2500kw")
    nodes = [
        Node("bare", {"ats": 1.0}, RACKS),
        Node("backed", {"ups": 1.0}, RACKS),
        Node("ups", {"ats": 1.0}, Behind(device=UPS, store=BATTERY), RATED),
        Node("ats", {"one": 1.0, "two": 0.0}, Behind(device=slow)),
        Node("one", {"grid": 1.0}),
        Node("two", {"grid": 1.0}),
    ]
    bench = Bench(nodes, {"bare": 1e5, "backed": 5e5})
    bench.lose(10.0, "one")
    bench.to(100.0)
    assert bench.who("dropped") == ["bare"]
    assert bench.when("on battery", "ups") == [10.0]
    assert bench.when("back", "ats") == pytest.approx([10.1])
    assert bench.when("walk-in ends", "ups") == pytest.approx([30.1])


# ---------------------------------------------------------------------------------------------------- sags
def one_ups(**ups: float) -> Bench:
    device = entry("ups-galaxy-vxl-1250", **ups)
    nodes = [
        Node("racks", {"ups": 1.0}, RACKS),
        Node("ups", {"grid": 1.0}, Behind(device=device, store=BATTERY), RATED),
    ]
    return Bench(nodes, {"racks": 0.5 * RATED})


def test_a_sag_outside_the_window_goes_to_battery_and_walks_in_again():
    bench = one_ups()
    bench.utility(10.0, 0.7)
    assert bench.when("on battery") == [10.0]
    bench.utility(10.2, 1.0)
    assert bench.power("ups") == pytest.approx(0.5 * RATED)
    bench.to(20.1)
    assert bench.machine.state.grid_w == 0.0
    bench.to(20.2 + 4.6)  # half-way up: the fifth step of ten
    assert bench.machine.state.grid_w == pytest.approx(0.45 * 0.5 * RATED)
    bench.to(31.0)
    assert bench.when("walk-in ends") == pytest.approx([30.2])
    assert bench.machine.state.grid_w > 0.5 * RATED  # it recharges
    bench.to(5000.0)
    assert bench.soc("ups") == 1.0
    assert bench.machine.state.grid_w == pytest.approx(0.5 * RATED)


def test_a_sag_within_the_window_is_not_seen():
    bench = one_ups()
    bench.utility(10.0, 0.86)
    bench.to(100.0)
    assert bench.events == []


@pytest.mark.parametrize(("hertz", "leaves"), [(59.0, False), (57.5, False), (56.5, True), (63.5, True)])
def test_a_frequency_out_of_its_band_goes_to_battery(hertz, leaves):
    bench = one_ups()
    bench.utility(10.0, 1.0, hertz)
    assert bool(bench.when("on battery")) == leaves


def sags(bench: Bench, *instants: float) -> None:
    for t in instants:
        bench.utility(t, 0.7)
        bench.utility(t + 0.1, 1.0)


def test_three_sags_inside_the_window_lock_a_ups_on_battery_until_a_person_comes():
    """July 2024: the load has left the grid though the voltage is back."""
    bench = one_ups(return_s=1.0, walk_in_s=1.0)
    sags(bench, 10.0, 25.0, 40.0)
    assert bench.when("locked on battery") == [40.0]
    bench.to(100.0)
    assert bench.machine.state.grid_w == 0.0
    assert bench.powered("racks")
    bench.reset(120.0, "ups")
    bench.to(200.0)
    assert bench.machine.state.grid_w > 0.5 * RATED


def test_sags_that_lie_apart_do_not_count():
    bench = one_ups(return_s=1.0, walk_in_s=1.0)
    sags(bench, 10.0, 45.0, 80.0, 115.0)
    bench.to(200.0)
    assert bench.when("locked on battery") == []


def test_sags_count_while_it_is_on_battery_too():
    """Six faults within a minute and a half: it has not walked in before the third comes."""
    bench = one_ups(return_s=30.0)
    sags(bench, 10.0, 12.0, 14.0, 16.0)
    assert bench.when("on battery") == [10.0]
    assert bench.when("locked on battery") == [14.0]


def test_a_ups_that_counts_nothing_comes_back_after_every_sag():
    device = entry("ups-97-double-conversion")
    nodes = [
        Node("racks", {"ups": 1.0}, RACKS),
        Node("ups", {"grid": 1.0}, Behind(device=device, store=BATTERY), RATED),
    ]
    bench = Bench(nodes, {"racks": 0.5 * RATED})
    sags(bench, *map(float, range(10, 30)))
    bench.to(60.0)
    assert bench.when("locked on battery") == []
    assert len(bench.when("walk-in ends")) == 1


def test_a_locked_ups_that_is_empty_has_its_bypass():
    bench = one_ups(return_s=1.0, walk_in_s=1.0)
    sags(bench, 10.0, 25.0, 40.0)
    bench.to(10_000.0)
    assert len(bench.when("battery empty")) == 1
    assert bench.who("on bypass") == ["ups"]
    assert bench.powered("racks")
    assert bench.machine.state.grid_w == pytest.approx(0.5 * RATED)


def test_a_bypass_by_hand_has_no_battery_behind_it_until_it_is_reset():
    bench = one_ups()
    bench.switch(10.0, "ups", BYPASS)
    bench.to(100.0)
    assert bench.machine.state.grid_w == pytest.approx(0.5 * RATED)
    bench.reset(100.0, "ups")
    bench.utility(200.0, 0.0)
    bench.utility(220.0, 1.0)
    bench.to(300.0)
    assert bench.powered("racks")
    bench.switch(300.0, "ups", BYPASS)
    bench.utility(400.0, 0.0)
    bench.to(401.0)
    assert not bench.powered("racks")


def test_a_ups_on_battery_by_hand_takes_nothing_from_the_grid():
    bench = one_ups()
    bench.switch(10.0, "ups", BATTERY_MODE)
    assert bench.machine.state.grid_w == 0.0
    bench.to(100.0)
    assert bench.machine.state.grid_w == 0.0
    bench.reset(100.0, "ups")
    bench.to(121.0)
    assert bench.machine.state.grid_w > 0.5 * RATED


def test_what_is_due_when_the_load_changes_comes_first():
    """The minute of an overload is over at the very instant at which the load falls: too late."""
    for late, dropped in ((160.0, True), (159.999, False)):
        bench = four_n_three(1.0)
        bench.utility(100.0, 0.88)  # no bypass
        bench.lose(100.0, "ups-A")
        bench.to(late)
        bench.draw(**dict.fromkeys(BLOCKS, 0.5 * 4 * RATED / 6))
        bench.to(200.0)
        assert bool(bench.who("dropped")) == dropped
