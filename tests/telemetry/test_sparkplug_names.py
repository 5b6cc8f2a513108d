"""What metrics of Sparkplug B are called here: by their own name and unit, or by a mapping file."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.batch import Batch, Reason
from telemetry.decode.sparkplug import Decoder, make
from telemetry.points import Point
from telemetry.sparkplug.convert import UNIT
from telemetry.sparkplug.mapping import SCHEMA, schema_text
from telemetry.sparkplug.naming import Meaning, by_name, slug
from telemetry.sparkplug.place import Place
from telemetry.sparkplug.schema import Datatype
from tests.telemetry.spb import metric, said, values
from twin.core.errors import InputError
from twin.site.shipped import data_root, shipped

EDGE, RACK = Place("", "campus", "hall-1"), Place("", "campus", "hall-1", "rack-R07")
HEAD = "format: 1\ntitle: test\nrules:\n"
RULE = '  - edge: "campus/{hall}"\n    metrics: [{metric: "P/{rack}", variable: rack_power, item: "{hall}/{rack}"}]\n'


def point(name: str, unit: str = "", datatype: Datatype = Datatype.DOUBLE, place: Place = RACK) -> Point:
    """The point that a metric is by its own name."""
    found = by_name(place, name, datatype, unit)
    assert isinstance(found, Meaning)
    return found.point


@pytest.mark.parametrize(("name", "expected"), [
    ("Power", "power"), ("SupplyTemp", "supply_temp"), ("Supply Temp (°C)", "supply_temp_c"), ("kW", "k_w"),
    ("温度", "metric"), ("3rd fan", "metric_3rd_fan"), ("", "metric"), ("x" * 99, "x" * 64),
    ("PDUPower2", "pdu_power2"),
])  # fmt: skip
def test_names_become_words_of_small_letters(name, expected):
    assert slug(name) == expected


def test_the_last_part_of_a_name_is_the_variable_and_the_others_tell_points_apart():
    found = point("Phases/L1/Rack Current", "A")
    assert (found.variable, found.qualifier, found.item, found.units) == ("rack_current", ("Phases", "L1"),
                                                                        "campus/hall-1/rack-R07", "A")  # fmt: skip
    assert found.identity == "campus/hall-1/rack-R07:Phases/L1/Rack Current"
    assert point("x", place=EDGE).item == "campus/hall-1"


def test_a_variable_of_the_model_is_claimed_only_in_its_unit():
    assert (point("Rack Power", "kW").variable, point("Rack Power", "kW").units) == ("rack_power", "W")
    assert point("rack_power").variable == "reported_rack_power"
    assert point("rack_power", "C").variable == "reported_rack_power"
    assert point("rack_power", datatype=Datatype.BOOLEAN).variable == "reported_rack_power"


def test_a_unit_that_nobody_knows_makes_no_point_and_none_leaves_numbers_as_they_are():
    assert by_name(RACK, "x", Datatype.DOUBLE, "furlong") == UNIT
    assert (point("x").units, point("x").written) == ("1", "")
    assert (point("on", datatype=Datatype.BOOLEAN).states, point("t", datatype=Datatype.DATETIME).units) == (
        ((0, "false"), (1, "true")), "s",
    )  # fmt: skip


def test_a_birth_tells_which_units_it_could_not_use():
    told = [
        metric(name, 1.0, properties={"engUnit": unit}) for name, unit in (("a", "furlong"), ("b", "kW"), ("c", "?"))
    ]
    found = make({}).decode(said("g/NBIRTH/n", *told, seq=0))
    assert isinstance(found, Batch)
    assert len(found.points) == 1
    ((reject, times),) = found.refused
    assert (reject.reason, times) == (Reason.UNIT, 2)
    assert reject.detail.startswith('a: the unit "furlong" is not known')


@pytest.mark.parametrize("key", ["engUnit", "Engineering Units", "unit", "EngUnits"])
def test_the_unit_is_that_of_a_property_that_is_called_so(key):
    heard = make({})
    born = said("g/NBIRTH/n", metric("Flow", 60.0, properties={"Deadband": 3, key: "LPM"}), seq=0)
    assert values(heard.decode(born)) == pytest.approx([1e-3])
    assert heard.points[0].units == "m3 s-1"


def test_a_metric_of_a_node_and_one_of_its_device_stay_apart():
    heard = make({})
    heard.decode(said("g/NBIRTH/n", metric("d/x", 1.0), seq=0))
    heard.decode(said("g/DBIRTH/n/d", metric("x", 2.0), seq=1))
    assert [each.identity for each in heard.points] == ["g/n:d/x", "g/n/d:x"]


# ------------------------------------------------------------------------------------------------- a mapping
def test_the_shipped_mapping_names_racks_and_cdus():
    heard = make({"mapping": "gateway-b"})
    unit = {"engUnit": "kW"}
    heard.decode(
        said("campus/NBIRTH/hall-1", metric("Racks/R01/Power", 30.0, properties=unit), metric("x", 1.0), seq=0)
    )
    heard.decode(said("campus/DBIRTH/hall-1/rack-R07", metric("Power", 41.0), metric("Door", 1, Datatype.UINT8),
                      metric("Phase/L2/Current", 60.0), seq=1))  # fmt: skip
    heard.decode(said("campus/DBIRTH/hall-1/cdu-3", metric("Secondary/Supply Temp", 90.0, properties={"unit": "F"}),
                      metric("Secondary/Return Temp", 1.0), seq=2))  # fmt: skip
    assert [(p.variable, p.item, p.units, p.qualifier) for p in heard.points] == [
        ("rack_power", "hall-1/R01", "W", ()), ("rack_power", "hall-1/R07", "W", ()),
        ("rack_door_state", "hall-1/R07", "1", ()), ("rack_current", "hall-1/R07", "A", ("L2",)),
        ("cdu_supply_temperature", "hall-1/cdu-3", "degC", ()),
    ]  # fmt: skip
    assert heard.nodes.told()["unread"] == {"unit": 1, "unmapped": 1}


@pytest.fixture
def mapped(tmp_path: Path):
    def of(rules: str) -> Decoder:
        file = tmp_path / "mapping.yaml"
        file.write_text(HEAD + rules)
        return make({"mapping": str(file)})

    return of


def test_a_property_with_the_unit_of_another_quantity_makes_no_point(mapped):
    heard = mapped(RULE)
    heard.decode(said("campus/NBIRTH/h", metric("P/r", 1.0, properties={"engUnit": "C"}), metric("P/s", 1.0), seq=0))
    assert len(heard.points) == 0
    assert heard.nodes.told()["unread"] == {"unit": 2}


@pytest.mark.parametrize(("broken", "words"), [
    (RULE.replace("variable", "varible"), "variable"),
    (RULE.replace("{hall}/{rack}\"}", "{hal}/{rack}\"}"), "captures no"),
    (RULE.replace("P/{rack}", "P/{hall}"), "twice"),
    (RULE.replace("campus/{hall}", "campus"), "group/node"),
    (RULE.replace("campus/{hall}", "a/b/c/d"), "group/node"),
    (RULE.replace("item:", "unit: C, item:"), "of the model is in W"),
    (RULE.replace("item:", "unit: kw, item:"), "unknown unit"),
    (RULE.replace("item:", "unit: kW, states: {a: 1}, item:"), "either"),
])  # fmt: skip
def test_faults_of_a_mapping_are_told_at_their_place(mapped, broken, words):
    with pytest.raises(InputError) as raised:
        mapped(broken)
    assert words in str(raised.value)
    assert all(problem.line for problem in raised.value.problems)


def test_every_shipped_mapping_is_valid_and_the_schema_is_that_of_the_model():
    assert "gateway-b" in shipped(".yaml", "mappings/sparkplug")
    for name in shipped(".yaml", "mappings/sparkplug"):
        make({"mapping": name})
    assert (data_root() / SCHEMA).read_text(encoding="utf-8") == schema_text()
