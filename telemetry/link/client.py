"""paho-mqtt as protocol engine of one connection: the only file that imports it.

paho reads a packet with three calls of the system and each acknowledgement costs one more; driven as here it takes what
it is fed, and the thread that drives it (:mod:`telemetry.link.loop`) reads and acknowledges in bulk. For that two
private names of paho are needed, :data:`NEEDED`; where a version lacks them, ``fast`` is False and paho reads itself.

Every callback is wrapped: an exception in one would end paho's work without a word.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from telemetry.address import Address, Login

NEEDED = ("_sock_recv", "_send_pingreq")
CONNECT_S = 5.0  # for TCP and TLS
SESSION_S = 7 * 86_400  # MQTT 5: how long the broker keeps what we missed; 3.1.1 leaves that to the broker
REFUSED = b"\x20\x02\x00"  # CONNACK without a session; the code is behind
PROTOCOLS = {4: MQTTProtocolVersion.MQTTv311, 5: MQTTProtocolVersion.MQTTv5}


class Will(msgspec.Struct, frozen=True):
    """What the broker publishes for us when we are gone without a goodbye."""

    topic: str
    payload: bytes = b""
    qos: int = 1
    retain: bool = True


class Events(Protocol):
    """Whom the engine tells, in the thread that drives it; ``wake`` from any thread."""

    def wake(self) -> None:
        """There is something to write."""

    def answered(self, session_present: bool, reason: str) -> None:
        """The broker's answer to CONNECT; ``reason`` of a refusal, "" where it accepts us."""

    def ended(self, reason: str) -> None:
        """The connection is over."""

    def subscribed(self, refused: list[int]) -> None:
        """The broker's answer to SUBSCRIBE: places of the filters that it refuses."""

    def message(self, topic: bytes, payload: bytes, packet: int, qos: int, retain: bool) -> None:
        """A message that paho read: those of QoS 2, and all where ``fast`` is False."""

    def published(self, refused: bool) -> None:
        """A message of ours is acknowledged; ``refused``: with a reason not to pass it on (MQTT 5 only)."""

    def fault(self, error: Exception) -> None:
        """A callback raised, which was passed over."""


class _Socket(ssl.SSLSocket):
    """Closes itself where no TLS comes about: paho leaves that to the collector of garbage."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class Client:
    """A paho client that never reconnects, threads or acknowledges by itself."""

    def __init__(
        self,
        address: Address,
        login: Login,
        client_id: str,
        events: Events,
        *,
        clean: bool,
        version: int,
        keepalive_s: float,
        will: Will | None = None,
        session_s: int = SESSION_S,
    ) -> None:
        five = version == 5
        self._events = events
        self._fed, self._at, self._ended = b"", 0, False
        self._paho = client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if five else clean,
            protocol=PROTOCOLS[version],
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.max_inflight_messages_set(0)  # the windows are ours; paho's is searched through at every answer
        client.username_pw_set(login.user, login.password)
        if address.tls:
            context = login.tls()
            context.sslsocket_class = _Socket
            client.tls_set_context(context)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        self._call_back()
        start: Any = {"clean_start": clean, "properties": _session(0 if clean else session_s)} if five else {}
        client.connect_timeout = CONNECT_S
        client.connect_async(address.host, address.port, max(1, round(keepalive_s)), **start)
        self.fast = all(callable(getattr(client, name, None)) for name in NEEDED)
        if self.fast:
            vars(client)["_sock_recv"] = self._give

    def _call_back(self) -> None:
        client, events = self._paho, self._events
        client.on_connect = self._wrapped(lambda flags, why, _: events.answered(*_answer(flags, why)))
        client.on_disconnect = self._wrapped(lambda flags, why, _: events.ended(why.getName()))
        client.on_subscribe = self._wrapped(
            lambda mid, why, _: events.subscribed([i for i, reason in enumerate(why) if reason.is_failure])
        )
        client.on_message = self._wrapped(
            # `topic` would raise for what is not UTF-8
            lambda m: events.message(m._topic, bytes(m.payload), m.mid, m.qos, m.retain)
        )
        client.on_publish = self._wrapped(lambda mid, why, _: events.published(why.is_failure))
        client.on_socket_open = self._wrapped(lambda sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1))
        client.on_socket_register_write = self._wrapped(lambda sock: events.wake())

    def _wrapped(self, what: Callable[..., Any]) -> Callable[..., None]:
        def call(client: object, data: object, *values: Any) -> None:
            try:
                what(*values)
            except Exception as error:
                self._events.fault(error)

        return call

    # ----------------------------------------------------------------- for the thread that drives it, only
    def connect(self) -> None:
        """Open the socket and send CONNECT. Raises OSError, of TLS ``ssl.SSLError``."""
        self._fed, self._at, self._ended = b"", 0, False
        self._paho.reconnect()

    @property
    def socket(self) -> Any:
        """The connection's socket; None where there is none."""
        return self._paho.socket()

    def feed(self, data: bytes) -> None:
        """Let paho handle ``data``, whole packets; b"" is the end of the stream."""
        self._fed, self._at, self._ended = data, 0, not data
        if data.startswith(REFUSED) and data[3] == 1:  # of this refusal paho does not tell
            self._events.answered(False, "Unsupported protocol version")
        while self._paho.loop_read() == MQTTErrorCode.MQTT_ERR_SUCCESS and self._at < len(self._fed):
            pass

    def _give(self, size: int) -> bytes:
        """Stand in for paho's reads of the socket."""
        got = self._fed[self._at : self._at + size]
        self._at += len(got)
        if not got and not self._ended:
            raise BlockingIOError
        return got

    def read(self) -> None:
        """Let paho read for itself."""
        self._paho.loop_read()

    def wants_write(self) -> bool:
        """Whether paho has something to send."""
        return self._paho.want_write()

    def write(self) -> None:
        """Send what paho has to send, as far as the socket takes it."""
        self._paho.loop_write()

    def ping(self) -> None:
        """Ask whether the broker is there."""
        self._paho._send_pingreq()

    def tick(self) -> None:
        """Let paho look after the connection for itself."""
        self._paho.loop_misc()

    def goodbye(self) -> None:
        """Send DISCONNECT: no will is published, and a session that was asked for stays."""
        self._paho.disconnect()

    def subscribe(self, filters: Sequence[tuple[str, int]]) -> None:
        """Ask for these filters."""
        self._paho.subscribe(list(filters))

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Ask for these no more."""
        self._paho.unsubscribe(list(filters))

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> bool:
        """Hand over a message of QoS 1 or 2, from any thread: it is sent until acknowledged, over connections too.

        False where no packet id is free at the moment.
        """
        return self._paho.publish(topic, payload, qos, retain).rc != MQTTErrorCode.MQTT_ERR_QUEUE_SIZE


def _answer(flags: Any, why: Any) -> tuple[bool, str]:
    return bool(flags.session_present), why.getName() if why.is_failure else ""


def _session(seconds: int) -> Properties:
    untyped: Any = Properties
    properties: Properties = untyped(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = seconds
    return properties
