"""The section ``grid``: read with its units, every fault at its place, and without it nothing changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin import InputError
from twin.site.load import load_site

BASE = "format: 1\nbase: oklahoma-10\nname: priced\n"
WHOLE = """\
grid:
  ramp_limit_mw_min: 5
  swing_limit_mw_s: 2
  rules: [southern, ercot]
  power_factor_min: 0.95
  price: {usd_mwh: 55, source: "made for the tests", confidence: estimate}
  demand_charge_usd_kw_month: 12
  carbon: {csv: carbon.csv, source: "made for the tests", confidence: estimate}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "priced.yaml"
    path.write_text(BASE + text)
    return path


def faults(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_site(written(tmp_path, text))
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_everything_that_a_grid_says_is_read(tmp_path):
    (tmp_path / "carbon.csv").write_text("time,value\n2026-01-01,300\n2026-01-02,200\n")
    loaded = load_site(written(tmp_path, WHOLE))
    grid = loaded.site.grid
    assert grid is not None
    assert grid.ramp_limit_mw_min == 5.0
    assert grid.price is not None
    assert grid.price.usd_mwh == 55.0
    assert {"southern", "ercot"} <= set(loaded.used)
    assert loaded.paths["grid.carbon.csv"] == tmp_path / "carbon.csv"


def test_without_the_section_the_site_is_what_it_was():
    loaded = load_site("oklahoma-10")
    assert loaded.site.grid is None
    assert not any(path.startswith("grid") for path in loaded.paths)


def test_every_fault_is_told_at_its_place(tmp_path):
    text = WHOLE.replace("southern", "souther").replace("ramp_limit_mw_min: 5", "ramp_limit_mw_min: -5")
    told = faults(tmp_path, text)
    assert any(line.startswith("priced.yaml:5:") and "-5 MW/min is out of range" in line for line in told)
    assert any("priced.yaml:7:" in line and 'did you mean "southern"' in line for line in told)
    assert any("carbon.csv" in line and "there is no file" in line for line in told)


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ("{source: abc, confidence: estimate}", "give one of usd_mwh, hourly_usd_mwh, csv"),
        ("{usd_mwh: 5, csv: a.csv, source: abc, confidence: estimate}", "give one of"),
        ("{hourly_usd_mwh: [1, 2], source: abc, confidence: estimate}", "24"),
        ("{usd_mwh: 5, confidence: estimate}", "source"),
        ("{usd_mwh: 99999, source: abc, confidence: estimate}", "99999 USD/MWh is out of range"),
    ],
)
def test_a_price_is_one_of_three_and_has_a_source(tmp_path, price, words):
    assert any(words in line for line in faults(tmp_path, f"grid:\n  price: {price}\n"))


def test_an_id_that_is_no_rule_is_refused(tmp_path):
    assert any("is of kind" in line for line in faults(tmp_path, "grid:\n  rules: [ups-99-eco]\n"))


def test_a_rule_for_larger_loads_is_warned_of(tmp_path):
    loaded = load_site(written(tmp_path, "grid: {rules: [southern, ercot]}\n"))
    (line,) = [str(problem) for problem in loaded.warnings if "grid.rules" in problem.path]
    assert "ercot holds from 75 MW, the contract of the site is 10 MW" in line


def test_a_power_factor_below_what_is_asked_for_is_warned_of(tmp_path):
    loaded = load_site(written(tmp_path, "grid:\n  rules: [caiso]\n  power_factor_min: 0.999\n"))
    words = [str(problem) for problem in loaded.warnings]
    assert any("grid.power_factor_min asks for 0.999" in line for line in words)
    assert not any("caiso asks" in line for line in words)
