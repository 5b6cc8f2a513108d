"""What a broker cannot do is written down beside it; each of these limits is really there, and nothing else is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

import telemetry.brokers
from telemetry.brokers import Running, iotcore, kinds, mosquitto, start
from tests.telemetry.client import Client
from tests.telemetry.until import until

NUMBER = count()


@pytest.fixture(scope="module")
def brokers(tmp_path_factory):
    """A broker of each kind, started when it is first asked for."""
    running: dict[str, Running] = {}

    def of(kind: str) -> Running:
        if kind not in running:
            running[kind] = start(kind, tmp_path_factory.mktemp(kind))
        return running[kind]

    yield of
    for each in running.values():
        each.stop()


def client(broker: Running, name: str = "", **options) -> Client:
    return Client(broker.port, name or f"client-{next(NUMBER)}", **options)


def numbered(topic: str, how_many: int, length: int = 100) -> list[tuple[str, bytes]]:
    return [(f"{topic}/{i % 500}", b"%08d" % i + bytes(length - 8)) for i in range(how_many)]


def numbers(of: Client) -> list[int]:
    return [int(payload[:8]) for payload in of.payloads()]


def value(kind: str, what: str) -> float:
    (limit,) = (limit for limit in kinds()[kind].LIMITS if limit.what == what)
    assert limit.value is not None
    return float(limit.value)


def away(broker: Running, how_many: int, length: int, last: int) -> list[int]:
    """What a session gets of messages that were acknowledged while it was away, of which ``last`` is the last."""
    name = f"away-{next(NUMBER)}"
    with client(broker, name, clean=False) as subscriber:
        subscriber.subscribe(f"{name}/#", 1)
    with client(broker) as publisher:
        assert publisher.publish(numbered(name, how_many, length)) == how_many
    with client(broker, name, clean=False) as subscriber:
        assert subscriber.until(lambda: numbers(subscriber)[-1:] == [last])
        subscriber.quiet(0.3)
        return numbers(subscriber)


def payload_limit(broker: Running, largest: int) -> None:
    """A packet at the limit passes (a fixed header may count), a larger one disconnects its sender."""
    for length, passes in ((largest - 5, True), (largest + 1, False)):
        topic = f"size/{length}"
        with client(broker) as one, client(broker) as other:
            one.paho.reconnect_delay_set(60, 60)
            other.subscribe(topic, 1)
            one.paho.publish(topic, bytes(length - len(topic) - 4), 1)
            assert one.until(lambda: one.acknowledged + one.lost > 0)
            assert (one.acknowledged, one.lost) == ((1, 0) if passes else (0, 1))
            assert other.receives(1, 30.0 if passes else 0.3) is passes


def iotcore_restart(broker: Running) -> None:
    name = f"restart-{next(NUMBER)}"
    with client(broker, name, clean=False) as subscriber:
        subscriber.subscribe(f"{name}/#", 1)
        subscriber.publish([(f"{name}/1", b"x")], 1, True)
    broker.restart()
    with client(broker, name, clean=False) as subscriber:
        assert subscriber.session_present is False
        subscriber.subscribe(f"{name}/#", 0)
        assert subscriber.receives_no_more_than(0)


def iotcore_retained(broker: Running) -> None:
    assert value("iotcore", "retained") == iotcore.MAX_PACKETS
    with start("iotcore", broker.folder / "few", packets=250) as few, client(few) as publisher:
        publisher.publish(numbered("retained", 500), 1, True)
        with client(few) as late:
            late.subscribe("retained/#", 0)
            assert late.receives_no_more_than(250)


def iotcore_retained_at_1(broker: Running) -> None:
    with client(broker) as publisher:
        publisher.publish(numbered("retained", 500), 1, True)
        for qos, all_in_all in ((0, 500), (1, int(value("iotcore", "retained at QoS 1"))), (2, 100)):
            with client(broker) as late:
                late.subscribe("retained/#", qos)
                assert late.receives_no_more_than(all_in_all)


def iotcore_again(broker: Running) -> None:
    name = f"again-{next(NUMBER)}"
    with client(broker) as publisher:
        publisher.publish([(f"{name}/1", b"x")], 1, True)
    for clean, expected in ((False, [1, 0]), (True, [1, 1])):
        for kept in expected:
            with client(broker, f"{name}-{clean}", clean=clean) as subscriber:
                subscriber.subscribe(f"{name}/#", 0)
                assert subscriber.receives_no_more_than(kept)


def iotcore_in_flight(broker: Running) -> None:
    subscriber = client(broker)
    subscriber.paho.manual_ack_set(True)
    with subscriber, client(broker) as publisher:
        subscriber.subscribe("flight/#", 1)
        publisher.publish(numbered("flight", 300))
        assert subscriber.receives_no_more_than(int(value("iotcore", "in flight")))
        for message in list(subscriber.got):
            subscriber.paho.ack(message.mid, message.qos)
        assert subscriber.receives(200)


def iotcore_queue(broker: Running) -> None:
    segment = 1 << 16
    assert value("iotcore", "queue") == iotcore.SEGMENT * iotcore.SEGMENTS
    with start("iotcore", broker.folder / "small", segment=segment) as small:
        got = away(small, 2000, 1000, last=1999)
        kept = segment * iotcore.SEGMENTS / 1000
        assert got == list(range(got[0], 2000))  # the newest
        assert 0.7 * kept < len(got) < 1.05 * kept


def iotcore_overlap(broker: Running) -> None:
    with client(broker) as subscriber:
        subscriber.subscribe("over/#", 1)
        subscriber.subscribe("over/+", 1)
        subscriber.publish([("over/1", b"x")])
        assert subscriber.receives_no_more_than(2)


def iotcore_sys(broker: Running) -> None:
    with client(broker) as subscriber:
        subscriber.paho.reconnect_delay_set(60, 60)
        subscriber.paho.subscribe("$SYS/#", 0)
        assert subscriber.until(lambda: subscriber.lost == 1)


def iotcore_mqtt_5(broker: Running) -> None:
    five = Client(broker.port, "five", v5=True)
    five.paho.connect("127.0.0.1", broker.port)
    five.paho.loop_start()
    assert not five.until(lambda: five.code is not None, 0.5)
    five.stop()


def iotcore_users(broker: Running) -> None:
    anybody = client(broker)
    anybody.paho.username_pw_set("anybody", "anything")
    with anybody:
        assert anybody.code == "Success"
    assert all(not text.startswith("mqtts") for text in broker.addresses.values())


def mosquitto_queue(broker: Running) -> None:
    assert value("mosquitto", "queue") == mosquitto.QUEUE_MESSAGES
    with start("mosquitto", broker.folder / "small", queue_messages=500) as small:
        got = away(small, 1000, 100, last=499)
        assert got == list(range(500))  # the oldest


def written_ns(broker: Running) -> int:
    """When a broker last wrote what it knows; 0 where it never did."""
    state = broker.folder / "mosquitto.db"
    return state.stat().st_mtime_ns if state.exists() else 0


def killed_unwritten(broker: Running, name: str) -> bool:
    """Kill a broker right after it acknowledged 20 messages; whether it has not written them."""
    with client(broker, name, clean=False) as subscriber:
        subscriber.subscribe(f"{name}/#", 1)
    with client(broker) as publisher:
        before = written_ns(broker)
        publisher.publish([("news", b"x")], 1, True)  # it may write only where there is something new
        assert until(lambda: written_ns(broker) != before)
        before = written_ns(broker)
        assert publisher.publish(numbered(name, 20)) == 20
        broker.kill()
    unwritten = written_ns(broker) == before
    assert time.time() - written_ns(broker) / 1e9 < 10 * value("mosquitto", "kill")
    broker.restart()
    return unwritten


def mosquitto_kill(broker: Running) -> None:
    names = (f"kill-{next(NUMBER)}" for _ in range(10))
    # A machine that is held up does not kill it within the second after it wrote.
    name = next(name for name in names if killed_unwritten(broker, name))
    with client(broker, name, clean=False) as subscriber:
        assert subscriber.session_present is True
        assert subscriber.receives_no_more_than(0)


def mosquitto_forbidden(broker: Running) -> None:
    acl = broker.folder / "acl"
    acl.write_text("topic read #\n")
    broker.stop()
    with start("mosquitto", broker.folder / "acl-broker") as closed:
        path = closed.folder / "mosquitto.conf"
        path.write_text(path.read_text() + f"acl_file {acl}\n")
        closed.restart()
        with client(closed) as one, client(closed, v5=True) as five:
            one.subscribe("closed", 1)
            assert one.publish([("closed", b"x")]) == 1
            assert one.reasons == ["Success"]
            assert five.publish([("closed", b"x")]) == 1
            assert five.reasons == ["Not authorized"]
            assert one.receives_no_more_than(0)
    broker.restart()


def mosquitto_silent(broker: Running) -> None:
    latest_s = 1.5 + value("mosquitto", "silent client") + 3.0
    assert any(noticed_s(broker) < latest_s for _ in range(3))  # of a machine that is held up, at one of these


def noticed_s(broker: Running) -> float:
    """How long after its last word a client with a keep-alive of a second is found to be silent."""
    willing = client(broker, keepalive=1)
    willing.paho.will_set("silent", b"gone", 1)
    with client(broker) as other:
        other.subscribe("silent", 1)
        began = time.monotonic()
        willing.open()
        willing.paho.loop_stop()  # sends nothing more, its connection stays open
        silent = time.monotonic()
        assert other.receives(1)
        noticed = time.monotonic()
    willing.stop()
    assert noticed - began > 1.0  # it counts whole seconds: 1.5 of them are more than 1
    return noticed - silent


CHECKS: dict[tuple[str, str], Callable[[Running], None]] = {
    ("iotcore", "restart"): iotcore_restart,
    ("iotcore", "retained"): iotcore_retained,
    ("iotcore", "retained at QoS 1"): iotcore_retained_at_1,
    ("iotcore", "retained again"): iotcore_again,
    ("iotcore", "in flight"): iotcore_in_flight,
    ("iotcore", "queue"): iotcore_queue,
    ("iotcore", "payload"): lambda broker: payload_limit(broker, int(value("iotcore", "payload"))),
    ("iotcore", "overlap"): iotcore_overlap,
    ("iotcore", "$SYS"): iotcore_sys,
    ("iotcore", "MQTT 5"): iotcore_mqtt_5,
    ("iotcore", "users"): iotcore_users,
    ("mosquitto", "queue"): mosquitto_queue,
    ("mosquitto", "kill"): mosquitto_kill,
    ("mosquitto", "payload"): lambda broker: payload_limit(broker, int(value("mosquitto", "payload"))),
    ("mosquitto", "forbidden"): mosquitto_forbidden,
    ("mosquitto", "silent client"): mosquitto_silent,
}
WRITTEN = [(name, limit.what) for name, kind in kinds().items() for limit in kind.LIMITS]


def test_every_limit_is_checked_and_every_check_is_of_a_limit():
    assert sorted(WRITTEN) == sorted(CHECKS)


@pytest.mark.parametrize(("kind", "what"), WRITTEN)
def test_the_limit_is_there(kind, what, brokers):
    CHECKS[kind, what](brokers(kind))


@pytest.mark.parametrize("kind", list(kinds()))
def test_the_readme_says_every_limit(kind):
    text = Path(telemetry.brokers.__file__).with_name("README.md").read_text()
    assert [
        line for limit in kinds()[kind].LIMITS if (line := f"| {kind} | {limit.what} | {limit} |") not in text
    ] == []
