"""The sample campus, alive on this machine: a broker, a virtual facility on it, the twin that listens, and the page.

    emulator (a process) -> broker (a process) -> twin (a thread) -> page (here)

The facility runs the engine with figures that the twin does not know and is seen through sensors with errors, so what
the page shows side by side is two different things. All of it is on loopback and ends with the caller.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dashboards.beside import go_with_page
from telemetry.address import ANONYMOUS, parse_address
from telemetry.brokers import BrokerError, guard, start
from telemetry.decode import make
from telemetry.live.session import Session, Wish, on_broker
from telemetry.live.source import Listening
from twin.core.errors import Faults, InputError, Problem, one, option
from twin.site.load import load_site

DIALECT = "dsx"
# The broker that comes with the package; it is not there for Windows.
BROKER = "mosquitto" if sys.platform == "win32" else "iotcore"
# All 55 halls have power, and an afternoon in December is an ordinary one.
SITE, AT = "prairie-750", "2028-12-15T20:00"
# Points of the facility are read so often: 6,000 messages a second of 74,310 points.
PERIOD = "10s"
ENDED_S = 5.0
BAD_INPUT = 2
COMMAND = "twin.cli.main"  # by name: nothing here imports the command line
Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What is shown: a site at a date (None: now), ``port`` of the page (0: a free one), ``faults`` of the facility."""

    site: str = SITE
    at: str | None = AT
    port: int = 0
    period: str = PERIOD
    faults: tuple[str, ...] = ()
    lasting_s: float | None = None
    out: Path | None = None


def run(demo: Demo, folder: Path, stop: threading.Event, *, say: Say, show: Say) -> Session:
    """Run all of it until ``stop`` or for its time, and give the session back; ``show`` is told the page's URL.

    ``folder`` is for the broker's state and log. Raises ``InputError`` for what cannot be.
    """
    try:
        broker = start(BROKER, folder / "broker")
    except BrokerError as error:
        raise one(str(error), path="broker") from None
    refused: list[str] = []
    with broker, _facility(demo, broker.address, stop, say, refused):
        address = parse_address(broker.address)
        wish = Wish(demo.site, at=demo.at, out=demo.out, lasting_s=demo.lasting_s)
        session = on_broker(wish, Listening(address, ANONYMOUS, make(DIALECT), DIALECT), say)
        for line in [f"broker    {BROKER} at {address}", *session.lines()]:
            say(line)
        go_with_page(session, stop, port=demo.port, show=show, ends=demo.lasting_s is not None)
    if refused:
        raise InputError([Problem("", line) for line in refused])
    return session


@contextmanager
def _facility(demo: Demo, broker: str, stop: threading.Event, say: Say, refused: list[str]) -> Iterator[None]:
    """The virtual facility as a process that ends with this one; what it says where it ends by itself is told.

    Where it refuses what was asked for, as a fault of nothing, all ends: its reasons are put into ``refused``.
    """
    asked = [demo.site, "--every", demo.period, "--broker", broker]
    asked += [] if demo.at is None else ["--at", demo.at]
    asked += [word for fault in demo.faults for word in ("--fault", fault)]
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(guard.__file__)), sys.executable, "-P", "-m", COMMAND, "emulate", *asked],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    said: list[str] = []

    def listen(lines: Iterator[str]) -> None:
        said.extend(line.rstrip() for line in lines)
        if stop.is_set():
            return
        if process.wait() == BAD_INPUT:
            refused.extend(line for line in said if line)
            stop.set()
        else:
            say("\n  ".join(["the facility has ended:", *said[-3:]]))

    listener = threading.Thread(target=listen, args=(iter(process.stderr),), name="facility", daemon=True)
    listener.start()
    try:
        yield
    finally:
        stop.set()
        assert process.stdin is not None
        process.stdin.close()  # its guard ends it
        try:
            process.wait(ENDED_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        listener.join(ENDED_S)
        process.stderr.close()


def check(demo: Demo) -> None:
    """Raise ``InputError`` for all that can be seen before anything runs."""
    faults = Faults()
    faults.of(load_site, demo.site)
    faults.of(_port, demo.port)
    faults.of(Wish(demo.site, at=demo.at, out=demo.out, lasting_s=demo.lasting_s).check)
    faults.tell()


def _port(port: int) -> None:
    if not 0 <= port <= 65_535:
        raise one(f"{port} is no port, expected 0 to 65535", path=option("port="))


__all__ = ["AT", "SITE", "Demo", "check", "run"]
