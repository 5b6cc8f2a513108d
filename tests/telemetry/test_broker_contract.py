"""What the twin needs of a broker, asked of every kind as a real process."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from telemetry.address import ANONYMOUS, parse_address
from telemetry.brokers import Running, kinds, start
from telemetry.link.listener import Publisher
from tests.telemetry.client import Client
from tests.telemetry.until import until

RETAINED = 20_000
AWAY = 5_000  # 60,000 of 60,000 when it was measured
NUMBER = count()


@pytest.fixture(scope="module", params=list(kinds()))
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


def client(broker: Running, name: str = "", **options) -> Client:
    return Client(broker.port, name or f"client-{next(NUMBER)}", **options)


def numbered(topic: str, how_many: int, length: int = 100) -> Iterator[tuple[str, bytes]]:
    """Messages on 50 topics, numbered in their first eight bytes."""
    return ((f"{topic}/{i % 50}", b"%08d" % i + bytes(length - 8)) for i in range(how_many))


def written(state: Path) -> int:
    """When the broker wrote its state, 0 for never."""
    return state.stat().st_mtime_ns if state.exists() else 0


def numbers(of: Client) -> list[int]:
    return [int(payload[:8]) for payload in of.payloads()]


def test_20000_retained_messages_all_reach_a_late_subscriber_and_live_values_follow(broker):
    topics = [f"BMS/v1/PUB/Metadata/Rack/RackPower/Hall/{i}" for i in range(RETAINED)]
    with Publisher(parse_address(broker.address), ANONYMOUS, "metadata", window=5000) as source:
        source.connect()
        for topic in topics:
            source.publish(topic, topic.encode() + bytes(150), 0, True)
        source.publish(topics[0], topics[0].encode(), 1, True)  # acknowledged when all before it has arrived
        assert source.flush(30)
    with client(broker) as publisher, client(broker) as late:
        late.subscribe("BMS/v1/PUB/Value/#", 1)
        late.subscribe("BMS/v1/PUB/Metadata/#", 0)
        assert late.receives(RETAINED)
        assert sorted(message.topic for message in late.got) == sorted(topics)
        assert all(message.retain and message.payload.startswith(message.topic.encode()) for message in late.got)
        late.got.clear()
        assert publisher.publish(numbered("BMS/v1/PUB/Value/Rack", 500)) == 500
        assert late.receives(500)
        assert numbers(late) == list(range(500))
        assert not any(message.retain for message in late.got)


def test_the_newest_retained_message_counts_and_an_empty_one_deletes(broker):
    with client(broker) as publisher:
        for topic, payload in (("keep/a", b"1"), ("keep/b", b"1"), ("keep/a", b"2"), ("keep/b", b"")):
            publisher.publish([(topic, payload)], 1, True)
        with client(broker) as late:
            late.subscribe("keep/#", 1)
            assert late.receives_no_more_than(1)
            assert (late.got[0].topic, late.got[0].payload) == ("keep/a", b"2")


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_megabyte_passes_at_every_quality_of_service(broker, qos):
    payload = bytes(range(256)) * 4096
    with client(broker) as one, client(broker) as other:
        other.subscribe(f"large/{qos}", qos)
        one.publish([(f"large/{qos}", payload)], qos)
        assert other.receives(1)
        assert (other.got[0].payload, other.got[0].qos) == (payload, qos)


def test_messages_of_quality_2_come_once_and_in_order(broker):
    with client(broker) as one, client(broker) as other:
        other.subscribe("once/#", 2)
        assert one.publish(numbered("once", 500), 2) == 500
        assert other.receives_no_more_than(500)
        assert numbers(other) == list(range(500))
        assert {message.qos for message in other.got} == {2}


def test_the_last_will_of_a_client_that_dies_is_sent_and_kept_and_that_of_one_that_leaves_is_not(broker):
    with client(broker) as other:
        other.subscribe("will/#", 1)
        for name in ("leaves", "dies"):
            willing = client(broker)
            willing.paho.will_set(f"will/{name}", b"gone", 1, True)
            willing.open()
            if name == "dies":
                willing.stop()
            else:
                willing.close()
        assert other.receives_no_more_than(1)
        with client(broker) as late:
            late.subscribe("will/#", 1)
            assert late.receives(1)
            assert [message.topic for message in late.got] == ["will/dies"]


def test_a_session_keeps_all_quality_1_and_0_messages_while_its_subscriber_is_away(broker):
    name = f"session-{next(NUMBER)}"
    with client(broker, name, clean=False) as subscriber:
        assert subscriber.session_present is False
        subscriber.subscribe(f"{name}/#", 1)
    with client(broker) as publisher:
        assert publisher.publish(numbered(name, AWAY)) == AWAY
        assert publisher.publish([(name, b"%08d" % AWAY)], 0) == 1
        assert publisher.publish([("behind", b"")]) == 1  # acknowledged when what was sent before it has arrived
        with client(broker, name, clean=False) as subscriber:
            assert subscriber.session_present is True
            assert subscriber.receives(AWAY + 1)
            assert numbers(subscriber) == list(range(AWAY + 1))


def test_what_was_received_and_not_acknowledged_comes_again_in_order(broker):
    name = f"unacknowledged-{next(NUMBER)}"
    subscriber = client(broker, name, clean=False)
    subscriber.paho.manual_ack_set(True)
    subscriber.open()
    subscriber.subscribe(f"{name}/#", 1)
    with client(broker) as publisher:
        publisher.publish(numbered(name, 60))
        assert subscriber.receives(60)
        for message in subscriber.got[:20]:
            subscriber.paho.ack(message.mid, message.qos)
        with client(broker) as behind:  # the acknowledgements have arrived when something sent after them has
            behind.subscribe(f"{name}-behind", 1)
            subscriber.publish([(f"{name}-behind", b"")])
            assert behind.receives(1)
        subscriber.stop()
        publisher.publish(((topic, payload) for topic, payload in list(numbered(name, 80))[60:]))
        with client(broker, name, clean=False) as again:
            assert again.receives(60)
            assert numbers(again) == list(range(20, 80))


def test_a_second_client_with_the_same_id_takes_over(broker):
    name = f"same-{next(NUMBER)}"
    first, second = client(broker, name), client(broker, name)
    for each in (first, second):
        each.paho.reconnect_delay_set(60, 60)
    first.open()
    with second, client(broker) as publisher:
        assert first.until(lambda: first.lost == 1)
        second.subscribe("taken", 1)
        publisher.publish([("taken", b"over")])
        assert second.receives(1)
    first.stop()


def test_mqtt_5_and_3_1_1_hear_each_other(broker):
    port = broker.launch.ports.get("mqtt5", broker.port)
    with Client(port, f"five-{next(NUMBER)}", v5=True) as five, client(broker) as three:
        five.subscribe("to/five", 1)
        three.subscribe("to/three", 1)
        three.publish([("to/five", b"a")])
        five.publish([("to/three", b"b")])
        assert five.receives(1)
        assert three.receives(1)


def test_after_a_kill_a_broker_serves_again_and_a_durable_one_has_its_state(broker):
    name = f"kept-{next(NUMBER)}"
    durable = kinds()[broker.kind].KIND.durable
    with client(broker, name, clean=False) as subscriber:
        subscriber.subscribe(f"{name}/#", 1)
    with client(broker) as publisher:
        publisher.publish(numbered(name, 1000), 1, True)
        state = broker.folder / "mosquitto.db"
        before = written(state)
        publisher.publish([("news", b"x")])  # it may write only where there is something new
    assert not durable or until(lambda: written(state) > before)  # every second or two
    broker.kill()
    broker.restart()
    with client(broker, name, clean=False) as subscriber, client(broker) as late:
        assert subscriber.session_present is durable
        late.subscribe(f"{name}/#", 0)
        assert late.receives_no_more_than(50 if durable else 0)
        assert subscriber.receives_no_more_than(1000 if durable else 0)
        subscriber.subscribe(f"{name}/#", 1)
        late.publish(numbered(name, 1050))
        assert subscriber.until(lambda: 1049 in numbers(subscriber))
