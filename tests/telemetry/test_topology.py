"""A site from telemetry: the graph of metadata, halls and feeds, what is unknown, what contradicts; bytes that stay."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from telemetry.recording.read import open_recording
from telemetry.topology.emit import quoted
from telemetry.topology.graph import graph_of
from telemetry.topology.survey import survey
from telemetry.topology.write import Made, site_from
from tests.telemetry.exchange import shared
from tests.telemetry.heard import emulated
from tests.telemetry.recorded import written
from twin.cli.main import app
from twin.core.errors import InputError
from twin.site.document import parse
from twin.site.incomplete import unknowns_of
from twin.site.load import load_site
from twin.site.shipped import shipped

Said = dict[str, Any]


def rack(id: str, point: str = "RackPower", unit: str = "kW") -> Said:
    return {"objectType": "Rack", "pointType": point, "engUnit": unit, "rackLocationName": id, "rackLocationId": id}


def wet(id: str) -> list[Said]:
    return [rack(id), rack(id, "RackLiquidFlow", "LPM")]


def named(thing: str, point: str, unit: str, id: str, *serves: str, **more: Any) -> Said:
    said = {"objectType": thing, "pointType": point, "engUnit": unit, "objectName": id, "objectId": id, **more}
    return said | ({"servesId": list(serves)} if serves or thing == "PowerMeter" else {})


def meter(id: str, *serves: str) -> Said:
    return named("PowerMeter", "ActivePower", "kW", id, *serves)


def cdu(id: str, *serves: str) -> Said:
    return named("CDU", "LiquidFlow", "LPM", id, *serves, processArea=["Secondary"])


def recorded(folder: Path, said: list[Said], values: dict[int, float] | None = None, seed: int = 0) -> Path:
    """A CSV with these metadata, in an order of chance by ``seed``, and values by the number of their metadata."""
    folder.mkdir(exist_ok=True)
    file = folder / "made.csv"
    tails = [f"{one['objectType']}/{one['pointType']}/t{number}" for number, one in enumerate(said)]
    rows = [["0s", f"BMS/v1/PUB/Metadata/{tail}", json.dumps(one)] for tail, one in zip(tails, said, strict=True)]
    if seed:
        random.Random(seed).shuffle(rows)
    for number, value in (values or {}).items():
        payload = f'{{"value":{value},"timestamp":{{{{timestamp_ms}}}},"quality":1}}'
        rows.append(["1s", f"BMS/v1/PUB/Value/{tails[number]}", payload])
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["offset", "topic", "payload"], *rows])
    return file


def made(folder: Path, said: list[Said], values: dict[int, float] | None = None, seed: int = 0) -> Made:
    return site_from(open_recording(recorded(folder, said, values, seed)), "made")


def loaded(folder: Path, site: Made):
    (folder / "made.yaml").write_text(site.text)
    (folder / "over.yaml").write_text(site.overlay("over", "made.yaml"))
    return load_site(folder / "over.yaml")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["site", "from-telemetry", *(str(a) for a in arguments)])


POD = [
    meter("TR", "BUS-A", "BUS-B"),
    meter("BUS-A", "R1", "R2", "R3"),
    meter("BUS-B", "R1", "R2", "R3"),
    *wet("R1"),
    *wet("R2"),
    rack("R3"),
    cdu("CU", "R1", "R2"),
    named("Chiller", "LiquidTemperature", "C", "CH", "W", processArea=["Outlet"]),
    named("GenericObject", "LiquidTemperature", "C", "W", "CU", processArea=["Supply"], isSetpoint=True),
    {"objectType": "UPS", "pointType": "Status", "stateText": [{"value": 1, "text": "On"}], "associateId": "BUS-A"},
]


# ------------------------------------------------------------------------------------------ the example exchange
def test_the_graph_of_the_example_has_its_ids_that_nobody_describes():
    graph = graph_of(survey(open_recording(shared("dsx_exemplar.csv"))))
    assert graph.notes == []
    assert len({id for node in graph.nodes.values() for id in node.serves}) == 22
    assert len(graph.placeholders()) == 15
    assert [node.id for node in graph.of("Rack")] == [f"Pod1C-E0{n}" for n in range(1, 7)]
    assert graph.nodes["Pod1C-E05"].served_by == ["C-E05-TAP-E1", "C-E05-TAP-E2", "C-F00-CDU-05"]
    assert graph.nodes["Pod1C-E02"].attached == ["Valve, 2 points"]
    assert graph.nodes["C-E02-TAP-E2"].attached == ["Shunt, 1 point"]


def test_the_shipped_titan_pod_is_what_the_example_gives_byte_for_byte():
    said = parse(shipped()["titan-pod"].read_bytes(), "titan-pod").data
    again = site_from(open_recording(shared("dsx_exemplar.csv")), said["name"], title=said["title"], note=said["note"])
    assert again.text == shipped()["titan-pod"].read_text(encoding="utf-8")
    over = shipped()["titan-pod-estimate"].read_text(encoding="utf-8")
    assert again.overlay("titan-pod-estimate", "titan-pod") == over


def test_verbs_refuse_the_incomplete_site_with_one_list_and_run_on_its_overlay():
    verbs = [["site", "validate"], ["site", "show"], ["simulate"]]
    results = [CliRunner().invoke(app, [*verb, "titan-pod"]) for verb in verbs]
    assert [result.exit_code for result in results] == [2, 2, 2]
    assert results[0].stderr == results[1].stderr == results[2].stderr
    lines = results[0].stderr.splitlines()
    assert len(lines) == len(list(unknowns_of(parse(shipped()["titan-pod"].read_bytes(), "x").data)))
    assert all(line.startswith("sites/titan-pod.yaml:") and ": unknown" in line for line in lines)
    assert CliRunner().invoke(app, ["site", "validate", "titan-pod-estimate", "--strict"]).exit_code == 0


# ------------------------------------------------------------------------------------------ structure
def test_two_feeders_of_all_racks_are_sides_a_and_b_and_what_is_above_feeds_them(tmp_path):
    site = loaded(tmp_path, made(tmp_path, POD)).site
    (hall,) = site.buildings["b1"].halls.values()
    template = site.templates[hall.template]
    assert hall.fed_from == {"A": "BUS-A", "B": "BUS-B"}
    assert {id: element.fed_from for id, element in site.electrical.elements.items()} == {
        "BUS-A": "TR", "BUS-B": "TR", "TR": "grid",
    }  # fmt: skip
    assert [group.count for row in template.rows.values() for group in row.groups] == [2, 1]
    assert template.liquid is not None
    assert (template.liquid.count, template.liquid.loop) == (1, "loop-1")
    assert site.telemetry is not None
    assert site.telemetry.names == {
        "b1/hall-1/row1-1/01": "R1", "b1/hall-1/row1-1/02": "R2", "b1/hall-1/row1-1/03": "R3", "b1/hall-1/cdu-01": "CU",
        "b1/loop-1": "W", "BUS-A": "BUS-A", "BUS-B": "BUS-B", "TR": "TR",
    }  # fmt: skip


def test_the_order_of_the_messages_changes_no_byte(tmp_path):
    first = made(tmp_path, POD)
    assert {made(tmp_path, POD, seed=seed).text for seed in range(1, 6)} == {first.text}


def test_an_id_is_a_name_and_nothing_is_read_from_it(tmp_path):
    """Other ids in the same order give the same site, but for the ids."""
    ids = ["BUS-A", "BUS-B", "CH", "CU", "R1", "R2", "R3", "TR", "W"]
    other = {id: f"{letter}x" for id, letter in zip(sorted(ids), "abcdefghi", strict=True)}

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(inner) for key, inner in value.items()}
        return [renamed(inner) for inner in value] if isinstance(value, list) else other.get(value, value)

    text = parse(made(tmp_path, POD).text, "x").data
    again = parse(made(tmp_path, [renamed(one) for one in POD]).text, "x").data
    assert again["templates"] == text["templates"]
    assert again["telemetry"]["names"]["b1/hall-1/row1-1/03"] == other["R3"]


def test_racks_that_hang_together_are_a_hall_and_lonely_ones_stand_in_the_first(tmp_path):
    said = [rack(f"R{n}") for n in range(1, 8)]
    said += [meter("A", "R1", "R2"), meter("B", "R3", "R4"), cdu("C", "R4", "R5"), meter("up", "A", "B")]
    site = loaded(tmp_path, made(tmp_path, said)).site
    names = site.telemetry.names if site.telemetry else {}
    halls = {id: name.split("/")[1] for name, id in names.items() if id.startswith("R")}
    assert halls == dict.fromkeys(("R1", "R2", "R6", "R7"), "hall-1") | dict.fromkeys(("R3", "R4", "R5"), "hall-2")
    assert {hall.fed_from for hall in site.buildings["b1"].halls.values()} == {"A", "B"}


def test_racks_alone_are_one_hall_of_which_everything_else_is_unknown(tmp_path):
    site = made(tmp_path, [rack("R10"), rack("R2")])
    assert site.counts()["halls"] == 1
    assert loaded(tmp_path, site).site.telemetry.names["b1/hall-1/row1-1/01"] == "R2"  # 2 before 10


def test_cdus_that_serve_the_same_racks_share_a_manifold(tmp_path):
    said = [one for n in range(1, 5) for one in wet(f"R{n}")]
    said += [cdu(id, "R1", "R2", "R3", "R4") for id in ("C1", "C2")]
    (template,) = loaded(tmp_path, made(tmp_path, said)).site.templates.values()
    assert (template.liquid.count, template.liquid.manifolds) == (2, 1)


def test_rows_with_feeders_of_their_own_are_units_of_one_link(tmp_path):
    said = [rack(f"R{n}") for n in range(1, 5)]
    said += [
        meter("A", "R1", "R2"),
        meter("B", "R3", "R4"),
        meter("up", "A", "B"),
        cdu("C", *(f"R{n}" for n in range(1, 5))),
    ]
    site = loaded(tmp_path, made(tmp_path, said)).site
    (template,) = site.templates.values()
    assert (template.chain["feeder"].count, template.chain["feeder"].own) == (2, True)
    assert len(template.rows) == 2
    assert [hall.fed_from for hall in site.buildings["b1"].halls.values()] == ["up"]


def test_a_campus_that_is_emulated_comes_back_with_its_halls_racks_and_cdus(tmp_path):
    _, messages = emulated(2.0, site="redundant-4n3", at="2026-07-01T12:00", sensors="ideal", seed=1)
    site = site_from(open_recording(written(tmp_path / "r", messages)), "again")
    whole = loaded(tmp_path, site)
    truth = load_site("redundant-4n3").site
    assert whole.warnings == ()
    assert whole.site.telemetry is not None
    names = {id: name.rpartition("/")[0].rpartition("/")[0] for name, id in whole.site.telemetry.names.items()}
    racks = {id: hall for id, hall in names.items() if hall.count("/") == 1 and id.count("/") == 3}
    there = {f"b1/{hall}" for hall in truth.buildings["b1"].halls}
    assert {id.rsplit("/", 2)[0] for id in racks} == there
    assert len({(id.rsplit("/", 2)[0], hall) for id, hall in racks.items()}) == len(there)  # a hall for each of its
    assert site.counts()["racks"] == len(racks) == 264


# ------------------------------------------------------------------------------------------ what is unknown
def figures(text: str) -> list[tuple[str, str]]:
    """Lines of an overlay with a value, behind those that name the site, with the comment above each."""
    lines = text.splitlines()[text.splitlines().index("base: made.yaml") + 3 :]
    found, above = [], ""
    for line in lines:
        if line.strip().startswith("#"):
            above += line
        elif not line.endswith(":"):
            found.append((above, line))
            above = ""
    return found


def test_every_unknown_has_an_estimate_and_one_that_is_taken_away_is_told(tmp_path):
    site = made(tmp_path, POD, {3: 30.0})
    assert loaded(tmp_path, site).warnings == ()
    unknown = list(unknowns_of(parse(site.text, "x").data))
    assert len(unknown) == site.counts()["unknown"] > 20
    over = (tmp_path / "over.yaml").read_text()
    given = parse(over, "x")
    assert [path for path in unknown if given.at(path) is None] == []
    assert all("# estimate: " in f"{above}{line}" for above, line in figures(over))
    without = [line for line in over.splitlines() if not line.strip().startswith("head_kpa")]
    (tmp_path / "over.yaml").write_text("\n".join(without))
    with pytest.raises(InputError) as caught:
        load_site(tmp_path / "over.yaml")
    (problem,) = caught.value.problems
    assert problem.path == "buildings.b1.loops.loop-1.head_kpa"
    assert problem.file == str(tmp_path / "made.yaml")
    assert problem.message == (
        "unknown, pump head at the largest flow [kPa]: not in the telemetry; complete it in an overlay"
    )


def test_a_rack_is_the_smallest_that_draws_as_much_and_nothing_is_fitted(tmp_path):
    """Whatever the measured share of heat in the coolant, the library's own stands."""
    files = [made(tmp_path, POD, {3: 50.0, 4: flow}).overlay("o", "b") for flow in (40.0, 60.0)]
    assert files[0] == files[1]
    assert "rack: gb200-nvl72" in files[0]


def test_what_no_rack_of_the_library_stands_is_estimated_all_the_same(tmp_path):
    said = [*POD, named("CDU", "LiquidTemperature", "C", "CU", processArea=["Secondary", "Supply"], isSetpoint=True)]
    over = made(tmp_path, said, {3: 1500.0, len(POD): 75.0}).overlay("o", "b")
    assert "the largest rack of the library cooled by coolant" in over


# ------------------------------------------------------------------------------------------ what contradicts
def test_a_circle_is_told_and_left_out(tmp_path):
    said = [rack("R1"), rack("R2"), meter("A", "B", "R1", "R2"), meter("B", "C"), meter("C", "A")]
    site = made(tmp_path, said)
    assert any("goes round in a circle, A -> B -> C -> A: C -> A is left out" in note for note in site.notes)
    assert "# - what serves goes round" in site.text
    loaded(tmp_path, site)


def test_an_id_of_two_types_and_points_that_disagree_are_told(tmp_path):
    said = [*POD, named("CRAH", "AirTemperature", "C", "CU", "R1"), meter("BUS-A", "R1", "R9")]
    notes = "\n".join(made(tmp_path, said).notes)
    assert "CU is described as CDU and as CRAH: taken as CDU" in notes
    assert "points of BUS-A do not agree on what it serves" in notes
    assert "1 id served and never described (placeholders): R9" in notes


def test_equipment_with_a_meter_of_the_same_id_contradicts_nothing(tmp_path):
    status = {"objectType": "UPS", "pointType": "Status", "stateText": [{"value": 1, "text": "On"}]}
    said = [*POD, status | {"objectName": "BUS-A", "objectId": "BUS-A"}]
    both = made(tmp_path, said), made(tmp_path, POD)
    assert both[0].notes == both[1].notes
    assert parse(both[0].text, "x").data == parse(both[1].text, "x").data


def test_equipment_of_the_electrical_path_carries_power_and_no_water(tmp_path):
    status = {"objectType": "UPS", "pointType": "Status", "stateText": [{"value": 1, "text": "On"}]}
    ups = status | {"objectName": "U", "objectId": "U", "servesId": ["PDU"]}
    said = [rack("R1"), rack("R2"), meter("PDU", "R1", "R2"), ups, meter("IN", "U"), meter("GEN", "IN")]
    said.append({**ups, "objectType": "Generator", "objectName": "GEN", "objectId": "GEN", "servesId": ["IN"]})
    site = made(tmp_path, said)
    elements = loaded(tmp_path, site).site.electrical.elements
    assert {id: each.fed_from for id, each in elements.items()} == {"PDU": "U", "U": "IN", "IN": "grid"}
    assert elements["U"].device.startswith("ups-")
    assert site.counts()["cdus"] == 0
    assert any("generators and batteries are no elements" in note and "GEN" in note for note in site.notes)


def test_racks_on_another_cdu_than_theirs_are_told(tmp_path):
    said = [one for n in range(1, 5) for one in wet(f"R{n}")]
    said += [meter("A", "R1", "R2", "R3", "R4"), cdu("C1", "R1", "R2", "R3"), cdu("C2", "R4")]
    (note,) = made(tmp_path, said).notes
    assert note.startswith("hall-1: 1 of 4 racks (R3) are put on another CDU than theirs")


# ------------------------------------------------------------------------------------------ any id at all
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(ids=st.lists(IDS, min_size=3, max_size=3, unique=True))
def test_whatever_an_id_is_the_site_has_it_as_it_was(tmp_path_factory, ids):
    folder = tmp_path_factory.mktemp("ids")
    a, b, up = ids
    site = loaded(folder, made(folder, [rack(a), rack(b), meter(up, a, b)])).site
    assert site.telemetry is not None
    assert set(ids) <= set(site.telemetry.names.values())


@given(text=st.text(st.characters(codec="utf-8"), min_size=1))
def test_quoted_text_is_read_as_itself(text):
    assert parse(f"{{key: {quoted(text)}}}", "x").data == {"key": text}


# ------------------------------------------------------------------------------------------ nothing to build from
@pytest.mark.parametrize(
    ("said", "values", "words"),
    [
        ([], {}, "the recording holds no messages"),
        ([meter("A", "R1")], {}, "the metadata of 1 points speak of no rack"),
    ],
)
def test_a_recording_without_racks_is_refused_in_words(tmp_path, said, values, words):
    result = call(recorded(tmp_path, said, values))
    assert result.exit_code == 2
    assert words in result.stderr
    told = json.loads(call(recorded(tmp_path, said, values), "--json").stdout)
    assert words in told["problems"][0]["message"]


def test_values_without_metadata_and_other_dialects_are_refused_in_words(tmp_path):
    file = recorded(tmp_path, [rack("R1")], {0: 5.0})
    file.write_text("".join(line for line in file.read_text().splitlines(True) if "/Metadata/" not in line))
    assert "of 1 messages none is metadata that can be read" in call(file).stderr
    file.write_text('offset,topic,payload\n0s,plant/rack/1,"{""kw"": 5}"\n')
    assert "none of the 1 messages is of the dialect dsx (1 topic)" in call(file).stderr
    assert "the dialect plain does not say what feeds what" in call(file, "--dialect", "plain").stderr
    assert "there is no such file" in call(tmp_path / "none").stderr


# ------------------------------------------------------------------------------------------ the verb
def test_the_verb_writes_both_files_and_replaces_none_unasked(tmp_path):
    file, out, over = recorded(tmp_path, POD), tmp_path / "my-pod.yaml", tmp_path / "my-pod-estimate.yaml"
    result = call(file, "--out", out, "--overlay", over, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["name"], told["racks"], told["files"]["overlay"]) == ("my-pod", 3, str(over))
    assert load_site(over).site.name == "my-pod-estimate"
    before = out.read_bytes()
    again = call(file, "--out", out, "--overlay", over)
    assert again.exit_code == 2
    assert again.stderr.count("is there already: --overwrite replaces it") == 2
    assert call(file, "--out", out, "--overlay", over, "--overwrite").exit_code == 0
    assert out.read_bytes() == before
    assert call(file).stdout.startswith("# A site from telemetry")


def test_all_that_is_wrong_with_the_options_is_told_at_once(tmp_path):
    result = call(tmp_path / "none", "--name", "-", "--title", "x", "--overlay", tmp_path / "no" / "x.yaml")
    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.stderr.splitlines()][:3] == ["--name", "--title", "--overlay"]
    assert len(result.stderr.splitlines()) == 5
