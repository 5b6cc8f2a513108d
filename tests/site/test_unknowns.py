"""What nobody has published of a site, and sites with it drawn."""

from __future__ import annotations

import pytest

from twin.core.bands import banded
from twin.core.errors import InputError
from twin.inference.wafer_draw import WaferDraw
from twin.racks.rack import Rack
from twin.site.load import LoadedSite, load_site
from twin.site.unknowns import drawn, entries_of, unknowns


@pytest.fixture(scope="module")
def prairie() -> LoadedSite:
    return load_site("prairie-750")


def test_every_banded_figure_of_every_entry_in_use_is_drawn_once(prairie):
    members = [pair for unknown in unknowns(prairie) for pair in unknown.members]
    assert len(members) == len(set(members))
    assert set(members) == {(id, key) for id in entries_of(prairie) for key in banded(prairie.library.get(id))}
    assert {"cs3-llm", "gpt-oss-120b-cs3", "gpt-oss-120b", "chat", "tower-cell-10mw"} <= set(entries_of(prairie))


def test_what_rests_on_the_same_words_is_one_unknown(prairie):
    (share,) = [u for u in unknowns(prairie) if ("cs3-x2", "liquid_share") in u.members]
    assert share.members == (("cs3-x2", "liquid_share"), ("cs3-x3", "liquid_share"))
    made = drawn(prairie, {share: 0.25}).library
    assert made.get("cs3-x2", Rack).liquid_share.value == pytest.approx(0.8 + 0.25 * 0.18)
    assert made.get("cs3-x3", Rack).liquid_share.value == made.get("cs3-x2", Rack).liquid_share.value


def test_an_unknown_has_the_same_name_in_every_site(prairie):
    """Common random numbers: variants of a site, and sites, share the numbers of what they share."""
    here = {u.name for u in unknowns(prairie)}
    there = [u for u in unknowns(load_site("oklahoma-10")) if u.members == (("fan-wall-400kw", "approach_k"),)]
    assert len(there) == 1
    assert there[0].name in here


def test_the_site_itself_is_left_as_it_was(prairie):
    before = prairie.library.get("cs3-llm", WaferDraw)
    made = drawn(prairie, dict.fromkeys(unknowns(prairie), 0.9))
    assert made.library.get("cs3-llm", WaferDraw).idle_share.value == pytest.approx(0.62)
    assert prairie.library.get("cs3-llm", WaferDraw) == before
    assert made.site is prairie.site


def test_a_sample_that_no_rule_mends_is_told_by_its_entry(prairie):
    entry = prairie.library.get("cs3-llm", WaferDraw)
    wrong = entry.model_copy(update={"sustained_kw": entry.sustained_kw.model_copy(update={"high": 60.0})})
    broken = drawn(prairie, {})
    broken = LoadedSite(**{**vars(broken), "library": broken.library.changed({"cs3-llm": wrong})})
    (unknown,) = [u for u in unknowns(broken) if ("cs3-llm", "sustained_kw") in u.members]
    with pytest.raises(InputError, match=r"cs3-llm: a sample of its bands is no wafer-draw: .*sustained_kw"):
        drawn(broken, {unknown: 1.0})
