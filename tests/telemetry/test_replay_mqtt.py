"""The example through a real Mosquitto and directly: the same readings and the same state; commands never arrive."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import telemetry
from telemetry.address import Login, parse_address
from telemetry.batch import Reject
from telemetry.brokers import Running, start
from telemetry.clock import NS, ReplayClock
from telemetry.decode import make
from telemetry.message import Message
from telemetry.recording.read import open_recording
from telemetry.recording.write import Recorder
from telemetry.replay.asked import Played, choose, open_played
from telemetry.replay.play import to_twin
from telemetry.replay.send import Target, send
from telemetry.replay.told import told
from tests.cli.child import TWIN, twin
from tests.telemetry.client import Client
from tests.telemetry.exchange import messages, shared
from tests.telemetry.replayed import WAIT_S, Heard, directly, through
from tests.telemetry.said import T0

# The command, which waits for hours for what a broker does not acknowledge.
PATIENT = """
from telemetry.replay import send
from twin.cli.main import main
send.FLUSH_S = 1e4
main()
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start("mosquitto", tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.mark.parametrize(("speed", "before"), [("1", "3s"), ("100", None), ("max", None)])
def test_through_mqtt_and_directly_the_example_gives_identical_readings_and_state(broker, speed, before, tmp_path):
    how = {"speed": speed, "epoch": "2028-07-12T18:00", "before": before}
    played = open_played(shared("dsx_exemplar.csv"), **how)
    count = sum(1 for _ in played.messages())
    direct, outcome = directly(played, count)
    assert (outcome.messages, direct.whole.is_set()) == (count, True)
    recorder = Recorder(tmp_path / "r", {"dialect": "dsx"}, clock=ReplayClock(played.begin_ns, None))
    live, sent, undelivered = through(broker, played, count, recorder)
    recorder.close()
    assert (sent.messages, undelivered, sent.left_out.total()) == (count, 0, 0)

    assert live.readings == direct.readings
    assert live.pipeline.state.digest() == direct.pipeline.state.digest()
    one, two = (told(heard.pipeline.state, outcome.last_ns) for heard in (direct, live))
    for found in (one, two):  # what follows from the receipt, whose delay is N times as long at xN
        found.pop("clock_offsets_s")
        for row in found["readings"]:
            row.pop("age_s")
    assert two == one
    assert count == (4711 if before is None else len([m for m in messages() if m.received_ns < begin() + 3 * NS]))
    # What the ingest recorded is the same stream once more.
    again = Heard(ReplayClock(played.begin_ns, None), count)
    recording = open_recording(tmp_path / "r")
    assert "clock-jump" not in {mark.what for mark in recording.marks()}  # whatever the speed
    to_twin(
        Played(recording, choose(recording, speed="max"), "dsx"), again.pipeline, ReplayClock(played.begin_ns, None)
    )
    assert again.readings == direct.readings


def begin() -> int:
    return messages()[0].received_ns


def test_commands_in_a_recording_never_reach_the_broker_and_are_told(broker, tmp_path):
    commands = [
        "BMS/v1/NICO/Value/Rack/RackElectricalIsolationRequest/a",
        "BMS/v1/MEPAI/Value/CDU/LiquidTemperatureSpRequest/a",
        "cpc/7/BMS/v1/NICO/Value/Rack/RackLiquidIsolationRequest/a",
        "grid/v1/isv/i/loadtarget/set",
        "grid/v1/infra/i/powerbreach/enforcement",
        "spBv1.0/g/NCMD/e",
        "spBv1.0/g/DCMD/e/d",
        "plant/pump/set",
    ]
    harmless = ["BMS/v1/PUB/Value/Rack/RackPower/a", "grid/v1/dsx-flex-agent/a/powerstate/status", "spBv1.0/g/NDATA/e"]
    topics = [topic for pair in zip(commands, (harmless * 3)[: len(commands)], strict=True) for topic in pair]
    recorder = Recorder(tmp_path / "r", {}, clock=ReplayClock(T0, None))
    recorder.add([Message(topic, b"1", T0 + i, i, 1) for i, topic in enumerate(topics)])
    recorder.commit()
    recorder.close()
    recording = open_recording(tmp_path / "r")
    played = Played(recording, choose(recording, speed="max"), "dsx")
    with Client(broker.port, "all") as everything:
        everything.subscribe("#", 1)
        before = len(everything.got)
        for prefix in ("", "test/replay"):
            to = Target(parse_address(broker.address), Login(), prefix, False)
            outcome, undelivered = send(played, make("dsx"), to, lambda words: None)
            assert (outcome.messages, undelivered) == (len(commands), 0)
            assert sorted(outcome.left_out) == sorted(commands)
        everything.paho.publish("the/end", b"", 1)
        assert everything.until(lambda: bool(everything.got) and everything.got[-1].topic == "the/end")
        got = [message.topic for message in everything.got[before:] if not message.retain]
    sent = [topic for topic in topics if topic not in commands]
    assert got == [*sent, *(f"test/replay/{topic}" for topic in sent), "the/end"]


def test_the_verb_shows_first_what_it_sends_and_the_broker_has_all_of_it(broker, tmp_path):
    part = ("--before", "3s", "--speed", "max", "--prefix", "demo/one")
    count = sum(1 for _ in open_played(shared("dsx_exemplar.csv"), before="3s").messages())
    with Client(broker.port, "verb") as everything:
        everything.subscribe("demo/#", 1)
        done = twin(
            "replay", shared("dsx_exemplar.csv"), "--to", "mqtt", "--broker", broker.address, *part, cwd=tmp_path
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert everything.receives(count)
        got = everything.got[:]
    assert done.stdout.splitlines()[:2] == [f"to        {broker.address}", "prefix    demo/one"]
    assert f"replayed  {count:,} messages" in done.stdout
    assert [message.topic.removeprefix("demo/one/") for message in got] == [
        message.topic for message in messages()[:count]
    ]
    decoder = make("dsx", {"prefix": "demo/one"})
    assert not any(
        isinstance(decoder.decode(Message(m.topic, bytes(m.payload), 0, 0, m.qos, m.retain)), Reject) for m in got
    )
    with Client(broker.port, "late") as late:  # the metadata stay at the broker, as in a real exchange
        late.subscribe("demo/#", 0)
        assert late.receives(166)
        assert all(message.retain for message in late.got[:166])
    stamps = [json.loads(m.payload)["timestamp"] for m in got if "/Value/" in m.topic]
    now_ms = time.time_ns() // 1_000_000
    assert now_ms - 60_000 < min(stamps) <= max(stamps) <= now_ms  # now by default: nothing of the future


def test_retained_messages_are_cleared_as_the_readme_says(broker, tmp_path):
    readme = (Path(telemetry.__file__).parent / "README.md").read_text()
    (command,) = re.findall(r"`(mosquitto_sub -h H .*?)`", readme)
    with Client(broker.port, "keeper") as keeper:
        topics = [f"P/{name}" for name in ("a", "b/c", "d e", 'q"uote', "dollar$x")]
        assert keeper.publish(((topic, b"1") for topic in topics), 1, retain=True) == len(topics)
        shell = command.replace("-h H", f"-h 127.0.0.1 -p {broker.port}").replace("-W 2", f"-C {len(topics)}")
        subprocess.run(["bash", "-c", shell], cwd=tmp_path, check=False, capture_output=True, timeout=60)
    with Client(broker.port, "after") as after:
        after.subscribe("P/#", 1)
        assert after.quiet() == 0


def test_no_broker_is_told_with_exit_code_2_and_a_ctrl_c_says_how_far_it_came(broker, tmp_path):
    example = shared("dsx_exemplar.csv")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else gets it
        address = f"mqtt://127.0.0.1:{nobody.getsockname()[1]}"
        done = twin("replay", example, "--to", "mqtt", "--broker", address, "--json", cwd=tmp_path)
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["path"] == "--broker"
    assert "refused" in problem["message"]
    with Client(broker.port, "watch") as watch:
        watch.subscribe("stopped/#", 1)
        child = subprocess.Popen(
            [*TWIN, "replay", str(example), "--to", "mqtt", "--broker", broker.address, "--prefix=stopped", "--json"],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            assert watch.receives(10)
            child.send_signal(signal.SIGINT)
            shown, errors = child.communicate(timeout=WAIT_S)
        finally:
            child.kill()
            child.wait()
        told_of = json.loads(shown)
        assert (child.returncode, errors.splitlines()[-1]) == (130, "interrupted")
        assert (told_of["whole"], told_of["undelivered"]) == (False, 0)
        assert watch.receives(told_of["messages"])
        assert watch.quiet() == told_of["messages"] < 4711


def test_a_ctrl_c_is_heard_although_the_broker_has_gone(tmp_path):
    asked = [sys.executable, "-c", PATIENT, "replay", str(shared("dsx_exemplar.csv")), "--to", "mqtt", "--json"]
    with start("mosquitto", tmp_path / "broker") as mine, Client(mine.port, "watch") as watch:
        watch.subscribe("#", 1)
        child = subprocess.Popen(
            [*asked, "--broker", mine.address], cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            assert watch.receives(10)
            mine.kill()
            child.send_signal(signal.SIGINT)
            shown, errors = child.communicate(timeout=WAIT_S)
        finally:
            child.kill()
            child.wait()
    assert (child.returncode, errors.splitlines()[-1]) == (130, "interrupted")
    assert json.loads(shown)["whole"] is False
