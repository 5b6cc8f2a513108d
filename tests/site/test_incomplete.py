"""Incomplete sites: each ``unknown`` at its place, overlays that complete them; names of items in the telemetry."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shipped_sites import is_incomplete
from twin.core.errors import InputError
from twin.site.incomplete import UNKNOWN, unknowns_of
from twin.site.load import load_site
from twin.site.lower import lower
from twin.site.names import items_of
from twin.site.plan import rack_names

NEEDED = "not in the telemetry; complete it in an overlay"


def written(folder: Path, text: str, name: str = "mine") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(f"base: oklahoma-10\nname: {name}\n{text}")
    return file


def told(file: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_site(file)
    return [str(problem) for problem in caught.value.problems]


def test_an_unknown_is_told_at_its_place_with_its_meaning_and_unit(tmp_path):
    file = written(tmp_path, "utc_offset_h: unknown\nelectrical: {elements: {mv: {fed_from: unknown}}}\n")
    offset, fed = told(file)
    assert offset == f"{file}:3:15: utc_offset_h: unknown, local standard time minus UTC [h]: {NEEDED}"
    assert fed.startswith(f"{file}:4:40: electrical.elements.mv.fed_from: unknown, id of a campus element, `grid`")


@pytest.mark.parametrize(
    "text",
    [
        "weather: {file: unknown}",
        "contract: {tranches: unknown}",
        "buildings: {okc: {halls: {hall-1: {template: unknown}}}}",
        "buildings: {okc: {halls: {hall-1: {fed_from: unknown}}}}",
        "buildings: {okc: {loops: {chw: {plant: {fed_from: unknown}}}}}",
        "buildings: {okc: {loops: {chw: {plant: unknown}}}}",
        "buildings: {okc: {loops: {chw: {plant: {chillers: unknown}}}}}",
        "electrical: {elements: {mv: {fed_from: {grid: unknown}}}}",
        "electrical: {elements: {mv: {device: unknown}}}",
        "electrical: {elements: {mv: {count: unknown}}}",
    ],
)
def test_an_unknown_of_any_kind_is_one_problem_and_nothing_follows_from_it(tmp_path, text):
    (line,) = told(written(tmp_path, text))
    assert ": unknown" in line
    assert line.endswith(NEEDED)


def test_what_is_wrong_beside_an_unknown_is_told_too(tmp_path):
    text = "weather: {file: unknown}\nelectrical: {elements: {mv: {device: mv-feedr}}}\nutc_offset_h: 99\n"
    assert [": unknown" in line for line in told(written(tmp_path, text))] == [True, False, False]


def test_an_overlay_completes_and_what_it_leaves_is_told_where_it_stands(tmp_path):
    base = written(tmp_path, "utc_offset_h: unknown\nweather: {file: unknown}\n", "base")
    over = tmp_path / "over.yaml"
    over.write_text("base: base.yaml\nname: over\nutc_offset_h: -6\n")
    (line,) = told(over)
    assert line.startswith(f"{base}:4:17: weather.file: unknown")
    over.write_text("base: base.yaml\nname: over\nutc_offset_h: -6\nweather: {file: tampa}\n")
    assert load_site(over).site.utc_offset_h == -6
    assert (is_incomplete(str(base)), is_incomplete(str(over))) == (True, False)


def test_text_and_names_of_the_telemetry_may_hold_the_word(tmp_path):
    file = written(tmp_path, "title: unknown\nnote: unknown\ntelemetry: {names: {mv: unknown}}\n")
    assert load_site(file).site.title == UNKNOWN
    assert list(unknowns_of({"a": ["unknown", {"b": "unknown", "note": "unknown"}]})) == [("a", 0), ("a", 1, "b")]


# ------------------------------------------------------------------------------------------ names in the telemetry
@pytest.mark.parametrize("name", ["oklahoma-10", "redundant-4n3", "rubin-manifold", "titan-pod-estimate"])
def test_items_are_those_of_the_results(name):
    loaded = load_site(name)
    plan, items = lower(loaded), set(items_of(loaded.site))
    labels = plan.labels
    inside = [element for element in labels.element if not element.endswith(("/feeds", "/bus"))]
    assert {*rack_names(plan), *labels.cdu, *labels.sec, *labels.hall, *labels.loop, *inside} == items


def test_a_name_of_no_item_and_an_id_of_two_are_told_at_their_places(tmp_path):
    names = "{okc/hall-1/cdu-1: A, okc/hall-1/cdu-02: B, okc/chw: B, mv: ''}"
    file = written(tmp_path, f"telemetry: {{names: {names}}}\n")
    no, twice, empty = told(file)
    assert (
        no
        == (
            f"{file}:3:21: telemetry.names.okc/hall-1/cdu-1: "
            'the site has no item "okc/hall-1/cdu-1"; did you mean "okc/hall-1/cdu-10"?'
        )
        or 'did you mean "okc/hall-1/cdu-01"?' in no
    )
    assert twice.endswith('telemetry.names.okc/chw: "B" is the id of okc/hall-1/cdu-02 already: an id names one item')
    assert empty.endswith("telemetry.names.mv: expected an id of the telemetry, got an empty text")


def test_names_are_checked_in_an_incomplete_site_unless_the_item_may_be_in_what_is_unknown(tmp_path):
    wrong = "telemetry: {names: {okc/chv: A}}\n"
    unknown, named = told(written(tmp_path, f"utc_offset_h: unknown\n{wrong}"))
    assert ": unknown" in unknown
    assert 'no item "okc/chv"; did you mean "okc/chw"?' in named
    (only,) = told(written(tmp_path, "buildings: {okc: {loops: {chv: unknown}}}\n" + wrong))
    assert ": unknown" in only
