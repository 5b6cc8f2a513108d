"""The page of a map in a real browser: it opens from a file, asks nobody, draws, answers its controls, fits."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray as xr
from playwright.sync_api import Browser, Page

from dashboards.map_page import map_page, write_map_page
from twin.analysis.load_map import load_map

PAINTED = """roots => {
  const canvases = e => [...(e.shadowRoot ?? e).querySelectorAll("*")].flatMap(
    c => c.tagName === "CANVAS" ? [c] : c.shadowRoot ? canvases(c) : []);
  const drawn = c => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(v => v > 0);
  return roots.map(root => canvases(root).some(c => c.width > 0 && drawn(c)));
}"""
READY = "document.documentElement.dataset.mapped === 'yes'"
CELLS = "name => Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m).data"
SHOWN = """() => Bokeh.documents.flatMap(d => d.roots()).flatMap(p => p.renderers)
  .filter(r => r.name === "numbers").map(r => r.visible)"""


@pytest.fixture(scope="module")
def small() -> xr.Dataset:
    """oklahoma-10 up to air that is too hot and moist for its plant."""
    return load_map(
        "oklahoma-10", load="0:1:0.25", outdoor="10:60:10", humidity=0.5, quantiles=(0.1, 0.5, 0.9), samples=4
    )


def opened(browser: Browser, file: Path, width: int = 1280) -> tuple[Page, list[str]]:
    heard: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda said: heard.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.goto(file.as_uri())
    page.wait_for_function(READY)
    return page, heard


@pytest.mark.parametrize("width", [1280, 390])
def test_every_picture_is_drawn_and_nobody_is_asked(small, width, browser: Browser, tmp_path: Path):
    page, heard = opened(browser, write_map_page(small, tmp_path / "map.html"), width)
    assert [what for what in heard if not what.startswith(("file:", "data:", "blob:", "log:", "info:"))] == []
    assert [s.get_attribute("id") for s in page.query_selector_all("section")] == ["outdoor", "halls", "meter", "pue"]
    assert page.eval_on_selector_all("[data-root-id]", PAINTED) == [True] * 4
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert all(page.evaluate(SHOWN)) or width == 390
    page.close()


def test_the_controls_choose_what_the_map_says(small, browser: Browser, tmp_path: Path):
    page, _ = opened(browser, write_map_page(small, tmp_path / "map.html"))
    middle = small.sel(quantile=0.5)
    halls = list(small["hall"].values)
    page.select_option("#map-hall", label="okc/hall-2")
    page.select_option("#map-kind", "power")
    data = page.evaluate(CELLS, "outdoor-0-cells")
    expected = middle["hall_power_headroom"].sel(hall="okc/hall-2").values / 1e6
    for i in range(5):
        for t in range(6):
            assert data["exact"][6 * i + t].startswith(f"{expected[i, t]:.2f} MW (")
    assert set(data["who"]) == {"okc/hall-2"}
    page.evaluate("const r = document.getElementById('map-outdoor'); r.value = 2; r.dispatchEvent(new Event('input'))")
    data = page.evaluate(CELLS, "halls-0-cells")
    assert data["outdoor"][0].startswith("30 °C, wet bulb")
    cooling = middle["hall_cooling_headroom"].isel(outdoor_dry_bulb_temperature=2).values / 1e6
    for h in range(len(halls)):
        for i in range(5):
            assert data["text"][5 * h + i].removeprefix("▲ ") == f"{cooling[i, h]:.1f}"
    page.close()


def test_what_lacks_headroom_is_marked_and_named(small, browser: Browser, tmp_path: Path):
    room = small["hall_cooling_headroom"].sel(quantile=0.5).values
    assert (room < 0).any()
    assert (room > 0).any()
    page, _ = opened(browser, write_map_page(small, tmp_path / "map.html"))
    data = page.evaluate(CELLS, "outdoor-0-cells")
    marked = [text.startswith("▲") for text in data["text"]]
    assert marked == (room.min(axis=2) < 0).ravel().tolist()
    assert "lack cooling headroom" in page.inner_text("#halls .finding")
    page.close()


def test_the_same_map_gives_the_same_page(small):
    assert map_page(small) == map_page(small)
    assert 'value="1" selected' in map_page(small, "okc/hall-2")
