"""``python -m tests.bench.sparkplug_publisher PORT``: edge nodes of ready-made packets in a process of its own.

Sends the births, says ``ready``, waits for a line, then sends messages 0, 1, 2 ... of
:class:`~tests.bench.sparkplug_load.Packets` when they are due by the monotonic clock. QoS 0, as Sparkplug has it:
nothing is acknowledged or sent again. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.bench.mqtt_load import LIMIT, Schedule, packet, text
from tests.bench.mqtt_publisher import LIVE, Link, Told
from tests.bench.sparkplug_load import NODES, PUBLISH, Packets, births

TICK_S, BURST = 0.004, 200


def publish(link: Link, messages: int, rate: float, live: mmap.mmap) -> Told:
    """Send so many messages; ends early where the parent does."""
    packets, parent = Packets(), os.getppid()
    print("ready", flush=True)
    told = Told(NODES, 0, rate, connections=1)
    if not sys.stdin.readline():
        return told
    began, used = time.monotonic(), time.process_time()
    told.start_ms = time.time_ns() // 1_000_000
    schedule = Schedule(told.start_ms, rate)
    while told.sent < messages and os.getppid() == parent:
        now = time.monotonic()
        due = min(messages, int((now - began) * rate) + 1)
        last = min(due, told.sent + BURST)
        if told.sent < last:
            told.late_s = max(told.late_s, now - began - told.sent / rate)
            link.send(packets.between(schedule, told.sent, last).data.cast("B"))
            told.sent = told.acked = last
            LIVE.pack_into(live, 0, last, last, 1, time.monotonic_ns())
        if last == due:
            time.sleep(TICK_S)
    told.drained = told.sent == messages
    told.wall_s, told.cpu_s = time.monotonic() - began, time.process_time() - used
    return told


def main(arguments: list[str] | None = None) -> int:
    """Publish as asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sparkplug_publisher", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True, help="messages a second")
    parser.add_argument("--live", type=Path, required=True, help="file of 32 bytes that shows how far it is")
    asked = parser.parse_args(arguments)
    if not 0 < asked.messages < LIMIT:
        parser.error(f"expected messages below {LIMIT}")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it
    with asked.live.open("r+b") as opened, mmap.mmap(opened.fileno(), LIVE.size) as live:
        link = Link(asked.port, "halltwin-edges")
        for topic, payload in births():
            link.send(packet(PUBLISH, text(topic), payload))
        told = publish(link, asked.messages, asked.rate, live)
        link.close()
    print(json.dumps(asdict(told)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
