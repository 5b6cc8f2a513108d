"""A TCP proxy between a client and a broker that does what networks do: vanish, hang, answer late, cut off.

Its loop runs in a thread of its own; every order has taken effect when the call returns. ``forward`` is what happens to
bytes, ``accept`` what happens to new connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

CHUNK = 1 << 16


@dataclass(eq=False)
class Pair:
    """One client with its connection to the broker; ``here`` and ``there`` are the writers toward them."""

    here: asyncio.StreamWriter
    there: asyncio.StreamWriter
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    silent: bool = False  # bytes of both ways go nowhere


class Proxy:
    """Listens on ``port`` of loopback and forwards to ``to``. A context manager."""

    def __init__(self, to: int) -> None:
        self._to = to
        self.connections = 0  # all that were let through
        self.swallowed = 0  # bytes that went nowhere
        self._pairs: set[Pair] = set()
        self._mute: set[asyncio.StreamWriter] = set()  # accepted, and nothing behind
        self._accept, self._delay_s, self._piece = "pass", 0.0, CHUNK
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0

    # --------------------------------------------------------------------------------------- what networks do
    def drop(self) -> None:
        """End all connections in good order, and end new ones at once, until :meth:`heal`."""
        self._do(self._drop)

    def reset(self) -> None:
        """Cut all connections off (RST); new ones pass."""
        self._do(self._reset)

    def black_hole(self) -> None:
        """A partition: connections stay, and bytes of both ways vanish; new ones are accepted and hear nothing."""
        self._do(self._black_hole)

    def half_open(self) -> None:
        """The broker loses its connections; the clients are not told. New ones pass."""
        self._do(self._half_open)

    def delay(self, seconds: float) -> None:
        """Let bytes of both ways wait before they go on."""
        self._do(lambda: setattr(self, "_delay_s", seconds))

    def split(self, piece: int) -> None:
        """Let bytes go on in pieces of this size."""
        self._do(lambda: setattr(self, "_piece", piece))

    def heal(self) -> None:
        """Let new connections pass; those of a black hole are cut off, as a router without their state does."""
        self._do(self._heal)

    # ------------------------------------------------------------------------------------------------- inside
    def _drop(self) -> None:
        self._accept = "drop"
        for pair in self._pairs:
            pair.here.close()
            pair.there.close()

    def _reset(self) -> None:
        for pair in self._pairs:
            for writer in (pair.here, pair.there):
                _cut(writer)

    def _black_hole(self) -> None:
        self._accept = "mute"
        for pair in self._pairs:
            pair.silent = True

    def _half_open(self) -> None:
        for pair in self._pairs:
            pair.silent = True
            pair.there.close()

    def _heal(self) -> None:
        self._accept = "pass"
        for pair in self._pairs:
            if pair.silent:
                _cut(pair.here)
                _cut(pair.there)
        for writer in self._mute:
            _cut(writer)
        self._mute.clear()

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._accept == "mute":
            self._mute.add(writer)
            return
        try:
            if self._accept == "drop":
                raise ConnectionRefusedError
            broker, there = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        self.connections += 1
        pair = Pair(writer, there)
        self._pairs.add(pair)
        pair.tasks = [
            asyncio.create_task(self._pump(pair, reader, there)),
            asyncio.create_task(self._pump(pair, broker, writer)),
        ]

    async def _pump(self, pair: Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await asyncio.sleep(self._delay_s)
                for at in range(0, len(data), self._piece):
                    if pair.silent:
                        self.swallowed += len(data) - at
                        break
                    writer.write(data[at : at + self._piece])
                    await writer.drain()
        if not pair.silent:  # of a silent pair, the other side is not told
            writer.close()

    def _do(self, what: Callable[[], None]) -> None:
        async def call() -> None:
            what()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def __enter__(self) -> Self:
        self._thread.start()
        made = asyncio.start_server(self._met, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(made, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for pair in self._pairs:
            for task in pair.tasks:
                task.cancel()
            await asyncio.gather(*pair.tasks, return_exceptions=True)
        for writer in [*self._mute, *(one for pair in self._pairs for one in (pair.here, pair.there))]:
            writer.transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def _cut(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST."""
    link = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
