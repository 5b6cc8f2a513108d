"""A twin beside a site that speaks line protocol or plain JSON, by a mapping that calls items as the site does."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry.batch import Quality, Reason
from telemetry.clock import NS, ReplayClock
from telemetry.decode import make
from telemetry.dialect import kept
from telemetry.live.frame import Mode
from telemetry.live.session import Wish, on_recording
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.recording.write import Recorder
from telemetry.replay.asked import open_played
from tests.telemetry.heard import NOON, START_NS
from tests.telemetry.lived import Lived
from tests.telemetry.recorded import HandClock, record
from twin.analysis.dataset import open_run
from twin.core.coolant import density
from twin.core.errors import InputError

SITE, CDU = "rubin-manifold", "manifold-01"
RACKS = {f"{row}/{place:02d}": 150.0 + place for row in ("r-1", "r-2", "r-3") for place in range(1, 9)}  # kW
COOLING = {"flow_lpm": 5960.0, "supply_c": 42.1}
WEATHER = {"temp_c": 22.6, "rh": 78.0}
OF_COOLING = """
  - {field: flow_lpm, WHERE variable: cdu_liquid_volume_flow, unit: LPM, qualifier: [secondary], item: "b/h/{unit}"}
  - {field: supply_c, WHERE variable: cdu_supply_temperature, unit: C, item: "b/h/{unit}"}
"""
OF_WEATHER = """
  - {field: temp_c, WHERE variable: outdoor_dry_bulb_temperature, unit: C}
  - {field: rh, WHERE variable: outdoor_relative_humidity, unit: "%"}
"""
POWER = '{field: kw, WHERE variable: rack_power, unit: kW, item: "b/h/{row}/{place}"}'


def where(text: str, measurement: str) -> str:
    return text.replace("WHERE", f"where: {{measurement: {measurement}}}," if measurement else "")


INFLUX = f"""format: 1
title: Telegraf
rules:
- topic: "telegraf/#"
  readings:
  - {where(POWER, "pdu")}{where(OF_COOLING, "cdu")}{where(OF_WEATHER, "weather")}
"""
PLAIN = f"""format: 1
title: a gateway
rules:
- topic: "site/{{row}}/{{place}}/pdu"
  source: pdu
  time_field: ts
  time_unit: ms
  readings:
  - {where(POWER, "")}
- topic: "site/cdu/{{unit}}"
  time_field: ts
  time_unit: ms
  readings:{where(OF_COOLING, "")}
- topic: "site/weather"
  time_field: ts
  time_unit: ms
  readings:{where(OF_WEATHER, "")}
"""
MAPPINGS = {"influx": INFLUX, "plain": PLAIN}


def line(series: str, fields: dict[str, float], at_ns: int) -> str:
    return f"{series} {','.join(f'{key}={value}' for key, value in fields.items())} {at_ns}\n"


def by_lines(at_ns: int) -> Iterator[tuple[str, str]]:
    """What Telegraf publishes at an instant: topics and payloads."""
    places = (name.split("/") for name in RACKS)
    powers = zip(places, RACKS.values(), strict=True)
    yield (
        "telegraf/gw/racks",
        "".join(line(f"pdu,host=gw,place={place},row={row}", {"kw": kw}, at_ns) for (row, place), kw in powers),
    )
    yield "telegraf/gw/cdu", line(f"cdu,unit={CDU}", COOLING, at_ns) + line("weather", WEATHER, at_ns)


def by_json(at_ns: int) -> Iterator[tuple[str, str]]:
    """What a gateway publishes at an instant."""
    stamp = {"ts": at_ns // 10**6}
    yield from ((f"site/{rack}/pdu", json.dumps({**stamp, "kw": kw})) for rack, kw in RACKS.items())
    yield f"site/cdu/{CDU}", json.dumps({**stamp, **COOLING})
    yield "site/weather", json.dumps({**stamp, **WEATHER})


SPEAK = {"influx": by_lines, "plain": by_json}


def stream(dialect: str, *hostile: tuple[str, bytes], lasting_s: int) -> list[Message]:
    """All of the site each second, and in each of them what is hostile."""
    said: list[tuple[str, bytes, int]] = []
    for second in range(lasting_s):
        at = START_NS + second * NS
        said += [(topic, text.encode(), at) for topic, text in SPEAK[dialect](at)]
        said += [(topic, payload.replace(b"NOW", b"%d" % at), at) for topic, payload in hostile]
    return [Message(topic, payload, at, n, 1, retain=False) for n, (topic, payload, at) in enumerate(said)]


def beside(dialect: str, folder: Path, *hostile: tuple[str, bytes], lasting_s: int = 12) -> Lived:
    """A twin that heard such a stream."""
    file = folder / "mapping.yaml"
    file.write_text(MAPPINGS[dialect])
    messages = stream(dialect, *hostile, lasting_s=lasting_s)
    return Lived(messages, SITE, lasting_s, at=NOON, decoder=make(dialect, {"mapping": str(file)}))


@pytest.fixture(scope="module", params=sorted(MAPPINGS))
def lived(request, tmp_path_factory) -> tuple[str, Lived]:
    return request.param, beside(request.param, tmp_path_factory.mktemp("mapped"))


def test_the_twin_is_driven_by_what_is_measured(lived):
    _, twin = lived
    frame = twin.frames[-1]
    assert (frame.mode, frame.note) == (Mode.LIVE, "")
    told = twin.session.told()
    assert (told["bound"]["bound"], told["bound"]["of_this_site"]) == (len(RACKS) + 4, len(RACKS) + 2)
    assert sum(told["state"]["rejects"].values()) == 0
    for name in ("rack_power", "cdu_flow", "cdu_supply_temperature", "outdoor_dry_bulb_temperature"):
        assert frame.used[name].all(), name
        assert frame.simulated[name] == pytest.approx(frame.measured[name], rel=1e-6), name
    assert frame.measured["hall_it_power"] == pytest.approx([sum(RACKS.values()) * 1e3])
    litres_a_second = COOLING["flow_lpm"] / 60e3
    assert density("pg25", 60.0) < frame.measured["cdu_flow"][0] / litres_a_second < density("pg25", 20.0)


def test_humidity_by_its_name_makes_the_wet_bulb(lived):
    frame = lived[1].frames[-1]
    [measured] = frame.measured["outdoor_wet_bulb_temperature"]
    assert WEATHER["temp_c"] - 5.0 < measured < WEATHER["temp_c"]
    assert frame.used["outdoor_wet_bulb_temperature"].all()


EVIL = "pdu,host=evil,place=01,row=r-1"
HOSTILE = {
    "influx": (
        ("telegraf/evil/nan", f"{EVIL} kw=NaN NOW".encode(), Reason.TYPE),
        ("telegraf/evil/huge", f"{EVIL} kw=1e400 NOW".encode(), Reason.TYPE),
        ("telegraf/evil/ms", f"{EVIL} kw=151 1900000000000".encode(), Reason.TIME),
        ("telegraf/evil/twice", b"pdu,place=01,place=02,row=r-1 kw=151 NOW", Reason.SYNTAX),
        ("telegraf/evil/long", f"{EVIL} kw=1 NOW\n".encode() * 26_000, Reason.SIZE),
        ("telegraf/\udc80", f"{EVIL} kw=1 NOW".encode(), Reason.TOPIC),
        ("telegraf/" + "/" * 40, f"{EVIL} kw=1 NOW".encode(), Reason.TOPIC),
        ("telegraf/evil/bytes", bytes(range(256)), Reason.SYNTAX),
        ("telegraf/evil/none", b"", Reason.SYNTAX),
    ),
    "plain": (
        ("site/r-1/01/pdu", b'{"ts": 1743620423, "kw": 1}', Reason.TIME),
        ("site/r-1/01/pdu", b'{"ts": %s, "kw": 1}' % (b"9" * 4000), Reason.TIME),
        ("site/r-1/01/pdu", b'{"ts": 1900000000000, "kw": 1, "kw": 2}', Reason.KEY),
        ("site/r-1/01/pdu", b'{"kw": "many"}', Reason.TYPE),
        ("site/r-1/01/pdu", b'{"kw": 1, "x": "%s"}' % (b"x" * (1 << 20)), Reason.SIZE),
        ("site/r-1/01/pdu", b"[" * 5000, Reason.SYNTAX),
        ("site/\udc80/01/pdu", b'{"kw": 1}', Reason.TOPIC),
    ),
}


def test_what_is_hostile_is_refused_each_with_its_reason_and_changes_nothing(lived, tmp_path):
    dialect, calm = lived
    hostile = HOSTILE[dialect]
    twin = beside(dialect, tmp_path, *((topic, payload) for topic, payload, _ in hostile))
    told = twin.session.told()["state"]
    assert told["rejects"] == {
        reason: len(calm.frames) * count for reason, count in Counter(reason for _, _, reason in hostile).items()
    }
    assert (told["readings"], told["quarantined"]) == (calm.session.told()["state"]["readings"], 0)
    frame = twin.frames[-1]
    assert (frame.mode, frame.note) == (Mode.LIVE, "")
    for name, values in calm.frames[-1].simulated.items():
        assert frame.simulated[name] == pytest.approx(values, nan_ok=True), name


def test_times_in_another_unit_than_is_read_are_told_with_the_unit_that_they_are_in(monkeypatch, tmp_path):
    monkeypatch.setitem(
        SPEAK, "influx", lambda ns: ((t, text.replace(str(ns), str(ns // 10**6))) for t, text in by_lines(ns))
    )
    frame = beside("influx", tmp_path, lasting_s=3).frames[-1]
    assert frame.mode is Mode.STALE
    assert frame.note.startswith(
        "6 messages refused, none read: time, the time is not one of 2000..2100 in ns; it is in ms; no point of power"
    )


def test_racks_in_the_wrong_unit_drive_nothing_and_are_told(monkeypatch, tmp_path):
    for name, kw in RACKS.items():
        monkeypatch.setitem(RACKS, name, kw * 1e3)  # a gateway that writes W
    frame = beside("plain", tmp_path, lasting_s=3).frames[-1]
    assert (frame.mode, frame.note) == (Mode.STALE, "not believed: all of the power")
    assert "rack_power" not in frame.used
    assert frame.simulated["site_power"][0] < 10e6


def test_one_rack_in_the_wrong_unit_costs_no_other(monkeypatch, tmp_path):
    monkeypatch.setitem(RACKS, "r-1/01", 151e3)
    frame = beside("plain", tmp_path, lasting_s=3).frames[-1]
    assert (frame.mode, frame.note) == (Mode.LIVE, "not believed: 4 % of the power")
    assert frame.used["rack_power"].sum() == len(RACKS) - 1


@pytest.mark.parametrize(
    ("stamp", "age_s", "old"),
    [("", 0, True), (f" {START_NS - 100 * NS}", 100, False), (f" {START_NS - 300 * NS}", 300, True)],
)
def test_a_retained_copy_is_as_old_as_it_says_and_drives_nothing_where_it_says_nothing(stamp, age_s, old):
    pipeline = Pipeline(make("influx"), ReplayClock(START_NS, None))
    pipeline.take([Message("telegraf/gw", f"pdu kw=1{stamp}".encode(), START_NS, 0, 1, retain=True)])
    found = pipeline.state.view(START_NS)
    assert (found.age_s.tolist(), found.old.tolist()) == ([age_s], [old])
    assert found.quality.tolist() == [Quality.STALE if old else Quality.GOOD]
    pipeline.take([Message("telegraf/gw", b"pdu kw=2", START_NS + NS, 1, 1, retain=False)])
    assert pipeline.state.view(START_NS + NS).quality.tolist() == [Quality.GOOD]


def test_a_recording_that_is_cut_is_lived_through_by_what_it_remembers_and_what_is_lost_is_told(tmp_path):
    (tmp_path / "mapping.yaml").write_text(INFLUX)
    recorder = Recorder(tmp_path / "r", kept("influx", {"mapping": str(tmp_path / "mapping.yaml")}), clock=HandClock())
    record(recorder, stream("influx", lasting_s=12), group=2)
    recorder.close()
    (tmp_path / "mapping.yaml").unlink()
    [path] = (tmp_path / "r").iterdir()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    played = open_played(path, speed="max")
    wish = Wish(SITE, at=NOON, every="1min", out=tmp_path / "run")
    session = on_recording(wish, played, played.decoder, lambda words: None)
    session.go(threading.Event(), lambda frame: None)
    told = session.told()
    assert told["bound"]["bound"] == len(RACKS) + 4
    assert 0 < told["frames"] < 12
    note, without = told["notes"]
    assert (told["run"], without) == (None, "no interval of 1 min came to its end: there is no run")
    assert note.endswith("are not whole, torn or still being written: a record is cut")
    assert session.loop is not None
    shown, last = session.board.latest(), session.loop.frame  # a page that stays open says that no more comes
    assert shown is not None
    assert last is not None
    assert (shown.time_ns, shown.speed, shown.sequence) == (last.time_ns, 0.0, last.sequence + 1)
    assert shown.note.startswith("the recording has ended")
    path.write_bytes(path.read_bytes()[:200])
    empty = open_played(path, speed="max")
    with pytest.raises(InputError, match=r"nothing in the recording says .* a record is cut"):
        on_recording(Wish(SITE, at=NOON), empty, empty.decoder, lambda words: None)


def test_a_recording_of_which_a_file_goes_while_it_plays_ends_the_run_which_is_not_complete(tmp_path):
    (tmp_path / "mapping.yaml").write_text(INFLUX)
    about, messages = kept("influx", {"mapping": str(tmp_path / "mapping.yaml")}), stream("influx", lasting_s=12)
    half = len(messages) // 2
    for part in (messages[:half], messages[half:]):
        recorder = Recorder(tmp_path / "r", about, clock=HandClock())
        record(recorder, part, group=2)
        recorder.close()
    played = open_played(tmp_path / "r", speed="max")
    wish = Wish(SITE, at=NOON, every=2.0, out=tmp_path / "run")
    session = on_recording(wish, played, played.decoder, lambda words: None)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        session.go(threading.Event(), lambda frame: played.recording.files[-1].unlink(missing_ok=True))
    run = open_run(tmp_path / "run")
    assert (run.sizes["time"], run.attrs["complete"]) == (2, False)
