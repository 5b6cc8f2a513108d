"""The sample campus, alive on this machine: a broker, a virtual facility on it, the twin that listens, and the page.

    emulator (a process) -> broker (a process) -> twin (a thread) -> page (here)

The facility runs the engine with figures that the twin does not know and is seen through sensors with errors, so what
the page shows side by side is two different things. All of it is on loopback and ends with the caller, and where the
broker or the facility ends by itself, all ends with the reason: nothing would be measured any more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from dashboards.app import listening
from dashboards.beside import go_with_page
from telemetry.address import ANONYMOUS, parse_address
from telemetry.brokers import BrokerError, Running, guard, start
from telemetry.decode import make
from telemetry.emulate.virtual import STANDS, Wanted
from telemetry.emulate.virtual import check as check_facility
from telemetry.live.session import Session, Wish, on_broker
from telemetry.live.source import Listening
from twin.core.errors import Faults, InputError, Problem, one, renamed
from twin.core.jit import cache_folder
from twin.engine.period import stamp
from twin.site.load import load_site

DIALECT = "dsx"
# The broker that comes with the package; it is not there for Windows.
BROKER = "mosquitto" if sys.platform == "win32" else "iotcore"
# All 55 halls have power, and an afternoon in December is an ordinary one.
SITE, AT = "prairie-750", "2028-12-15T20:00"
# Points of the facility are read so often: 6,000 messages a second of 74,310 points.
PERIOD = "10s"
ENDED_S, LOOK_S = 5.0, 0.1
BAD_INPUT = 2
SIGNALS = range(1, 65)
COMMAND = "twin.cli.main"  # by name: nothing here imports the command line
Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What is shown: a site at a date, ``port`` of the page (0: a free one), ``faults`` of the facility.

    ``at`` None: fully built, at the begin of its first full year; :func:`check` finds that date.
    """

    site: str = SITE
    at: str | None = AT
    port: int = 0
    period: str = PERIOD
    faults: tuple[str, ...] = ()
    lasting_s: float | None = None
    out: Path | None = None


def run(demo: Demo, folder: Path, stop: threading.Event, *, say: Say, show: Say) -> Session:
    """Run all of it until ``stop`` or for its time, and give the session back; ``show`` is told the page's URL.

    ``demo`` as :func:`check` gives it back; ``folder`` is for the broker's state and log. Raises ``InputError`` for
    what cannot be, and where the broker or the facility has ended by itself.
    """
    try:
        broker = start(BROKER, folder / "broker")
    except BrokerError as error:
        raise one(str(error), path="broker") from None
    ended: list[Problem] = []
    with (
        _telling(ended), broker, _watched(broker, stop, ended),
        _facility(demo, broker.address, stop, ended) as facility,
    ):  # fmt: skip
        address = parse_address(broker.address)
        wish = Wish(demo.site, at=demo.at, out=demo.out, lasting_s=demo.lasting_s)
        with renamed(start="at", end="at"):
            session = on_broker(wish, Listening(address, ANONYMOUS, make(DIALECT), DIALECT), say)
        for line in [f"broker    {BROKER} at {address}", *session.lines()]:
            say(line)
        while not facility.wait(LOOK_S) and not stop.is_set():
            pass
        if stop.is_set():
            session.twin.close()
            return session
        sockets = listening(demo.port)
        go_with_page(session, stop, sockets=sockets, show=show, ends=demo.lasting_s is not None)
    return session


@contextmanager
def _telling(ended: list[Problem]) -> Iterator[None]:
    """Raise what has ended by itself: that no broker answers any more, which others tell, only follows from it."""
    try:
        yield
    except InputError:
        if not ended:
            raise
    if ended:
        raise InputError(ended)


@contextmanager
def _watched(broker: Running, stop: threading.Event, ended: list[Problem]) -> Iterator[None]:
    """Where the broker ends by itself, ``ended`` has the reason and all stops."""

    def watch() -> None:
        code = broker.wait()
        if not stop.is_set():
            ended.append(Problem("", f"the broker has ended: {_how(code)}; the page would show nothing new"))
            stop.set()

    threading.Thread(target=watch, name="broker", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _how(code: int) -> str:
    """How a program has ended: a guard hands on 256 - n where signal n has ended it."""
    number = -code if code < 0 else 256 - code
    return f"killed by signal {number}" if number in SIGNALS else f"exit code {code}"


@contextmanager
def _facility(demo: Demo, broker: str, stop: threading.Event, ended: list[Problem]) -> Iterator[threading.Event]:
    """The virtual facility as a process that ends with this one; the event says that it refuses nothing and begins.

    Where it ends by itself all stops, and ``ended`` has the reason: what it refuses, as a fault of nothing, in its own
    words. It takes the kernels that are compiled here: where they can be kept nowhere it would compile its own.
    """
    asked = [demo.site, "--every", demo.period, "--broker", broker]
    asked += [] if demo.at is None else ["--at", demo.at]
    asked += [word for fault in demo.faults for word in ("--fault", fault)]
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(guard.__file__)), sys.executable, "-P", "-m", COMMAND, "emulate", *asked],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "HALLTWIN_CACHE": str(cache_folder().parents[1])},
    )  # fmt: skip
    assert process.stderr is not None
    said, begins = list[str](), threading.Event()

    def listen(lines: Iterator[str]) -> None:
        for line in filter(str.strip, lines):
            said.append(line.rstrip())
            if line.startswith(STANDS):
                begins.set()
        if stop.is_set():
            return
        code = process.wait()
        if code == BAD_INPUT:
            ended.extend(Problem("", line) for line in said)
        else:
            last = [] if code < 0 or 256 - code in SIGNALS else said[-3:]
            ended.append(Problem("", "\n  ".join([f"the facility has ended: {_how(code)}", *last])))
        stop.set()

    listener = threading.Thread(target=listen, args=(iter(process.stderr),), name="facility", daemon=True)
    listener.start()
    try:
        yield begins
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


def check(demo: Demo) -> Demo:
    """The demo with its date. Raises ``InputError`` for all that can be seen before anything runs."""
    faults = Faults()
    loaded = faults.of(load_site, demo.site)
    faults.of(_port, demo.port)
    faults.of(Wish(demo.site, at=demo.at, out=demo.out, lasting_s=demo.lasting_s).check)
    found = faults.of(check_facility, Wanted(loaded or demo.site, demo.at, faults=demo.faults))
    faults.tell()
    assert found is not None
    return replace(demo, at=stamp(found[1]))


def _port(port: int) -> None:
    """Raise ``InputError`` where the page could not listen there."""
    for socket in listening(port):
        socket.close()


__all__ = ["AT", "SITE", "Demo", "check", "run"]
