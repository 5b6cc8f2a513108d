"""Ramps at the meter: what the run shows is found, explained and met; swings come from the racks themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twin import InputError
from twin.analysis.curtail import peak_hour, seconds
from twin.analysis.period import values
from twin.analysis.ramp import EFFICIENCY, STEP_S, Options, Ramps, ramps
from twin.analysis.ramp_swings import Training, trainings
from twin.analysis.ramp_text import plain, render
from twin.core.units import MW
from twin.engine.period import instant
from twin.power.ramp import breaches
from twin.power.store import Store
from twin.racks.rack import Rack
from twin.site.library import load_library
from twin.site.load import load_site
from twin.site.shipped import data_root

DAY = Options(start="2025-11-02T06:00", end="2025-11-04T06:00")
SITE = """\
format: 1
base: oklahoma-10
name: training
grid:
  ramp_limit_mw_min: 0.5
  swing_limit_mw_s: 5
  swing_range_mw: 100
  short_circuit_mva: 500
  rules: [dominion, caiso, training-band]
buildings: {okc: {halls: {hall-1: {load: job}, hall-2: {load: other}}}}
loads:
  job: {mean: 0.7, daily_amplitude: 0, weekend_factor: 1, rack_spread: 0, rack_noise: 0,
    swing: {amplitude: 0.5, period_s: 2, duty: 0.6}}
  other: {mean: 0.6, daily_amplitude: 0.1, weekend_factor: 1, rack_spread: 0, rack_noise: 0,
    swing: {amplitude: 0.3, period_s: 3, duty: 0.5}}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Ramps:
    """Two days around the morning on which the second hall gets power, 3 November 2025, local."""
    path = tmp_path_factory.mktemp("ramp") / "training.yaml"
    path.write_text(SITE)
    return ramps(path, DAY)


def test_the_steepest_minute_is_the_energisation_of_a_hall_and_says_so(found):
    up = found.changes[0]
    power = values(found.run, "site_power")
    assert up.rate_w_s * STEP_S == pytest.approx(np.diff(power).max())
    # The interval that begins with the energisation ends a minute later.
    assert up.end_s == instant("2025-11-03T06:01", "at")
    assert power[seconds(found.run) == up.end_s] - power[seconds(found.run) == up.end_s - STEP_S] > MW
    assert up.causes[0].name == "cs3-hall (load other)"
    assert up.causes[0].energised == ("okc/hall-2",)
    assert "okc/hall-2 energised" in render(found)


def test_the_parts_of_a_change_are_the_change(found):
    for change in found.changes:
        total = sum(cause.power_w for cause in change.causes)
        assert total == pytest.approx(change.rate_w_s * change.window_s, abs=1e-6 * MW)


def test_the_storage_keeps_the_limit_and_the_day_without_it_does_not(found):
    limit = 0.5 * MW / 60.0
    power = values(found.run, "site_power")
    assert breaches(power, STEP_S, limit) > 0
    assert found.store is not None
    assert breaches(found.store.grid_w, STEP_S, limit) == 0
    told = plain(found)
    step = np.diff(power).max()
    least = step * step / (2.0 * limit) / EFFICIENCY
    assert told["storage"]["mwh"] * 3.6e9 > 0.95 * least
    assert told["violated"]
    broken = {one["what"] for one in told["limits"] if one["kept"] is False}
    assert {"ramp over 1 min", "flank of swings", "energy of swings at 0.1-20 Hz"} <= broken
    assert "range of swings" not in broken


def test_a_loose_limit_needs_no_storage(found):
    loose = ramps(found.loaded, Options(start=DAY.start, end=DAY.end, limit_mw_min=100.0, limit_mw_s=1e5))
    assert loose.store is None
    kept = {one.what: one.kept for one in loose.verdicts}
    assert kept["ramp over 1 min"] is True
    assert kept["flank of swings"] is True
    assert "keeps the limit without storage" in render(loose)


def test_a_swing_is_that_of_the_racks_and_the_path_above_them(found):
    """88 racks of two systems: rated less idle, half of it, and what the path loses on the way."""
    rack = load_library().get("cs3-x2", Rack)
    at_racks = 88 * 0.5 * (rack.rated_power_kw.value - rack.idle_power_kw.value) * 1e3
    run = found.run
    top = int(values(run, "site_it_power").argmax())
    factor = 1 + values(run, "site_electrical_loss")[top] / values(run, "site_it_power")[top]
    first, second = found.swings.jobs
    assert (first.load, second.load) == ("job", "other")
    assert first.racks == 88
    assert first.job.amplitude_w == pytest.approx(at_racks * factor, rel=1e-9)
    assert second.job.amplitude_w == pytest.approx(0.6 * first.job.amplitude_w, rel=1e-9)
    squares = first.left.range_w**2 + second.left.range_w**2
    assert found.swings.range_w == pytest.approx(squares**0.5)
    assert found.swings.critical_share > 0.95


def test_canonical_steps_with_their_storage(found):
    peak = values(found.run, "site_power").max()
    steps = {step.name: step for step in found.steps}
    assert steps["loss of half the load"].power_w == pytest.approx(-0.5 * peak)
    assert steps["restart after an outage"].power_w == pytest.approx(peak)
    for step in found.steps:
        assert step.need is not None
        assert step.need.energy_j == pytest.approx(step.power_w**2 / (2 * 0.5 * MW / 60.0))
    job = found.swings.jobs[0]
    assert steps["start of the largest job"].power_w == pytest.approx(job.start_w)
    assert job.start_w > job.job.amplitude_w
    assert steps["largest energisation"].what.startswith("1 hall on 2025-")


def test_a_site_without_limits_and_jobs_says_so():
    found = ramps("oklahoma-10", Options(start="2026-07-01", end="2026-07-01T06:00"))
    assert not found.violated
    assert found.swings.jobs == []
    text = render(found)
    assert "No storage is sized" in text
    assert "No hall trains" in text
    assert "No limit is known" in text
    assert plain(found)["limit_mw_per_min"] is None
    assert all(step.need is None for step in found.steps)


def test_without_a_period_it_is_the_local_day_of_the_peak_hour():
    found = ramps("oklahoma-10")
    told = plain(found)
    assert told["begins_utc"].endswith("T06:00:00Z")
    assert found.run.sizes["time"] == 1440
    at = peak_hour(found.loaded, 0)
    assert instant(told["begins_utc"], "at") <= at < instant(told["ends_utc"], "at")


def test_a_rule_gives_the_limit_where_the_site_names_none(tmp_path: Path):
    path = tmp_path / "ruled.yaml"
    path.write_text("format: 1\nbase: oklahoma-10\nname: ruled\ngrid: {rules: [southern, ercot, pge]}\n")
    found = ramps(path, Options(start="2026-07-01", end="2026-07-01T06:00"))
    told = plain(found)
    assert told["limit_mw_per_min"] == pytest.approx(20.0)
    assert told["limit_source"].startswith("southern.ramp_mw_min")
    assert {one["what"] for one in told["limits"] if one["kept"] is None} == {
        "recovery after a sag", "harmonic distortion",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(limit_mw_min=0.0), "0 is out of range"),
        (Options(limit_mw_s=-1.0), "-1 is out of range"),
        (Options(stages_s=(-0.1,)), "expected 0 to 3600 s"),
        (Options(end="2026-01-01"), "an end needs a start"),
        (Options(start="2026-01-01", end="2026-03-01"), "10 min to 7 days"),
    ],
)
def test_options_out_of_range_are_told(options, words):
    with pytest.raises(InputError, match=words):
        ramps("oklahoma-10", options)


def test_supercapacitors_take_no_more_of_a_swing_than_they_hold(tmp_path):
    """A shelf that holds less than the swing's energy does not remove it: the rest is left, behind the stages."""
    folder = tmp_path / "library" / "racks"
    folder.mkdir(parents=True)
    library = load_library()
    text = (data_root() / "library" / "racks" / "cs3-x2.yaml").read_text()
    (tmp_path / "site.yaml").write_text(
        SITE.replace(
            "buildings:", "templates: {cs3-hall: {rows: {r: {groups: [{rack: t-shelf, count: 11}]}}}}\nbuildings:"
        )
    )
    store = library.get("supercap-gb300", Store)

    def jobs(count: int, device: str = "supercap-gb300") -> list[Training]:
        (folder / "t-shelf.yaml").write_text(f"{text}\nstore: {{device: {device}, count: {count}}}\n")
        return trainings(load_site(tmp_path / "site.yaml"), instant("2026-01-01", "at"), 1.0, (0.02,))

    for few, many in zip(jobs(1), jobs(100), strict=True):
        need = few.job.store_j
        assert few.stored_j == pytest.approx(88 * store.usable_j(), rel=1e-12)
        assert 0.0 < few.stored_j < need
        # By the energy of a swing: A d (1 - d) T.
        assert few.seen.amplitude_w == pytest.approx(few.job.amplitude_w * (1.0 - few.stored_j / need), rel=1e-9)
        assert few.seen.store_j == pytest.approx(need - few.stored_j, rel=1e-9)
        assert few.left.range_w > 0.9 * few.seen.amplitude_w > 0.0
        assert many.stored_j > need
        assert many.left.range_w == pytest.approx(0.0, abs=1.0)
    assert all(one.seen == one.job for one in jobs(6, "bbu-orv3-5500w"))
