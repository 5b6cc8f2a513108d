"""The page of ramps in a real browser: pictures, their tables, nobody is asked, nothing lies on anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.ramp_page import ramp_page, write_ramp_page
from tests.analysis.test_ramp import DAY, SITE
from tests.browser.opened import opened
from tests.browser.test_headroom_page import OUTSIDE, OVERLAPS
from twin.analysis.ramp import Ramps, ramps


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Ramps:
    """Two days in which a hall gets power, with two training jobs and limits that are not kept."""
    path = tmp_path_factory.mktemp("ramp") / "training.yaml"
    path.write_text(SITE)
    return ramps(path, DAY)


@pytest.mark.parametrize("width", [1280, 390])
def test_every_picture_has_its_table_and_nobody_is_asked(found, width, browser: Browser, tmp_path: Path):
    page, heard = opened(browser, write_ramp_page(found, tmp_path / "r.html"), width)
    assert [what for what in heard if not what.startswith(("file:", "data:"))] == []
    assert [s.get_attribute("id") for s in page.locator("main section").all()] == [
        "meter", "ramps", "swings", "steps", "limits",
    ]  # fmt: skip
    assert page.locator("main section details table").count() == 5
    assert page.locator(".card.wrong").count() == 2
    assert "okc/hall-2 energised" in (page.locator("#ramps table").text_content() or "")
    assert page.locator("#steps ol.bars li").count() == 4
    assert page.locator("#limits li").count() == len(found.verdicts)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()


def test_no_words_lie_on_others_or_leave_the_picture(found, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_ramp_page(found, tmp_path / "r.html"), 1280)
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OVERLAPS})") == [0] * 3
    assert page.eval_on_selector_all(".paths svg", f"all => all.map({OUTSIDE})") == [0] * 3
    page.close()


def test_the_same_ramps_give_the_same_page(found):
    assert ramp_page(found) == ramp_page(found)
