"""What a reader does with the live page: halls to and fro, the pointer over pictures, the keyboard through tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboards.panels.floor import floor
from telemetry.live.frame import Trend
from tests.browser.served import ALIVE, complaints, served, visited
from tests.browser.synthetic import Scripted, frame, topology

SEEN_MS = 30_000.0
UNKNOWN = 7  # a rack that is not measured, A/1/R1/08
RANGES = """() => { const {x_range: x, y_range: y} = Bokeh.documents[0].get_model_by_name("heat-figure");
  return [x.start, x.end, y.start, y.end]; }"""
SCREEN = """([name, x, y]) => { const p = Bokeh.documents[0].get_model_by_name(name);
  const v = [...Bokeh.index].find(v => v.model === p), r = v.el.getBoundingClientRect(), f = v.frame;
  return [r.left + f.x_scale.compute(x), r.top + f.y_scale.compute(y)]; }"""
STOPS = """() => { const found = [], walk = (e) => { if (e.tabIndex >= 0) found.push(e.className);
    for (const root of [e, e.shadowRoot]) for (const child of root?.children ?? []) walk(child); };
  document.querySelectorAll(".picture").forEach(walk); return found; }"""
TOOLTIP = ".bk-tooltip-content"
FOCUSED = "() => document.activeElement.textContent"


class Deaf(Scripted):
    """A feed whose trend can be without a measurement."""

    measured = True

    def trend(self, variable: str, item: int, last_s: float) -> Trend:
        found = super().trend(variable, item, last_s)
        none = np.full(len(found.times_ns), np.nan)
        return found if self.measured else replace(found, measured=none, residual=none)


@pytest.fixture(scope="module")
def feed() -> Deaf:
    long_names = {-1: "contract", 0: "elk/static-ups-b2-h5"}
    made = Deaf(replace(topology(4, 6, 10), hall_power_bindings=long_names))
    made.show(frame(made.topology, 1))
    return made


@pytest.fixture(scope="module")
def opened(browser: Browser, feed: Deaf) -> Iterator[tuple[Page, str, list[str]]]:
    with served(feed) as url:
        page, heard = visited(browser, url, 1600)
        yield page, url, heard
        page.close()


@pytest.fixture
def desk(feed, opened) -> Iterator[tuple[Page, str]]:
    """The page as a reader finds it; it complains of nothing whatever he does."""
    page, url, heard = opened
    heard.clear()
    feed.measured = True
    feed.show(frame(feed.topology, 1))
    went(page, url)
    yield page, url
    assert complaints(heard, url) == []


def went(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function(ALIVE)


def test_a_picture_has_the_extent_of_what_is_looked_at_there_and_back(feed, desk):
    page, url = desk
    whole = floor(feed.topology, None)
    went(page, f"{url}?hall=B/1")
    for hall, (rows, columns) in (("whole campus", whole.shape), ("C/1", (6, 10))):
        page.get_by_label("Hall", exact=True).select_option(hall)
        drawn = "Bokeh.documents[0].get_model_by_name('heat-cells').data.image[0].shape.join()"
        page.wait_for_function(f"{drawn} === '{rows},{columns}' && Bokeh.documents[0].is_idle")
        assert page.evaluate(RANGES) == [0, columns, 0, rows]
        if hall == "whole campus":
            place = whole.place(feed.topology.racks.index("D/1/R2/03"))
            assert place is not None
            page.mouse.click(*page.evaluate(SCREEN, ["heat-figure", place[0] + 0.5, place[1] + 0.5]))
            expect(page.locator("#rack-name")).to_have_text("D/1/R2/03", timeout=SEEN_MS)


def test_the_pointer_over_a_rack_that_is_not_known_names_it_and_says_why(feed, desk):
    page, url = desk
    given, at = frame(feed.topology, 2), np.arange(len(feed.topology.racks))
    driving = {"rack_power": at >= 0}
    simulated = f"{given.simulated['rack_power'][8] / 1e3:.1f} kW"
    for metric, used, next_to_it in (("simulated", {}, simulated), ("residual", driving, "drives the model")):
        unknown = {**given.simulated, "rack_power": np.where(at == UNKNOWN, np.nan, given.simulated["rack_power"])}
        feed.show(replace(given, simulated=unknown, used=used))
        went(page, f"{url}?hall=A/1&metric=rack_power:{metric}")
        for rack, said in ((UNKNOWN, "A/1/R1/08: not known"), (UNKNOWN + 1, f"A/1/R1/09: {next_to_it}")):
            page.mouse.move(*page.evaluate(SCREEN, ["heat-figure", rack + 0.5, 5.5]))
            expect(page.locator(TOOLTIP)).to_have_text(said, timeout=SEEN_MS)
    went(page, url)
    whole = floor(feed.topology, None)
    place = whole.place(feed.topology.racks.index("D/1/R2/03"))
    assert place is not None
    power = f"D/1/R2/03: {given.measured['rack_power'][feed.topology.racks.index('D/1/R2/03')] / 1e3:.1f} kW"
    for x, told in ((place[0], [power]), (10.4, []), (place[0], [power])):  # between two halls nothing is told
        page.mouse.move(*page.evaluate(SCREEN, ["heat-figure", x + 0.5, place[1] + 0.5]))
        expect(page.locator(TOOLTIP)).to_have_text(told, timeout=SEEN_MS)


def test_the_pointer_over_a_trend_reads_both_lines_with_their_unit(feed, desk):
    page, url = desk
    for measured in (True, False):
        feed.measured = measured
        feed.show(frame(feed.topology, 60))
        went(page, url)
        page.wait_for_function("Bokeh.documents[0].get_model_by_name('trend-lines').data.x.length === 61")
        page.wait_for_function("Bokeh.documents[0].is_idle")
        box = page.locator("#trend-picture").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
        told = page.locator(TOOLTIP)
        expect(told).to_be_visible(timeout=SEEN_MS)
        number = r"\d\.\d{3} MW"
        line = rf"11:47:\d\d\s+measured:\s*{number if measured else '–'}\s*simulated:\s*{number}"
        assert re.search(line, told.inner_text()), told.inner_text()


def test_the_focus_stays_on_a_hall_whatever_its_place(feed, desk):
    page, _ = desk
    page.locator("#room-by-hall summary").press("Enter")
    table = page.locator("#room-by-hall-table tbody")
    expect(table.locator("tr")).to_have_count(4, timeout=SEEN_MS)
    table.get_by_role("button", name="B/1").focus()
    for number, order in ((2, [2, 0, 1, 3]), (3, [3, 1, 2, 0])):
        given = frame(feed.topology, number)
        room = np.empty(4)
        room[order] = 1e5 * np.arange(1.0, 5.0)
        simulated = {**given.simulated, "hall_cooling_headroom": room, "hall_power_headroom": 2.0 * room}
        feed.show(replace(given, simulated=simulated))
        halls = [feed.topology.halls[hall] for hall in order]
        expect(table.locator("th")).to_have_text(halls, timeout=SEEN_MS)
        assert page.evaluate(FOCUSED) == "B/1"
        expect(table.locator("td:nth-child(2)")).to_have_text(["100 kW", "200 kW", "300 kW", "400 kW"])
    page.keyboard.press("Enter")
    expect(page.get_by_label("Hall", exact=True)).to_have_value("B/1", timeout=SEEN_MS)
    assert page.evaluate(FOCUSED) == "B/1"


def test_who_enters_a_hall_by_keyboard_stands_before_its_racks(feed, desk):
    page, _ = desk
    page.locator("#heat summary").press("Enter")
    page.locator("#heat-table").get_by_role("button", name="C/1").press("Enter")
    expect(page.locator("#heat-table tbody tr")).to_have_count(60, timeout=SEEN_MS)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "C/1/R1/01"


def test_the_keyboard_does_not_stop_at_a_picture(desk):
    assert desk[0].evaluate(STOPS) == []


def test_words_have_their_room_on_a_wall_and_under_a_magnifying_glass(desk):
    page, _ = desk
    page.locator("#room-by-hall summary").click()
    expect(page.locator("#room-by-hall-table tbody tr")).to_have_count(4, timeout=SEEN_MS)
    for width, height in ((1600, 1000), (800, 500)):  # the latter is 1600 px at 200 %
        page.set_viewport_size({"width": width, "height": height})
        box = page.locator("#room-by-hall .scroll")
        assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
        finding = page.locator("#trend-finding")
        lines = finding.evaluate("e => e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight)")
        assert round(lines) <= 2
    page.set_viewport_size({"width": 1600, "height": 1000})
