"""A recorded run on the live page: it replays at x60, a reload finds it where it was, the verb serves it."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from playwright.sync_api import Browser, Page, expect

from dashboards.feed import RunFeed
from dashboards.view import watts
from tests.browser.runs import as_live, cut, simulated
from tests.browser.served import at, complaints, served, visited
from tests.telemetry.until import until

SEEN_MS, ENDED_S = 30_000.0, 60.0
SPEED = 60.0
# How far the page may be behind the replay, s of the run: an interval, and the second between two pulls.
BEHIND_S = 120.0


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("replayed")
    return as_live(simulated(folder), folder)


@pytest.fixture(scope="module")
def opened(browser: Browser, live: Path) -> Iterator[tuple[RunFeed, Page, str, list[str]]]:
    feed = RunFeed(live, speed=SPEED)
    feed.start()
    with served(feed) as url:
        page, heard = visited(browser, url)
        yield feed, page, url, heard
        page.close()
    feed.stop()


def moved(page: Page, feed: RunFeed) -> float:
    """How far behind the begin of the run the page is, s."""
    first = np.datetime64(round(feed.transport.state().first_s), "s")
    return float((at(page) - first) / np.timedelta64(1, "s"))


@pytest.fixture
def stopped(opened) -> tuple[Page, str, list[str]]:
    """The page as it shows the begin of the run, whatever another test left there."""
    feed, page, url, heard = opened
    feed.transport.do("pause", "")
    feed.transport.do("seek", "0")
    assert until(lambda: moved(page, feed) == 0.0)
    return page, url, heard


@pytest.fixture
def replayed(opened, stopped: tuple[Page, str, list[str]]) -> tuple[Page, str, list[str]]:
    """The page as it plays from there."""
    opened[0].transport.do("play", "")
    return stopped


def test_a_run_moves_at_sixty_times_the_clock(opened, stopped):
    feed, page = opened[:2]
    behind: list[float] = []
    began = time.monotonic()
    feed.transport.do("play", "")

    def near(least_s: float) -> bool:
        shown = moved(page, feed)
        behind.append(SPEED * (time.monotonic() - began) - shown)
        return shown >= least_s and behind[-1] <= BEHIND_S

    expect(page.locator("#mode")).to_have_text("▶ REPLAY ×60", timeout=SEEN_MS)
    assert until(lambda: near(240.0)), behind  # a page that was held up catches up, a slower one never does
    assert min(behind) >= 0.0  # nor is it ever ahead


def test_a_reload_finds_it_where_it_was_and_the_numbers_are_the_stores(opened, replayed, live):
    feed, (page, url, heard) = opened[0], replayed
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#mode")).to_have_text("▶ REPLAY, paused", timeout=SEEN_MS)
    # It may have been paused before, elsewhere in the run.
    assert until(lambda: at(page) == np.datetime64(feed.latest().time_ns, "ns").astype("datetime64[s]"))
    shown = at(page)
    page.reload()
    expect(page.locator("#mode")).to_have_text("▶ REPLAY, paused", timeout=SEEN_MS)
    assert at(page) == shown
    ds = xr.open_zarr(live)
    index = int(np.flatnonzero(ds["time"].values.astype("datetime64[s]") == shown.astype("datetime64[s]"))[0])
    measured = xr.open_zarr(live, group="measured")["site_power"].values[index]
    expect(page.locator("#meter-value")).to_have_text(watts(float(measured)))
    expect(page.locator("#meter-beside")).to_have_text(f"simulated {watts(float(ds['site_power'].values[index]))}")
    expect(page.locator("#age")).to_have_text("2.0 s")
    assert complaints(heard, url) == []


def test_a_reload_while_it_plays_finds_it_playing_on(opened, replayed):
    feed, (page, url, heard) = opened[0], replayed
    feed.transport.do("seek", "0.4")
    begun = np.datetime64(int(feed.transport.state().position_s) - 60, "s")  # what is shown is the interval before
    assert until(lambda: bool(at(page) > begun))
    page.reload()
    expect(page.locator("#mode")).to_have_text("▶ REPLAY ×60", timeout=SEEN_MS)
    first = at(page)
    assert first > begun
    assert until(lambda: bool(at(page) > first))
    assert complaints(heard, url) == []


def test_scrubbing_goes_there(replayed, live):
    page, _, _ = replayed
    slider = page.get_by_label("Position")
    slider.focus()
    page.keyboard.press("End")
    end = xr.open_zarr(live)["time"].values[-1].astype("datetime64[s]")
    page.wait_for_function("document.getElementById('replay-at').value === document.getElementById('replay-at').max")
    expect(page.locator("#replay-at")).to_have_attribute("aria-valuetext", written(page, end), timeout=SEEN_MS)
    assert at(page) == end
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", written(page, end - np.timedelta64(60, "s")), timeout=SEEN_MS)
    page.keyboard.press("Home")
    if page.locator("#replay-toggle").inner_text().endswith("Play"):
        page.get_by_role("button", name="Play").click()
    slider.focus()  # and it goes on with the replay though it has the focus
    here = "Number(document.getElementById('replay-at').value)"
    page.wait_for_function(f"{here} >= 2 && {here} < 20", timeout=SEEN_MS)


def test_a_run_without_an_interval_does_not_stand_as_if_it_waited(browser, live, tmp_path):
    none = tmp_path / "none.zarr"
    shutil.copytree(live, none)
    cut(none, 0)
    feed = RunFeed(none)
    feed.start()
    with served(feed) as url:
        page, heard = visited(browser, url)
        expect(page.locator("#when")).to_have_text("this run has no interval", timeout=SEEN_MS)
        expect(page.locator("#mode")).to_have_text("○ NO INTERVAL")
        expect(page.locator("#replay")).to_be_hidden()
        page.close()
    feed.stop()
    assert complaints(heard, url) == []


def written(page: Page, end: np.datetime64) -> str:
    """The end of the run as the page writes it."""
    zone = page.locator("#when").inner_text().split(" · ")[0].rsplit(" ", 1)[1]
    local = end + np.timedelta64(int(float(zone[3:] or 0) * 3600), "s")
    return str(local).replace("T", " ")


def verb(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "twin.cli.main", "dashboard", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_verb_says_where_it_serves_and_ends_quietly(live):
    with verb(live, "--port", "0", "--speed", "x60", "--json") as child:
        assert child.stdout is not None
        said = "".join(child.stdout.readline() for _ in range(5))
        url = json.loads(said)["url"]
        assert url.startswith("http://127.0.0.1:")
        child.send_signal(signal.SIGINT)
        rest, complaint = child.communicate(timeout=ENDED_S)
    assert (child.returncode, rest, complaint) == (0, "", "")


def test_all_that_is_wrong_is_said_at_once(live):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with verb(live.with_name("liev.zarr"), "--port", port, "--speed", "fast") as child:
            said, complaint = child.communicate(timeout=ENDED_S)
    assert (child.returncode, said) == (2, "")
    assert 'did you mean "live.zarr"?' in complaint
    assert f"port {port} is in use" in complaint
    assert '"fast" is no speed' in complaint
    with verb(live, "--address", "0.0.0.0", "--port", "0") as child:
        complaint = child.communicate(timeout=ENDED_S)[1]
    assert child.returncode == 2
    assert "--allow-remote" in complaint
