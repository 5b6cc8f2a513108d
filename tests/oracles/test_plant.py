"""Chillers, dry coolers, fans and pumps against published design points and laws."""

from __future__ import annotations

import numpy as np
import pytest

from twin.cooling.bank import fan_power
from twin.cooling.chiller import Chiller, cop_full, part_load_factor
from twin.cooling.dry_cooler import DryCooler, reject
from twin.cooling.machines import bank_power
from twin.cooling.moist_air import wet_bulb
from twin.core.columns import Fac
from twin.site.library import Library, load_library
from twin.site.load import load_site
from twin.site.lower import lower

# The wet bulb of completely dry air at 35 degC: the design density is that of dry air.
DRY_WET_BULB_C = float(wet_bulb(35.0, 0.0, 101_325.0))
ENERGYPLUS = "EnergyPlus data sets, 73 centrifugal sets"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


@pytest.fixture(scope="module")
def chiller(library: Library) -> Chiller:
    return library.get("chiller-centrifugal", Chiller)


def test_v19_bac_dry_cooler_at_its_design_point(library, validation_row):
    """46.1 to 40.5 degC at 35 degC air: 2,931 kW with 117.7 kW of fans."""
    unit = library.get("dry-cooler-bac-tdfs1238n", DryCooler)
    row = np.array(unit.rejection_row(1))
    water = 2931e3 / (46.1 - 40.5)
    k, t_ref, evaporated = reject(row, 1.0, 0.0, water, 46.1, 35.0, DRY_WET_BULB_C, 101_325.0)
    q = k * (46.1 - t_ref)
    source = "BAC TDFS1238N, in the Modelica Buildings library"
    validation_row("V19", "heat, kW", 2931.0, q / 1e3, rel=1e-3, source=source, basis="fitted")
    validation_row("V19", "leaving water, degC", 40.5, 46.1 - q / water, abs=0.01, source=source, basis="fitted")
    got = unit.fan_kw.value * 1e3 / q
    validation_row("V19", "fans per heat", 0.04015, got, rel=1e-3, source=source, basis="look-up")
    assert t_ref == 35.0
    assert evaporated == 0.0


def test_v33_full_load_cop(chiller, validation_row):
    got = cop_full(18.0, 31.4, chiller.eta.value, chiller.delta_k.value, chiller.minimum_lift_k.value)
    validation_row("V33", "COP at 18 / 31.4 degC", 9.08, got, rel=0.01, source=ENERGYPLUS, basis="fitted")
    # ARI rating point of the machines behind the fit: 6.67 degC out, 35 degC leaving the condenser.
    ari = cop_full(6.67, 35.0, chiller.eta.value, chiller.delta_k.value, chiller.minimum_lift_k.value)
    what, source = "COP at 6.67 / 35 degC is in 5..7", "water-cooled 5-7, section 4"
    validation_row("V33", what, 6.0, ari, abs=1.0, source=source, basis="predicted")


@pytest.mark.parametrize(("plr", "factor"), [(0.25, 1.32), (0.5, 0.964), (0.75, 0.941), (1.0, 1.0)])
def test_v33_part_load(validation_row, plr, factor):
    what, got = f"EIR/EIR_full at {plr:g}", part_load_factor(plr)
    validation_row("V33", what, factor, got, abs=1e-12, source=ENERGYPLUS, basis="look-up")


def test_v33_the_lift_has_a_floor(chiller):
    """Condenser water colder than the machine allows saves nothing more."""
    figures = (chiller.eta.value, chiller.delta_k.value, chiller.minimum_lift_k.value)
    at_floor = cop_full(10.0, 10.0 - 3.0 + chiller.minimum_lift_k.value, *figures)
    assert cop_full(10.0, 0.0, *figures) == pytest.approx(at_floor, rel=1e-12)
    assert cop_full(10.0, 30.0, *figures) < at_floor


@pytest.mark.parametrize("count", [1.0, 2.0, 5.0])
def test_v33_bank_power_is_continuous_and_rises_with_the_heat(validation_row, count):
    """One machine and a bank: no jump where machines start, never less power for more heat."""
    unit, cop = 7e6, 8.0
    step = 1e-4 * unit
    q = np.arange(0.0, count * unit + step / 2, step)
    fac = np.zeros(len(Fac))
    fac[Fac.CHILLERS] = count
    p = np.array([bank_power(fac, x, unit, cop) for x in q])
    rise = np.diff(p)
    # The steepest the law may rise per watt: 1.32/COP, or the piece toward full load.
    steepest = 1.4 / cop * step
    validation_row("V33", f"bank of {count:g}: largest step of power, W", 0.0, float(rise.max()), abs=steepest,
                   source="continuity", basis="checked")  # fmt: skip
    validation_row("V33", f"bank of {count:g}: smallest step of power, W", 0.0, min(0.0, float(rise.min())), abs=1e-6,
                   source="monotony", basis="checked")  # fmt: skip
    assert p[0] == 0.0
    assert p[-1] == pytest.approx(count * unit / cop, rel=1e-9)
    assert p[-1] > p[len(p) // 2] > 0.0


@pytest.fixture(scope="module")
def tower_row() -> np.ndarray:
    return np.asarray(lower(load_site("oklahoma-10")).arrays.fac[0])


@pytest.mark.parametrize("x", [0.2, 0.3, 0.5, 0.75, 1.0])
def test_v33_fan_power_follows_the_energyplus_curve(tower_row, validation_row, x):
    curve = -0.00932 + 0.05123 * x - 0.08384 * x**2 + 1.04192 * x**3
    got = fan_power(tower_row, x) / tower_row[Fac.FAN]
    what = f"fan power at {x:g} of the air"
    validation_row("V33", what, curve, got, abs=1e-12, source="EnergyPlus fan curve", basis="look-up")


def test_v33_fans_cycle_below_their_lowest_speed(tower_row):
    low = tower_row[Fac.FAN_MIN]
    assert fan_power(tower_row, 0.5 * low) == pytest.approx(0.5 * fan_power(tower_row, low), rel=1e-12)
    assert fan_power(tower_row, 0.0) == 0.0


def test_v33_moved_air_costs_power_and_more_of_it_costs_more(tower_row):
    """The fitted cubic is negative below 0.15 of the air: a dry cooler there once rejected megawatts for nothing."""
    row = tower_row.copy()
    for low in (0.0, 0.1, 0.3):
        row[Fac.FAN_MIN] = low
        power = np.array([fan_power(row, x) for x in np.linspace(0.001, 1.0, 1000)])
        assert power[0] > 0.0
        assert (np.diff(power) > 0.0).all()
        assert np.diff(power).max() < 0.004 * row[Fac.FAN]
