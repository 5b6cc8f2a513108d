"""A run as a feed: a frame holds what the store holds, time moves as it is told, nothing stale passes for live."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from bokeh.document import Document
from zarr.errors import ZarrUserWarning

from dashboards.feed import EARLY, STALE_THEN, RunFeed
from dashboards.live_page import Session
from dashboards.panels import rack
from dashboards.run_reader import NS
from dashboards.transport import Transport, speed_of
from dashboards.view import View
from telemetry.live.frame import Frame, Mode
from tests.browser.runs import DRIVEN, HALLS, INTERVALS, RACKS, as_live, cut, simulated
from tests.telemetry.until import until
from twin.core.errors import InputError
from twin.engine.lock import only_writer


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return simulated(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def live(run, tmp_path) -> Path:
    return as_live(run, tmp_path)


def end_s(run: Path, index: int) -> int:
    """The end of an interval, s since 1970."""
    seconds: np.ndarray = xr.open_zarr(run, consolidated=False)["time"].values.astype("datetime64[s]")
    return int(seconds[index].astype(np.int64))


def shown(feed: RunFeed) -> Frame:
    feed.step()
    frame = feed.latest()
    assert frame is not None
    return frame


def test_a_frame_holds_what_the_store_holds(run):
    clock = Clock()
    feed = RunFeed(run, speed=60.0, clock=clock)
    ds = xr.open_zarr(run)
    seconds = ds["time"].values.astype("datetime64[s]").astype(np.int64)
    frame = None
    for index in (0, 7):
        clock.now = 100.0 + index
        frame = shown(feed)
        assert frame.mode == Mode.SIMULATED
        assert frame.time_ns == seconds[index] * 1_000_000_000
        for name in ("site_power", "hall_it_power", "rack_power", "hall_cooling_headroom"):
            np.testing.assert_array_equal(frame.simulated[name], np.ravel(ds[name].values[index].astype(np.float64)))
    assert frame is not None
    t = feed.topology
    assert (len(t.racks), len(t.halls)) == (RACKS, HALLS)
    assert t.racks == tuple(ds["rack"].values)
    assert np.isfinite(t.rack_rated_w).all()
    assert (t.rack_rated_w > frame.simulated["rack_power"]).all()
    trend = feed.trend("rack_power", 5, 240.0)
    np.testing.assert_array_equal(trend.simulated, ds["rack_power"].values[3:8, 5].astype(np.float64))
    assert np.isnan(trend.measured).all()
    assert len(feed.trend("cdu_flow", 0, 60.0).times_ns) == 0


def test_time_moves_as_it_is_told():
    clock = Clock()
    t = Transport(1000.0, 2000.0, 10.0, clock=clock)

    def at() -> float:
        return t.state().position_s

    clock.now += 5
    assert at() == 1050.0
    assert t.do("speed", "60")
    clock.now += 1
    assert at() == 1110.0
    t.do("pause", "")
    clock.now += 100
    assert at() == 1110.0
    t.do("seek", "0.5")
    assert at() == 1500.0
    t.do("play", "")
    clock.now += 100
    assert (at(), t.state().playing) == (2000.0, False)
    t.do("play", "")
    assert (at(), t.state().playing) == (1000.0, True)
    assert t.state().steps == 1000
    assert not t.do("hall", "A")
    for bad in ("nan", "-1", "", "x", "1e11"):
        t.do("speed", bad)
        t.do("seek", "nan")
    assert t.state().speed == 60.0
    assert 1000.0 <= at() <= 2000.0


@pytest.mark.parametrize(("text", "times"), [("x60", 60.0), ("60", 60.0), ("×0.5", 0.5), ("60x", 60.0)])
def test_a_speed_as_people_write_it(text, times):
    assert speed_of(text) == times


@pytest.mark.parametrize("text", ["", "fast", "max", "0", "-1", "nan", "inf", "xx60"])
def test_what_is_no_speed_is_refused(text):
    with pytest.raises(InputError):
        speed_of(text)


def test_a_finished_live_run_is_a_replay_with_both_sides(live):
    frame = shown(RunFeed(live, speed=60.0, clock=Clock()))
    assert (frame.mode, frame.speed, frame.data_age_s) == (Mode.REPLAY, 60.0, 2.0)
    measured, simulated_w = frame.measured["rack_power"], frame.simulated["rack_power"]
    np.testing.assert_allclose(measured[:-1], 1.01 * simulated_w[:-1], rtol=1e-6)
    assert np.isnan(measured[-1])
    assert frame.used["rack_power"].sum() == DRIVEN
    residual = frame.residual("rack_power")
    assert np.isnan(residual[:DRIVEN]).all()
    np.testing.assert_allclose(residual[DRIVEN:-1], 0.01 * simulated_w[DRIVEN:-1], rtol=1e-3)
    assert np.isinf(frame.age_s["rack_power"][-1])
    # Measured in part of an interval only, it is no difference of the means of both sides.
    root = zarr.open_group(live, mode="r+", use_consolidated=False)
    apart = root["residual/rack_power"]
    assert isinstance(apart, zarr.Array)
    apart[-1, DRIVEN] = 912.0
    feed = RunFeed(live, speed=60.0, clock=Clock())
    feed.transport.do("seek", "1")
    frame = shown(feed)
    assert frame.residual("rack_power")[DRIVEN] == 912.0
    view = View(feed, rack=DRIVEN)
    assert rack.build(view).update(frame)["rack-residual"] == "+912 W"
    for item, drove in ((0, True), (DRIVEN, False)):
        trend = feed.trend("rack_power", item, 3600.0)
        np.testing.assert_array_equal(trend.residual, xr.open_zarr(live, group="residual")["rack_power"][:, item])
        assert (trend.drove == drove).all()


def test_what_an_interval_was_is_said_where_the_replay_comes_by(live):
    root = zarr.open_group(live, mode="r+", use_consolidated=False)
    stale, early = list(Mode).index(Mode.STALE), np.arange(INTERVALS) < 2
    modes = root["mode"]
    assert isinstance(modes, zarr.Array)
    modes[1:4] = stale
    root.create_array("early", data=early.astype(np.int8), chunks=(INTERVALS,), dimension_names=["time"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(live)
    feed = RunFeed(live, speed=60.0, clock=Clock())
    feed.transport.do("pause", "")
    said = []
    for at in (0, 1, 3, 4):
        feed.transport.do("seek", str(at / (INTERVALS - 1)))
        frame = shown(feed)
        assert (frame.mode, frame.time_ns // NS) == (Mode.REPLAY, end_s(live, at))
        said.append(frame.note)
    assert said == [EARLY, f"{STALE_THEN}; {EARLY}", STALE_THEN, ""]


def test_a_run_that_grows_is_followed_and_silence_is_stale(live):
    cut(live, 10)
    clock = Clock()
    with only_writer(live):
        feed = RunFeed(live, clock=clock, now=lambda: float(end_s(live, 9)) + 3.0)
        first = shown(feed)
        assert first.mode == Mode.LIVE
        assert first.data_age_s == pytest.approx(5.0)  # 2 s at the end of an interval that is 3 s past
        clock.now += 5
        cut(live, 12)
        grown = shown(feed)
        assert grown.time_ns - first.time_ns == 120 * 1_000_000_000
        assert grown.sequence > first.sequence
        clock.now += 300
        stale = shown(feed)
        assert (stale.mode, "has not grown" in stale.note) == (Mode.STALE, True)
        feed.transport.do("seek", "0")
        back = shown(feed)
        assert (back.mode, back.time_ns < first.time_ns) == (Mode.REPLAY, True)
        feed.transport.do("follow", "")
        cut(live, 13)
        clock.now += 2
        assert shown(feed).mode == Mode.LIVE
    clock.now += 2
    feed.step()
    assert not feed.transport.state().may_follow  # its writer has gone
    last = shown(feed)
    assert (last.mode, "nobody writes this run" in last.note) == (Mode.REPLAY, True)


def test_a_broken_file_is_said_and_the_page_goes_on(run, tmp_path):
    broken = tmp_path / "broken.zarr"
    shutil.copytree(run, broken)
    chunk = next(p for p in (broken / "hall_it_power" / "c").rglob("*") if p.is_file())
    clock = Clock()
    feed = RunFeed(broken, speed=60.0, clock=clock)
    chunk.write_bytes(b"broken")
    frame = shown(feed)
    assert frame.note == "the run is damaged: hall_it_power cannot be read"
    assert np.isnan(frame.simulated["hall_it_power"]).all()
    assert np.isfinite(frame.simulated["site_power"]).all()
    assert feed.trend("hall_it_power", 0, 60.0).times_ns.size == 0


def test_a_run_that_has_gone_or_is_another_now_is_said(run, tmp_path):
    there, clock = tmp_path / "there.zarr", Clock()
    shutil.copytree(run, there)
    feed = RunFeed(there, speed=60.0, clock=clock)
    assert shown(feed).note == ""
    aside = there.rename(tmp_path / "aside.zarr")
    clock.now += 2
    assert shown(feed).note == "the run cannot be read any more: was it moved?"
    aside.rename(there)
    clock.now += 2
    assert shown(feed).note == ""
    about = there / "zarr.json"
    about.write_text(about.read_text().replace('"seed": 0', '"seed": 1'))
    clock.now += 2
    assert shown(feed).note == "another run has taken the place of this one: open its page anew"


def test_a_feed_that_stumbles_says_so_and_goes_on(run, monkeypatch):
    feed = RunFeed(run, speed=60.0)
    assert shown(feed).note == ""
    made = feed._made
    monkeypatch.setattr(feed, "_made", lambda *given: made(*given[:0]))
    feed.start()
    try:
        feed.transport.do("seek", "0.5")
        assert until(lambda: "cannot be read: TypeError" in note(feed))
        monkeypatch.setattr(feed, "_made", made)
        feed.transport.do("seek", "0.9")
        assert until(lambda: note(feed) == "")
    finally:
        feed.stop()


def note(feed: RunFeed) -> str:
    frame = feed.latest()
    assert frame is not None
    return frame.note


def test_a_run_without_racks_is_shown_by_halls(tmp_path):
    feed = RunFeed(simulated(tmp_path, "hall"), clock=Clock())
    frame = shown(feed)
    assert feed.topology.racks == ()
    assert len(frame.simulated["hall_it_power"]) == HALLS
    assert feed.transport.state().last_s - feed.transport.state().first_s == 60.0 * (INTERVALS - 1)


def test_what_is_no_run_is_refused_with_a_guess(run):
    with pytest.raises(InputError, match="did you mean"):
        RunFeed(run.with_name("rakc.zarr"))
    with pytest.raises(InputError, match="not a halltwin run"):
        RunFeed(run.parent)


def test_a_run_without_an_interval_says_whether_one_may_come(live):
    cut(live, 0)

    def page(feed: RunFeed) -> dict[str, str | None]:
        feed.step()
        assert feed.latest() is None
        session = Session(feed, Document(), {})
        words: dict[str, str | None] = json.loads(session.state.text)
        return words

    clock = Clock()
    with only_writer(live):
        feed = RunFeed(live, clock=clock)
        assert page(feed) == {"when": "no interval yet", "mode-name": "NO INTERVAL"}
    clock.now += 2
    assert page(feed)["when"] == page(RunFeed(live))["when"] == "this run has no interval"
