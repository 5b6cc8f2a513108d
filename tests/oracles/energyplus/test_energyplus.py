"""Our plant against the same plant in EnergyPlus, hour by hour over a year in two climates."""

from __future__ import annotations

import numpy as np
import psychrolib
import pytest

from tests.oracles.energyplus.case import CONDENSER_W_K, our_tower
from tests.oracles.energyplus.cooltools import chillers
from tests.oracles.energyplus.plant import SUPPLY_C
from tests.oracles.energyplus.year import Year, run_year
from twin.cooling.dry_cooler import DryCooler, reject
from twin.cooling.eir_chiller import EirChiller
from twin.site.library import load_library

LIBRARY = load_library()
SOURCE = "EnergyPlus 25.2, same plant, TMY3"
HOUR_S = 3600.0
WATER_KG_M3 = 998.0


@pytest.fixture(scope="session", params=["Chicago", "Tampa"])
def year(request, tmp_path_factory) -> Year:
    return run_year(LIBRARY, request.param, tmp_path_factory.mktemp("energyplus"))


def errors(theirs: np.ndarray, ours: np.ndarray) -> tuple[float, float]:
    """CV-RMSE and NMBE in percent of the mean of EnergyPlus."""
    error, mean = ours - theirs, theirs.mean()
    return 100.0 * float(np.sqrt((error**2).mean())) / mean, 100.0 * float(error.mean()) / mean


def check(row, year: Year, what: str, theirs: np.ndarray, ours: np.ndarray, bound: float, source: str = SOURCE) -> None:
    spread, bias = errors(theirs, ours)
    row("E+", f"{year.climate}: {what}, CV-RMSE, %", 0.0, spread, abs=bound, source=source, basis="checked")
    row("E+", f"{year.climate}: {what}, NMBE, %", 0.0, bias, abs=2.0, source=source, basis="checked")


def test_the_year_is_a_fair_one(year):
    """Loads from 20 to 100 %, one chiller and two, trimming and free hours, and frost where the climate has it."""
    share = year.plant.load_w / year.plant.peak_w
    on, free = year.theirs["chiller_w"] > 0.0, year.theirs["economizer_w"] > 1e4
    assert share.min() == pytest.approx(0.2, abs=0.01)
    assert share.max() == pytest.approx(1.0, abs=0.01)
    assert (on & (year.theirs["second_w"] == 0.0)).sum() > 500
    assert (year.theirs["second_w"] > 0.0).sum() > 500
    assert (on & free).sum() > 500
    if year.climate == "Chicago":
        assert (~on & free).sum() > 2000
        assert (year.theirs["dry_bulb_c"] < 0.0).sum() > 1000


def test_chiller_power(year, validation_row):
    check(validation_row, year, "chiller power", year.theirs["chiller_w"], year.ours["chiller"], 3.0)


def test_economiser_heat(year, validation_row):
    """A few free hours in Tampa: relative to the load, not to the little that they save."""
    theirs, ours = year.theirs["economizer_w"], year.ours["economizer"]
    check(validation_row, year, "heat left to the chillers", year.plant.load_w - theirs, year.plant.load_w - ours, 3.0)


def test_fan_power(year, validation_row):
    check(validation_row, year, "tower fans", year.theirs["fan_w"], year.ours["fan"], 10.0)


def test_tower_water_temperature(year, validation_row):
    full = year.theirs["fan"] > 0.999
    error = (year.ours["condenser"] - year.theirs["tower_out_c"])[full]
    assert full.sum() > 2000
    rms = float(np.sqrt((error**2).mean()))
    validation_row(
        "E+", f"{year.climate}: tower outlet, full fans, RMSE, K", 0.0, rms, abs=0.3, source=SOURCE, basis="checked"
    )


def by_humidity_ratio(year: Year) -> tuple[np.ndarray, np.ndarray]:
    """Evaporation in kg/s from EnergyPlus' own heat and air: as it counts, and by humidity ratios.

    EnergyPlus multiplies the air flow by the difference of the specific humidities ``w/(1 + w)``; with an air flow
    that its energy balance takes as dry, conservation of water asks for that of the humidity ratios ``w``.
    """
    psychrolib.SetUnitSystem(psychrolib.SI)
    tower, t = our_tower(), year.theirs
    volume = year.plant.tower.air_kg_s / year.plant.tower.air_kg_m3
    theirs, ours = np.zeros(len(t["fan"])), np.zeros(len(t["fan"]))
    assert tower.rated_kw.value * 1e3 == pytest.approx(4.3 * CONDENSER_W_K)
    for i in np.flatnonzero(t["fan"] > 0.0):
        t_db, t_wb, p = t["dry_bulb_c"][i], min(t["wet_bulb_c"][i], t["dry_bulb_c"][i]), t["pressure_pa"][i]
        w = psychrolib.GetHumRatioFromTWetBulb(t_db, t_wb, p)
        air = volume * t["fan"][i] * psychrolib.GetMoistAirDensity(t_db, w, p)
        h_out = psychrolib.GetMoistAirEnthalpy(t_db, w) + t["tower_heat_w"][i] / air
        low, high = -30.0, 60.0
        for _ in range(40):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if psychrolib.GetSatAirEnthalpy(middle, p) > h_out else (middle, high)
        w_out = psychrolib.GetSatHumRatio(low, p)
        theirs[i], ours[i] = air * (w_out / (1.0 + w_out) - w / (1.0 + w)), air * (w_out - w)
    return theirs, ours


def test_water(year, validation_row):
    """Evaporation by EnergyPlus' heat and air, then make-up: its own counting is shown beside."""
    own, conserved = by_humidity_ratio(year)
    reported = year.theirs["evaporated_m3"] * WATER_KG_M3 / HOUR_S
    # Below its lowest speed the fan comes and goes within the hour: no one air flow belongs to that hour.
    keep = year.theirs["fan"] > 0.25
    check(validation_row, year, "formula of its evaporation", reported[keep], own[keep], 3.0, "EnergyPlus reference")
    ratio = np.where(own > 0.0, conserved / np.where(own > 0.0, own, 1.0), 1.0)
    check(validation_row, year, "evaporation", reported * ratio, year.ours["evaporated"], 3.0)
    makeup = year.ours["evaporated"] + year.ours["blowdown"] + year.ours["drift"]
    check(validation_row, year, "make-up water", year.theirs["makeup_m3"] * WATER_KG_M3 / HOUR_S * ratio, makeup, 3.0)
    spread, bias = errors(year.theirs["makeup_m3"] * WATER_KG_M3 / HOUR_S, makeup)
    what, about = f"{year.climate}: make-up water as EnergyPlus counts it", "as above, by specific humidities"
    validation_row("E+", f"{what}, CV-RMSE, %", 0.0, spread, abs=4.0, source=about, basis="checked", recorded=True)
    validation_row("E+", f"{what}, NMBE, %", 0.0, bias, abs=3.0, source=about, basis="checked", recorded=True)


def test_dry_cooler(year, validation_row):
    """The BAC cooler at full fans in the weather of the year."""
    t, row = year.theirs, np.array(LIBRARY.get("dry-cooler-bac-tdfs1238n", DryCooler).rejection_row(1))
    full = np.flatnonzero(t["dry_fan_w"] > 0.999 * t["dry_fan_w"].max())
    assert len(full) > 6000
    out = []
    for i in full:
        t_in = t["dry_in_c"][i]
        w = t["dry_heat_w"][i] / (t_in - t["dry_out_c"][i])
        k, t_ref, _ = reject(row, 1.0, 0.0, w, t_in, t["dry_bulb_c"][i], t["wet_bulb_c"][i], t["pressure_pa"][i])
        out.append(t_in - k * (t_in - t_ref) / w)
    rms = float(np.sqrt(((np.array(out) - t["dry_out_c"][full]) ** 2).mean()))
    validation_row(
        "E+",
        f"{year.climate}: dry cooler outlet, full fans, RMSE, K",
        0.0,
        rms,
        abs=0.3,
        source=SOURCE,
        basis="checked",
    )


SHIPPED = {
    "chiller-eir-2317-vsd": "Trane CVHF 2317kW/6.33COP/VSD",
    "chiller-eir-2771-vsd": "York YK 2771kW/6.84COP/VSD",
    "chiller-eir-5170-vanes": "York YK 5170kW/7.15COP/Vanes",
}


@pytest.mark.parametrize("id", SHIPPED)
def test_shipped_sets_are_those_of_the_data_set(id):
    ours, theirs = LIBRARY.get(id, EirChiller), chillers()[SHIPPED[id]]
    assert ours.rated_kw.value * 1e3 == theirs.capacity_w
    assert ours.rated_cop.value == theirs.cop
    assert ours.capacity_by_temperature.coefficients == theirs.capacity_by_temperature
    assert ours.eir_by_temperature.coefficients == theirs.eir_by_temperature
    assert ours.eir_by_load.coefficients == theirs.eir_by_load
    assert (ours.chilled_low_c.value, ours.chilled_high_c.value) == theirs.chilled_range_c
    assert (ours.condenser_low_c.value, ours.condenser_high_c.value) == theirs.condenser_range_c
    assert ours.chilled_low_c.value < SUPPLY_C < ours.chilled_high_c.value
