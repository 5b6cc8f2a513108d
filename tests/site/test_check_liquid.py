"""Coolant: pump curves that never meet their system, supplies below the dew point, racks with too little flow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.site.conftest import LIBRARY, entry, figure, rack
from twin.core.columns import Sec
from twin.core.errors import InputError, Problem
from twin.racks.rack import Rack
from twin.site.dump import dump
from twin.site.load import load_site
from twin.site.lower import lower

LIQUID = "supply_c: 25, supply_max_c: 30}"
LOOP = "head_kpa: 200\n"
SUPPLY = "templates.wet.liquid.supply_c"


@pytest.fixture
def pumps(folder: Path) -> Path:
    """The folder with two pumps in its library: one that meets every system here, one that meets none."""
    figures = {"rated_flow_lpm": 1500, "rated_head_kpa": 250, "shut_off_head_kpa": 300, "fail_over_s": 5}
    low = figures | {"rated_head_kpa": 20, "shut_off_head_kpa": 36}
    for name, values in (("t-pump", figures), ("t-low", low)):
        add(folder, f"pumps/{name}", entry("pump", **values))
    return folder


def add(folder: Path, name: str, data: dict[str, Any]) -> None:
    file = folder / "library" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(dump(data))


def told(problems: list[Problem], path: str) -> list[str]:
    return [p.message for p in problems if p.path == path]


# ------------------------------------------------------------------------------------------------- pumps
def test_a_loop_whose_pumps_meet_its_system_is_right(pumps, spoil):
    assert spoil(LOOP, f"{LOOP}        pumps: {{device: t-pump, count: 4, standby: 1}}\n") == []


def test_a_pump_curve_that_never_meets_the_system_says_both_heads(pumps, spoil, spot):
    problems = spoil(LOOP, f"{LOOP}        pumps: {{device: t-low, count: 4}}\n")
    (problem,) = problems
    assert problem.path == "buildings.B1.loops.fws.pumps.device"
    assert problem.message == ("the curve of t-low never meets the system: shut-off head 36 kPa, static head 66.67 kPa")
    assert (problem.line, problem.col) == spot("t-low, count: 4}")


def test_pumps_that_give_less_than_the_largest_flow_are_told_with_what_they_give(pumps, spoil):
    (problem,) = spoil(LOOP, f"{LOOP}        pumps: {{device: t-pump, count: 2, standby: 1}}\n")
    assert problem.warning
    assert problem.message.startswith("1 x t-pump give ")
    assert problem.message.endswith(" m3/h at full speed, less than flow_max_m3_h of 200 m3/h")


def test_a_misspelt_pump_is_told_with_the_nearest(pumps, spoil):
    (problem,) = spoil(LOOP, f"{LOOP}        pumps: {{device: t-pumb, count: 2}}\n")
    assert problem.message == 'the library has no pump "t-pumb"; did you mean "t-pump"?'


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("t-low", "the curve of t-low never meets the system: shut-off head 36 kPa, static head 40 kPa"),
        ("t-pum", 'the library has no pump "t-pum"; did you mean "t-pump"?'),
        ("t-cdu", '"t-cdu" is of kind cdu, expected pump'),
    ],
)
def test_the_pumps_of_a_cdu_are_told_in_its_library_file(pumps, device, says):
    add(pumps, "cdus/t-cdu", {**LIBRARY["cdus/t-cdu"], "pumps": {"device": device, "count": 2}})
    with pytest.raises(InputError) as error:
        load_site(pumps / "site.yaml")
    (problem,) = error.value.problems
    assert (problem.message, problem.path) == (says, "pumps.device")
    assert str(problem.file).endswith("library/cdus/t-cdu.yaml")


@pytest.mark.parametrize(
    ("pumps_written", "says"),
    [
        ("{device: t-pump, count: 2, standby: 2}", "2 of 2 pumps stand by: at least one has to run"),
        ("{device: t-pump, cuont: 2}", 'did you mean "count"?'),
        ("{device: t-pump, count: 0}", "expected a number >= 1"),
    ],
)
def test_the_form_of_pumps_is_checked(pumps, spoil, pumps_written, says):
    (problem,) = spoil(LOOP, f"{LOOP}        pumps: {pumps_written}\n")
    assert says in problem.message


# --------------------------------------------------------------------------------------------- dew point
def test_a_supply_below_the_dew_point_is_refused_and_within_the_guard_told(spoil):
    low = ("supply_c: 18\n", "supply_c: 8\n", "max_c: 20}", "max_c: 9}")
    assert told(spoil(*low, LIQUID, "supply_c: 14, supply_max_c: 30}"), SUPPLY) == [
        "supply below dew point: 14 degC is below the dew point of the room air, 15 degC (air.dew_point_c), water "
        "condenses on it"
    ]
    (near,) = spoil(*low, LIQUID, "supply_c: 16, supply_max_c: 30}")
    assert (near.path, near.warning) == (SUPPLY, True)
    assert near.message.startswith("16 degC is less than the guard of 2 K above the dew point")
    assert spoil(*low, LIQUID, "supply_c: 17, supply_max_c: 30}") == []


def test_a_drier_room_allows_a_colder_supply(spoil):
    low = ("supply_c: 18\n", "supply_c: 8\n", "max_c: 20}", "max_c: 9}", LIQUID, "supply_c: 14, supply_max_c: 30}")
    air = "    air: {crah: t-crah, count: 2, loop: fws, supply_c: 24}\n    chain"
    assert spoil(*low, air, air.replace("24}", "24, dew_point_c: 11}")) == []


def test_the_guard_as_a_control_raises_the_set_point(folder, spoil):
    low = ("supply_c: 18\n", "supply_c: 8\n", "max_c: 20}", "max_c: 9}")
    guarded = "supply_c: 14, supply_max_c: 30, dew_point_guard_k: 3, dew_point_control: true}"
    (problem,) = spoil(*low, LIQUID, guarded)
    assert (problem.path, problem.warning) == (SUPPLY, True)
    assert problem.message.startswith("raised to 18 degC: 3 K above the dew point")
    assert (lower(load_site(folder / "site.yaml")).arrays.sec[:2, Sec.SET] == 18.0).all()
    problems = spoil(*low, LIQUID, guarded.replace("supply_max_c: 30", "supply_max_c: 17"))
    assert "templates.wet.liquid.supply_max_c" in [p.path for p in problems if not p.warning]


# -------------------------------------------------------------------------------------------- least flow
def least(*points: tuple[float, float]) -> dict[str, Any]:
    """A wet rack (1.5 L/min per kW of its 80 kW) that states its least flow."""
    return rack(0.8, minimum_flow=[{"inlet_c": t, "lpm_kw": figure(v)} for t, v in points])


def test_a_design_flow_below_what_racks_need_at_the_set_point_is_refused(folder, spoil):
    add(folder, "racks/t-wet", least((20, 1.0), (30, 3.0)))
    first, second = spoil()
    assert (first.path, first.warning) == (SUPPLY, False)
    assert first.message == (
        "t-wet is designed for 1.5 L/min per kW of its liquid heat, at an inlet of 25 degC it needs 2"
    )
    assert (second.path, second.warning) == ("templates.wet.liquid.supply_max_c", True)
    assert second.message.endswith("at an inlet of 30 degC it needs 3")


def test_enough_flow_is_right_and_points_are_in_order(folder, spoil):
    add(folder, "racks/t-wet", least((20, 0.4), (45, 1.3)))
    assert spoil() == []
    add(folder, "racks/t-wet", least((45, 1.3), (20, 0.4)))
    (problem,) = spoil()
    assert "minimum_flow must be in order of its inlets" in problem.message


def test_nvl72_racks_state_what_nvidia_asks_for():
    """DA-12515: 25 degC 0.4, 30 0.5, 35 0.7, 40 0.9, 45 1.3 L/min/kW."""
    library = load_site("prairie-750").library
    for id in ("gb200-nvl72", "gb300-nvl72", "vr-nvl72"):
        points = library.get(id, Rack).minimum_flow
        assert [(p.inlet_c, p.lpm_kw.value) for p in points] == [(25, 0.4), (30, 0.5), (35, 0.7), (40, 0.9), (45, 1.3)]


def test_a_pipe_has_a_length_and_a_diameter(spoil):
    (problem,) = spoil(LIQUID, "supply_c: 25, supply_max_c: 30, manifold_length_m: 30}")
    assert "manifold_length_m and manifold_diameter_mm go together" in problem.message


def test_a_pipe_without_width_and_a_loop_without_flow_are_told(pumps, spoil):
    """Squared they are nothing, and what is divided by them has no end."""
    thin = "        pipe_length_m: 30\n        pipe_diameter_mm: 1.0e-300\n"
    (narrow,) = spoil(LOOP, f"{LOOP}{thin}")
    assert narrow.message.endswith("expected >= 1 and <= 3000 mm")
    pumped = f"{LOOP}        pumps: {{device: t-pump, count: 1}}\n"
    (still,) = spoil(LOOP, pumped, "flow_max_m3_h: 200\n", "flow_max_m3_h: 1.0e-300\n")
    assert still.message.endswith("expected >= 0.001 and <= 1e+06 m3/h")
