"""The thread that keeps a connection to a broker up, and moves its bytes in bulk.

A whole read is cut at once (:mod:`telemetry.link.frames`), the protocol engine (:mod:`telemetry.link.client`) gets what
is no message, and acknowledgements go out together.

What heals by itself is tried again: pauses grow from half a second to half a minute, with jitter, and begin anew only
after a connection that lasted half a minute, so that two clients of one id do not throw each other out in a storm.
What cannot heal (a wrong password, CA or protocol) ends the first attempt; after a connection that once stood it is
tried again as well, because brokers are reconfigured. No exception ends the thread: it is counted and told.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from telemetry.address import Address, Login
from telemetry.link.causes import HEALS, PAUSE_S, Counters, Lives, cause, lasting, refusal
from telemetry.link.client import SESSION_S, Client, Will
from telemetry.link.frames import PINGRESP, PUBACK, PUBCOMP, Cut, Frames, topic_of
from telemetry.link.hooks import Hooks
from telemetry.link.wake import Wake
from telemetry.message import Message

KEEPALIVE_S = 10.0
ANSWER_S = 10.0  # from the CONNECT to the broker's answer
GOODBYE_S = 2.0  # for the last acknowledgements
GOODBYE_READS = 64
READ_BYTES = 262_144
READS = 16  # of one turn; TLS gives 16 KiB at most
WAIT_S = 0.25
LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link(Hooks):
    """A connection that is kept up by its own thread; what is made of it is in :mod:`telemetry.link.listener`.

    ``say``: told what people should know, a line each, from that thread. ``failure``: why it was given up, else "".
    ``connection``: number of the present connection; what belongs to an older one is void.
    """

    def __init__(
        self,
        address: Address,
        login: Login,
        client_id: str,
        *,
        clean: bool,
        will: Will | None = None,
        version: int = 4,
        keepalive_s: float = KEEPALIVE_S,
        pause_s: tuple[float, float] = PAUSE_S,
        session_s: int = SESSION_S,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        self.address, self.client_id, self.failure = address, client_id, ""
        self.counters, self.connection = Counters(), 0
        self._say, self._keepalive_s = say, keepalive_s
        self._frames, self._collected = Frames(version5=version == 5), Cut()
        self._bulk: deque[tuple[int, bytes, int]] = deque()
        self._sending, self._sending_count = bytearray(), 0
        self._stop, self._up, self._done = threading.Event(), threading.Event(), threading.Event()
        self._wake = Wake()
        self._cause = self._refused = self._told = ""
        self._faulty = self._ponged = False
        self._opened = self._heard = self._pinged = 0.0
        self._lives = Lives(pause_s)
        self._client = Client(
            address, login, client_id, self,
            clean=clean, version=version, keepalive_s=keepalive_s, will=will, session_s=session_s,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._run, name=f"mqtt {client_id}", daemon=True)

    # ------------------------------------------------------------------------------ what others ask of a link
    def start(self) -> None:
        """Begin to connect, in the link's thread."""
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Whether the broker has accepted us within ``timeout_s``; False at once where it never will."""
        deadline = time.monotonic() + timeout_s
        while not self._up.wait(min(0.05, max(0.0, deadline - time.monotonic()))):
            if self._done.is_set() or time.monotonic() >= deadline:
                return False
        return True

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the present connection."""
        return self._up.is_set()

    @property
    def alive(self) -> bool:
        """Whether the thread lives."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Let the thread look again at what it is to do; from any thread."""
        self._wake.set()

    def send(self, connection: int, data: bytes, count: int) -> None:
        """Send whole packets, ``count`` of them, if ``connection`` still stands, else never. From any thread."""
        if data:
            self._bulk.append((connection, data, count))
            self.wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Send what is due, say goodbye (no will, the session stays) and end the thread."""
        self._stop.set()
        self.wake()
        if self.alive and threading.current_thread() is not self._thread:
            self._thread.join(GOODBYE_S + 2 * ANSWER_S)
        self._done.set()
        self._wake.close()

    # -------------------------------------------------------------------------------------------- the thread
    def _run(self) -> None:
        while not self._stop.is_set() and not self.failure:
            try:
                self._attempt()
            except Exception as error:  # the thread must outlive any fault of ours
                self.fault(error)
                self._end("a fault of halltwin")
            try:
                self._ended_attempt()
            except Exception as error:
                self.fault(error)
                self._stop.wait(PAUSE_S[0])
        self._done.set()

    def _attempt(self) -> None:
        """Connect, and serve until the connection ends."""
        self._frames.clear()
        self._sending.clear()
        self._cause, self._refused, self._faulty = "", "", False
        self.connection += 1
        self._opened = self._heard = self._pinged = time.monotonic()
        try:
            self._client.connect()
        except OSError as error:
            self._judge_error(error)
            return
        sock = self._client.socket
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            mask = 0
            while sock is not None and self._client.socket is sock:
                mask = self._turn(selector, sock, mask)

    def _turn(self, selector: selectors.BaseSelector, sock: Any, mask: int) -> int:
        """Wait for the socket, for a word from another thread or for time, and do what is due."""
        if self._stop.is_set():
            self._goodbye(sock)
            return mask
        held = self._up.is_set() and self.held()
        writes = self._sending or self._bulk or self._client.wants_write()
        want = (0 if held else selectors.EVENT_READ) | (selectors.EVENT_WRITE if writes else 0)
        if want != mask:
            if mask:
                selector.unregister(sock)
            if want:
                selector.register(sock, want)
        if held:
            self._heard = time.monotonic()  # silence means nothing while we do not listen
        unread = not held and self._unread(sock)
        for key, events in selector.select(0.0 if unread else WAIT_S):
            if key.fileobj is self._wake:
                self._wake.clear()
                continue
            if events & selectors.EVENT_READ:
                self._read(sock)
            unread = unread and not events & selectors.EVENT_READ
            if events & selectors.EVENT_WRITE and self._client.socket is sock:
                self._write(sock)
        if unread and self._client.socket is sock:
            self._read(sock)
        if self._client.socket is sock:
            self._on_time()
        return want

    def _unread(self, sock: Any) -> bool:
        """Whether TLS has bytes of which the socket says nothing."""
        return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0

    def _read(self, sock: Any) -> None:
        for _ in range(READS if self.address.tls else 1):
            if not self._client.fast:
                self._client.read()
            elif not self._receive(sock):
                return
            self._hand_over()
            if self._client.socket is not sock or self.held():
                break

    def _receive(self, sock: Any) -> bool:
        """Read and cut once; paho gets what is no message, first: the answer to CONNECT comes before all messages."""
        try:
            data = sock.recv(READ_BYTES)
        except LATER:
            return False
        except OSError as error:
            self._judge_error(error)
            self._end(self._cause)
            return False
        if not data:
            self._end("the broker closed the connection")
            return False
        self._heard = time.monotonic()
        self.counters.reads += 1
        self.counters.bytes_in += len(data)
        cut = self._frames.feed(data, self.now_ns())
        if cut.other:
            self._ponged = self._ponged or PINGRESP in cut.other
            rest = b"".join(self.packets(cut.other))
            if rest:
                self._client.feed(rest)
        self.counters.oversize += len(cut.oversize)
        if cut.messages or cut.acks:
            self.came(cut)
        if cut.fault:
            self._end(f"the broker sent what is no MQTT: {cut.fault}")
        return not cut.fault

    def _write(self, sock: Any) -> None:
        """Send what paho has to send, then packets in bulk; neither begins before the other is out whole."""
        if not self._sending:
            self._client.write()
            if self._client.socket is not sock or self._client.wants_write():
                return
            while self._bulk and len(self._sending) < READ_BYTES:
                connection, data, count = self._bulk.popleft()
                if connection == self.connection:
                    self._sending += data
                    self._sending_count += count
                else:
                    self.counters.stale += count
        if self._sending:
            try:
                del self._sending[: sock.send(self._sending)]
            except LATER:
                return
            except OSError as error:
                self._judge_error(error)
                self._end(self._cause)
                return
            if not self._sending:
                count, self._sending_count = self._sending_count, 0
                self.sent(count)

    def _on_time(self) -> None:
        """Keep the connection alive, and end one that is silent."""
        now = time.monotonic()
        self.ticked()
        if self._faulty:
            self._end("a fault of halltwin")
            return
        if not self._up.is_set():
            if now - self._opened > ANSWER_S:
                self._end("the broker did not answer")
        elif not self._client.fast:
            self._client.tick()
        elif now - self._heard > self._keepalive_s:
            self._end(f"nothing was heard for {self._keepalive_s:g} s")
        elif now - self._pinged > self._keepalive_s / 2:
            self._pinged = now
            self._client.ping()

    def _goodbye(self, sock: Any) -> None:
        """Send what is due, see that the broker has read it, then DISCONNECT: no will, and the session stays.

        A broker drops what it has not read of a connection when its client comes back on another one; the answer to a
        ping comes behind all acknowledgements. What else comes before it is handed over as ever.
        """
        deadline = time.monotonic() + GOODBYE_S
        if self._up.is_set():
            self._send_all(sock, deadline)
            if self._client.fast:
                self._ponged = False
                self._client.ping()
                self._send_all(sock, deadline)
                for _ in range(GOODBYE_READS):
                    if self._ponged or not self._wait_for(sock, selectors.EVENT_READ, deadline):
                        break
                    self._receive(sock)
            if self._client.socket is sock:
                self.leaving()
                self._client.goodbye()
                self._send_all(sock, deadline)
        self._end("we left")

    def _send_all(self, sock: Any, deadline: float) -> None:
        while self._bulk or self._sending or self._client.wants_write():
            if not self._wait_for(sock, selectors.EVENT_WRITE, deadline):
                return
            self._write(sock)

    def _wait_for(self, sock: Any, what: int, deadline: float) -> bool:
        """Whether the connection stands and its socket is ready before ``deadline``."""
        if self._client.socket is not sock:
            return False
        if what == selectors.EVENT_READ and self._unread(sock):
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(sock, what)
            return bool(selector.select(max(0.0, deadline - time.monotonic())))

    def _end(self, why: str) -> None:
        """End the connection: paho sees the end of the stream, or of the socket, and tidies up."""
        self._cause = self._cause or why
        sock = self._client.socket
        if sock is not None and not self._client.fast:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if sock is not None:
            self._client.feed(b"")

    def _ended_attempt(self) -> None:
        """Say why there is no connection any more, judge whether there can be one, and pause."""
        stood, why = self._up.is_set(), self._refused or self._cause or "the connection ended"
        self._up.clear()
        self._sending_count = 0
        if self._stop.is_set():
            return
        if stood:
            self.counters.losses += 1
            suspicion = self._lives.ended(time.monotonic() - self._opened, why)
            if suspicion:
                self.counters.takeovers += 1
                self._say(f'{suspicion} the id "{self.client_id}": give one of them another with --client-id')
            self.went_down(why)
        else:
            self.counters.failures += 1
            if self._refused and not self.counters.connects:
                self.failure = f"{self.address}: {self._refused}"
                return
        words = f"{'connection lost' if stood else 'no connection'} to {self.address}: {why}"
        if stood or words != self._told:
            self._say(f"{words}; trying again")
        self._told = words
        self._stop.wait(self._lives.pause())

    def _judge_error(self, error: OSError) -> None:
        """Keep what an error of the socket means; TLS does not refuse us once it stands."""
        self._cause = cause(error, self._up.is_set())
        if not self._up.is_set():
            self._refused = lasting(error)

    # ------------------------------------------------------------- the engine calls these, in the link's thread
    def fault(self, error: Exception) -> None:
        """A fault of ours that is passed over, counted and told."""
        self.counters.faults += 1
        self._faulty = True  # what it was to do is not done: begin anew
        self._say(f"a fault of halltwin was passed over: {type(error).__name__}: {error}")

    def answered(self, session_present: bool, reason: str) -> None:
        """The broker's answer to CONNECT."""
        if reason:
            self._cause = refusal(reason)
            self._refused = "" if reason in HEALS else self._cause
        else:
            self._up.set()
            self._told = ""
            self.counters.connects += 1
            self.came_up(session_present)

    def ended(self, reason: str) -> None:
        """The connection is over; what was found out before is nearer to the cause."""
        self._cause = self._cause or reason.lower()

    def message(self, topic: bytes, payload: bytes, packet: int, qos: int, retain: bool) -> None:
        """A message that came through paho."""
        frames, cut = self._frames, self._collected
        cut.messages.append(Message(topic_of(topic), payload, self.now_ns(), frames.sequence, qos, retain))
        cut.size += len(topic) + len(payload)
        frames.sequence += 1
        if qos:
            cut.acks += (PUBACK if qos == 1 else PUBCOMP) + packet.to_bytes(2, "big")

    def _hand_over(self) -> None:
        if self._collected.messages:
            cut, self._collected = self._collected, Cut()
            self.came(cut)
