"""The AsyncAPI file of the contract as an oracle: every pair of it decodes, what its schemas refuse is not believed.

Messages are made from the schemas themselves (every way to identify a point, unit or states, with and without the
optional keys) and judged by jsonschema; so is each of them with one key missing, wrong or too much.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

from telemetry.batch import NOTHING, Batch, Flag, Quality, Reject
from telemetry.decode import make
from telemetry.dsx.contract import BMS_PAIRS, INTEGRATION_PAIRS, PAIRS
from tests.telemetry.corpus import EPOCH_MS, message, value
from tests.telemetry.exchange import shared

Json = dict[str, Any]
UNITS = {
    "Voltage": "V", "Frequency": "Hz", "ApparentPower": "kVA", "ActivePower": "kW", "Current": "A", "CurrentLimit": "A",
    "PhaseCurrent": "A", "LiquidFlow": "LPM", "LiquidDifferentialPressure": "kPa", "LiquidPressure": "kPa",
    "AirDifferentialPressure": "Pa", "AirPressure": "Pa", "AirFlow": "CFM", "AirRelativeHumidity": "%RH",
    "ValvePosition": "%", "DamperPosition": "%", "PumpSpeed": "RPM", "FanSpeed": "RPM", "Sound": "dB",
    "GenericPoint": "%",
}  # fmt: skip
STATES = [{"value": 0, "text": "Off"}, {"value": 1, "text": "On"}]
SOME = {"string": "text", "array": ["text"], "boolean": True}
WRONG: list[Any] = [5, None, True, [], ["x", 5], {}, "zzz", 1.5, "", [{"value": "0", "text": "Off"}]]


@cache
def contract() -> Json:
    """The file as plain data."""
    loaded = yaml.load(shared("dsx_bms_asyncapi.yaml").read_text(), yaml.CSafeLoader)
    assert isinstance(loaded, dict)
    return loaded


def follow(schema: Json) -> Json:
    """What a reference leads to."""
    while "$ref" in schema:
        found: Any = contract()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def whole(schema: Any) -> Any:
    """A schema with what its references lead to in their place."""
    if isinstance(schema, list):
        return [whole(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return whole(follow(schema)) if "$ref" in schema else {key: whole(part) for key, part in schema.items()}


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """Judges by one schema of the file."""
    return jsonschema.Draft202012Validator(whole(contract()["components"]["schemas"][name]))


def channels(kind: str) -> Iterator[tuple[str, str, Json]]:
    """Publisher, object type and body of the channels of values or of metadata."""
    for channel in contract()["channels"].values():
        _, _, publisher, what, thing, *_ = channel["address"].split("/")
        if what == kind:
            yield publisher, thing, channel


def pairs(publisher: str) -> set[tuple[str, str]]:
    """Pairs whose values ``publisher`` publishes."""
    return {
        (thing, point)
        for who, thing, channel in channels("Value")
        if who == publisher
        for point in channel["parameters"]["pointType"]["enum"]
    }


def described() -> list[tuple[str, str, str]]:
    """Object type, point type and name of the schema of all metadata messages."""
    made = []
    for _, thing, channel in channels("Metadata"):
        points = channel["parameters"]["pointType"]["enum"]
        by_name = {point.lower(): point for point in points}
        for name, reference in channel["messages"].items():
            made.append((thing, by_name[name.lower()], follow(reference)["payload"]["$ref"].rsplit("/", 1)[1]))
        assert len(channel["messages"]) == len(points)
    return made


def shapes(schema: Json) -> list[tuple[dict[str, Json], set[str]]]:
    """Properties and required keys of every way through ``oneOf`` and ``anyOf``."""
    schema = follow(schema)
    ways: list[tuple[dict[str, Json], set[str]]] = [(schema.get("properties", {}), set(schema.get("required", ())))]
    parts = [shapes(part) for part in schema.get("allOf", ())]
    parts += [[way for one in schema[key] for way in shapes(one)] for key in ("oneOf", "anyOf") if key in schema]
    for part in parts:
        ways = [({**a, **c}, b | d) for a, b in ways for c, d in part]
    return ways


def examples(thing: str, point: str, name: str) -> list[Json]:
    """Messages that the schema allows, the least and the fullest of every shape."""
    made = []
    for properties, required in shapes({"$ref": f"#/components/schemas/{name}"}):
        for keys in (required, set(properties)):
            data: Json = {}
            for key in sorted(keys):
                schema = properties[key]
                data[key] = schema["enum"][0] if "enum" in schema else SOME[schema["type"]]
            data |= {"objectType": thing, "pointType": point}
            if "engUnit" in data and "enum" not in properties["engUnit"]:
                data["engUnit"] = UNITS[point]
            if "stateText" in data:
                data["stateText"] = STATES
            made.append(data)
    return made


@cache
def cases() -> list[tuple[str, str, str, Json]]:
    """Every example of every metadata message."""
    return [(*case, data) for case in described() for data in examples(*case)]


def values_of(metadata: Json) -> list[float]:
    """Values that fit a description."""
    if str(metadata.get("pointType")).startswith("Heartbeat"):
        return [EPOCH_MS]
    return [0, 1] if "stateText" in metadata else [0.5]


def hear(thing: str, point: str, metadata: Json) -> tuple[Batch | Reject, list[Batch | Reject]]:
    """What a fresh decoder makes of metadata, and then of values by whom they name."""
    decoder = make("dsx")
    tail = f"{thing}/{point}/some/tag"
    learnt = decoder.decode(message(f"BMS/v1/PUB/Metadata/{tail}", metadata))
    publisher = metadata.get("integration") or "PUB"
    topic = f"BMS/v1/{publisher}/Value/{tail}"
    return learnt, [decoder.decode(message(topic, value(one))) for one in values_of(metadata)]


def test_the_tables_are_those_of_the_contract():
    assert pairs("PUB") == BMS_PAIRS
    assert pairs("{integration}") == INTEGRATION_PAIRS
    assert {(thing, point) for thing, point, _ in described()} == PAIRS
    assert (len(BMS_PAIRS), len(INTEGRATION_PAIRS), len(PAIRS)) == (222, 31, 229)


def test_every_point_of_the_contract_decodes():
    heard = set()
    for thing, point, name, metadata in cases():
        assert validator(name).is_valid(metadata), metadata
        publisher = "integration" if "integration" in metadata else "PUB"
        if (thing, point) not in (INTEGRATION_PAIRS if publisher == "integration" else BMS_PAIRS):
            continue  # the schema allows an owner whom no channel lets publish
        learnt, readings = hear(thing, point, metadata)
        assert learnt == NOTHING, (metadata, learnt)
        for reading in readings:
            assert isinstance(reading, Batch), (metadata, reading)
            assert (list(reading.qualities), list(reading.flags)) == ([Quality.GOOD], [0]), (metadata, reading)
        heard.add((publisher, thing, point))
    assert {(thing, point) for publisher, thing, point in heard if publisher == "PUB"} == BMS_PAIRS
    assert {(thing, point) for publisher, thing, point in heard if publisher != "PUB"} == INTEGRATION_PAIRS


STRANGERS: dict[str, Any] = {
    "colour": "red", "engUnit": "kW", "stateText": STATES, "rackLocationId": "R", "rackLocationName": "R",
    "objectName": "o", "objectId": "o", "servesId": ["x"], "associateId": "a", "processArea": ["x"], "phase": "A",
    "isSetpoint": True, "integration": "integration", "scope": "all",
}  # fmt: skip


def changes(data: Json, strangers: dict[str, Any], step: int = 1, first: int = 0) -> Iterator[Json]:
    """``data`` with one key missing, of another value (every ``step``-th of those from ``first`` on), or too much."""
    for key in data:
        yield {k: v for k, v in data.items() if k != key}
        for other in WRONG[first % step :: step]:
            yield {**data, key: other}
        first += 1
    for key, other in strangers.items():
        if key not in data:
            yield {**data, key: other}


def kinds() -> list[tuple[str, str, str, Json]]:
    """One example per point type and set of keys: over the object types the schemas repeat themselves."""
    made = {(case[1], case[0] in ("Rack", "PowerMeter", "System"), *sorted(case[3])): case for case in cases()}
    return list(made.values())


def test_metadata_with_one_key_changed_are_taken_refused_or_flagged_as_the_schema_says():
    refused = flagged = taken = 0
    for number, (thing, point, name, metadata) in enumerate(kinds()):
        for changed in changes(metadata, STRANGERS, step=4, first=number):
            learnt, readings = hear(thing, point, changed)
            if validator(name).is_valid(changed):
                foreign = changed["objectType"] != thing  # of some points the schema lets it be any text
                unknown = isinstance(learnt, Reject) and learnt.reason == "unit"
                assert learnt == NOTHING or foreign or unknown, (changed, learnt)
                taken += 1
            elif isinstance(learnt, Reject):
                assert all(isinstance(reading, Reject) for reading in readings), changed
                refused += 1
            else:
                assert all(isinstance(one, Reject) or one.flags[0] & Flag.EXTRA_KEY for one in readings), changed
                flagged += 1
    assert refused > 2_000
    assert flagged > 500
    assert taken > 500


def payloads() -> list[Any]:
    """Values with one key changed."""
    made: list[Any] = [value(), [], 5, None, "x"]
    made += list(changes(value(), {"unit": "kW", "": 1}))
    for other in (None, 0, -1, 2**40, 1.0, 1e300, 12.5, EPOCH_MS + 0.0, EPOCH_MS + 0.5, 10**30):
        made += [{**value(), key: other} for key in value()]
    return made


@pytest.mark.parametrize("payload", payloads(), ids=json.dumps)
def test_a_value_is_read_as_its_schema_says(payload):
    schema = follow(contract()["components"]["messages"]["ValueMessage"]["payload"])
    is_valid = jsonschema.Draft202012Validator(schema).is_valid(payload)
    decoder = make("dsx")
    rack = {"objectType": "Rack", "pointType": "RackPower", "engUnit": "kW"}
    decoder.decode(
        message("BMS/v1/PUB/Metadata/Rack/RackPower/x", {**rack, "rackLocationName": "r", "rackLocationId": "r"})
    )
    found = decoder.decode(message("BMS/v1/PUB/Value/Rack/RackPower/x", payload))
    if isinstance(found, Reject):  # the schema knows no range of times
        assert not is_valid or found.reason == "time"
    else:
        assert is_valid or list(found.flags) == [Flag.EXTRA_KEY]
