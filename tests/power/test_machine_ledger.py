"""What holds for every machine, whatever happens to it: the ledger, the stores, who is dead, how time is cut, names."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.power.nets import Bench, Node, entry
from twin.power.machine import Behind
from twin.power.machine_state import BATTERY, BYPASS, WORDS
from twin.power.network import solve

UPS = entry("ups-galaxy-vxl-1250", return_s=3.0, walk_in_s=4.0, sag_count=2)
BATTERIES = [entry("ups-battery-90s", energy_kwh=20.0), entry("ups-battery-2500kw-5min")]
SETS = [
    entry("genset-2500kw", retransfer_s=60.0, minimum_run_s=30.0, cooldown_s=60.0),
    entry("genset-3mw-open", retransfer_s=40.0, minimum_run_s=0.0, cooldown_s=20.0, tank_h=0.02),
]
SWITCHES = [entry("sts-2500kw"), entry("ats-2500kw", return_s=20.0)]
BREAKER = entry("breaker-mv-1250a", rated_a=15.0)
UPS_LAW, LINE = (0.006, 0.012, 0.012), (0.0, 0.0, 0.01)


class Case(NamedTuple):
    nodes: list[Node]
    demand: dict[str, float]
    failing: dict[str, int]


@st.composite
def cases(draw) -> Case:
    """Busbars with or without sets, UPSs, panels, loads with one cord or two, some behind a switch."""
    share = st.floats(0.1, 0.9)
    buses = [f"bus-{k}" for k in range(draw(st.integers(1, 2)))]
    units = [f"ups-{k}" for k in range(draw(st.integers(1, 3)))]
    top, middle, lower = [], [], []
    demand: dict[str, float] = {}
    failing: dict[str, int] = {}
    for name in buses:
        sets = draw(st.integers(0, 4))
        behind = Behind(generator=draw(st.sampled_from(SETS)), sets=sets) if sets else Behind()
        failing |= {name: draw(st.integers(0, 1))} if sets else {}
        top.append(Node(name, {"grid": 1.0}, behind, 20e6, LINE))
    for name in units:
        first = draw(st.sampled_from(buses))
        feeds = {first: 1.0} | {other: 0.0 for other in buses if other != first and draw(st.booleans())}
        behind = Behind(device=UPS, store=draw(st.sampled_from(BATTERIES)), stores=draw(st.integers(1, 2)))
        middle.append(Node(name, feeds, behind, 2.5e6, UPS_LAW, 2))
    for k in range(draw(st.integers(1, 5))):
        first = draw(st.sampled_from(units))
        others = [u for u in units if u != first]
        name, kind = f"racks-{k}", draw(st.sampled_from(["one", "two", "switch", "bbu", "breaker"]))
        demand[name] = draw(st.floats(0.05e6, 2.5e6))
        feeds, behind = {first: 1.0}, Behind(load="racks")
        if kind == "two" and others:
            a = draw(share)
            feeds = {first: a, others[0]: 1.0 - a}
        elif kind == "switch" and others:
            device = draw(st.sampled_from(SWITCHES))
            middle.insert(0, Node(f"switch-{k}", feeds | {others[0]: 0.0}, Behind(device=device), 3e6, LINE))
            feeds = {f"switch-{k}": 1.0}
        elif kind == "bbu":
            behind = Behind(load="racks", store=entry("bbu-orv3-5500w"), stores=300)
        elif kind == "breaker":
            middle.insert(0, Node(f"panel-{k}", feeds, Behind(breaker=BREAKER), 3e6, LINE))
            feeds = {f"panel-{k}": 1.0}
        lower.append(Node(name, feeds, behind))
    for k in range(draw(st.integers(0, 3))):
        demand[f"pumps-{k}"] = draw(st.floats(0.01e6, 3e6))
        lower.append(Node(f"pumps-{k}", {draw(st.sampled_from(buses + units)): 1.0}, Behind(load="mechanical")))
    nodes = [
        node._replace(behind=replace(node.behind, priority=float(draw(st.integers(0, 2)) * 100 + k)))
        for k, node in enumerate(lower + middle + top)
    ]
    return Case(nodes, demand, failing)


ACTS = st.lists(
    st.tuples(
        st.floats(0.01, 120.0),
        st.sampled_from(["utility", "utility", "utility", "lose", "mend", "draw", "hertz", "sets", "switch", "reset"]),
        st.integers(0, 100),
        st.sampled_from([0.0, 0.0, 0.5, 0.75, 0.88, 1.0, 1.0]),
    ),
    min_size=1,
    max_size=10,
)


def act(bench: Bench, t: float, what: str, which: int, volt: float) -> None:
    name = bench.names[which % len(bench.names)]
    if what == "utility":
        bench.utility(t, volt)
    elif what == "hertz":
        bench.utility(t, 1.0, 55.0 + volt * 5.0)
    elif what == "lose":
        bench.lose(t, name)
    elif what == "mend":
        bench.mend(t, name)
    elif what == "reset":
        bench.reset(t, name)
    elif what == "switch" and name.startswith("ups"):
        bench.switch(t, name, BATTERY if volt > 0.5 else BYPASS)
    elif what == "sets" and name in bench.sets:
        bench.lose_sets(t, name, 1)
    else:
        bench.to(t)
    if what == "draw":
        bench.draw(**{k: 0.7 * bench.demand[bench.at[k]] for k in bench.names if k.startswith("racks")})


def play(case: Case, acts: list, cuts: int = 1, nodes: list[Node] | None = None, look=None) -> Bench:
    """A machine through all the acts; the time between two is cut into ``cuts`` parts."""
    bench = Bench(nodes or case.nodes, case.demand, failing=case.failing)
    names = [node.name for node in case.nodes]
    for seconds, what, which, volt in [*acts, (400.0, "utility", 0, 1.0), (600.0, "draw", 0, 0.0)]:
        start = bench.now
        for k in range(1, cuts):
            bench.to(start + seconds * k / cuts)
            if look:
                look(bench)
        act(bench, start + seconds, what, bench.at[names[which % len(names)]], volt)
        if look:
            look(bench)
    return bench


def sound(bench: Bench) -> None:
    """What holds at every instant."""
    machine, s, gear = bench.machine, bench.machine.state.live, bench.machine.gear
    assert machine.residual() < 1e-12
    assert (s.energy >= gear.least - 1e-9 * gear.full).all()
    assert (s.energy <= gear.full * (1.0 + 1e-12)).all()
    dead = s.alive == 0
    assert (s.out[dead] == 0.0).all()
    assert (s.into[dead] == 0.0).all()
    assert (s.charge[dead] == 0.0).all()
    assert (s.live.sum() >= 0.0).all()
    down = (s.dropped > 0) & (gear.load > 0)
    assert (s.out[down] == 0.0).all()
    assert not machine.powered[down].any()
    assert not (machine.powered & dead & (gear.load == 0)).any()
    assert ((s.mode == BATTERY) & (gear.full == 0.0)).sum() == 0
    assert (machine.fuel >= -1e-12).all()


@settings(deadline=None, max_examples=250, derandomize=True)
@given(case=cases(), acts=ACTS)
def test_the_ledger_closes_and_nobody_is_dead_and_served(case, acts):
    bench = play(case, acts, cuts=3, look=sound)
    e, gear = bench.machine.energy, bench.machine.gear
    moved = gear.eta_c * e["charged"] - e["discharged"] / gear.eta_d
    scale = max(gear.full.max(), e["charged"].max(), 1.0)
    assert bench.machine.state.live.energy - gear.full == pytest.approx(moved, abs=1e-9 * scale)
    assert all(event.what in WORDS for event in bench.events)
    assert [event.t_s for event in bench.events] == sorted(event.t_s for event in bench.events)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(case=cases(), acts=ACTS)
def test_what_has_dropped_waits_for_a_person(case, acts):
    down: set[str] = set()

    def look(bench: Bench) -> None:
        now = {k for k in bench.names if k.startswith("racks") and bench.machine.state.live.dropped[bench.at[k]]}
        assert down <= now
        down.update(now)

    play(case, [one for one in acts if one[1] != "reset"], look=look)


def same(one: Bench, two: Bench) -> None:
    """Equal energies by node and equal events, whatever the order of the nodes."""
    for key, by_node in one.machine.energy.items():
        other = two.machine.energy[key]
        if key != "grid":
            other = other[[two.at[name] for name in one.names]]
        scale = max(1.0, float(np.abs(by_node).max()))
        assert other == pytest.approx(by_node, abs=1e-9 * scale), key
    told = [
        sorted((round(e.t_s, 5), e.what, b.names[e.node]) for e in b.events if e.t_s < b.now - 1e-3)
        for b in (one, two)
    ]  # fmt: skip
    assert [x[1:] for x in told[0]] == [x[1:] for x in told[1]]
    assert [x[0] for x in told[1]] == pytest.approx([x[0] for x in told[0]], abs=2e-5)


@settings(deadline=None, max_examples=100, derandomize=True)
@given(case=cases(), acts=ACTS, cuts=st.integers(2, 9))
def test_how_time_is_cut_changes_nothing(case, acts, cuts):
    same(play(case, acts), play(case, acts, cuts=cuts))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(case=cases(), acts=ACTS, seed=st.integers(0, 2**31))
def test_the_order_of_the_nodes_changes_nothing(case, acts, seed):
    """Any order in which children stand before those that feed them."""
    rng = np.random.default_rng(seed)
    left, order = list(case.nodes), []
    while left:
        free = [n for n in left if not any(n.name in other.feeds for other in left)]
        order.append(free[int(rng.integers(len(free)))])
        left.remove(order[-1])
    same(play(case, acts), play(case, acts, nodes=order))


@settings(deadline=None, max_examples=100, derandomize=True)
@given(case=cases(), lost=st.lists(st.integers(0, 100), max_size=4))
def test_with_nothing_behind_them_nodes_carry_what_the_network_says(case, lost):
    """Against :func:`twin.power.network.solve`, which knows no time."""
    bench = Bench([node._replace(behind=Behind()) for node in case.nodes], case.demand)
    up = np.ones(len(bench.names))
    for k in lost:
        n = k % len(up)
        bench.lose(0.0, bench.names[n])
        up[n] = max(0.0, up[n] - 1.0 / bench.machine.net.units[n])
    found, wanted = bench.machine.flows, solve(bench.machine.net, bench.demand, up)
    assert np.array_equal(found.alive, wanted.alive)
    assert found.grid == pytest.approx(wanted.grid)
    for key in ("out", "into", "live"):
        assert getattr(found, key) == pytest.approx(getattr(wanted, key)), key


def test_a_state_that_is_kept_goes_on_as_if_nothing_had_been():
    nodes = [
        Node("racks", {"ups": 1.0}, Behind(load="racks")),
        Node("ups", {"bus": 1.0}, Behind(device=UPS, store=BATTERIES[0]), 2.5e6, UPS_LAW),
        Node("bus", {"grid": 1.0}, Behind(generator=SETS[0], sets=2), 20e6, LINE),
    ]
    bench = Bench(nodes, {"racks": 1.5e6})
    bench.utility(10.0, 0.0)
    bench.to(16.0)
    kept, mark = bench.machine.state.copy(), len(bench.events)
    bench.to(500.0)
    first, energies = bench.events[mark:], {k: v.copy() for k, v in bench.machine.energy.items()}
    bench.machine.restore(kept, bench.demand)
    del bench.events[mark:]
    bench.to(500.0)
    assert bench.events[mark:] == first
    assert all(np.array_equal(v, energies[k]) for k, v in bench.machine.energy.items())


def test_the_next_event_is_where_the_next_event_is():
    bench = Bench([Node("racks", {"grid": 1.0}, Behind(load="racks"))], {"racks": 1e5})
    assert bench.machine.next_event(0.0, bench.demand) == np.inf
    bench.utility(5.0, 0.0)
    assert bench.machine.next_event(5.0, bench.demand) == pytest.approx(5.02)


def test_time_goes_forward_only():
    bench = Bench([Node("racks", {"grid": 1.0}, Behind(load="racks"))], {"racks": 1e5})
    bench.to(10.0)
    with pytest.raises(ValueError, match="stands at 10"):
        bench.machine.advance(5.0, 20.0, bench.demand)
    with pytest.raises(ValueError, match="has passed"):
        bench.machine.utility(5.0, 0.0)
    with pytest.raises(ValueError, match="no generators"):
        Bench([Node("racks", {"grid": 1.0}, Behind(load="racks"))], {}, failing={"racks": 1})


@pytest.mark.parametrize("cut", [10.004, 10.02, 14.0, 24.0, 47.5, 27.0])
def test_an_event_at_the_very_end_of_a_call_belongs_to_the_next(cut):
    nodes = [
        Node("rack", {"ups": 1.0}, Behind(load="racks", store=entry("bbu-orv3-5500w"), stores=6)),
        Node("bare", {"bus": 1.0}, Behind(load="racks", store=entry("bbu-orv3-5500w"), stores=6)),
        Node("ups", {"bus": 1.0}, Behind(device=UPS, store=BATTERIES[0]), 2.5e6, UPS_LAW),
        Node("bus", {"grid": 1.0}, Behind(generator=SETS[0], sets=3), 20e6, LINE),
    ]
    whole, cutted = (Bench(nodes, {"rack": 30e3, "bare": 30e3}) for _ in range(2))
    for bench in (whole, cutted):
        bench.utility(10.0, 0.0)
    cutted.to(cut)
    assert all(event.t_s < cut for event in cutted.events)
    for bench in (whole, cutted):
        bench.to(200.0)
    same(whole, cutted)
