"""Bands of time to trip: what is not published moves them, what drives them is named, none of it is validated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twin.analysis.fail import beside, fail
from twin.analysis.fail_bands import PUMPS, TIMES, fail_bands, plain, render
from twin.core.errors import InputError

SITE, CDU, AT = "oklahoma-10", "okc/hall-1/cdu-02", "2028-07-11T18:00"


def told(element: str, samples: int = 24, **how: Any) -> dict[str, Any]:
    return plain(fail_bands(SITE, element, samples=samples, **{"at": AT, "load": "full", **how}))


@pytest.fixture(scope="module")
def pumps() -> dict[str, Any]:
    return told(CDU, 64)


def test_a_band_goes_up_and_its_centre_is_the_closed_form_beside_the_run(pumps):
    trip = pumps["times"]["trip_s"]
    assert trip["p10"] < trip["p50"] < trip["p90"]
    (row,) = beside(fail(SITE, [CDU], at=AT, load="full"))
    assert trip["centre"] == pytest.approx(row["trip_s"]["closed"], abs=1e-9)
    assert trip["share_within"] == 1.0
    assert pumps["racks"] == 18


def test_a_wafer_without_flow_lasts_tens_of_seconds_where_its_flow_switch_decides_and_its_delay_drives_it(pumps):
    trip, junction = pumps["times"]["trip_s"], pumps["times"]["junction_s"]
    assert trip["drivers"][0]["figure"].endswith("trip_delay_s")
    assert trip["drivers"][0]["effect"] == "longer"
    shares = [driver["share"] for driver in trip["drivers"]]
    assert shares == sorted(shares, reverse=True)
    assert all(driver["source"] for driver in trip["drivers"])
    assert junction["p10"] > trip["p10"]


def test_without_facility_water_it_is_the_water_behind_the_cdu_and_the_limit_of_the_racks():
    times = told(f"{CDU}:facility", 64)["times"]["trip_s"]
    assert {d["figure"].split(": ")[1] for d in times["drivers"][:2]} == {"loop_volume_l_kw", "liquid_inlet_trip_c"}


def test_it_is_called_a_prior_and_not_validated(pumps):
    assert pumps["confidence"] == "prior, not validated"
    text = render(pumps)
    assert "prior, not validated" in text
    assert "What drives it: racks trip" in text


def test_equal_seeds_are_equal_and_others_are_not():
    one, same, other = (fail_bands(SITE, CDU, at=AT, samples=8, seed=seed) for seed in (1, 1, 2))
    assert (one.u == same.u).all()
    for key in TIMES:
        np.testing.assert_array_equal(one.samples[key], same.samples[key])
    assert (one.samples["trip_s"] != other.samples["trip_s"]).any()


def test_every_unknown_has_one_sample_in_each_stratum():
    made = fail_bands(SITE, CDU, at=AT, samples=8)
    assert made.u.shape == (8, len(made.unknowns))
    assert made.redrawn == 0
    for places in made.u.T:
        assert sorted(np.floor(8 * places).astype(int)) == list(range(8))
    assert made.unknowns[-2:] == PUMPS
    assert all(entry in ("cs3-x2", "cdu-3mw", "pumps") for unknown in made.unknowns for entry, _ in unknown.members)


@pytest.mark.parametrize(
    ("element", "samples", "says"),
    [("okc/hall-1/air", 8, "has no closed form"), ("okc/chx", 8, 'did you mean "okc/chw"'), (CDU, 3, "whole number")],
)
def test_what_has_no_bands_is_told(element, samples, says):
    with pytest.raises(InputError, match=says) as error:
        told(element, samples)
    assert error.value.problems[0].path in ("ELEMENT", "samples=")
