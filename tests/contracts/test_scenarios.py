"""What must hold for every shipped scenario on every shipped site where it applies: a new one is covered at once."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest

from tests.shipped_sites import COMPLETE
from twin.analysis.fail import Failure, fail, told
from twin.core.errors import InputError
from twin.engine.faults import places
from twin.engine.scenario import load_scenario, shipped_scenarios
from twin.site.load import load_site
from twin.site.lower import lower

PAIRS = list(product(shipped_scenarios(), COMPLETE))


@cache
def roles(site: str) -> set[str]:
    loaded = load_site(site)
    return {place.role for place in places(loaded, lower(loaded)).values()}


def applies(scenario: str, site: str) -> bool:
    """Whether the site has what breaks."""
    return {item.role for _, item in load_scenario(scenario).faults if item.role is not None} <= roles(site)


def run(scenario: str, site: str) -> Failure:
    """As the scenario says, in steps of 5 s: what is held is a sum over steps of any length."""
    return fail(site, scenario=scenario, step_s=5.0)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_is_right_and_says_where_its_figures_come_from(name):
    written = load_scenario(name)
    assert written.problems == ()
    assert len(written.source) > 10
    assert written.at in ("warmest", "coldest")
    assert written.lasting_s is not None
    assert written.faults or written.weather
    assert all(item.element in (None, "grid") for _, item in written.faults)  # they fit any site


@pytest.mark.parametrize(("scenario", "site"), [pair for pair in PAIRS if applies(*pair)])
def test_heat_in_is_heat_out_plus_stored_in_every_shipped_scenario(scenario, site):
    failure = run(scenario, site)
    answer = told(failure)
    assert failure.residual < 1e-9
    assert all(np.isfinite(failure.series[name]).all() for name in ("site_power", "site_it_power", "plant_heat"))
    assert answer["racks_at_end"] <= answer["racks"]
    assert [row["s"] for row in answer["timeline"]] == sorted(row["s"] for row in answer["timeline"])


@pytest.mark.parametrize(("scenario", "site"), [pair for pair in PAIRS if not applies(*pair)])
def test_where_a_scenario_does_not_apply_it_says_what_the_site_lacks(scenario, site):
    with pytest.raises(InputError, match="the site has no "):
        run(scenario, site)


def test_every_scenario_applies_somewhere_and_every_site_has_some():
    assert {scenario for scenario, site in PAIRS if applies(scenario, site)} == set(shipped_scenarios())
    assert {site for scenario, site in PAIRS if applies(scenario, site)} == set(COMPLETE)
