"""Key figures of a run made by hand, so that every number is known, and of the sums that must always hold."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.analysis.consumers import CAMPUS_PATH, HALL_PATH, RACK_PATH, UPS, consumers, element_classes
from twin.analysis.kpi import summary
from twin.analysis.summary_text import render
from twin.core.errors import InputError
from twin.core.variables import TABLE

MW = 1e6
HOURS = 48
HALLS, LOOPS = ["a/h1", "b/h2"], ["a/chw"]
ELEMENTS = ["a/h1/busway", "a/h1/ups", "a/h1/lv", "a/h1/transformer", "b/h2/rpp", "feeder", "yard"]
KINDS = ["busway", "ups", "busway", "transformer", "pdu", "feeder", "transformer"]
LOSS_MW = [0.01, 0.05, 0.02, 0.02, 0.03, 0.04, 0.05]
SIZE = {"site": (), "hall": (2,), "loop": (1,), "element": (7,), "cdu": (1,), "rack": (1,)}


def made_run() -> xr.Dataset:
    """Two days from 31 December: hall 1 at 2 MW, hall 2 from the second day at 1 MW, its worst hour the 30th."""
    data = {
        row.name: (("time", row.level)[: 1 + bool(SIZE[row.level])], np.zeros((HOURS, *SIZE[row.level])))
        for row in TABLE
        if row.level in SIZE
        if row.level not in ("cdu", "rack")
    }
    ds = xr.Dataset(
        data,
        {
            "time": np.datetime64("2027-12-31T01", "ns") + np.arange(HOURS) * np.timedelta64(3600, "s"),
            "hall": HALLS, "hall_building": ("hall", ["a", "b"]), "hall_kind": ("hall", ["cs3-x2", "gb200"]),
            "loop": LOOPS, "element": ELEMENTS, "element_kind": ("element", KINDS),
        },
        {"site": "made", "title": "Made by hand", "interval_s": 3600, "step_s": 900, "seed": 1, "version": "0"},
    )  # fmt: skip
    second = np.arange(HOURS) >= 24
    ds["hall_energised_share"][:] = np.column_stack([np.ones(HOURS), second])
    ds["hall_it_power"][:] = np.column_stack([np.full(HOURS, 2.0), second]) * MW
    ds["hall_utilization"][:] = np.column_stack([np.full(HOURS, 0.5), 0.25 * second])
    ds["site_it_power"][:] = ds["hall_it_power"].sum("hall")
    ds["hall_mechanical_power"][:] = np.column_stack([np.full(HOURS, 0.1), 0.05 * second]) * MW
    ds["plant_chiller_power"][:, 0] = np.where(second, 0.3, 0.0) * MW
    ds["plant_fan_power"][:] = 0.1 * MW
    ds["plant_power"][:] = ds["plant_chiller_power"] + 0.2 * MW
    ds["plant_energised_share"][:] = 1.0
    ds["plant_water_flow"][:] = 0.5
    ds["site_water_flow"][:] = 0.5
    ds["element_loss"][:] = np.array(LOSS_MW) * MW
    ds["site_electrical_loss"][:] = sum(LOSS_MW) * MW
    ds["site_cooling_power"][:] = ds["hall_mechanical_power"].sum("hall") + ds["plant_power"][:, 0]
    ds["site_power"][:] = ds["site_it_power"] + ds["site_cooling_power"] + ds["site_electrical_loss"]
    ds["site_power_maximum"][:] = ds["site_power"]
    ds["site_power_maximum"][40] = 4.5 * MW
    ds["contract_power"][:] = 4.4 * MW
    ds["hall_cooling_headroom"][:] = MW
    ds["hall_cooling_headroom"][:24, 1] = -9 * MW  # not energised: no headroom to speak of
    ds["hall_cooling_headroom"][29, 1] = -0.25 * MW
    ds["hall_cooling_binding"][29, 1] = 2
    ds["hall_cooling_binding"].attrs = {"flag_values": "0, 1, 2", "flag_meanings": "none cdu_flow plant"}
    ds["hall_power_headroom"][:] = 2 * MW
    ds["hall_power_headroom"][10, 0] = 0.5 * MW
    ds["hall_power_binding"][:] = -1
    ds["hall_power_binding"][10, 0] = 1
    ds["energy_residual"][:] = 1e-15
    return ds


RUN = made_run()
SUMMARY = summary(RUN)


def hall(name):
    return next(row for row in SUMMARY["halls"] if row["hall"] == name)


def test_the_meter():
    meter = SUMMARY["meter"]
    # 2 IT + 0.1 hall + 0.2 plant + 0.22 losses; the second day 1 IT + 0.05 hall + 0.3 chiller more
    assert meter["energy_mwh"] == pytest.approx(24 * 2.52 + 24 * 3.87)
    assert meter["mean_mw"] == pytest.approx((2.52 + 3.87) / 2)
    assert (meter["peak_mw"], meter["peak_at_utc"]) == (4.5, "2028-01-01T17:00Z")
    assert meter["largest_exceedance_mw"] == pytest.approx(0.1)
    assert meter["hours_above_contract"] == 1


def test_it_pue_wue_and_water():
    eff = SUMMARY["efficiency"]
    assert SUMMARY["it"]["energy_mwh"] == pytest.approx(120)
    assert eff["pue"] == pytest.approx((24 * 2.52 + 24 * 3.87) / 120)
    assert eff["water_m3"] == pytest.approx(0.5 * HOURS * 3.6)
    assert eff["wue_l_kwh"] == pytest.approx(0.5 * HOURS * 3600 / 120e3)
    assert eff["interim"]
    assert "interim" in eff["pue_category"]


def test_a_whole_year_is_not_interim():
    year = RUN.isel(time=[0]).assign_attrs(interval_s=366 * 86400)
    year = year.assign_coords(time=[np.datetime64("2029-01-01", "ns")])
    assert not summary(year)["efficiency"]["interim"]


def test_a_busway_below_the_ups_feeds_racks_and_one_above_it_is_switchgear():
    hall_1 = [RACK_PATH, UPS, HALL_PATH, HALL_PATH]
    assert element_classes(RUN) == [*hall_1, RACK_PATH, CAMPUS_PATH, CAMPUS_PATH]


def test_the_consumers_sum_to_the_meter():
    rows = {row["consumer"]: row for row in SUMMARY["consumers"]}
    assert sum(row["energy_mwh"] for row in rows.values()) == pytest.approx(SUMMARY["meter"]["energy_mwh"], rel=1e-12)
    assert sum(row["share_of_meter"] for row in rows.values()) == pytest.approx(1, rel=1e-12)
    assert rows["Chillers"]["energy_mwh"] == pytest.approx(0.3 * 24)
    assert rows["Facility and condenser pumps"]["mean_mw"] == pytest.approx(0.1)
    assert rows["PDUs, RPPs and busways"]["mean_mw"] == pytest.approx(0.04)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_no_watt_is_lost_whatever_the_path_is_made_of(data):
    kinds = data.draw(
        st.lists(st.sampled_from(["ups", "pdu", "busway", "feeder", "transformer"]), min_size=7, max_size=7)
    )
    loss = np.array(data.draw(st.lists(st.floats(0, 1e7), min_size=7 * HOURS, max_size=7 * HOURS)))
    run = RUN.copy(deep=True).assign_coords(element_kind=("element", kinds))
    run["element_loss"][:] = loss.reshape(HOURS, 7)
    run["site_power"][:] = run["site_it_power"] + run["site_cooling_power"] + run["element_loss"].sum("element")
    assert sum(part.sum() for part in consumers(run).values()) == pytest.approx(
        float(run["site_power"].sum()), rel=1e-9
    )


@pytest.mark.parametrize("lost", [["hall_mechanical_power"], ["element_loss"], ["plant_power", "element_loss"]])
def test_a_run_with_fewer_levels_still_sums_to_the_meter(lost):
    assert summary(RUN.drop_vars(lost))["consumers_defect"] < 1e-12


def test_the_worst_hour_counts_energised_hours_only_and_names_the_limit():
    worst = hall("b/h2")["cooling_headroom"]
    assert worst == {
        "worst_mw": -0.25, "at_utc": "2028-01-01T06:00Z", "binding": "plant", "negative_hours": 1,
    }  # fmt: skip
    assert hall("a/h1")["power_headroom"]["binding"] == "a/h1/ups"
    assert hall("b/h2")["power_headroom"]["binding"] == "contract"


def test_means_of_a_hall_are_over_its_energised_hours():
    late = hall("b/h2")
    assert (late["energised_from_utc"], late["energised_hours"]) == ("2028-01-01T00:00Z", 24)
    assert (late["it_mean_mw"], late["utilization_mean"]) == (1, 0.25)
    assert not late["energised_before_period"]
    assert hall("a/h1")["energised_before_period"]


def test_free_cooling_is_where_no_chiller_ran():
    assert SUMMARY["loops"][0]["free_cooling_hours"] == 24


def test_years_are_those_in_which_an_interval_begins():
    first, second = SUMMARY["years"]
    assert (first["year"], first["hours"], first["energised_halls"]) == (2027, 24, 1)
    assert (second["year"], second["hours"], second["energised_halls"]) == (2028, 24, 2)


def test_the_violations_are_sentences():
    contract, headroom = SUMMARY["violations"]
    assert contract == "The contract is exceeded in 1.00 h, by at most 0.10 MW at 2028-01-01T17:00Z."
    assert headroom.startswith("Hall b/h2 lacks cooling headroom in 1.00 h: -0.25 MW")


def test_losses_before_the_first_tranche_are_no_breach_but_racks_are():
    run = RUN.copy(deep=True)
    run["contract_power"][:] = np.where(np.arange(HOURS) < 24, 0.0, 5 * MW)
    assert any("before the first tranche" in text for text in summary(run)["violations"])
    run["site_it_power"][:24] = 0.0
    assert not any("contract" in text for text in summary(run)["violations"])


def test_set_points_inlets_and_the_ledger_are_told():
    run = RUN.copy(deep=True)
    run["plant_unmet_share"][:12] = 0.5
    run["hall_rack_inlet_temperature_maximum"][5, 0] = 35.5
    run["energy_residual"][3] = 1e-6
    told = " ".join(summary(run)["violations"])
    assert "Loop a/chw misses its supply set point for 6.00 h, most at" in told
    assert "Hall a/h1 reaches 35.5 degC" in told
    assert "ledger is open by 1.0e-06" in told


def test_the_summary_is_plain_json():
    assert json.loads(json.dumps(SUMMARY, allow_nan=False)) == SUMMARY


def test_the_text_is_compact_and_says_what_matters():
    text = render(SUMMARY)
    assert len(text.splitlines()) <= 45
    assert all(line == line.rstrip() and len(line) <= 140 for line in text.splitlines())
    for part in ("coolant max C", "peak 4.50 MW", "Chillers", "PUE", "b/h2", "plant", "Violated (2)", "100.00 %"):
        assert part in text


def test_the_text_says_that_times_are_ends_of_intervals():
    assert "Times are the ends of output intervals of 3600 s, UTC." in render(SUMMARY).splitlines()


def test_a_period_without_power_is_said_in_a_sentence():
    run = RUN.copy(deep=True)
    for name in ("hall_energised_share", "contract_power", "site_it_power"):
        run[name][:] = 0.0
    dated = run.assign_coords(hall_energised=("hall", np.array(["2030-03-01T06", "2029-02-01T06"], "datetime64[ns]")))
    sentence = "Nothing is energised in this period: the first hall has power from 2029-02-01T06:00Z on."
    assert summary(dated)["notes"] == [sentence]
    text = render(summary(dated))
    assert sentence in text.splitlines()
    assert "no contract yet" in text
    assert "least margin" not in text
    assert "unknown MW" not in text
    halls = [name for name in run.data_vars if "hall" in run[name].dims]
    assert summary(run.drop_vars(halls).drop_dims("hall"))["notes"] == ["Nothing is energised in this period."]
    assert SUMMARY["notes"] == []


def test_more_violations_than_are_shown_are_counted_and_their_place_is_named():
    many = {**SUMMARY, "violations": [f"Limit {n} is not kept." for n in range(9)]}
    assert "  ... and 3 more; `twin kpi RUN --json` lists all of them" in render(many).splitlines()


def test_what_is_no_run_is_said_in_one_line():
    with pytest.raises(InputError, match="no run"):
        summary(xr.Dataset({"x": ("time", [1.0])}))
    with pytest.raises(InputError, match="no output interval"):
        summary(RUN.isel(time=[]))
