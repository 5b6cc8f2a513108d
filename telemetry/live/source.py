"""Where the messages of a live twin come from: a broker, heard with or without a recording of it.

Without a recording nothing of the twin stays at the broker (a clean session): a twin goes by the present, and what it
missed comes again within the period of the contract. With one it is an ingest like that of ``twin record``: durable,
with a session that the broker keeps.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telemetry.address import Address, Login
from telemetry.clock import Clock
from telemetry.decode import Decoder, Watcher
from telemetry.ingest.ingest import Ingest
from telemetry.ingest.run import Run
from telemetry.ingest.run import Wish as Recorded
from telemetry.pipeline import Pipeline
from telemetry.replay.told import stamp
from twin.core.errors import one

Say = Callable[[str], None]
ASK = " (--rebirth on_unknown asks for it)"


@dataclass(frozen=True)
class Listening:
    """Whom to listen to: ``filters`` none: those of the dialect; ``record``: a folder to record into, None: none.

    ``options``: of the dialect, which a recording keeps.
    """

    address: Address
    login: Login
    decoder: Decoder
    dialect: str
    filters: Sequence[str] = ()
    record: Path | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Raise ``InputError`` with all that cannot be."""
        self.recorded().check()

    def recorded(self) -> Recorded:
        """What is asked of a recording of it."""
        folder = self.record or Path()
        return Recorded(
            self.address, self.login, self.decoder, self.dialect, folder, self.filters, options=self.options
        )

    def open(self, clock: Clock, say: Say) -> Broker:
        """Ready to start. Raises ``InputError`` where it cannot be recorded."""
        if self.record is not None:
            run = Run(self.recorded(), say, clock)
            return Broker(run.ingest, run.pipeline, clock, run)
        pipeline, watcher = Pipeline(self.decoder, clock), self.decoder if isinstance(self.decoder, Watcher) else None
        wanted = [(each, 1) for each in self.filters] or list(self.decoder.subscriptions())
        ingest = Ingest(
            pipeline, self.address, self.login, f"halltwin-live-{secrets.token_hex(6)}", wanted, clock,
            source=self.decoder.source, asks=None if watcher is None else watcher.requests, say=say, clean=True,
        )  # fmt: skip
        return Broker(ingest, pipeline, clock, None)


def unborn(decoder: Decoder, hint: str = "") -> str:
    """Sources whose data cannot be read before they tell their births, "" for none; ``hint``: what may be done."""
    waiting = decoder.told().get("waiting", 0) if isinstance(decoder, Watcher) else 0
    if not waiting:
        return ""
    whose = "1 node waits for its" if waiting == 1 else f"{waiting:,} nodes wait for their"
    return f"{whose} birth, without which nobody can read the data{hint}"


class Broker:
    """An ingest that a twin looks at. Raises nothing where the broker is away: it is tried again, see ``words``."""

    def __init__(self, ingest: Ingest, pipeline: Pipeline, clock: Clock, run: Run | None) -> None:
        self.ingest, self.pipeline = ingest, pipeline
        self._clock, self._run = clock, run
        self._away_ns: int | None = None

    def start(self) -> None:
        """Begin to connect."""
        self.ingest.start()

    def stop(self) -> None:
        """Say goodbye; what came is recorded where it is, and where that fails :meth:`judge` tells it."""
        if self._run is None:
            self.ingest.stop()
        else:
            self._run.stop()

    @property
    def failed(self) -> bool:
        """Whether it was given up, for a reason that :meth:`judge` tells."""
        return self.ingest.failed()

    def judge(self) -> None:
        """Raise what stands against it in the end.

        ``InputError`` where the broker refuses us or was never there, or the disk does not take the recording;
        ``RuntimeError`` for a fault of halltwin.
        """
        self.ingest.judge()
        if not self.ingest.listener.counters.connects:
            address = self.ingest.listener.address
            raise one(f"there was no connection to {address} in all that time: the model went by itself")

    def words(self) -> str:
        """What people should know of the connection now, "" where there is nothing."""
        if self.ingest.listener.connected:
            self._away_ns = None
            full = "the disk does not take the recording" if self.ingest.disk_full else ""
            return "; ".join(filter(None, (full, unborn(self.pipeline.decoder, ASK))))
        now = self._clock.now_ns()
        self._away_ns = self._away_ns or now
        return f"no connection to {self.ingest.listener.address} since {stamp(self._away_ns)[11:19]} UTC, trying again"

    def told(self) -> dict[str, Any]:
        """What came of it, as plain data."""
        counters, decoder = self.ingest.listener.counters, self.pipeline.decoder
        return {
            "broker": str(self.ingest.listener.address),
            "messages": self.ingest.messages,
            "not_durable": self.ingest.backlog,
            "connections": counters.connects,
            "losses": counters.losses,
            "sources": decoder.told() if isinstance(decoder, Watcher) else {},
            "recording": None if self._run is None else str(self._run.wish.folder),
        }


__all__ = ["Broker", "Listening", "Say", "unborn"]
