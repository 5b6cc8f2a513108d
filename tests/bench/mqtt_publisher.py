"""``python -m tests.bench.mqtt_publisher PORT``: a publisher of ready-made packets in a process of its own.

Sends the metadata retained, waits for their acknowledgements, says ``ready``, waits for a line, then sends messages
0, 1, 2 ... of :class:`~tests.bench.mqtt_load.Schedule` when they are due by the monotonic clock, with at most
``--window`` unacknowledged, until all are sent or SIGTERM says that it is enough. After a lost connection what is not
acknowledged is sent again. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.bench.measure import ROOT
from tests.bench.mqtt_load import IDS, LIMIT, TOPICS, Packets, Schedule, metadata, packet, text

CONNECT, CONNACK, PUBACK, RETAINED = 0x10, 0x20, 0x40, 0x33
TICK_S, RETRY_S, SILENCE_S = 0.004, 0.05, 5.0
BURST = 1000  # messages in a stretch
LIVE = struct.Struct("<4q")  # sent, acknowledged, connections, monotonic ns


@dataclass
class Told:
    """What the publisher says at its end. Messages below ``acked`` are all acknowledged; times in s."""

    topics: int
    start_ms: int
    rate: float
    sent: int = 0
    acked: int = 0
    connections: int = 0
    repeated: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    late_s: float = 0.0  # longest delay of a message behind its schedule when it was sent first
    drained: bool = False


class GoneError(Exception):
    """The connection is lost."""


class Link:
    """A connection: connected, written whole, acknowledgements read as they lie there."""

    def __init__(self, port: int, client: str, timeout_s: float = 5.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = (text("MQTT"), b"\x04\x02\0\0", text(client))  # clean session, no keep-alive
        try:
            self._socket.sendall(packet(CONNECT, *body))
            answer = self._socket.recv(4)
        except OSError as error:
            raise GoneError from error
        if answer != bytes([CONNACK, 2, 0, 0]):
            raise GoneError
        self._socket.setblocking(False)
        self._rest = b""

    def send(self, data: memoryview | bytes) -> None:
        """Write all; raises ``GoneError`` where nothing can be written for some seconds."""
        view, sent = memoryview(data), 0
        while sent < len(view):
            try:
                sent += self._socket.send(view[sent:])
            except BlockingIOError:
                if not select.select([], [self._socket], [], SILENCE_S)[1]:
                    raise GoneError from None
            except OSError as error:
                raise GoneError from error

    def acks(self, wait_s: float = 0.0) -> np.ndarray:
        """Packet ids acknowledged since, in their order."""
        if wait_s > 0.0:
            select.select([self._socket], [], [], wait_s)
        read = [self._rest]
        try:
            while block := self._socket.recv(1 << 16):
                read.append(block)
            raise GoneError
        except BlockingIOError:
            pass
        except OSError as error:
            raise GoneError from error
        data = b"".join(read)
        whole = len(data) // 4 * 4
        self._rest = data[whole:]
        found = np.frombuffer(data[:whole], np.uint8).reshape(-1, 4).astype(np.int64)
        if len(found) and not ((found[:, 0] == PUBACK) & (found[:, 1] == 2)).all():
            raise RuntimeError(f"publisher: expected acknowledgements, found {data[:16]!r}")
        return found[:, 2] << 8 | found[:, 3]

    def close(self) -> None:
        """Leave without a word, or politely where it still works."""
        self._socket.close()


class Publisher:
    """Sends messages of ``topics`` topics at ``rate`` a second; ``told`` grows as it goes."""

    def __init__(self, port: int, client: str, topics: int, rate: float, window: int, live: mmap.mmap) -> None:
        self._port, self._client, self._window, self._live = port, client, window, live
        self._packets = Packets(topics)
        self._schedule = Schedule(0, rate)
        self.told = Told(topics, 0, rate)
        self._next = 0  # of this connection
        self._early: set[int] = set()
        self._heard = 0.0
        self._parent = os.getppid()
        self._link: Link | None = None
        self.enough = False  # set by a signal: nothing new is sent

    def _connected(self) -> Link:
        """The connection, made when there is none: then the oldest message without acknowledgement is next."""
        if self._link is None:
            self._link = Link(self._port, self._client)
            self.told.connections += 1
            self._next = self.told.acked
            self._early.clear()
            self._heard = time.monotonic()
        return self._link

    def teach(self) -> None:
        """Metadata of all topics, retained; returns when the broker has them."""
        link, wanted = self._connected(), 0
        for n, (topic, about) in enumerate(metadata(self.told.topics)):
            link.send(packet(RETAINED, text(topic), (n % IDS + 1).to_bytes(2, "big"), about))
            wanted += 1
            if n % 100 == 99:
                wanted -= len(link.acks())
        deadline = time.monotonic() + 30.0
        while wanted > 0:
            if time.monotonic() > deadline:
                raise RuntimeError("publisher: the metadata were not acknowledged")
            wanted -= len(link.acks(0.1))

    def run(self, messages: int, patience_s: float) -> None:
        """Send so many messages; waits ``patience_s`` after the last one was due for what is not acknowledged."""
        told, began, used = self.told, time.monotonic(), time.process_time()
        told.start_ms = time.time_ns() // 1_000_000
        self._schedule = Schedule(told.start_ms, told.rate)
        end = began + messages / told.rate + patience_s
        while told.acked < messages and time.monotonic() < end and os.getppid() == self._parent:
            if self.enough and messages > told.sent:
                messages, end = told.sent, time.monotonic() + patience_s
                continue
            try:
                self._step(self._connected(), messages, began)
            except (GoneError, OSError):
                if self._link is not None:
                    self._link.close()
                self._link = None
                time.sleep(RETRY_S)
            LIVE.pack_into(self._live, 0, told.sent, told.acked, told.connections, time.monotonic_ns())
        told.drained = told.acked >= messages
        told.wall_s = time.monotonic() - began
        told.cpu_s = time.process_time() - used

    def _step(self, link: Link, messages: int, began: float) -> None:
        """Send what is due, read what came, sleep until the next tick."""
        told, now = self.told, time.monotonic()
        due = min(messages, int((now - began) * told.rate) + 1)
        last = max(self._next, min(due, told.acked + self._window, self._next + BURST))
        known = min(last, told.sent)  # what comes before it was sent before
        if self._next < known:
            told.repeated += known - self._next
            link.send(self._packets.between(self._schedule, self._next, known, again=True).data.cast("B"))
        fresh = max(self._next, known)
        if fresh < last:
            told.late_s = max(told.late_s, now - began - fresh / told.rate)
            link.send(self._packets.between(self._schedule, fresh, last).data.cast("B"))
        self._next = last
        told.sent = max(told.sent, last)
        acks = link.acks()
        if len(acks) or self._next == told.acked:
            self._heard = now
        elif now > self._heard + SILENCE_S:
            raise GoneError
        self._take(acks)
        if last == due or told.acked + self._window <= last:
            time.sleep(TICK_S)

    def _take(self, ids: np.ndarray) -> None:
        """Advance over acknowledged messages; they come in order as a rule, and then nothing is looked up."""
        told = self.told
        if len(ids) == 0:
            return
        if not self._early and (ids == np.arange(told.acked, told.acked + len(ids)) % IDS + 1).all():
            told.acked += len(ids)
            return
        for found in ids.tolist():
            self._early.add(told.acked + (found - 1 - told.acked) % IDS)
            while told.acked in self._early:
                self._early.remove(told.acked)
                told.acked += 1


@dataclass
class Child:
    """A publisher in a process of its own, ready to go; a context manager that ends it."""

    process: subprocess.Popen[str]
    live: mmap.mmap

    @classmethod
    def start(cls, port: int, folder: Path, messages: int, rate: float, *options: str, module: str = __name__) -> Child:
        """Start it and wait until the metadata are with the broker; ``module``: a publisher of another load."""
        file = folder / "publisher.live"
        file.write_bytes(bytes(LIVE.size))
        with file.open("r+b") as opened:
            live = mmap.mmap(opened.fileno(), LIVE.size)
        how = [str(port), "--messages", str(messages), "--rate", str(rate), "--live", str(file), *options]
        process = subprocess.Popen(
            [sys.executable, "-m", module, *how],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            process.kill()
            raise RuntimeError(f"publisher: ended with {process.wait()} before it was ready")
        return cls(process, live)

    def go(self) -> None:
        """Message 0 is due now."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def so_far(self) -> tuple[int, int, int]:
        """Messages sent, messages acknowledged, connections made."""
        sent, acked, connections, _ = LIVE.unpack_from(self.live)
        return sent, acked, connections

    def enough(self) -> None:
        """Nothing new is to be sent."""
        self.process.terminate()

    def told(self, timeout_s: float) -> Told:
        """Wait for its end and take what it says."""
        out, _ = self.process.communicate(timeout=timeout_s)
        if self.process.returncode:
            raise RuntimeError(f"publisher: ended with {self.process.returncode}")
        return Told(**json.loads(out))

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def main(arguments: list[str] | None = None) -> int:
    """Publish as asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mqtt_publisher", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="messages a second")
    parser.add_argument("--live", type=Path, required=True, help="file of 32 bytes that shows how far it is")
    parser.add_argument("--topics", type=int, default=TOPICS)
    parser.add_argument("--window", type=int, default=20_000, help="messages without acknowledgement")
    parser.add_argument("--patience", type=float, default=30.0, metavar="S")
    parser.add_argument("--client", default="halltwin-load")
    asked = parser.parse_args(arguments)
    if not 0 < asked.messages < LIMIT or not 0 < asked.window < IDS:
        parser.error(f"expected messages below {LIMIT} and a window below {IDS}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    with asked.live.open("r+b") as opened, mmap.mmap(opened.fileno(), LIVE.size) as live:
        made = Publisher(asked.port, asked.client, asked.topics, asked.rate, asked.window, live)
        made.teach()

        def stop(*_: object) -> None:
            made.enough = True

        signal.signal(signal.SIGTERM, stop)
        print("ready", flush=True)
        if not sys.stdin.readline():
            return 1
        made.run(asked.messages, asked.patience)
    print(json.dumps(asdict(made.told)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
