"""The page of headroom in a real browser: a bar for every hall and column, what binds beside it, nobody is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.headroom_page import headroom_page, write_headroom_page
from tests.browser.opened import opened
from twin.analysis.headroom import Headroom, headroom

OVERLAPS = """svg => {
  const boxes = [...svg.querySelectorAll("text")].map(t => t.getBoundingClientRect());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top + 3 < a.bottom;
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b => meet(a, b))).length;
}"""
OUTSIDE = """svg => [...svg.querySelectorAll("text, rect")].filter(part => {
  const box = part.getBoundingClientRect(), all = svg.getBoundingClientRect();
  return box.right > all.right + 1 || box.left < all.left - 1 || box.bottom > all.bottom + 4;
}).length"""


@pytest.fixture(scope="module")
def found() -> Headroom:
    """The site whose halls lack some after the loss of a chiller."""
    return headroom("oklahoma-10")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_hall_has_its_three_bars_and_nobody_is_asked(found, width, browser: Browser, tmp_path: Path):
    page, heard = opened(browser, write_headroom_page(found, tmp_path / "h.html"), width)
    assert [what for what in heard if not what.startswith(("file:", "data:"))] == []
    halls = page.locator("#halls .element")
    assert halls.count() == 2
    for n, name in enumerate(("okc/hall-1", "okc/hall-2")):
        assert halls.nth(n).locator("rect.bar").count() == 3
        text = halls.nth(n).text_content() or ""
        assert name in text
        assert "N-1: okc/chw/chillers (1 of 2): plant capacity of okc/chw" in text
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_what_has_to_go_is_marked_by_more_than_its_colour(found, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_headroom_page(found, tmp_path / "h.html"), 1280)
    lacking = page.locator("#halls .element").first.locator("text.value").nth(2)
    assert (lacking.text_content() or "").startswith("▲ -")
    assert page.locator(".card.wrong").count() == 1
    assert page.locator("#steps-1 .alone-bar").count() == 1
    page.close()


@pytest.mark.parametrize("names", [(), ("b1/b1-h1", "b6/hot", "b3/b3-h1/cdu-02")], ids=["all", "named"])
def test_no_words_lie_on_others_or_leave_the_picture(names, browser: Browser, tmp_path: Path):
    made = headroom("prairie-750", names, load=0.9)
    page, _ = opened(browser, write_headroom_page(made, tmp_path / "h.html"), 1280)
    pictures = page.locator(".paths svg").count()
    assert pictures == (3 if not names else 4)
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OVERLAPS})") == [0] * pictures
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OUTSIDE})") == [0] * pictures
    page.close()


def test_the_same_headroom_gives_the_same_page(found):
    assert headroom_page(found) == headroom_page(found)
