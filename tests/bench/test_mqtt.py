"""The load of the MQTT cases in small: what is sent is what was said, also after a lost connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from telemetry.message import Message
from tests.bench.mqtt_ingest import quantile
from tests.bench.mqtt_load import DUPLICATE, PUBLISH, Schedule, metadata, number_of, value_topics
from tests.bench.mqtt_publisher import CONNACK, PUBACK, RETAINED, Child, Told
from tests.bench.mqtt_readback import read_back
from tests.bench.mqtt_run import go
from tests.bench.mqtt_sparkplug import SPARKPLUG
from tests.bench.mqtt_sparkplug import read_back as read_back_sparkplug
from tests.bench.sparkplug_load import METRICS, NODES, Packets, births, due_ms, topics
from tests.bench.sparkplug_load import number_of as number_of_sparkplug

TOPICS, MESSAGES, RATE = 20, 600, 3000.0


def packets(stream: socket.socket) -> Iterator[tuple[int, bytes]]:
    """First byte and body of each packet, until the other side leaves."""
    with stream.makefile("rb") as file:
        while first := file.read(1):
            length, shift = 0, 0
            while True:
                byte = file.read(1)[0]
                length |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            yield first[0], file.read(length)


class Counter:
    """Takes publishers one after the other, acknowledges; leaves the first one after ``until`` values."""

    def __init__(self, until: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.until, self.seen = until, list[tuple[int, str, bytes]]()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        for left in (self.until, 10 * MESSAGES):
            stream, _ = self.listener.accept()
            with stream:
                self._talk(stream, left)
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(65_536):  # closed with bytes unread it is reset, and acknowledgements are lost
                    pass

    def _talk(self, stream: socket.socket, left: int) -> None:
        for kind, body in packets(stream):
            if kind not in {PUBLISH, DUPLICATE, RETAINED}:
                stream.sendall(bytes([CONNACK, 2, 0, 0]))
                continue
            at = 2 + int.from_bytes(body[:2], "big")
            self.seen.append((kind, body[2:at].decode(), body[at + 2 :]))
            left -= kind != RETAINED
            if left < 0:
                return
            if kind == RETAINED or left >= 50:  # the last ones stay without acknowledgement
                stream.sendall(bytes([PUBACK, 2]) + body[at : at + 2])


def test_a_publisher_sends_its_schedule_and_after_a_lost_connection_what_was_not_acknowledged(tmp_path: Path):
    broker = Counter(until=300)
    options = ("--topics", str(TOPICS), "--window", "200", "--patience", "10")
    with Child.start(broker.port, tmp_path, MESSAGES, RATE, *options) as publisher:
        publisher.go()
        told = publisher.told(30.0)
        assert publisher.so_far() == (MESSAGES, MESSAGES, 2)
    broker.listener.close()
    assert told.drained
    assert 50 <= told.repeated <= 200
    values = [(kind, topic, payload) for kind, topic, payload in broker.seen if kind != RETAINED]
    schedule, topics = Schedule(told.start_ms, RATE), value_topics(TOPICS)
    numbers = [number_of(payload) for _, _, payload in values]
    assert numbers == [*range(301), *range(250, MESSAGES)][: len(numbers)]
    assert all(
        topic == topics[n % TOPICS] and payload == schedule.payload(n)
        for n, (_, topic, payload) in zip(numbers, values, strict=True)
        if n is not None
    )
    assert {kind for kind, _, _ in values[:301]} == {PUBLISH}
    assert [kind for kind, _, _ in values[301:]].count(DUPLICATE) == told.repeated
    assert [(topic, payload) for kind, topic, payload in broker.seen if kind == RETAINED] == metadata(TOPICS)


def test_what_is_lost_changed_doubled_or_out_of_order_is_seen_in_a_recording():
    told = Told(TOPICS, start_ms=1_743_620_423_000, rate=RATE, sent=100, acked=90)
    schedule, topics = Schedule(told.start_ms, RATE), value_topics(TOPICS)
    sent = [Message(topics[n % TOPICS], schedule.payload(n), 0) for n in range(100)]
    about = [Message(topic, payload, 0) for topic, payload in metadata(TOPICS)]
    whole = read_back(about + sent, told)
    assert (whole.lost(told), whole.wrong, whole.extra, whole.metadata, whole.distinct) == ([], 0, 0, TOPICS, 100)
    changed = Message(topics[3], schedule.payload(3).replace(b"21.", b"22."), 0)
    elsewhere = Message(topics[5], schedule.payload(4), 0)
    # 95 was not acknowledged: its loss is the publisher's to mend.
    found = read_back([*about[1:], *sent[:3], changed, elsewhere, *sent[5:95], sent[2], *sent[96:]], told)
    assert (found.lost(told), found.wrong, found.extra, found.backward, found.metadata) == ([3, 4], 2, 1, 1, TOPICS - 1)


def test_a_delay_that_99_of_100_keep_is_not_that_of_the_last():
    delays = [0] * 50
    delays[10], delays[40] = 99, 1
    assert [quantile(delays, share) for share in (0.5, 0.99, 1.0)] == [0.01, 0.01, 0.04]
    assert quantile([0, 0], 0.99) == 0.0


def test_all_that_a_broker_acknowledged_is_in_the_recording_with_everything_on(tmp_path: Path):
    ran = go(tmp_path, 2_000.0, 1.5, "--topics", "100")
    assert ran.drained
    assert ran.readback.lost(ran.published) == []
    assert (ran.readback.wrong, ran.readback.extra, ran.readback.metadata) == (0, 0, 100)
    assert (ran.published.acked, ran.readback.distinct, ran.ingested.durable) == (3_000, 3_000, 3_100)
    assert ran.ingested.run["state"]["applied"] == 3_000
    assert ran.looks[-1].resident_mb > 1.0


def test_what_is_lost_changed_doubled_or_out_of_order_is_seen_in_a_recording_of_sparkplug():
    told = Told(NODES, start_ms=1_743_620_423_000, rate=RATE, sent=400, acked=400)
    packets, schedule, named = Packets(), Schedule(told.start_ms, RATE), topics()
    rows = [row.tobytes() for row in packets.between(schedule, 0, 400)[:, packets.body :]]
    assert [number_of_sparkplug(row) for row in rows] == list(range(400))
    assert [due_ms(row) for row in rows] == [schedule.stamp(n) for n in range(400)]
    sent = [Message(named[n % NODES], row, 0) for n, row in enumerate(rows)]
    about = [Message(topic, payload, 0) for topic, payload in births()]
    whole = read_back_sparkplug(about + sent, told)
    assert (whole.distinct, whole.wrong, whole.extra, whole.backward, whole.metadata) == (400, 0, 0, 0, NODES)
    changed = Message(named[3], rows[3][:500] + b"\0" + rows[3][501:], 0)
    found = read_back_sparkplug([*about[1:], *sent[:3], changed, *sent[4:200], sent[2], *sent[201:]], told)
    assert (found.lost(told), found.wrong, found.extra, found.backward, found.metadata) == (
        [3, 200],
        1,
        1,
        1,
        NODES - 1,
    )


def test_all_samples_of_sparkplug_are_in_the_recording_and_in_the_state(tmp_path: Path):
    ran = go(tmp_path, 500.0, 1.5, load=SPARKPLUG)
    state, sources = ran.ingested.run["state"], ran.ingested.run["sources"]
    assert ran.drained
    assert (ran.readback.distinct, ran.readback.wrong, ran.readback.extra, ran.readback.metadata) == (750, 0, 0, NODES)
    assert (state["applied"], state["rejects"]) == ((750 + NODES) * METRICS, {})
    assert (sources["alive"], sources["lost"], sources["missing"]) == (NODES, 0, 0)
