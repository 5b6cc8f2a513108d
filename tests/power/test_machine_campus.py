"""A campus of some four thousand nodes: a loss of utility takes seconds to follow, second by second."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np

from tests.power.nets import Bench, Node, entry
from twin.power.machine import Behind

UPS, BATTERY, SET = entry("ups-galaxy-vxl-1250"), entry("ups-battery-2500kw-5min"), entry("genset-2500kw")
UPS_LAW, LINE = (0.006, 0.012, 0.012), (0.0, 0.0, 0.01)
HALLS, PLANTS = 60, 8
RACKS_W = 0.8e6


def campus() -> Bench:
    """60 halls of 9.6 MW in 4N3, their pumps and chillers, on eight busbars of 40 sets each."""
    loads, panels, units, halls = [], [], [], []
    demand = {}
    for h in range(HALLS):
        for k, (a, b) in enumerate(list(combinations("ABCD", 2)) * 2):
            loads.append(Node(f"racks{h}-{k}", {f"rpp{h}-{k}a": 0.5, f"rpp{h}-{k}b": 0.5}, Behind(load="racks")))
            panels += [
                Node(f"rpp{h}-{k}{c}", {f"ups{h}{s}": 1.0}, Behind(), 1e6, LINE) for c, s in ((("a"), a), ("b", b))
            ]
            demand[f"racks{h}-{k}"] = RACKS_W
        for k in range(20):
            loads.append(Node(f"cdu{h}-{k}", {f"ups{h}{'ABCD'[k % 4]}": 1.0}, Behind(load="mechanical")))
            demand[f"cdu{h}-{k}"] = 1e4
        for k in range(4):
            loads.append(Node(f"chiller{h}-{k}", {f"lv{h}": 1.0}, Behind(load="mechanical")))
            demand[f"chiller{h}-{k}"] = 0.5e6
        backed = Behind(device=UPS, store=BATTERY, stores=2)
        units += [Node(f"ups{h}{s}", {f"lv{h}": 1.0}, backed, 4e6, UPS_LAW, 2) for s in "ABCD"]
        halls.append(Node(f"lv{h}", {f"mv{h % PLANTS}": 1.0}, Behind(), 20e6, LINE))
    yards = [Node(f"mv{k}", {"grid": 1.0}, Behind(generator=SET, sets=40), 200e6, LINE) for k in range(PLANTS)]
    return Bench(loads + panels + units + halls + yards, demand)


def test_ten_minutes_of_a_campus_take_seconds():
    """The demand changes every second; no rack notices, the ledger closes, and the clock of this process is kept."""
    bench = campus()
    assert len(bench.names) > 3_800
    bench.to(1.0)  # compiled
    noise = np.random.default_rng(0)
    start = time.process_time()
    for k in range(1, 600):
        if k == 60:
            bench.utility(float(k), 0.0)
        if k == 360:
            bench.utility(float(k), 1.0)
        bench.demand = bench.demand * (1.0 + 1e-4 * noise.standard_normal(len(bench.demand)))
        bench.to(float(k + 1))
    assert time.process_time() - start < 10.0  # about 2 s
    assert bench.machine.residual() < 1e-12
    assert not any(name.startswith(("racks", "cdu")) for name in bench.who("dropped"))
    assert len(bench.who("walk-in ends")) == 4 * HALLS
    assert all(bench.machine.powered)
