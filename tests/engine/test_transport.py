"""Pipes between plant and halls, and a store in the supply: cold lasts as long as it takes to pump it through."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.analysis.fail import Failure, fail
from twin.core.coolant import capacity_rate
from twin.core.errors import InputError
from twin.site.load import load_site

SITE = """\
format: 1
base: oklahoma-10
name: stored
buildings: {{okc: {{loops: {{chw: {{volume_m3: 20{extra}}}}}}}}}
"""
AT = "2028-07-11T18:00"


def without_chillers(folder: Path, extra: str = "", **how: Any) -> Failure:
    """The site without its chillers at noon of a hot day."""
    path = folder / "stored.yaml"
    path.write_text(SITE.format(extra=extra))
    asked: dict[str, Any] = {"at": AT, "load": "full", "lasting_s": 900.0, "step_s": 1.0, **how}
    return fail(path, ["okc/chw/chillers:units=2"], **asked)


@pytest.fixture
def lost(tmp_path):
    return partial(without_chillers, tmp_path)


def warmer(failure: Failure) -> float:
    """When the halls are sent water half a kelvin above the set point, s after the loss."""
    y = failure.series["fws_supply_temperature"][:, 0]
    return float(failure.times_s[np.argmax(y > 6.5)] - failure.at_s)


def flow_m3_s(failure: Failure) -> float:
    """Water through the loop before the loss."""
    n = int(np.searchsorted(failure.times_s, failure.at_s))
    s = {name: float(failure.series[name][n - 1, 0]) for name in failure.series if name.startswith(("fws", "plant"))}
    rise = s["fws_return_temperature"] - s["fws_supply_temperature"]
    return s["plant_heat"] / rise / capacity_rate("water", 11.0, 1.0)


def test_a_store_lasts_as_long_as_its_water_takes_to_pass_and_a_pipe_as_well(lost):
    bare = lost()
    flow = flow_m3_s(bare)
    headers = warmer(bare)
    assert headers < 10.0
    assert warmer(lost(", store_m3: 90")) - headers == pytest.approx(90.0 / flow, abs=5.0)
    pipe = 0.25 * np.pi * 0.35**2 * 400.0
    piped = lost(", pipe_length_m: 400, pipe_diameter_mm: 350")
    # Way back with the plant's full power in it, and way out.
    assert warmer(piped) - headers == pytest.approx(pipe / flow, abs=5.0)
    assert max(bare.residual, piped.residual) < 1e-11


def test_steps_of_ten_seconds_say_the_same(lost):
    fine, coarse = (lost(", store_m3: 60", step_s=step) for step in (1.0, 10.0))
    assert abs(warmer(fine) - warmer(coarse)) <= 15.0
    y, z = (f.series["fws_supply_temperature"][:, 0] for f in (fine, coarse))
    assert abs(y[-1] - z[-1]) < y[-1] - y[-11]  # by less than the water warms in a step


def test_a_larger_store_never_warms_the_halls_sooner(lost):
    times = [warmer(lost(f", store_m3: {v}")) for v in (0, 10, 30, 31, 80)]
    assert times == sorted(times)
    assert times[0] < times[-1]


def test_half_a_pipe_is_told_with_its_place(tmp_path):
    path = tmp_path / "stored.yaml"
    path.write_text(SITE.format(extra=", pipe_length_m: 400"))
    with pytest.raises(InputError, match="a pipe has both, pipe_length_m and pipe_diameter_mm"):
        load_site(path)
