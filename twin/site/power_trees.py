"""Voltage, reactive power and losses with voltage of a site's normal state: its network as radial trees, two sweeps.

A node with several live feeds stands once on the tree of each, with the live share of its flow and of its units, so no
cord counts twice and a feed that stands by carries nothing. Voltages of such a node are the mean of its shares.

What regulates its output by electronics (UPS, converter; rack supplies do so within their racks) ends a tree: a load of
constant power, the input of its own law. Behind it the voltage is nominal and every loss that of the law. (A UPS in eco
mode passes its input through; that is not modelled.) Loads and these inputs have the power factor of the site, as in
the law. What has no impedance has no drop and keeps its loss by the law. On-load tap changers hold their busbar at 1
per unit or up to about a step above, as far as their range goes; each level of them costs one more pair of sweeps.

Equations: ``twin.power.voltage``; ``r = c pf^2`` of a feeder (``twin.power.impedance``). P of the grid = loads +
losses. Range: voltages above 0.7 per unit. Source: physics sheet 1.2, 1.3 and Corrections 8 (ties are open).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, floor, sqrt, tan

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import one
from twin.core.params import Params
from twin.core.units import KW
from twin.power.converter import Converter
from twin.power.impedance import Series
from twin.power.network import Flows
from twin.power.transformer import Transformer
from twin.power.ups import Ups
from twin.power.voltage import TOP, Branch, Flow, Radial, transformer_branch, two_sweeps
from twin.site.plan import Floats, Ints
from twin.site.power_site import PowerSite

BASE_VA = 1e7
EDGE = 1e-9
REGULATING = (Ups, Converter)


@dataclass(frozen=True)
class SiteVoltage:
    """Every node of a site's network in its normal state.

    ``voltage`` per unit at its busbar, NaN where it has no source; ``q_var`` drawn at its input, NaN behind what
    regulates; ``loss_w`` with voltage, ``law_w`` without. ``held``: regulates its output, or stands behind such.
    ``drops``: has an impedance. ``tap`` is the turns ratio per nominal.
    """

    voltage: Floats
    q_var: Floats
    loss_w: Floats
    law_w: Floats
    tap: Floats
    held: NDArray[np.bool_]
    drops: NDArray[np.bool_]
    grid_w: float
    grid_var: float


@dataclass(frozen=True)
class _Copies:
    """Nodes as they stand on the trees, children before parents: node, parent (-1: the grid), share of the flow."""

    node: Ints
    parent: Ints
    share: Floats


def site_voltage(power: PowerSite, demand: Floats, flows: Flows, power_factor: float) -> SiteVoltage:
    """Flow with voltage at ``demand`` (node) W, for which ``flows`` are those of the normal state.

    Raises ``InputError`` where the voltage collapses.
    """
    net, copies = power.net, _copies(power, flows)
    law_w = flows.into - flows.out
    ends = np.array([isinstance(device, REGULATING) for device in power.device], bool)
    branches = [
        _branch(power.device[n], int(net.units[n]), share, power_factor, carries=flows.into[n] > 0.0)
        for n, share in zip(copies.node, copies.share, strict=True)
    ]
    drops = np.array([_drops(device) for device in power.device], bool)
    # What the branch does not lose by itself stays a constant: all of it without an impedance.
    rest = np.where(ends, 0.0, law_w)
    for n in np.flatnonzero(drops):
        square = isinstance(power.device[n], Transformer)
        rest[n] = 0.0 if square else law_w[n] - net.c[n] * flows.out[n] ** 2 / net.rated[n]
    load = np.where(ends, flows.into, demand * (flows.alive > 0))
    p, q = (load + rest)[copies.node] * copies.share, load[copies.node] * copies.share * tan(acos(power_factor))
    radial, flow = _regulated(power, copies, branches, p, q)
    part = np.bincount(copies.node, copies.share, len(load))
    reached = part > 0.0

    def by_node(values: Floats) -> Floats:
        return np.bincount(copies.node, values, len(load)).astype(np.float64)

    voltage = by_node(copies.share * flow.voltage) + np.maximum(1.0 - part, 0.0)
    top = copies.parent == TOP
    held = ends | ~reached
    return SiteVoltage(
        voltage=np.where(flows.alive > 0, np.where(held, 1.0, voltage), np.nan),
        q_var=np.where(reached, by_node(flow.q_var), np.nan),
        loss_w=by_node(flow.loss_w) + np.where(ends, law_w, rest * part + law_w * np.maximum(1.0 - part, 0.0)),
        law_w=law_w,
        tap=np.where(reached, by_node(copies.share * radial.tap) + np.maximum(1.0 - part, 0.0), 1.0),
        held=held & (flows.alive > 0),
        drops=drops,
        grid_w=float(flow.p_w[top].sum()),
        grid_var=float(flow.q_var[top].sum()),
    )


def _copies(power: PowerSite, flows: Flows) -> _Copies:
    """The trees above what regulates its output."""
    net, node, parent, share = power.net, list[int](), list[int](), list[float]()
    of: list[list[int]] = [[] for _ in power.name]
    for n in range(len(power.name) - 1, -1, -1):
        for i in range(net.feed_ptr[n], net.feed_ptr[n + 1]):
            feeder, live = int(net.feed[i]), float(flows.live[i])
            if live <= 0.0 or (feeder >= 0 and isinstance(power.device[feeder], REGULATING)):
                continue
            for above in [TOP] if feeder < 0 else of[feeder]:
                of[n].append(len(node))
                node.append(n)
                parent.append(above)
                share.append(live * (1.0 if above == TOP else share[above]))
    last = len(node) - 1
    turned = [TOP if above == TOP else last - above for above in reversed(parent)]
    return _Copies(np.array(node[::-1], np.int64), np.array(turned, np.int64), np.array(share[::-1], np.float64))


def _drops(device: Params | None) -> bool:
    if isinstance(device, Transformer):
        return device.impedance_pct is not None
    return isinstance(device, Series) and device.reactance() is not None


def _branch(device: Params | None, units: int, share: float, power_factor: float, *, carries: bool) -> Branch:
    """The branch of this share of a bank; what carries nothing loses nothing, as in the law of the network."""
    if isinstance(device, Transformer) and device.impedance_pct is not None:
        i0 = device.no_load_current_pct.value / 100.0 if device.no_load_current_pct is not None else 0.0
        made = transformer_branch(
            device.rated_kva.value * KW, device.load_loss_kw.value * KW, device.no_load_loss_kw.value * KW,
            device.impedance_pct.value / 100.0, BASE_VA, i0=i0, count=units * share,
        )  # fmt: skip
        return made if carries else made._replace(g=0.0, b=0.0)
    if isinstance(device, Series) and (reactance := device.reactance()) is not None:
        rated, _, _, square = device.law(power_factor)
        scale = BASE_VA / (rated * units * share)
        return Branch(square * power_factor**2 * scale, reactance * scale, 0.0, 0.0)
    return Branch(0.0, 0.0, 0.0, 0.0)


def _regulated(
    power: PowerSite, copies: _Copies, branches: list[Branch], p: Floats, q: Floats
) -> tuple[Radial, Flow]:  # fmt: skip
    """The flow with the tap changers where they hold their busbars, from the grid down: a pair of sweeps a level."""
    taps: dict[int, tuple[float, int]] = {}
    level = np.zeros(len(copies.node), np.int64)
    for k in range(len(copies.node) - 1, -1, -1):
        device, above = power.device[copies.node[k]], copies.parent[k]
        level[k] = level[above] if above != TOP else 0
        if isinstance(device, Transformer) and _drops(device) and device.tap_step_pct and device.tap_range_pct:
            step = device.tap_step_pct.value / 100.0
            taps[k] = step, floor(device.tap_range_pct.value / 100.0 / step + EDGE)
            level[k] += 1
    tap = np.ones(len(copies.node))
    radial, flow = _swept(copies, branches, tap, p, q)
    for turn in range(1, int(level.max(initial=0)) + 1):
        for k in [k for k in taps if level[k] == turn]:
            step, most = taps[k]
            top = flow.voltage[copies.parent[k]] if copies.parent[k] != TOP else 1.0
            leaving = (flow.p_w[k] - flow.loss_w[k]) / BASE_VA, (flow.q_var[k] - flow.loss_var[k]) / BASE_VA
            position = floor((top / _needed(branches[k], *leaving) - 1.0) / step + EDGE)
            tap[k] = 1.0 + step * min(max(position, -most), most)
        radial, flow = _swept(copies, branches, tap, p, q)
    return radial, flow


def _swept(copies: _Copies, branches: list[Branch], tap: Floats, p: Floats, q: Floats) -> tuple[Radial, Flow]:
    """The flow with the tap changers where they are."""
    turned = [branch._replace(tap=ratio) for branch, ratio in zip(branches, tap.tolist(), strict=True)]
    radial = Radial.of(copies.parent.tolist(), turned, BASE_VA)
    try:
        return radial, two_sweeps(radial, np.arange(len(copies.node)), p, q)
    except ValueError as error:
        raise one(f"{error}: no flow with voltage at this load", path="electrical.elements") from None


def _needed(branch: Branch, p: float, q: float) -> float:
    """Voltage above a branch, beyond its ratio, that leaves 1 per unit below it; all per unit."""
    return sqrt(1.0 + 2.0 * (branch.r * p + branch.x * q) + (branch.r**2 + branch.x**2) * (p * p + q * q))


__all__ = ["REGULATING", "SiteVoltage", "site_voltage"]
