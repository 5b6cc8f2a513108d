"""Voltage beside N-1 of shipped sites: both forms of the losses, what has no impedance, busbars out of range."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from twin.analysis.n1 import n1
from twin.analysis.n1_text import plain
from twin.analysis.n1_voltage import plain_with, render_with, totals, with_voltage
from twin.cli.main import app
from twin.core.units import KW

SITES = ("redundant-4n3", "prairie-750")


@pytest.fixture(scope="module", params=SITES)
def made(request):
    return with_voltage(n1(request.param))


@pytest.fixture(scope="module")
def low(tmp_path_factory):
    """Two transformers in series at a power factor of 0.8: busbars fall out of the range."""
    file = tmp_path_factory.mktemp("low") / "low.yaml"
    file.write_text("base: redundant-4n3\nname: low\ntitle: Two transformers in series\n"
                    "electrical: {power_factor: 0.8, elements: {\n"
                    "  main-1: {device: tr-3150-eu-tier2, count: 4, fed_from: grid},\n"
                    "  main-2: {device: tr-3150-eu-tier2, count: 4, fed_from: grid}}}\n")  # fmt: skip
    return file


def test_both_forms_of_the_losses_of_a_site_lie_within_6_percent(made):
    told = totals(made)
    assert told["loss_with_kw"] == pytest.approx(told["loss_without_kw"], rel=0.06)
    assert told["trees_with_kw"] == pytest.approx(told["trees_without_kw"], rel=0.06)
    assert told["loss_with_kw"] > told["loss_without_kw"]


def test_the_grid_gives_the_loads_and_the_losses(made):
    told, path = totals(made), made.found.path
    loads = path.demand.sum() / KW
    assert told["grid_with_kw"] == pytest.approx(loads + told["loss_with_kw"], rel=1e-12)
    assert told["grid_without_kw"] == pytest.approx(loads + told["loss_without_kw"], rel=1e-12)
    assert made.flow.law_w == pytest.approx(path.normal.into - path.normal.out, rel=1e-12)


def test_reactances_lower_the_power_factor_of_the_grid(made):
    told = totals(made)
    assert 0.9 < told["grid_power_factor"] < told["load_power_factor"] == 0.98


def test_every_busbar_of_a_shipped_site_lies_in_the_range(made):
    told = totals(made)
    assert told["below"] == told["above"] == []
    assert 0.95 < told["lowest_pu"] < 1.0
    assert "Warning" not in render_with(made)


def test_the_yard_of_prairie_holds_its_busbar_and_switchboards_have_no_impedance():
    made = with_voltage(n1("prairie-750"))
    rows = {row["element"]: row for row in plain_with(made)["elements"]}
    assert 1.0 - 2e-4 < rows["yard"]["voltage_pu"] < 1.01
    assert rows["yard"]["tap"] < 1.0
    assert not rows["b1/b1-h1/lv"]["impedance"]
    assert rows["b1/b1-h1/lv"]["voltage_pu"] == rows["b1/b1-h1/transformer"]["voltage_pu"]
    assert rows["b1/b1-h1/ups"]["held"]
    assert rows["b1/b1-h1/ups"]["voltage_pu"] == 1.0
    switchboards = [name for name, row in rows.items() if row["device"] == "lv-switchgear"]
    assert set(totals(made)["without_impedance"]) == set(switchboards)
    assert f"{len(switchboards)} elements without an impedance: no drop ({len(switchboards)} lv-switchgear)" in (
        render_with(made)
    )


def test_a_busbar_out_of_the_range_is_warned_of(low):
    made = with_voltage(n1(str(low)))
    told = totals(made)
    assert told["below"][0] == told["lowest_at"]
    assert told["lowest_pu"] < 0.95
    assert "below 0.95 pu (range A of ANSI C84.1)" in render_with(made)


def test_the_verb_adds_voltage_to_its_elements_and_leaves_the_rest():
    told = json.loads(CliRunner().invoke(app, ["n1", "redundant-4n3", "--voltage", "--json"]).stdout)
    rows = told["elements"]
    without = plain(n1("redundant-4n3"))["elements"]
    assert [{key: row[key] for key in old} for row, old in zip(rows, without, strict=True)] == without
    assert all(row["voltage_pu"] is not None for row in rows)
    assert sum(row["loss_with_kw"] for row in rows) == pytest.approx(told["voltage"]["loss_with_kw"], rel=1e-12)
    table = CliRunner().invoke(app, ["n1", "redundant-4n3", "--elements", "--voltage"])
    assert table.exit_code == 1
    assert table.stdout.splitlines()[0].split()[-6:] == ["pu", "kvar", "loss", "kW", "with", "V"]
    assert "Lowest voltage: " in table.stdout


def test_a_redundant_unit_that_stands_by_is_at_the_voltage_above_it():
    made = with_voltage(n1("redundant-4n3"))
    flow, at = made.flow, made.found.path.site.index
    assert flow.voltage[at["b1/h-block/transformer-D"]] == pytest.approx(flow.voltage[at["bus-d"]], rel=1e-12)
    assert flow.loss_w[at["b1/h-block/transformer-D"]] == 0.0
    assert not np.isnan(flow.voltage).any()
