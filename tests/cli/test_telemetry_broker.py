"""``twin telemetry broker`` as a person or a script meets it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from telemetry.brokers.running import free
from tests.cli.child import TWIN, twin


@contextmanager
def broker(folder, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [*TWIN, "telemetry", "broker", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("kind", ["iotcore", "mosquitto"])
def test_a_broker_runs_until_ctrl_c_and_says_first_where(kind, tmp_path):
    with broker(tmp_path, "--kind", kind, "--port", "0") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("mqtt://127.0.0.1:")
        port = int(address.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), 30).close()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "")
        assert err == "" or err.startswith(f"{kind} runs until Ctrl-C; its log: ")
        assert free(port)


def test_json_has_the_addresses_and_the_folder_keeps_the_log(tmp_path):
    with broker(tmp_path, "--port", "0", "--json", "--folder", "kept") as process:
        assert process.stdout is not None
        told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        assert set(told["addresses"]) == {"mqtt", "mqtt5"}
        assert told["address"] == told["addresses"]["mqtt"]
        os.kill(told["pid"], 0)
    assert (tmp_path / "kept" / "broker.log").is_file()


def test_a_folder_that_is_a_file_and_an_address_that_nobody_shows_are_refused_in_a_line(tmp_path):
    (tmp_path / "file").touch()
    done = twin("telemetry", "broker", "--port", "0", "--folder", "file", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "file: a broker cannot keep its state here: File exists\n"
    done = twin("telemetry", "broker", "--port", "0", "--bind", "10.0.0.5", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("--bind: goes with --show-config")


def test_a_broker_that_dies_is_a_fault_and_said(tmp_path):
    with broker(tmp_path, "--kind", "mosquitto", "--port", "0", "--json") as process:
        assert process.stdout is not None
        told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        os.kill(told["pid"], signal.SIGKILL)
        assert process.wait(60) == 70


def test_a_port_that_is_taken_and_an_unknown_kind_are_bad_input(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = twin("telemetry", "broker", "--port", port, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"port {port} of 127.0.0.1 is taken by another program; --port 0 takes a free one" in done.stderr
    done = twin("telemetry", "broker", "--kind", "mosquito", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'there is no "mosquito"; known: iotcore, mosquitto; did you mean "mosquitto"?' in done.stderr


def test_the_production_configuration_and_its_access_list_are_printed(tmp_path):
    done = twin("telemetry", "broker", "--show-config", "--bind", "10.1.2.3", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "listener 8883 10.1.2.3" in lines
    assert "allow_anonymous false" in lines
    done = twin("telemetry", "broker", "--show-config", "--show-acl", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert "topic write BMS/v1/PUB/#" in told["access_list"].splitlines()
    assert "require_certificate true" in told["configuration"].splitlines()
    done = twin("telemetry", "broker", "--show-config", "--bind", "everywhere", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert '--bind: "everywhere" is no IP address' in done.stderr
