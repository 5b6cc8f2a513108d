"""Training jobs beside inference: the same energy at every step length, swings where steps are short."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import twin
from twin.core.errors import InputError
from twin.site.load import load_site

MEAN, AMPLITUDE, PERIOD_S, DUTY = 0.6, 0.5, 6.0, 0.75
SITE = f"""\
format: 1
base: oklahoma-10
name: training
buildings: {{okc: {{halls: {{hall-1: {{load: job}}, hall-2: {{load: job}}}}}}}}
loads:
  job: {{mean: {MEAN}, daily_amplitude: 0, weekend_factor: 1, rack_spread: 0, rack_noise: 0,
    swing: {{amplitude: {AMPLITUDE}, period_s: {PERIOD_S}, duty: {DUTY}}}}}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    path = tmp_path_factory.mktemp("training") / "training.yaml"
    path.write_text(SITE)
    return path


def test_the_energy_of_a_job_is_the_same_at_every_step_length(site):
    """A CS-3 draws in proportion to its utilisation, so the mean load gives the energy: 176 racks a 46 kW, idle 23."""
    hour: dict[str, Any] = {"start": "2028-07-03T12:00", "end": "2028-07-03T13:00", "every": "1h"}
    it = {step: float(twin.simulate(site, step=step, **hour).site_it_power.sum()) for step in (1, 60, 3600)}
    racks = 176
    assert it[3600] == pytest.approx(racks * (23e3 + 23e3 * MEAN), rel=1e-9)
    assert it[1] == pytest.approx(it[3600], rel=1e-9)
    assert it[60] == pytest.approx(it[3600], rel=1e-9)


def test_the_swing_is_seen_at_a_second_and_not_at_a_minute(site):
    short: dict[str, Any] = {"start": "2028-07-03T12:00", "end": "2028-07-03T12:02"}
    at_once = twin.simulate(site, step=1, every=1, **short).site_it_power.values
    rise = 176 * 23e3 * AMPLITUDE
    assert np.ptp(at_once) == pytest.approx(rise, rel=1e-9)
    # Four and a half of six seconds are high: three whole ones at full height, one half way, two low, in some order.
    levels, counts = np.unique(np.round((at_once - at_once.min()) / rise, 6), return_counts=True)
    assert dict(zip(levels.tolist(), counts.tolist(), strict=True)) == {0.0: 20, 0.5: 20, 1.0: 80}
    assert np.ptp(twin.simulate(site, step=60, every=60, **short).site_it_power.values) < 1e-9 * rise


def test_jobs_of_a_campus_swing_together_beside_what_serves():
    """The gb300 halls of prairie-750 train; a wafer hall beside them does not move within seconds."""
    run = twin.simulate(
        "prairie-750", start="2029-07-03T12:00", end="2029-07-03T12:00:20", step=1, every=1, level="hall"
    )
    kinds = run.hall_kind.values
    training = run.hall_it_power.values[:, kinds == "gb300-nvl72"]
    swing = np.ptp(training, axis=0) / training.mean(axis=0)
    assert (swing > 0.3).all()
    phases = training > training.mean(axis=0)
    assert (phases == phases[:, :1]).all()
    serving = run.hall_it_power.values[:, kinds == "cs3-x2"]
    assert (np.ptp(serving, axis=0) / serving.mean(axis=0) < 0.01).all()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("mean: 0.6", "mean: 0.95", "with its swing the load goes from 0.575 to 1.07, expected 0..1"),
        ("mean: 0.6", "mean: 0.3", "with its swing the load goes from -0.075 to 0.425, expected 0..1"),
        ("duty: 0.75", "duty: 1", "1 is out of range, expected > 0 and < 1"),
        ("period_s: 6.0", "period_s: 0", "0 s is out of range, expected > 0 and <= 3600 s"),
        ("period_s", "periods_s", 'did you mean "period_s"?'),
        ("swing:", "csv: job.csv, swing:", "a recording has its own swings: give csv or swing"),
    ],
)
def test_a_swing_that_cannot_be_is_refused(tmp_path, old, new, words):
    path = tmp_path / "wrong.yaml"
    path.write_text(SITE.replace(old, new))
    (tmp_path / "job.csv").write_text("time,all\n2028-01-01,0.5\n2029-01-01,0.5\n")
    with pytest.raises(InputError) as told:
        load_site(path)
    assert any(words in str(problem) for problem in told.value.problems), told.value
