"""Where samples stand: one in each stratum, the same for the same unknown."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core import strata
from twin.core.strata import GOLDEN, places


@pytest.mark.parametrize("n", [8, 64, 100])
def test_every_stratum_holds_one_sample(n):
    u = places("some unknown", n, 0)
    assert sorted(np.floor(u * n).astype(int).tolist()) == list(range(n))
    assert 0.0 <= u.min() <= u.max() < 1.0


def test_the_numbers_follow_from_name_count_and_seed_alone():
    assert places("a", 64, 5).tobytes() == places("a", 64, 5).tobytes()
    assert not np.array_equal(places("a", 64, 5), places("b", 64, 5))
    assert not np.array_equal(places("a", 64, 5), places("a", 64, 6))


def test_unknowns_do_not_follow_each_other():
    """Correlations of 200 unknowns over 64 samples: mean square 1/63, as of independent ones."""
    u = np.array([places(f"unknown {k}", 64, 0) for k in range(200)])
    r = np.corrcoef(u)[np.triu_indices(200, 1)]
    assert np.mean(r**2) == pytest.approx(1 / 63, rel=0.05)
    assert abs(r.mean()) < 0.005


def test_a_mean_of_many_effects_settles_sooner_than_by_chance():
    """A sum of ten uniforms: by chance the mean of 64 has SD 0.114, stratified 1/64 of that or so."""
    means = [np.sum([places(f"{k}", 64, seed) for k in range(10)], axis=0).mean() for seed in range(50)]
    assert np.std(means) < 0.1 * np.sqrt(10 / 12 / 64)


def test_the_generator_is_split_mix():
    """First outputs for state 0, printed in the JDK's tests and everywhere since (Steele, Lea and Flood 2014)."""
    state = GOLDEN * np.arange(1, 4, dtype=np.uint64)
    assert [f"{x:016x}" for x in strata._split_mix(state).tolist()] == [
        "e220a8397b1dcdaf",
        "6e789e6aa1b965f4",
        "06c45d188009454f",
    ]
