"""What must hold for every shipped site, every library entry and every kind; a new one is covered at once."""

from __future__ import annotations

import json
import time

import pytest

from tests.shipped_sites import COMPLETE, INCOMPLETE
from twin.core.errors import InputError
from twin.core.registry import kinds
from twin.site.document import parse
from twin.site.figures import figure_rows
from twin.site.incomplete import NEEDED, unknowns_of
from twin.site.library import load_library
from twin.site.load import load_site
from twin.site.schema import NAME, schema_text, site_schema
from twin.site.shipped import data_root, shipped
from twin.site.waterfall import waterfall

LIBRARY = load_library()


@pytest.mark.parametrize("name", COMPLETE)
def test_a_shipped_site_is_valid(name):
    loaded = load_site(name)
    assert loaded.site.name == name
    assert loaded.warnings == ()
    assert len(loaded.digest) == 64
    json.dumps(waterfall(loaded.site, loaded.library), allow_nan=False)


@pytest.mark.parametrize("name", INCOMPLETE)
def test_an_incomplete_site_lacks_nothing_but_what_it_calls_unknown_and_has_an_overlay(name):
    with pytest.raises(InputError) as caught:
        load_site(name)
    places = {tuple(problem.path.split(".")) for problem in caught.value.problems}
    data = parse(shipped()[name].read_bytes(), name).data
    assert places == {tuple(map(str, path)) for path in unknowns_of(data)}
    assert all(problem.line and problem.message.endswith(NEEDED) for problem in caught.value.problems)
    assert name in {parse(shipped()[other].read_bytes(), other).data.get("base") for other in COMPLETE}


@pytest.mark.parametrize("id", LIBRARY)
def test_a_library_entry_is_whole(id):
    rows = figure_rows(LIBRARY.get(id))
    assert rows
    for row in rows:
        assert row["source"].strip()
        assert row["confidence"] in ("vendor", "measured", "reported", "estimate")
        if not row["key"].startswith("facts."):
            assert row["unit"], row["key"]
            assert row["meaning"], row["key"]


@pytest.mark.parametrize("kind", kinds())
def test_a_kind_has_an_entry(kind):
    assert LIBRARY.ids(kind)


def test_the_whole_library_is_read_quickly():
    """CPU time, the best of five: another worker's tests on the same core cost more."""
    taken = []
    for _ in range(5):
        begin = time.thread_time()
        library = load_library()
        assert [library.get(id) for id in library]
        taken.append(time.thread_time() - begin)
    assert min(taken) < 0.3


def test_the_shipped_schema_is_that_of_the_model():
    """Write it anew: ``python -m twin.site.schema > sites/site.schema.json``."""
    assert (data_root() / NAME).read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_of_draft_7():
    schema = site_schema()
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    text = json.dumps(schema)
    assert not any(word in text for word in ("prefixItems", "$defs", "unevaluatedProperties", "dependentRequired"))
    references = {part.split('"', maxsplit=1)[0] for part in text.split('"#/definitions/')[1:]}
    assert references <= set(schema["definitions"])


@pytest.mark.parametrize("name", shipped())
def test_the_schema_knows_every_key_of_a_shipped_site(name):
    """A walk along the schema without a validator: every key that is written is a property or fits a map."""
    definitions = site_schema()["definitions"]

    def walk(value, options):
        while any("$ref" in o or "anyOf" in o for o in options):
            options = [definitions[o["$ref"].rpartition("/")[2]] if "$ref" in o else o for o in options]
            options = [inner for o in options for inner in o.get("anyOf", [o])]
        if isinstance(value, list):
            for item in value:
                walk(item, [o["items"] for o in options if "items" in o])
        elif isinstance(value, dict):
            for key, item in value.items():
                inner = [o["properties"][key] for o in options if key in o.get("properties", {})]
                inner += [p for o in options for p in o.get("patternProperties", {}).values()]
                inner += [o["additionalProperties"] for o in options if isinstance(o.get("additionalProperties"), dict)]
                assert inner, key
                walk(item, inner)

    data = parse(shipped()[name].read_bytes(), name).data
    walk(data, [definitions["PartialSite" if "base" in data else "Site"]])
