"""Ingest over MQTT: what a broker delivers is made durable first and acknowledged then, in order.

    listener (its own thread) -> bounded queue -> writer (one thread): take, commit, acknowledge

A group is what came within :data:`GATHER_S`, or :data:`GROUP` messages: one flush of the disk for all of it. A message
of QoS 1 or 2 whose group was not committed is not acknowledged, and the broker delivers it again: after a kill, a lost
connection or a full disk. So nothing is lost, and some comes twice; the state knows duplicates.

The disk full (or failing): acknowledging and, when the queue is full, reading stop; it is told, and goes on by itself.
A fault of the writer ends the ingest: better to stop, with everything at the broker, than to go on beside the disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from telemetry.address import Address, Login
from telemetry.clock import NS, Clock
from telemetry.decode import Request
from telemetry.ingest.gaps import Gaps
from telemetry.ingest.queue import MOST, MOST_BYTES, Queue
from telemetry.link.listener import Delivery, Listener
from telemetry.mark import Mark
from telemetry.message import Message
from twin.core.errors import one

GROUP = 2_000
GATHER_S = 0.02
IDLE_S = 0.25
AGAIN_S = 1.0  # until a disk that failed is tried again
LAST_TRIES_S = 2.0  # for a disk that fails while we end
ASK_S = 1.0
CALM_S = 5.0  # after which a flood is over
LONGEST_SHOWN = 200


class Path(Protocol):
    """The one path of messages, a :class:`~telemetry.pipeline.Pipeline`."""

    def take(self, messages: Sequence[Message]) -> None:
        """Record, decode and apply; OSError, before anything is taken, where the disk fails."""

    def mark(self, mark: Mark) -> None:
        """Take an event to be recorded with the next commit; no disk can fail that."""

    def commit(self) -> None:
        """Make it durable; OSError where the disk fails, after which it may be called again."""


class _StoppedError(Exception):
    """The disk fails still, and we are to end."""


class Ingest:
    """Listens to ``filters`` of a broker and feeds ``path``.

    ``source``: who publishes on a topic (the decoder's), for gaps. ``asks``: what a decoder wants published now
    (:class:`telemetry.decode.Watcher`); None publishes nothing. ``last``: the newest message of an older recording:
    numbers go on behind it, and what may have been missed since is marked. ``how`` goes to the listener (``version``,
    ``expects_session``, ``dropped``, ``status``). ``say`` is told what people should know, from any thread.
    """

    def __init__(
        self,
        path: Path,
        address: Address,
        login: Login,
        client_id: str,
        filters: Sequence[tuple[str, int]],
        clock: Clock,
        *,
        source: Callable[[str], str],
        asks: Callable[[int], list[Request]] | None = None,
        last: Message | None = None,
        most: int = MOST,
        most_bytes: int = MOST_BYTES,
        group: int = GROUP,
        gather_s: float = GATHER_S,
        say: Callable[[str], None] = lambda words: None,
        connected: Callable[[], None] = lambda: None,
        **how: Any,
    ) -> None:
        self.queue = Queue(most, most_bytes)
        self.gaps = Gaps(source)
        self.failure, self.disk_full = "", False
        self._ours = False  # the failure is a fault of halltwin, and not of a broker or a disk
        self.messages = self.bytes = self.acknowledged = self.commits = self.marks = self.gap_marks = 0
        self.last_ns = 0 if last is None else last.received_ns
        self._path, self._clock, self._say, self._connected = path, clock, say, connected
        self._group, self._gather_s = group, gather_s
        self._asks, self._asked_s = asks, 0.0
        self._stop, self._over = threading.Event(), threading.Event()
        self._flood_from_ns, self._full_from = 0, 0.0
        self.listener = Listener(
            address, login, client_id, filters, self.queue, clock,
            sequence=0 if last is None else last.sequence + 1,
            oldest_ns=None if last is None else last.received_ns, say=say, **how,
        )  # fmt: skip
        self.queue.room = self.listener.wake
        self._writer = threading.Thread(target=self._run, name="ingest", daemon=True)

    # ----------------------------------------------------------------------------------------- from outside
    def start(self) -> None:
        """Begin to connect and to write."""
        self._writer.start()
        self.listener.start()

    def wait(self, stop: threading.Event, timeout_s: float | None = None) -> bool:
        """Wait until ``stop``, or ``timeout_s``; False where the ingest has ended by itself (see ``failure``)."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not stop.wait(0.1):
            if self.failed():
                return False
            if deadline is not None and time.monotonic() >= deadline:
                break
        return True

    def failed(self) -> bool:
        """Whether it was given up, see ``failure``; for while it goes on."""
        alive = self.listener.alive  # a thread that gives up says so first
        if self.listener.failure:
            self.fail(self.listener.failure)
        elif not alive:
            self.fail("the network thread has ended, which it never should", ours=True)
        return bool(self.failure)

    def fail(self, words: str, *, ours: bool = False) -> None:
        """Keep why it was given up, the first time; ``ours``: by a fault of halltwin."""
        if not self.failure:
            self.failure, self._ours = words, ours

    def judge(self) -> None:
        """Raise what it was given up for: ``RuntimeError`` for a fault of halltwin, else ``InputError``."""
        if self._ours:
            raise RuntimeError(self.failure)
        if self.failure:
            raise one(self.failure)

    def stop(self) -> None:
        """Read no more, make durable and acknowledge what came, say goodbye: the session stays at the broker."""
        self.queue.close()
        self._stop.set()
        if self._writer.is_alive():
            self._writer.join()
        self.listener.close()
        if not self.failure:
            self._run()  # what was read while the writer ended
        if self.listener.failure:
            self.fail(self.listener.failure)

    @property
    def backlog(self) -> int:
        """Messages that came and are not durable yet."""
        return self.queue.messages

    # ------------------------------------------------------------------------------------------- the writer
    def _run(self) -> None:
        try:
            ended = False
            while not ended:
                taken = self.queue.take(self._group, self._gather_s, IDLE_S)
                ended = not taken and self._stop.is_set()
                if taken:
                    self._keep(taken)
                self._watch_flood(ended)
                self._ask()
        except _StoppedError:
            self.fail(f"{self.backlog} messages are not recorded; the broker still has those of QoS 1")
        except Exception as error:
            self.fail(f"a fault of halltwin stopped the writing: {type(error).__name__}: {error}", ours=True)
            self._say(self.failure)

    def _ask(self) -> None:
        """Publish what the decoder asks for, once a second; what is lost with a connection is asked for again."""
        now = time.monotonic()
        if self._asks is None or not self.listener.connected or now - self._asked_s < ASK_S:
            return
        self._asked_s = now
        for request in self._asks(self._clock.now_ns()):
            self._say(request.why)
            self.listener.publish(request.topic, request.payload)

    def _keep(self, taken: list[Delivery | Mark]) -> None:
        """Make a group durable, then acknowledge it."""
        messages: list[Message] = []
        acks: dict[int, bytearray] = {}
        for what in taken:
            if isinstance(what, Mark):
                self._take(messages)
                messages = []
                self._event(what)
                continue
            messages += what.messages
            acks.setdefault(what.connection, bytearray()).extend(what.acks)
        self._take(messages)
        self._surely(self._path.commit)
        self.commits += 1
        for connection, data in acks.items():
            self.listener.send(connection, bytes(data), len(data) // 4)
            self.acknowledged += len(data) // 4
        self.queue.done(taken)

    def _take(self, messages: list[Message]) -> None:
        if not messages:
            return
        for mark in self.gaps.heard(messages):
            self._mark(mark)
        self._surely(lambda: self._path.take(messages))
        self.messages += len(messages)
        self.bytes += sum(len(message.payload) for message in messages)
        self.last_ns = messages[-1].received_ns

    def _event(self, mark: Mark) -> None:
        """Keep what the listener tells, and the gaps that follow from it."""
        if mark.what == "gap" and mark.source:  # of one topic: the listener knows no sources
            told = {"source": self.gaps.named(mark.source), "cause": f"{mark.cause}: {mark.source[:LONGEST_SHOWN]}"}
            mark = msgspec.structs.replace(mark, **told)
        self._mark(mark)
        if mark.what == "lost":
            self.gaps.lost(mark)
        elif mark.what == "connected":
            for gap in self.gaps.connected(mark):
                self._mark(gap)
            self._connected()

    def _mark(self, mark: Mark) -> None:
        self.marks += 1
        self.gap_marks += mark.what == "gap"
        self._path.mark(mark)

    def _surely(self, call: Callable[[], None]) -> None:
        """Call until the disk takes it; nothing is acknowledged meanwhile. Gives up only where we are to end."""
        from_ns, ending = 0, 0.0
        while True:
            try:
                call()
            except OSError as error:
                if not self.disk_full:
                    self.disk_full, from_ns = True, self._clock.now_ns()
                    self._say(f"the disk does not take the recording: {error.strerror or error}; trying again")
                    why = error.strerror or str(error)
                if self._stop.is_set():
                    ending = ending or time.monotonic() + LAST_TRIES_S
                    if time.monotonic() > ending:
                        raise _StoppedError from None
                    time.sleep(0.1)
                else:
                    self._stop.wait(AGAIN_S)
                continue
            break
        if from_ns:
            self.disk_full = False
            now = self._clock.now_ns()
            self._mark(Mark("full", now, "", from_ns, now, f"{why}: nothing was acknowledged"))
            self._say(f"the disk takes the recording again, after {(now - from_ns) / NS:.0f} s")

    def _watch_flood(self, ending: bool) -> None:
        """Mark a time in which the queue was full again and again as one."""
        queue, now = self.queue, time.monotonic()
        if queue.full_from != self._full_from:
            self._full_from = queue.full_from
            if not self._flood_from_ns:
                self._flood_from_ns = self._clock.now_ns() - round((now - queue.full_from) * NS)
                self._say("more comes than can be taken in: the broker holds back")
        over = queue.full_to >= queue.full_from and now - queue.full_to > CALM_S
        if self._flood_from_ns and (over or ending):
            to_ns = self._clock.now_ns() - round((now - max(queue.full_to, queue.full_from)) * NS)
            cause = "more came than could be written; of QoS 0 the broker may have dropped some"
            self._mark(Mark("flood", self._clock.now_ns(), "", self._flood_from_ns, to_ns, cause))
            self._flood_from_ns = 0
