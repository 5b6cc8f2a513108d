"""What a loss leaves to the others: the same loadings as N-1 has, which racks are hit, who is without power."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from twin.analysis.fail import fail, told
from twin.analysis.n1 import n1
from twin.analysis.n1_text import elements
from twin.cli.main import app
from twin.core.errors import InputError
from twin.engine.amount import amount_of

SITE = "redundant-4n3"


@pytest.fixture(scope="module")
def ups_a() -> dict[str, Any]:
    """UPS A of the hall on 4N3 lost at full load."""
    return told(fail(SITE, ["b1/h-4n3/ups-A"], lasting_s=60.0, load="full"))


def test_what_is_left_carries_what_n_1_says(ups_a):
    carried = {row["element"]: row for row in ups_a["power"]["carried"]}
    rows = {row["element"]: row for row in elements(n1(SITE))}
    for letter in "BCD":
        row, said = carried[f"b1/h-4n3/ups-{letter}"], rows[f"b1/h-4n3/ups-{letter}"]
        assert row["before"] == pytest.approx(said["n"], abs=2e-3)
        assert row["most"] == row["end"] == pytest.approx(said["n_1"], abs=2e-3)
        assert row["most"] == pytest.approx(row["before"] * 4.0 / 3.0, rel=0.01)
    assert "b1/h-4n3/ups-A" not in carried
    assert not any(name.startswith("b1/h-2n") for name in carried)


def test_half_the_racks_of_4n3_lose_one_of_their_two_cords_and_none_its_power(ups_a):
    hit = ups_a["power"]["hit"]
    assert sum(row["racks"] for row in hit) == 36
    assert hit[0]["first"] == "b1/h-4n3/r-1/01"
    assert {row["block"].rpartition("/")[0] for row in hit} == {"b1/h-4n3"}
    assert ups_a["power"]["dropped"] == []


def test_the_fault_stands_before_what_it_does(ups_a):
    assert ups_a["timeline"][0]["what"] == "b1/h-4n3/ups-A:lost fails"


def test_units_that_are_lost_are_taken_off_the_limit_only_afterwards():
    found = told(fail(SITE, ["b1/h-2n/ups-A:units=1"], lasting_s=10.0, load="full"))["power"]["carried"]
    (row,) = [row for row in found if row["element"] == "b1/h-2n/ups-A"]
    assert row["limit_kw"] == pytest.approx(1250.0)
    assert row["most"] == pytest.approx(2.0 * row["before"], rel=0.01)


def test_a_terminal_is_told_who_is_hit_who_goes_dark_and_what_carries_it():
    asked = ["fail", SITE, "b1/h-4n3/rpp-A-03:breaker", "b1/h-4n3/rpp-D-01:breaker", "--for", "30s", "--load", "full"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1  # they go dark
    assert "without power\n  6 racks of b1/h-4n3: r-2/01 to r-2/06, 276 kW, from 0.0 s, still off" in done.output
    done = CliRunner().invoke(app, asked[:3] + asked[4:])
    assert done.exit_code == 0
    assert "on what is left of their feeds\n  6 racks of b1/h-4n3: r-2/01 to r-2/06\n" in done.output
    (line,) = [line for line in done.output.splitlines() if line.startswith("b1/h-4n3/rpp-D-01 ")]
    assert line.split()[1:] == ["451", "30.6", "%", "61.2", "%", "61.2", "%"]


def test_who_goes_dark_is_never_cut_from_a_timeline_for_a_screen():
    asked = ["fail", SITE, "grid:outage", "generators:fail=60%", "--load", "full", "--for", "20min"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1
    assert "72 x cs3-x2: trip by power, in b1/h-n-plus-1" in done.output
    assert "bus-d: 3 of its generators do not start" in done.output
    assert "without power\n  72 racks of b1/h-n-plus-1: r-1/01 to r-6/12, 3,312 kW, from 8" in done.output
    assert "batteries gave" in done.output
    assert "the emptiest at 10 % charge" in done.output


def test_a_share_out_of_range_is_told_in_the_unit_that_it_is_written_in():
    with pytest.raises(InputError, match="expected 0% to 100%, or 0 to 1"):
        amount_of("50", "fail of generators", "1", 0.0, 1.0, whole=False)
