"""Pressure lost in pipes against the package ``fluids``, and a site whose pipe is too narrow for its pumps."""

from __future__ import annotations

import fluids
import numpy as np
import pytest

from twin.cooling.friction import diameter_for, friction_factor, pipe_drop
from twin.core.errors import InputError
from twin.site.load import load_site

SITE = """\
format: 1
base: oklahoma-10
name: narrow
buildings: {{okc: {{loops: {{chw: {{pipe_length_m: 300, pipe_diameter_mm: {mm}}}}}}}}}
"""


def test_v14_a_pipe_of_50_mm(validation_row):
    """2.5 L/s of 1000 kg/m3 and 1 mPa s through 20 m of 50 mm, 0.045 mm rough, K = 3."""
    flow, d, rho, mu = 2.5e-3, 0.05, 1000.0, 1e-3
    reynolds = rho * flow / (0.25 * np.pi * d * d) * d / mu
    source = "fluids 1.3.1, Colebrook"
    got = friction_factor(reynolds, 45e-6 / d)
    validation_row("V14", "friction factor", 0.02298248, got, rel=1e-5, source=source, basis="checked")
    straight, _ = pipe_drop(flow, d, 20.0, rho, mu, roughness=45e-6)
    whole, _ = pipe_drop(flow, d, 20.0, rho, mu, roughness=45e-6, fittings=3.0)
    validation_row("V14", "pipe, Pa", 7451.6, straight, rel=1e-5, source=source, basis="checked")
    validation_row("V14", "fittings, Pa", 2431.7, whole - straight, rel=1e-5, source=source, basis="checked")


def test_v14_friction_over_a_grid(validation_row):
    worst = max(
        abs(friction_factor(re, e) / fluids.friction_factor(Re=re, eD=e, Method="Colebrook") - 1.0)
        for re in np.geomspace(4000.0, 1e8, 40).tolist()
        for e in (0.0, 1e-5, 1e-3, 0.05)
    )
    validation_row("V14", "friction factor, worst of 160", 0.0, worst, abs=1e-9, source="fluids", basis="checked")


@pytest.mark.parametrize("reynolds", [10.0, 2300.0, 2301.0, 3999.0, 4000.0])
def test_friction_has_no_jump_between_laminar_and_turbulent_flow(reynolds):
    assert friction_factor(reynolds * 1.000001, 1e-3) == pytest.approx(friction_factor(reynolds, 1e-3), rel=1e-4)


def test_a_diameter_loses_what_was_asked_for():
    d = diameter_for(80e3, 0.2, 600.0, 999.0, 1.3e-3)
    assert pipe_drop(0.2, d, 600.0, 999.0, 1.3e-3)[0] == pytest.approx(80e3, rel=1e-9)


def test_a_pipe_that_takes_more_than_the_pumps_have_is_told_with_the_diameter_that_does_not(tmp_path):
    path = tmp_path / "narrow.yaml"
    path.write_text(SITE.format(mm=200))
    with pytest.raises(InputError) as told:
        load_site(path)
    (problem,) = told.value.problems
    assert problem.path == "buildings.okc.loops.chw.pipe_diameter_mm"
    assert f"{path}:4:" in str(problem)
    assert "850 m3/h through 200 mm, 7.52 m/s, lose" in problem.message
    least = int(problem.message.rpartition("more than ")[2].split()[0])
    path.write_text(SITE.format(mm=least + 1))
    load_site(path)
