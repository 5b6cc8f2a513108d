"""One run of a recording: from a checked wish to what it came to; `twin record` is this and words.

The folder keeps the recordings and ``session.json``; a second run in the same folder goes on where the first ended:
same client id, so that the broker hands over what came in between, numbers that go on, marks of what may be missing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telemetry.address import Address, Login
from telemetry.clock import NS, Clock, WallClock
from telemetry.decode import Decoder, Watcher
from telemetry.dialect import kept
from telemetry.ingest.ingest import Ingest
from telemetry.ingest.session import remember, resume
from telemetry.link.client import PROTOCOLS
from telemetry.pipeline import Pipeline, rehearse
from telemetry.recording.write import Recorder
from telemetry.safety import check_prefix, is_command
from telemetry.topics import filter_fault
from twin.core.errors import Faults, Problem, one, option

LONGEST_ID = 65_535


@dataclass(frozen=True)
class Wish:
    """What to record: from whom, what, and where to. ``filters`` none: those of the dialect.

    ``options``: of the dialect, which the recording keeps.
    ``rotate_bytes``, ``rotate_s``: when a file ends; ``keep_bytes``, ``keep_s``: when the oldest goes (None: never).
    ``version``: 4 is MQTT 3.1.1. ``status``: topic for "online" and "offline", None publishes nothing.
    """

    address: Address
    login: Login
    decoder: Decoder
    dialect: str
    folder: Path
    filters: Sequence[str] = ()
    client_id: str | None = None
    rotate_bytes: int = 256 << 20
    rotate_s: float = 3600.0
    keep_bytes: int | None = None
    keep_s: float | None = None
    version: int = 4
    status: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ``InputError`` with all that cannot be."""
        faults = Faults()
        for each in self.filters:
            words = filter_fault(each)
            if words:
                faults.problems.append(Problem(option("topic="), f'"{each}": {words}'))
        if self.client_id is not None and not (
            0 < len(self.client_id.encode()) <= LONGEST_ID and "\0" not in self.client_id
        ):
            faults.problems.append(Problem(option("client_id="), "expected 1 to 65,535 bytes without NUL"))
        if self.status is not None:
            place = option("status_topic=")
            faults.of(check_prefix, self.status, place)
            if is_command(self.status):
                faults.problems.append(Problem(place, "somebody may act on what is published there"))
        if self.version not in PROTOCOLS:
            faults.problems.append(Problem(option("mqtt="), "expected 4 (MQTT 3.1.1) or 5"))
        for name, value in (("rotate_mb=", self.rotate_bytes), ("rotate_min=", self.rotate_s),
                            ("keep_gb=", self.keep_bytes), ("keep_days=", self.keep_s)):  # fmt: skip
            if value is not None and not 0 < value < float("inf"):
                faults.problems.append(Problem(option(name), "expected a number above 0"))
        faults.tell()


class Run:
    """A recording that goes on between ``start`` and ``stop``. Raises ``InputError`` where it cannot begin."""

    def __init__(self, wish: Wish, say: Callable[[str], None], clock: Clock | None = None) -> None:
        wish.check()
        self.wish, self._say, clock = wish, say, clock or WallClock()
        wanted = [(each, 1) for each in wish.filters] or list(wish.decoder.subscriptions())
        about = {"broker": str(wish.address), "topics": " ".join(each for each, _ in wanted)}
        self.recorder = Recorder(
            wish.folder, {**about, **kept(wish.dialect, wish.options)},
            rotate_bytes=wish.rotate_bytes, rotate_s=wish.rotate_s, keep_bytes=wish.keep_bytes, keep_s=wish.keep_s,
            clock=clock,
        )  # fmt: skip
        for path, healed in self.recorder.healed.items():
            say(f"{path.name}: made whole after a kill, {healed.cut:,} bytes that were never committed are cut")
        names = [each for each, _ in wanted]
        self.session, dropped, left = resume(wish.folder, wish.address, wish.client_id, names)
        if left is not None:
            say(f'the session "{left.client_id}" at {left.broker} is left: it keeps messages until the broker drops it')
        try:
            remember(wish.folder, self.session)
        except OSError as error:
            raise one(f"cannot record here: {error.strerror or error}", file=str(wish.folder)) from None
        rehearse(wish.dialect)
        self.pipeline = Pipeline(wish.decoder, clock, self.recorder)
        watcher = wish.decoder if isinstance(wish.decoder, Watcher) else None
        self.ingest = Ingest(
            self.pipeline, wish.address, wish.login, self.session.client_id, wanted, clock,
            source=wish.decoder.source, asks=None if watcher is None else watcher.requests,
            last=self.recorder.last, say=say, connected=self._connected,
            expects_session=self.session.known, dropped=dropped, version=wish.version, status=wish.status,
        )  # fmt: skip
        self._began = time.monotonic()
        self._rated = (self._began, 0)

    def rate(self) -> float:
        """Messages a second since this was last asked."""
        now, (then, messages) = time.monotonic(), self._rated
        self._rated = (now, self.ingest.messages)
        return (self.ingest.messages - messages) / max(now - then, 1e-3)

    def _connected(self) -> None:
        if not self.session.known:
            self.session.known = True
            with suppress(OSError):  # a full disk is told elsewhere
                remember(self.wish.folder, self.session)

    def go(self, stop: threading.Event, lasting_s: float | None, show: Callable[[Run], None]) -> None:
        """Record until ``stop`` or for ``lasting_s``; ``show`` is called once a second.

        Raises ``InputError`` where the broker refuses us, was never there, or the disk takes no more; RuntimeError for
        a fault of ours. What came is durable and acknowledged in every case but the disk's.
        """
        end = None if lasting_s is None else time.monotonic() + lasting_s
        self.ingest.start()
        try:
            while not stop.is_set() and self.ingest.wait(stop, min(1.0, _left(end))):
                show(self)
                if _left(end) <= 0.0:
                    break
        finally:
            self.stop()
        self.ingest.judge()
        if not self.ingest.listener.counters.connects:
            raise one(f"there was no connection to {self.wish.address} in all that time")

    def stop(self) -> None:
        """Make durable what came, and end the recording; where the disk does not take it the ingest's failure says so.

        For who runs the ingest without ``go``.
        """
        self.ingest.stop()
        try:
            self.recorder.close()
        except OSError as error:
            self.ingest.fail(f"the disk takes no more: {error.strerror or error}")
            self.recorder.abandon()  # what is on the disk is whole, and healed at the next start

    def told(self) -> dict[str, Any]:
        """What the run came to, as plain data."""
        ingest, counters = self.ingest, self.ingest.listener.counters
        return {
            "broker": str(self.wish.address),
            "client_id": self.session.client_id,
            "folder": str(self.wish.folder),
            "seconds": round(time.monotonic() - self._began, 3),
            "messages": ingest.messages,
            "bytes": ingest.bytes,
            "acknowledged": ingest.acknowledged,
            "not_durable": ingest.backlog,
            "most_waiting": ingest.queue.peak,
            "marks": ingest.marks,
            "gaps": ingest.gap_marks,
            "connections": counters.connects,
            "losses": counters.losses,
            "takeovers": counters.takeovers,
            "too_long": counters.oversize,
            "faults": counters.faults,
            "last_received_s": ingest.last_ns / NS,
            "points": len(self.wish.decoder.points),
            "sources": self.wish.decoder.told() if isinstance(self.wish.decoder, Watcher) else {},
            "state": self.pipeline.state.counts.told(),
        }


def _left(end: float | None) -> float:
    return 1.0 if end is None else end - time.monotonic()
