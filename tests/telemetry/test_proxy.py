"""The proxy that stands for a bad network does what it says: the fault tests rest on it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.telemetry.proxy import Proxy
from tests.telemetry.until import until


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(link,), daemon=True).start()

        def answer(link: socket.socket) -> None:
            with link:
                try:
                    while data := link.recv(1 << 16):
                        link.sendall(data)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def linked(proxy: Proxy, timeout: float = 30.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout)


def told(link: socket.socket, data: bytes = b"hello") -> bytes:
    link.sendall(data)
    got = b""
    while len(got) < len(data) and (more := link.recv(1 << 16)):
        got += more
    return got


def test_bytes_pass_in_any_pieces(echo):
    with Proxy(echo) as proxy, linked(proxy) as link:
        proxy.split(3)
        data = bytes(range(256)) * 40
        assert told(link, data) == data
        assert proxy.connections == 1


def test_a_delay_holds_both_ways(echo):
    with Proxy(echo) as proxy, linked(proxy) as link:
        proxy.delay(0.1)
        began = time.monotonic()
        assert told(link) == b"hello"
        assert time.monotonic() - began >= 0.2


def test_drop_ends_old_and_new_connections_until_it_heals(echo):
    with Proxy(echo) as proxy, linked(proxy) as link:
        assert told(link) == b"hello"
        proxy.drop()
        assert link.recv(1) == b""
        with linked(proxy) as new:
            assert new.recv(1) == b""
        proxy.heal()
        with linked(proxy) as new:
            assert told(new) == b"hello"


def test_reset_cuts_off(echo):
    with Proxy(echo) as proxy, linked(proxy) as link:
        assert told(link) == b"hello"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            link.recv(1)
        with linked(proxy) as new:
            assert told(new) == b"hello"


@pytest.mark.parametrize("how", ["black_hole", "half_open"])
def test_silence_is_not_told_to_the_client(echo, how):
    with Proxy(echo) as proxy, linked(proxy) as link:
        assert told(link) == b"hello"
        getattr(proxy, how)()
        link.settimeout(0.2)
        with pytest.raises(TimeoutError):
            told(link)
        with linked(proxy) as new:
            if how == "black_hole":
                new.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    told(new)
            else:
                assert told(new) == b"hello"
        assert until(lambda: proxy.swallowed >= len(b"hello"))
        proxy.heal()
        link.settimeout(30.0)
        with pytest.raises(ConnectionResetError):
            link.recv(1)
        with linked(proxy) as new:
            assert told(new) == b"hello"
