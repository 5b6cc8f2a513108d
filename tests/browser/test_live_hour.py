"""A recorded hour of a site goes through the live path at sixty times the clock, and a browser looks on to its end."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray as xr
from playwright.sync_api import Browser, expect

from dashboards.view import watts
from tests.browser.served import at, complaints, visited
from tests.cli.child import TWIN, twin

SITE, AT = "rubin-manifold", ("--at", "2028-07-01T12:00")
WHOLE_MS, ENDED_S = 180_000.0, 60.0
HALF = re.compile(r" 07:[3-5]\d:\d\d UTC-5")  # local time: half of it is over; at x60 a minute is seen for a second


@pytest.fixture(scope="module")
def hour(tmp_path_factory) -> Path:
    """A recorded hour of a virtual facility."""
    folder: Path = tmp_path_factory.mktemp("hour")
    made = twin("emulate", SITE, *AT, "--every", "10s", "--for", "1h", "--out", "rec", cwd=folder)
    assert made.returncode == 0, made.stderr
    return folder / "rec"


@pytest.fixture
def replayed(hour: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """A twin that replays it, the URL of its page, and its run."""
    run = hour.parent / "run"
    words = [*AT, "--replay", str(hour), "--speed", "60", "--every", "1s", "--out", str(run), "--page"]
    with subprocess.Popen([*TWIN, "live", SITE, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = next(line for line in process.stderr if "page at" in line).split()[-1]
        yield process, url, run
        process.kill()


def test_an_hour_passes_in_a_minute_and_ends_with_the_numbers_of_the_store(browser: Browser, replayed):
    process, url, run = replayed
    page, heard = visited(browser, url)
    expect(page.locator("#mode")).to_have_text("▶ REPLAY ×60", timeout=WHOLE_MS)
    expect(page.locator("#when")).to_contain_text(HALF, timeout=WHOLE_MS)
    expect(page.locator("#when")).to_contain_text("08:00:00 UTC-5", timeout=WHOLE_MS)
    shown, meter, beside = at(page), *(page.locator(name).inner_text() for name in ("#meter-value", "#meter-beside"))
    assert complaints(heard, url) == []
    page.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(ENDED_S) == 0  # the recording was over: nothing was interrupted
    with xr.open_zarr(run) as simulated, xr.open_zarr(run, group="measured") as measured:
        assert 3590 <= simulated.sizes["time"] <= 3600
        row = list(simulated["time"].values.astype("datetime64[s]")).index(shown)
        assert meter == watts(float(measured["site_power"].values[row]))
        assert beside == f"simulated {watts(float(simulated['site_power'].values[row]))}"
