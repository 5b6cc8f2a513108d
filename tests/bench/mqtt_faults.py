"""Case ``mqtt-faults``: what is killed, cut, filled and set wrong while messages come, and what the recording holds.

Every message has a number, so that nothing is estimated: lost are those that the broker acknowledged to the publisher
and the recording does not hold. Copies are allowed on the wire and in the recording (QoS 1); the state has to see
through them. What a killed broker loses (it writes its state once a second) has to lie in a gap that is recorded.
"""

from __future__ import annotations

import random
import resource
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from telemetry.brokers import Running, start
from telemetry.clock import WallClock
from telemetry.decode import make
from telemetry.mark import Mark
from telemetry.pipeline import Pipeline
from telemetry.recording.read import open_recording
from tests.bench import mqtt_ingest, mqtt_publisher
from tests.bench.measure import Row
from tests.bench.mqtt_load import LIMIT, number_of, packet, text
from tests.bench.mqtt_readback import Readback, read_back
from tests.bench.mqtt_run import settled
from tests.telemetry.proxy import Proxy

RATE, FLOOD_RATE = 2_000.0, 60_000.0
SHARE_LOST = 1e-3  # of a killed broker that saves every two seconds
SAVES_S = 1.0  # so much may be lost with each kill of both: what came since, nobody has
SLACK_MS = 1_000  # a stamp is the moment at which a message was due; it is sent and received a little later
PEAK_MB = 150.0
SEED = 6


@dataclass
class Scene:
    """Broker, publisher and ingest; faults are done to it while messages come."""

    folder: Path
    broker: Running
    between: Proxy  # of the ingest and the broker
    publisher: mqtt_publisher.Child
    ingest: mqtt_ingest.Child
    address: str
    stack: ExitStack
    unreadable: int = 0

    @property
    def recording(self) -> Path:
        """Folder of the recording."""
        return self.folder / "recording"

    def again(self) -> None:
        """Start the ingest anew on the same recording."""
        self.ingest = self.stack.enter_context(mqtt_ingest.Child.start(self.address, self.recording))

    def look(self) -> None:
        """Read the newest file as it lies there after a kill: what was durable has to be in it."""
        newest, _, _ = self.ingest.so_far()
        path = max(self.recording.glob("*.mcap"), key=lambda file: file.stat().st_mtime_ns)
        numbers = [number_of(message.payload) for message in open_recording(path).messages()]
        self.unreadable += max((number for number in numbers if number is not None), default=-1) < newest


@dataclass(frozen=True)
class Outcome:
    """What was left. ``applied``: readings that the state took from the recording, each message once."""

    published: mqtt_publisher.Told
    ingested: mqtt_ingest.Told
    readback: Readback
    marks: list[Mark]
    applied: int
    unreadable: int

    def sins(self) -> list[str]:
        """What no fault may do, in words."""
        found = {
            "messages changed": self.readback.wrong,
            "recordings not readable": self.unreadable,
            "readings applied twice or not at all": abs(self.applied - self.readback.distinct),
            "messages lost without a word": len(self.untold()),
            "messages never acknowledged": self.published.sent - self.published.acked,
        }
        return [f"{count} {what}" for what, count in found.items() if count]

    @property
    def lost(self) -> list[int]:
        """Numbers of the messages that are lost."""
        return self.readback.lost(self.published)

    def untold(self) -> list[int]:
        """Lost messages whose time is in no outage of the recording: from the last word of the broker to the next."""
        outages = [(m.from_ns, m.at_ns) for m in self.marks if m.what == "connected" and m.from_ns]
        gaps = [(first // 10**6 - SLACK_MS, last // 10**6) for first, last in outages]
        told = self.published
        stamps = [(number, told.start_ms + int(number * 1000.0 / told.rate)) for number in self.lost]
        return [number for number, stamp in stamps if not any(first <= stamp <= last for first, last in gaps)]


def moving(scene: Scene, more: int = 200, within_s: float = 90.0) -> None:
    """Wait until further messages are durable."""
    begin, end = scene.ingest.so_far()[1], time.monotonic() + within_s
    while scene.ingest.so_far()[1] < begin + more:
        if time.monotonic() > end:
            raise RuntimeError(f"ingest: no more messages within {within_s:g} s")
        time.sleep(0.05)


def caught_up(scene: Scene, within_s: float = 120.0) -> None:
    """Wait until what is acknowledged to the publisher is durable but for the last tenth of a second."""
    end = time.monotonic() + within_s
    while scene.publisher.so_far()[1] - scene.ingest.so_far()[0] > RATE / 10:
        if time.monotonic() > end:
            raise RuntimeError(f"ingest: still behind after {within_s:g} s")
        time.sleep(0.02)


def play(fault: Callable[[Scene], None], rate: float = RATE) -> Outcome:
    """Publish, do ``fault`` meanwhile, and see what the recording holds."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        broker = stack.enter_context(start("mosquitto", folder / "broker"))
        between = stack.enter_context(Proxy(broker.port))
        address = f"mqtt://127.0.0.1:{between.port}" if fault is partition else broker.address
        ingest = stack.enter_context(mqtt_ingest.Child.start(address, folder / "recording"))
        publisher = stack.enter_context(mqtt_publisher.Child.start(broker.port, folder, LIMIT - 1, rate))
        scene = Scene(folder, broker, between, publisher, ingest, address, stack)
        publisher.go()
        moving(scene)
        fault(scene)
        moving(scene)
        publisher.enough()
        published = publisher.told(120.0)
        settled(scene.ingest, published)
        ingested = scene.ingest.stop()
        found = open_recording(scene.recording)
        readback = read_back(found.messages(), published)
        pipeline = Pipeline(make("dsx"), WallClock())
        pipeline.take(list(found.messages()))
        applied = pipeline.state.counts.applied
        return Outcome(published, ingested, readback, found.marks(), applied, scene.unreadable)


def killed(kills: int, *what: str) -> Callable[[Scene], None]:
    """Kill -9 of the ingest, the broker or both, at random times while messages come.

    The broker alone only when the ingest keeps up: of what it has not delivered yet the last second is always lost,
    and the kills of both show that.
    """
    chance = random.Random(SEED)

    def fault(scene: Scene) -> None:
        for _ in range(kills):
            moving(scene, 1)
            time.sleep(2.0 * chance.random())
            if what == ("broker",):
                caught_up(scene)
            if "broker" in what:
                scene.broker.kill()
            if "ingest" in what:
                scene.ingest.kill()
                scene.look()
            if "broker" in what:
                scene.broker.restart()
            if "ingest" in what:
                scene.again()

    return fault


def slow_disk(scene: Scene) -> None:
    """Every commit takes half a second longer, for ten seconds."""
    scene.ingest.tell("slow 0.5")
    time.sleep(10.0)
    scene.ingest.tell("slow 0")


def full_disk(scene: Scene) -> None:
    """The file of the recording may not grow for five seconds: the system writes a part of a chunk, then refuses."""
    size = sum(path.stat().st_size for path in scene.recording.iterdir())
    pid = scene.ingest.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 10_000, most))
    time.sleep(5.0)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


def clock_jump(scene: Scene) -> None:
    """Our clock is set an hour forward, and back."""
    for ahead in (3600, 0):
        scene.ingest.tell(f"jump {ahead}")
        time.sleep(3.0)
        moving(scene)


def flood(scene: Scene) -> None:
    """Nothing but what comes: more than can be taken."""
    moving(scene, 300_000)


def same_id(scene: Scene) -> None:
    """Somebody connects with the id of the ingest, five times, and stays for a while."""
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", scene.broker.port)) as other:
            other.sendall(packet(0x10, text("MQTT"), b"\x04\x00\0\x3c", text(mqtt_ingest.CLIENT)))
            other.recv(4)
            time.sleep(0.2)
        moving(scene)


def partition(scene: Scene) -> None:
    """For twenty seconds nothing goes between ingest and broker, and nobody is told."""
    scene.between.black_hole()
    time.sleep(20.0)
    scene.between.heal()


@dataclass(frozen=True)
class Case:
    """A fault. ``share`` of the acknowledged messages may be lost, or those of a second for each of ``kills``.

    Each lost one has to lie in an outage that is recorded.
    """

    name: str
    work: str
    fault: Callable[[Scene], None]
    rate: float = RATE
    share: float = 0.0
    kills: int = 0

    def row(self, lost: int, acked: int) -> Row:
        """What is lost, next to what may be."""
        work = f"{self.work}: lost"
        if self.share:
            return Row(self.name, work, 100.0 * lost / acked, " %", 100.0 * self.share, True, f"{lost} of {acked:,}")
        if self.kills:
            each = lost / self.rate / self.kills
            return Row(self.name, f"{work}, each", each, " s", SAVES_S, True, f"{lost} of {acked:,}")
        return Row(self.name, work, lost, "", 0, True, f"of {acked:,} at {self.rate:,.0f}/s")


def cases(quick: bool) -> list[Case]:
    """All faults; the killed ones less often when ``quick``."""
    most = 4 if quick else 1
    ingest, broker, both = 20 // most, 10 // most, 8 // most
    limited = [Case("full disk", "5 s", full_disk)] if hasattr(resource, "prlimit") else []  # Linux has it
    return [
        Case("kill -9 ingest", f"{ingest} times at random", killed(ingest, "ingest")),
        Case("kill -9 broker", f"{broker} times, saves every two seconds", killed(broker, "broker"), share=SHARE_LOST),
        Case("kill -9 both", f"{both} times together", killed(both, "broker", "ingest"), kills=both),
        Case("partition", "20 s between ingest and broker", partition),
        Case("slow disk", "0.5 s more a commit, for 10 s", slow_disk),
        *limited,
        Case("clock jump", "an hour forward and back", clock_jump),
        Case("second client", "five times with the id of the ingest", same_id),
        Case("flood", f"{FLOOD_RATE:,.0f}/s offered", flood, FLOOD_RATE),
    ]


def run(quick: bool, full: bool) -> list[Row]:
    """All faults one after the other: what is lost of each, and what none of them may do."""
    del full
    rows, sins, copies, peak_mb = list[Row](), list[str](), 0, 0.0
    for case in cases(quick):
        out = play(case.fault, case.rate)
        rows.append(case.row(len(out.lost), out.published.acked))
        sins += [f"{case.name}: {words}" for words in out.sins()]
        copies += out.readback.extra
        peak_mb = max(peak_mb, out.ingested.peak_mb)
    seen = ", ".join(sins) or f"{copies:,} copies of the wire all seen through"
    rows.append(Row("faults", "changed, unreadable, doubled, lost untold", len(sins), "", 0, True, seen))
    rows.append(Row("faults", "most memory of an ingest", peak_mb, " MB", PEAK_MB, True))
    return rows


__all__ = ["Outcome", "Scene", "killed", "play", "run"]
