"""What speaks to a broker: a listener that acknowledges what is durable, and a publisher with a window.

A listener has a persistent session (MQTT 3.1.1 clean session 0; MQTT 5 clean start 0 and a session expiry) and asks for
QoS 1 at most: of QoS 2 the protocol engine answers before anything is durable, and duplicates are harmless to the twin.
It publishes nothing, and has no will, unless it is given one or told to.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from telemetry.address import Address, Login
from telemetry.clock import Clock
from telemetry.clock_watch import Watch
from telemetry.link.client import Will
from telemetry.link.frames import Cut
from telemetry.link.frames import publish as frame
from telemetry.link.loop import Link
from telemetry.link.publisher import LinkError, Publisher
from telemetry.mark import Mark
from telemetry.message import Message

__all__ = ["Delivery", "Inbox", "LinkError", "Listener", "Publisher", "Will"]


ONLINE, OFFLINE = b"online", b"offline"


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
    ``clean``: leave no session at the broker; what it sends while we are away is lost, and is not told as lost.
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
        clean: bool = False,
        **how: Any,
    ) -> None:
        will = None if status is None else Will(status, OFFLINE)
        super().__init__(address, login, client_id, clean=clean, will=will, **how)
        self._status, self._watch, self._version5 = status, Watch(clock), how.get("version", 4) == 5
        self._filters = [(topic, min(qos, 1)) for topic, qos in filters]
        self._inbox, self._dropped = inbox, list(dropped)
        self._expects, self._heard_ns, self._clean = expects_session, oldest_ns, clean
        self._forgotten_ns: int | None = None  # since when a broker that has forgotten us keeps nothing for us
        self._frames.sequence = sequence

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish with QoS 0, from any thread, over the connection that stands; lost where none does."""
        self.send(self.connection, frame(topic.encode(), payload, 0, 0, False, version5=self._version5), 0)

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
        lost = self._expects and not session_present and not self._clean
        self._expects = True
        self._inbox.put(Mark("connected", now, from_ns=self._heard_ns or 0, cause="" if session_present else "new"))
        if lost:
            self._say("the broker has forgotten our session: what it held for us is lost")
            since = now if self._heard_ns is None else self._heard_ns
            self._forgotten_ns = since if self._forgotten_ns is None else self._forgotten_ns

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
        """Tell which filters the broker refuses; what a broker that forgot us did not keep ends here, not before."""
        if self._forgotten_ns is not None:
            now, since, self._forgotten_ns = self.now_ns(), self._forgotten_ns, None
            self._inbox.put(Mark("gap", now, "", since, now, "the broker forgot the session"))
        if refused:
            named = ", ".join(self._filters[place][0] for place in refused)
            self._say(f"the broker refuses the subscription to {named}")
