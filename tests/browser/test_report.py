"""The report in a real browser: it opens from a file, asks nobody, draws, can be read and worked without a mouse."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboards.report import page as report_text
from dashboards.report import write_page
from twin.analysis.kpi import summary

SHOWN = ["power", "flow", "overhead", "calendar", "duration", "headroom", "hall-headroom", "hall-power", "efficiency",
         "water", "loops"]  # fmt: skip
# Models live in nested shadow roots; a canvas is drawn when any of its pixels is not transparent.
PAINTED = """roots => {
  const canvases = e => [...(e.shadowRoot ?? e).querySelectorAll("*")].flatMap(
    c => c.tagName === "CANVAS" ? [c] : c.shadowRoot ? canvases(c) : []);
  const drawn = c => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(v => v > 0);
  return roots.map(root => canvases(root).some(c => c.width > 0 && drawn(c)));
}"""
READY = "document.documentElement.dataset.painted === 'yes'"


@pytest.fixture(scope="module")
def report(week, tmp_path_factory) -> Path:
    return write_page(week, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module")
def heard() -> list[str]:
    """Whatever the page asks for or says on its console."""
    return []


@pytest.fixture(scope="module")
def opened(browser: Browser, report: Path, heard: list[str]) -> Iterator[Page]:
    """The page at a desk."""
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.on("request", lambda request: heard.append(request.url))
    page.on("console", lambda said: heard.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.goto(report.as_uri())
    page.wait_for_function(READY)
    yield page
    page.close()


def test_it_asks_nobody_and_complains_of_nothing(opened, heard, report):
    assert report.as_uri() in heard
    assert [what for what in heard if not what.startswith(("file:", "data:", "blob:", "log:", "info:"))] == []


def test_the_key_figures_stand_on_the_page(opened, week):
    found = summary(week)
    cards = opened.locator(".cards")
    expect(cards.get_by_text(f"{found['meter']['peak_mw']:.2f} MW", exact=True)).to_be_visible()
    expect(cards.get_by_text(f"{found['efficiency']['pue']:.3f}", exact=True)).to_be_visible()
    expect(opened.get_by_role("status")).to_be_visible()
    expect(opened.get_by_role("heading", level=1)).to_have_text(found["site"]["title"])
    expect(opened.get_by_text("SIMULATED", exact=True)).to_be_visible()
    assert "oklahoma-10" in opened.title()
    assert found["consumers_defect"] < 1e-9


def test_every_chart_is_drawn(opened):
    assert opened.locator("section[id]").evaluate_all("all => all.map(s => s.id)") == [*SHOWN, "basis"]
    roots = opened.evaluate("Bokeh.documents[0].roots().map(r => [r.name, r.renderers.length, r.inner_width])")
    assert len(roots) >= len(SHOWN) - 2  # flow and headroom are no canvas
    assert all(renderers > 0 and width > 200 for _, renderers, width in roots)
    painted = opened.locator(".picture [data-root-id]").evaluate_all(PAINTED)
    assert len(painted) == len(roots)
    assert all(painted)
    expect(opened.locator("#flow svg.wide-only")).to_be_visible()
    assert opened.locator("#headroom .bars li").count() == 4


def test_all_charts_share_one_time_axis(opened):
    same = opened.evaluate(
        """() => new Set(Bokeh.documents[0].roots().filter(r => r.name !== "duration-0").map(r => r.x_range.id)).size"""
    )
    assert same == 1


def test_dates_do_not_run_into_each_other(opened):
    room = opened.evaluate(
        """() => Bokeh.documents[0].roots().filter(r => r.below[0].type === "DatetimeAxis")
                 .map(r => r.inner_width / r.below[0].ticker.desired_num_ticks)"""
    )
    assert min(room) >= 60


def test_a_table_mirrors_every_chart_and_opens_by_keyboard(opened):
    for key in SHOWN:
        details = opened.locator(f"#{key} details")
        table = details.locator("table")
        assert table.locator("tbody tr").count() > 0
        expect(table).to_be_hidden()
        details.locator("summary").focus()
        opened.keyboard.press("Enter")
        expect(table).to_be_visible()
        opened.keyboard.press("Enter")
        expect(table).to_be_hidden()


def test_pictures_have_words(opened):
    for picture in opened.locator('[role="img"]').all():
        assert len(picture.get_attribute("aria-label") or "") > 20
    tree = opened.locator("main").aria_snapshot()
    assert 'heading "Power at the meter"' in tree


def test_the_pages_ink_follows_the_readers_preference(opened):
    colour = "() => Bokeh.documents[0].get_model_by_name('power-0').left[0].major_label_text_color"
    light = opened.evaluate(colour)
    opened.emulate_media(color_scheme="dark")
    opened.wait_for_function(f"({colour})() !== '{light}'")
    opened.emulate_media(color_scheme="light")
    opened.wait_for_function(f"({colour})() === '{light}'")


@pytest.mark.parametrize("width", [390, 768])
def test_a_narrow_screen_scrolls_in_one_direction_only(browser, report, width):
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(report.as_uri())
    page.wait_for_function(READY)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    right = page.locator("section, .card, .picture").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().right)"
    )
    assert max(right) <= width
    expect(page.locator("#flow svg.narrow-only")).to_be_visible()
    page.close()


def test_the_same_run_makes_the_same_bytes(week, report, tmp_path):
    assert report_text(week) == report.read_text(encoding="utf-8")
    store = tmp_path / "week.nc"
    week.to_netcdf(store, engine="h5netcdf")
    code = (
        "import sys, hashlib, xarray; from dashboards.report import page; "
        "print(hashlib.sha256(page(xarray.open_dataset(sys.argv[1], engine='h5netcdf')).encode()).hexdigest())"
    )
    said = subprocess.run([sys.executable, "-c", code, str(store)], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == hashlib.sha256(report.read_bytes()).hexdigest()


def test_it_is_small_and_holds_no_address_to_load_from(report):
    text = report.read_text(encoding="utf-8")
    assert len(text) < 3e6
    head = text[: text.index("<body>")]
    assert "<script src" not in head
    assert "<link" not in head.replace('<link rel="icon" href="data:,">', "")


def test_a_run_of_the_site_level_alone_has_the_charts_that_it_can(week):
    names = [name for name, variable in week.data_vars.items() if variable.dims == ("time",)]
    text = report_text(week[names])
    assert re.findall(r'<section id="([a-z-]+)"', text) == [
        "power", "flow", "overhead", "calendar", "duration", "efficiency", "water", "basis",
    ]  # fmt: skip


def test_what_is_violated_stands_first_and_what_a_site_says_is_only_text(week):
    run = week.copy().assign_attrs(title='<script>alert("x")</script>')
    run["contract_power"] = run["contract_power"] * 0.8
    run["hall_cooling_headroom"] = run["hall_cooling_headroom"] - 2e6
    text = report_text(run)
    body = text[text.index("<!--page-->") :]
    assert "▲ 3 constraints are violated" in body
    assert "lacks cooling headroom in" in body
    assert '<script>alert("x")' not in text
    assert "&lt;script&gt;alert" in body
