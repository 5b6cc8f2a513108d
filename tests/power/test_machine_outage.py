"""A machine without its utility: batteries, start, block loads, walk-in, recharge, retransfer, and what fails of it."""

from __future__ import annotations

import math

import pytest

from tests.power.nets import Bench, Node, entry
from twin.power.generator import capability
from twin.power.machine import Behind, drawn_failures, failing_sets

UPS = entry("ups-galaxy-vxl-1250")
BATTERY = entry("ups-battery-2500kw-5min")
SET = entry("genset-2500kw")
LAW = (0.006, 0.012, 0.012)
RACKS_W, PUMPS_W, PLANT_W = 8e6, 0.3e6, 2e6
CALL = 100.0 + SET.detect_s.value
FIRST = CALL + SET.start_s.value


def campus(sets: int = 6, **options: float) -> Bench:
    """8 MW of racks and their pumps behind four UPSs, a chiller plant of 2 MW, sets of 2.5 MW on the busbar."""
    battery = entry("ups-battery-2500kw-5min", **{k: v for k, v in options.items() if k == "energy_kwh"})
    generator = entry("genset-2500kw", **{k: v for k, v in options.items() if k in type(SET).model_fields})
    failing = {"bus": int(options["failing"])} if "failing" in options else {}
    nodes = [
        Node("racks", {"ups": 1.0}, Behind(load="racks")),
        Node("pumps", {"ups": 1.0}, Behind(load="mechanical")),
        Node("chillers", {"bus": 1.0}, Behind(load="mechanical", priority=1.0)),
        Node("lights", {"bus": 1.0}, Behind(load="mechanical", priority=2.0)),
        Node("ups", {"bus": 1.0}, Behind(device=UPS, store=battery, stores=4, priority=0.0), 10e6, LAW, 8),
        Node("bus", {"grid": 1.0}, Behind(generator=generator, sets=sets), 50e6, (0.0, 0.0, 0.005)),
    ]
    bench = Bench(nodes, {"racks": RACKS_W, "pumps": PUMPS_W, "chillers": PLANT_W, "lights": 0.1e6}, failing=failing)
    bench.to(100.0)
    assert bench.events == []
    return bench


def closed(bench: Bench) -> None:
    """The ledger, of the network and of each store."""
    assert bench.machine.residual() < 1e-12
    e, gear = bench.machine.energy, bench.machine.gear
    moved = gear.eta_c * e["charged"] - e["discharged"] / gear.eta_d
    assert bench.machine.state.live.energy - gear.full == pytest.approx(moved, abs=1e-9 * gear.full.max())


def test_a_loss_of_utility_runs_through_all_its_stages_in_order():
    bench = campus()
    bench.utility(100.0, 0.7)  # first a sag, then nothing
    bench.utility(100.5, 0.0)
    bench.utility(1000.0, 1.0)
    bench.to(10_000.0)
    marks = [
        bench.when("on battery", "ups")[0], bench.when("generator starts")[0], bench.when("generator ready")[0],
        bench.when("load accepted", "ups")[0], bench.when("walk-in ends", "ups")[0], bench.when("recharged", "ups")[0],
        bench.when("retransferred", "bus")[0],
    ]  # fmt: skip
    assert marks == sorted(marks)
    assert marks[:3] == pytest.approx([100.0, CALL, FIRST])
    assert marks[4] == pytest.approx(marks[3] + 20.0)  # 10 s of a good input, 10 s of walk-in
    assert marks[6] == pytest.approx(1000.0 + SET.retransfer_s.value)
    assert bench.who("dropped") == ["chillers", "lights"]
    assert all(map(bench.powered, ("racks", "pumps", "chillers", "lights")))
    assert bench.soc("ups") == 1.0
    closed(bench)


def test_racks_see_nothing_and_get_all_their_energy():
    bench = campus()
    bench.utility(100.0, 0.0)
    bench.utility(1000.0, 1.0)
    bench.to(2000.0)
    delivered = bench.machine.energy["delivered"]
    assert delivered[bench.at["racks"]] == pytest.approx(RACKS_W * 2000.0)
    assert bench.machine.energy["unserved"][bench.at["racks"]] == 0.0
    away = bench.when("back", "chillers")[0] - 100.0
    assert bench.machine.energy["unserved"][bench.at["chillers"]] == pytest.approx(PLANT_W * away)


def test_loads_are_accepted_in_their_order_and_never_more_than_the_plant_may_take():
    bench = campus()
    bench.utility(100.0, 0.0)
    bench.to(200.0)
    at = [bench.when("load accepted", name)[0] for name in ("ups", "chillers", "lights")]
    assert at == sorted(at)
    assert at[0] > FIRST
    need = next(e.value for e in bench.events if e.what == "load accepted")
    ready = SET.ready_s(6)

    def may(t: float) -> float:
        return capability(t - CALL - ready, 2.5e6, SET.block_share.value, 1.0 / SET.ramp_s.value)

    assert may(at[0]) >= 1.05 * need * (1.0 - 1e-9)
    assert may(at[0] - 1e-6) < 1.05 * need  # it is taken at the very instant at which it fits
    assert may(at[1]) >= 1.05 * (need + PLANT_W)


def test_what_no_set_backs_waits_for_the_utility():
    nodes = [
        Node("chillers", {"bus": 1.0}, Behind(load="mechanical")),
        Node("fountain", {"bus": 1.0}, Behind(load="mechanical", priority=math.inf)),
        Node("bus", {"grid": 1.0}, Behind(generator=SET, sets=2)),
    ]
    bench = Bench(nodes, {"chillers": 1e6, "fountain": 1e4})
    bench.utility(100.0, 0.0)
    bench.to(400.0)
    assert bench.powered("chillers")
    assert not bench.powered("fountain")
    bench.utility(400.0, 1.0)
    bench.to(400.0 + SET.retransfer_s.value - 0.1)
    assert not bench.powered("fountain")
    bench.to(400.0 + SET.retransfer_s.value + 0.1)
    assert bench.powered("fountain")


def test_a_battery_is_empty_at_its_closed_form():
    """No sets at all: racks and pumps live as long as the battery, and 20 ms more the racks."""
    bench = campus(sets=0)
    power = bench.power("ups")
    bench.utility(100.0, 0.0)
    bench.to(5000.0)
    usable = 4 * BATTERY.usable_j()
    assert bench.when("battery empty") == pytest.approx([100.0 + usable / power], rel=1e-12)
    assert bench.when("dropped", "racks") == pytest.approx([100.0 + usable / power + 0.02])
    assert bench.when("dropped", "pumps") == pytest.approx([100.0 + usable / power])
    assert bench.soc("ups") == pytest.approx(BATTERY.minimum_soc.value)
    bench.utility(5000.0, 1.0)
    bench.to(5000.1)
    assert bench.powered("pumps")
    assert not bench.powered("racks")
    closed(bench)


def test_an_old_battery_is_empty_earlier():
    health = BATTERY.health(years=8.0, cycles=200.0)
    assert health < 0.9
    ends = []
    for state in (1.0, health):
        nodes = [
            Node("racks", {"ups": 1.0}, Behind(load="racks")),
            Node("ups", {"grid": 1.0}, Behind(device=UPS, store=BATTERY, health=state), 2.5e6, LAW),
        ]
        bench = Bench(nodes, {"racks": 2e6})
        bench.utility(100.0, 0.0)
        bench.to(2000.0)
        ends.append(bench.when("battery empty")[0] - 100.0)
    assert ends[1] / ends[0] == pytest.approx(health)


def test_a_battery_that_is_shorter_than_the_start_drops_the_racks_before_the_sets_come():
    bench = campus(energy_kwh=5.0)
    power = bench.power("ups")
    bench.utility(100.0, 0.0)
    bench.to(1000.0)
    usable = 4 * entry("ups-battery-2500kw-5min", energy_kwh=5.0).usable_j()
    assert bench.when("battery empty") == pytest.approx([100.0 + usable / power])
    assert bench.when("battery empty")[0] < FIRST
    assert not bench.powered("racks")
    assert bench.powered("pumps")
    closed(bench)


def test_with_one_of_ten_missing_the_rest_carries_what_is_first_in_order():
    """Five sets would carry it all; four leave the last in order without."""
    whole, short = campus(sets=5), campus(sets=5, failing=1)
    for bench in (whole, short):
        bench.utility(100.0, 0.0)
        bench.to(1000.0)
        closed(bench)
    assert whole.who("generator failed to start") == []
    assert whole.powered("chillers")
    assert [e.value for e in short.events if e.what == "generator failed to start"] == [1.0]
    assert short.powered("racks")
    assert not short.powered("chillers")
    assert short.powered("lights")  # small enough for what is left


def test_when_no_set_starts_it_is_as_without_sets_until_the_utility_is_back():
    none, failed = campus(sets=0), campus(sets=3, failing=3)
    for bench in (none, failed):
        bench.utility(100.0, 0.0)
        bench.to(1500.0)
    assert none.when("dropped") == pytest.approx(failed.when("dropped"))
    failed.utility(1500.0, 1.0)
    failed.to(1600.0)
    assert failed.powered("chillers")


def test_too_small_a_plant_leaves_the_ups_to_its_battery():
    bench = campus(sets=2)
    bench.utility(100.0, 0.0)
    bench.to(1000.0)
    assert bench.powered("chillers")
    assert bench.who("load accepted") == ["chillers", "lights", "ups"]
    assert bench.who("battery empty") == ["ups"]
    assert not bench.powered("racks")
    assert bench.powered("pumps")  # what is left behind the UPS fits when the racks have dropped
    assert bench.power("bus") <= 2 * 2.5e6
    closed(bench)


def test_fuel_falls_with_the_energy_and_the_plant_ends_with_it():
    bench = campus(tank_h=0.5)
    bench.utility(100.0, 0.0)
    bench.to(400.0)
    tank = 6 * 2.5e6 * 1800.0
    assert bench.machine.fuel[bench.at["bus"]] == pytest.approx(1.0 - bench.machine.energy["generation"].sum() / tank)
    bench.to(20_000.0)
    assert bench.machine.energy["generation"].sum() == pytest.approx(tank)
    out = bench.when("out of fuel")
    assert len(out) == 1
    assert bench.when("on battery", "ups")[-1] == pytest.approx(out[0])
    assert bench.when("dropped", "racks")[0] > out[0]
    closed(bench)


def test_a_blink_shorter_than_the_delay_starts_no_set():
    bench = campus()
    bench.utility(100.0, 0.0)
    bench.utility(100.0 + 0.9 * SET.detect_s.value, 1.0)
    bench.to(500.0)
    assert bench.when("generator starts") == []
    assert bench.powered("chillers")
    closed(bench)


def test_a_utility_that_comes_back_during_the_crank_is_taken_and_the_sets_stop():
    bench = campus()
    bench.utility(100.0, 0.0)
    bench.utility(CALL + 3.0, 1.0)
    bench.to(5000.0)
    assert bench.when("generator ready") == []
    assert bench.machine.energy["generation"].sum() == 0.0
    closed(bench)


def test_a_utility_that_fails_again_within_the_return_time_is_not_waited_for():
    bench = campus()
    bench.utility(100.0, 0.0)
    bench.utility(500.0, 1.0)
    bench.utility(600.0, 0.0)
    bench.to(2000.0)
    assert bench.when("retransferred") == []
    assert bench.powered("chillers")
    assert len(bench.when("on battery")) == 1
    closed(bench)


def test_sets_that_still_run_take_the_load_after_the_delay_alone():
    bench = campus()
    bench.utility(100.0, 0.0)
    bench.utility(500.0, 1.0)
    bench.utility(900.0, 0.0)  # 100 s into the cooldown
    bench.to(905.0)
    assert bench.when("generator starts") == [CALL]
    assert bench.when("load accepted", "chillers")[-1] == pytest.approx(900.0 + SET.detect_s.value)


def test_an_open_transition_is_a_blink_that_the_batteries_bridge():
    bench = campus(closed_transition=False)
    bench.utility(100.0, 0.0)
    bench.utility(1000.0, 1.0)
    bench.to(5000.0)
    assert bench.when("retransferred", "bus") == [1000.0 + SET.retransfer_s.value]
    assert len(bench.when("on battery", "ups")) == 2
    assert len(bench.when("dropped", "chillers")) == 2
    assert bench.who("dropped") == ["chillers", "lights"]
    closed(bench)


def test_a_plant_that_is_overloaded_sheds_the_last_in_order_first():
    bench = campus(sets=5)
    bench.utility(100.0, 0.0)
    bench.to(250.0)
    assert bench.powered("chillers")
    assert bench.machine.state.live.charge.sum() > 0.0
    bench.draw(racks=9.82e6)
    bench.to(251.0)
    assert bench.who("load shed") == ["lights"]
    assert bench.soc("ups") < 1.0
    assert bench.machine.state.live.charge.sum() == 0.0  # recharge is the first to wait
    assert bench.power("bus") <= 5 * 2.5e6 * (1.0 + 1e-9)
    bench.draw(racks=RACKS_W)
    bench.to(400.0)
    assert not bench.powered("lights")  # what was shed stays so until the utility is back
    bench.utility(400.0, 1.0)
    bench.to(800.0)
    assert bench.powered("lights")
    assert bench.machine.state.live.charge.sum() > 0.0
    closed(bench)


def test_a_battery_on_the_busbar_of_the_sets_bridges_their_start_and_recharges_as_there_is_room():
    battery = entry("bess-10mw-20mwh", energy_kwh=500.0, start_s=0.01)
    nodes = [
        Node("racks", {"bus": 1.0}, Behind(load="racks")),
        Node("bus", {"grid": 1.0}, Behind(generator=SET, sets=4, store=battery)),
    ]
    bench = Bench(nodes, {"racks": 7e6})
    bench.utility(100.0, 0.0)
    bench.to(130.0)
    assert bench.machine.energy["discharged"].sum() > 0.0
    bench.to(150.0)
    assert bench.machine.state.live.charge.sum() == 0.0  # 5 MW would not fit beside 7 of 10
    bench.utility(400.0, 1.0)
    bench.to(710.0)
    assert bench.machine.state.live.charge.sum() > 0.0
    bench.to(3000.0)
    assert bench.who("dropped") == []
    assert bench.who("load shed") == []
    assert bench.soc("bus") == 1.0
    closed(bench)


def test_sets_that_cannot_take_all_of_a_battery_leave_it_alone_until_they_can():
    battery = entry("bess-10mw-20mwh", energy_kwh=1000.0, start_s=0.01)
    nodes = [
        Node("racks", {"bus": 1.0}, Behind(load="racks")),
        Node("pumps", {"bus": 1.0}, Behind(load="mechanical")),
        Node("bus", {"grid": 1.0}, Behind(generator=SET, sets=2, store=battery)),
    ]
    for falls in (True, False):
        bench = Bench(nodes, {"racks": 7e6, "pumps": 1e5})
        bench.utility(100.0, 0.0)
        bench.to(200.0)
        assert bench.machine.energy["generation"].sum() == 0.0
        if falls:
            bench.draw(racks=3e6)
            bench.to(201.0)
            bench.lose(201.0, "pumps")  # an event: the plant looks again
        bench.to(3000.0)
        assert bench.powered("racks") == falls
        assert bench.powered("pumps") != falls
        assert bench.machine.energy["generation"].sum() > 0.0
        closed(bench)


def test_a_set_that_stops_under_way_is_carried_by_the_others_or_sheds_what_is_last():
    bench = campus(sets=6)
    bench.utility(100.0, 0.0)
    bench.to(900.0)
    bench.lose_sets(900.0, "bus", 1)
    assert bench.who("load shed") == []
    bench.lose_sets(1000.0, "bus", 1)
    assert bench.who("load shed") == ["chillers", "lights"]
    assert bench.powered("racks")
    bench.lose_sets(1100.0, "bus", 4)
    bench.to(1200.0)
    assert bench.when("on battery", "ups") == [100.0, 1100.0]
    bench.utility(1200.0, 1.0)
    bench.to(2000.0)
    assert all(map(bench.powered, ("racks", "pumps", "chillers", "lights")))
    closed(bench)


def test_more_charge_at_the_meter_after_the_outage_than_before_it():
    """What the batteries gave comes back through their efficiencies, at a tenth of the power."""
    bench = campus(sets=0)
    before = bench.machine.state.grid_w
    bench.utility(100.0, 0.0)
    bench.utility(160.0, 1.0)
    bench.to(200.0)
    extra = bench.machine.state.grid_w - before
    assert extra == pytest.approx(4 * BATTERY.recharge_w(), rel=0.01)
    bench.to(5000.0)
    e = bench.machine.energy
    round_trip = BATTERY.charge_efficiency.value * BATTERY.discharge_efficiency.value
    assert e["discharged"].sum() / e["charged"].sum() == pytest.approx(round_trip, rel=1e-9)
    assert bench.machine.state.grid_w == pytest.approx(before)


def test_which_sets_fail_is_a_matter_of_the_seed_alone():
    sets = {3: 40, 7: 60}
    assert failing_sets(sets, 0.1, seed=4) == failing_sets(sets, 0.1, seed=4)
    assert sum(failing_sets(sets, 0.1, seed=4).values()) == 10
    assert {tuple(failing_sets(sets, 0.1, seed=k).values()) for k in range(20)} != {(4, 6)}
    behind = [Behind(), Behind(generator=entry("genset-2500kw", failure_to_start=0.5), sets=1000)]
    drawn = drawn_failures(behind, seed=1)
    assert drawn == drawn_failures(behind, seed=1)
    assert drawn[1] == pytest.approx(500, abs=60)
    assert math.isclose(sum(failing_sets(sets, 0.0).values()), 0.0)
