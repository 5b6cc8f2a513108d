"""Faults of the power path that overlap: an element is whole again when the last of them is mended, not the first."""

from __future__ import annotations

import pytest

from twin.analysis.fail import Failure, fail, told
from twin.engine.faults import RESET_S

SITE = """\
format: 1
base: oklahoma-10
name: overlap
electrical:
  elements:
    mv: {device: mv-feeder, count: 2, fed_from: grid, generators: {device: genset-2500kw, count: 6}}
templates:
  cs3-hall:
    chain:
      ups: {device: ups-galaxy-vxl-1250, count: 5, mechanical: true, store: {device: ups-battery-90s, count: 5}}
"""
FAULT = "  - {{element: {0}, mode: {1}, at: {2}s, until: {3}s{4}}}\n"


@pytest.fixture
def broken(tmp_path):
    """A run through faults (element, mode, from, to, more keys)."""
    (tmp_path / "overlap.yaml").write_text(SITE)

    def run(*faults: tuple, lasting: float = 200.0) -> Failure:
        text = "format: 1\ntitle: made for the tests\nsource: made for the tests\nfaults:\n"
        text += "".join(FAULT.format(*fault) for fault in faults)
        (tmp_path / "scenario.yaml").write_text(text)
        return fail(
            str(tmp_path / "overlap.yaml"), scenario=str(tmp_path / "scenario.yaml"), at="2028-07-11T18:00",
            lasting_s=lasting, load="full",
        )  # fmt: skip

    return run


def happened(failure: Failure, what: str, node: str = "") -> list[float]:
    return [e["s"] for e in told(failure)["power"]["events"] if e["what"] == what and node in e["node"]]


def grid(failure: Failure, seconds: float) -> float:
    step = next(n for n, t in enumerate(failure.times_s) if t >= failure.at_s + seconds)
    return float(failure.series["site_power"][step])


def test_a_utility_lost_twice_is_back_when_the_longer_loss_ends(broken):
    failure = broken(("grid", "outage", 0, 60, ""), ("grid", "outage", 5, 10, ""))
    assert grid(failure, 20) == 0.0
    assert happened(failure, "generator starts") != []
    sag = broken(("grid", "outage", 0, 4, ""), ("grid", "sag", 1, 30, ", amount: 0.5"))
    walks = happened(sag, "walk-in ends", "hall-1")
    assert walks
    assert min(walks) > 30.0


def test_a_bank_that_is_lost_by_two_faults_is_there_when_both_are_mended(broken):
    """A unit is mended while the breaker of all stays open: the racks stay dark until it is closed."""
    failure = broken(
        ("okc/hall-1/rpp", "breaker", 0, 50, ""), ("okc/hall-1/rpp", "units", 5, 10, ", amount: 2"), lasting=300
    )
    dark, times = failure.series["racks_dark"], failure.times_s - failure.at_s
    assert dark[(times > 2) & (times < 50 + RESET_S)].min() == dark.max() > 0.0
    assert dark[times > 55 + RESET_S].max() == 0.0
    again = broken(("okc/hall-1/rpp", "units", 0, 10, ", amount: 24"), ("okc/hall-1/rpp", "lost", 5, 400, ""))
    assert happened(again, "back", "okc/hall-1/rpp") == []


def test_a_ups_that_two_people_hold_is_let_go_by_the_last(broken):
    failure = broken(("okc/hall-1/ups", "bypass", 0, 60, ""), ("okc/hall-1/ups", "locked", 10, 20, ""))
    assert happened(failure, "on bypass", "hall-1") == [0.0, 20.0]
    assert happened(failure, "on battery", "hall-1") == [10.0]
    assert happened(failure, "back", "hall-1/ups") == [60.0]


def test_a_set_that_is_mended_while_the_others_run_starts_with_the_next_call(broken):
    """It has not been cranked: no load is accepted and no busbar gains by it in this outage."""
    failure = broken(("grid", "outage", 0, 400, ""), ("generators", "fail", 0, 100, ", amount: 0.34"), lasting=300)
    assert [e["value"] for e in told(failure)["power"]["events"] if e["what"] == "generator starts"] == [4.0]
    ready = [e["value"] for e in told(failure)["power"]["events"] if e["what"] == "generator ready"]
    assert max(ready) == pytest.approx(4 * 2.5e6)
    assert [t for t in happened(failure, "generator ready") if t >= 100.0] == []
    run = failure.power
    assert run is not None
    assert run.machine.state.sets[run.machine.plants[0].node] == 6


def test_three_short_sags_in_a_row_lock_the_ups_and_the_run_goes_on(broken):
    """The third comes while the UPSs wait for their return: they stay on battery."""
    sags = [("grid", "sag", 3 * k, 3 * k + 1, ", amount: 0.5") for k in range(3)]
    failure = broken(*sags, lasting=60.0)
    locked = happened(failure, "locked on battery")
    assert failure.residual < 1e-9
    assert locked == [6.0, 6.0]


def test_racks_are_not_switched_on_again_on_a_battery_alone(broken):
    """Their panels are closed again while their UPS is locked on its battery: they wait until it has walked in."""
    failure = broken(("okc/hall-1/ups", "locked", 0, 200, ""), ("okc/hall-1/rpp", "breaker", 0, 20, ""), lasting=360.0)
    it, times = failure.series["hall_it_power"][:, 0], failure.times_s - failure.at_s
    assert happened(failure, "battery empty", "hall-1") == []
    assert it[(times > 2) & (times < 210 + RESET_S)].max() < 1.0
    assert it[times > 215 + RESET_S].min() > 1e6
