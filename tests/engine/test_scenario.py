"""Scenario files: everything wrong is told at its line, what is right happens when it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.analysis.dataset import simulate
from twin.analysis.fail import fail, told
from twin.core.errors import InputError
from twin.engine.period import instant
from twin.engine.scenario import load_scenario, shipped_scenarios
from twin.engine.scenario_schema import NAME, scenario_schema, schema_text
from twin.site.shipped import data_root

AT = "2028-07-11T18:00"
HEAD = "format: 1\ntitle: made for a test\nsource: made for a test\n"


def written(tmp_path: Path, text: str, head: str = HEAD) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(head + text)
    return path


def problems(path: Path, site: str = "oklahoma-10", **how: Any) -> list[str]:
    """What is told, without the folder of the file."""
    with pytest.raises(InputError) as error:
        fail(site, scenario=path, **{"at": AT, **how})
    return [str(p).replace(f"{path}:", "") for p in error.value.problems]


BAD_FORM = """\
at: warmst
lasting: 20 parsecs
faults:
  - {elment: okc/chw, mode: pumps}
  - {role: cdus}
  - {element: okc/chw, role: loop}
  - {element: okc/hall-1/cdu-2}
  - {element: okc/chw, repair: 1min, until: 2min}
weather:
  - {change: heat_wave, dry_bulb_c: 8}
  - {change: smoke}
"""


def test_faults_of_form_and_of_the_site_are_told_at_once_each_at_its_line(tmp_path):
    said = problems(written(tmp_path, BAD_FORM))
    for place, words in (
        ("4:5", 'did you mean "warmest"?'), ("5:10", "is no length of time"), ("7:6", 'did you mean "element"?'),
        ("8:12", 'did you mean "cdu"?'), ("9:5", "either an element or a role"),
        ("10:15", 'did you mean "okc/hall-1/cdu-02"?'), ("11:5", "either repair or until"),
        ("13:25", "this quantity is written in K: dry_bulb_k"), ("14:5", "smoke needs coil_fouling"),
    ):  # fmt: skip
        assert any(line.startswith(f"{place}: ") and words in line for line in said), (place, words, said)
    assert len(said) == 9


BAD_FIT = """\
faults:
  - {element: okc/hall-1/cdu-02, mode: pump}
  - {element: okc/hall-1/cdu-02, mode: sensor, amount: 5 kW}
  - {element: okc/hall-1/cdu-02, mode: fouling, amount: 120 %}
  - {element: okc/hall-1/cdu-02, mode: pumps, amount: 1}
  - {element: okc/chw, at: 2h}
  - {element: okc/chw, at: 10min, until: 5min}
  - {element: okc/chw, at: yesterday}
  - {element: okc/chw, repair: soon}
weather:
  - {change: heat_wave, dry_bulb_k: 8, from: -1d}
  - {change: freeze, dry_bulb_k: 8}
  - {change: smoke, coil_fouling: 0.2, from: 2h, to: 1h}
"""


def test_what_does_not_fit_the_site_or_the_time_is_told(tmp_path):
    said = problems(written(tmp_path, BAD_FIT))
    for place, words in (
        ("5:40", 'did you mean "pumps"?'), ("6:56", "expected K"), ("7:57", "0 to 0.95"), ("8:55", "takes no amount"),
        ("9:28", "outside the 30 min from"), ("10:42", "mended before it breaks"), ("11:28", "is no time"),
        ("12:32", "is no length of time"), ("15:5", "overlaps"), ("16:54", "ends before it begins"),
    ):  # fmt: skip
        assert any(line.startswith(f"{place}: ") and words in line for line in said), (place, words, said)
    assert len(said) == 10


def test_a_fault_on_something_not_yet_energised_says_when_it_will_be(tmp_path):
    late = "at: 2025-10-01\nfaults:\n  - {element: okc/hall-2/cdu-02}\n  - {element: okc/hall-2/air, at: 1min}\n"
    said = problems(written(tmp_path, late), at=None)
    assert said == [
        "6:15: faults.0.element: okc/hall-2/cdu-02 has no power before 2025-11-03T06:00:00Z",
        "7:35: faults.1.at: okc/hall-2/air has no power before 2025-11-03T06:00:00Z",
    ]
    none = "at: 2025-10-01\nfaults:\n  - {role: cdu, count: all}\n"
    running = fail("oklahoma-10", scenario=written(tmp_path, none), lasting_s=60.0)
    assert {fault.element.rpartition("/")[0] for fault in running.faults.found} == {"okc/hall-1"}


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "1:1: nothing happens"), ("faults: [1]\n", "4:10"), ("faults: {}\n", "4:9: faults: expected a list"),
     ("faults: [{role: cdu}]\nfaults: []\n", "5:1: faults: duplicate key")],
)  # fmt: skip
def test_what_is_no_scenario_is_told(tmp_path, text, says):
    assert problems(written(tmp_path, text))[0].startswith(says)


def test_an_unknown_scenario_is_told_with_those_that_ship():
    with pytest.raises(InputError, match='did you mean "loss-of-utility"') as error:
        load_scenario("loss-of-utlity")
    assert all(name in str(error.value) for name in shipped_scenarios())


def test_a_site_that_lacks_the_role_says_so(tmp_path):
    said = problems(written(tmp_path, "faults:\n  - {role: cdu}\n"), site="azure-dgx")
    has = "loop, rejection, economizer, chillers, air, grid, path"
    assert said == [f"5:12: faults.0.role: the site has no cdu, but {has}"]


TWO = """\
at: 2028-07-11T18:00
lasting: 10min
faults:
  - {element: okc/hall-1/cdu-01, mode: facility, at: 1min, repair: 2min}
  - {element: okc/hall-1/cdu-02, mode: fouling, amount: 40 %, at: "2028-07-11T18:02", until: 5min}
  - {role: air, count: all, mode: sensor, amount: 2 K, at: 3min}
"""


def test_faults_happen_when_they_say_with_those_of_the_command_line(tmp_path):
    failure = fail("oklahoma-10", ["okc/chw/chillers"], scenario=written(tmp_path, TWO), repair_s=60.0)
    begin = instant(AT, "")
    found = [(f.named(), f.at_s - begin, f.until_s - begin) for f in failure.faults.found]
    assert found == [
        ("okc/hall-1/cdu-01:facility", 60.0, 180.0), ("okc/hall-1/cdu-02:fouling=40%", 120.0, 300.0),
        ("okc/hall-1/air:sensor=2K", 180.0, np.inf), ("okc/hall-2/air:sensor=2K", 180.0, np.inf),
        ("okc/chw/chillers:units=1", 0.0, 60.0),
    ]  # fmt: skip
    answer = told(failure)
    assert (answer["title"], answer["lasting_s"]) == ("made for a test", 600.0)
    assert [row["s"] for row in answer["timeline"] if "mended" in row["what"]] == [60.0, 180.0, 300.0]


@pytest.mark.parametrize("zero", ["0s", "0min", "0 h", "0.0 d", "-0 s", "0"])
def test_no_time_after_the_instant_is_the_instant_in_every_unit(tmp_path, zero):
    path = written(tmp_path, f"faults: [{{role: loop, at: {zero!r}}}]\n".replace("'", '"'))
    (fault,) = fail("oklahoma-10", scenario=path, at=AT, lasting_s=60.0).faults.found
    assert fault.at_s == instant(AT, "")


def test_what_the_caller_says_goes_before_what_the_file_says(tmp_path):
    path = written(tmp_path, "at: coldest\nlasting: 10min\nfaults: [{role: loop}]\n")
    failure = fail("oklahoma-10", scenario=path, at=AT, lasting_s=60.0)
    assert (failure.at_s, failure.times_s[-1] - failure.at_s) == (instant(AT, ""), 60.0)
    cold = fail("oklahoma-10", scenario=path)
    air = cold.prepared.weather
    assert cold.times_s[-1] - cold.at_s == 600.0
    assert told(cold)["dry_bulb_c"]["least"] == pytest.approx(air.dry_bulb_c.min(), abs=1.5)


LEFT_BROKEN = """\
faults:
  - {element: okc/hall-1/cdu-01, mode: leak}
  - {element: okc/hall-1/cdu-02, mode: pumps, at: 60s, repair: 60s}
"""


def test_racks_beside_a_leak_stay_off_when_all_others_are_reset(tmp_path):
    """A leak shuts racks down at once; nobody switches them on when another CDU has been mended."""
    answer = told(fail("oklahoma-10", scenario=written(tmp_path, LEFT_BROKEN), at=AT, lasting_s=300.0))
    groups = {row["cooled_by"]: row for row in answer["groups"]}
    leak, pumps = groups["okc/hall-1/cdu-01"], groups["okc/hall-1/cdu-02"]
    assert (leak["trip_s"], leak["cause"]) == (pytest.approx(5.0), "leak")
    assert leak["trip_again_s"] is None
    assert (60.0 < pumps["trip_s"] < 75.0, pumps["cause"], pumps["trip_again_s"]) == (True, "low_flow", None)
    assert answer["racks_at_end"] == answer["racks"] - leak["racks"]
    said = [(row["s"], row["what"]) for row in answer["timeline"] if "okc/hall-1/cdu-01" in row.get("where", "")]
    assert [what.split(" by ")[0] for _, what in said] == ["18 x cs3-x2: trip"]
    assert [row["s"] for row in answer["timeline"]] == sorted(row["s"] for row in answer["timeline"])


# ------------------------------------------------------------------------------------------------- weather
HOT = "weather:\n  - {change: heat_wave, dry_bulb_k: 8, from: -1d, to: 1d}\n"
COLD = "weather:\n  - {change: freeze, dry_bulb_k: 8, from: -1d, to: 1d}\n"
SMOKE = "weather:\n  - {change: smoke, coil_fouling: 0.5, from: -1d}\n"
NOW = "at: 2028-07-11T18:00\n"


def meter(site: str, scenario: Path | None) -> float:
    asked: dict[str, Any] = {"elements": ["grid:outage=0"]} if scenario is None else {"scenario": scenario}
    return float(fail(site, at=AT, lasting_s=60.0, **asked).series["site_power"][:60].mean())


def test_a_heat_wave_costs_power_and_is_there_before_the_run_begins(tmp_path):
    hot = fail("zone-4a-adiabatic", scenario=written(tmp_path, NOW + HOT), lasting_s=120.0)
    steady = hot.series["fws_supply_temperature"]
    assert np.ptp(steady, axis=0).max() < 0.05
    assert meter("oklahoma-10", written(tmp_path, NOW + HOT)) > meter("oklahoma-10", None) * 1.001


def test_smoke_fouls_coils_outdoors_and_leaves_towers_alone(tmp_path):
    path = written(tmp_path, NOW + SMOKE)
    found = fail("zone-4a-adiabatic", scenario=path, lasting_s=60.0).faults.found
    assert {fault.element for fault in found} == {"b/hot/rejection", "b/chw/rejection"}
    assert {(fault.mode, fault.amount) for fault in found} == {("fouling", 0.5)}
    assert fail("oklahoma-10", scenario=path, lasting_s=60.0).faults.found == ()
    assert meter("zone-4a-adiabatic", path) > meter("zone-4a-adiabatic", written(tmp_path, NOW + COLD))


def test_a_freeze_says_which_loops_freeze(tmp_path):
    site = tmp_path / "water.yaml"
    site.write_text(
        "format: 1\nbase: zone-4a-adiabatic\nname: water\nbuildings: {b: {loops: {hot: {coolant: water}}}}\n"
    )
    freeze = told(fail(site, scenario="freeze", lasting_s=600.0))["warnings"]
    assert [f"{site}:4: plain water runs through the dry coolers outdoors" in line for line in freeze] == [True]
    assert "it freezes at -2" in freeze[0]
    assert told(fail(site, scenario="cdu-loss", lasting_s=60.0))["warnings"] == []
    assert told(fail("zone-4a-adiabatic", scenario="freeze", lasting_s=600.0))["warnings"] == []


def test_what_smoke_did_before_the_run_is_told_as_such(tmp_path):
    rows = told(fail("zone-4a-adiabatic", scenario=written(tmp_path, NOW + SMOKE), lasting_s=60.0))["timeline"]
    assert [(row["s"], row["what"]) for row in rows] == [
        (-60.0, "b/chw/rejection:fouling=50% is there from before"),
        (-60.0, "b/hot/rejection:fouling=50% is there from before"),
    ]


def test_a_simulated_year_takes_the_days_of_a_scenario_and_says_so(tmp_path):
    asked: dict[str, Any] = {"start": "2028-07-09", "end": "2028-07-14", "step": "1h"}
    plain = simulate("oklahoma-10", **asked)
    hot = simulate("oklahoma-10", scenario=written(tmp_path, NOW + HOT), **asked)
    rise = (hot.outdoor_dry_bulb_temperature - plain.outdoor_dry_bulb_temperature).values
    hours = hot.time.values
    inside = (hours > np.datetime64("2028-07-10T20:00")) & (hours < np.datetime64("2028-07-12T17:00"))
    outside = (hours <= np.datetime64("2028-07-10T18:00")) | (hours > np.datetime64("2028-07-12T18:00"))
    assert rise[inside] == pytest.approx(8.0)
    assert rise[outside] == pytest.approx(0.0)
    wet = (hot.outdoor_wet_bulb_temperature - plain.outdoor_wet_bulb_temperature).values
    assert (wet[inside] > 1.0).all()
    assert (wet[inside] < 5.0).all()
    assert "+8 K" in hot.attrs["weather"]
    assert hot.attrs["weather_digest"] != plain.attrs["weather_digest"]
    with pytest.raises(InputError, match="makes no day warmer or colder"):
        simulate("oklahoma-10", scenario="cdu-loss", **asked)


# -------------------------------------------------------------------------------------------------- schema
def test_the_shipped_schema_is_that_of_the_model():
    """Write it anew: ``python -m twin.engine.scenario_schema > sites/scenario.schema.json``."""
    assert (data_root() / NAME).read_text(encoding="utf-8") == schema_text()


def test_the_schema_knows_every_key_of_a_shipped_scenario():
    definitions = scenario_schema()["definitions"]
    known = {name: set(definitions[name]["properties"]) for name in ("Scenario", "FaultItem", "WeatherItem")}
    for name in shipped_scenarios():
        data = load_scenario(name).document.data
        assert set(data) <= known["Scenario"]
        assert all(set(item) <= known["FaultItem"] for item in data.get("faults", []))
        assert all(set(item) <= known["WeatherItem"] for item in data.get("weather", []))
