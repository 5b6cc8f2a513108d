"""Random radial networks of a campus, the same for our sweeps and for a load flow by pandapower.

A network is a system A and a system B of one build: HV/MV transformer, MV cables, MV/LV transformers, LV busways, of
which the lower one to four levels are there. Every load has two cords, one in each system, that share it unevenly.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from math import pi, sqrt
from typing import Any

import numpy as np

from twin.power.voltage import TOP, Branch, Radial, cords, line_branch, transformer_branch, two_sweeps

HZ = 50.0
HV, MV, LV = 110.0, 20.0, 0.4  # kV
BASE = 1e6
# EU 548/2014 Tier 2: MVA, P0 and Pk in kW (physics sheet 1.2).
SIZES = ((1.0, 0.693, 7.6), (1.6, 1.08, 12.0), (2.5, 1.575, 18.5), (3.15, 1.98, 23.0))
STEP = 0.0125  # of a tap changer
# Per rating, of the 25 and 63 MVA types of the sheet, vk 12 %.
YARD = {"iron": 0.00045, "copper": 0.0036, "vk": 0.12}
CABLE = {"r_ohm_per_km": 0.122, "x_ohm_per_km": 0.112, "c_nf_per_km": 304.0, "max_i_ka": 0.421}  # 240 mm2 Al, 20 kV
BUSWAY = {"r_ohm_per_km": 0.030, "x_ohm_per_km": 0.020, "c_nf_per_km": 0.0, "max_i_ka": 1.0}


@dataclass
class Node:
    """A node with the branch that feeds it: what is built, and its load."""

    parent: int  # in the order in which nodes are made, parents first; TOP for the source
    kind: str
    kv: float
    mva: float = 0.0
    values: tuple[float, float] = (0.0, 0.0)  # P0 and Pk in kW of a transformer
    km: float = 0.0
    count: int = 1
    tap: int = 0  # position of the tap changer; below 0 it lifts the voltage
    p: float = 0.0  # W
    q: float = 0.0


@dataclass
class Network:
    """One network, and where its nodes begin among those of all."""

    load: float
    power_factor: float
    levels: int
    first: int = 0
    nodes: list[Node] = field(default_factory=list)

    def branch(self, node: Node) -> Branch:
        """The branch of a node for our sweeps."""
        if node.kind == "transformer":
            p0, pk = node.values
            vk = YARD["vk"] if node.kv == MV else 0.06
            return transformer_branch(node.mva * 1e6, pk * 1e3, p0 * 1e3, vk, BASE, i0=0.002, tap=1.0 + node.tap * STEP)
        line = CABLE if node.kv == MV else BUSWAY
        siemens = 2.0 * pi * HZ * line["c_nf_per_km"] * 1e-9
        ohm, reactance = line["r_ohm_per_km"], line["x_ohm_per_km"]
        return line_branch(ohm, reactance, node.km, node.kv, BASE, s_km=siemens, count=node.count)

    def radial(self) -> tuple[Radial, np.ndarray, np.ndarray, np.ndarray]:
        """For our sweeps: children before parents, so the order of making is turned round."""
        n = len(self.nodes)
        parent = [TOP if node.parent == TOP else n - 1 - node.parent for node in reversed(self.nodes)]
        net = Radial.of(parent, [self.branch(node) for node in reversed(self.nodes)], BASE)
        order = np.arange(n)[::-1].copy()
        return net, order, np.array([m.p for m in self.nodes]), np.array([m.q for m in self.nodes])


def _system(made: Network, rng: np.random.Generator, plan: dict[str, Any]) -> list[int]:
    """One system; returns the nodes that carry loads."""
    leaves = []
    yard = TOP
    mva, p0, pk = SIZES[plan["size"]]
    if made.levels >= 3:
        rated = mva * plan["cables"] * plan["units"] * plan["margin"]
        values = (YARD["iron"] * rated * 1e3, YARD["copper"] * rated * 1e3)
        made.nodes.append(Node(TOP, "transformer", MV, rated, values))
        yard = len(made.nodes) - 1
    for _ in range(plan["cables"]):
        cable = TOP
        if made.levels >= 2:
            amps = mva * plan["units"] / (sqrt(3.0) * MV)
            count = int(np.ceil(amps / CABLE["max_i_ka"] / 0.9))
            made.nodes.append(Node(yard, "line", MV, km=rng.uniform(0.2, 2.0), count=count))
            cable = len(made.nodes) - 1
        for _ in range(plan["units"]):
            made.nodes.append(Node(cable, "transformer", LV, mva, (p0, pk)))
            unit = len(made.nodes) - 1
            if made.levels < 4:
                leaves.append(unit)
                continue
            for _ in range(plan["runs"]):
                count = int(np.ceil(mva / plan["runs"] / (sqrt(3.0) * LV) / BUSWAY["max_i_ka"]))
                made.nodes.append(Node(unit, "line", LV, km=rng.uniform(0.02, 0.06), count=count))
                leaves.append(len(made.nodes) - 1)
    return leaves


def network(rng: np.random.Generator) -> Network:
    """One network at a load factor of 0.1 to 1 and a power factor of 0.9 to 1."""
    made = Network(rng.uniform(0.1, 1.0), rng.uniform(0.9, 1.0), int(rng.integers(1, 5)))
    plan: dict[str, Any] = {
        "size": int(rng.integers(len(SIZES))), "cables": int(rng.integers(1, 4)), "units": int(rng.integers(1, 3)),
        "runs": int(rng.integers(1, 4)), "margin": rng.uniform(1.0, 1.3),
    }  # fmt: skip
    a, b = (np.array(_system(made, rng, plan)) for _ in range(2))
    per_leaf = SIZES[int(plan["size"])][0] * 1e6 / (plan["runs"] if made.levels == 4 else 1)
    s = 2.0 * made.load * per_leaf * rng.uniform(0.85, 1.0, len(a))  # both systems together
    p, q = s * made.power_factor, s * sqrt(1.0 - made.power_factor**2)
    node, p, q = cords(a, b, p, q, rng.uniform(0.45, 0.55, len(a)))
    for k, watt, var in zip(node, p, q, strict=True):
        made.nodes[k].p, made.nodes[k].q = float(watt), float(var)
    return made


def regulate(net: Network) -> None:
    """Tap changers of the yard: as far as it takes for 20 kV at the busbar, as every utility runs them."""
    for k, node in enumerate(net.nodes):
        if node.kind == "transformer" and node.kv == MV:
            while voltages(net)[k] < 1.0:
                node.tap -= 1


def voltages(net: Network) -> np.ndarray:
    """Of its nodes, per unit, by our sweeps."""
    radial, order, p, q = net.radial()
    found: np.ndarray = two_sweeps(radial, order, p, q).voltage[order]
    return found


def networks(count: int, seed: int) -> list[Network]:
    """``count`` networks, one after the other among the nodes of all; no tap changer is used yet."""
    rng, first, made = np.random.default_rng(seed), 0, []
    for _ in range(count):
        net = network(rng)
        net.first = first
        first += len(net.nodes)
        made.append(net)
    return made


def load_flow(made: list[Network]) -> tuple[np.ndarray, np.ndarray]:
    """Loss in W of each network and the voltage of every node, by one Newton load flow over all as islands."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandapower 3 warns about the versions of pandas beneath it
        import pandapower as pp

        net = pp.create_empty_network(f_hz=HZ)
        nodes = [node for one in made for node in one.nodes]
        owner = np.repeat(np.arange(len(made)), [len(one.nodes) for one in made])
        bus = np.asarray(pp.create_buses(net, len(nodes), [node.kv for node in nodes]))
        tops = {2: MV, 1: MV, 3: HV, 4: HV}
        source = np.asarray(pp.create_buses(net, len(made), [tops[one.levels] for one in made]))
        for at in source:
            pp.create_ext_grid(net, int(at))
        above = [
            int(source[owner[i]]) if node.parent == TOP else int(bus[made[owner[i]].first + node.parent])
            for i, node in enumerate(nodes)
        ]
        kinds = {kind: [i for i, node in enumerate(nodes) if node.kind == kind] for kind in ("transformer", "line")}
        _transformers(pp, net, nodes, kinds["transformer"], above, bus)
        _lines(pp, net, nodes, kinds["line"], above, bus)
        loaded = [i for i, node in enumerate(nodes) if node.p > 0.0]
        pp.create_loads(net, bus[loaded], [nodes[i].p / 1e6 for i in loaded], [nodes[i].q / 1e6 for i in loaded])
        pp.runpp(net, tolerance_mva=1e-9, numba=False, init="flat", calculate_voltage_angles=False)
    loss = np.bincount(owner[kinds["transformer"]], net.res_trafo.pl_mw.to_numpy() * 1e6, len(made))
    loss += np.bincount(owner[kinds["line"]], net.res_line.pl_mw.to_numpy() * 1e6, len(made))
    return loss, net.res_bus.vm_pu.to_numpy()[bus]


def _transformers(pp: Any, net: Any, nodes: list[Node], which: list[int], above: list[int], bus: np.ndarray) -> None:
    built = [nodes[i] for i in which]
    pp.create_transformers_from_parameters(
        net, [above[i] for i in which], bus[which],
        sn_mva=[node.mva for node in built],
        vn_hv_kv=[HV if node.kv == MV else MV for node in built],
        vn_lv_kv=[node.kv for node in built],
        vkr_percent=[node.values[1] / node.mva / 10.0 for node in built],
        vk_percent=[100.0 * YARD["vk"] if node.kv == MV else 6.0 for node in built],
        pfe_kw=[node.values[0] for node in built], i0_percent=[0.2] * len(built),
        tap_pos=[node.tap for node in built], tap_neutral=[0] * len(built), tap_side=["hv"] * len(built),
        tap_step_percent=[100.0 * STEP] * len(built), tap_changer_type=["Ratio"] * len(built),
    )  # fmt: skip


def _lines(pp: Any, net: Any, nodes: list[Node], which: list[int], above: list[int], bus: np.ndarray) -> None:
    types = [CABLE if nodes[i].kv == MV else BUSWAY for i in which]
    pp.create_lines_from_parameters(
        net, [above[i] for i in which], bus[which], length_km=[nodes[i].km for i in which],
        parallel=[nodes[i].count for i in which], **{key: [one[key] for one in types] for key in CABLE},
    )  # fmt: skip
