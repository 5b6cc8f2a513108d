"""Chains from medium voltage to the 12 V of a node: fewer conversions lose less, and by how much is no one's claim."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from twin.core.bands import banded, sampled
from twin.power.loss import LossLaw, input_power
from twin.power.psu import Psu
from twin.power.transformer import Transformer
from twin.site.library import load_library

LIBRARY = load_library()
# From the node upward; every device at the same load per rating.
CHAINS = {
    "415 V AC, supplies in the servers": (
        "titanium-psu", "busway-415v", "rpp-500kw", "lv-switchgear", "ups-97-double-conversion", "tr-2500-eu-tier2",
    ),
    "415 V AC, 54 V shelves": (
        "dcdc-54v-12v", "orv3-54v-shelf", "busway-415v", "rpp-500kw", "lv-switchgear", "ups-97-double-conversion",
        "tr-2500-eu-tier2",
    ),
    "800 V DC, 54 V in the rack": ("dcdc-54v-12v", "dcdc-800v-54v", "busway-800vdc", "sst-800vdc"),
    "800 V DC, 12 V at the node": ("dcdc-800v-12v", "busway-800vdc", "sst-800vdc"),
}  # fmt: skip
CLAIMED = 0.05  # NVIDIA, "up to 5 % end to end": shown, not asserted


def law(device: Any) -> tuple[float, float, float, float]:
    return device.law() if isinstance(device, Psu) else device.law(1.0)


def efficiency(chain: str, x: float, at: float | None = None) -> float:
    """12 V power per power at medium voltage; ``at`` 0 the best end of every band, 1 the worst."""
    eta = 1.0
    for id in CHAINS[chain]:
        device = LIBRARY.get(id, Psu, LossLaw, Transformer)
        if at is not None:
            losses = [key for key in banded(device) if key.endswith("loss")]
            device = sampled(device, dict.fromkeys(losses, at))
        rated, a, b, c = law(device)
        eta *= x * rated / input_power(x * rated, rated, a, b, c)
    return eta


@pytest.mark.parametrize("x", [0.5, 1.0])
def test_fewer_conversions_lose_less(x, record_property):
    """One direct current bus for transformer, UPS and rectifier gains at half and full load; 12 V at once is best."""
    shelf, bus, node = (efficiency(chain, x) for chain in list(CHAINS)[1:])
    assert node > bus > shelf
    gain = node - efficiency("415 V AC, 54 V shelves", x)
    record_property("800 V DC over 415 V AC with 54 V shelves", f"{gain:.4f}; vendor's claim up to {CLAIMED}")
    assert 0.0 < gain < 0.10


@pytest.mark.parametrize("chain", CHAINS)
def test_a_chain_lies_between_the_ends_of_its_bands(chain):
    for x in (0.5, 1.0):
        best, stated, worst = efficiency(chain, x, 0.0), efficiency(chain, x), efficiency(chain, x, 1.0)
        assert 0.80 < worst < stated < best < 0.99


def test_without_the_ups_most_of_the_gain_is_gone():
    """What the DC bus saves is the double conversion: it is the UPS, not the copper, that 800 V take away."""
    for x in (0.5, 1.0):
        gain = efficiency("800 V DC, 54 V in the rack", x) / efficiency("415 V AC, 54 V shelves", x) - 1.0
        ups = LIBRARY.get("ups-97-double-conversion", LossLaw)
        rated, a, b, c = ups.law(1.0)
        alone = input_power(x * rated, rated, a, b, c) / (x * rated) - 1.0
        assert alone > 0.5 * gain


def test_a_solid_state_transformer_is_as_good_as_claimed_where_it_is_claimed():
    rated, a, b, c = LIBRARY.get("sst-800vdc", LossLaw).law(1.0)
    for x in (0.5, 1.0):
        assert x * rated / input_power(x * rated, rated, a, b, c) == pytest.approx(0.985, abs=5e-4)


def test_every_converter_is_best_somewhere_between_a_third_and_full_load():
    for id in ("sst-800vdc", "dcdc-800v-54v", "dcdc-800v-12v", "dcdc-54v-12v"):
        rated, a, b, c = law(LIBRARY.get(id, Psu, LossLaw))
        x = [0.05, 0.15, 1.0 / 3.0, (a / c) ** 0.5]
        eta = [y * rated / input_power(y * rated, rated, a, b, c) for y in x]
        assert all(one < two for one, two in pairwise(eta)), id
