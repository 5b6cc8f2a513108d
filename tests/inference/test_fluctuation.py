"""How far power wanders: against long simulated series, sums of groups, and the exact step of a lag."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from twin.inference.fluctuation import Part, Wandering, averaged, lagged_w, sum_sd_w


def series(sd: float, memory: float, n: int, seed: int) -> np.ndarray:
    """AR(1) readings of 1 s."""
    phi = np.exp(-1.0 / memory) if memory > 0.0 else 0.0
    noise = np.random.default_rng(seed).standard_normal(n) * sd * np.sqrt(1.0 - phi**2)
    out = np.empty(n)
    out[0] = noise[0] / np.sqrt(1.0 - phi**2)
    for k in range(1, n):
        out[k] = phi * out[k - 1] + noise[k]
    return out


@pytest.mark.parametrize(("memory", "window"), [(0.0, 10), (1.3, 1), (1.3, 60), (12.2, 5), (12.2, 60)])
def test_means_over_a_window_wander_as_a_long_series_does(memory, window):
    means = series(2.0, memory, 600_000, 7).reshape(-1, window).mean(axis=1)
    sd, phi = averaged(Part(2.0, memory), window)
    assert sd == pytest.approx(means.std(), rel=0.03)
    assert phi == pytest.approx(np.corrcoef(means[:-1], means[1:])[0, 1], abs=0.03)


def test_a_window_shorter_than_the_meters_counts_as_the_meters():
    assert averaged(Part(3.0, 5.0), 0.1) == averaged(Part(3.0, 5.0), 1.0)
    assert averaged(Part(3.0, 5.0), 1.0)[0] == pytest.approx(3.0)


def test_a_very_long_memory_is_not_averaged_away():
    sd, phi = averaged(Part(3.0, 1e7), 300.0)
    assert sd == pytest.approx(3.0, rel=1e-3)
    assert phi == pytest.approx(1.0, abs=1e-3)


def test_groups_add_by_their_root_and_lock_step_adds_up():
    parts = (Part(0.07, 1.3), Part(0.01, 12.0))
    one = sum_sd_w([Wandering(10_000.0, 1.0, 1.0, parts)], 1.0)
    assert one == pytest.approx(10_000.0 * np.hypot(0.07, 0.01))
    assert sum_sd_w([Wandering(10_000.0, 1.0, 100.0, parts)], 1.0) == pytest.approx(10.0 * one)
    assert sum_sd_w([Wandering(10_000.0, 100.0, 1.0, parts)], 1.0) == pytest.approx(100.0 * one)
    both = [Wandering(10_000.0, 1.0, 9.0, parts), Wandering(10_000.0, 4.0, 1.0, parts)]
    assert sum_sd_w(both, 1.0) == pytest.approx(5.0 * one)


def test_longer_windows_wander_less():
    parts = (Part(0.004, 0.0), Part(0.07, 1.3), Part(0.02, 12.2))
    sds = [sum_sd_w([Wandering(1e4, 1.0, 8.0, parts)], w) for w in (1, 2, 10, 60, 300, 900, 3600)]
    assert all(b < a for a, b in pairwise(sds))


def test_a_lag_taken_in_one_step_is_the_lag_taken_in_many():
    power, means = 2900.0, []
    for _ in range(600):
        power, mean = lagged_w(power, 10_400.0, 0.01, 3.0)
        means.append(mean)
    end, mean = lagged_w(2900.0, 10_400.0, 6.0, 3.0)
    assert end == pytest.approx(power, rel=1e-9)
    assert mean == pytest.approx(np.mean(means), rel=1e-9)
    assert end == pytest.approx(10_400.0 - 7500.0 * np.exp(-2.0))


def test_no_lag_follows_at_once_and_no_time_changes_nothing():
    assert lagged_w(1.0, 5.0, 1.0, 0.0) == (5.0, 5.0)
    assert lagged_w(1.0, 5.0, 0.0, 2.0) == (1.0, 1.0)
