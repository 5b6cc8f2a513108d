"""What speaks to a broker: a listener that acknowledges what is durable, and a publisher with a window.

A listener has a persistent session (MQTT 3.1.1 clean session 0; MQTT 5 clean start 0 and a session expiry) and asks for
QoS 1 at most: of QoS 2 the protocol engine answers before anything is durable, and duplicates are harmless to the twin.
It publishes nothing, and has no will, unless it is given one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from telemetry.address import Address, Login
from telemetry.clock import Clock
from telemetry.clock_watch import Watch
from telemetry.link_client import Will
from telemetry.link_frames import Cut
from telemetry.link_loop import Link
from telemetry.mark import Mark
from telemetry.message import Message

__all__ = ["Delivery", "Inbox", "LinkError", "Listener", "Publisher", "Will"]


ONLINE, OFFLINE = b"online", b"offline"


class LinkError(ConnectionError):
    """There is no connection, and there will be none."""


class Delivery(msgspec.Struct, gc=False):
    """What one read of ``size`` bytes brought: ``acks`` go back over ``connection`` when ``messages`` are durable."""

    connection: int
    acks: bytes
    messages: list[Message]
    size: int = 0


class Inbox(Protocol):
    """Where a listener puts what came, in order; its thread must never wait here."""

    def put(self, what: Delivery | Mark) -> None:
        """Take ``what``, also when full."""

    def full(self) -> bool:
        """Whether the listener is to stop reading; it is woken when that ends."""
        ...


class Listener(Link):
    """Subscribes on every connection and puts what comes into an inbox.

    ``expects_session``: whether the broker should know us already. ``oldest_ns``: since when messages may be missing if
    it does not; None where nothing is older than this run. ``dropped``: filters of an earlier run, not asked for now.
    ``status``: topic on which "online" and, also by our will, "offline" are retained; None publishes nothing.
    """

    def __init__(
        self,
        address: Address,
        login: Login,
        client_id: str,
        filters: Sequence[tuple[str, int]],
        inbox: Inbox,
        clock: Clock,
        *,
        dropped: Sequence[str] = (),
        expects_session: bool = False,
        oldest_ns: int | None = None,
        sequence: int = 0,
        status: str | None = None,
        **how: Any,
    ) -> None:
        will = None if status is None else Will(status, OFFLINE)
        super().__init__(address, login, client_id, clean=False, will=will, **how)
        self._status, self._watch = status, Watch(clock)
        self._filters = [(topic, min(qos, 1)) for topic, qos in filters]
        self._inbox, self._dropped = inbox, list(dropped)
        self._expects, self._heard_ns = expects_session, oldest_ns
        self._frames.sequence = sequence

    def now_ns(self) -> int:
        """Present instant by the clock that everything behind a message goes by."""
        now, jump = self._watch.look()
        if jump is not None:
            self._say(jump.cause)
            self._inbox.put(jump)
        return now

    def ticked(self) -> None:
        """Look at the clock, also where nothing comes."""
        self.now_ns()

    def held(self) -> bool:
        """Whether the inbox is full."""
        return self._inbox.full()

    def came_up(self, session_present: bool) -> None:
        """Subscribe, and tell what may be missing."""
        self._client.subscribe(self._filters)
        if self._dropped:
            self._client.unsubscribe(self._dropped)
        if self._status is not None:
            self._client.publish(self._status, ONLINE, 1, True)
        now = self.now_ns()
        lost = self._expects and not session_present
        self._expects = True
        self._inbox.put(Mark("connected", now, from_ns=self._heard_ns or 0, cause="" if session_present else "new"))
        if lost:
            self._say("the broker has forgotten our session: what it held for us is lost")
            since = now if self._heard_ns is None else self._heard_ns
            self._inbox.put(Mark("gap", now, "", since, now, "the broker forgot the session"))

    def leaving(self) -> None:
        """Say that we leave: the will is not published when we say goodbye."""
        if self._status is not None:
            self._client.publish(self._status, OFFLINE, 1, True)

    def went_down(self, cause: str) -> None:
        """Tell since when nothing comes."""
        self._heard_ns = self.now_ns() - round((time.monotonic() - self._heard) * 1e9)
        self._inbox.put(Mark("lost", self.now_ns(), from_ns=self._heard_ns, cause=cause))

    def came(self, cut: Cut) -> None:
        """Put messages into the inbox; what was passed over is told."""
        for topic in cut.oversize:
            self._inbox.put(Mark("gap", self.now_ns(), topic, self.now_ns(), self.now_ns(), "a message was too long"))
        self._inbox.put(Delivery(self.connection, bytes(cut.acks), cut.messages, cut.size))

    def subscribed(self, refused: list[int]) -> None:
        """Tell which filters the broker refuses."""
        if refused:
            named = ", ".join(self._filters[place][0] for place in refused)
            self._say(f"the broker refuses the subscription to {named}")


class Publisher(Link):
    """Publishes with at most ``window`` messages in flight; waits where it is full.

    Of QoS 0 what is not out when a connection is lost is lost (``lost``); QoS 1 and 2 are sent again until the broker
    has them. Packets of QoS 0 are made here and go out in bulk; for the others the engine keeps the books.
    """

    def __init__(
        self,
        address: Address,
        login: Login,
        client_id: str,
        *,
        will: Will | None = None,
        window: int = 200,
        **how: Any,
    ) -> None:
        super().__init__(address, login, client_id, clean=True, will=will, **how)
        self.window, self.published_count, self.lost, self.refused = window, 0, 0, 0
        self._version5 = how.get("version", 4) == 5
        self._room = threading.Condition()
        self._open_zero = self._open_kept = 0

    def connect(self, timeout_s: float = 10.0) -> None:
        """Connect. Raises :class:`LinkError` where the broker refuses, or does not answer within ``timeout_s``."""
        if not self.alive:
            self.start()
        if not self.wait(timeout_s):
            raise LinkError(self.failure or f"no connection to {self.address}: {self._cause or 'no answer'}")

    @property
    def in_flight(self) -> int:
        """Messages that are neither out (QoS 0) nor acknowledged (QoS 1, 2)."""
        return self._open_zero + self._open_kept

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish; waits while the window is full, and with QoS 0 for a connection.

        Raises :class:`LinkError` where the broker has refused us or the link is closed, ValueError for a topic that
        nobody may publish on.
        """
        raw = topic.encode()
        if not raw or len(raw) > 65_535 or any(c in topic for c in "#+\0"):
            raise ValueError(f"{topic!r} is no topic to publish on")
        with self._room:
            while self.in_flight >= self.window or (qos == 0 and not self.connected):
                self._check()
                self._room.wait(0.05 if not self.connected else 1.0)
            if qos:
                self._open_kept += 1
            else:
                self._open_zero += 1
                self.published_count += 1
                self.send(self.connection, _packet(raw, payload, retain, self._version5), 1)
                return
        while not self._client.publish(topic, payload, qos, retain):
            self._check()
            time.sleep(0.01)
        self.published_count += 1

    def _check(self) -> None:
        if self.failure or self._done.is_set() or self._stop.is_set():
            raise LinkError(self.failure or f"the link to {self.address} is closed")

    def flush(self, timeout_s: float) -> bool:
        """Whether everything is out and acknowledged within ``timeout_s``; False at once where it never will."""
        end = time.monotonic() + timeout_s
        with self._room:
            while self.in_flight and not self._done.is_set() and time.monotonic() < end:
                self._room.wait(min(0.2, max(0.0, end - time.monotonic())))
            return self.in_flight == 0

    def sent(self, count: int) -> None:
        """QoS 0 is done when it is out."""
        with self._room:
            self._open_zero -= count
            self._room.notify_all()

    def published(self, refused: bool) -> None:
        """QoS 1 and 2 are done when the broker has them."""
        with self._room:
            self._open_kept -= 1
            self.refused += refused
            self._room.notify_all()

    def went_down(self, cause: str) -> None:
        """What was to go out with QoS 0 over this connection is lost."""
        with self._room:
            self.lost += self._open_zero
            self._open_zero = 0
            self._bulk.clear()
            self._room.notify_all()

    def came_up(self, session_present: bool) -> None:
        """Let those go on who wait for a connection."""
        with self._room:
            self._room.notify_all()


def _packet(topic: bytes, payload: bytes, retain: bool, version5: bool) -> bytes:
    """A PUBLISH of QoS 0."""
    left = 2 + len(topic) + version5 + len(payload)
    head = bytearray((0x30 | retain,))
    while True:
        left, byte = left >> 7, left & 0x7F
        head.append(byte | 0x80 if left else byte)
        if not left:
            break
    return bytes(head + len(topic).to_bytes(2, "big") + topic + b"\0" * version5 + payload)
