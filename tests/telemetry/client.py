"""A plain MQTT client for tests of brokers: it waits for events, keeps what it got, and shows what paho would hide."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

WAIT_S = 30.0


class Client:
    """One connection; ``got`` holds every message in the order of receipt. A context manager that disconnects.

    ``acknowledged`` counts publications that are done (QoS 0: written), ``lost`` connections that ended, ``code`` is
    the broker's answer to the connection, ``session_present`` what it remembers.
    """

    def __init__(self, port: int, name: str, *, clean: bool = True, v5: bool = False, keepalive: int = 30) -> None:
        self.port, self.keepalive = port, keepalive
        self.got: list[paho.MQTTMessage] = []
        self.subscribed: dict[int, list[str]] = {}
        self.reasons: list[str] = []
        self.acknowledged = self.lost = 0
        self.code: str | None = None
        self.session_present: bool | None = None
        self._changed = threading.Condition()
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if v5 else clean,
            protocol=paho.MQTTv5 if v5 else paho.MQTTv311,
        )
        self.paho.max_inflight_messages_set(200)
        self.paho.on_message = self._message
        self.paho.on_connect = self._connected
        self.paho.on_disconnect = self._disconnected
        self.paho.on_publish = self._published
        self.paho.on_subscribe = self._subscribed

    def open(self) -> Client:
        """Connect, and wait for the broker's answer."""
        self.paho.connect("127.0.0.1", self.port, self.keepalive)
        self.paho.loop_start()
        assert self.until(lambda: self.code is not None), "no CONNACK"
        return self

    def _connected(self, _c: Any, _u: Any, flags: Any, code: Any, _p: Any) -> None:
        with self._changed:
            self.session_present, self.code = flags.session_present, str(code)
            self._changed.notify_all()

    def _disconnected(self, *_: Any) -> None:
        with self._changed:
            self.lost += 1
            self._changed.notify_all()

    def _message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.got.append(message)
            self._changed.notify_all()

    def _published(self, _c: Any, _u: Any, _mid: int, reason: Any, _p: Any) -> None:
        with self._changed:
            self.reasons.append(str(reason))
            self.acknowledged += 1
            self._changed.notify_all()

    def _subscribed(self, _c: Any, _u: Any, mid: int, codes: Any, _p: Any) -> None:
        with self._changed:
            self.subscribed[mid] = [str(code) for code in codes]
            self._changed.notify_all()

    def until(self, true: Callable[[], bool], within_s: float = WAIT_S) -> bool:
        """Whether ``true()`` comes within a time."""
        with self._changed:
            return self._changed.wait_for(true, within_s)

    def subscribe(self, topic: str, qos: int) -> list[str]:
        """The broker's answer."""
        _, mid = self.paho.subscribe(topic, qos)
        assert mid is not None
        assert self.until(lambda: mid in self.subscribed), f"no SUBACK; {self.lost} connections lost"
        return self.subscribed[mid]

    def publish(self, messages: Iterable[tuple[str, bytes]], qos: int = 1, retain: bool = False) -> int:
        """Publish with some hundreds in flight; how many of them were acknowledged."""
        first, sent = self.acknowledged, 0
        for topic, payload in messages:
            self.paho.publish(topic, payload, qos, retain)
            sent += 1
            if sent % 100 == 0 and not self.acknowledges(first + sent - 100):
                break
        self.acknowledges(first + sent)
        return self.acknowledged - first

    def acknowledges(self, count: int) -> bool:
        """Whether ``count`` publications are done, all in all."""
        return self.until(lambda: self.acknowledged >= count)

    def receives(self, count: int, within_s: float = WAIT_S) -> bool:
        """Whether ``count`` messages came, all in all."""
        return self.until(lambda: len(self.got) >= count, within_s)

    def quiet(self, for_s: float = 0.5) -> int:
        """Number of messages, after none came for a time."""
        while self.receives(len(self.got) + 1, for_s):
            pass
        return len(self.got)

    def receives_no_more_than(self, count: int, for_s: float = 0.3) -> bool:
        """Whether ``count`` messages came, all in all, and nothing more in a time."""
        return self.receives(count) and self.quiet(for_s) == count

    def payloads(self) -> list[bytes]:
        """Of all that came."""
        return [bytes(message.payload) for message in self.got]

    def stop(self) -> None:
        """End the thread, and close what paho would leave to the collector of garbage; no word to the broker."""
        self.paho.loop_stop()
        self.paho._reset_sockets()

    def close(self) -> None:
        """Say good-bye."""
        self.paho.disconnect()
        self.stop()

    def __enter__(self) -> Client:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()
