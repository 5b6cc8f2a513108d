"""A broker of a few lines that says what a test wants it to say, for what no real broker does."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

ACCEPTED, PRESENT = b"\x20\x02\x00\x00", b"\x20\x02\x01\x00"


class Script:
    """Listens on a free port of loopback; every connection is handed to ``play`` in its own thread."""

    def __init__(self, play: Callable[[socket.socket, int], None], tls: ssl.SSLContext | None = None) -> None:
        self._play, self._tls = play, tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Script:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._listener)
        self._thread.join(5)  # then all whom it has let in are in the list
        for each in self._open:
            _end(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._open.append(sock)
                self.connections += 1
                threading.Thread(target=self._run, args=(sock, self.connections), daemon=True).start()

    def _run(self, sock: socket.socket, number: int) -> None:
        with suppress(OSError):
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            self._play(sock, number)
            sock.close()


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def packet(sock: socket.socket) -> bytes:
    """The next packet of the client; b"" at the end, wherever in a packet that is."""
    head = sock.recv(2)
    if len(head) < 2:
        return b""
    size, shift, last = head[1] & 0x7F, 7, head[1]
    while last & 0x80:
        more = sock.recv(1)
        if not more:
            return b""
        last = more[0]
        size |= (last & 0x7F) << shift
        shift += 7
    body = b""
    while len(body) < size:
        more = sock.recv(size - len(body))
        if not more:
            return b""
        body += more
    return head[:1] + body


def listen(sock: socket.socket, seen: list[bytes] | None = None, version: int = 4) -> None:
    """Answer pings and subscriptions, keep all else in ``seen``, until the client goes."""
    granted = b"\x01" if version == 4 else b"\x00\x01"  # of MQTT 5 behind no properties
    while got := packet(sock):
        if got[0] == 0xC0:
            sock.sendall(b"\xd0\x00")
        elif got[0] == 0x82:
            sock.sendall(bytes([0x90, 2 + len(granted)]) + got[1:3] + granted)
        elif seen is not None:
            seen.append(got)
