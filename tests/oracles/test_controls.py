"""Two models that are known to be wrong, in the same table: where they came out right, the table would prove nothing.

*Utilisation x TDP* is a line through the origin; *constant mean power* knows no load. A row of basis ``control`` is as
it should be when the figure is out of the tolerance of the case.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracles.mlperf import AIR, WATER, window_sd
from tests.oracles.test_inference_power import (
    ENERGY,
    ENTRY,
    HELD_OUT,
    SOURCE,
    TOKENS,
    WANDER,
    held_out_error,
    run,
)

TDP_W, NAMEPLATE_W = 1000.0, 14_300.0  # B200; DGX B200
UTILISATION = "utilisation x TDP"
CONSTANT = "constant mean power"


@pytest.mark.parametrize(("rated_w", "which"), [(8.0 * TDP_W, "8 GPUs"), (NAMEPLATE_W, "nameplate")])
def test_utilisation_times_tdp_misses_a_busy_server(validation_row, rated_w, which):
    what, measured = f"{UTILISATION}: busy server, {which}, W", float(run(AIR).loaded.mean())
    validation_row("I01", what, measured, rated_w, rel=0.05, source=SOURCE[AIR], basis="control")


@pytest.mark.parametrize("name", [AIR, WATER])
def test_neither_control_knows_an_idle_server(validation_row, name):
    idle = run(name).idle_w
    for which, watts in ((UTILISATION, 0.0), (CONSTANT, float(run(name).loaded.mean()))):
        what = f"{which}: {ENTRY[name]} idle, W"
        validation_row("I03", what, idle, watts, rel=0.10, source=SOURCE[name], basis="control")


def test_utilisation_times_tdp_misses_the_gpu_over_the_batch(validation_row):
    """Utilisation is the token rate per that of batch 1,024: rate = B / (a + b B) through the two printed rates."""
    slope = (1024 / TOKENS[1024] - 8 / TOKENS[8]) / 1016
    watts = [700.0 * b / (8 / TOKENS[8] + slope * (b - 8)) / TOKENS[1024] for b in HELD_OUT]
    what = f"{UTILISATION}: H100 power at batch 32, 128, 512, mean error"
    validation_row("I04", what, 0.0, held_out_error(watts), abs=0.05, source=ENERGY, basis="control")


def test_utilisation_times_tdp_does_not_saturate(validation_row):
    what, source = f"{UTILISATION}: power at load 0.3 per busy, 0.85 or more", "arXiv 2603.18383 (plateau)"
    validation_row("I08", what, 0.925, 0.3, abs=0.075, source=source, basis="control")


@pytest.mark.parametrize("name", [AIR, WATER])
def test_constant_mean_power_does_not_fluctuate(validation_row, name):
    steady = run(name).steady
    for window in (1, 60, 300):
        got = window_sd(np.full(steady.size, float(steady.mean())), window)
        what = f"{CONSTANT}: {ENTRY[name]}, SD of {window} s means, W"
        validation_row("I10", what, WANDER[name][window], got, rel=0.35, source=SOURCE[name], basis="control")
