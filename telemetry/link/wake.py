"""Wakes a thread that waits for a socket: one byte on a pair of sockets, however often it is asked for."""

from __future__ import annotations

import socket
from contextlib import suppress


class Wake:
    """``set`` from any thread; the thread that waits for it to be readable calls ``clear`` before it looks around."""

    def __init__(self) -> None:
        self._in, self._out = socket.socketpair()
        self._in.setblocking(False)
        self._out.setblocking(False)
        self._is_set = False

    def fileno(self) -> int:
        """What to wait for."""
        return self._in.fileno()

    def set(self) -> None:
        """Wake the thread."""
        if not self._is_set:
            self._is_set = True
            with suppress(OSError):  # full: it is awake; closed: nobody waits any more
                self._out.send(b"!")

    def clear(self) -> None:
        """Sleep again next time."""
        with suppress(OSError):
            self._in.recv(4096)
        self._is_set = False

    def close(self) -> None:
        """No more."""
        self._in.close()
        self._out.close()
