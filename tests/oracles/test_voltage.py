"""Two sweeps with voltage, and the form without, against a load flow over 300 random radial networks with two cords."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.oracles.radial import Network, load_flow, networks, regulate
from twin.power.voltage import at_nominal, two_sweeps

COUNT, SEED = 300, 5
SOURCE = "pandapower, 300 networks of 1-4 levels"
Errors = dict[str, np.ndarray]


def compared(made: list[Network]) -> Errors:
    """Relative errors of the total losses against the load flow, and of every voltage (per unit)."""
    loss, voltage = load_flow(made)
    found: dict[str, list[Any]] = {"sweeps": [], "nominal": [], "voltage": []}
    for net, lost in zip(made, loss, strict=True):
        radial, node, p, q = net.radial()
        flow = two_sweeps(radial, node, p, q)
        found["sweeps"].append(flow.total_loss_w / lost - 1.0)
        found["nominal"].append(at_nominal(radial, node, p, q).total_loss_w / lost - 1.0)
        found["voltage"].extend(flow.voltage[node] - voltage[net.first : net.first + len(net.nodes)])
    return {key: np.array(errors) for key, errors in found.items()}


@pytest.fixture(scope="module")
def regulated() -> Errors:
    """Tap changers of the yard hold the busbar, as they do."""
    made = networks(COUNT, SEED)
    for net in made:
        regulate(net)
    return compared(made)


def worst(errors: np.ndarray) -> float:
    return float(errors[np.argmax(np.abs(errors))])


def test_the_networks_are_of_all_kinds():
    made = networks(COUNT, SEED)
    assert {net.levels for net in made} == {1, 2, 3, 4}
    assert min(net.load for net in made) < 0.15
    assert max(net.load for net in made) > 0.95
    assert min(net.power_factor for net in made) < 0.91
    assert max(net.power_factor for net in made) > 0.99
    loaded = [[node for node in net.nodes if node.p > 0.0] for net in made]
    assert all(len(nodes) % 2 == 0 for nodes in loaded)


def test_v04_two_sweeps_lie_within_1_percent_of_a_load_flow(validation_row, regulated):
    errors = regulated["sweeps"]
    for what, got in (("worst", worst(errors)), ("median", float(np.median(errors)))):
        text = f"loss by two sweeps per load flow less 1, {what}"
        validation_row("V04", text, 0.0, got, abs=0.01, source=SOURCE, basis="checked")
    assert (np.abs(errors) <= 0.01).all()


def test_v04_without_voltage_losses_lie_within_6_percent_of_a_load_flow(validation_row, regulated):
    errors = regulated["nominal"]
    for what, got in (("worst", worst(errors)), ("median", float(np.median(errors)))):
        text = f"loss without voltage per load flow less 1, {what}"
        validation_row("V04", text, 0.0, got, abs=0.06, source=SOURCE, basis="checked")
    assert (np.abs(errors) <= 0.06).all()
    # What the voltage is worth: most of the losses without it are low, and not by a rounding.
    assert np.median(errors) < -0.01
    assert (np.abs(errors) < 0.01).mean() < 0.6


def test_v04_voltages_are_those_of_the_load_flow(validation_row, regulated):
    text = "voltage by two sweeps less load flow, worst, per unit"
    validation_row("V04", text, 0.0, worst(regulated["voltage"]), abs=1e-3, source=SOURCE, basis="checked")


def test_v04_without_a_tap_changer_no_form_at_nominal_voltage_will_do(validation_row):
    """A yard whose busbar nobody holds sags by a tenth at full load: only the form with voltage follows."""
    errors = compared(networks(COUNT, SEED))
    text = "loss without voltage, no tap changer, worst"
    validation_row("V04", text, 0.0, worst(errors["nominal"]), abs=0.06, source=SOURCE, basis="control")
    text = "loss by two sweeps, no tap changer, worst"
    validation_row("V04", text, 0.0, worst(errors["sweeps"]), abs=0.01, source=SOURCE, basis="checked")
