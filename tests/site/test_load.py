"""Loading: names and paths, digests, own libraries, and that nothing but an InputError comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.core.errors import InputError, Problem
from twin.racks.rack import Rack
from twin.site.library import load_library
from twin.site.load import load_site
from twin.site.shipped import shipped


def told(name: str | Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_site(name)
    return [str(p) for p in caught.value.problems]


def test_an_unknown_site_is_told_with_the_nearest_and_all_names():
    (line,) = told("prairie-75")
    assert 'there is no site "prairie-75"; did you mean "prairie-750"' in line
    assert all(name in line for name in shipped())


@pytest.mark.parametrize("name", ["", "\0", "no/such.yaml", "x" * 5000])
def test_a_name_that_is_no_file_is_told(name):
    assert "there is no site" in told(name)[0]


def test_a_site_is_loaded_by_path_as_text_or_path(folder):
    by_path, by_text = load_site(folder / "site.yaml"), load_site(str(folder / "site.yaml"))
    assert by_path.site == by_text.site
    assert by_path.digest == by_text.digest


def test_the_digest_follows_the_values_and_the_entries_used_only(folder):
    file, library = folder / "site.yaml", folder / "library"
    before = load_site(file).digest
    file.write_text("# a comment, and another layout\n" + file.read_text())
    assert load_site(file).digest == before
    unused = library / "racks" / "t-wet-glycol.yaml"
    unused.write_text(unused.read_text() + "note: more\n")
    assert load_site(file).digest == before
    used = library / "racks" / "t-wet.yaml"
    used.write_text(used.read_text() + "note: more\n")
    changed = load_site(file).digest
    assert changed != before
    file.write_text(file.read_text().replace("mw: 10", "mw: 11"))
    assert load_site(file).digest not in (before, changed)


def test_the_entries_used_hold_the_supplies_of_the_racks(folder):
    file = folder / "site.yaml"
    file.write_text(file.read_text().replace("rack: t-dry", "rack: t-bus"))
    loaded = load_site(file)
    assert {"t-bus", "t-psu", "t-curved", "t-wet", "t-cdu", "t-chiller"} <= set(loaded.used)
    assert not {"t-dry", "t-wet-glycol"} & set(loaded.used)


def test_an_own_entry_with_a_shipped_id_is_an_error(folder):
    copy = folder / "library" / "cdus" / "cdu-3mw.yaml"
    copy.write_text((folder / "library" / "cdus" / "t-cdu.yaml").read_text())
    assert told(folder / "site.yaml") == [
        f'{copy}: "cdu-3mw" stands already in sites/library/cdus/cdu-3mw.yaml: rename one of them'
    ]


def test_a_misspelt_folder_of_the_own_library_is_an_error(folder):
    (folder / "library" / "racks").rename(folder / "library" / "rack")
    words = '"rack" is not a folder of the library; did you mean "racks"?'
    assert any(words in line for line in told(folder / "site.yaml"))


def test_faults_of_an_entry_have_their_place(tmp_path):
    def fault(text: str, folder: str = "cdus") -> str:
        file = tmp_path / folder / "x.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        with pytest.raises(InputError) as caught:
            load_library(tmp_path).entry("x")
        file.unlink()
        return str(caught.value.problems[0]).removeprefix(str(file))

    assert fault("title: t\n").startswith(':1:1: kind: missing key "kind": one of cdu')
    assert fault("title: t\nkind: cdv\n") == ':2:7: kind: unknown kind "cdv"; did you mean "cdu"?'
    assert fault("kind: rack\n") == ':1:7: kind: the kind rack belongs into the folder "racks", this is "cdus"'
    assert fault("kind: cdu\ntitle: tee\n").startswith(':1:1: rated_kw: missing key "rated_kw"')


def test_the_library_answers_by_id_and_kind(folder):
    library = load_library(folder / "library", None, folder / "nowhere")
    assert isinstance(library.get("t-wet", Rack), Rack)
    assert library.get("t-wet", "rack") is library.get("t-wet")
    assert "t-psu" in library.ids("psu")
    assert "t-wet" not in library.ids("psu")
    assert set(library.ids()) == set(library) == {id for id in library if id in library}
    with pytest.raises(InputError, match='"t-wet" is of kind rack, expected psu'):
        library.get("t-wet", "psu")
    with pytest.raises(InputError, match='no "t-wett"; did you mean "t-wet"'):
        library.get("t-wett")


WORDS = """
format name title base weather contract tranches from electrical elements templates buildings loads device fed_from grid
rows groups rack count liquid B1 a 1 1.5 -3 true null [] {} ~ 2026-01-01 small cs3-x2 prairie-750 site.yaml
"""
words = st.sampled_from(WORDS.split())
parts = st.lists(st.tuples(words, st.sampled_from([": ", ":\n  ", "\n", " "])))
trees = st.recursive(
    words | st.none() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.text() | parts.map(lambda pairs: "".join(map("".join, pairs))))
def test_any_text_is_a_site_or_an_input_error(tmp_path, text):
    file = tmp_path / "any.yaml"
    file.write_text(text, encoding="utf-8", errors="replace", newline="")
    with pytest.raises(InputError) as caught:
        load_site(file)
    assert caught.value.problems


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)
@given(st.data())
def test_any_part_of_a_site_may_be_anything(folder, data):
    """A value anywhere in a good site is replaced by a random tree: told, or loaded, never another error."""
    from twin.site.document import parse
    from twin.site.dump import dump

    document = parse((folder / "site.yaml").read_text(), "site.yaml")
    path = data.draw(st.sampled_from(sorted(document.marks, key=repr)))
    parent = document.at(path[:-1])
    if data.draw(st.booleans()):
        parent[path[-1]] = data.draw(trees)
    elif isinstance(parent, dict):
        parent[data.draw(words)] = parent.pop(path[-1])
    file = folder / "any.yaml"
    file.write_text(dump(document.data))
    assert all(p.message and p.file for p in problems_or_warnings(file))


def problems_or_warnings(file: Path) -> list[Problem]:
    try:
        return list(load_site(file).warnings)
    except InputError as error:
        return error.problems
