"""A site's trees with voltage against a load flow by pandapower over the same elements."""

from __future__ import annotations

import warnings
from math import acos, tan
from typing import Any

import numpy as np
import pytest

from twin.analysis.n1 import n1
from twin.analysis.n1_voltage import WithVoltage, with_voltage
from twin.power.impedance import Series
from twin.power.network import GRID
from twin.power.ups import Ups

YARD = """\
base: redundant-4n3
name: yard
title: Behind tap changers
electrical:
  elements:
    main-1: {device: tr-63mva-110-20, fed_from: grid}
    main-2: {device: tr-63mva-110-20, fed_from: grid}
"""
KV = 34.5  # of every medium-voltage busbar
HV, LV = 110.0, 0.48
KW = 1e3
SOURCE = "pandapower over the trees of {}"


@pytest.fixture(scope="module", params=["redundant-4n3", "yard"])
def made(request, tmp_path_factory):
    if request.param == "redundant-4n3":
        return with_voltage(n1("redundant-4n3"))
    file = tmp_path_factory.mktemp("yard") / "yard.yaml"
    file.write_text(YARD)
    return with_voltage(n1(str(file)))


def load_flow(made: WithVoltage) -> tuple[float, dict[int, float]]:
    """Losses in W of the elements above the UPSs, and the voltage of each by node."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandapower as pp

        site, flows, demand = made.found.path.site, made.found.path.normal, made.found.path.demand
        factor = made.found.loaded.site.electrical.power_factor
        net, bus = pp.create_empty_network(), dict[int, int]()
        top = {"kv": HV if any(d is not None and d.title.startswith("63 MVA") for d in site.device) else KV}
        source = int(pp.create_bus(net, top["kv"]))
        pp.create_ext_grid(net, source)
        for n in range(len(site.name) - 1, -1, -1):
            feeds = [i for i in range(site.net.feed_ptr[n], site.net.feed_ptr[n + 1]) if flows.live[i] > 0.0]
            device, ends = site.device[n], isinstance(site.device[n], Ups)
            if device is None or ends:  # a load: on the busbar of each feed that has one
                watt = flows.into[n] if ends else demand[n]
                for i in feeds:
                    if watt > 0.0 and int(site.net.feed[i]) in bus:
                        mw = watt * flows.live[i] / 1e6
                        pp.create_load(net, bus[int(site.net.feed[i])], mw, mw * tan(acos(factor)))
                continue
            (i,) = feeds
            above = int(site.net.feed[i])
            if above != GRID and above not in bus:
                continue  # behind a UPS
            start = source if above == GRID else bus[above]
            bus[n] = _element(pp, net, made, n, start)
        pp.runpp(net, tolerance_mva=1e-9, numba=False, init="flat", calculate_voltage_angles=False)
        lost = 1e6 * float(net.res_trafo.pl_mw.sum() + net.res_line.pl_mw.sum())
        return lost, {n: float(net.res_bus.vm_pu.loc[at]) for n, at in bus.items()}


def _element(pp: Any, net: Any, made: WithVoltage, n: int, start: int) -> int:
    """A transformer or a feeder of pandapower from the busbar above it; returns its own busbar."""
    site, flows = made.found.path.site, made.found.path.normal
    device, count, carries = site.device[n], int(site.net.units[n]), bool(flows.into[n] > 0.0)
    figures = {key: figure.value for key, figure in device.figures().items()} if device is not None else {}
    step = figures.get("tap_step_pct")
    if isinstance(device, Series):
        own = int(pp.create_bus(net, KV))
        factor = made.found.loaded.site.electrical.power_factor
        r_ohm = figures["square_loss"] * factor**2 * (KV * 1e3) ** 2 / (figures["rated_kw"] * KW)
        pp.create_line_from_parameters(
            net, start, own, 1.0, r_ohm_per_km=r_ohm, x_ohm_per_km=figures["reactance_mohm"] / 1e3, c_nf_per_km=0.0,
            max_i_ka=1.0, parallel=count,
        )  # fmt: skip
        return own
    taps = {} if step is None else {
        "tap_pos": round((made.flow.tap[n] - 1.0) / step * 100.0), "tap_neutral": 0, "tap_side": "hv",
        "tap_step_percent": step, "tap_changer_type": "Ratio",
    }  # fmt: skip
    own = int(pp.create_bus(net, LV if step is None else KV))
    pp.create_transformer_from_parameters(
        net, start, own, sn_mva=figures["rated_kva"] / 1e3, vn_hv_kv=KV if step is None else HV,
        vn_lv_kv=LV if step is None else KV, vk_percent=figures["impedance_pct"],
        vkr_percent=100.0 * figures["load_loss_kw"] / figures["rated_kva"],
        pfe_kw=figures["no_load_loss_kw"] if carries else 0.0,
        i0_percent=figures["no_load_current_pct"] if carries else 0.0, parallel=count, **taps,
    )  # fmt: skip
    return own


def test_v04_the_voltages_and_losses_of_a_site_are_those_of_a_load_flow(validation_row, made):
    lost, voltage = load_flow(made)
    name, nodes = made.found.loaded.site.name, np.flatnonzero(made.busbars).tolist()
    assert set(voltage) == set(nodes)
    worst = max((made.flow.voltage[n] - voltage[n] for n in nodes), key=abs)
    source = SOURCE.format(name)
    validation_row("V04", f"site {name}: voltage less load flow, worst, per unit", 0.0, float(worst), abs=1e-3,
                   source=source, basis="checked")  # fmt: skip
    ours = float(made.flow.loss_w[nodes].sum()) / KW
    validation_row("V04", f"site {name}: losses above the UPSs, kW", lost / KW, ours, rel=0.01, source=source,
                   basis="checked")  # fmt: skip
