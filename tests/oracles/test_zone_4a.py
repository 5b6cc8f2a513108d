"""Published PUE and WUE of direct-to-chip cooling in ASHRAE zone 4A, each a shipped site run over a year."""

from __future__ import annotations

import pytest
import xarray as xr

import twin
from twin.core.units import MWH

LEI = "Lei & Masanet, large scale, zone 4A, P5-P95"
WATER_MODEL = "physics sheet, section 4: 1.053 L/kWh rejected at Dulles and its cycles"


def year_of(site: str) -> xr.Dataset:
    return twin.simulate(site, start="2026-01-01", end="2027-01-01", step="3600s")


def pue(run: xr.Dataset) -> float:
    return float(run.site_power.mean() / run.site_it_power.mean())


def litres(run: xr.Dataset, water: xr.DataArray) -> float:
    """Water in L per kWh of IT; one litre is taken as one kilogram."""
    return float(water.mean() / run.site_it_power.mean()) * MWH / 1e3


@pytest.fixture(scope="module")
def tower() -> xr.Dataset:
    return year_of("zone-4a-tower")


@pytest.fixture(scope="module")
def adiabatic() -> xr.Dataset:
    return year_of("zone-4a-adiabatic")


def in_band(row, case: str, what: str, low: float, high: float, got: float, source: str) -> None:
    row(
        case,
        f"{what} in {low:g}..{high:g}",
        0.5 * (low + high),
        got,
        abs=0.5 * (high - low),
        source=source,
        basis="predicted",
    )


def test_v20_towers_with_an_economiser(tower, validation_row):
    """Five cycles as in the library; three change the blowdown alone: evaporation/(3 - 1), drift included."""
    evaporated = tower.plant_evaporation.sum("loop")
    in_band(validation_row, "V20", "PUE", 1.065, 1.199, pue(tower), LEI)
    used = litres(tower, tower.site_water_flow)
    in_band(validation_row, "V20", "WUE at 5 cycles, L/kWh", 1.4, 1.6, used, WATER_MODEL)
    assert used == pytest.approx(litres(tower, 1.25 * evaporated), rel=1e-9)
    in_band(validation_row, "V20", "WUE at 3 cycles, L/kWh", 1.7, 1.9, litres(tower, 1.5 * evaporated), WATER_MODEL)


def test_v21_dry_coolers_with_pads(adiabatic, validation_row):
    """The pads' trigger is that of the library, 24 degC: within the 22-26 degC of the published band."""
    in_band(validation_row, "V21", "PUE", 1.055, 1.143, pue(adiabatic), LEI)
    in_band(validation_row, "V21", "WUE, L/kWh", 0.083, 0.248, litres(adiabatic, adiabatic.site_water_flow), LEI)


def test_v22_both_lie_in_the_range_of_the_fleets(tower, adiabatic, validation_row):
    """Fleets run at 1.08-1.16; a hall of hot-water racks without chillers may lie below."""
    in_band(validation_row, "V22", "PUE of the tower site", 1.08, 1.16, pue(tower), "fleet reports, 1.08-1.16")
    assert 1.0 < pue(adiabatic) < pue(tower)


def test_the_water_of_a_loop_is_that_of_its_ledger(tower, adiabatic):
    for run in (tower, adiabatic):
        parts = run.plant_evaporation + run.plant_blowdown + run.plant_drift
        assert float(abs(parts - run.plant_water_flow).max()) < 1e-9
        assert float(run.plant_evaporation.min()) >= 0.0
    assert float(adiabatic.plant_drift.max()) == 0.0


def test_chillers_beyond_their_set_are_counted(tower):
    """Chilled water of 17 degC is far beyond a set that ends at 8.9: every hour in which that chiller runs counts."""
    runs = tower.plant_chiller_power.sel(loop="b/chw") > 0.0
    assert int(runs.sum()) > 1000
    assert float(tower.plant_beyond_range_share.sel(loop="b/chw").sum()) == pytest.approx(float(runs.sum()))
    assert float(tower.plant_beyond_range_share.sel(loop="b/warm").sum()) == 0.0
