"""Faults: heat in is heat out plus stored, trips come when the closed form says, what is mended comes back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from twin.analysis.fail import Failure, fail, told
from twin.cooling.pump import coast_down
from twin.core.columns import Fac, Group
from twin.core.errors import InputError
from twin.engine.faults import MODES, make_faults, places
from twin.engine.trip import CAUSES
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.lower_hall import interlocks

SITE = "oklahoma-10"
AT = "2028-07-11T18:00"
CDU = "okc/hall-1/cdu-02"
SERVING = """\
format: 1
base: oklahoma-10
name: serving
inference:
  demand: {chat: {workload: chat, fill: 0.8}}
  services:
    chat: {serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1, okc/hall-2]}, mix: {chat: 1}}
"""


def broken(*elements: str, **how: Any) -> Failure:
    asked: dict[str, Any] = {"at": AT, "lasting_s": 300.0, "load": "full", **how}
    return fail(SITE, elements, **asked)


def behind(failure: Failure, element: str) -> list[dict[str, Any]]:
    return [row for row in failure.groups if row["cooled_by"] == element]


# --------------------------------------------------------------------------------------------------- pumps
def test_a_pump_runs_down_as_its_equation_says_and_stands_in_the_end():
    """Against dx/dt = -(x^2 + f)/t_c in a thousand small steps a second."""
    x, total, t_c, f, steps = 1.0, 0.0, 2.0, 0.05, 20_000
    for _ in range(steps):
        before = x
        x = max(0.0, x - (x * x + f) / t_c * (5.0 / steps))
        total += 0.5 * (before + x) * 5.0 / steps
    end, mean = coast_down(1.0, 5.0, t_c, f)
    assert (end, 5.0 * mean) == pytest.approx((x, total), rel=1e-3)
    assert coast_down(1.0, 60.0, t_c, f)[0] == 0.0
    assert 60.0 * coast_down(1.0, 60.0, t_c, f)[1] == pytest.approx(t_c / 2 * np.log((1 + f) / f))
    assert coast_down(0.0, 1.0, t_c, f) == (0.0, 0.0)


# --------------------------------------------------------------------------------------------------- modes
ALL = [
    *((CDU, mode) for mode in MODES["cdu"]), *(("okc/hall-1/air", mode) for mode in MODES["air"]),
    *((element, mode) for element, role in (
        ("okc/chw", "loop"), ("okc/chw/chillers", "chillers"), ("okc/chw/rejection", "rejection"),
        ("okc/chw/economizer", "economizer"), ("grid", "grid"), ("okc/hall-1/ups", "ups"), ("mv", "path"),
    ) for mode in MODES[role] if mode != "locked"),
]  # fmt: skip


@pytest.mark.parametrize(("element", "mode"), ALL)
def test_heat_in_is_heat_out_plus_stored_in_every_fault(element, mode):
    assert broken(f"{element}:{mode}", lasting_s=240.0, repair_s=60.0).residual < 1e-9


def test_every_mode_is_tried_here():
    """Those of a manifold in ``test_pump_faults.py``, of generators and of a battery in ``test_power_run.py``."""
    roles = {name: place.role for name, place in places(load_site(SITE), lower(load_site(SITE))).items()}
    tried = {(r, m) for r, modes in MODES.items() for m in modes if r not in ("manifold", "generators")}
    tried -= {("ups", "locked")}
    assert {(roles[element], mode) for element, mode in ALL} == tried


# --------------------------------------------------------------------------------------------------- trips
def with_racks(**columns: float) -> Any:
    """A patch of ``interlocks``: every rack with these columns on top of its own."""
    return lambda rack: interlocks(rack) | {Group[name]: value for name, value in columns.items()}


def test_without_flow_a_rack_trips_after_its_margin_times_its_capacity_per_watt(monkeypatch):
    """C margin / P, properties constant and nothing hanging on the plate; the isolated CDU stops at once."""
    racks = with_racks(TRIP=60.0, FLOW_TRIP=-1.0, LIQUID_TRIP=1e9, TRIP_DELAY=1e9, G_BODY_PLATE=0.0, THROTTLE=1e9)
    monkeypatch.setattr("twin.engine.faults.interlocks", racks)
    failure = broken(f"{CDU}:leak", throttling=False)
    (row,) = behind(failure, CDU)
    plan = failure.prepared.plan
    group = plan.arrays.group[plan.labels.group_kind.index("cs3-x2")]
    power = group[Group.RATED]
    w = failure.faults.plan.arrays.sec[plan.labels.sec.index(CDU)]
    assert w.any()
    steady = 21.0 + power * group[Group.LIQUID_SHARE] / _conductance(plan, CDU, group) + group[Group.JUNCTION]
    expected = (60.0 - steady) * group[Group.C_PLATE] / (power * group[Group.LIQUID_SHARE])
    assert row["cause"] == "junction"
    assert row["trip_s"] == pytest.approx(expected, abs=0.1)


def _conductance(plan: Any, cdu: str, group: Any) -> float:
    """Plate to coolant at the flow of full load, W/K."""
    flow = group[Group.W_COOLANT]
    return float(flow * (1.0 - np.exp(-group[Group.UA] / flow)))


def test_halving_the_step_changes_the_time_to_trip_by_less_than_a_percent(monkeypatch):
    monkeypatch.setattr("twin.engine.faults.interlocks", with_racks(FLOW_TRIP=-1.0, LIQUID_TRIP=1e9))
    times = []
    for step in (1.0, 0.5):
        (row,) = behind(broken(CDU, step_s=step, throttling=False), CDU)
        assert row["cause"] == "junction"
        times.append(row["trip_s"])
    assert times[0] == pytest.approx(times[1], rel=0.01)


def test_racks_that_slow_down_trip_later_or_never(monkeypatch):
    monkeypatch.setattr("twin.engine.faults.interlocks", with_racks(FLOW_TRIP=-1.0, LIQUID_TRIP=1e9))
    (slow,), (fast,) = (behind(broken(CDU, throttling=way), CDU) for way in (True, False))
    assert slow["slowed_s"] < fast["trip_s"]
    assert slow["trip_s"] is None or slow["trip_s"] > fast["trip_s"]


def test_each_cause_trips_by_its_name(monkeypatch):
    assert behind(broken(CDU), CDU)[0]["cause"] == "low_flow"
    assert behind(broken(f"{CDU}:leak"), CDU)[0]["cause"] == "leak"
    monkeypatch.setattr("twin.engine.faults.interlocks", with_racks(FLOW_TRIP=-1.0, LIQUID_TRIP=26.0))
    assert behind(broken(f"{CDU}:facility"), CDU)[0]["cause"] == "coolant_inlet"
    monkeypatch.setattr("twin.engine.faults.interlocks", with_racks(AIR_TRIP=26.0))
    units = places(load_site(SITE), lower(load_site(SITE)))["okc/hall-1/air"].units
    assert behind(broken(f"okc/hall-1/air:units={units}", lasting_s=900.0), CDU)[0]["cause"] == "air_inlet"
    assert set(CAUSES) == {"none", "low_flow", "coolant_inlet", "junction", "air_inlet", "leak", "power"}


def test_an_interlock_waits_out_its_delay():
    failure = broken(CDU)
    (row,) = behind(failure, CDU)
    # Flow is below 30 % of what is asked for from the time that the equation gives; five seconds later they are off.
    plan = failure.prepared.plan
    sec = plan.arrays.sec[plan.labels.sec.index(CDU)]
    asked = failure.prepared.plan.arrays.group[0, Group.W_COOLANT] * 18
    start = asked / sec[0]
    t = np.linspace(0.0, 20.0, 20_001)
    x = np.array([coast_down(start, float(v), 2.0, 0.05)[0] if v > 0 else start for v in t])
    below = t[np.argmax(x < 0.3 * start)]
    assert row["trip_s"] == pytest.approx(below + 5.0, abs=0.5)
    assert failure.faults.plan.arrays.group[0, Group.TRIP_DELAY] == 5.0


# ------------------------------------------------------------------------------------------------ and after
def test_what_is_mended_comes_back():
    failure = broken(f"{CDU}:facility", repair_s=120.0, lasting_s=3600.0)
    it, supply = failure.series["hall_it_power"], failure.series["hall_liquid_supply_temperature_maximum"]
    assert supply.max() > supply[0].max() + 1.0
    assert it[-1] == pytest.approx(it[0], rel=0.01)
    assert supply[-1] == pytest.approx(supply[0], abs=0.05)
    assert told(failure)["racks_at_end"] == told(failure)["racks"]


NOTHING = f"{CDU}:sensor=0"
THERMAL = ("hall_rack_inlet_temperature", "hall_liquid_supply_temperature_maximum", "fws_supply_temperature",
           "fws_return_temperature", "hall_rack_temperature_maximum")  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed() -> Failure:
    return broken(NOTHING, lasting_s=7200.0, step_s=5.0)


@pytest.mark.parametrize(("element", "mode"), ALL)
def test_a_mended_fault_comes_back_to_the_state_without_it(element, mode, undisturbed):
    """Two hours later: temperatures to 0.05 K, the racks' power to 1e-6, the meter's to 2 % (staging has a memory)."""
    failure = broken(f"{element}:{mode}", repair_s=120.0, lasting_s=7200.0, step_s=5.0)
    for name in THERMAL:
        assert failure.series[name][-1] == pytest.approx(undisturbed.series[name][-1], abs=0.05), name
    for name, off in (("site_it_power", 1e-6), ("site_power", 0.02)):
        assert failure.series[name][-1] == pytest.approx(undisturbed.series[name][-1], rel=off), name
    assert told(failure)["racks_at_end"] == told(failure)["racks"]


def test_racks_that_tripped_are_reset_and_draw_again():
    answer = told(broken(CDU, repair_s=60.0, lasting_s=900.0))
    assert answer["racks_tripped"] == 18
    assert answer["racks_at_end"] == answer["racks"]
    assert answer["it_mw"]["least"] < answer["it_mw"]["before"] - 0.5
    assert answer["it_mw"]["end"] == pytest.approx(answer["it_mw"]["before"], rel=0.01)
    told_at = [row["s"] for row in answer["timeline"]]
    assert told_at == sorted(told_at)


@pytest.mark.parametrize("step_s", [1.0, 20.0, 60.0])
def test_before_a_fault_is_all_that_ends_by_its_instant(step_s):
    """The step of a minute that leads up to it is the only one there is."""
    failure = broken(CDU, lasting_s=120.0, step_s=step_s)
    before = failure.series["site_it_power"][failure.times_s <= failure.at_s]
    window = max(1, round(10.0 / step_s))
    assert told(failure)["it_mw"]["before"] == pytest.approx(before[-window:].mean() / 1e6, rel=1e-12)


def test_a_pool_serves_with_the_racks_that_are_left(tmp_path):
    path = tmp_path / "serving.yaml"
    path.write_text(SERVING)
    failure = fail(path, [CDU], at=AT, lasting_s=300.0)
    answer = told(failure)
    assert answer["racks_tripped"] == 18
    assert answer["tokens_per_s"]["end"] < answer["tokens_per_s"]["before"] * 1.001
    assert answer["energy_residual_maximum"] < 1e-9
    heavier = dataclasses.replace(load_site(path))
    everything = fail(heavier, [f"okc/hall-1/cdu-{n:02d}" for n in range(1, 6)], at=AT, lasting_s=300.0)
    least = told(everything)["tokens_per_s"]["end"]
    assert least < 0.75 * answer["tokens_per_s"]["before"]


def test_a_chiller_that_breaks_is_one_that_runs_and_the_other_answers_after_its_start():
    """At night one of two runs; 120 s later the other carries its load, and the water is cold again."""
    failure = broken("okc/chw/chillers:units=1", at="2028-07-11T08:00", load=None, lasting_s=1800.0)
    supply = failure.series["fws_supply_temperature"][:, 0]
    warmest = failure.times_s[np.argmax(supply)] - failure.at_s
    assert 110.0 < warmest < 180.0
    assert supply.max() > 8.0
    assert supply[-1] == pytest.approx(6.0, abs=0.1)


def test_without_any_cell_all_heat_stays_in_the_loop():
    """Water, pumps' work and what stands in the hall warm by the power: dT/dt of the loop is Q/C at first."""
    failure = broken("okc/chw/rejection:units=2", lasting_s=200.0)
    series, fac = failure.series, failure.prepared.plan.arrays.fac[0]
    capacity = fac[Fac.C_RETURN] + fac[Fac.C_SUPPLY]
    n = int(np.searchsorted(failure.times_s, failure.at_s))
    heat = series["plant_heat"][n, 0]
    mean = 0.5 * (series["fws_supply_temperature"] + series["fws_return_temperature"])[:, 0]
    assert series["plant_heat"][n + 1 :, 0] == pytest.approx(0.0, abs=1.0)
    assert mean[n + 150] - mean[n + 50] == pytest.approx(100.0 * heat / capacity, rel=0.02)


# ---------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("element", "says"),
    [
        ("okc/hall-1/cdu-9", 'did you mean "okc/hall-1/cdu-0'), (f"{CDU}:pump", 'did you mean "pumps"'),
        (f"{CDU}:pumps=2", "takes no amount"), ("okc/chw/chillers:units=99", "out of range"),
        ("okc/chw/rejection:units=x", "is no amount of units"),
        (f"{CDU}:sensor=5kW", "is in another unit than sensor"), (f"{CDU}:fouling=120%", "out of range"),
        ("grid:outage=1h", "is in another unit"), ("gird", 'did you mean "grid"'),
    ],
)  # fmt: skip
def test_what_cannot_break_is_told(element, says):
    with pytest.raises(InputError) as error:
        broken(element)
    assert says in str(error.value)


def test_nothing_breaks_before_it_has_power():
    with pytest.raises(InputError, match="has no power before"):
        fail("prairie-750", ["b6/b6-h1/cdu-01"], at="2026-07-01T00:00")


def test_racks_whose_cdu_stays_broken_are_not_reset_with_those_whose_cdu_is_mended(tmp_path):
    """They trip once, at their own time: somebody who switches racks on looks at their CDU before."""
    path = tmp_path / "two.yaml"
    path.write_text(
        "format: 1\ntitle: two CDUs\nsource: a test\nfaults:\n"
        "  - {element: okc/hall-1/cdu-01, mode: pumps, at: 0s, repair: 2min}\n"
        "  - {element: okc/hall-1/cdu-02, mode: leak, at: 1min}\n"
    )
    failure = fail("oklahoma-10", scenario=path, at=AT, lasting_s=600.0)
    answer = told(failure)
    first, second = sorted(answer["groups"], key=lambda row: row["trip_s"])
    assert (first["cooled_by"], first["runs"], first["cause"]) == ("okc/hall-1/cdu-01", True, "low_flow")
    assert (second["cooled_by"], second["runs"], second["cause"]) == ("okc/hall-1/cdu-02", False, "leak")
    assert 60.0 < second["trip_s"] < 70.0
    assert first["trip_again_s"] is second["trip_again_s"] is None
    assert answer["racks_at_end"] == answer["racks"] - second["racks"]
    last = answer["timeline"][-1]
    stay = f"racks that tripped are reset; {second['racks']} racks stay off: okc/hall-1/cdu-02 is still broken"
    assert (last["s"], last["what"]) == (240.0, stay)


def test_racks_that_trip_once_more_after_their_reset_have_both_trips(tmp_path):
    """Their loop stands still when a CDU has been mended: reset, they meet warm water again."""
    path = tmp_path / "loop.yaml"
    path.write_text(
        "format: 1\ntitle: a loop that stays broken\nsource: a test\nfaults:\n"
        "  - {element: okc/hall-1/cdu-01, mode: pumps, at: 0s, repair: 5min}\n"
        "  - {element: okc/chw, mode: pumps, at: 0s}\n"
    )
    answer = told(fail("oklahoma-10", scenario=path, at=AT, lasting_s=1500.0))
    again = [row for row in answer["groups"] if row["trip_again_s"] is not None]
    assert again
    assert all(row["trip_s"] < 420.0 < row["trip_again_s"] for row in again)
    assert all(row["cause"] in ("low_flow", "coolant_inlet") for row in again)
    assert any("trip again by coolant_inlet" in row["what"] for row in answer["timeline"])


@pytest.mark.parametrize(
    "text", [f"{CDU}:fouling=35%", f"{CDU}:sensor=-2.5K", "grid:outage=90s", "okc/hall-1/air:units=2", CDU]
)
def test_a_fault_is_told_with_the_unit_of_its_amount_and_that_may_be_written_again(text):
    plan, loaded = lower(load_site("oklahoma-10")), load_site("oklahoma-10")
    (fault,) = make_faults(plan, loaded, [(text, 1.9e9, np.inf)]).found
    assert fault.named() == (text if ":" in text else f"{text}:pumps")
    assert make_faults(plan, loaded, [(fault.named(), 1.9e9, np.inf)]).found == (fault,)
