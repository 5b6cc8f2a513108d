"""A publisher with a window: what is not acknowledged is sent again, over as many connections as it takes.

    in flight = QoS 0 that is not out + QoS 1 and 2 that the broker does not have yet  <=  window

Packets are made here and go out in bulk: less than half of what the protocol engine takes for each. Where the engine
has to read for itself (``fast`` is False) it keeps the books of QoS 1 and 2. The session is a clean one: after a
reconnection everything kept is published again, flagged as a duplicate if it was out before. Source: OASIS MQTT 3.1.1,
sections 3.3 to 3.7 and 4.4.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from telemetry.address import Address, Login
from telemetry.link.client import Will
from telemetry.link.frames import PUBREL, publish
from telemetry.link.loop import Link

PUBACK_TYPE, PUBREC_TYPE, PUBCOMP_TYPE = 0x40, 0x50, 0x70
DUPLICATE = 0x08
REFUSED = 0x80  # reasons of MQTT 5 from here on
MOST_IDS = 65_535
LONGEST_TOPIC = 65_535  # bytes
GRACE_S = 3.0  # for a broker that answers late, once somebody wants to stop


class LinkError(ConnectionError):
    """There is no connection, and there will be none."""


class Publisher(Link):
    """Publishes with at most ``window`` messages in flight; waits where it is full.

    ``stop``: an event that somebody sets who wants to stop; :data:`GRACE_S` later nothing is waited for any more.
    ``lost``: of QoS 0, what was not out when a connection was lost. ``refused``: of QoS 1 and 2, what the broker did
    not take and said so (MQTT 5 only: a broker of 3.1.1 acknowledges what it throws away).
    """

    def __init__(
        self,
        address: Address,
        login: Login,
        client_id: str,
        *,
        will: Will | None = None,
        window: int = 200,
        stop: threading.Event | None = None,
        **how: Any,
    ) -> None:
        super().__init__(address, login, client_id, clean=True, will=will, **how)
        self.window, self.published_count, self.lost, self.refused = window, 0, 0, 0
        self._asked, self._waits_until = stop or threading.Event(), 0.0
        self._version5 = how.get("version", 4) == 5
        self._room = threading.Condition()
        self._open = False  # as `connected`, but changed under the lock
        self._open_zero = self._open_engine = self._last_id = 0
        self._kept: dict[int, tuple[bytes, bool]] = {}  # by packet id, in order: the packet, and whether it was out

    def connect(self, timeout_s: float = 10.0) -> None:
        """Connect. Raises :class:`LinkError` where the broker refuses, or does not answer within ``timeout_s``."""
        if not self.alive:
            self.start()
        if not self.wait(timeout_s):
            raise LinkError(self.failure or f"no connection to {self.address}: {self._cause or 'no answer'}")

    @property
    def in_flight(self) -> int:
        """Messages that are neither out (QoS 0) nor acknowledged (QoS 1, 2)."""
        return self._open_zero + self._open_engine + len(self._kept)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish; waits while the window is full, and with QoS 0 for a connection.

        Raises :class:`LinkError` where the broker has refused us, the link is closed, or it would wait beyond ``stop``;
        ValueError for a topic that nobody may publish on.
        """
        raw = topic.encode()
        if not raw or len(raw) > LONGEST_TOPIC or any(c in topic for c in "#+\0"):
            raise ValueError(f"{topic!r} is no topic to publish on")
        with self._room:
            self._check()
            while self.in_flight >= self.window or (qos == 0 and not self._open):
                self._room.wait(0.2 if self._open else 0.05)
                self._check()
                if self._impatient():
                    raise LinkError(f"{self.address} takes nothing more in time")
            self.published_count += 1
            if qos and not self._client.fast:
                self._open_engine += 1
            else:
                self._send_one(raw, payload, qos, retain)
                return
        while not self._client.publish(topic, payload, qos, retain):
            self._check()
            time.sleep(0.01)

    def _send_one(self, topic: bytes, payload: bytes, qos: int, retain: bool) -> None:
        if qos == 0:
            self._open_zero += 1
            self.send(self.connection, publish(topic, payload, 0, 0, retain, version5=self._version5), 1)
            return
        packet = self._last_id % MOST_IDS + 1
        while packet in self._kept:
            packet = packet % MOST_IDS + 1
        self._last_id = packet
        data = publish(topic, payload, qos, packet, retain, version5=self._version5)
        self._kept[packet] = data, self._open
        if self._open:
            self.send(self.connection, data, 0)

    def _check(self) -> None:
        if self.failure or self._done.is_set() or self._stop.is_set():
            raise LinkError(self.failure or f"the link to {self.address} is closed")

    def _impatient(self) -> bool:
        """Whether somebody has wanted to stop for long enough."""
        if not self._asked.is_set():
            return False
        self._waits_until = self._waits_until or time.monotonic() + GRACE_S
        return time.monotonic() >= self._waits_until

    def flush(self, timeout_s: float) -> bool:
        """Whether everything is out and acknowledged within ``timeout_s``; False at once where it never will.

        Waits no longer than ``stop`` allows.
        """
        end = time.monotonic() + timeout_s
        with self._room:
            while self.in_flight and not (self._done.is_set() or self._impatient()) and time.monotonic() < end:
                self._room.wait(min(0.2, max(0.0, end - time.monotonic())))
            return self.in_flight == 0

    # -------------------------------------------------------------------------------------- in the link's thread
    def packets(self, others: list[bytes]) -> list[bytes]:
        """Take the answers to what is kept; the engine does not know of it."""
        if not self._client.fast:
            return others
        rest, answers = [], bytearray()
        with self._room:
            for data in others:
                kind, at = data[0] & 0xF0, 2 if data[1] < 128 else 3
                if kind not in {PUBACK_TYPE, PUBREC_TYPE, PUBCOMP_TYPE} or len(data) < at + 2:
                    rest.append(data)
                    continue
                refused = self._version5 and len(data) > at + 2 and data[at + 2] >= REFUSED
                if kind == PUBREC_TYPE and not refused:
                    answers += PUBREL + data[at : at + 2]
                elif self._kept.pop(int.from_bytes(data[at : at + 2], "big"), None) is not None:
                    self.refused += refused
            self._tell()
        self.send(self.connection, bytes(answers), 0)
        return rest

    def sent(self, count: int) -> None:
        """QoS 0 is done when it is out."""
        if count:
            with self._room:
                self._open_zero -= count
                self._tell()

    def published(self, refused: bool) -> None:
        """The engine has an answer to what it keeps."""
        with self._room:
            self._open_engine -= 1
            self.refused += refused
            self._tell()

    def _tell(self) -> None:
        """Let those go on who wait, when half of the window is free: not for every single message."""
        if self.in_flight <= self.window // 2:
            self._room.notify_all()

    def went_down(self, cause: str) -> None:
        """What was to go out with QoS 0 over this connection is lost; the rest waits for the next one."""
        with self._room:
            self._open = False
            self.lost += self._open_zero
            self._open_zero = 0
            self._bulk.clear()
            self._room.notify_all()

    def came_up(self, session_present: bool) -> None:
        """Send what is kept, and let those go on who wait for a connection."""
        with self._room:
            self._open = True
            again = [bytes((data[0] | DUPLICATE * out,)) + data[1:] for data, out in self._kept.values()]
            self._kept = {packet: (data, True) for packet, (data, _) in self._kept.items()}
            self.send(self.connection, b"".join(again), 0)
            self._room.notify_all()
