"""The stream is cut into the same packets wherever reads cut it, and no bytes do harm."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.link.frames import ODD_TOPIC, Cut, Frames
from telemetry.message import Message


def length(value: int) -> bytes:
    out = bytearray()
    while True:
        value, byte = value >> 7, value & 0x7F
        out.append(byte | 0x80 if value else byte)
        if not value:
            return bytes(out)


def publish(
    topic: bytes, payload: bytes, qos: int, packet: int = 1, retain: bool = False, *, five: bool = False
) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + (packet.to_bytes(2, "big") if qos else b"")
    body += (b"\x05\x23\x00\x01\x01\x01" if five else b"") + payload  # topic alias and payload format: passed over
    return bytes([0x30 | qos << 1 | retain]) + length(len(body)) + body


def cut_at(frames: Frames, stream: bytes, places: list[int]) -> Cut:
    whole = Cut()
    edges = [0, *sorted(places), len(stream)]
    for begin, end in itertools.pairwise(edges):
        part = frames.feed(stream[begin:end], 7) if end > begin else Cut()
        whole.messages += part.messages
        whole.acks += part.acks
        whole.other += part.other
        whole.oversize += part.oversize
    return whole


packets = st.lists(
    st.tuples(
        st.text(min_size=1, max_size=20).filter(lambda t: t.isprintable()),
        st.binary(max_size=300),
        st.integers(0, 2),
        st.integers(1, 65_535),
        st.booleans(),
    ),
    max_size=12,
)


@given(packets, st.booleans(), st.lists(st.integers(0, 4000), max_size=30))
def test_wherever_reads_cut_the_stream_the_packets_are_the_same(some, five, places):
    stream = b"".join(publish(t.encode(), p, q, i, r, five=five) for t, p, q, i, r in some)
    found = cut_at(Frames(version5=five), stream, [min(p, len(stream)) for p in places])
    kept = [(t, p, q, i, r) for t, p, q, i, r in some if q < 2]
    assert found.messages == [Message(t, p, 7, n, q, r) for n, (t, p, q, i, r) in enumerate(kept)]
    assert bytes(found.acks) == b"".join(b"\x40\x02" + i.to_bytes(2, "big") for t, p, q, i, r in kept if q)
    assert len(found.other) == len(some) - len(kept)


def test_what_is_too_long_is_passed_over_counted_and_acknowledged_without_being_kept():
    frames = Frames(longest=1000)
    large, small = publish(b"big", bytes(5000), 1, 9), publish(b"small", b"1", 1, 10)
    for size in (1, 3, 7, 64, 999, 10_000):
        frames.clear()
        found = cut_at(frames, large + small + large + small, list(range(0, 12_000, size)))
        assert found.oversize == ["big", "big"]
        assert [m.topic for m in found.messages] == ["small", "small"]
        assert bytes(found.acks) == bytes.fromhex("400200094002000a") * 2


def test_256_mb_announced_takes_no_memory():
    frames = Frames()
    frames.feed(b"\x30\xff\xff\xff\x7f\x00\x01a", 0)
    for _ in range(1000):
        assert frames.feed(bytes(65_536), 0).messages == []
    assert frames._held < 100


@pytest.mark.parametrize("topic", [b"\xff/a", b"a/\xc3", b"\xed\xa0\x80"])
def test_a_topic_that_is_not_utf8_is_spelt_out_and_looks_like_no_dialect(topic):
    (message,) = Frames().feed(publish(topic, b"x", 1), 0).messages
    assert message.topic.startswith(ODD_TOPIC)
    message.topic.encode()  # may be written


@pytest.mark.parametrize("stream", [b"\x30\xff\xff\xff\xff\x01", b"\x30\x02\x00\x05", b"\x32\x01\x00", b"\x30\x00"])
def test_what_is_no_mqtt_is_told(stream):
    found = Frames().feed(publish(b"a", b"1", 0) + stream, 0)
    assert found.fault
    assert len(found.messages) == 1  # what came before it


def test_mutated_streams_never_raise():
    dice = random.Random(6)
    stream = b"".join(publish(b"BMS/v1/PUB/Value/a", b'{"value":1}', n % 3, n + 1) for n in range(12))
    for _ in range(20_000):
        mutated = bytearray(stream)
        for _ in range(dice.randint(1, 6)):
            mutated[dice.randrange(len(mutated))] = dice.randrange(256)
        frames = Frames(version5=dice.random() < 0.5, longest=100_000)
        for begin in range(0, len(mutated), 100):
            if frames.feed(bytes(mutated[begin : begin + 100]), 0).fault:
                break
