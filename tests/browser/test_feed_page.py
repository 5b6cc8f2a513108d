"""The page of a trace in a real browser: it opens from a file, asks nobody, says the names, nothing lies on another."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.feed_page import feed_page, write_feed_page
from tests.analysis.test_feed_paths import TWO_FEEDS
from tests.browser.opened import opened
from twin.analysis.feed_paths import Traces, trace

NAMES = ["b1/b1-h1/cdu-03", "building:b2", "grid"]
OVERLAPS = """svg => {
  const frames = [...svg.querySelectorAll(".frame")].map(f => f.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return frames.flatMap((a, i) => frames.slice(i + 1).filter(b => meet(a, b))).length;
}"""
OUTSIDE = """svg => [...svg.querySelectorAll(".box")].flatMap(box => {
  const frame = box.querySelector(".frame").getBoundingClientRect();
  return [...box.querySelectorAll("text")].filter(t => t.getBoundingClientRect().right > frame.right)
    .map(t => t.textContent);
})"""
CENTRED = """frame => {
  const own = frame.querySelector(".own").getBoundingClientRect(), seen = frame.getBoundingClientRect();
  return own.left >= seen.left && own.right <= seen.right;
}"""


@pytest.fixture(scope="module")
def found() -> Traces:
    """A CDU, a building and the grid of the large site."""
    return trace("prairie-750", NAMES)


@pytest.mark.parametrize("width", [1280, 390])
def test_every_picture_shows_its_names_and_nobody_is_asked(found, width, browser: Browser, tmp_path: Path):
    page, heard = opened(browser, write_feed_page(found, tmp_path / "trace.html"), width)
    assert [what for what in heard if not what.startswith(("file:", "data:"))] == []
    sections = page.locator("section").all()
    assert len(sections) == len(NAMES)
    for name, section in zip(NAMES, sections, strict=True):
        assert section.locator("h2").inner_text().startswith(name.removeprefix("building:"))
        shown = section.locator(".paths").text_content() or ""
        for known in ("grid", "line", "yard", "wafer-agents" if name != NAMES[0] else "b1/chw/rejection"):
            assert known in shown
        assert section.locator(".paths").evaluate(CENTRED)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_no_box_lies_on_another_and_every_text_stays_in_its_box(found, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_feed_page(found, tmp_path / "trace.html"), 1280)
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OVERLAPS})") == [0] * len(NAMES)
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OUTSIDE})") == [[]] * len(NAMES)
    page.close()


def test_what_depends_on_the_element_alone_is_marked_and_said(found, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_feed_page(found, tmp_path / "trace.html"), 1280)
    first = page.locator("section").first
    alone = first.locator(".box.alone").all_text_contents()
    assert len(alone) == 2
    assert all("racks of b1/b1-h1" in text and "alone: loses liquid cooling" in text for text in alone)
    assert first.locator(".alone-bar").count() == 2
    assert "loses 0.53 %" in first.locator(".box.part").first.inner_html()
    colours = {path.get_attribute("stroke") for path in first.locator(".feed").all()}
    assert colours == {"#e69f00", "#0072b2", "#009e73"}
    page.close()


def test_what_only_a_double_loss_takes_is_said_above_the_pictures(browser: Browser, tmp_path: Path):
    file = tmp_path / "two.yaml"
    file.write_text(TWO_FEEDS)
    page, heard = opened(browser, write_feed_page(trace(file, ["a", "b"]), tmp_path / "two.html"), 1280)
    assert [what for what in heard if not what.startswith(("file:", "data:"))] == []
    assert page.locator("#together b").inner_text() == "Only with a and b lost together"
    assert "176 racks (8.10 MW) lose power" in page.locator("#together li").first.inner_text()
    assert page.locator(".box.alone").count() == 0
    assert page.locator(".box.other").count() > 0
    page.close()


def test_the_same_traces_give_the_same_page(found):
    assert feed_page(found) == feed_page(found)
