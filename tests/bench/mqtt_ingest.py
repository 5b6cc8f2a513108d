"""``python -m tests.bench.mqtt_ingest ADDRESS FOLDER``: what ``twin record`` runs, watched, in a process of its own.

Its recorder has a meter on it: when a message is durable, how long after it was due,
how much memory there is. Says ``ready`` when it is subscribed. A line of input changes its world: ``slow S`` lets every
commit take S seconds longer, ``jump S`` sets its clock forward; ``stop`` or the end of input ends it in good order, and
it prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import resource
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from telemetry.address import Login, parse_address
from telemetry.clock import NS, WallClock
from telemetry.decode import make
from telemetry.ingest.run import Run, Wish
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording.write import Recorder
from tests.bench import mqtt_load, sparkplug_load
from tests.bench.measure import ROOT

LIVE = struct.Struct("<4q")  # newest durable message, durable messages of this process, resident bytes, commits
CLIENT = "halltwin-bench"
EVERY = 8  # of so many messages one is timed
MOST_MS = 120_000
MB = 1 << 20
LOADS = {"dsx": mqtt_load, "sparkplug": sparkplug_load}


def resident() -> int:
    """Resident memory of this process, bytes; its peak where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class SetClock(WallClock):
    """The wall's clock as somebody sets it: ``ahead_ns`` further."""

    ahead_ns = 0

    def now_ns(self) -> int:
        """Present instant."""
        return time.time_ns() + self.ahead_ns


class Meter:
    """A recorder with the delay from the moment a message was due until it is durable; ``slow_s`` more a commit.

    ``resident``, ``most``: memory of the process, bytes, looked at four times a second.
    """

    def __init__(self, recorder: Recorder, live: mmap.mmap, dialect: str) -> None:
        self._recorder, self._live = recorder, live
        self._number_of, self._due_ms = LOADS[dialect].number_of, LOADS[dialect].due_ms
        self.slow_s = 0.0
        self.delays_ms = [0] * MOST_MS  # how many were so late
        self.durable = self.commits = self.failures = 0
        self._due: list[int | None] = []
        self._taken, self._newest = 0, -1
        self.resident = self.most = resident()
        self._looked = 0.0

    def add(self, messages: Sequence[Message]) -> None:
        """Take messages."""
        self._recorder.add(messages)
        self._taken += len(messages)
        self._due += [self._due_ms(message.payload) for message in messages[::EVERY]]
        for message in reversed(messages):
            number = self._number_of(message.payload)
            if number is not None:
                self._newest = max(self._newest, number)
                break

    def mark(self, mark: Mark) -> None:
        """Take an event."""
        self._recorder.mark(mark)

    def commit(self) -> None:
        """Make durable what was taken."""
        if self.slow_s:
            time.sleep(self.slow_s)
        try:
            self._recorder.commit()
        except OSError:
            self.failures += 1
            raise
        now = time.time_ns() // 1_000_000
        for due in self._due:
            if due is not None:
                self.delays_ms[min(MOST_MS - 1, max(0, now - due))] += 1
        self._due.clear()
        self.commits, self.durable, self._taken = self.commits + 1, self.durable + self._taken, 0
        if time.monotonic() > self._looked + 0.25:
            self._looked, self.resident = time.monotonic(), resident()
            self.most = max(self.most, self.resident)
        LIVE.pack_into(self._live, 0, self._newest, self.durable, self.resident, self.commits)


@dataclass
class Told:
    """What the ingest says at its end; delays in s, by the clock of the machine that publisher and ingest share."""

    durable: int
    commits: int
    failures: int
    cpu_s: float
    peak_mb: float
    p50_s: float
    p99_s: float
    worst_s: float
    digest: str
    run: dict[str, Any]  # what ``twin record`` tells


def quantile(delays_ms: Sequence[int], share: float) -> float:
    """Delay in s that ``share`` of the messages keep."""
    left = share * sum(delays_ms)
    for delay, count in enumerate(delays_ms):
        left -= count
        if count and left <= 0.0:
            return delay / 1000.0
    return 0.0


@dataclass
class Child:
    """An ingest in a process of its own; a context manager that ends it."""

    process: subprocess.Popen[str]
    live: mmap.mmap

    @classmethod
    def start(cls, address: str, recording: Path, *options: str, timeout_s: float = 30.0) -> Child:
        """Start it and wait until it is subscribed."""
        file = recording.parent / f"{recording.name}.live"
        file.write_bytes(bytes(LIVE.size))
        with file.open("r+b") as opened:
            live = mmap.mmap(opened.fileno(), LIVE.size)
        command = [sys.executable, "-m", "tests.bench.mqtt_ingest", address, str(recording), "--live", str(file)]
        process = subprocess.Popen(
            [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        child = cls(process, live)
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            process.kill()
            raise RuntimeError(f"ingest: ended with {process.wait(timeout_s)} before it was ready")
        return child

    def tell(self, words: str) -> None:
        """Change its world."""
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def so_far(self) -> tuple[int, int, float]:
        """Newest durable message (-1: none), durable messages of this process, resident MB."""
        newest, durable, size, commits = LIVE.unpack_from(self.live)
        return (newest if commits else -1), durable, size / MB

    def durable_when_quiet(self, quiet_s: float = 1.0) -> int:
        """Durable messages of this process, as soon as none was added for a while."""
        count, since = -1, time.monotonic()
        while time.monotonic() < since + quiet_s:
            if self.so_far()[1] != count:
                count, since = self.so_far()[1], time.monotonic()
            time.sleep(0.05)
        return count

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self, timeout_s: float = 60.0) -> Told:
        """End it in good order and take what it says."""
        out, _ = self.process.communicate("stop\n", timeout=timeout_s)
        if self.process.returncode:
            raise RuntimeError(f"ingest: ended with {self.process.returncode}")
        return Told(**json.loads(out))

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def obey(meter: Meter, clock: SetClock, stop: threading.Event) -> None:
    """Do what the lines of input say, until one says stop or there are no more."""
    for line in sys.stdin:
        order, _, amount = line.strip().partition(" ")
        if order == "slow":
            meter.slow_s = float(amount)
        elif order == "jump":
            clock.ahead_ns = int(float(amount) * NS)
        else:
            break
    stop.set()


def main(arguments: list[str] | None = None) -> int:
    """Record until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mqtt_ingest", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--live", type=Path, required=True, help="file of 32 bytes that shows how far it is")
    parser.add_argument("--dialect", choices=LOADS, default="dsx")
    asked = parser.parse_args(arguments)
    clock, stop, began_s, dialect = SetClock(), threading.Event(), -1.0, asked.dialect
    wish = Wish(parse_address(asked.address), Login(), make(dialect), dialect, asked.folder, client_id=CLIENT)
    recording = Run(wish, lambda words: print(f"ingest: {words}", file=sys.stderr), clock)

    def show(run: Run) -> None:
        nonlocal began_s
        if began_s < 0.0 and run.ingest.listener.counters.reads > 1:  # the answers to CONNECT and SUBSCRIBE
            began_s = time.process_time()
            print("ready", flush=True)

    with asked.live.open("r+b") as opened, mmap.mmap(opened.fileno(), LIVE.size) as live:
        meter = Meter(recording.recorder, live, dialect)
        recording.pipeline.recorder = meter
        threading.Thread(target=obey, args=(meter, clock, stop), daemon=True).start()
        recording.go(stop, None, show)
        print(json.dumps(asdict(told(meter, recording, time.process_time() - began_s))))
    return 0


def told(meter: Meter, recording: Run, cpu_s: float) -> Told:
    """What there is to say at the end; ``cpu_s`` was used since it listened."""
    state = recording.pipeline.state
    return Told(
        durable=meter.durable,
        commits=meter.commits,
        failures=meter.failures,
        cpu_s=cpu_s,
        peak_mb=meter.most / MB,  # not what the kernel says: a process begins with the peak of who started it
        p50_s=quantile(meter.delays_ms, 0.5),
        p99_s=quantile(meter.delays_ms, 0.99),
        worst_s=quantile(meter.delays_ms, 1.0),
        digest=state.digest(),
        run=recording.told(),
    )


if __name__ == "__main__":
    raise SystemExit(main())
