"""A device with a table of its loss: its points exactly, monotone between, and what three coefficients miss of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from twin.core.columns import Elm
from twin.power.loss import input_power
from twin.power.loss_table import LARGEST_MISS, LossPoint, LossTable
from twin.power.psu import Psu
from twin.power.ups import Ups
from twin.racks.rack import Rack
from twin.site.library import Library, load_library
from twin.site.lower_hall import power_polynomial
from twin.site.rated import rated_rack, stage_laws

LIBRARY = load_library()
FLOORS = {
    "psu-80plus-titanium": {0.1: 0.90, 0.2: 0.94, 0.5: 0.96, 1.0: 0.91},
    "psu-80plus-ruby": {0.05: 0.90, 0.1: 0.91, 0.2: 0.95, 0.5: 0.965, 1.0: 0.92},
}


def table_of(id: str) -> LossTable:
    table = LIBRARY.get(id, Psu).loss_table
    assert table is not None
    return table


def made(points: list[tuple[float, float]]) -> LossTable:
    return LossTable(
        points=[LossPoint(load=x, loss=loss) for x, loss in points], source="made for the tests", confidence="estimate"
    )


@pytest.mark.parametrize("id", FLOORS)
def test_a_table_gives_its_points_exactly(id):
    x, eta = np.array(list(FLOORS[id])), np.array(list(FLOORS[id].values()))
    loss = table_of(id).loss(x)
    assert x / (x + loss) == pytest.approx(eta, rel=1e-14)


@pytest.mark.parametrize("id", FLOORS)
def test_the_loss_never_falls_between_the_points_though_the_efficiency_does(id):
    x = np.linspace(0.0, 1.3, 5001)
    loss = table_of(id).loss(x)
    assert (np.diff(loss) >= 0.0).all()
    assert (np.diff(loss[x > min(FLOORS[id])]) > 0.0).all()
    assert (np.diff((x / (x + loss))[x > 0.55]) < 0.0).all()


def test_between_two_points_it_is_the_loss_that_is_straight():
    """Half-way from 50 to 100 % of Titanium: loss (0.02083 + 0.09890)/2, hence 92.6 %; the efficiencies mean 93.5 %."""
    loss = float(table_of("psu-80plus-titanium").loss(0.75))
    assert loss == pytest.approx(0.5 * (0.5 / 0.96 - 0.5 + 1.0 / 0.91 - 1.0), rel=1e-12)
    assert 0.75 / (0.75 + loss) == pytest.approx(0.9261, abs=1e-4)


@pytest.mark.parametrize("id", FLOORS)
def test_up_to_half_load_three_coefficients_hold_it_and_across_the_knee_they_do_not(id):
    assert table_of(id).fit(0.13, 0.5).miss <= 4e-4
    assert table_of(id).fit(0.13, 0.5).fault == ""
    wide = table_of(id).fit(0.3, 1.0)
    assert wide.miss > LARGEST_MISS
    assert "bends too sharply" in wide.fault


ASCENDING = st.lists(st.floats(0.001, 0.2), min_size=3, max_size=7)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(ASCENDING, st.floats(0.0, 0.6), st.floats(0.05, 0.4))
def test_a_fit_misses_by_what_it_says_and_by_no_more_than_least_squares(rises, low, width):
    loads = np.linspace(0.1, 1.0, len(rises))
    table = made(list(zip(loads.tolist(), np.cumsum(np.array(rises) / 10.0).tolist(), strict=True)))
    fit = table.fit(low, low + width)
    first = min(max(low, loads[0]), low + width)
    x = np.unique([*np.linspace(first, low + width, 61), *(p for p in loads if first < p < low + width)])
    missed = np.abs(fit.a + x * (fit.b + x * fit.c) - table.loss(x))
    assert missed.max() == pytest.approx(fit.miss, abs=1e-12)
    if len(x) < 3:  # the table says nothing of so low loads
        return
    plain = np.polynomial.polynomial.polyfit(x, table.loss(x), 2)
    if plain.min() >= 0.0:
        assert fit.miss <= np.abs(np.polynomial.polynomial.polyval(x, plain) - table.loss(x)).max() + 1e-12
    assert min(fit.a, fit.b, fit.c) >= 0.0


def test_a_table_of_a_law_is_that_law():
    a, b, c = 0.006, 0.012, 0.012
    x = np.linspace(0.0, 1.0, 32)
    fit = made(list(zip(x.tolist(), (a + b * x + c * x * x).tolist(), strict=True))).fit(0.0, 1.0)
    assert (fit.a, fit.b, fit.c) == pytest.approx((a, b, c), abs=2e-5)
    assert fit.miss < 5e-6


# ------------------------------------------------------------------------------------------ devices with a table
KW3 = {"value": 3.0, "source": "made for the tests", "confidence": "estimate"}


def points(pairs: dict[float, float], key: str = "loss") -> dict[str, Any]:
    rows = [{"load": x, key: value} for x, value in pairs.items()]
    return {"points": rows, "source": "made for the tests", "confidence": "estimate"}


def ups(table: dict[str, Any]) -> Ups:
    return Ups.model_validate({"kind": "ups", "title": "a ups", "rated_kw": {**KW3, "value": 1000.0},
                               "loss_table": table})  # fmt: skip


def test_a_ups_with_a_table_takes_what_the_table_says_within_a_thousandth():
    """A vendor's four points of the 97 % class."""
    table = points({0.25: 0.9625, 0.5: 0.9709, 0.75: 0.9718, 1.0: 0.9709}, "efficiency")
    device = ups(table)
    rated, a, b, c = device.law(1.0)
    assert len(Elm) == 5  # the kernels' columns are the three coefficients
    for x, eta in ((0.25, 0.9625), (0.5, 0.9709), (0.75, 0.9718), (1.0, 0.9709)):
        assert input_power(x * rated, rated, a, b, c) / rated == pytest.approx(x / eta, abs=LARGEST_MISS)


def rack_on(device: str, count: int) -> tuple[Rack, Library]:
    """Frontier's rack with one stage of these supplies."""
    base = LIBRARY.get("frontier-ex235a", Rack)
    stage = type(base.conversion[0])(device=device, count=count, added_load_kw=None)
    return base.model_copy(update={"conversion": [stage]}), LIBRARY


@pytest.mark.parametrize("id", FLOORS)
def test_a_rack_whose_supplies_have_a_table_draws_what_the_table_says(id):
    """Two cords: 80 kW idle and 346 kW rated on 231 supplies of 3 kW are 12 to 50 % of their rating."""
    rack, library = rack_on(id, 231)
    p0, p1, p2 = power_polynomial(rack, library)
    rated = 231 * 3e3
    dc = 1e3 * np.linspace(rack.idle_power_kw.value, rack.rated_power_kw.value, 40)
    exact = dc + rated * table_of(id).loss(dc / rated)
    u = np.linspace(0.0, 1.0, 40)
    assert p0 + u * (p1 + u * p2) == pytest.approx(exact, abs=LARGEST_MISS * rated)
    assert rated_rack(rack, library).it_kw == pytest.approx((p0 + p1 + p2) / 1e3, rel=1e-12)
    (law,) = stage_laws(rack, library)
    assert (law.low, law.high) == pytest.approx((80.16128 / 693.0, 346.14528 / 693.0))


# ------------------------------------------------------------------------------------------ faults
@pytest.mark.parametrize(
    ("pairs", "key", "words"),
    [
        ({0.5: 0.02, 0.2: 0.01, 1.0: 0.1}, "loss", "point 2: loads must ascend, 0.2 stands behind 0.5"),
        ({0.2: 0.03, 0.5: 0.02, 1.0: 0.1}, "loss", "point 2: the loss falls from 0.03 at load 0.2 to 0.02 at load 0.5"),
        ({0.2: 0.80, 0.5: 0.96, 1.0: 0.95}, "efficiency", "point 2: the loss falls from 0.05 at load 0.2"),
        ({0.2: 0.01, 0.8: 0.02}, "loss", "must reach full load"),
        ({0.0: 0.90, 1.0: 0.95}, "efficiency", "at load 0 the efficiency says nothing"),
        ({0.2: 1.7, 1.0: 1.8}, "loss", "1.7 is out of range"),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_the_reason(pairs, key, words):
    with pytest.raises(ValidationError, match=words):
        LossTable.model_validate(points(pairs, key))


def test_a_point_has_one_of_loss_and_efficiency():
    for both in ({"load": 0.5}, {"load": 0.5, "loss": 0.02, "efficiency": 0.96}):
        with pytest.raises(ValidationError, match="either loss or efficiency"):
            LossPoint.model_validate(both)


def test_an_element_of_which_the_table_bends_too_sharply_is_refused():
    with pytest.raises(ValidationError, match=r"misses it by 0\.00\d+ of the rating at load"):
        ups(points(FLOORS["psu-80plus-titanium"], "efficiency"))


def test_a_device_has_one_form_of_its_loss():
    law = {key: {**KW3, "value": 0.01} for key in ("no_load_loss", "proportional_loss", "square_loss")}
    head = {"kind": "ups", "title": "a ups", "rated_kw": KW3}
    table = points({0.2: 0.01, 1.0: 0.02})
    for wrong in (head, {**head, **law, "loss_table": table}, {**head, "no_load_loss": law["no_load_loss"]}):
        with pytest.raises(ValidationError, match="or loss_table"):
            Ups.model_validate(wrong)
    for more in ({"loss_table": table, "fixed_w": KW3}, {"loss_table": table, **law}, {}):
        with pytest.raises(ValidationError, match="or loss_table"):
            Psu.model_validate({**head, "kind": "psu", **more})
