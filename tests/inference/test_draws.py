"""Every draw of the library: within its rack's rating, rising with load, continuous, told apart by what is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twin.core.bands import banded
from twin.inference.device_draw import DeviceDraw
from twin.inference.draw import Draw
from twin.inference.image_draw import ImageDraw
from twin.inference.node import Node
from twin.inference.wafer_draw import WaferDraw
from twin.racks.rack import Rack
from twin.site.library import load_library

LIBRARY = load_library()
# Draw -> the racks whose systems it is for.
RACKS = {
    "dgx-h100-llm": ["hgx-h100-air"],
    "dgx-h100-image": ["hgx-h100-air"],
    "b200x8-air-llm": ["hgx-b200-air"],
    "b200x8-water-llm": ["hgx-b200-air"],
    "b200x8-image": ["hgx-b200-air"],
    "gb200-nvl72-llm": ["gb200-nvl72"],
    "gb300-nvl72-llm": ["gb300-nvl72"],
    "vr-nvl72-llm": ["vr-nvl72"],
    "trn2-server-llm": ["trn2-ultraserver"],
    "cs3-llm": ["cs3-x1", "cs3-x2", "cs3-x3"],
}
IDS = sorted(RACKS)
LOADS = st.floats(0.0, 1.0)


def draw_of(id: str) -> Draw:
    params = LIBRARY.get(id)
    assert isinstance(params, Draw)
    return params


def at(draw: Draw, batch: float, share: float = 1.0) -> float:
    return float(draw.decode_w(np.array([batch]), np.array([share]))[0])


def test_the_library_has_these_draws_and_no_other():
    assert LIBRARY.ids(Draw) == IDS


@pytest.mark.parametrize(("id", "rack_id"), [(id, rack) for id in IDS for rack in RACKS[id]])
def test_no_draw_is_above_its_racks_rating(id, rack_id):
    """The entry below the rating, a sample of it below the top of the rating's band; idle within the rack's band."""
    rack, draw = LIBRARY.get(rack_id, Rack), draw_of(id)
    rated = rack.rated_power_kw
    batch = np.array([0.0, 0.3, 1.0, 8.0, 64.0, 1024.0, 1e6])
    assert max(*draw.decode_w(batch, np.ones(7)), draw.prefill_w()) <= rated.value * 1e3 / rack.systems
    low, high = (v / rack.systems * 1e3 for v in (rack.idle_power_kw.low, rack.idle_power_kw.high) if v is not None)
    assert low <= draw.idle_w() <= high
    random = np.random.default_rng(5)
    n = len(banded(draw))
    for u in (np.zeros(n), np.ones(n), *random.integers(0, 2, (30, n)).astype(float)):
        made = draw.sampled(u)
        assert type(made) is type(draw)
        top = max(*made.decode_w(batch, np.ones(7)), made.prefill_w())
        assert made.idle_w() < top <= (rated.high or rated.value) * 1e3 / rack.systems


@pytest.mark.parametrize("id", IDS)
@settings(deadline=None, max_examples=60, derandomize=True)
@given(a=LOADS, b=LOADS, batch_a=st.floats(0.0, 4096.0), batch_b=st.floats(0.0, 4096.0))
def test_more_load_never_draws_less(id, a, b, batch_a, batch_b):
    draw = draw_of(id)
    low, high = at(draw, min(batch_a, batch_b), min(a, b)), at(draw, max(batch_a, batch_b), max(a, b))
    assert draw.idle_w() - 1e-9 <= low <= high + 1e-9


@pytest.mark.parametrize("id", IDS)
def test_without_a_sequence_it_idles_and_no_load_jumps(id):
    draw = draw_of(id)
    assert at(draw, 0.0, 0.0) == pytest.approx(draw.idle_w(), rel=1e-12)
    batch = np.linspace(0.0, 4.0, 4001)
    power = draw.decode_w(batch, batch / 4.0)
    assert np.abs(np.diff(power)).max() < 2e-3 * draw.prefill_w()


@pytest.mark.parametrize("id", IDS)
def test_serving_lies_between_its_phases(id):
    draw = draw_of(id)
    batch, share, prefill = np.array([32.0]), np.array([0.4]), np.array([0.3])
    mixed = float(draw.serving_w(batch, share, prefill)[0])
    assert mixed == pytest.approx(0.3 * draw.prefill_w() + 0.7 * at(draw, 32.0, 0.4))


@pytest.mark.parametrize("id", [id for id in IDS if id != "cs3-llm"])
def test_the_parts_of_a_node_are_its_power(id):
    node = LIBRARY.get(id)
    assert isinstance(node, Node)
    parts = node.shares(node.device_most_w())
    assert sum(parts.values()) == pytest.approx(1.0, abs=1e-12)
    assert min(parts.values()) > 0.0
    assert parts["devices"] > 0.6
    # Independent sum: parts behind the supplies over their efficiency, plus fans at full speed.
    behind = node.devices * node.device_most_w() + node.host_busy_w.value + node.network_w.value
    total = behind / node.psu_efficiency.value + node.fan_full_w.value
    assert float(node.wall_w(np.array(node.device_most_w()), np.array(1.0))) == pytest.approx(total)


def test_image_power_is_flat_while_busy():
    draw = LIBRARY.get("dgx-h100-image", ImageDraw)
    assert at(draw, 1.0) == at(draw, 50.0) == draw.prefill_w()
    assert at(draw, 0.5) == pytest.approx(0.5 * (draw.idle_w() + draw.prefill_w()))


def test_the_wafer_follows_its_equation():
    """Idle 11.5, sustained 20, w 0.6: busy all the time at half the rate is 11.5 + 8.5 (0.6 + 0.4 * 0.5) kW."""
    draw = LIBRARY.get("cs3-llm", WaferDraw)
    assert at(draw, 5.0, 0.5) == pytest.approx(18_300.0)
    assert at(draw, 0.5, 0.1) == pytest.approx(1e3 * (11.5 + 8.5 * (0.6 * 0.5 + 0.4 * 0.1)))


def test_all_but_the_peak_of_a_cs3_is_a_prior_with_a_band():
    draw = LIBRARY.get("cs3-llm", WaferDraw)
    figures = draw.figures()
    assert [key for key, f in figures.items() if f.confidence != "estimate"] == ["rated_kw"]
    assert set(banded(draw)) == set(figures) - {"rated_kw"}


def changed(id: str, **fields: Any) -> dict[str, Any]:
    return {**LIBRARY.get(id, DeviceDraw).model_dump(), **fields}


FIGURE = {"value": 0.2, "source": "for the test", "confidence": "estimate"}
TABLE = {"at": [1.0, 64.0, 4096.0], "values": [500.0, 640.0, 560.0], "source": "for the test", "confidence": "estimate"}
NO_LOGISTIC: dict[str, Any] = {"decode_low_w": None, "decode_mid_log2": None, "decode_width_log2": None}


def test_a_table_may_fall_again():
    draw = DeviceDraw.model_validate(changed("dgx-h100-llm", **NO_LOGISTIC, decode_high_w=None, decode_device_w=TABLE))
    assert at(draw, 4096.0) < at(draw, 64.0) > at(draw, 1.0)
    assert draw.device_most_w() == 640.0


def test_a_curve_by_share_starts_at_idle_and_ends_at_the_top():
    draw = DeviceDraw.model_validate(changed("dgx-h100-llm", **NO_LOGISTIC, decode_half_share=FIGURE))
    device = draw.device_decode_w(np.zeros(3), np.array([0.0, 0.2 / 1.4, 1.0]))
    assert device == pytest.approx([100.0, 0.5 * (100.0 + 651.3), 651.3])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"decode_half_share": FIGURE}, "give one curve"),
        (NO_LOGISTIC, "give one curve"),
        ({"decode_mid_log2": None}, "give one curve"),
        ({**NO_LOGISTIC, "decode_device_w": TABLE}, "decode_high_w belongs"),
        ({"decode_low_w": {**FIGURE, "value": 690.0}}, "decode_low_w is above"),
        ({"device_idle_w": {**FIGURE, "value": 640.0}}, "device_idle_w is above"),
    ],
)
def test_a_draw_has_one_curve_that_rises_from_idle(fields, words):
    with pytest.raises(ValidationError, match=words):
        DeviceDraw.model_validate(changed("dgx-h100-llm", **fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"sustained_kw": {**FIGURE, "value": 24.0}}, "above rated_kw"),
     ({"idle_share": {**FIGURE, "value": 0.9}}, "above sustained_kw")],
)  # fmt: skip
def test_a_wafer_stays_between_idle_and_its_peak(fields, words):
    with pytest.raises(ValidationError, match=words):
        WaferDraw.model_validate({**LIBRARY.get("cs3-llm", WaferDraw).model_dump(), **fields})
