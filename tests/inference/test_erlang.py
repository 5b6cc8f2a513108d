"""Erlang's C for any number of servers, against its definition and against the gamma function of SciPy."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammainc, gammaln

from twin.inference.erlang import erlang_c, wait_share, wait_table

HYPOTHESIS = settings(deadline=None, max_examples=300, derandomize=True)
TABLE = wait_table()
LOADS = st.floats(0.01, 0.98)
SERVERS = st.floats(0.0, 16.0).map(lambda x: 2.0**x)


def by_definition(k: int, load: Fraction) -> float:
    """C = (a^k/k!) k/(k - a) / (sum_{j<k} a^j/j! + the same), in exact arithmetic."""
    term, total = Fraction(1), Fraction(0)
    for j in range(k):
        total += term
        term = term * load / (j + 1)
    last = term * k / (k - load)
    return float(last / (total + last))


def by_gamma(k: float, load: float) -> float:
    """The same from the regularised incomplete gamma function, for real k: P(N <= k) of Poisson is 1 - P(k + 1, a)."""
    blocked = math.exp(k * math.log(load) - load - gammaln(k + 1.0)) / (1.0 - gammainc(k + 1.0, load))
    return float(blocked / (1.0 - load / k * (1.0 - blocked)))


@pytest.mark.parametrize("k", [1, 2, 5, 40, 200])
@pytest.mark.parametrize("rho", [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)])
def test_whole_numbers_of_servers_meet_the_definition(k, rho):
    assert erlang_c(k, float(k * rho)) == pytest.approx(by_definition(k, k * rho), rel=1e-10)


@HYPOTHESIS
@given(k=SERVERS, rho=LOADS)
def test_any_number_of_servers_meets_the_gamma_function(k, rho):
    assert erlang_c(k, k * rho) == pytest.approx(by_gamma(k, k * rho), rel=1e-6, abs=1e-20)


def test_one_server_waits_as_often_as_it_is_busy():
    for rho in (0.01, 0.3, 0.95):
        assert erlang_c(1.0, rho) == pytest.approx(rho, rel=1e-12)


@pytest.mark.parametrize("rho", [0.998, 0.999, 0.9999])
def test_a_hundred_thousand_servers_are_no_trouble(rho):
    """Halfin and Whitt: C -> 1/(1 + sqrt(2 pi) h Phi(h) e^(h^2/2)), h = (1 - rho) sqrt(k)."""
    k = 1e5
    h = (1.0 - rho) * math.sqrt(k)
    many = 1.0 / (1.0 + math.sqrt(2 * math.pi) * h * 0.5 * math.erfc(-h / math.sqrt(2)) * math.exp(h * h / 2))
    assert erlang_c(k, k * rho) == pytest.approx(many, rel=0.01)
    assert erlang_c(k, k * rho) == pytest.approx(by_gamma(k, k * rho), rel=1e-5)


@HYPOTHESIS
@given(k=SERVERS, rho=LOADS, more=st.floats(1.001, 2.0))
def test_more_load_waits_more_and_more_servers_wait_less(k, rho, more):
    here = erlang_c(k, k * rho)
    assert erlang_c(k, k * min(0.999, rho * more)) >= here
    assert erlang_c(k * more, k * more * rho) <= here * (1.0 + 1e-9)


@HYPOTHESIS
@given(k=SERVERS, rho=LOADS)
def test_the_table_is_within_a_thousandth(k, rho):
    assert abs(wait_share(TABLE, k, rho) - erlang_c(k, k * rho)) < 1e-3


def test_the_ends_hold():
    assert erlang_c(3.0, 0.0) == 0.0 == wait_share(TABLE, 3.0, 0.0)
    assert erlang_c(3.0, 3.0) == 1.0 == wait_share(TABLE, 3.0, 1.7)
    assert np.isfinite(TABLE).all()
    assert (np.diff(TABLE, axis=1) <= 1e-12).all()
