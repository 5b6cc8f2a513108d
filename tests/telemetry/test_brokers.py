"""Every kind of broker as a process: it listens on loopback only, it comes back, it dies with its parent."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest

from telemetry.brokers import BrokerError, kinds, start
from telemetry.brokers.running import free, free_ports
from tests.telemetry.until import until
from twin.core.errors import InputError

KINDS = list(kinds())
# A parent that starts a broker from a thread which ends, has another child that inherits everything, and is killed.
PARENT = """
import os, sys, threading, time
from pathlib import Path
from telemetry.brokers import start
brokers = []
thread = threading.Thread(target=lambda: brokers.append(start(sys.argv[1], Path(sys.argv[2]))))
thread.start()
thread.join()
heir = os.fork()
if heir == 0:
    time.sleep(60)
print(brokers[0].pid, brokers[0].port, heir, flush=True)
time.sleep(60)
"""


def listeners(pid: int) -> set[str]:
    """Local addresses in hex on which a process listens, by the kernel's own table."""
    own = set[str]()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
            own.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with open(f"/proc/net/{table}") as lines:
            rows = [line.split() for line in lines][1:]
        found |= {row[1] for row in rows if f"socket:[{row[9]}]" in own and (table[:3] == "udp" or row[3] == "0A")}
    return found


def test_the_kinds_are_found():
    assert KINDS == ["iotcore", "mosquitto"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_listens_on_loopback_only_is_killed_and_comes_back_on_the_same_port(kind, tmp_path):
    with start(kind, tmp_path) as broker:
        first, port = broker.pid, broker.port
        assert broker.address == f"mqtt://127.0.0.1:{port}"
        if sys.platform == "linux":
            assert listeners(first) == {f"0100007F:{each:04X}" for each in broker.launch.ports.values()}
        broker.kill()
        assert not broker.alive
        assert free(port)
        broker.restart()
        assert broker.alive
        assert (broker.port, broker.pid != first) == (port, True)
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
    assert not broker.alive
    assert free(port)
    broker.stop()  # once more does no harm


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_dies_with_its_parent_even_when_the_parent_is_killed(kind, tmp_path):
    command = [sys.executable, "-c", PARENT, kind, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, port, heir = map(int, parent.stdout.readline().split())
        try:
            assert not free(port)
            parent.kill()
            parent.wait()
            assert until(lambda: free(port) and not os.path.exists(f"/proc/{pid}"))
        finally:
            os.kill(heir, signal.SIGKILL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_that_was_killed_from_outside_is_noticed_and_comes_back(kind, tmp_path):
    with start(kind, tmp_path) as broker:
        os.kill(broker.pid, signal.SIGKILL)
        assert broker.wait() != 0
        assert not broker.alive
        broker.restart()
        assert broker.alive


def test_a_port_that_is_lost_between_choice_and_start_is_chosen_anew(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([[other.getsockname()[1], 0], free_ports(2)])
        monkeypatch.setattr("telemetry.brokers.mosquitto.free_ports", lambda count: next(ports))
        with start("mosquitto", tmp_path) as broker:
            assert broker.port != other.getsockname()[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_that_is_taken_is_said_so_and_nothing_stays_behind(kind, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BrokerError, match=f"port {port} of 127.0.0.1 is taken"):
            start(kind, tmp_path, port=port)


def test_a_broker_that_cannot_start_says_the_end_of_its_log(tmp_path):
    broker = start("mosquitto", tmp_path)
    broker.stop()
    (tmp_path / "mosquitto.conf").write_text("no_such_option 1\n")
    with pytest.raises(BrokerError, match=r"(?s)mosquitto ended at once; the end of its log:.*no_such_option"):
        broker.restart()
    assert not broker.alive
    (tmp_path / "mosquitto.conf").unlink()
    with pytest.raises(BrokerError, match=r"(?s)Unable to open config file.*where AppArmor confines"):
        broker.restart()


def test_missing_software_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("telemetry.brokers.mosquitto.shutil.which", lambda *_, **__: None)
    with pytest.raises(InputError, match=r"^broker: .*apt-get install mosquitto") as caught:
        start("mosquitto", tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_kind_is_told_the_known_ones(tmp_path):
    with pytest.raises(InputError, match='known: iotcore, mosquitto; did you mean "mosquitto"'):
        start("mosquito", tmp_path)


def test_free_ports_differ():
    assert len(set(free_ports(20))) == 20
