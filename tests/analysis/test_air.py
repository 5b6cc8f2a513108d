"""Indices of a hall's air by hand, and a run against the classes that its halls and loops name."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from twin.analysis.air_class import classes
from twin.analysis.air_indices import indices
from twin.analysis.kpi import summary
from twin.core.variables import TABLE
from twin.engine.identity import sourced_figures
from twin.site.load import load_site
from twin.site.lower_hall import AIR_CP

HALLS = ["okc/hall-1", "okc/hall-2"]
SITE = "format: 1\nbase: oklahoma-10\nname: classed\nbuildings: {okc: {loops: {chw: {ashrae_class: W17}}}}\n"


def made(interval_s: float = 900.0, named: tuple[str, str] = ("A1", "")) -> xr.Dataset:
    """Sixteen intervals of two halls whose racks draw 100 kg/s each at 300 kW, air at 22 degC, nothing mixed."""
    n, axes = 16, {"site": (), "hall": (2,), "loop": (1,)}
    ds = xr.Dataset(
        {
            row.name: (("time", row.level)[: 1 + len(axes[row.level])], np.zeros((n, *axes[row.level])))
            for row in TABLE
            if row.level in axes
        },
        {
            "time": np.datetime64("2028-07-01T01", "ns") + np.arange(n) * np.timedelta64(int(interval_s), "s"),
            "hall": HALLS, "hall_ashrae_class": ("hall", list(named)), "loop": ["okc/chw"],
        },
        {"interval_s": interval_s},
    )  # fmt: skip
    for name in ("hall_energised_share", "plant_energised_share"):
        ds[name][:] = 1.0
    ds["contract_power"][:] = 1e7
    ds["hall_it_power"][:] = 1.3e6
    ds["hall_liquid_heat"][:] = 1.0e6
    ds["hall_rack_airflow"][:] = 100.0
    for name in ("hall_supply_air_temperature", "hall_rack_inlet_temperature", "hall_rack_inlet_temperature_maximum"):
        ds[name][:] = 22.0
    for name in ("hall_return_temperature", "hall_rack_outlet_temperature"):
        ds[name][:] = 22.0 + 3e5 / (100.0 * AIR_CP)
    return ds


def test_sealed_aisles_have_a_supply_heat_index_of_zero():
    for row in indices(made()):
        assert row["supply_heat_index"] == pytest.approx(0.0, abs=1e-12)
        assert row["return_heat_index"] == pytest.approx(1.0)
        assert row["return_temperature_index"] == pytest.approx(1.0)


def test_exhaust_in_the_inlets_is_the_supply_heat_index():
    """1 K of 100 kg/s is 100.6 kW that come back beside the 300 kW of the racks: 100.6/400.6."""
    run = made()
    run["hall_rack_inlet_temperature"][:, 1] = 23.0
    run["hall_rack_outlet_temperature"][:, 1] += 1.0
    _, row = indices(run)
    assert row["supply_heat_index"] == pytest.approx(100.6 / 400.6)
    assert row["return_heat_index"] == pytest.approx(300.0 / 400.6)


def test_supply_air_past_the_racks_lowers_the_return_temperature_index():
    """A quarter of the handlers' air passes no rack: their rise is three quarters of the racks'."""
    run = made()
    run["hall_return_temperature"][:, 0] = 22.0 + 0.75 * 3e5 / (100.0 * AIR_CP)
    run["hall_return_temperature"][:, 1] = 22.0 + 1.2 * 3e5 / (100.0 * AIR_CP)
    first, second = indices(run)
    assert first["return_temperature_index"] == pytest.approx(0.75)
    assert second["return_temperature_index"] == pytest.approx(1.2)


def test_a_hall_counts_while_it_has_power_and_none_without_any():
    run = made()
    run["hall_rack_inlet_temperature"][:] = 23.0
    run["hall_rack_outlet_temperature"][:] += 1.0
    run["hall_it_power"][:8, 0] = 0.0
    run["hall_liquid_heat"][:8, 0] = 0.0
    run["hall_rack_inlet_temperature"][:8, 0] = np.nan
    run["hall_it_power"][:, 1] = 0.0
    run["hall_liquid_heat"][:, 1] = 0.0
    first, second = indices(run)
    assert first["supply_heat_index"] == pytest.approx(100.6 / 400.6)
    assert set(second.values()) == {None}


def test_the_summary_holds_the_indices_and_a_run_without_these_temperatures_none():
    run = made()
    row = summary(run)["halls"][0]
    assert row["return_temperature_index"] == pytest.approx(1.0)
    old = summary(run.drop_vars("hall_supply_air_temperature"))["halls"][0]
    assert (old["supply_heat_index"], old["return_temperature_index"]) == (None, None)


def told(run: xr.Dataset) -> tuple[list[str], list[str]]:
    found = summary(run)
    return found["violations"], found["notes"]


def test_only_halls_that_name_a_class_are_told():
    run = made(named=("", ""))
    run["hall_rack_inlet_temperature_maximum"][:] = 30.0
    assert classes(run) == {}
    assert told(run) == ([], [])


def test_hours_outside_what_is_recommended_are_told_and_violate_nothing():
    run = made()
    run["hall_rack_inlet_temperature_maximum"][4:10, 0] = 27.5
    run["hall_rack_inlet_temperature"][12:14, 0] = 17.5
    violations, notes = told(run)
    assert violations == []
    assert notes == [
        "Rack inlets of hall okc/hall-1 are outside the 18 to 27 degC that ASHRAE recommends for class A1 in 2.00 h "
        "(too hot 1.50 h, too cold 0.50 h)."
    ]


@pytest.mark.parametrize(("name", "high"), [("A1", 32), ("A2", 35), ("A3", 40), ("A4", 45), ("H1", 25)])
def test_an_inlet_above_what_a_class_allows_is_a_violation(name, high):
    run = made(named=(name, ""))
    run["hall_rack_inlet_temperature_maximum"][3, 0] = high - 0.2
    assert told(run)[0] == []
    run["hall_rack_inlet_temperature_maximum"][3, 0] = high + 0.2
    (sentence,) = told(run)[0]
    assert sentence.startswith(
        f"Hall okc/hall-1 reaches {high}.2 degC at the rack inlets, above the racks' limit of {high}"
    )
    assert f"class {name}, allowable" in sentence


def test_an_inlet_below_what_a_class_allows_is_a_violation():
    run = made()
    run["hall_rack_inlet_temperature"][:, 0] = 16.0
    run["hall_rack_inlet_temperature"][5, 0] = 14.0
    (sentence,) = told(run)[0]
    assert "falls to 14.0 degC at the rack inlets, below the 15 degC of class A1, in 0.25 h" in sentence


@pytest.mark.parametrize(
    ("interval_s", "step_k", "said"),
    [(900.0, 4.9, None), (900.0, 5.1, "5.1 K within 15 min"), (1800.0, 5.1, None), (3600.0, 19.0, None)],
)
def test_inlets_that_change_too_fast_are_told_as_far_as_the_intervals_show_it(interval_s, step_k, said):
    run = made(interval_s, named=("A4", ""))
    run["hall_rack_inlet_temperature"][8:, 0] = 22.0 + step_k
    violations, _ = told(run)
    assert [said in text for text in violations] == ([True] if said else [])


def test_twenty_kelvin_in_an_hour_is_too_fast_however_slowly_it_begins():
    run = made(900.0, named=("A4", ""))
    run["hall_rack_inlet_temperature"][:, 0] = 15.0 + np.clip(4.9 * (np.arange(16) - 4), 0.0, 26.0)
    assert told(run)[0] == []
    run["hall_rack_inlet_temperature"][:, 0] = 15.0 + np.clip(5.0 * (np.arange(16) - 4), 0.0, 20.5)
    assert told(run)[0] == []
    run = made(1200.0, named=("A4", ""))
    run["hall_rack_inlet_temperature"][:, 0] = 15.0 + np.clip(6.9 * (np.arange(16) - 4), 0.0, 25.0)
    (sentence,) = told(run)[0]
    assert "changes by 20.7 K within an hour" in sentence


def test_water_above_the_class_of_its_loop_is_a_violation(tmp_path):
    file = tmp_path / "classed.yaml"
    file.write_text(SITE)
    loaded = load_site(file)
    run = made().assign_attrs(site_text=loaded.text, figures=json.dumps(sourced_figures(loaded)))
    run["fws_supply_temperature"][:] = 16.5
    assert not any("class" in text for text in told(run)[0])
    run["fws_supply_temperature"][7] = 17.5
    (sentence,) = [text for text in told(run)[0] if "its class" in text]
    assert sentence.startswith("Loop okc/chw supplies 17.5 degC, above the 17 degC of its class, in 0.25 h")
