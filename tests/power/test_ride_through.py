"""Recovery after a fault, ride-through and counters of transfers, held against the rules of the library."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.errors import InputError
from twin.power.grid_rule import GridRule
from twin.power.ride_through import lockout, recovery, rides_frequency, rides_through, voltage_step
from twin.site.library import load_library

MW = 1e6
LIBRARY = load_library()
PROPERTY = settings(deadline=None, max_examples=200, derandomize=True)


def rule(id: str) -> GridRule:
    return LIBRARY.get(id, GridRule)


def back(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """100 MW that fall to 20 MW in a fault of 0.1 s and are back after so many s, in a straight line."""
    return np.array([0.0, 10.0, 10.001, 10.1, 10.1 + seconds, 60.0]), np.array([100, 100, 20, 20, 100, 100]) * MW


def test_the_recovery_rule_is_met_at_one_second_and_not_after():
    """From 20 to 100 MW in a line the 90 MW are there after 7/8 of the time."""
    for seconds, met in ((1.0, True), (8 / 7 - 1e-6, True), (8 / 7 + 1e-6, False), (3.0, False)):
        got = recovery(*back(seconds), 100.0 * MW, 10.1, rule("ercot"))
        assert got.met is met
        assert got.after_s == pytest.approx(seconds * 7 / 8)
    got = recovery(*back(4.0), 100.0 * MW, 10.1, rule("ercot"))
    assert got.lacking_w == pytest.approx((90 - 40) * MW)
    assert recovery(*back(0.5), 100.0 * MW, 10.1, rule("ercot")).lacking_w == 0.0


def test_a_load_that_falls_away_again_is_not_back():
    times = np.array([0.0, 10.0, 10.5, 20.0, 21.0, 60.0])
    load = np.array([100.0, 20.0, 95.0, 95.0, 50.0, 50.0]) * MW
    got = recovery(times, load, 100.0 * MW, 10.0, rule("ercot"))
    assert got.after_s is None
    assert not got.met
    assert got.lacking_w == 0.0  # in time it was there


def test_a_load_that_never_left_is_back_at_once():
    got = recovery(np.array([0.0, 20.0]), np.array([91.0, 91.0]) * MW, 100.0 * MW, 10.0, rule("ercot"))
    assert (got.after_s, got.met) == (0.0, True)


def test_readings_that_say_nothing_are_refused():
    with pytest.raises(ValueError, match="span"):
        recovery(np.array([0.0, 10.5]), np.ones(2), 1.0, 10.0, rule("ercot"))
    with pytest.raises(ValueError, match="asks for no recovery"):
        recovery(*back(1.0), 100.0 * MW, 10.1, rule("southern"))


def test_ride_through_by_voltage_and_frequency():
    ercot, spp = rule("ercot"), rule("spp")
    assert [rides_through(ercot, v) for v in (0.9, 1.0, 1.1, 0.89, 1.11)] == [inf, inf, inf, 0.0, 0.0]
    assert [rides_through(spp, v) for v in (0.5, 0.8, 0.49, 1.2)] == [0.15, 0.15, 0.0, 0.0]
    assert [rides_frequency(spp, f) for f in (58.8, 60.0, 61.2)] == [inf] * 3
    assert [rides_frequency(spp, f) for f in (57.0, 58.0, 61.8)] == [299.0] * 3
    assert [rides_frequency(spp, f) for f in (56.99, 61.81)] == [0.0, 0.0]
    assert rides_frequency(ercot, 60.0) == 0.0


def test_three_sags_in_a_minute_lock_a_ups_on_its_battery():
    """The pattern of July 2024: several sags in a row, and the load is gone from the grid."""
    sags = [0.0, 20.0, 35.0, 50.0, 70.0, 82.0]
    assert lockout(sags, 3, 60.0).at_s == 35.0
    assert lockout(sags, 6, 60.0).at_s is None
    assert lockout(sags, 6, 82.0).at_s == 82.0
    assert lockout([0.0, 61.0, 122.0], 2, 60.0).at_s is None
    assert lockout([], 1, 60.0).most == 0
    with pytest.raises(ValueError, match="count"):
        lockout(sags, 0, 60.0)


@PROPERTY
@given(
    sags=st.lists(st.integers(0, 600).map(float), max_size=30),
    count=st.integers(1, 6),
    window=st.sampled_from([1.0, 30.0, 120.0]),
)
def test_a_lockout_is_the_first_full_window(sags, count, window):
    got, sorted_sags = lockout(sags, count, window), sorted(sags)
    full = [t for n, t in enumerate(sorted_sags) if n + 1 >= count and t - sorted_sags[n + 1 - count] <= window]
    assert got.at_s == (full[0] if full else None)
    assert got.most == max((sum(a <= b <= a + window for b in sags) for a in sags), default=0)


def test_a_step_lowers_the_voltage_by_its_share_of_the_short_circuit_power():
    """A purely inductive grid answers reactive power only; a step of 3 % of S_k in var is 3 % of voltage."""
    assert voltage_step(30.0 * MW, 2**-0.5, 1e9, 1e9) == pytest.approx(-0.03, rel=1e-6)
    assert voltage_step(30.0 * MW, 1.0, 1e9, 1e-9) == pytest.approx(-0.03, rel=1e-6)
    assert voltage_step(-30.0 * MW, 0.98, 3e9) > 0.0


def test_a_rule_in_halves_is_refused(tmp_path):
    folder = tmp_path / "grid_rules"
    folder.mkdir()
    (folder / "own.yaml").write_text(
        'kind: grid_rule\ntitle: Our own\nsag_pu: {value: 0.5, source: "made for the tests", confidence: estimate}\n'
    )
    with pytest.raises(InputError, match="sag_pu and sag_s go together"):
        load_library(tmp_path).get("own", GridRule)
