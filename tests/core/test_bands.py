"""Samples of what nobody has published: in their bands, the same for the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.bands import banded, sampled
from twin.core.params import Figure
from twin.inference.draw import Draw
from twin.inference.wafer_draw import WaferDraw
from twin.racks.rack import Rack
from twin.site.library import load_library

LIBRARY = load_library()
CS3 = LIBRARY.get("cs3-llm", WaferDraw)


def test_a_sample_lies_where_its_number_says():
    made = sampled(CS3, {"idle_share": 0.0, "sustained_kw": 1.0, "lag_s": 0.25})
    assert made.idle_share.value == 0.35
    assert made.sustained_kw.value == 23.0
    assert made.lag_s.value == pytest.approx(1.0 + 0.25 * 4.0)
    assert made.busy_weight == CS3.busy_weight  # not named: as it was
    assert made.rated_kw == CS3.rated_kw


def test_a_sample_has_nothing_left_to_sample():
    made = sampled(CS3, np.full(len(banded(CS3)), 0.7))
    assert banded(made) == ()
    assert sampled(made, []) == made


def test_the_order_is_that_of_the_fields():
    u = np.random.default_rng(3).random(len(banded(CS3)))
    assert sampled(CS3, u) == sampled(CS3, dict(zip(banded(CS3), u, strict=True)))


def test_a_missing_end_is_the_value():
    figure = Figure(value=0.6, low=None, high=0.8, source="for the test", confidence="estimate")
    entry = CS3.model_copy(update={"busy_weight": figure})
    assert sampled(entry, {"busy_weight": 0.5}).busy_weight.value == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("u", "words"),
    [({"idle": 0.5}, "no band: idle"), ([0.5], "1 places for"), ({"idle_share": 1.5}, "outside 0..1: idle_share"),
     ({"idle_share": float("nan")}, "outside 0..1")],
)  # fmt: skip
def test_what_cannot_be_a_sample_is_refused(u, words):
    with pytest.raises(ValueError, match=words):
        sampled(CS3, u)


def test_a_sample_that_breaks_a_rule_is_refused():
    """Nothing says which figure gives way where a draw would sustain more than its peak."""
    band = CS3.sustained_kw.model_copy(update={"high": 25.0})
    entry = CS3.model_copy(update={"sustained_kw": band})
    with pytest.raises(ValueError, match="sustained_kw is above rated_kw"):
        sampled(entry, {"sustained_kw": 1.0})


@pytest.mark.parametrize(("liquid", "body", "left"), [(1.0, 1.0, 0.0), (0.5, 1.0, 0.05), (0.0, 1.0, 0.10)])
def test_the_body_of_a_rack_gets_at_most_what_the_coolant_leaves(liquid, body, left):
    """The shares of this rack have bands, 0.90-1.0 and 0-0.10, that add up to more than 1 at their tops."""
    made = sampled(LIBRARY.get("frontier-ex235a", Rack), {"liquid_share": liquid, "body_share": body})
    assert made.liquid_share.value == pytest.approx(0.9 + 0.1 * liquid)
    assert made.body_share.value == pytest.approx(left, abs=1e-12)


def test_a_figure_that_gives_way_without_being_drawn_has_no_band_left():
    made = sampled(LIBRARY.get("frontier-ex235a", Rack), {"liquid_share": 1.0})
    assert made.body_share.value == 0.0
    assert made.body_share.low is None
    assert made.body_share.high is None


def test_every_corner_of_the_bands_of_a_draw_is_a_draw():
    """Ends of all bands at once, and random places, keep the rules of the kind."""
    draw = np.random.default_rng(11)
    for id in LIBRARY.ids(Draw):
        params = LIBRARY.get(id)
        n = len(banded(params))
        for u in (np.zeros(n), np.ones(n), *draw.integers(0, 2, (20, n)).astype(float), *draw.random((20, n))):
            figures = params.figures()
            for key, figure in sampled(params, u).figures().items():
                low, high = figures[key].low, figures[key].high
                assert (figures[key].value if low is None else low) <= figure.value, (id, key)
                assert figure.value <= (figures[key].value if high is None else high), (id, key)
