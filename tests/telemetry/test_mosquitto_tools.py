"""``mosquitto_pub`` and ``mosquitto_sub``, which are not ours, understand and are understood, over every broker."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from itertools import count

import pytest

from telemetry.brokers import Running, kinds, start
from tests.telemetry.client import Client

NUMBER = count()
VALUE = b'{"value":41.5,"timestamp":1767225600000,"quality":1}'
RANDOM = random.Random(6).randbytes(200)
MEGABYTE = random.Random(7).randbytes(1 << 20)


@pytest.fixture(scope="module", params=list(kinds()))
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with start(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


def theirs(broker: Running, topic: str, payload: bytes, *options: str) -> None:
    """Their publisher; it takes the payload from a pipe."""
    command = ["mosquitto_pub", "-p", str(broker.port), "-t", topic, "-s" if payload else "-n", *options]
    subprocess.run(command, input=payload, check=True, timeout=30)


def heard(broker: Running, topic: str, qos: int, messages: int) -> bytes:
    """What their subscriber writes until it has so many messages, retained ones here: it has no way to say "ready"."""
    command = ["mosquitto_sub", "-p", str(broker.port), "-t", topic, "-q", str(qos), "-C", str(messages), "-N"]
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("payload", [VALUE, RANDOM, MEGABYTE, b""], ids=["value", "random", "megabyte", "empty"])
def test_what_they_publish_arrives_here_byte_for_byte(broker, qos, payload):
    topic = f"theirs/{next(NUMBER)}"
    with Client(broker.port, topic.replace("/", "-")) as ours:
        ours.subscribe("theirs/#", qos)
        theirs(broker, topic, payload, "-q", str(qos))
        assert ours.receives(1)
        assert [(m.topic, m.payload, m.qos, m.retain) for m in ours.got] == [(topic, payload, qos, False)]


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("payload", [VALUE, RANDOM, MEGABYTE], ids=["value", "random", "megabyte"])
def test_what_we_publish_arrives_there_byte_for_byte(broker, qos, payload):
    topic = f"ours/{next(NUMBER)}"
    with Client(broker.port, topic.replace("/", "-")) as ours:
        ours.publish([(topic, payload)], qos, True)
        assert heard(broker, topic, qos, 1) == payload


def test_metadata_that_they_retain_reach_us_late_and_those_that_we_retain_reach_them_late(broker):
    metadata = b'{"objectType":"Rack","pointType":"RackPower","engUnit":"kW"}'
    theirs(broker, "BMS/v1/PUB/Metadata/Rack/RackPower/A", metadata, "-q", "1", "-r")
    with Client(broker.port, "metadata") as ours:
        ours.subscribe("BMS/v1/PUB/Metadata/#", 0)
        assert ours.receives(1)
        assert (ours.got[0].payload, ours.got[0].retain) == (metadata, True)
        ours.publish([("BMS/v1/PUB/Metadata/Rack/RackPower/B", metadata)], 1, True)
    assert heard(broker, "BMS/v1/PUB/Metadata/+/+/B", 1, 1) == metadata


def test_a_stream_of_lines_that_they_publish_is_a_message_each_in_order(broker):
    lines = [b"%d" % i for i in range(2000)]
    with Client(broker.port, "lines") as ours:
        ours.subscribe("lines", 1)
        command = ["mosquitto_pub", "-p", str(broker.port), "-t", "lines", "-q", "1", "-l"]
        subprocess.run(command, input=b"\n".join(lines) + b"\n", check=True, timeout=30)
        assert ours.receives(len(lines))
        assert ours.payloads() == lines
