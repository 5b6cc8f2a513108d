"""The server of the live page: loopback unless told otherwise, one feed for all readers, ``/healthz`` for machines.

Nothing that the page needs comes from elsewhere: scripts are Bokeh's own package, fonts the reader's system's.

Whoever names another host in his request is refused: a browser that was led here under the name of a foreign site (DNS
rebinding) would take this server's answers for that site's own, websocket and all. An address can be led nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import logging
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from socket import getaddrinfo, getfqdn, gethostname, socket
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.server.connection import ServerConnection
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets
from tornado.routing import AnyMatches, Matcher, Rule, RuleRouter
from tornado.web import Application as Answers
from tornado.web import RequestHandler

from dashboards.live_page import PULL_MS, Session
from telemetry.live.frame import Feed
from twin.core.errors import one, option

LAST_PORT = 65_535
LOOPBACK = "127.0.0.1"
# How long the state of a reader who went away is kept, and how often that is looked at, ms.
KEPT_MS, LOOKED_MS = 5_000, 2_000
STOP_MS = 100
MISDIRECTED = 421


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


class Stranger(RequestHandler):
    """The answer to whoever calls this server by a name that is not its own."""

    def prepare(self) -> None:
        """Refuse, and say what to do; the name itself is not repeated."""
        self.set_status(MISDIRECTED)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("This server does not answer to that name. Open it by its address or its own host name.\n")


class Named(Matcher):
    """Requests that name this server: by one of ``names``, or by any address."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = {name.lower() for name in names}

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """None where the request names another host."""
        name = request.host_name
        return {} if name in self._names or _is_address(name.strip("[]")) else None


class Readers(BokehTornado):
    """Bokeh's server, which forgets a reader who went away while his connection was being set up."""

    def new_connection(self, protocol: Any, socket: Any, application_context: Any, session: Any) -> ServerConnection:
        """Let go of a socket that is closed already, where its end has been told before anybody listened."""
        made = super().new_connection(protocol, socket, application_context, session)
        if socket.ws_connection is None:
            self.io_loop.call_later(LOOKED_MS / 1e3, self.client_lost, made)
        return made


def listening(port: object, address: str = LOOPBACK, allow_remote: bool = False) -> list[socket]:
    """Sockets of the page, bound: with port 0 to a free one.

    Raises ``InputError`` where the port is taken or none, or the address is not loopback and that is not allowed.
    """
    if not _is_loopback(address) and not allow_remote:
        what = f"{address} is open to other machines, and the page asks nobody for a password: add"
        raise one(f"{what} {option('allow_remote=True')}", path=option("address="))
    if not isinstance(port, int) or not 0 <= port <= LAST_PORT:
        raise one(f"{port} is no port: a whole number from 0 to {LAST_PORT}", path=option("port="))
    try:
        return bind_sockets(port, address)
    except OSError as error:
        why = f"port {port} is in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise one(f"cannot listen on {address}:{port}: {why}; 0 takes a free one", path=option("port=")) from None


def serve(
    feed: Feed,
    *,
    port: int = 0,
    address: str = LOOPBACK,
    show: Callable[[str], None] | None = None,
    stop: threading.Event | None = None,
    allow_remote: bool = False,
    sockets: Sequence[socket] | None = None,
) -> None:
    """Serve the live page of a feed until ``stop`` is set or the process is interrupted.

    ``port`` 0 takes a free one; ``sockets`` of :func:`listening` are taken instead where they are bound already, and
    are closed in the end.
    ``show`` is told the URL as soon as the page can be opened. Beyond loopback nobody is asked for a password: that
    needs ``allow_remote``. May run in any thread; the feed is the caller's to stop.

    Raises ``InputError`` as :func:`listening` does.
    """
    bound = list(sockets) if sockets is not None else listening(port, address, allow_remote)
    if threading.current_thread() is threading.main_thread():
        _settle()
    with _own_loop() as loop, contextlib.ExitStack() as held:
        for each in bound:  # they are let go also where no server comes about
            held.enter_context(each)
        server, url = _started(feed, bound, loop)
        if stop is not None:
            _stop_with(stop, loop)
        try:
            if show is not None:
                show(url)  # not in the loop, which keeps what is raised to itself
            loop.start()
        finally:
            server.unlisten()
            server.stop(wait=False)


def _settle() -> None:
    """Take what a process that serves holds for good out of what is searched for garbage.

    Bokeh has all objects searched whenever a reader leaves: 0.17 s in which nothing else runs, 0.013 s without these.
    """
    gc.collect()
    gc.freeze()


def _started(feed: Feed, sockets: Sequence[socket], loop: IOLoop) -> tuple[BaseServer, str]:
    address, port = (str(part) for part in sockets[0].getsockname()[:2])
    logging.getLogger("bokeh").setLevel(logging.ERROR)
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)  # 503 before the first frame is an answer
    names = _origins(address)
    tornado = Readers(
        {"/": Application(FunctionHandler(lambda document: _open(feed, document)))},
        extra_websocket_origins=[f"{host}:{port}" for host in names],
        extra_patterns=[("/healthz", Health, {"feed": feed})],
        unused_session_lifetime_milliseconds=KEPT_MS,
        check_unused_sessions_milliseconds=LOOKED_MS,
    )
    http = HTTPServer(RuleRouter([Rule(Named(names), tornado), Rule(AnyMatches(), Answers([(".*", Stranger)]))]))
    http.add_sockets(sockets)
    server = BaseServer(loop, tornado, http)
    server.start()
    shown = LOOPBACK if ip_address(address).is_unspecified else address
    return server, f"http://{_in_url(shown)}:{port}/"


def _open(feed: Feed, document: Document) -> None:
    request = getattr(document.session_context, "request", None)
    session = Session(feed, document, request.arguments if request is not None else {})
    document.add_periodic_callback(session.pull, PULL_MS)


def _is_loopback(address: str) -> bool:
    return address == "localhost" or (_is_address(address) and ip_address(address).is_loopback)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _in_url(host: str) -> str:
    """A host as URLs write it: an address of version 6 in brackets."""
    return f"[{host}]" if ":" in host else host


def _origins(address: str) -> list[str]:
    """Names under which a browser may have opened the page; a page of any other name may not talk to this server."""
    known = ["127.0.0.1", "localhost", "::1"]
    if not _is_loopback(address):
        name = gethostname()
        known += [name, getfqdn(), address]
        with contextlib.suppress(OSError):
            known += [str(found[4][0]) for found in getaddrinfo(name, None)]
    return [_in_url(host) for host in dict.fromkeys(known)]


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


__all__ = ["listening", "serve"]
