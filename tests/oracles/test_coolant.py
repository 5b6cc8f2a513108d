"""Coolant properties against CoolProp, and the temperature rise of lowered racks."""

from __future__ import annotations

import numpy as np
import pytest
from CoolProp.CoolProp import PropsSI

from twin.core.columns import Group
from twin.core.coolant import density, heat_capacity, viscosity
from twin.racks.rack import Rack
from twin.site.library import load_library
from twin.site.lower_hall import Run, group_row
from twin.site.model import LoadCurve

FLUIDS = {"water": "Water", "pg25": "INCOMP::MPG[0.25]"}
PRESSURE_PA = 2e5


def coolprop(prop: str, coolant: str, t_c: float) -> float:
    return float(PropsSI(prop, "T", t_c + 273.15, "P", PRESSURE_PA, FLUIDS[coolant]))


@pytest.mark.parametrize("coolant", sorted(FLUIDS))
def test_fits_stay_within_what_their_header_promises(validation_row, coolant):
    """``twin.core.coolant``: 0.03 % in density, 0.09 % in heat capacity, 0.2 % in viscosity over 5..60 degC."""
    t = np.linspace(5.0, 60.0, 111)
    rho = max(abs(density(coolant, x) / coolprop("D", coolant, x) - 1.0) for x in t)
    cp = max(abs(heat_capacity(coolant, x) / coolprop("C", coolant, x) - 1.0) for x in t)
    mu = max(abs(viscosity(coolant, x) / coolprop("V", coolant, x) - 1.0) for x in t)
    source = "CoolProp 8, 5..60 degC"
    validation_row(
        "V14", f"{coolant} viscosity, worst relative error", 0.0, mu, abs=2e-3, source=source, basis="fitted"
    )
    validation_row("V12", f"{coolant} density, worst relative error", 0.0, rho, abs=3e-4, source=source, basis="fitted")
    validation_row(
        "V12", f"{coolant} heat capacity, worst relative error", 0.0, cp, abs=9e-4, source=source, basis="fitted"
    )


def rise(rack_id: str, coolant_c: float) -> float:
    """Coolant rise at rated power if all of it went into the coolant, K, through the lowered group row."""
    library = load_library()
    row = group_row(Run(rack_id, library.get(rack_id, Rack), 0, ["r"]), library, LoadCurve(), coolant_c)
    return row[Group.RATED] / row[Group.W_COOLANT]


def test_v12_rise_of_a_cs3(validation_row):
    """23 kW into 100 L/min of water at 25 degC."""
    got = rise("cs3-x1", 25.0)
    own = 23e3 / (100e-3 / 60 * coolprop("D", "water", 25.0) * coolprop("C", "water", 25.0))
    source = "P/(rho c V), 100 L/min at 25 degC"
    validation_row("V12", "CS-3 rise, K", 3.310, got, rel=5e-3, source=source, basis="checked")
    validation_row("V12", "CS-3 rise by CoolProp, K", own, got, rel=1e-3, source="CoolProp", basis="checked")


def test_v12_rise_of_an_nvl72(validation_row):
    """PG25 at 40 degC, 1.5 L/min per kW of liquid heat: the library has 172.5 L/min for 115 kW of 132 kW."""
    share = 115.0 / 132.0
    got = rise("gb200-nvl72", 40.0) * share
    own = 1e3 / (1.5e-3 / 60 * coolprop("D", "pg25", 40.0) * coolprop("C", "pg25", 40.0))
    source = "P/(rho c V), 1.5 L/min/kW, PG25 at 40 degC"
    validation_row("V12", "GB200 NVL72 rise, K", 9.980, got, rel=5e-3, source=source, basis="checked")
    validation_row("V12", "GB200 NVL72 rise by CoolProp, K", own, got, rel=1e-3, source="CoolProp", basis="checked")
