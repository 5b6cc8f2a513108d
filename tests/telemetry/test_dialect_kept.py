"""A recording remembers its dialect and its options, and what is asked for wins over what it remembers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from telemetry.clock import ReplayClock
from telemetry.dialect import kept, make_decoder, spoken, unread
from telemetry.export.write import export
from telemetry.inspection.inspect import Found, inspect
from telemetry.inspection.text import plain
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.read import Recording, open_recording
from telemetry.recording.write import Recorder
from telemetry.replay.asked import Played, open_played
from telemetry.replay.play import to_twin
from telemetry.replay.told import outcome_told, told
from telemetry.topology.survey import survey
from tests.telemetry.recorded import NOW, NS, HandClock, record, written
from twin.cli.dialect import options_of
from twin.core.errors import InputError

MAPPING = """format: 1
title: test, by mqtt://me:hunter2@plant
rules:
  - topic: "telegraf/{host}/pdu"
    readings:
      - {field: kw, variable: rack_power, unit: kW, item_field: rack}
"""
PDU = [
    Message("telegraf/h1/pdu", f"pdu,rack=r{n % 3} kw={40 + n}".encode(), NOW + n * NS, n, 1, retain=False)
    for n in range(12)
]


def mapping(folder: Path, text: str = MAPPING) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    (folder / "racks.yaml").write_text(text)
    return {"mapping": str(folder / "racks.yaml")}


def recording(folder: Path, options: dict[str, str], dialect: str = "influx") -> Recording:
    recorder = Recorder(folder, kept(dialect, options), clock=HandClock())
    record(recorder, PDU)
    recorder.close()
    return open_recording(folder)


@pytest.fixture
def gone(tmp_path: Path) -> Recording:
    """Recorded by a mapping whose file is not there any more."""
    options = mapping(tmp_path / "gone")
    made = recording(tmp_path / "recording", options)
    Path(options["mapping"]).unlink()
    return made


def variables(played: Played) -> set[tuple[str, str]]:
    decoder = played.decoder()
    for message in played.messages():
        decoder.decode(message)
    return {(point.variable, point.item) for point in decoder.points}


BY_MAPPING = {("rack_power", f"r{n}") for n in range(3)}


def inspected(opened: Recording, dialect: str | None = None, **options: str) -> Found:
    said = spoken(opened, dialect, options)
    return inspect(opened, said.name, make_decoder(*said))


def test_what_a_recording_was_made_with_is_what_it_is_read_with(gone, tmp_path):
    assert variables(open_played(gone.path)) == BY_MAPPING
    assert export(gone, lambda: make_decoder(*spoken(gone)), tmp_path / "a.parquet").points == 3
    assert not (tmp_path / "gone" / "racks.yaml").exists()


def test_a_name_a_digest_and_no_path_or_login_are_told(gone, tmp_path):
    about = plain(inspected(gone))
    assert (about["about"]["dialect"], about["options"]["mapping"]) == ("influx", "racks.yaml")
    assert len(about["options"]["mapping_sha256"]) == 64
    raw = b"".join(path.read_bytes() for path in gone.files)
    assert str(tmp_path).encode() not in raw
    assert b"hunter2" not in raw
    assert "pdu" not in json.dumps(about["options"])  # the content of a mapping is nothing to be shown


def test_it_is_the_same_each_time(tmp_path):
    options = mapping(tmp_path / "a")
    assert kept("influx", options) == kept("influx", options)
    assert kept("influx", mapping(tmp_path / "b")) == kept("influx", options)


def test_shipped_mappings_and_all_else_that_was_asked_for_are_kept(tmp_path):
    about = kept("influx", {"mapping": "telegraf", "precision": "ms", "prefix": "lab"})
    assert (about["dialect"], about["option.mapping"], about["option.precision"]) == ("influx", "telegraf", "ms")
    assert "rack_pdu" in about["option.mapping_text"]
    assert kept("dsx", {}) == {"dialect": "dsx"}
    assert "rules" in kept("sparkplug", {"mapping": "gateway-b"})["option.mapping_text"]


def test_an_option_that_is_given_wins_and_the_others_stay(gone, tmp_path):
    other = mapping(tmp_path / "other", MAPPING.replace("rack_power", "chassis_power"))
    assert {name for name, _ in variables(open_played(gone.path, options=other))} == {"chassis_power"}
    assert spoken(gone, "influx", {"precision": "ms"}).options.keys() == {"mapping", "mapping_text", "precision"}
    assert variables(open_played(gone.path, "influx")) == BY_MAPPING


def test_an_empty_option_takes_what_is_kept_away(gone):
    assert {name for name, _ in variables(open_played(gone.path, options={"mapping": ""}))} == {"pdu_kw"}


def test_another_dialect_takes_the_options_away(gone):
    assert spoken(gone, "plain", {"prefix": "x"}) == ("plain", {"prefix": "x"})


def test_where_nothing_can_be_read_by_another_choice_that_of_the_recording_is_named(gone, tmp_path):
    words = ["the recording says that it is of influx, mapping racks.yaml, and was read otherwise"]
    assert inspected(gone, "dsx").notes == words
    foreign = mapping(tmp_path / "other", MAPPING.replace("telegraf", "tele"))
    assert inspected(gone, **foreign).notes == words
    with pytest.raises(InputError, match=words[0]):
        export(gone, lambda: make_decoder(*spoken(gone, "dsx")), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=words[0]):
        survey(gone, "dsx")
    played = open_played(gone.path, "dsx", speed="max")
    clock = ReplayClock(played.begin_ns, None)
    pipeline = Pipeline(played.decoder(), clock)
    outcome = to_twin(played, pipeline, clock)
    assert outcome_told(outcome, played, told(pipeline.state, outcome.last_ns))["notes"] == words


def test_nothing_is_said_where_it_is_read_or_as_it_says(gone):
    assert inspected(gone).notes == []
    assert inspected(gone, "influx", mapping="").notes == []
    assert unread(gone, 0, 0) == []


def test_a_mapping_that_is_damaged_is_told_and_another_one_helps(gone, tmp_path):
    [path] = gone.files
    path.write_bytes(path.read_bytes().replace(b"rack_power", b"rack_tower"))
    with pytest.raises(InputError, match=r"the mapping racks.yaml that it keeps is damaged: give it with mapping="):
        open_played(path)
    assert variables(open_played(path, options=mapping(tmp_path / "gone"))) == BY_MAPPING


def test_what_a_killed_writer_left_says_it_too(tmp_path):
    recorder = Recorder(tmp_path / "r", kept("influx", mapping(tmp_path / "m")), clock=HandClock())
    record(recorder, PDU)
    recorder.abandon()
    assert variables(open_played(tmp_path / "r")) == BY_MAPPING
    Recorder(tmp_path / "r", {}, clock=HandClock()).close()  # makes it whole
    assert variables(open_played(tmp_path / "r")) == BY_MAPPING


def test_files_of_several_dialects_in_one_folder_are_told(tmp_path):
    recording(tmp_path / "r", {})
    both = recording(tmp_path / "r", {"precision": "ms"})
    first, second = (path.name for path in both.files)
    assert both.notes() == [f"{second}: of another dialect or other options than {first}: read them by themselves"]


def test_older_recordings_are_read_as_before(tmp_path):
    written(tmp_path / "r", PDU)
    opened = open_recording(tmp_path / "r")
    assert spoken(opened, default="dsx") == ("dsx", {})
    assert spoken(opened) == ("", {})
    assert spoken(opened, "influx", {"precision": "s"}) == ("influx", {"precision": "s"})
    assert opened.overruled == ""


def test_options_are_written_as_name_and_value():
    assert options_of("a.yaml", ["precision=ms", "topic=a=b"], "never") == {
        "mapping": "a.yaml", "precision": "ms", "topic": "a=b", "rebirth": "never"
    }  # fmt: skip
    with pytest.raises(InputError) as caught:
        options_of("a", ["mapping=b", "precision", "=x"])
    assert [problem.message for problem in caught.value.problems] == [
        "mapping is given twice", '"precision": expected NAME=VALUE', '"=x": expected NAME=VALUE'
    ]  # fmt: skip
