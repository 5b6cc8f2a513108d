"""A store and a ramp limit: the arithmetic of a step, and a series that obeys the limit at every instant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.power.ramp import breaches, foreseen_power, limited, steepest, step_need

MW, MIN, MWH = 1e6, 60.0, 3.6e9
LIMIT = 20.0 * MW / MIN

SERIES = st.lists(st.floats(0.0, 750.0), min_size=1, max_size=60).map(lambda v: np.array(v) * MW)
LIMITS = st.floats(0.1, 500.0).map(lambda v: v * MW / MIN)
STEPS = st.sampled_from([1.0, 10.0, 60.0, 300.0])
EFFICIENCY = st.floats(0.7, 1.0)
PROPERTY = settings(deadline=None, max_examples=300, derandomize=True)


def test_100_mw_at_20_mw_per_min_is_5_min_and_4_167_mwh():
    need = step_need(100.0 * MW, LIMIT)
    assert need.lasts_s == pytest.approx(300.0, rel=1e-12)
    assert need.energy_j / MWH == pytest.approx(100.0**2 / (2 * 20 * 60), rel=1e-12)
    assert need.energy_j / MWH == pytest.approx(4.1666666667, abs=1e-9)
    assert step_need(-750.0 * MW, LIMIT).energy_j / MWH == pytest.approx(234.375, abs=1e-9)
    assert step_need(-750.0 * MW, LIMIT).lasts_s == pytest.approx(37.5 * MIN)


@pytest.mark.parametrize("step", [1.0, 7.0, 60.0, 300.0, 3600.0])
@pytest.mark.parametrize("size", [100.0, -100.0])
def test_the_series_of_a_step_needs_what_the_arithmetic_says_at_any_length_of_step(step, size):
    load = np.full(int(7200 / step), 300.0 * MW)
    load[1:] += size * MW
    got = limited(load, step, LIMIT)
    assert got.need.energy_j / MWH == pytest.approx(4.1666666667, abs=1e-9)
    assert got.need.power_w == pytest.approx(100.0 * MW)
    assert got.need.lasts_s == pytest.approx(300.0)
    assert got.grid_w[-1] == pytest.approx(load[-1])


@PROPERTY
@given(load=SERIES, up=LIMITS, down=LIMITS, step=STEPS, efficiency=EFFICIENCY, restore=st.floats(60.0, 1e5))
def test_the_grid_side_obeys_and_energy_closes(load, up, down, step, efficiency, restore):
    got = limited(load, step, up, down, efficiency=efficiency, restore_s=restore)
    assert breaches(got.grid_w, step, up, down) == 0
    # Load served exactly: grid + discharged - charged is the load of each step.
    scale = load.max() * step + 1.0
    assert np.allclose(got.met_j + got.discharged_j - got.charged_j, load * step, atol=1e-9 * scale, rtol=0)
    # The store's own ledger: what went in less what came out and what was lost on the way.
    lost = got.charged_j * (1 - efficiency) + got.discharged_j * (1 / efficiency - 1)
    kept = np.diff(got.stored_j)
    assert np.allclose(kept, got.charged_j - got.discharged_j - lost, atol=1e-9 * scale * len(load), rtol=0)
    assert (lost >= 0.0).all()
    # Started as told it is never empty nor more than full.
    inside = got.stored_j + got.charge_j
    assert inside.min() >= -1e-9 * scale * len(load)
    assert inside.max() <= got.need.energy_j + 1e-9 * scale * len(load)


@PROPERTY
@given(load=SERIES, up=LIMITS, down=LIMITS, step=STEPS)
def test_energies_are_those_of_a_brute_force_follower(load, up, down, step):
    """The same rule in steps of a five-hundredth, by the mid-point rule."""
    got = limited(load, step, up, down)
    parts = 500
    h, grid, energy, low, high = step / parts, float(load[0]), 0.0, 0.0, 0.0
    for value in load:
        for _ in range(parts):
            after = grid + min(max(value - grid, -down * h), up * h)
            energy -= (value - 0.5 * (grid + after)) * h
            grid, low, high = after, min(low, energy), max(high, energy)
    error = 2 * max(up, down) * h * step * len(load)
    assert got.need.energy_j == pytest.approx(high - low, abs=error + 1.0)
    assert got.stored_j[-1] == pytest.approx(energy, abs=error + 1.0)


@PROPERTY
@given(load=SERIES, limit=LIMITS, step=STEPS)
def test_who_foresees_needs_no_more_power_and_no_limit_needs_no_store(load, limit, step):
    follows = limited(load, step, limit).need
    # Ends of steps: the follower has had the step to come after the jump.
    assert foreseen_power(load, step, limit) <= follows.power_w + 1e-6
    assert limited(load, step, 1e9 * MW).need.energy_j <= load.max() ** 2 / (1e9 * MW) * len(load) + 1e-6


@PROPERTY
@given(load=SERIES, limit=LIMITS, step=STEPS, looser=st.floats(1.0, 10.0))
def test_a_looser_limit_needs_less_where_the_load_only_rises(load, limit, step, looser):
    """Where it falls before it rises, who follows faster has further to climb."""
    tight, loose = (limited(np.sort(load), step, r).need for r in (limit, looser * limit))
    assert loose.power_w <= tight.power_w * (1 + 1e-12)
    assert loose.energy_j <= tight.energy_j * (1 + 1e-12)


def test_who_foresees_a_step_halves_the_power():
    load = np.repeat([100.0, 200.0], 1000) * MW
    assert foreseen_power(load, 1.0, LIMIT) == pytest.approx(50.0 * MW, rel=0.01)
    assert limited(load, 1.0, LIMIT).need.power_w == pytest.approx(100.0 * MW)


def test_a_store_that_is_brought_back_is_smaller_where_the_load_climbs_by_jumps_and_sinks_slowly():
    saw = np.concatenate([np.linspace(200.0, 100.0, 120) for _ in range(8)]) * MW
    alone = limited(saw, MIN, LIMIT).need.energy_j
    back = limited(saw, MIN, LIMIT, restore_s=3600.0)
    assert back.need.energy_j < 0.4 * alone
    assert breaches(back.grid_w, MIN, LIMIT) == 0


def test_a_store_with_losses_must_hold_more():
    load = np.full(60, 300.0 * MW)
    load[10:] += 100.0 * MW
    assert limited(load, MIN, LIMIT, efficiency=0.9).need.energy_j / MWH == pytest.approx(4.1666666667 / 0.9, abs=1e-9)


def test_steepest_over_windows():
    load = np.array([10.0, 10.0, 40.0, 40.0, 40.0, 25.0, 10.0]) * MW
    up, down = steepest(load, MIN, MIN)
    assert up.rate_w_s * MIN / MW == pytest.approx(30.0)
    assert up.at == 2
    assert down.rate_w_s * MIN / MW == pytest.approx(-15.0)
    assert down.at == 5
    up, down = steepest(load, MIN, 2 * MIN)
    assert up.rate_w_s * MIN / MW == pytest.approx(15.0)
    assert down.rate_w_s * MIN / MW == pytest.approx(-15.0)
    assert down.at == 6
    assert steepest(load[:2], MIN, 5 * MIN)[0].rate_w_s == 0.0
    assert steepest(np.sort(load), MIN, MIN)[1].rate_w_s == 0.0


def test_breaches_are_counted():
    assert breaches([0.0, 20.0 * MW, 41.0 * MW, 20.0 * MW], MIN, LIMIT) == 2
    assert breaches([0.0, 20.0 * MW, 40.0 * MW], MIN, LIMIT) == 0


@pytest.mark.parametrize("wrong", [{"up_w_s": 0.0}, {"efficiency": 0.0}, {"efficiency": 1.1}, {"step_s": 0.0}])
def test_what_makes_no_sense_is_refused(wrong):
    given = {"load_w": np.ones(3), "step_s": 1.0, "up_w_s": 1.0} | wrong
    with pytest.raises(ValueError, match="ramp"):
        limited(**given)


@pytest.mark.parametrize("gap", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_gap_in_the_series_does_not_pass_for_a_level_power(gap, at):
    load = np.full(5, 1e6)
    load[at] = gap
    for ask in (
        lambda: limited(load, 60.0, 1e3), lambda: steepest(load, 60.0, 60.0), lambda: breaches(load, 60.0, 1e3),
        lambda: foreseen_power(load, 60.0, 1e3),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="not known"):
            ask()
