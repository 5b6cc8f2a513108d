"""The live page in a real browser: it shows what the feed holds, a click chooses a rack, and STALE is not LIVE."""

from __future__ import annotations

import gc
import json
import socket
import struct
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from dashboards.live_page import Session
from dashboards.panels import key_figures
from dashboards.view import View, watts
from telemetry.live.frame import Frame, Mode
from tests.bench.page import token
from tests.browser.served import ALIVE, complaints, served, visited
from tests.browser.synthetic import Scripted, frame, topology

# A pull a second, and what a busy machine takes: only what hangs takes longer.
SEEN_MS = 30_000.0
FORGOTTEN_S = 30.0


@pytest.fixture(scope="module")
def feed() -> Scripted:
    made = Scripted(topology(4, 6, 10))
    made.show(frame(made.topology, 1))
    return made


@pytest.fixture(scope="module")
def url(feed) -> Iterator[str]:
    with served(feed) as address:
        yield address


@pytest.fixture(scope="module")
def opened(browser: Browser, url: str) -> Iterator[tuple[Page, list[str]]]:
    page, heard = visited(browser, url)
    yield page, heard
    page.close()


@pytest.fixture
def desk(feed, opened, url) -> Iterator[tuple[Page, list[str]]]:
    """The page as a reader finds it: no hall or rack chosen, nothing left of another test's frames.

    Whatever a test does with it, it asks nobody else and complains of nothing.
    """
    page, heard = opened
    heard.clear()
    feed.show(frame(feed.topology, 1))
    page.goto(url)
    page.wait_for_function(ALIVE)
    yield page, heard
    assert complaints(heard, url) == []


def chosen(page: Page) -> None:
    """Hall B/1 of six rows in the picture."""
    page.get_by_label("Hall", exact=True).select_option("B/1")
    expect(page.locator("#heat-finding")).to_contain_text("60 racks", timeout=SEEN_MS)
    page.wait_for_function("Bokeh.documents[0].get_model_by_name('heat-cells').data.image[0].shape[0] === 6")


def shown(page: Page, name: str) -> np.ndarray:
    """The picture of racks as the browser holds it."""
    got = page.evaluate(
        """name => { const image = Bokeh.documents[0].get_model_by_name(name).data.image[0];
                     return [[...image], image.shape, image.dtype]; }""",
        name,
    )
    assert got[2] == "float32"
    return np.array([np.nan if v is None else v for v in got[0]], np.float32).reshape(got[1])


def test_the_numbers_of_the_frame_stand_on_the_page(feed, desk):
    page, _ = desk
    now = frame(feed.topology, 2)
    feed.show(now)
    expect(page.locator("#meter-value")).to_have_text(watts(float(now.measured["site_power"][0])), timeout=SEEN_MS)
    expect(page.locator("#meter-beside")).to_have_text(f"simulated {watts(float(now.simulated['site_power'][0]))}")
    expect(page.locator("#it-value")).to_have_class("sim")
    expect(page.locator("#age")).to_have_text("0.4 s")
    least = min(now.simulated["hall_power_headroom"].min(), now.simulated["hall_cooling_headroom"].min())
    expect(page.locator("#room-value")).to_have_text(watts(float(least)))
    expect(page.locator("#room-note")).to_have_text("D/1: cooling, plant capacity")


def test_a_meter_that_shows_less_than_its_racks_is_marked(feed):
    given = frame(feed.topology, 3)
    for share, marked in ((0.8, False), (1.25, True)):
        told = {**given.measured, "site_it_power": share * given.measured["site_power"]}
        words = key_figures.build(View(feed)).update(frame(feed.topology, 3, measured=told))
        assert words["pue-value"] == f"{1.0 / share:.3f}"
        assert (words["pue@class"] == "card wrong", "less than its racks" in str(words["pue-note"])) == (marked, marked)


def test_the_colour_of_a_rack_is_its_value(feed, desk):
    page, _ = desk
    now = frame(feed.topology, 3)
    feed.show(now)
    t = feed.topology
    chosen(page)
    expect(page.locator("#when")).to_contain_text("11:46:43", timeout=SEEN_MS)
    picture = shown(page, "heat-cells")
    here = t.rack_hall == 1
    expected = np.full(picture.shape, np.nan, np.float32)
    expected[5 - t.rack_row[here], t.rack_place[here]] = now.measured["rack_power"][here] / 1e3
    np.testing.assert_allclose(picture, expected, rtol=1e-6)
    assert np.isnan(picture).sum() == np.isnan(now.measured["rack_power"][here]).sum() > 0


def test_a_click_on_the_canvas_chooses_a_rack_and_a_reload_keeps_it(feed, desk):
    page, _ = desk
    chosen(page)
    t = feed.topology
    rack = t.racks.index("B/1/R2/03")
    at = page.evaluate(
        """([x, y]) => { const p = Bokeh.documents[0].get_model_by_name("heat-figure");
            const v = [...Bokeh.index].find(v => v.model === p), r = v.el.getBoundingClientRect();
            const f = v.frame; return [r.left + f.x_scale.compute(x), r.top + f.y_scale.compute(y)]; }""",
        [2.5, 4.5],
    )
    page.mouse.click(*at)
    expect(page.locator("#rack-name")).to_have_text("B/1/R2/03", timeout=SEEN_MS)
    now = feed.latest()
    assert isinstance(now, Frame)
    expect(page.locator("#rack-measured")).to_have_text(watts(float(now.measured["rack_power"][rack])))
    expect(page.locator("#rack-simulated")).to_have_text(watts(float(now.simulated["rack_power"][rack])))
    expect(page.locator("#rack-place")).to_have_text("B/1, row 2, place 3")
    page.reload()
    expect(page.locator("#rack-name")).to_have_text("B/1/R2/03", timeout=SEEN_MS)
    expect(page.get_by_label("Hall", exact=True)).to_have_value("B/1")


def test_live_stale_live(feed, desk):
    page, _ = desk
    mode = page.locator("#mode")
    for number, state, note in ((4, Mode.LIVE, ""), (5, Mode.STALE, "the broker is down"), (6, Mode.LIVE, "")):
        feed.show(frame(feed.topology, number, state, note=note, data_age_s=95.0 if note else 0.4))
        expect(mode).to_have_attribute("data-mode", state.value, timeout=SEEN_MS)
        expect(mode).to_have_text(f"{'▲' if note else '●'} {state.value}")
        expect(page.locator("#note")).to_be_visible(visible=bool(note))
    expect(page.locator("#age")).to_have_text("0.4 s")


def test_it_asks_nobody_else_and_complains_of_nothing(desk, url):
    page, heard = desk
    page.wait_for_timeout(1100)
    assert any("static/js/bokeh.min.js" in what for what in heard)
    assert f"{url.replace('http', 'ws')}ws" in heard


def test_machines_can_ask_after_its_health(feed, url):
    with urllib.request.urlopen(url + "healthz", timeout=30) as answer:
        said = json.load(answer)
    assert said["mode"] == "LIVE"
    assert said["sequence"] == feed.latest().sequence


def test_a_narrow_screen_scrolls_in_one_direction_only(browser, feed, url):
    feed.show(frame(feed.topology, 7))
    page, heard = visited(browser, url, 390, 844)
    expect(page.locator("#meter-value")).not_to_have_text("–")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    right = page.locator("section, .card, .picture").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().right)"
    )
    assert max(right) <= 390
    # A table that is wider than its box would hide what its last column says.
    assert page.locator("#ages-frame").evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    page.close()
    assert complaints(heard, url) == []


def test_names_of_halls_stand_only_where_they_have_room(browser):
    many = Scripted(replace(topology(40, 4, 4), halls=tuple(f"b1/hall-{h}" for h in range(40))))
    many.show(frame(many.topology, 7))
    with served(many) as url:
        for width, named in ((1400, True), (390, False)):
            page, heard = visited(browser, url, width, 844)
            drawn = "Bokeh.documents[0].get_model_by_name('heat-names').visible"
            page.wait_for_function(f"{drawn} === {str(named).lower()}", timeout=SEEN_MS)
            page.close()
            assert complaints(heard, url) == []


def test_tables_mirror_the_pictures_and_choose_by_keyboard(feed, desk):
    page, _ = desk
    chosen(page)
    feed.show(frame(feed.topology, 8))
    details = page.locator("#heat details")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    head = details.get_by_role("button", name="B/1/R6/10", exact=True)
    expect(head).to_be_visible(timeout=SEEN_MS)
    assert details.locator("tbody tr").count() == 60
    head.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rack-name")).to_have_text("B/1/R6/10", timeout=SEEN_MS)
    expect(page.locator("#trend-finding")).to_contain_text("rack B/1/R6/10", timeout=SEEN_MS)
    for picture in page.locator('[role="img"]').all():
        assert len(picture.get_attribute("aria-label") or "") > 20
    details.locator("summary").focus()
    page.keyboard.press("Enter")


def test_nothing_known_is_said_and_not_drawn(feed, desk):
    page, _ = desk
    chosen(page)
    given = frame(feed.topology, 9)
    nothing = {name: np.full(np.shape(found), np.nan) for name, found in given.simulated.items()}
    unknown = {name: np.full(np.shape(found), np.nan) for name, found in given.measured.items()}
    feed.show(frame(feed.topology, 9, simulated=nothing, measured=unknown, data_age_s=np.inf, age_s={}))
    expect(page.locator("#meter-value")).to_have_text("–", timeout=SEEN_MS)
    expect(page.locator("#meter-side")).to_have_text("not known")
    expect(page.locator("#room-value")).to_have_text("–")
    expect(page.locator("#heat-finding")).to_contain_text("none known")
    assert np.isnan(shown(page, "heat-cells")).all()
    assert "NaN" not in page.locator("body").inner_text()


def test_a_site_without_racks_or_halls(browser):
    empty = Scripted(topology(0, 0, 0, fleet=False))
    with served(empty) as url:
        page, heard = visited(browser, url)
        expect(page.locator("#mode")).to_have_text("○ WAITING")
        empty.show(frame(empty.topology, 1))
        expect(page.locator("#mode")).to_have_text("● LIVE", timeout=SEEN_MS)
        expect(page.locator("#heat-finding")).to_have_text("no racks: record the run with --level rack")
        for what in ("#heat-controls", "#heat-legend", "#heat-details", "#room-by-hall-details"):
            expect(page.locator(what)).to_be_hidden()
        expect(page.locator("#rack-none")).to_have_text("No racks are known here.")
        expect(page.locator("#room-by-hall-none")).to_have_text("No halls are known here.")
        expect(page.locator("#room-note")).to_have_text("no halls: record the run with --level hall")
        expect(page.locator("#tokens")).to_have_count(0)
        assert complaints(heard, url) == []
        page.close()


def test_a_reader_who_dies_in_the_middle_takes_nobody_along(feed, desk, url):
    page, _ = desk
    left(url)
    for number in (10, 11):
        left(url, amid=partial(feed.show, frame(feed.topology, number)))
    feed.show(frame(feed.topology, 12))
    expect(page.locator("#when")).to_contain_text("11:46:52", timeout=SEEN_MS)


def left(url: str, origin: str = "", shaken: bool = True, amid: Callable[[], None] | None = None) -> None:
    """A reader whose connection breaks without a word: before it is up, before its first pull, or amid an update.

    ``amid`` has something new shown, of which he reads no more than the begin.
    """
    host, port = url.removeprefix("http://").rstrip("/").split(":")
    asked = (
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {origin or url.rstrip(chr(47))}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: bokeh, {token(url)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as reader:
        reader.sendall(asked.encode())
        if not shaken:
            return reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        said = reader.recv(4096)
        assert b" 101 " in said, said
        time.sleep(0.4)
        if amid is not None:
            amid()
            while b"PATCH-DOC" not in said:
                more = reader.recv(4096)
                assert more, "the server has closed it"
                said += more
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_page_whose_server_has_gone_does_not_look_alive(browser):
    one = Scripted(topology(1, 2, 4))
    one.show(frame(one.topology, 1))
    with served(one) as url:
        page, _ = visited(browser, url)
        expect(page.locator("#mode")).to_have_text("● LIVE")
    expect(page.locator("#mode")).to_have_text("✕ NO CONNECTION", timeout=SEEN_MS)
    expect(page.locator("#note")).to_contain_text("The server does not answer")
    page.close()


def test_another_sites_script_may_not_listen(url):
    with pytest.raises(AssertionError, match="403"):
        left(url, origin="http://elsewhere.example")


def test_readers_who_left_are_forgotten(feed, desk, url):
    page, _ = desk
    for _ in range(5):
        left(url, shaken=False)
    held = [0]
    deadline = time.monotonic() + FORGOTTEN_S
    while held != [1] and time.monotonic() < deadline:
        page.wait_for_timeout(250)
        gc.collect()
        alive = [found for found in gc.get_objects() if type(found) is Session and found.view.feed is feed]
        held = [len(alive)]
        del alive
    assert held == [1]  # that of the desk
