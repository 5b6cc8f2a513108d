"""Which unknowns drive a result."""

from __future__ import annotations

import numpy as np
import pytest

from twin.analysis.drivers import drivers
from twin.core.strata import places

U = np.array([places(f"unknown {k}", 64, 0) for k in range(200)]).T


def test_shares_are_those_of_the_variance():
    """Variances 9, 4 and 1 of 14: 64 %, 29 % and 7 %."""
    found = drivers(U, 3.0 * U[:, 7] - 2.0 * U[:, 42] + U[:, 130])
    assert [driver.unknown for driver in found] == [7, 42, 130]
    assert [driver.rises for driver in found] == [True, False, True]
    np.testing.assert_allclose([driver.share for driver in found], [9 / 14, 4 / 14, 1 / 14], atol=0.09)


def test_a_monotone_effect_of_any_shape_is_seen_whole():
    (found,) = drivers(U, np.exp(8.0 * U[:, 3]))
    assert found.unknown == 3
    assert found.share == pytest.approx(1.0)


def test_chance_is_not_named():
    """Two hundred unknowns and a result that knows none of them: one of twenty such results may name one."""
    rng = np.random.default_rng(5)
    named = sum(bool(drivers(U, rng.normal(size=64))) for _ in range(200))
    assert named <= 20


def test_at_most_five_are_named():
    assert len(drivers(U, U[:, :8].sum(axis=1))) <= 5
    assert len(drivers(U, U[:, :8].sum(axis=1), most=2)) == 2


@pytest.mark.parametrize("result", [np.ones(64), np.full(64, np.nan), np.r_[np.nan, np.arange(63.0)]])
def test_what_does_not_vary_or_is_not_known_has_no_driver(result):
    assert drivers(U, result) == []


def test_nothing_unknown_drives_nothing():
    assert drivers(np.empty((64, 0)), np.arange(64.0)) == []
