"""The page of a failure in a real browser: faults as bars, trips as marks, nothing lies on another, nobody is asked."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.fail_page import fail_page, write_fail_page
from dashboards.failures.axis import FOCUS_S, LEFT, PLOT, TimeAxis, clock
from dashboards.failures.lines import nice
from tests.browser.opened import opened
from twin.analysis.fail import Failure, fail, told

# Marks may lie on each other: racks alike trip together.
OVERLAPS = """svg => {
  const boxes = [...svg.querySelectorAll("text")].map(t => t.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom;
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => meet(a, b))).length;
}"""
OUTSIDE = """svg => [...svg.querySelectorAll("text, rect, circle, path")].filter(part => {
  const box = part.getBoundingClientRect(), all = svg.getBoundingClientRect();
  return box.right > all.right + 1 || box.left < all.left - 1 || box.bottom > all.bottom + 4 || box.top < all.top - 4;
}).length"""


@pytest.fixture(scope="module")
def found() -> Failure:
    """A CDU without pumps, mended after ten minutes: its racks trip and are reset."""
    return fail("oklahoma-10", scenario="cdu-loss", picture=True)


@pytest.fixture(scope="module")
def campus() -> Failure:
    """A loss of utility of the large site: lanes by kind of rack, more lines than names."""
    return fail("prairie-750", scenario="loss-of-utility", lasting_s=900.0, picture=True)


@pytest.fixture(scope="module")
def dark() -> Failure:
    """A loss of utility through batteries and sets, of which one in ten does not start: halls go dark."""
    elements = ["grid:outage", "generators:fail=10%"]
    return fail("prairie-750", elements, at="2029-07-18T20:00", lasting_s=900.0, picture=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_faults_trips_and_repairs_are_marked_and_nobody_is_asked(found, width, browser: Browser, tmp_path: Path):
    page, heard = opened(browser, write_fail_page(found, tmp_path / "f.html"), width)
    assert [what for what in heard if not what.startswith(("file:", "data:"))] == []
    assert page.locator("section h2").all_text_contents() == [
        "What happens, in order", "Hottest rack of each group", "Supply temperatures", "Power",
    ]  # fmt: skip
    assert page.locator("#course .spell").count() == 1
    assert page.locator("#course .spell .broken").count() == page.locator("#course .spell .mended").count() == 1
    assert page.locator("#course .racks .trip_s").count() == 1
    assert page.locator("#heat .mark.trip_s").count() == 1
    # It breaks, is mended, and the racks are reset.
    assert page.locator("#heat .upright").count() == page.locator("#power .upright").count() == 3
    assert "18 of 176 racks trip" in page.locator(".verdict.bad").inner_text()
    assert page.locator(".card.wrong").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_a_narrow_screen_shows_lines_first_and_says_that_pictures_go_on(found, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_fail_page(found, tmp_path / "f.html"), 390)
    for key in ("heat", "water", "power"):
        box, frame = page.locator(f"#{key} .tick").last.bounding_box(), page.locator(f"#{key} .paths").bounding_box()
        assert box
        assert frame
        assert 0.0 <= box["x"] - frame["x"] < 100.0
        unit = page.locator(f"#{key} svg .soft").first.bounding_box()
        assert unit
        assert unit["x"] >= frame["x"]
    after = "key => getComputedStyle(document.querySelector(key), '::after').content"
    assert "sideways" in page.evaluate(after, "#heat .picture")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate(after, "#heat .picture") == "none"
    page.close()


def test_a_picture_says_its_finding_and_its_table_holds_the_numbers(found, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_fail_page(found, tmp_path / "f.html"), 1280)
    for key in ("course", "heat", "water", "power"):
        picture = page.locator(f"#{key} svg")
        assert page.locator(f"#{key} .finding").inner_text() in (picture.get_attribute("aria-label") or "")
    page.locator("#course summary").press("Enter")
    rows = page.locator("#course tbody tr").all_inner_texts()
    assert len(rows) == len(told(found)["timeline"])
    assert "18 x cs3-x2: trip by low_flow" in rows[1]
    page.close()


@pytest.mark.parametrize("which", ["found", "campus", "dark"])
def test_no_words_lie_on_others_or_leave_the_picture(which, request, browser: Browser, tmp_path: Path):
    made = request.getfixturevalue(which)
    page, _ = opened(browser, write_fail_page(made, tmp_path / "f.html"), 1280)
    pictures = 5 if which == "dark" else 4
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OVERLAPS})") == [0] * pictures
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OUTSIDE})") == [0] * pictures
    page.close()


def test_power_charge_tokens_and_temperatures_stand_in_one_picture(dark, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_fail_page(dark, tmp_path / "f.html"), 1280)
    assert page.locator("#together .strip > .strong").all_text_contents() == [
        "Where power comes from", "State of charge", "What is served, of before", "Where it gets warmest",
    ]  # fmt: skip
    drawn = page.locator("#together .strip path.line title").all_text_contents()
    assert drawn[:3] == ["grid", "generators", "batteries, below 0 as they charge"]
    assert {"tokens/s", "racks with power"} <= set(drawn)
    assert page.locator("#together .tick").count() > 20
    dropped = sum(row["racks"] for row in told(dark)["power"]["dropped"])
    assert f"{dropped:,} racks without power" in page.locator("#together .finding").inner_text()
    spells = [text.partition(":")[0] for text in page.locator("#course .spell").all_text_contents()]
    assert spells[2:5] == ["on battery", "sets run", "plants without power"]
    page.close()


def test_a_campus_has_a_lane_for_each_kind_of_rack_and_its_restart(campus, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_fail_page(campus, tmp_path / "f.html"), 1280)
    spells = page.locator("#course .spell").all_text_contents()
    assert [text.partition(":")[0] for text in spells] == [
        "grid", "facility pumps", "chillers, until restart", "condenser pumps, fans",
    ]  # fmt: skip
    assert 4 <= page.locator("#course .racks").count() <= 16
    assert page.locator("#heat path.line").count() > page.locator("#heat .upright").count()
    assert page.locator("#heat path.pale").count() > 0
    page.close()


def test_a_run_without_trips_says_so(browser: Browser, tmp_path: Path):
    calm = fail("oklahoma-10", scenario="heat-wave", lasting_s=900.0, picture=True)
    page, _ = opened(browser, write_fail_page(calm, tmp_path / "f.html"), 1280)
    assert page.locator(".verdict.good").inner_text() == "No rack trips."
    assert page.locator(".wide-stretch").count() == 0
    page.close()


def test_the_same_failure_gives_the_same_page(found):
    assert fail_page(found) == fail_page(fail("oklahoma-10", scenario="cdu-loss", picture=True))


def test_the_time_axis_is_in_order_and_its_words_keep_apart():
    axis = TimeAxis(-60.0, 2400.0, 0.0)
    at = [axis.x(float(s)) for s in range(-60, 2401, 10)]
    assert at == sorted(at)
    assert (at[0], at[-1]) == (LEFT, LEFT + PLOT)
    # A second of the wide stretch takes many times that of the rest.
    assert axis.x(FOCUS_S) - axis.x(0.0) > 10.0 * (axis.x(1200.0) - axis.x(1200.0 - FOCUS_S))
    places = sorted(axis.x(s) for s, _ in axis.ticks())
    assert min(b - a for a, b in itertools.pairwise(places)) >= 40.0
    assert [clock(s) for s in (0, 30, 60, 90, 620, 3600, 5400, -60)] == [
        "0", "30 s", "1 min", "90 s", "10:20", "1 h", "1.5 h", "-1 min",
    ]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (6.0, 37.2), (-22.0, -3.0), (21.0, 21.0), (403.9e3, 601.2e3)])
def test_the_steps_of_an_axis_are_round_and_hold_all(low, high):
    ticks = nice(low, high)
    assert ticks[0] <= low <= high <= ticks[-1]
    steps = {round(b - a, 9) for a, b in itertools.pairwise(ticks)}
    assert len(steps) == 1
    assert float(f"{steps.pop():.2e}"[:4]) in (1.0, 2.0, 2.5, 5.0)
