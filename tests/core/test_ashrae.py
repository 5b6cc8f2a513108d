"""ASHRAE classes: each next class allows more, and what is recommended is allowed."""

from __future__ import annotations

import pytest

from twin.core.ashrae import AIR, RATE_K_15_MIN, RATE_K_H, WATER, strictest

# Physics sheet: dry bulb low and high, dew point, humidity; recommended dry bulb.
TOLD = {
    "A1": (15, 32, 17, 0.80, 18, 27), "A2": (10, 35, 21, 0.80, 18, 27), "A3": (5, 40, 24, 0.85, 18, 27),
    "A4": (5, 45, 24, 0.90, 18, 27),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_the_classes_are_those_of_the_sheet(name):
    low, high, dew, humidity, best_low, best_high = TOLD[name]
    box, best = AIR[name].allowable, AIR[name].recommended
    assert (box.dry_low, box.dry_high, box.dew_high, box.humidity_high) == (low, high, dew, humidity)
    assert (best.dry_low, best.dry_high, best.dew_low, best.dew_high, best.humidity_high) == (
        best_low, best_high, -9, 15, 0.6,
    )  # fmt: skip


def test_dense_equipment_is_recommended_18_to_22_and_allowed_25():
    h1 = AIR["H1"]
    assert (h1.recommended.dry_low, h1.recommended.dry_high, h1.allowable.dry_high) == (18, 22, 25)


def test_inlets_may_change_20_k_an_hour_and_5_k_in_15_minutes():
    assert (RATE_K_H, RATE_K_15_MIN) == (20, 5)


@pytest.mark.parametrize("name", AIR)
def test_what_is_recommended_is_allowed(name):
    box, best = AIR[name].allowable, AIR[name].recommended
    for dry in (best.dry_low, best.dry_high):
        for dew in (best.dew_low, best.dew_high):
            assert box.holds(dry, dew, 0.5)
    assert not box.holds(box.dry_high + 0.1, 10.0, 0.4)
    assert not box.holds(22.0, box.dew_high + 0.1, 0.5)
    assert not box.holds(22.0, 10.0, box.humidity_high + 0.01)


def test_each_next_class_allows_all_that_the_one_before_does():
    for one, other in zip(("A1", "A2", "A3"), ("A2", "A3", "A4"), strict=True):
        a, b = AIR[one].allowable, AIR[other].allowable
        assert b.dry_low <= a.dry_low
        assert b.dry_high > a.dry_high
        assert b.dew_high >= a.dew_high
        assert b.humidity_high >= a.humidity_high


def test_the_number_of_a_water_class_is_its_largest_supply():
    assert {name: most for name, most in WATER.items() if name != "W+"} == {
        f"W{n}": float(n) for n in (17, 27, 32, 40, 45)
    }
    assert WATER["W+"] > 45.0


def test_the_strictest_of_several_classes_allows_the_least():
    found = strictest(["A3", "A1", "A2"])
    assert found is not None
    assert found.name == "A1"
    assert strictest([]) is None
