"""Swings through first-order stages: against a simulation of the square wave in time, and by what energy says."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twin.power.swing import (
    CRITICAL_HZ,
    TRAINING_HZ,
    Job,
    band_energy,
    band_share,
    gain,
    harmonics,
    passed,
    together,
    wave,
)
from twin.racks.rack import Rack
from twin.site.library import load_library

MW = 1e6
JOBS = st.builds(
    Job,
    st.floats(0.1, 100.0).map(lambda v: v * MW),
    st.floats(0.05, 60.0),
    st.floats(0.05, 0.95),
)
PROPERTY = settings(deadline=None, max_examples=100, derandomize=True)


@cache
def _brute(job: Job, stages: tuple[float, ...], points: int = 30_000) -> np.ndarray:
    """Output over the last period, every stage stepped by its own exponential until nothing changes."""
    time = (np.arange(points) + 0.5) / points
    shape = np.where(time < job.duty, job.amplitude_w * (1 - job.duty), -job.amplitude_w * job.duty)
    out = shape
    for tau in stages:
        keep = np.exp(-job.period_s / points / tau)
        # A periodic first-order recursion: the state before the period is that after it.
        weights = keep ** np.arange(points - 1, -1, -1)
        state = (1 - keep) * float(weights @ out) / (1 - keep**points)
        made = np.empty(points)
        for k, value in enumerate(out):
            state = keep * state + (1 - keep) * value
            made[k] = state
        out = made
    return out


def brute(job: Job, stages: list[float]) -> np.ndarray:
    return _brute(job, tuple(stages))


CASES = [
    (Job(30 * MW, 2.0, 0.7), [0.02]),
    (Job(30 * MW, 2.0, 0.7), [0.02, 0.5]),
    (Job(30 * MW, 1.0, 0.5), [0.3, 0.3]),
    (Job(10 * MW, 0.4, 0.2), [0.02, 0.01, 1.0]),
    (Job(50 * MW, 30.0, 0.9), [5.0]),
    (Job(50 * MW, 60.0, 0.5), [0.05, 1.0]),
]


@pytest.mark.parametrize(("job", "stages"), CASES)
def test_range_mean_square_and_ramp_are_those_of_the_wave_in_time(job, stages):
    out, got = brute(job, stages), passed(job, stages)
    assert got.range_w == pytest.approx(np.ptp(out), rel=0.01)
    assert got.rms_w == pytest.approx(out.std(), rel=0.01)
    slope = np.diff(out, append=out[0]) * len(out) / job.period_s
    assert got.up_w_s == pytest.approx(slope.max(), rel=0.01)
    assert got.down_w_s == pytest.approx(-slope.min(), rel=0.01)


@pytest.mark.parametrize(("job", "stages"), CASES)
def test_each_harmonic_is_that_of_the_wave_in_time(job, stages):
    out = brute(job, stages)
    seen = 2.0 * np.abs(np.fft.rfft(out))[1:11] / len(out)
    frequency, amplitude = harmonics(job, stages, 10)
    assert frequency == pytest.approx(np.arange(1, 11) / job.period_s)
    assert amplitude == pytest.approx(seen, rel=0.01, abs=1e-3 * job.amplitude_w)


@pytest.mark.parametrize(("job", "stages"), CASES)
def test_the_wave_that_is_drawn_is_that_of_the_simulation(job, stages):
    out = brute(job, stages)
    drawn = wave(job, stages, np.linspace(0.0, job.period_s, 101)[:-1])
    assert np.abs(drawn - out[:: len(out) // 100]).max() < 0.01 * job.amplitude_w
    assert np.ptp(wave(job, [], np.linspace(0.0, job.period_s, 101))) == pytest.approx(job.amplitude_w)


@PROPERTY
@given(job=JOBS)
def test_without_stages_the_energy_of_all_harmonics_is_that_of_the_rectangle(job):
    _, amplitude = harmonics(job)
    assert 0.5 * float((amplitude**2).sum()) == pytest.approx(job.rms_w**2, rel=1e-3)
    assert passed(job).range_w == job.amplitude_w
    assert passed(job).up_w_s == float("inf")


@PROPERTY
@given(job=JOBS, tau=st.floats(1e-3, 100.0))
def test_one_stage_has_a_closed_form(job, tau):
    on, off = job.duty * job.period_s / tau, (1 - job.duty) * job.period_s / tau
    wanted = job.amplitude_w * np.expm1(-on) * np.expm1(-off) / -np.expm1(-on - off)
    got = passed(job, [tau])
    assert got.range_w == pytest.approx(wanted, rel=1e-6)
    assert got.up_w_s <= job.amplitude_w / tau * (1 + 1e-9)


@PROPERTY
@given(job=JOBS, taus=st.lists(st.floats(1e-3, 10.0), min_size=1, max_size=3), more=st.floats(1e-3, 10.0))
@example(job=Job(1e6, 0.05, 0.7890625), taus=[2.0, 4.0, 2.0], more=3.0)
@example(job=Job(1e6, 21.0, 0.5), taus=[1.0, 0.125], more=0.0078125)  # a flank that 512 points miss by 1.3e-4
def test_a_further_stage_leaves_less(job, taus, more):
    one, two = passed(job, taus), passed(job, [*taus, more])
    # Of what is left, doubles tell the amplitude's last digits: four stages of seconds leave 7e-11 of a swing of 20 Hz.
    rounding = 1e-12 * job.amplitude_w
    # A highest point is looked at again 32 times as finely: a parabola's top is missed by 1e-7 or so.
    assert two.range_w <= one.range_w * (1 + 1e-6) + rounding
    assert two.rms_w <= one.rms_w * (1 + 1e-9)
    assert two.up_w_s <= one.up_w_s * (1 + 1e-6)
    # Order does not matter to what is left.
    assert passed(job, [more, *taus]).range_w == pytest.approx(two.range_w, rel=1e-3, abs=rounding)


@PROPERTY
@given(job=JOBS)
def test_the_store_that_takes_a_swing_away_is_the_range_of_its_integral(job):
    time = np.linspace(0.0, job.period_s, 100_001)
    mid = 0.5 * (time[1:] + time[:-1])
    about = np.where(mid < job.duty * job.period_s, job.amplitude_w * (1 - job.duty), -job.amplitude_w * job.duty)
    level = np.concatenate([[0.0], np.cumsum(about) * time[1]])
    assert job.store_j == pytest.approx(np.ptp(level), rel=1e-3)
    assert job.store_w == pytest.approx(np.abs(about).max())


def test_amplitudes_add_within_a_job_and_squares_between_jobs():
    assert together([3.0 * MW, 4.0 * MW]) == pytest.approx(5.0 * MW)
    two, one = [Job(10 * MW, 2.0), Job(10 * MW, 2.0)], [Job(20 * MW, 2.0)]
    assert band_energy(two, CRITICAL_HZ)[1] == pytest.approx(0.5 * band_energy(one, CRITICAL_HZ)[1])
    assert band_share(two, CRITICAL_HZ) == pytest.approx(band_share(one, CRITICAL_HZ))


def test_shares_of_bands():
    """A square wave of 1 Hz has 8/pi^2 of its energy in the first harmonic; 3 Hz is the next."""
    wave = [Job(10 * MW, 1.0, 0.5)]
    assert band_share(wave, (0.5, 1.5)) == pytest.approx(8 / np.pi**2, rel=1e-9)
    assert band_share(wave, TRAINING_HZ) == pytest.approx(8 / np.pi**2 * (1 + 1 / 9), rel=1e-9)
    assert 0.97 < band_share(wave, CRITICAL_HZ) < 1.0
    assert band_share([Job(10 * MW, 600.0)], CRITICAL_HZ) < 0.01
    assert band_share([], CRITICAL_HZ) == 0.0
    # Stages take the upper harmonics first: what is left lies lower, and is less.
    slow = [0.5]
    assert band_share(wave, (0.5, 1.5), slow) > band_share(wave, (0.5, 1.5))
    assert band_energy(wave, CRITICAL_HZ, slow)[0] < band_energy(wave, CRITICAL_HZ)[0]


def test_gain_of_a_stage():
    assert gain(np.array([1 / (2 * np.pi)]), [1.0])[0] == pytest.approx(2**-0.5)


def test_24_k_h100_swing_by_about_30_mw():
    """The plausibility case: Meta reported swings of tens of MW of 24 k H100; 8 accelerators a server."""
    library = load_library()
    rack = library.get("dgx-h100", Rack)
    per_system = (rack.rated_power_kw.value - rack.idle_power_kw.value) / rack.systems
    swing = 24_576 / 8 * per_system / 1e3
    assert 18.0 < swing < 32.0


@pytest.mark.parametrize("wrong", [{"period_s": 0.0}, {"duty": 1.0}, {"amplitude_w": -1.0}])
def test_what_is_no_swing_is_refused(wrong):
    with pytest.raises(ValueError, match="swing"):
        Job(**({"amplitude_w": 1.0, "period_s": 1.0} | wrong))
