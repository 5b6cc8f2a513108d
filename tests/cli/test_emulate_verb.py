"""``twin emulate`` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess

from typer.testing import CliRunner

from telemetry.recording.read import open_recording
from tests.cli.child import TWIN, twin
from twin.cli.main import app

NOON = ("--at", "2028-07-01T12:00")


def test_a_recording_of_a_virtual_minute_and_its_truth(tmp_path):
    fault = ("--fault", "b/h/r-1/01/RackPower:stuck@30s")
    done = twin(
        "emulate", "rubin-manifold", *NOON, "--for", "60s", "--out", "rec", "--truth", "truth.json", "--seed", "7",
        *fault, "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told, truth = json.loads(done.stdout), json.loads((tmp_path / "truth.json").read_text())
    messages = list(open_recording(tmp_path / "rec").messages())
    assert (told["ended"], told["messages"], told["lasted_s"]) == ("done", len(messages), 60.0)
    assert messages[-1].received_ns - messages[0].received_ns > 59e9
    assert truth["seed"] == 7
    assert truth["faults"] == ["b/h/r-1/01/RackPower:stuck@30s"]
    published = b" ".join(m.payload for m in messages)
    assert not any(f'"{figure["key"]}"'.encode() in published for figure in truth["figures"])
    assert "seed 7" in done.stderr


def test_ctrl_c_ends_a_facility_on_a_broker_of_its_own_in_good_order(tmp_path):
    command = [*TWIN, "emulate", "rubin-manifold", *NOON, "--json"]
    child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        lines = []
        assert child.stderr is not None
        for line in child.stderr:
            lines.append(line)
            if line.startswith("QoS"):
                break
        os.kill(child.pid, signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert any(line.startswith("to        mqtt://127.0.0.1:") for line in lines)
    assert child.returncode == 0
    assert json.loads(out)["ended"] == "stopped"


def test_all_that_is_wrong_is_told_at_once_with_flags(tmp_path):
    done = twin(
        "emulate", "zone-4a-towr", "--for", "soon", "--speed", "x", "--qos", "2", "--sensors", "god", "--fault", "y",
        "--broker", "mqtt://plant.example", "--out", "rec", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    for words in ('did you mean "zone-4a-tower"', "--for", "--speed", "--sensors", "--fault", "--out"):
        assert words in done.stderr
    assert not (tmp_path / "rec").exists()
    remote = twin("emulate", "rubin-manifold", "--broker", "mqtt://me:hunter2@plant.example", cwd=tmp_path)
    assert remote.returncode == 2
    assert "hunter2" not in remote.stderr + remote.stdout


def test_another_machine_is_refused_without_flag_prefix_and_yes():
    done = CliRunner().invoke(app, ["emulate", "rubin-manifold", "--broker", "mqtt://plant.example"])
    assert done.exit_code == 2
    for flag in ("--allow-remote", "--prefix", "--yes"):
        assert flag in done.output
