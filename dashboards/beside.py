"""The page beside a live twin: the twin in a thread, the server in the thread that asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from socket import socket

from dashboards.app import serve
from telemetry.live.frame import Frame
from telemetry.live.session import Session


def go_with_page(
    session: Session, stop: threading.Event, *, sockets: Sequence[socket], show: Callable[[str], None], ends: bool,
    watch: Callable[[Frame], None] = lambda frame: None,
) -> None:  # fmt: skip
    """Run a session and serve its page until ``stop``, at ``sockets`` (:func:`dashboards.app.listening`).

    Bound before anything runs: a port that is taken must leave no run behind. ``show`` is told the URL.

    With ``ends`` the page goes with the session, else it stays when a recording is over. Sets ``stop`` as it returns.
    Raises what the session has raised.
    """
    failed: list[BaseException] = []

    def work() -> None:
        try:
            session.go(stop, watch)
        except BaseException as error:  # it is raised again below
            failed.append(error)
        if failed or ends:
            stop.set()

    thread = threading.Thread(target=work, name="live twin")
    thread.start()
    try:
        serve(session.board, sockets=sockets, show=show, stop=stop)
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


__all__ = ["go_with_page"]
