"""Pads, frost and the ledger of water of a rejection bank."""

from __future__ import annotations

import numpy as np
import pytest

from twin.cooling.adiabatic_cooler import AdiabaticCooler, reject
from twin.cooling.bank import reject_any
from twin.cooling.moist_air import air_density, humidity_ratio_from_wet_bulb
from twin.cooling.plant import Operation, capacity, operate
from twin.cooling.rejection import rejection_kinds
from twin.cooling.tower import Tower
from twin.core.columns import Fac
from twin.forcing.weather import load_weather
from twin.site.library import load_library

LIBRARY = load_library()
PADS = LIBRARY.get("adiabatic-cooler-2900", AdiabaticCooler)
TOWER = LIBRARY.get("tower-cell-6mw", Tower)
PRESSURE = 101_325.0
STEADY = np.zeros(0)


def plant(kind: AdiabaticCooler | Tower, **changed: float) -> tuple[np.ndarray, np.ndarray]:
    """A plant without chillers on one unit of ``kind``, water straight through it or through an economiser."""
    row = np.zeros(len(Fac))
    values = kind.columns(1) | {
        Fac.W_MAX: 5e5,
        Fac.SET: 30.0,
        Fac.ECONOMIZER: 1.0,
        Fac.C_BASIN: 1e8,
        Fac.FAN: kind.fan_kw.value * 1e3,
        Fac.FAN_MIN: kind.minimum_fan.value,
        Fac.REJECTION: float(list(rejection_kinds()).index(kind.KIND)),
        Fac.W_CONDENSER: 0.0 if isinstance(kind, AdiabaticCooler) else kind.design_water_w_k(),
    }
    for column, value in values.items():
        row[column] = value
    for name, value in changed.items():
        row[Fac[name]] = value
    return row, np.array(kind.rejection_row(1))


def run(fac: np.ndarray, row: np.ndarray, q: float, t_ret: float, t_db: float, t_wb: float) -> Operation:
    return operate(fac, row, 5e5, q, t_ret, 30.0, 25.0, 25.0, 1e9, t_db, t_wb, PRESSURE, STEADY)


@pytest.mark.parametrize(("trigger", "litres"), [(30.0, 0.03), (25.0, 0.10), (20.0, 0.18), (15.0, 0.23)])
def test_water_of_the_pads_hangs_on_their_trigger(trigger, litres):
    """Correction 11: Dulles, an air rise of 10 K at any hour, no bleed; within one unit of its last digit."""
    year = load_weather("washington-dulles")
    row = np.array(PADS.rejection_row(1))
    used = heat = 0.0
    for t_db, t_wb, p in zip(year.dry_bulb_c, year.wet_bulb_c, year.pressure_pa, strict=True):
        wet = 1.0 if t_db >= trigger else 0.0
        t_in = t_db + 20.0
        k, t_ref, evaporated = reject(row, 1.0, wet, row[2], t_in, t_db, min(t_wb, t_db), p)
        q = k * (t_in - t_ref)
        # Water goes with the air: heat is counted at 10 K of rise, whatever this coil transfers.
        w = humidity_ratio_from_wet_bulb(t_ref, min(t_wb, t_db), p)
        used += evaporated * q
        heat += row[1] * air_density(t_ref, w, p) / row[3] * 10.0
    assert used / heat * 3.6e6 == pytest.approx(litres, abs=0.01)


def test_pads_cool_the_air_toward_the_wet_bulb():
    row = np.array(PADS.rejection_row(1))
    _, t_ref, _ = reject(row, 1.0, 1.0, row[2], 50.0, 35.0, 20.0, PRESSURE)
    assert t_ref == pytest.approx(35.0 - 0.8 * 15.0)
    _, t_ref, water = reject(row, 1.0, 0.0, row[2], 50.0, 35.0, 20.0, PRESSURE)
    assert (t_ref, water) == (35.0, 0.0)


def test_pads_stay_dry_below_their_trigger_where_dry_coils_do():
    """Small heat at 20 degC needs no water; a heat beyond the dry coils does; at 26 degC the trigger decides."""
    fac, row = plant(PADS)
    assert run(fac, row, 1e6, 40.0, 20.0, 12.0).evaporated == 0.0
    assert run(fac, row, 1e6, 40.0, 26.0, 15.0).evaporated > 0.0
    assert run(fac, row, 5.6e6, 41.2, 22.0, 12.0).evaporated > 0.0


def test_pads_never_run_in_frost():
    fac, row = plant(PADS)
    assert run(fac, row, 9e6, 35.0, 4.0, 2.0).evaporated == 0.0


def test_warmer_air_above_the_frost_never_raises_the_capacity_of_pads():
    fac, row = plant(PADS)
    taken = []
    for t_db in np.arange(6.0, 45.0, 0.25):
        a, b = capacity(fac, row, 5e5, 30.0, 38.0, 25.0, 25.0, 1e9, t_db, 0.6 * t_db, PRESSURE, 0.0)
        taken.append(a + b * 38.0)
    assert (np.diff(taken) < 0.0).all()


def test_water_used_is_evaporation_blowdown_and_drift():
    """Five cycles: make-up is 5/4 of the evaporation while drift is less than the blowdown."""
    fac, row = plant(TOWER, ECONOMIZER=0.8)
    found = run(fac, row, 3e6, 36.0, 25.0, 20.0)
    assert found.evaporated > 0.0
    assert found.drift == pytest.approx(1e-5 * fac[Fac.W_CONDENSER] / 4185.0)
    assert found.evaporated + found.blowdown + found.drift == pytest.approx(1.25 * found.evaporated)
    dirty, _ = plant(TOWER, ECONOMIZER=0.8, DRIFT=0.5)
    assert run(dirty, row, 3e6, 36.0, 25.0, 20.0).blowdown == 0.0


def test_no_water_colder_than_the_frost_limit_is_made():
    """Cold nights: fans slow down, and what the economiser then leaves goes to the chillers."""
    fac, row = plant(TOWER, ECONOMIZER=0.5, SET=6.0)
    for t_wb in (-20.0, -5.0, 0.0):
        assert run(fac, row, 2e6, 12.0, t_wb + 1.0, t_wb).condenser >= TOWER.lowest_leaving_c.value - 0.01


def test_an_idle_basin_is_heated_in_frost_and_the_heat_goes_outdoors():
    fac, row = plant(TOWER, ECONOMIZER=0.8)
    cold, mild = run(fac, row, 0.0, 36.0, -15.5, -16.0), run(fac, row, 0.0, 36.0, 10.0, 8.0)
    assert cold.pump == pytest.approx(500.0 * 20.0)
    assert cold.rejected == cold.pump
    assert cold.basin == 25.0
    assert mild.pump == 0.0
    assert run(fac, row, 3e6, 36.0, -15.5, -16.0).pump == fac[Fac.CONDENSER_PUMP]


def test_all_kinds_answer_through_one_kernel():
    codes = {name: i for i, name in enumerate(rejection_kinds())}
    row = np.array(PADS.rejection_row(1))
    args = (row, 1.0, 1.0, row[2], 50.0, 35.0, 20.0, PRESSURE)
    assert reject_any(codes["adiabatic_cooler"], *args) == reject(*args)
