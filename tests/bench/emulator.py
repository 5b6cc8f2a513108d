"""Case ``emulator``: ``twin emulate`` of a whole campus on Mosquitto, by the clock and as fast as it goes."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from telemetry.address import ANONYMOUS, parse_address
from telemetry.brokers import start
from telemetry.emulate.play import Played, ToBroker, play
from telemetry.emulate.virtual import Virtual, Wanted, virtual
from telemetry.link.listener import Publisher
from tests.bench.measure import Row, child
from tests.bench.process import CLI

SITE, NOON = "prairie-750", "2029-07-01T12:00"
SMALL = "zone-4a-tower"
BAR = 5_000.0
RUN_S, QUICK_RUN_S = 60.0, 15.0
FLAT_OUT_S = 10.0
WINDOW = 5_000


def run(quick: bool, full: bool) -> list[Row]:
    """Rates of one process, the engine in it, with nobody else on the broker."""
    del full
    lasting_s = QUICK_RUN_S if quick else RUN_S
    rows = []
    with tempfile.TemporaryDirectory() as folder, start("mosquitto", Path(folder)) as broker:
        asked = (SITE, "--at", NOON, "--for", f"{lasting_s}s", "--broker", broker.address, "--json")
        cost = child(CLI, "emulate", *asked)
        told = json.loads(cost.stdout)
        rate = told["messages"] / (told["lasted_s"] + told["late_s"])
        about = f"{told['points']:,} points, {told['late_s']:.2f} s late at the end, {cost.peak_mb:,.0f} MiB"
        rows.append(Row("emulator", f"{SITE} by the clock, QoS 0", rate, " msg/s", BAR, False, about))
        rows.append(_flat(quick))
        for qos, racks in ((0, "9999"), (1, "2000")):
            done = json.loads(child("tests.bench.emulator", broker.address, str(qos), racks).stdout)
            about = f"{done['us']:.1f} us of CPU a message"
            work = f"{done['racks']:,} racks, as fast as it goes, QoS {qos}"
            rows.append(Row("emulator", work, done["rate"], " msg/s", BAR, False, about))
    return rows


def _flat(quick: bool) -> Row:
    """Peak memory of a long recording to that of a short one."""
    lengths, peaks, messages = ("10min", "1h" if quick else "6h"), list[float](), 0
    for length in lengths:
        with tempfile.TemporaryDirectory() as folder:
            asked = (SMALL, "--for", length, "--out", str(Path(folder, "recording")), "--json")
            cost = child(CLI, "emulate", *asked)
            peaks.append(cost.peak_mb)
            messages = json.loads(cost.stdout)["messages"]
    about = f"{peaks[0]:,.0f} and {peaks[1]:,.0f} MiB, {messages:,} messages"
    return Row(
        "emulator", f"peak memory of {lengths[1]} to that of {lengths[0]}", peaks[1] / peaks[0], "", 1.1, True, about
    )


def flat_out(address: str, qos: int, racks: str) -> dict[str, float]:
    """Messages a second of ten seconds of messages, sent without a clock, all of them out at the end."""
    made = virtual(Wanted(SITE, at=NOON, lasting_s=FLAT_OUT_S + 2.0, racks=racks))
    publisher = Publisher(parse_address(address), ANONYMOUS, f"bench-{os.getpid()}", window=WINDOW)
    publisher.connect()
    begin, cpu = time.perf_counter(), time.process_time()
    played = _play(made, publisher, qos)
    out = publisher.flush(60.0)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    publisher.close()
    made.close()
    if not out or publisher.lost:
        raise RuntimeError(f"{publisher.lost} messages were not sent")
    powers = sum(spec.point == "RackPower" for spec in made.layout.specs)
    return {"rate": played.messages / wall, "us": 1e6 * cpu / played.messages, "racks": powers}


def _play(made: Virtual, publisher: Publisher, qos: int) -> Played:
    stop = threading.Event()
    return play(made.stream(time.time_ns()), ToBroker(publisher, qos), stop, clock=None, lasting_s=FLAT_OUT_S)


if __name__ == "__main__":
    print(json.dumps(flat_out(sys.argv[1], int(sys.argv[2]), sys.argv[3])))


__all__ = ["run"]
