"""``twin replay`` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.child import TWIN, twin
from tests.telemetry.exchange import shared

# The command, which ends at once where it connects to anybody.
ALONE = """
import os, socket
from twin.cli.main import main
socket.socket.connect = lambda *_: os._exit(99)
main()
"""


@pytest.fixture(scope="module")
def example() -> Path:
    return shared("dsx_exemplar.csv")


def test_to_the_twin_it_tells_values_by_variable_with_units_and_a_digest(example, tmp_path):
    done = twin("replay", example, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "points    166, 145 with a reading, 0 stale\n" in done.stdout
    assert re.search(r"^rack_power +W +6 +6 +0 +96 +35,679.3 +47,830 +214,076$", done.stdout, re.MULTILINE)
    assert re.search(r"^digest    [0-9a-f]{64}$", done.stdout, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []


def test_json_is_all_that_is_on_stdout_and_a_part_can_be_chosen(example, tmp_path):
    part = ("--after", "2s", "--before", "4s", "--topic", "BMS/v1/+/Metadata/#", "--topic", "BMS/v1/PUB/Value/Rack/#")
    done = twin("replay", example, *part, "--epoch", "2030-06-01T12:00", "--speed", "50", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["speed"], told["stamps"], told["whole"]) == (50.0, "moved", True)
    assert told["begin_utc"] == "2030-06-01T12:00:00.000Z"
    assert told["lateness_s"]["p50"] >= 0.0
    # The metadata came before the part: its values wait for them, and are no readings yet.
    assert (told["state"]["points"], told["state"]["counts"]["readings"]) == (0, 0)
    assert told["messages"] == told["state"]["counts"]["messages"] > 10


def test_a_part_that_holds_nothing_is_said_to_and_what_no_rule_fits_is_counted(example, tmp_path):
    done = twin("replay", example, "--topic", "nothing/#", cwd=tmp_path)
    assert done.returncode == 0
    assert "nothing of the recording is in this time and of these topics" in done.stdout
    done = twin("replay", example, "--dialect", "plain", "--mapping", "gateway", "--before", "1s", cwd=tmp_path)
    assert done.returncode == 0
    assert re.search(r"^rejects   (\d+): \1 topic$", done.stdout, re.MULTILINE)
    assert "no rule of the mapping fits the topic" in done.stdout


def test_everything_wrong_is_told_at_once_with_exit_code_2(tmp_path):
    wrong = ("--to", "mqt", "--speed", "-1", "--epoch", "soon", "--dialect", "dxs", "--topic", "a#")
    done = twin("replay", "nothing.mcap", *wrong, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert '--to: "mqt" is nowhere to replay to, expected mqtt or twin; did you mean "mqtt"?' in done.stderr
    assert '--dialect: there is no "dxs"' in done.stderr
    assert "nothing.mcap: there is no such file or folder" in done.stderr
    (tmp_path / "empty.mcap").touch()
    (tmp_path / "bad.csv").write_text("offset,topic,payload\n1s,a,1\n2parsecs,b,1\n3s,c\n")
    (tmp_path / "none").mkdir()
    for name, words in (("empty.mcap", ""), ("bad.csv", "bad.csv:3"), ("bad.csv", "bad.csv:4"), ("none", "none")):
        done = twin("replay", name, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
    plain = twin("replay", "bad.csv", "--dialect", "plain", cwd=tmp_path)
    assert "--mapping: plain JSON needs a mapping file" in plain.stderr
    with_mqtt = twin("replay", "bad.csv", "--broker", "mqtt://h", "--prefix", "p", "--allow-remote", cwd=tmp_path)
    assert with_mqtt.returncode == 2
    for name in ("--broker", "--prefix", "--allow-remote"):
        assert f"{name}: goes with --to mqtt" in with_mqtt.stderr


def test_a_broker_elsewhere_needs_flag_prefix_and_yes_before_anything_is_sent(example, tmp_path):
    """The address is of RFC 5737 (TEST-NET-1): nobody has it; nothing is even connected to."""

    def alone(*words: str) -> subprocess.CompletedProcess[str]:
        there = ("replay", str(example), "--to", "mqtt", "--broker", "mqtt://192.0.2.1", *words)
        return subprocess.run(
            [sys.executable, "-c", ALONE, *there], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    bare = alone()
    assert (bare.returncode, bare.stdout) == (2, "")
    assert "--allow-remote: mqtt://192.0.2.1:1883 is not on this machine" in bare.stderr
    assert "--prefix: mqtt://192.0.2.1:1883 is not on this machine" in bare.stderr
    unasked = alone("--allow-remote", "--prefix", "test/replay")
    assert unasked.returncode == 2
    assert "prefix    test/replay" in unasked.stdout
    assert "messages  4,711 on 311 topics: 4,711 at QoS 1" in unasked.stdout
    assert "retained  166" in unasked.stdout
    assert "will      none" in unasked.stdout
    assert "--yes: mqtt://192.0.2.1:1883 is not on this machine" in unasked.stderr
    original = alone("--allow-remote", "--prefix", "BMS", "--yes")
    assert (original.returncode, original.stdout) == (2, "")
    assert "choose another prefix" in original.stderr


def test_at_a_terminal_a_no_sends_nothing(example, tmp_path):
    ours, theirs = pty.openpty()
    asked = ("--to", "mqtt", "--broker", "mqtt://192.0.2.1", "--allow-remote", "--prefix", "test")
    child = subprocess.Popen(
        [*TWIN, "replay", str(example), *asked],
        cwd=tmp_path, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        os.write(ours, b"no\n")
        shown, _ = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    assert child.returncode == 2
    assert "4,711 on 311 topics" in shown


@pytest.mark.parametrize("package", ["msgspec", "paho"])
def test_without_the_extra_it_says_what_to_install(example, tmp_path, package):
    without = f"import sys; sys.modules[{package!r}] = None; from twin.cli.main import main; main()"
    asked = [sys.executable, "-c", without, "replay", str(example), "--to", "mqtt"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'this needs the package {package}: pip install "halltwin[mqtt]"\n'


def test_an_address_with_a_password_is_refused_and_not_repeated(example, tmp_path):
    done = twin("replay", example, "--to", "mqtt", "--broker", "mqtt://me:hunter2@localhost", cwd=tmp_path)
    assert done.returncode == 2
    assert "HALLTWIN_MQTT_PASSWORD" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_ctrl_c_ends_it_with_130_and_what_was_reached(example, tmp_path):
    child = subprocess.Popen(
        [*TWIN, "replay", str(example), "--speed", "1", "--json"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert child.stderr is not None
        assert child.stderr.readline() == "at x1 this takes 99 s; Ctrl-C ends it\n"
        child.send_signal(signal.SIGINT)
        shown, errors = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    assert (child.returncode, errors) == (130, "interrupted\n")
    told = json.loads(shown)
    assert told["whole"] is False
    assert told["messages"] == told["state"]["counts"]["messages"] < 4711


def test_a_ctrl_c_amid_a_message_counts_what_the_state_has_taken(example, tmp_path):
    signals_itself = """
import os, signal
from telemetry.state.state import State
from twin.cli.main import main
apply, seen = State.apply, []
def applied(self, *args):
    apply(self, *args)
    seen.append(args)
    if len(seen) == 5:
        os.kill(os.getpid(), signal.SIGINT)
State.apply = applied
main()
"""
    asked = [sys.executable, "-c", signals_itself, "replay", str(example), "--json"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    told = json.loads(done.stdout)
    assert told["whole"] is False
    assert told["messages"] == told["state"]["counts"]["messages"] < 4711
