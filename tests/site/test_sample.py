"""Samples of a site: seeded, stratified, the same unknown for the same machine, and never against a rule."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.bands import banded
from twin.inference.draw import Draw
from twin.inference.serving import Serving
from twin.racks.rack import Rack
from twin.site.load import load_site
from twin.site.sample import places, sampled_site, unknown_entries


def test_places_fill_each_equal_part_once():
    u = places("an unknown", 50, 7)
    assert np.sort(np.floor(u * 50)).tolist() == list(range(50))
    assert (u != places("another", 50, 7)).all()
    assert (u == places("an unknown", 50, 7)).all()


def test_two_densities_of_one_rack_share_what_is_unknown_of_it():
    site = load_site("prairie-750")
    for index in range(5):
        library = sampled_site(site, index, samples=5, seed=1).library
        two, three = library.get("cs3-x2", Rack), library.get("cs3-x3", Rack)
        assert two.liquid_share.value == three.liquid_share.value


@pytest.mark.parametrize("name", ["prairie-750", "oklahoma-10", "frontier"])
def test_every_sample_of_a_shipped_site_stays_in_its_bands(name):
    site = load_site(name)
    ids = unknown_entries(site.site, site.library)
    for index in range(64):
        library = sampled_site(site, index, samples=64, seed=0).library
        for id in ids:
            entry, drawn = site.library.get(id), library.get(id)
            assert isinstance(drawn, Rack | Serving | Draw)
            assert banded(drawn) == ()
            for key in banded(entry):
                figure = entry.figures()[key]
                low = figure.value if figure.low is None else figure.low
                high = figure.value if figure.high is None else figure.high
                assert low <= drawn.figures()[key].value <= high


def test_the_site_that_was_sampled_stays_as_it_is():
    site = load_site("oklahoma-10")
    before = site.library.get("cs3-x2", Rack)
    sampled_site(site, 0, samples=4, seed=0)
    assert site.library.get("cs3-x2", Rack) is before
