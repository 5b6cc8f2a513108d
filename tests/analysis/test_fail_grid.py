"""A grid's rules held against what the power path does in a sag: who is back in time, who stays, who is locked out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from twin.analysis.fail import Failure, fail, told
from twin.analysis.fail_grid import lines
from twin.cli.main import app
from twin.core.errors import InputError
from twin.site.shipped import data_root

AT = "2028-07-11T18:00"
RULE = """\
kind: grid_rule
title: A rule of its own
recovery_share: {value: 0.9, source: test case, confidence: estimate}
recovery_s: {value: 1, source: test case, confidence: estimate}
recovery_voltage_pu: {value: 0.9, source: test case, confidence: estimate}
sag_pu: {value: 0.5, source: test case, confidence: estimate}
sag_s: {value: 5, source: test case, confidence: estimate}
"""
SITE = """\
format: 1
base: oklahoma-10
name: ridden
grid: {{rules: [{rules}]}}
templates:
  cs3-hall:
    chain:
      ups: {{device: t-ups, count: 5, mechanical: true, store: {{device: ups-battery-2500kw-5min, count: 5}}}}
"""
SAGS = """\
format: 1
title: sags in a row
source: test case
lasting: {lasting}
faults:
{faults}
"""


@pytest.fixture
def site(tmp_path):
    """A writer of sites whose UPSs come back after ``back`` s, with a walk-in, and accept so low a voltage."""
    (tmp_path / "library" / "ups").mkdir(parents=True)
    (tmp_path / "library" / "grid_rules").mkdir()
    (tmp_path / "library" / "grid_rules" / "t-rule.yaml").write_text(RULE)
    known = (data_root() / "library" / "ups" / "ups-galaxy-vxl-1250.yaml").read_text()

    def write(back: float = 0.2, walk: float = 0.5, low: float = 0.85, rules: str = "t-rule") -> str:
        text = known.replace("return_s: {value: 10, low: 1,", f"return_s: {{value: {back}, low: {back},")
        text = text.replace("walk_in_s: {value: 10, low: 1,", f"walk_in_s: {{value: {walk}, low: {walk},")
        text = text.replace("low_pu: {value: 0.85, low: 0.8,", f"low_pu: {{value: {low}, low: {low},")
        (tmp_path / "library" / "ups" / "t-ups.yaml").write_text(text)
        path = tmp_path / "site.yaml"
        path.write_text(SITE.format(rules=rules))
        return str(path)

    return write


def sag(site: str, amount: str = "70 %", **how: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"at": AT, "lasting_s": 60.0, "repair_s": 5.0, "load": "full", **how}
    return rules_of(fail(site, [f"grid:sag={amount}"], **asked))


def rules_of(failure: Failure) -> dict[str, Any]:
    found: dict[str, Any] = told(failure)["power"]["grid_rules"]
    return found


def of(found: dict[str, Any], what: str) -> dict[str, Any]:
    return next(row for row in found["verdicts"] if row["what"] == what)


def test_the_delay_and_the_walk_in_decide_whether_a_load_is_back_in_time(site):
    """Load behind UPSs is back at 90 % when nine tenths of the walk-in are over: below a step, in closed form."""
    fast, slow = sag(site(0.2, 0.5)), sag(site(3.0, 10.0))
    for found, delay, walk, kept in ((fast, 0.2, 0.5, True), (slow, 3.0, 10.0, False)):
        row = of(found, "recovery")
        # Some load is not behind a UPS, and losses of the path are not the walk-in's: within a step of the walk-in.
        assert row["after_s"] == pytest.approx(delay + 0.85 * walk, abs=0.06 * walk)
        assert row["kept"] is kept
    assert of(fast, "recovery")["lacking_mw"] == 0.0
    lacks = of(slow, "recovery")["lacking_mw"]
    one = slow["faults"][0]
    assert (one["s"], one["back_s"]) == (0.0, 5.0)
    # A second after the voltage the UPSs have not begun to come back.
    assert lacks == pytest.approx(0.9 * one["before_mw"] - one["least_mw"], rel=0.05)
    assert any("VIOLATED" in line and "recovery" in line for line in lines(slow))


def test_a_load_on_its_batteries_has_left_the_grid(site):
    """UPSs that go to battery at a voltage that is to be ridden through break the rule; those that take it keep it."""
    away, stays = sag(site()), sag(site(low=0.6))
    one, row = away["faults"][0], of(away, "ride-through")
    assert row["kept"] is False
    assert row["left_mw"] == pytest.approx(one["before_mw"] - one["least_mw"], rel=0.05)
    assert of(stays, "ride-through")["kept"] is True
    assert of(stays, "ride-through")["left_mw"] == 0.0
    assert of(stays, "recovery")["after_s"] == 0.0
    assert not stays["violated"]


def test_a_rule_that_cannot_be_judged_is_never_kept(site):
    """A deeper sag than the rule speaks of, a load below its threshold, a voltage that does not come back."""
    deep = sag(site(), "30 %")
    assert of(deep, "ride-through")["kept"] is None
    small = sag(site(rules="ercot"))
    assert {row["kept"] for row in small["verdicts"]} == {None}
    assert "75 MW" in of(small, "recovery")["found"]
    never = sag(site(), repair_s=None)
    assert of(never, "recovery")["kept"] is None
    assert of(sag(site(3.0, 10.0), lasting_s=5.0), "recovery")["kept"] is None


def test_a_fault_that_is_none_of_the_grid_breaks_no_rule_of_it(site):
    found = rules_of(fail(site(), ["okc/hall-1/ups:units=1"], at=AT, lasting_s=5.0, load="full"))
    assert (found["faults"], found["verdicts"], found["violated"], lines(found)) == ([], [], False, [])


def test_sags_in_a_row_lock_ups_and_their_load_leaves_the_grid(site, tmp_path):
    """The logic of July 2024: the third sag within a minute, and what hangs on the UPSs is gone until a person acts."""

    def run(instants: list[int]) -> tuple[Failure, dict[str, Any]]:
        file = tmp_path / "sags.yaml"
        rows = [f"  - {{element: grid, mode: sag, amount: 70 %, at: {at}s, repair: 1s}}" for at in instants]
        file.write_text(SAGS.format(lasting="3min", faults="\n".join(rows)))
        failure = fail(site(0.2, 0.5), scenario=file, at=AT, load="full")
        return failure, rules_of(failure)

    failure, found = run([0, 20, 40])
    assert found["locked_ups"] == 10
    # What they carry is what is missing at the meter from then on.
    after = failure.series["site_power"][int(np.searchsorted(failure.times_s, failure.at_s + 60.0))] / 1e6
    assert found["locked_mw"] == pytest.approx(found["faults"][0]["before_mw"] - after, rel=0.02)
    assert [row["kept"] for row in found["verdicts"] if row["what"] == "recovery"] == [True, True, False]
    assert "stay off the grid" in lines(found)[-1]
    _, apart = run([0, 40, 80])
    assert apart["locked_ups"] == 0
    assert [row["kept"] for row in apart["verdicts"] if row["what"] == "recovery"] == [True, True, True]


def test_the_verb_tells_the_rule_and_ends_with_1(site):
    """Broken: exit 1 though no rack trips. Kept: exit 0."""
    args = ["grid:sag=70 %", "--at", AT, "--for", "30s", "--repair", "5s"]
    broken = CliRunner().invoke(app, ["fail", site(3.0, 10.0), *args])
    assert broken.exit_code == 1, broken.output
    assert "VIOLATED   t-rule, recovery at 0.0 s: back 1" in broken.output
    plain = json.loads(CliRunner().invoke(app, ["fail", site(3.0, 10.0), *args, "--json"]).stdout)
    assert plain["racks_tripped"] == 0
    assert plain["power"]["grid_rules"]["violated"] is True
    assert {row["rule"] for row in plain["power"]["grid_rules"]["verdicts"]} == {"t-rule"}
    kept = CliRunner().invoke(app, ["fail", site(low=0.6), *args])
    assert kept.exit_code == 0, kept.output
    with pytest.raises(InputError, match="grid_rule"):
        sag(site(rules="t-ups"))
