"""The panel of what is served, in a real browser: drawn, in words, late classes marked, readable on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from dashboards.report import write_page
from tests.browser.test_report import PAINTED, READY
from twin.analysis.dataset import simulate
from twin.engine.serve_load import serve_load
from twin.site.load import load_site


@pytest.fixture(scope="module")
def overloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hours of azure-dgx; five servers are asked for 24 requests/s and answer 22.6."""
    loaded = serve_load(load_site("azure-dgx"), ["conversation-5=24", "conversation-40=60"]).loaded
    run = simulate(loaded, start="2024-07-01", end="2024-07-01T06:00", every="1h")
    return write_page(run, tmp_path_factory.mktemp("served") / "served.html")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_panel_is_drawn_and_says_who_is_late(browser: Browser, overloaded: Path, width: int):
    page = browser.new_page(viewport={"width": width, "height": 1000})
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.goto(overloaded.as_uri())
    page.wait_for_function(READY)
    panel = page.locator("#serving")
    panel.scroll_into_view_if_needed()
    expect(panel).to_contain_text("▲ Broken: conversation-5.")
    expect(panel).to_contain_text("▲ conversation-5")
    roots = panel.locator("[data-root-id]").element_handles()
    assert len(roots) == 3
    assert page.evaluate(PAINTED, roots) == [True] * 3
    panel.locator("summary").first.click()
    expect(panel.locator("table")).to_contain_text("conversation-40 first token p99 s")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("[role=status]")).to_contain_text("The promise to class conversation-5 at five is broken")
    assert [line for line in said if line.startswith(("error", "warning"))] == []
    page.close()
