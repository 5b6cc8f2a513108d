"""A broker as a child process: started on a free loopback port, ready when it answers, gone when its parent is.

State and log stay in one folder, so that a broker that was stopped or killed comes back on the same port with what it
had kept. The MQTT here is one packet of each side, written by hand: whether a broker answers needs no client.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
READY_S = 20.0  # a loaded machine with two cores; an idle one needs 0.1 s
STOP_S = 15.0
CHOICE = range(20_000, 32_768)  # below what Linux (from 32,768), macOS and IANA (from 49,152) give out
RETRY_S = 0.02
LOG_LINES = 5  # of the broker's log, in the message that it did not start
# CONNECT of MQTT 3.1.1: clean session, keep-alive of 10 s, client "halltwin-ready".
CONNECT = b"\x10\x1a\x00\x04MQTT\x04\x02\x00\x0a\x00\x0ehalltwin-ready"
DISCONNECT = b"\xe0\x00"
GUARD = Path(__file__).with_name("guard.py")


class BrokerError(RuntimeError):
    """A broker did not start, or did not end."""


class TakenError(BrokerError):
    """Somebody else has its port."""


@dataclass(frozen=True)
class Launch:
    """How to start a broker: the ``command``, and the port of every listener, that of ``Running.address`` first.

    Listeners: ``mqtt``; ``mqtt5`` where MQTT 5 has a port of its own; ``mqtts``; ``mtls``, with client certificates.
    ``hints``: what to tell people where such words are in the log of a broker that did not start.
    """

    command: tuple[str, ...]
    ports: Mapping[str, int]
    hints: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Running:
    """A broker that runs; a context manager that stops it.

    ``folder`` holds its configuration, its state and ``log``. ``pid`` is that of the broker itself.
    """

    kind: str
    folder: Path
    launch: Launch
    pid: int = 0
    _guard: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Where clients connect: ``mqtt://127.0.0.1:PORT``, or ``mqtts://…`` where nothing is in the clear."""
        return next(iter(self.addresses.values()))

    @property
    def addresses(self) -> dict[str, str]:
        """Address of every listener by its name, the first one first."""
        schemes = {"mqtt": "mqtt", "mqtt5": "mqtt"}
        return {name: f"{schemes.get(name, 'mqtts')}://{LOOPBACK}:{port}" for name, port in self.launch.ports.items()}

    @property
    def port(self) -> int:
        """Port of ``address``."""
        return next(iter(self.launch.ports.values()))

    @property
    def log(self) -> Path:
        """What the broker said since its first start in this folder."""
        return self.folder / "broker.log"

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._guard is not None and self._guard.poll() is None

    def restart(self) -> None:
        """Start it (again, where it was stopped or killed) on the same port and state; returns when it answers."""
        self.stop()
        for port in self.launch.ports.values():
            if not free(port):
                raise TakenError(f"port {port} of {LOOPBACK} is taken by another program")
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(GUARD), *self.launch.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C reaches whoever uses the broker first, which then stops it
            )
        try:
            assert self._guard.stdout is not None
            self.pid = int(self._guard.stdout.readline() or 0)
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End it in good order: it writes what it keeps."""
        self._tell(b"T")

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        self._tell(b"K")

    def wait(self) -> int:
        """Wait until it ends by itself; its exit status."""
        return 0 if self._guard is None else self._guard.wait()

    def _tell(self, order: bytes) -> None:
        guard, self._guard = self._guard, None
        if guard is None:
            return
        assert guard.stdin is not None
        assert guard.stdout is not None
        with contextlib.suppress(OSError):
            guard.stdin.write(order)
            guard.stdin.flush()
        try:
            guard.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            guard.kill()  # the broker goes with it
            raise BrokerError(f"{self.kind} did not end within {STOP_S:g} s") from error
        finally:
            with contextlib.suppress(OSError):
                guard.stdin.close()
            guard.stdout.close()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + READY_S
        waiting: list[tuple[int, Callable[[int], bool]]] = [
            (port, _answers if name == "mqtt" else _accepts) for name, port in self.launch.ports.items()
        ]
        while waiting:
            if not self.alive or time.monotonic() > deadline:
                raise self._not_started()
            waiting = [(port, up) for port, up in waiting if not up(port)]
            if waiting:
                time.sleep(RETRY_S)

    def _not_started(self) -> BrokerError:
        """What its log says, and what that means."""
        said = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        hints = [hint for words, hint in self.launch.hints.items() if any(words in line for line in said)]
        why = "did not answer" if self.alive else "ended at once"
        kind = TakenError if any("in use" in line for line in said) else BrokerError
        return kind("\n  ".join([f"{self.kind} {why}; the end of its log:", *said, *hints]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_ports(count: int) -> list[int]:
    """Different ports of loopback that nobody listens on at this moment, of those that no system gives to connections.

    So a broker that is down for a moment finds its port again: of those above, any program may get it meanwhile.
    """
    chosen = random.SystemRandom().sample(CHOICE, len(CHOICE))
    return list(itertools.islice(filter(free, chosen), count))


def free(port: int) -> bool:
    """Whether a broker could listen there; what lingers of closed connections does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1.0):
        return True
    return False


def _answers(port: int) -> bool:
    """Whether somebody there speaks MQTT: accepts or refuses a client, but answers."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1.0) as link:
        link.sendall(CONNECT)
        answer = link.recv(4)
        link.sendall(DISCONNECT)
        return answer[:1] == b"\x20"
    return False
