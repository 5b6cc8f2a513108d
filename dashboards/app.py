"""The server of the live page: loopback unless told otherwise, one feed for all readers, ``/healthz`` for machines.

Nothing that the page needs comes from elsewhere: scripts are Bokeh's own package, fonts the reader's system's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.web import RequestHandler

from dashboards.live_page import PULL_MS, Session
from telemetry.live.frame import Feed
from twin.core.errors import one, option

LOOPBACK = "127.0.0.1"
# How long the state of a reader who went away is kept, and how often that is looked at, ms.
KEPT_MS, LOOKED_MS = 5_000, 2_000
STOP_MS = 100


class Health(RequestHandler):
    """``/healthz``: is a frame there, of which mode, how old its data."""

    def initialize(self, feed: Feed) -> None:
        """Take the feed."""
        self._feed = feed

    def get(self) -> None:
        """Answer in JSON; 503 before the first frame."""
        frame = self._feed.latest()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        if frame is None:
            self.set_status(503)
            self.finish(json.dumps({"site": self._feed.topology.site, "mode": None}))
            return
        age = frame.data_age_s
        self.finish(
            json.dumps(
                {
                    "site": self._feed.topology.site,
                    "mode": frame.mode.value,
                    "sequence": frame.sequence,
                    "time_ns": frame.time_ns,
                    "data_age_s": age if math.isfinite(age) else None,
                    "note": frame.note,
                }
            )
        )


def serve(
    feed: Feed,
    *,
    port: int = 0,
    address: str = LOOPBACK,
    show: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
    allow_remote: bool = False,
) -> None:
    """Serve the live page of a feed until ``stop`` is set or the process is interrupted.

    ``port`` 0 takes a free one; ``show`` is told the URL as soon as the page can be opened. Beyond loopback nobody is
    asked for a password: that needs ``allow_remote``. May run in any thread; the feed is the caller's to stop.

    Raises ``InputError`` where the port is taken, the address is none of this machine, or it is not loopback.
    """
    with _own_loop() as loop:
        server, url = _started(feed, port, address, allow_remote, loop)
        if show is not None:
            loop.add_callback(show, url)
        if stop is not None:
            _stop_with(stop, loop)
        try:
            loop.start()
        finally:
            server.unlisten()
            server.stop(wait=False)


def _started(feed: Feed, port: int, address: str, allow_remote: bool, loop: IOLoop) -> tuple[BaseServer, str]:
    if not _is_loopback(address) and not allow_remote:
        what = f"{address} is open to other machines, and the page asks nobody for a password: add"
        raise one(f"{what} {option('allow_remote=True')}", path=option("address="))
    try:
        sockets = bind_sockets(port, address)
    except OSError as error:
        raise one(f"cannot listen on {address}:{port}: {error.strerror or error}", path=option("port=")) from None
    except OverflowError:
        raise one(f"{port} is no port: 0 to 65535", path=option("port=")) from None
    taken = int(sockets[0].getsockname()[1])
    logging.getLogger("bokeh").setLevel(logging.ERROR)
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    page = Application(FunctionHandler(lambda document: _open(feed, document)))
    tornado = BokehTornado(
        {"/": page},
        extra_websocket_origins=[f"{host}:{taken}" for host in _origins(address)],
        extra_patterns=[("/healthz", Health, {"feed": feed})],
        unused_session_lifetime_milliseconds=KEPT_MS,
        check_unused_sessions_milliseconds=LOOKED_MS,
    )
    http = HTTPServer(tornado)
    http.add_sockets(sockets)
    server = BaseServer(loop, tornado, http)
    server.start()
    host = f"[{address}]" if ":" in address else address
    return server, f"http://{host}:{taken}/"


def _open(feed: Feed, document: Document) -> None:
    request = getattr(document.session_context, "request", None)
    session = Session(feed, document, request.arguments if request is not None else {})
    document.add_periodic_callback(session.pull, PULL_MS)


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _origins(address: str) -> Sequence[str]:
    """Names under which a browser may have opened the page."""
    known = ["127.0.0.1", "localhost", "[::1]"]
    return known if _is_loopback(address) else [*known, address]


def _stop_with(stop: threading.Event, loop: IOLoop) -> None:
    def look() -> None:
        if stop.is_set():
            loop.stop()
        else:
            loop.call_later(STOP_MS / 1e3, look)

    loop.add_callback(look)


@contextlib.contextmanager
def _own_loop() -> Iterator[IOLoop]:
    """A loop of this thread's own, so that a page may be served beside anything."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    loop = IOLoop.current()
    try:
        yield loop
    finally:
        loop.close(all_fds=True)
        asyncio.set_event_loop(None)


__all__ = ["serve"]
