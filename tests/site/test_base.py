"""``base:`` makes a site a change of another; every value keeps the place where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.core.errors import InputError
from twin.site.document import parse
from twin.site.load import load_site

ID = 'expected an id (letters, digits, "_", ".", "-"; at most 64)'


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.write_text(text)
    return file


def problems_of(file: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_site(file)
    return [str(p) for p in caught.value.problems]


def test_mappings_merge_lists_are_replaced_and_null_deletes(folder):
    file = write(
        folder,
        "warm.yaml",
        """\
base: site.yaml
name: warm
contract:
  tranches:
    - {from: "2027-01-01", mw: 20, source: a test, confidence: estimate}
templates: {wet: {liquid: {supply_c: 27}, chain: {pdu: null}}}
buildings: {B1: {loops: {fws: {reset: null}}, halls: {H3: {template: wet, energised_on: "2027-05-01", fed_from: both}}}}
""",
    )
    loaded = load_site(file)
    site = loaded.site
    assert (site.name, site.title, site.base) == ("warm", "A small site", None)
    assert [(t.start, t.mw) for t in site.contract.tranches] == [("2027-01-01", 20)]
    liquid = site.templates["wet"].liquid
    assert liquid is not None
    assert (liquid.supply_c, liquid.supply_max_c, list(site.templates["wet"].chain)) == (27, 30, ["ups"])
    assert site.buildings["B1"].loops["fws"].reset is None
    assert list(site.buildings["B1"].halls) == ["H1", "H2", "H3"]


def test_the_resolved_text_is_the_same_site_by_itself(folder):
    file = write(folder, "variant.yaml", "base: site.yaml\nname: variant\nutc_offset_h: -7\n")
    variant = load_site(file)
    alone = load_site(write(folder, "alone.yaml", variant.text))
    assert alone.site == variant.site
    assert (alone.text, alone.digest) == (variant.text, variant.digest)
    assert list(parse(variant.text, "x").data)[:4] == ["format", "name", "title", "utc_offset_h"]


def test_a_fault_stands_in_the_file_that_holds_it(folder):
    file = write(folder, "variant.yaml", "base: site.yaml\ntemplates:\n  wet:\n    liquid: {supply_c: 10}\n")
    (told,) = problems_of(file)
    assert told.startswith(f"{file}:4:24: templates.wet.liquid.supply_c: 10 degC is not above")
    (folder / "site.yaml").write_text((folder / "site.yaml").read_text().replace("mw: 10", "mw: ten"))
    assert problems_of(write(folder, "variant.yaml", "base: site.yaml\nname: v\n")) == [
        f'{folder / "site.yaml"}:8:32: contract.tranches.0.mw: expected a number, got text "ten"'
    ]


def test_a_value_that_cannot_be_read_deletes_nothing_and_hides_nothing(folder):
    """Neither in the variant, where it would be a null, nor in the base."""
    base = folder / "site.yaml"
    base.write_text(base.read_text().replace("mw: 10", "mw: .nan"))
    file = write(folder, "v.yaml", "base: site.yaml\ntitle: .inf\nname: -v\ntemplates:\n  wte: null\n")
    assert [line.removeprefix(str(folder)) for line in problems_of(file)] == [
        "/v.yaml:2:8: title: .inf is not a finite number",
        f'/v.yaml:3:7: name: {ID}, got text "-v"',
        '/v.yaml:5:8: templates.wte: null deletes a key of the base, which has no "wte"; did you mean "wet"?',
        "/site.yaml:8:32: contract.tranches.0.mw: .nan is not a finite number",
    ]
    assert problems_of(write(folder, "w.yaml", "base: .nan\n")) == [
        f"{folder / 'w.yaml'}:1:7: base: .nan is not a finite number"
    ]


def test_relative_paths_start_from_the_file_that_names_them(folder):
    file = write(folder, "below/variant.yaml", "base: ../site.yaml\nname: below\nloads: {default: {csv: own.csv}}\n")
    write(folder, "below/own.csv", "time\n")
    paths = {place: path.resolve() for place, path in load_site(file).paths.items()}
    assert paths == {
        "weather.file": (folder / "weather.epw").resolve(),
        "loads.busy.csv": (folder / "busy.csv").resolve(),
        "loads.default.csv": (folder / "below" / "own.csv").resolve(),
    }


def test_circles_depth_and_unknown_bases_are_told(folder):
    a = write(folder, "a.yaml", "name: a\nbase: b.yaml\n")
    b = write(folder, "b.yaml", "base: ./a.yaml\n")
    assert problems_of(a) == [f"{b}:1:7: base: the bases go round in a circle: {a} -> {b} -> {folder / 'a.yaml'}"]
    for i in range(10):
        write(folder, f"d{i}.yaml", f"base: d{i + 1}.yaml\n")
    assert "d8.yaml:1:7: base: more than 8 bases" in problems_of(folder / "d0.yaml")[0]
    unknown = write(folder, "u.yaml", "name: u\nbase: prairi-750\n")
    told = f'{unknown}:2:7: base: there is no site "prairi-750"; did you mean "prairie-750"'
    assert problems_of(unknown)[0].startswith(told)
    assert "u.yaml:1:7: base: expected the path" in problems_of(write(folder, "u.yaml", "base: [x]\n"))[0]


def test_deleting_what_is_not_there_is_an_error(folder):
    file = write(folder, "v.yaml", "base: site.yaml\ntemplates:\n  wte: null\n")
    assert problems_of(file) == [
        f'{file}:3:8: templates.wte: null deletes a key of the base, which has no "wte"; did you mean "wet"?'
    ]


def test_a_shipped_site_can_be_a_base(tmp_path):
    file = write(tmp_path, "mine.yaml", "base: prairie-750\nname: mine\n")
    loaded = load_site(file)
    assert loaded.site.templates == load_site("prairie-750").site.templates
    assert loaded.digest != load_site("prairie-750").digest
