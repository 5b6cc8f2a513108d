"""Exchanger effectiveness and sizing against the package ``ht`` and printed duty points."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import log

import ht
import numpy as np
import pytest

from twin.cooling.exchanger import counterflow, crossflow, parallelflow, transfer, ua_for_approach
from twin.core.coolant import capacity_rate, heat_capacity
from twin.core.units import LPM

NTUS = np.geomspace(1e-3, 20.0, 60)
RATIOS = np.linspace(0.0, 1.0, 41)


@pytest.mark.parametrize(
    ("n", "c", "eps"), [(1.0, 1.0, 0.5), (2.0, 0.8, 0.7109094), (3.0, 1.0, 0.75), (4.0, 0.5, 0.9274211)]
)
def test_v08_counterflow(validation_row, n, c, eps):
    what = f"counterflow effectiveness at ({n:g}, {c:g})"
    validation_row("V08", what, eps, counterflow(n, c), abs=1e-7, source="ht", basis="checked")


def test_v08_counterflow_over_a_grid(validation_row):
    worst = max(
        abs(counterflow(n, c) - ht.effectiveness_from_NTU(n, c, subtype="counterflow")) for n in NTUS for c in RATIOS
    )
    validation_row("V08", "counterflow, worst of 2,460 points", 0.0, worst, abs=1e-12, source="ht", basis="checked")


@pytest.mark.parametrize("n", [0.1, 2.5, 30.0, 1000.0])
def test_v08_counterflow_is_smooth_where_the_streams_balance(validation_row, n):
    """Against 50 digits; 1 - C is as exact as a double can say it, so the bound is a few roundings."""
    worst = 0.0
    with localcontext() as context:
        context.prec = 50
        for short in (1e-3, 1e-6, 2e-9, 1.1e-12, 0.9e-12, 1e-14, 0.0):
            c = Decimal(1.0 - short)
            e = (-Decimal(n) * (1 - c)).exp()
            exact = (1 - e) / (1 - c * e) if c != 1 else Decimal(n) / (1 + Decimal(n))
            worst = max(worst, abs(float(exact) - counterflow(n, float(c))))
    # Below 1 - C = 1e-12 the balanced form takes over: off by at most half of that.
    what, source = f"counterflow near C = 1, worst, N = {n:g}", "decimal, 50 digits"
    validation_row("V08", what, 0.0, worst, abs=1e-12, source=source, basis="checked")


def test_v09_parallel_flow(validation_row):
    what, got = "parallel flow at (2, 0.8)", parallelflow(2.0, 0.8)
    validation_row("V09", what, 0.5403758, got, abs=1e-6, source="ht", basis="checked")
    worst = max(
        abs(parallelflow(n, c) - ht.effectiveness_from_NTU(n, c, subtype="parallel")) for n in NTUS for c in RATIOS
    )
    validation_row("V09", "parallel flow, worst of 2,460 points", 0.0, worst, abs=1e-12, source="ht", basis="checked")


def test_v09_crossflow_is_the_usual_approximation(validation_row):
    got = crossflow(2.0, 0.8)
    approximate = ht.effectiveness_from_NTU(2.0, 0.8, subtype="crossflow approximate")
    what = "crossflow at (2, 0.8), same approximation"
    validation_row("V09", what, approximate, got, abs=1e-12, source="ht", basis="checked")
    what, exact, source = "crossflow at (2, 0.8), exact", 0.6593372, "ht, exact series"
    validation_row("V09", what, exact, got, rel=0.01, source=source, basis="checked", recorded=True)


@pytest.mark.parametrize(("low", "high", "allowed"), [(0.02, 1.0, 0.04), (1.0, 5.0, 0.017), (5.0, 20.0, 0.04)])
def test_v09_crossflow_stays_within_what_its_header_promises(validation_row, low, high, allowed):
    """The header states the spread that was found here: recorded, no bound set beforehand."""
    grid = [(n, c) for n in np.linspace(low, high, 24) for c in np.linspace(0.05, 1.0, 20)]
    worst = max(abs(crossflow(n, c) / ht.effectiveness_from_NTU(n, c, subtype="crossflow") - 1.0) for n, c in grid)
    what = f"crossflow, worst relative error for N in {low:g}..{high:g}"
    validation_row("V09", what, 0.0, worst, abs=allowed, source="ht, exact series", basis="checked", recorded=True)


def test_v10_plate_exchanger_by_its_logarithmic_mean(validation_row):
    """Alfa Laval AQ6T: 1,250 kW, 51/37 against 35/46 degC."""
    source = "Alfa Laval AQ6T data, LMTD by definition"
    duty, hot, cold = 1.25e6, (51.0, 37.0), (35.0, 46.0)
    lmtd = ht.LMTD(hot[0], hot[1], cold[0], cold[1])
    c_hot, c_cold = duty / (hot[0] - hot[1]), duty / (cold[1] - cold[0])
    ua = ua_for_approach(duty, c_hot, c_cold, hot[1] - cold[0])
    eps = transfer(ua, c_hot, c_cold) / min(c_hot, c_cold)
    validation_row("V10", "LMTD, K", 3.27407, duty / ua, rel=1e-5, source=source, basis="checked")
    validation_row("V10", "UA, kW/K", 381.8, ua / 1e3, abs=0.05, source=source, basis="checked")
    validation_row("V10", "effectiveness", 0.8750, eps, abs=1e-6, source=source, basis="checked")
    assert lmtd == pytest.approx(duty / ua, rel=1e-9)
    assert lmtd == pytest.approx((5.0 - 2.0) / log(5.0 / 2.0), rel=1e-12)


def test_v11_water_exchanger(validation_row):
    """25/25 kg/s, 50 to 40 degC against cold water entering at 36 degC."""
    source = "tespy"
    c_hot = 25.0 * heat_capacity("water", 45.0)
    duty = c_hot * 10.0
    c_cold = 25.0 * heat_capacity("water", 41.0)
    ua = ua_for_approach(duty, c_hot, c_cold, 4.0)
    validation_row("V11", "Q, kW", 1044.94, duty / 1e3, rel=1e-3, source=source, basis="checked")
    validation_row("V11", "UA, kW/K", 261.28, ua / 1e3, rel=1e-3, source=source, basis="checked")
    got = 36.0 + duty / c_cold
    validation_row("V11", "cold outlet, degC", 46.0015, got, rel=1e-3, source=source, basis="checked")
    # The other way: the exchanger so sized carries that duty.
    assert transfer(ua, c_hot, c_cold) * 14.0 == pytest.approx(duty, rel=1e-12)


def test_a_cdu_of_4_k_approach_and_10_k_on_both_sides_has_2_5_transfer_units(validation_row):
    c = capacity_rate("water", 30.0, 1500.0 * LPM)
    ua = ua_for_approach(10.0 * c, c, c, 4.0)
    source = "eps = 10/14, N = eps/(1 - eps)"
    validation_row("V08", "CDU 10 K / 10 K / 4 K: NTU", 2.5, ua / c, rel=1e-9, source=source, basis="checked")
