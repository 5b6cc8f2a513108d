"""A virtual facility on a broker, its own or somebody's, or in a folder, until its time is over or somebody stops it.

Without an address a broker starts on this machine and goes with the session. A building that loses its broker goes on:
what it would say until it is back is lost and counted, and comes again with the next round of values and metadata. A
facility has no will: that its heartbeats stop tells that it is gone.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from telemetry.address import ANONYMOUS, Address, Login, parse_address
from telemetry.brokers import BrokerError, start
from telemetry.clock import NS, ReplayClock
from telemetry.emulate.play import Played, ToBroker, ToRecording, play
from telemetry.emulate.virtual import Virtual
from telemetry.link.listener import LinkError, Publisher
from telemetry.recording.write import Recorder
from telemetry.safety import MAYBE_DROPPED, check_prefix, check_target
from twin.core.errors import Faults, one, option

EMBEDDED = "iotcore"
WINDOW = 5_000
FLUSH_S = 10.0
Note = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """Where a facility publishes: ``address`` None for a broker of its own, on ``port`` (None: a free one)."""

    address: Address | None = None
    login: Login = ANONYMOUS
    qos: int = 0
    prefix: str = ""
    port: int | None = None
    allow_remote: bool = False
    yes: bool = False

    def check(self) -> None:
        """Raise ``InputError`` where this must not be published to (``telemetry.safety``)."""
        if self.address is not None:
            check_target(self.address, allow_remote=self.allow_remote, prefix=self.prefix, yes=self.yes)


def target(broker: str | None, login: Login, *, qos: int, prefix: str, port: int | None) -> Target:
    """A checked target; raises ``InputError`` with all faults."""
    faults = Faults()
    address = None if broker is None else faults.of(parse_address, broker, option("broker="))
    bare = faults.of(check_prefix, prefix) if prefix else ""
    faults.of(_qos, qos)
    faults.of(_port, port, broker)
    faults.tell()
    return Target(address, login, qos, bare or "", port)


def _qos(qos: int) -> None:
    if qos not in (0, 1):
        raise one(f"{qos} is no quality of service of a building, expected 0 (as the contract has it) or 1",
                  path=option("qos="))  # fmt: skip


def _port(port: int | None, broker: str | None) -> None:
    if port is None:
        return
    if broker is not None:
        raise one("is of the broker that is started here: an address has its own", path=option("port="))
    if not 1 <= port <= 65_535:
        raise one(f"{port} is no port, expected 1 to 65535", path=option("port="))


def lines(made: Virtual, to: str, where: Target) -> list[str]:
    """What will be published and how, for people to see before it is."""
    return [
        f"to        {to}, {where.prefix or 'under the topics of the contract'}",
        f"QoS       {where.qos}; metadata retained: the broker keeps {len(made.layout.specs) + 2:,}; no will",
    ]


class _Patient:
    """A publisher that does not wait for a broker which is away: what would be said meanwhile is counted."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.unsent = 0

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish, or count."""
        if self._publisher.connected:
            self._publisher.publish(topic, payload, qos, retain)
        else:
            self.unsent += 1


def to_broker(
    made: Virtual, where: Target, *, lasting_s: float | None, stop: threading.Event, note: Note,
    watch: Played | None = None, timeout_s: float = 10.0,
) -> tuple[Played, dict[str, int | str]]:  # fmt: skip
    """Publish by the clock of this machine; what was played, and what became of it at the broker.

    Raises ``InputError`` for a broker that must not be published to, does not answer or refuses us, and whatever the
    engine raises.
    """
    where.check()
    with ExitStack() as stack:
        address = where.address
        if address is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="halltwin-emulate-")))
            options = {} if where.port is None else {"port": where.port}
            try:
                running = stack.enter_context(start(EMBEDDED, folder, **options))
            except BrokerError as error:
                raise one(str(error), path="broker") from None
            address = parse_address(running.address)
        publisher = Publisher(address, where.login, f"halltwin-emulate-{os.getpid()}", window=WINDOW, stop=stop)
        stack.callback(publisher.close)
        try:
            publisher.connect(timeout_s)
        except LinkError as error:
            raise one(str(error), path=option("broker=")) from None
        for line in lines(made, str(address), where):
            note(line)
        patient, now = _Patient(publisher), time.time_ns()
        clock, outlet = ReplayClock(now), ToBroker(patient, where.qos, where.prefix)
        played = watch or Played()
        try:
            play(made.stream(now), outlet, stop, clock=clock, lasting_s=lasting_s, watch=played)
        except LinkError as error:
            if not stop.is_set():
                raise one(str(error), path=option("broker=")) from None
        flushed = publisher.flush(FLUSH_S)
        lost = publisher.lost + patient.unsent
        if where.login.named:
            note(MAYBE_DROPPED)
        return played, {"address": str(address), "unsent": lost, "refused": publisher.refused, "flushed": int(flushed)}


def to_folder(
    made: Virtual, folder: Path, *, qos: int, prefix: str, lasting_s: float | None, stop: threading.Event
) -> Played:
    """Record what would be published, as fast as it goes; instants are those of the model's own date.

    Raises ``InputError`` for a folder that is not empty, or that cannot be recorded into.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise one("is there already: expected a new folder", path=option("out="), file=str(folder))
    begin = round(made.prepared.timeline.start) * NS
    about = {"dialect": "dsx", "source": "twin emulate", "site": made.site, "seed": str(made.wanted.seed)}
    recorder = Recorder(folder, about, clock=ReplayClock(begin, None))
    try:
        return play(made.stream(begin), ToRecording(recorder, qos, prefix), stop, clock=None, lasting_s=lasting_s)
    finally:
        recorder.close()


__all__ = ["Target", "lines", "target", "to_broker", "to_folder"]
