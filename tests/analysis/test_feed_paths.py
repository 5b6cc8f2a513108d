"""Traces: names, namesakes, what only a double loss takes, and pictures that lump without losing anything."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from twin.analysis.feed_lumps import MOST, percent, picture, watts
from twin.analysis.feed_paths import Traces, edges_above, edges_below, plain, trace
from twin.analysis.feed_text import render
from twin.core.errors import InputError
from twin.site.graph import LOAD

TWO_FEEDS = """\
format: 1
base: oklahoma-10
name: two-feeds
electrical:
  elements:
    a: {device: mv-feeder, count: 2, fed_from: grid}
    b: {device: mv-feeder, count: 2, fed_from: grid}
    mv: {fed_from: {a: 0.6, b: 0.4}}
"""


@pytest.fixture(scope="module")
def campus() -> Traces:
    """prairie-750 at all heights, from the grid to a class."""
    names = ["grid", "yard", "b1", "b3/warm", "b1/b1-h1", "b1/b1-h1/ups", "b2/b2-h6/air", "b1/b1-h1/cdu-03"]
    return trace("prairie-750", [*names, "b9/hot/rejection", "b1/b1-h1/r-4", "b1/b1-h1/r-4/05", "reasoning", "agents"])


def test_an_unknown_name_is_told_with_the_nearest_one_and_all_at_once():
    with pytest.raises(InputError) as told:
        trace("oklahoma-10", ["okc/hall-1/cdu-3", "okc/chv", "mv"])
    texts = [p.message for p in told.value.problems]
    assert len(texts) == 2
    assert 'no element "okc/hall-1/cdu-3"; did you mean "okc/hall-1/cdu-0' in texts[0]
    assert 'no element "okc/chv"; did you mean "okc/chw"?' in texts[1]


def test_namesakes_are_all_traced_and_a_role_tells_them_apart():
    assert [t.node.role for t in trace("prairie-750", ["b1"]).traces] == ["element", "building"]
    assert [t.node.role for t in trace("prairie-750", ["building:b1"]).traces] == ["building"]


def test_a_hall_holds_its_racks_and_is_fed_by_feeder_and_water():
    (hall,) = trace("oklahoma-10", ["okc/hall-1"]).traces
    roles = Counter(key.partition(":")[0] for key in hall.inside)
    assert roles == {"rack": 88, "cdu": 5, "air": 1, "element": 4}
    assert set(hall.above) == {
        "grid:grid", "element:mv", "element:plant", "rejection:okc/chw/rejection", "chillers:okc/chw/chillers",
        "economizer:okc/chw/economizer", "loop:okc/chw",
    }  # fmt: skip
    assert {key: f.share for key, f in hall.below.items()} == {"load:chat": pytest.approx(0.5)}


def test_only_the_loss_of_both_feeds_takes_what_has_two(tmp_path: Path):
    file = tmp_path / "two.yaml"
    file.write_text(TWO_FEEDS)
    both = trace(file, ["a", "b"])
    assert [t.node.name for t in both.traces] == ["a", "b"]
    told = plain(both)
    for element in told["elements"]:
        assert element["racks"]["alone"] == []
        assert element["racks"]["other"]["racks"] == 176
    assert sum(row["role"] == "rack" for row in told["only_together"]) == 176
    text = render(both)
    assert "176 racks (8.10 MW) have another way: b" in text
    assert "Only with a and b lost together\n  176 racks (8.10 MW) lose power, liquid cooling, air cooling" in text
    assert "60 %" in text
    assert "other way: b (40 % now)" in text


def test_a_picture_holds_every_node_once_and_every_kilowatt(campus):
    graph = campus.graph
    for found in campus.traces:
        seen = picture(graph, found)
        keys = [key for lump in seen.lumps for key in lump.keys]
        assert len(keys) == len(set(keys))
        assert set(keys) == {*found.above, *found.inside, *found.below}
        edges = [*edges_above(graph, found), *edges_below(graph, found)]
        assert sum(link.kw or 0.0 for link in seen.links) == pytest.approx(sum(e.kw or 0.0 for e in edges), rel=1e-9)
        for link in seen.links:
            assert link.share is None or 0.0 <= link.share <= 1.0 + 1e-9  # 0: stands by


def test_a_picture_of_a_campus_fits_a_page(campus):
    for found in campus.traces:
        seen = picture(campus.graph, found)
        boxes = [lump for lump in seen.lumps if lump.node.role not in LOAD]
        assert len(boxes) <= 5 * MOST, found.node.name
        assert all(link.source < len(seen.lumps) and link.source != link.target for link in seen.links)


def test_everything_is_plain_json_with_names_of_the_results(campus):
    told = json.loads(json.dumps(plain(campus), allow_nan=False))
    by_name = {row["name"]: row for row in told["elements"]}
    cdu = by_name["b1/b1-h1/cdu-03"]
    assert cdu["since"] == "2026-03-16"
    # 40 systems on each of 12 CDUs (the note of the template), two a rack, 46 kW a rack.
    assert cdu["racks"]["alone"] == [{"lose": ["liquid"], "racks": 20, "rated_kw": pytest.approx(920.0)}]
    assert {e["from"] for e in cdu["edges_above"] if e["to"] == "b1/b1-h1/cdu-03"} == {"b1/chw", "b1/b1-h1/ups"}
    single = by_name["b1/b1-h1/r-4/05"]
    assert single["racks"]["own"]["racks"] == 1
    assert "b1/b1-h1/cdu-03" in {row["name"] for row in single["fed_by"]}


def test_amounts_are_written_with_three_digits():
    assert [watts(kw) for kw in (4.6, 46.0, 46.2, 999.7, 3000.0, 66240.0, 750_000.0)] == [
        "4.6 kW", "46 kW", "46.2 kW", "1.00 MW", "3.00 MW", "66.2 MW", "750 MW",
    ]  # fmt: skip
    assert [percent(share) for share in (1.0, 0.5, 1 / 3, None)] == ["100 %", "50 %", "33.3 %", "either"]


def test_racks_on_the_feed_that_is_lost_are_told_from_those_that_only_what_cools_them_hangs_on():
    """UPS A of 4N3 feeds half of the racks, and a quarter of the pumps and fans of all."""
    found = trace("redundant-4n3", ["b1/h-4n3/ups-A", "b1/h-4n3/rpp-A-03"])
    ups, panel = (element["racks"]["other"] for element in plain(found)["elements"])
    assert (ups["racks"], ups["power"]) == (72, 36)
    assert (panel["racks"], panel["power"]) == (6, 6)
    text = render(found)
    assert "36 of these by their own feeds, the others by what cools them" in text
    loads = [line for line in text.splitlines() if line.startswith("  load ")]
    assert loads
    assert all(line.endswith("its racks have another way") for line in loads)
