"""``twin live`` as a process beside a broker and a virtual facility, and on its recording."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from playwright.sync_api import Page, expect

from telemetry.brokers import Running, start
from telemetry.decode import make
from telemetry.live.frame import Mode
from telemetry.live.session import Wish, on_recording
from telemetry.replay.asked import open_played
from tests.browser.served import complaints, visited
from tests.telemetry.exchange import shared
from tests.telemetry.heard import NOON
from tests.telemetry.until import until
from twin.analysis.dataset import open_run
from twin.core.errors import InputError

SITE = "rubin-manifold"
TWIN = (sys.executable, "-m", "twin.cli.main")
WAIT_S = 90.0
# The command, whose run is seen by others after a second instead of ten.
SEEN_SOON = """
from telemetry.live import loop
from twin.cli.main import main
loop.FLUSH_S = 1.0
main()
"""


def twin(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*TWIN, *map(str, words)], capture_output=True, text=True, check=False, timeout=WAIT_S)


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    folder: Path = tmp_path_factory.mktemp("live") / "rec"
    made = twin("emulate", SITE, "--at", NOON, "--as-built", "--out", folder, "--for", "6s")
    assert made.returncode == 0, made.stderr
    return folder


def in_a_process(recording: Path, out: Path) -> None:
    done = twin("live", SITE, "--replay", recording, "--at", NOON, "--speed", "max", "--every", "2s", "--out", out)
    assert done.returncode == 0, done.stderr


def in_this_process(recording: Path, out: Path, speed: str) -> None:
    wish = Wish(SITE, at=NOON, every="2s", out=out)
    session = on_recording(wish, open_played(recording, "dsx", speed=speed), lambda: make("dsx"), lambda words: None)
    session.go(threading.Event(), lambda frame: None)


def digest(out: Path) -> str:
    """Of a run: every file and its name."""
    found = hashlib.sha256()
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(out)}\0".encode() + path.read_bytes())
    return found.hexdigest()


def test_a_recording_leaves_the_same_bytes_at_any_speed(recording, tmp_path):
    in_a_process(recording, tmp_path / "max")
    for speed in ("1", "100"):
        in_this_process(recording, tmp_path / speed, speed)
    digests = {speed: digest(tmp_path / speed) for speed in ("1", "100", "max")}
    assert len(set(digests.values())) == 1, digests
    data = open_run(tmp_path / "1")
    assert data.sizes["time"] == 3
    assert data["early"].values.tolist() == [1, 1, 0]  # it has begun anew within
    assert (data["mode"].values == list(Mode).index(Mode.REPLAY)).all()


# Two elements of either are called alike: a plant and a medium voltage there are everywhere.
@pytest.mark.parametrize(("other", "count"), [("redundant-4n3", 0), ("oklahoma-10", 4)])
def test_a_recording_of_another_site_is_refused_and_the_right_one_is_named(recording, other, count):
    with pytest.raises(InputError) as wrong:
        on_recording(Wish(other, at=NOON), open_played(recording, "dsx"), lambda: make("dsx"), list[str]().append)
    (problem,) = wrong.value.problems
    assert problem.message == f"{count} of 254 points belong to this site; did you mean the site {SITE}?"


def test_a_recording_whose_items_a_site_calls_by_the_names_they_have_there_names_the_one_of_which_nothing_lacks():
    played = open_played(shared("dsx_exemplar.csv"), speed="max")
    with pytest.raises(InputError) as wrong:
        on_recording(Wish("oklahoma-10", at=NOON), played, played.decoder, list[str]().append)
    (problem,) = wrong.value.problems
    whole = "titan-pod-estimate"  # titan-pod has the same names, and lacks limits
    assert problem.message == f"0 of 166 points belong to this site; did you mean the site {whole}?"


def test_all_that_is_wrong_is_told_at_once():
    done = twin("live", SITE, "--every", "0", "--step", "soon", "--speed", "3", "--for", "x", "--dialect", "dxs",
                "--port", "5006")  # fmt: skip
    assert done.returncode == 2
    for words in (
        "--every",
        "--step",
        "--speed: goes with --replay",
        "--port: goes with --page",
        "--for",
        'did you mean "dsx"',
        "give a broker",
    ):
        assert words in done.stderr, words


class Beside:
    """A process whose output is read when it has ended."""

    def __init__(self, *words: object, command: Sequence[str] = TWIN) -> None:
        self.process = subprocess.Popen(
            [*command, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def page(self) -> str:
        """Where it serves its page, as it says."""
        assert self.process.stderr is not None
        return next(line.split()[-1] for line in self.process.stderr if "page at" in line)

    def end(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, out, err


@pytest.fixture
def broker(tmp_path) -> Iterator[Running]:
    with start("mosquitto", tmp_path / "broker") as running:
        yield running


def modes(run: Path) -> list[Mode]:
    """Modes of the intervals so far, looked at now and then."""
    time.sleep(0.3)
    if not run.exists():
        return []
    found = zarr.open_group(run, mode="r")["mode"]
    assert isinstance(found, zarr.Array)
    return [list(Mode)[int(code)] for code in np.asarray(found[:])]


def shows(page: Page, mode: Mode) -> None:
    """The page says so, in word and shape."""
    expect(page.locator("#mode")).to_have_attribute("data-mode", mode.value, timeout=1e3 * WAIT_S)
    expect(page.locator("#mode")).to_contain_text(mode.value)


def test_a_twin_beside_a_facility_is_live_stale_and_live_again(broker, browser, tmp_path):
    """A broker that is down at first, a facility that hangs and goes on; the twin's end in good order, and its run.

    The page of the twin stands in a browser all the while.
    """
    run, record = tmp_path / "run", tmp_path / "rec"
    broker.kill()
    live = Beside(
        "live", SITE, "--broker", broker.address, "--at", NOON, "--every", "1s", "--out", run, "--record", record,
        "--page", "--json", command=(sys.executable, "-c", SEEN_SOON),
    )  # fmt: skip
    facility: Beside | None = None
    try:
        url = live.page()
        page, heard = visited(browser, url)
        shows(page, Mode.STALE)
        assert until(lambda: bool(modes(run)), WAIT_S)  # it waits 5 s for the first readings, then goes on without
        broker.restart()
        # Values are not retained: who comes later than they do waits up to 100 s for those that do not change.
        assert until(lambda: json.loads((record / "session.json").read_text())["known"], WAIT_S)
        facility = Beside("emulate", SITE, "--at", NOON, "--as-built", "--broker", broker.address)
        shows(page, Mode.LIVE)
        assert until(lambda: Mode.LIVE in modes(run), WAIT_S)
        facility.process.send_signal(signal.SIGSTOP)
        shows(page, Mode.STALE)
        assert until(lambda: modes(run)[-1] is Mode.STALE, WAIT_S)
        facility.process.send_signal(signal.SIGCONT)
        shows(page, Mode.LIVE)
        assert until(lambda: modes(run)[-1] is Mode.LIVE, WAIT_S)
        page.close()
        assert complaints(heard, url) == []
    finally:
        if facility is not None:
            facility.end()
        code, out, err = live.end()
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    assert told["bound"]["rack_power"] == 24
    assert told["source"]["connections"] == 1
    assert any(record.glob("*.mcap"))
    data = open_run(run)
    assert data.attrs["complete"] is True
    assert told["intervals"] == data.sizes["time"]
    assert data["mode"].values[0] == list(Mode).index(Mode.STALE)
    fed = data["mode"].values == list(Mode).index(Mode.LIVE)
    residual, measured = (xr.open_zarr(run, group=group) for group in ("residual", "measured"))
    assert np.isnan(residual["rack_power"].values).all()
    assert (np.isfinite(measured["rack_power"].values[fed]).mean(axis=1) >= 0.5).all()  # else it would not be LIVE
    # Power meters of class 0.5 S after those of the racks, class 1: sums of 24 err by less than one of them.
    share = residual["site_power"].values[fed] / data["site_power"].values[fed]
    assert np.nanmax(np.abs(share)) < 0.02
