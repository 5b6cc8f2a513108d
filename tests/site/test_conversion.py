"""The sites before and after a conversion: what changes hands, what stays, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from twin.core.errors import InputError
from twin.site.conversion import MARK, NEW, conversion
from twin.site.load import LoadedSite, load_site
from twin.site.lower_fleet import lower_fleet

SPLIT = "gpt-oss-120b-trn2-prefill@b2/b2-h6+gpt-oss-120b-cs3-decode"


@pytest.fixture(scope="module")
def prairie() -> LoadedSite:
    return load_site("prairie-750")


def systems(loaded: LoadedSite) -> dict[str, float]:
    """Systems of each pool, over all halls."""
    site = loaded.site
    halls = [f"{b}/{h}" for b, building in site.buildings.items() for h in building.halls]
    plan = lower_fleet(site, loaded.library, halls)
    assert plan is not None
    return dict(zip(plan.pool, plan.hall_systems.sum(axis=0).tolist(), strict=True))


def test_the_racks_of_a_site_stay_and_only_the_group_changes(prairie):
    change = conversion(prairie, ["b1/b1-h1"], None, "gpt-oss-120b-cs3")
    whole, before, after = (systems(s) for s in (prairie, change.before, change.after))
    assert sum(before.values()) == sum(after.values()) == sum(whole.values())
    assert before["wafer-chat"] + before[f"wafer-chat{MARK}"] == whole["wafer-chat"]
    assert after[NEW] == before[f"wafer-chat{MARK}"]
    untouched = {pool for pool in whole if not pool.startswith("wafer-chat")}
    assert {pool: after[pool] for pool in untouched} == {pool: whole[pool] for pool in untouched}
    assert change.slices == {f"wafer-chat{MARK}": "wafer-chat"}
    assert change.halls == ("b1/b1-h1",)


def test_the_new_service_is_asked_for_what_the_hall_was_asked_for(prairie):
    change = conversion(prairie, ["b1/b1-h1"], None, "gpt-oss-120b-cs3")
    spec = change.after.site.inference
    assert spec is not None
    assert spec.services[NEW].mix == {f"chat{MARK}": pytest.approx(0.7), f"code{MARK}": pytest.approx(0.3)}
    assert change.classes == ("chat", "code")
    others = [s.mix for id, s in spec.services.items() if id != NEW]
    assert not any(c.endswith(MARK) for mix in others for c in mix)


def test_a_prefill_hall_is_taken_from_the_service_that_had_it(prairie):
    change = conversion(prairie, ["b1/b1-h4"], None, SPLIT)
    whole, after = systems(prairie), systems(change.after)
    assert set(change.slices.values()) == {"wafer-agents", "split-search"}
    assert set(change.group_after) == {NEW, f"split-search{MARK}"}
    lost = whole["split-search/prefill"] - after[f"split-search{MARK}/prefill"]
    assert lost == after[f"{NEW}/prefill"] > 0
    assert after[f"split-search{MARK}/decode"] == whole["split-search/decode"]
    assert change.name(NEW) == "wafer-agents"
    assert change.halls[0] == "b1/b1-h4"


def test_a_whole_service_is_converted(prairie):
    change = conversion(prairie, [], "reasoning", "llama-3.1-405b-gb200")
    assert set(change.halls) == {"b3/b3-h1", "b3/b3-h2", "b3/b3-h6"}
    whole, after = systems(prairie), systems(change.after)
    assert after[NEW] == whole["reasoning"]
    assert "reasoning" not in after


def test_a_split_service_can_become_another_on_all_its_halls(prairie):
    change = conversion(prairie, [], "split-search", "kimi-k2-trn2-prefill+kimi-k2-cs3-decode")
    whole, after = systems(prairie), systems(change.after)
    assert after[f"{NEW}/prefill"] == whole["split-search/prefill"]
    assert after[f"{NEW}/decode"] == whole["split-search/decode"]
    assert change.group_after == (NEW,)


def test_halls_that_two_services_share_are_told_apart_by_their_racks(prairie):
    # hgx-air halls: pictures on the B200 servers, enterprise on the H100 servers.
    change = conversion(prairie, ["b3/b3-h5"], None, "llama-3.3-70b-h100x4")
    assert set(change.slices.values()) == {"enterprise"}
    assert np.isclose(systems(change.after)["pictures"], systems(prairie)["pictures"])


@pytest.mark.parametrize(
    ("halls", "service", "layout", "said"),
    [
        (["b1/b1-h9"], None, "gpt-oss-120b-cs3", 'no hall "b1/b1-h9"; did you mean "b1/b1-h'),
        (["b3/b3-h3"], None, "deepseek-r1-gb300", "is in no service"),
        (["b1/b1-h1"], None, "gpt-oss-120b-b200", "hall b1/b1-h1 has cs3-x2, on which these run: glm-4.7-cs3"),
        (["b1/b1-h1"], None, "gpt-oss-120b-cs", 'did you mean "gpt-oss-120b-cs3"'),
        (["b1/b1-h1"], None, "gpt-oss-120b-cs3-decode", "is decode, here one that is colocated is expected"),
        (["b1/b1-h1"], None, "a+b+c", "is no layout"),
        (["b1/b1-h1"], None, "gpt-oss-120b-trn2-prefill+gpt-oss-120b-cs3-decode", "name halls with @"),
        (["b1/b1-h1"], None, "llama-3.3-70b-trn2-prefill@b2/b2-h6+gpt-oss-120b-cs3-decode", "one model"),
        ([], "split-serch", "gpt-oss-120b-cs3", 'did you mean "split-search"'),
        ([], "split-search", "gpt-oss-120b-cs3", "leave it out"),
        (["b2/b2-h5", "b5/b5-h5", "b8/b8-h5"], None, "gpt-oss-120b-cs3", "split-search/decode would have no hall left"),
        (["b3/b3-h5"], None, "llama-3.3-70b-b200", "makes tokens, pictures is asked for pictures"),
        ([], None, "gpt-oss-120b-cs3", "give either"),
    ],
)
def test_what_cannot_be_is_refused(prairie, halls, service, layout, said):
    with pytest.raises(InputError) as caught:
        conversion(prairie, halls, service, layout)
    assert said in str(caught.value)


def test_a_model_that_does_not_fit_says_by_how_much(tmp_path):
    (tmp_path / "library/serving").mkdir(parents=True)
    text = load_site("prairie-750").library.entry("gpt-oss-120b-cs3").text
    (tmp_path / "library/serving/tiny.yaml").write_text(text.replace("{value: 176,", "{value: 44,"))
    (tmp_path / "own.yaml").write_text("format: 1\nbase: prairie-750\nname: own\n")
    with pytest.raises(InputError, match="GB short"):
        conversion(load_site(tmp_path / "own.yaml"), ["b1/b1-h1"], None, "tiny")
