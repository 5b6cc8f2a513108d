"""A hundred thousand broken payloads and topics per dialect: each is read or refused for a reason, nothing is raised.

Broken from real messages by a seed, so that a failure can be repeated. Of DSX values a second reader, written with
nothing but the standard library, says of each payload whether it is one.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.batch import Batch, Flag, Quality, Reason, Reject
from telemetry.decode import dialects, dsx, make
from telemetry.message import Message
from tests.telemetry.corpus import CORPORA, EPOCH_MS, NS, RACK, described, value
from tests.telemetry.test_dialects import sound

NAMES = sorted(dialects())
HUGE = sys.float_info.max
PAYLOADS, TOPICS = 100_000, 20_000
SPLICES = [
    b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1e308", b"1e-999", b"100000000000000000000000", b"null", b"true",
    b"false", b"{}", b"[]", b'""', b'"3"', b"[" * 200, b'{"a":' * 200, b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"{{x}}",
    b"0x10", b"+3", b"03", b",", b":", b"}", b"1.0", b"1743620423.5", b"9223372036854775807", b"-0", b'"\\ud800"',
    b'"value":1,', b'"quality":0,', b'"timestamp":1743620423000,', b'"x":1,', b"\xc3", b"1" * 400, b" " * 50,
    b"\\u0000",
]  # fmt: skip
TOPIC_SPLICES = ["#", "+", "/", "//", "\0", "é", "\ud800", "Value", "Metadata", "PUB", "BMS/v1/", "a" * 300, "a/" * 20,
                 " ", "$SYS", "\x7f", "NaN", "%s", "{0}", "../", "<b>"]  # fmt: skip


def broken(raw: bytes, dice: random.Random) -> bytes:
    """``raw`` with one to three faults."""
    for _ in range(dice.choice((1, 1, 2, 3))):
        begin = dice.randrange(len(raw) + 1)
        end = min(len(raw), begin + dice.choice((0, 1, 1, 2, 8)))
        kind = dice.randrange(5)
        if kind == 0:
            middle = dice.choice(SPLICES)
        elif kind == 1:
            middle = bytes((dice.randrange(256),))
        elif kind == 2:
            middle = raw[begin:end] * 2
        elif kind == 3:
            middle = b"0123456789.eE-+"[(at := dice.randrange(15)) : at + 1]
        else:
            middle = b""
        raw = raw[:begin] + middle + raw[end:]
    return raw


def mangled(topic: str, dice: random.Random) -> str:
    """``topic`` with one or two faults."""
    for _ in range(dice.choice((1, 2))):
        begin = dice.randrange(len(topic) + 1)
        end = min(len(topic), begin + dice.choice((0, 1, 5, 20)))
        topic = topic[:begin] + dice.choice(TOPIC_SPLICES) + topic[end:]
    return topic


def storm(name: str, seed: int) -> Iterator[Message]:
    """Broken payloads on real topics, then real and broken payloads on broken topics."""
    dice, real = random.Random(seed), CORPORA[name].messages
    for number in range(PAYLOADS + TOPICS):
        one = dice.choice(real)
        payload = one.payload if dice.random() < 0.05 else broken(one.payload, dice)
        topic = one.topic if number < PAYLOADS else mangled(one.topic, dice)
        yield Message(topic, payload, EPOCH_MS * NS, number, 1, dice.random() < 0.1)


@pytest.mark.parametrize("name", NAMES)
def test_no_broken_message_raises_and_every_reject_has_its_reason(name):
    decoder = CORPORA[name].decoder(name)
    counts: Counter[str] = Counter()
    for number, said in enumerate(storm(name, seed=6)):
        found = decoder.decode(said)
        counts[found.reason if isinstance(found, Reject) else "read"] += 1
        if number % 7 == 0:
            sound(decoder, found)
            decoder.is_command(said.topic)
            decoder.source(said.topic)
    assert sum(counts.values()) == PAYLOADS + TOPICS
    assert counts[Reason.INTERNAL] == 0
    least = 20 if name == "sparkplug" else 100  # of its types only the number of a message can be wrong
    assert min(counts[reason] for reason in ("read", Reason.SYNTAX, Reason.TOPIC, Reason.TIME, Reason.TYPE)) > least
    assert len(decoder.points) < 30_000
    assert decoder.subscriptions() == CORPORA[name].decoder(name).subscriptions()
    for real in CORPORA[name].messages:  # and it still understands what is right
        assert isinstance(decoder.decode(real), Batch)


def reads_as(payload: bytes) -> tuple[bool, bool]:
    """Whether ``payload`` is a value of DSX by the standard library alone, and whether it holds a key too much."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    def never(word: str) -> float:
        raise ValueError(word)

    try:
        text = payload.decode()
        data = json.loads(text, object_pairs_hook=once, parse_constant=never)
        json.dumps(data, ensure_ascii=False).encode()  # refuses lone surrogates
        assert isinstance(data, dict)
        number, at, quality = data["value"], data["timestamp"], data["quality"]
        for one in (at, quality, *([] if number is None else [number])):
            assert isinstance(one, int | float)
            assert not isinstance(one, bool)
        assert number is None or math.isfinite(number)
        assert at == int(at)
        assert quality == int(quality)
        assert 946_684_800_000 <= at < 4_102_444_800_000
    except (ValueError, AssertionError, KeyError, RecursionError, OverflowError):
        return False, False
    return True, len(data) > 3


def test_a_broken_value_of_dsx_is_read_exactly_where_a_second_reader_reads_it():
    decoder, dice = dsx.Decoder(), random.Random(66)
    decoder.decode(described("Rack", "RackPower", "x", engUnit="kW", **RACK))
    topic = "BMS/v1/PUB/Value/Rack/RackPower/x"
    real = [json.dumps(value(v)).encode() for v in (47.854, None, 0)]
    read = 0
    for number in range(40_000):
        payload = broken(dice.choice(real), dice)
        found = decoder.decode(Message(topic, payload, 0, number))
        expected, extra = reads_as(payload)
        assert isinstance(found, Batch) == expected, payload
        if isinstance(found, Batch):
            read += 1
            assert bool(found.flags[0] & Flag.EXTRA_KEY) == extra, payload
            data = json.loads(payload)
            if data["value"] is None:
                assert found.qualities[0] == Quality.NO_VALUE
            else:
                watts = min(max(data["value"] * 1e3, -HUGE), HUGE)
                assert found.values[0] == pytest.approx(watts, rel=1e-15)
            assert found.times_ns[0] == int(data["timestamp"]) * NS
    assert read > 2_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = ["value", "timestamp", "quality", "ts", "ok", "power", "kw", "MetricValues", "MetricId", "MetricValue", "gpus",
        "objectType", "pointType", "engUnit", "stateText", "servesId", "processArea", "time_s", "gpu"]  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8)


@pytest.mark.parametrize("name", NAMES)
@given(
    payload=st.binary(max_size=200) | (JSON | OBJECTS).map(lambda data: json.dumps(data).encode()),
    topic=st.text(max_size=60) | st.none(),
    which=st.integers(0, 99),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_is_read_or_refused(name, payload, topic, which):
    decoder, real = CORPORA[name].decoder(name), CORPORA[name].messages
    said = Message(real[which % len(real)].topic if topic is None else topic, payload, EPOCH_MS * NS)
    for one in (said, *real[: which % 12], said):
        found = decoder.decode(one)
        sound(decoder, found)
        assert not (isinstance(found, Reject) and found.reason == Reason.INTERNAL)


def test_memory_stays_bounded_whatever_topics_come():
    decoder = dsx.Decoder(max_held=100, max_points=50)
    payload = json.dumps(value()).encode()
    metadata = described("Rack", "RackPower", "x", engUnit="kW", **RACK).payload
    for number in range(5_000):
        decoder.decode(Message(f"BMS/v1/PUB/Value/Rack/RackPower/{number}", payload, 0))
        decoder.decode(Message(f"{number}/BMS/v1/PUB/Metadata/Rack/RackPower/a", metadata, 0))
    assert (decoder.held, decoder.dropped, len(decoder.points)) == (100, 4_900, 50)
    assert len(make("dsx").points) == 0
