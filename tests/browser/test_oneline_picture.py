"""The one-line diagram in a real browser: letters as they are, none on another, all in their boxes and on the sheet."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from dashboards.oneline import write_oneline
from tests.analysis.oneline_sites import FOUR, reserve, site
from tests.browser.opened import opened
from twin.analysis.oneline import one_line
from twin.site.load import load_site

OVERLAPS = """() => {
  const texts = [...document.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
  return texts.flatMap(([one, a], i) =>
    texts.slice(i + 1).filter(([, b]) => meet(a, b)).map(([two]) => one + "|" + two));
}"""
OUTSIDE = """() => {
  const sheet = document.documentElement.getBoundingClientRect();
  const loose = [...document.querySelectorAll("text")].filter(t => {
    const box = t.closest("[data-element]")?.querySelector("rect.load"), own = t.getBoundingClientRect();
    const frame = (box || document.documentElement).getBoundingClientRect();
    return own.right > frame.right || own.left < frame.left || own.bottom > sheet.bottom;
  });
  return loose.map(t => t.textContent);
}"""


@pytest.mark.parametrize("name", ["azure-dgx", "prairie-750", "frontier", "reserve", "meshed"])
def test_letters_stay_apart_and_on_the_sheet(name, browser: Browser, tmp_path: Path):
    made = {
        "reserve": lambda: site(tmp_path, "reserve", forty=reserve(FOUR)),
        "meshed": lambda: site(tmp_path, "meshed", mesh=True),
    }
    found = one_line(load_site(made[name]() if name in made else name))
    page, heard = opened(browser, write_oneline(found, tmp_path / "line.svg"), 1280)
    assert [what for what in heard if not what.startswith("file:")] == []
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(OUTSIDE) == []
    size = page.evaluate("() => parseFloat(getComputedStyle(document.querySelector('text.id')).fontSize)")
    assert size >= 12
    page.close()
