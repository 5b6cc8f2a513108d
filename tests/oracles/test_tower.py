"""The Merkel tower against EnergyPlus and against the York correlation."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import psychrolib
import pytest

from twin.cooling.crah import FAN_CURVE
from twin.cooling.tower import Tower, reject
from twin.core.params import Figure

DATA = Path(__file__).with_name("data") / "merkel-energyplus.csv"
NOMINAL_W, FAN_W = 20_000.0, 210.0
DESIGN_AIR_M3_S = NOMINAL_W * 2.76316e-5
DESIGN_WATER_KG_S = 1.07629
SEA_LEVEL = 101_325.0

# EnergyPlus engineering reference, table "Approach Temperature Correlation Coefficients", column YorkCalc: the factor
# of wet bulb^i range^j (L/G)^k stands at i + 3 j + 9 k.
YORK = np.array([
    -0.359741205, -0.055053608, 0.0023850432, 0.173926877, -0.0248473764, 0.00048430224, -0.005589849456,
    0.0005770079712, -1.342427256e-05, 2.84765801111111, -0.121765149, 0.0014599242, 1.680428651, -0.0166920786,
    -0.0007190532, -0.025485194448, 4.87491696e-05, 2.719234152e-05, -0.0653766255555556, -0.002278167, 0.0002500254,
    -0.0910565458, 0.00318176316, 3.8621772e-05, -0.0034285382352, 8.56589904e-06, -1.516821552e-06,
]).reshape(3, 3, 3)  # fmt: skip


def york_approach(wet_bulb: float, span: float, ratio: float) -> float:
    """Approach in K by the York correlation."""
    return float(np.polynomial.polynomial.polyval3d(ratio, span, wet_bulb, YORK))


def made(**numbers: float) -> Tower:
    fields: dict[str, Any] = {k: Figure(value=v, source="this test", confidence="estimate") for k, v in numbers.items()}
    return Tower(
        kind="tower", title="a tower of the tests",
        cycles_of_concentration=Figure(value=5.0, source="this test", confidence="estimate"),
        drift_share=Figure(value=0.0, source="this test", confidence="estimate"),
        minimum_fan=Figure(value=0.2, source="this test", confidence="estimate"),
        fan_kw=Figure(value=0.21, source="this test", confidence="estimate"), **fields,
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def si_units():
    psychrolib.SetUnitSystem(psychrolib.SI)


@pytest.fixture(scope="module")
def series() -> dict[str, np.ndarray]:
    lines = [line for line in DATA.read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def energyplus_ua() -> float:
    line = next(line for line in DATA.read_text().splitlines() if line.startswith("# UA"))
    return float(line.split(":")[1].split()[0])


def fan_fraction(fan_w: np.ndarray) -> np.ndarray:
    """Air flow fraction of EnergyPlus, by its fan curve read backwards."""
    x = np.linspace(0.0, 1.001, 20_001)
    return np.interp(fan_w / FAN_W, np.polynomial.polynomial.polyval(x, FAN_CURVE), x)


def air_density(dry_bulb: float, wet_bulb: float, pressure: float) -> float:
    """Air density in kg/m3."""
    w = psychrolib.GetHumRatioFromTWetBulb(dry_bulb, wet_bulb, pressure)
    return float(psychrolib.GetMoistAirDensity(dry_bulb, w, pressure))


def replay(series: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Error of the leaving water (K) and relative error of the evaporation, our kernel in EnergyPlus' conditions."""
    rho = air_density(35.0, 25.6, SEA_LEVEL)
    error, evaporation = [], []
    for i, fan in enumerate(fan_fraction(series["fan_w"])):
        t_in, t_out, flow = (float(series[k][i]) for k in ("water_in_c", "water_out_c", "water_kg_s"))
        db, wb, p, q = (float(series[k][i]) for k in ("dry_bulb_c", "wet_bulb_c", "pressure_pa", "heat_w"))
        cp = q / (flow * (t_in - t_out))
        row = np.array([energyplus_ua(), DESIGN_AIR_M3_S * rho, DESIGN_WATER_KG_S * cp, 25.6, rho] + [0.0] * 7)
        k, t_ref, kg_per_j = reject(row, fan, 0.0, flow * cp, t_in, db, wb, p)
        error.append(t_in - k * (t_in - t_ref) / (flow * cp) - t_out)
        # Evaporation of a quarter of an hour in m3 of water.
        evaporation.append(kg_per_j * q * 900.0 / 998.0 / series["evaporation_m3"][i] - 1.0)
    return np.array(error), np.array(evaporation)


def rms(x: np.ndarray) -> float:
    return float(np.sqrt((x**2).mean()))


def test_v17_the_series_is_a_fair_one(series):
    """All fan speeds, three water flows, frost to damp heat: what the comparison rests on."""
    fan = fan_fraction(series["fan_w"])
    assert len(fan) > 300
    assert fan.min() < 0.25
    assert (fan > 0.999).sum() > 100
    assert len(np.unique(np.round(series["water_kg_s"], 2))) == 3
    assert series["wet_bulb_c"].min() < -5.0
    assert series["wet_bulb_c"].max() > 23.0


def test_v17_merkel_against_energyplus(series, validation_row):
    error, evaporation = replay(series)
    source = "EnergyPlus 25.2, Dulles TMY3"
    # What is left comes from EnergyPlus' iteration on the leaving wet bulb. The first bound is the sheet's, the others
    # are recorded.
    what, worst = "leaving water, rms error, K", float(abs(error).max())
    validation_row("V17", what, 0.0, rms(error), abs=0.05, source=source, basis="checked")
    what = "leaving water, largest error, K"
    validation_row("V17", what, 0.0, worst, abs=0.11, source=source, basis="checked", recorded=True)
    # EnergyPlus takes the heat at the exit's saturation and a fixed latent heat: 4 % of the evaporation.
    what, spread = "evaporation, rms relative error", rms(evaporation)
    validation_row("V17", what, 0.0, spread, abs=0.04, source=source, basis="checked", recorded=True)


def approach_of(row: np.ndarray, water: float, span: float, wet_bulb: float) -> float:
    """Approach in K at which the tower with full fans sheds ``span`` of ``water`` (W/K); bisection."""
    low, high = 0.1, 40.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        t_in = wet_bulb + middle + span
        k, t_ref, _ = reject(row, 1.0, 0.0, water, t_in, wet_bulb + 8.0, wet_bulb, SEA_LEVEL)
        low, high = (middle, high) if k * (t_in - t_ref) < water * span else (low, middle)
    return 0.5 * (low + high)


def test_v17_the_design_point_of_energyplus(validation_row):
    """25 kW, 25.6 degC wet bulb, 3.9 K approach, 5.56 K range: our UA0 closes it, EnergyPlus' is 4 % larger."""
    duty, span = 1.25 * NOMINAL_W, 5.56
    air = DESIGN_AIR_M3_S * air_density(35.0, 25.6, SEA_LEVEL)
    tower = made(rated_kw=duty / 1e3, design_wet_bulb_c=25.6, approach_k=3.9, range_k=span, air_flow_kg_s=air)
    row = np.array(tower.rejection_row(1))
    own = approach_of(row, duty / span, span, 25.6)
    row[0] = energyplus_ua()
    what, source = "design approach, own UA0, K", "by construction of UA0"
    validation_row("V17", what, 3.9, own, abs=1e-6, source=source, basis="fitted")
    # In K, because that is what a plant feels; the bound is that of the series above, recorded as well.
    theirs, what = approach_of(row, duty / span, span, 25.6), "design approach, EnergyPlus' UA0, K"
    validation_row("V17", what, 3.9, theirs, abs=0.11, source="EnergyPlus sizing", basis="checked", recorded=True)


def test_v16_york_reference_point(validation_row):
    got = york_approach(25.55, 5.56, 1.0)
    what, source = "York approach at 25.55 degC, 5.56 K, L/G 1", "Modelica Buildings reference result"
    validation_row("V16", what, 3.844515, got, abs=1e-6, source=source, basis="arithmetic")


@pytest.mark.parametrize(
    ("wet_bulb", "span", "water", "spread"),
    [
        (25.55, 5.56, 1.0, 1e-4),  # sized here
        (25.55, 4.0, 1.0, 0.1),
        (25.55, 7.0, 1.0, 0.1),
        (25.55, 5.56, 0.75, 0.1),
        (25.55, 5.56, 1.08, 0.1),
        (22.0, 5.56, 1.0, 0.2),
        (15.0, 5.56, 1.0, 0.5),
        (10.0, 5.56, 1.0, 0.7),
    ],
)
def test_v16_merkel_near_a_york_tower(validation_row, wet_bulb, span, water, spread):
    """Two different towers sized at one point: the spread between models, stated per point, not an error of either.

    The spreads are recorded: they were written down after the comparison was seen and hold later changes to it.
    Toward cold wet bulbs ours needs up to 0.5 K more approach: we err on the side of less free cooling.
    """
    # York's L/G of 1 is the design ratio; the air that belongs to it is a free choice, taken as water/air = 1.2.
    duty = 10e6
    tower = made(
        rated_kw=duty / 1e3, design_wet_bulb_c=25.55, approach_k=york_approach(25.55, 5.56, 1.0), range_k=5.56,
        air_flow_kg_s=duty / (4185.0 * 5.56) / 1.2,
    )  # fmt: skip
    row = np.array(tower.rejection_row(1))
    validation_row(
        "V16", f"approach at {wet_bulb:g} degC, {span:g} K, L/G {water:g}", york_approach(wet_bulb, span, water),
        approach_of(row, row[2] * water, span, wet_bulb), abs=spread, source="York correlation; two models",
        basis="predicted" if spread > 1e-3 else "fitted", recorded=spread > 1e-3,
    )  # fmt: skip
