"""What holds of every dialect: columns of one length, finite values, few reasons, no exception, commands known."""

from __future__ import annotations

import math

import pytest
from paho.mqtt.client import topic_matches_sub

from telemetry import topics
from telemetry.batch import Batch, Flag, Quality, Reason, Reject
from telemetry.decode import Decoder, dialects, make
from telemetry.message import Message
from tests.telemetry.corpus import CORPORA, EPOCH_MS, NS, Corpus, message
from twin.core.errors import InputError
from twin.core.variables import BY_NAME

NAMES = sorted(dialects())
FLAGS = sum(Flag)


def sound(decoder: Decoder, found: Batch | Reject) -> None:
    """Raise ``AssertionError`` unless ``found`` keeps what batches and rejects promise."""
    if isinstance(found, Reject):
        assert found.reason in set(Reason)
        assert found.detail.isascii()
        assert len(found.detail) < 2000
        return
    columns = (found.points, found.times_ns, found.values, found.qualities, found.flags)
    assert len({len(column) for column in columns}) == 1
    for point, at, value, quality, flags in zip(*columns, strict=True):
        assert 0 <= point < len(decoder.points)
        assert 946_684_800_000 * NS <= at < 4_102_444_800_000 * NS
        assert isinstance(value, float)
        # What a source that is gone last said is bad, and no value any more.
        gone = quality == Quality.BAD and flags & Flag.NO_TIME and math.isnan(value)
        assert gone or (math.isnan(value) if quality == Quality.NO_VALUE else math.isfinite(value))
        assert quality in (Quality.GOOD, Quality.BAD, Quality.NO_VALUE, Quality.OUT_OF_RANGE)
        assert flags & ~FLAGS == 0


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return str(request.param)


@pytest.fixture
def corpus(name: str) -> Corpus:
    assert name in CORPORA, f"tests/telemetry/corpus.py has no messages of the dialect {name}"
    return CORPORA[name]


def test_real_messages_are_understood_the_same_each_time(name, corpus):
    one, other = corpus.decoder(name), corpus.decoder(name)
    found = [one.decode(m) for m in corpus.messages]
    assert repr(found) == repr([other.decode(m) for m in corpus.messages])  # NaN equals itself in words
    assert list(one.points) == list(other.points)
    assert len(one.points) > 1
    for batch in found:
        assert isinstance(batch, Batch), batch
        sound(one, batch)
    assert sum(len(batch.points) for batch in found if isinstance(batch, Batch)) >= 3


def test_a_dialect_says_what_it_is(name):
    assert dialects()[name].DIALECT.name == name
    assert dialects()[name].DIALECT.text


def test_its_subscriptions_bring_its_messages(name, corpus):
    filters = corpus.decoder(name).subscriptions()
    assert all(qos in (0, 1, 2) for _, qos in filters)
    for one in corpus.messages:
        assert any(topic_matches_sub(filter, one.topic) for filter, _ in filters), one.topic


def test_behind_a_prefix_of_ours_the_same_points_are_heard(name, corpus):
    bare, behind = corpus.decoder(name), make(name, {**corpus.options, "prefix": "lab/twin"})
    for m in corpus.messages:
        topic = f"lab/twin/{m.topic}"
        there = Message(topic, m.payload, m.received_ns, m.sequence, m.qos, m.retain)
        assert repr(behind.decode(there)) == repr(bare.decode(m))
        assert any(topic_matches_sub(filter, topic) for filter, _ in behind.subscriptions())
        assert behind.source(topic) == bare.source(m.topic) != ""
    assert list(behind.points) == list(bare.points)


def test_points_that_other_prefixes_bring_stay_apart(name, corpus):
    decoder = make(name, {**corpus.options, "prefix": "cpc/+"})
    for place in ("cpc/1/", "cpc/2/"):
        for m in corpus.messages:
            assert isinstance(decoder.decode(Message(place + m.topic, m.payload, m.received_ns)), Batch)
    alone = corpus.decoder(name)
    for m in corpus.messages:
        alone.decode(m)
    assert len(decoder.points) == 2 * len(alone.points)


def test_a_number_is_one_identity_for_ever(name, corpus):
    decoder = corpus.decoder(name)
    numbers: dict[str, int] = {}
    for m in corpus.messages * 2:
        decoder.decode(m)
        for index, point in enumerate(decoder.points):
            assert numbers.setdefault(point.identity, index) == index


def test_points_have_the_units_of_the_model(name, corpus):
    decoder = corpus.decoder(name)
    for m in corpus.messages:
        decoder.decode(m)
    for point in decoder.points:
        assert point.low <= point.high
        assert point.source == decoder.source(next(m.topic for m in corpus.messages if heard(point.identity, m.topic)))
        if point.variable in BY_NAME:
            assert BY_NAME[point.variable].units == point.units


def heard(identity: str, topic: str) -> bool:
    """Whether a value of a point comes on a topic."""
    if topic.startswith("spBv1.0/"):
        _, group, _, *path = topic.split("/")
        return identity.startswith("/".join((group, *path)) + ":")
    return topic.endswith(identity) or identity.startswith(topic) if "/Metadata/" not in topic else False


def test_commands_are_known_and_readings_are_none(name, corpus):
    decoder = corpus.decoder(name)
    for topic in corpus.commands:
        assert decoder.is_command(topic)
        assert decoder.is_command(f"any/prefix/{topic}")
    for m in corpus.messages:
        assert decoder.is_command(m.topic) == ("/MEPAI/" in m.topic)


BAD_TOPICS = ["", "a" * 513, "/".join("a" * 40), "a/#", "a/+/b", "a\0b", "é" * 300, "\ud800/x", "/", "//", "$SYS/x"]


@pytest.mark.parametrize("topic", BAD_TOPICS, ids=range(len(BAD_TOPICS)))
def test_no_topic_is_believed_that_mqtt_does_not_allow(name, corpus, topic):
    decoder = corpus.decoder(name)
    for before in ("", corpus.messages[-1].topic):
        found = decoder.decode(message(before + topic, corpus.messages[-1].payload))
        if before and not topics.fault(before + topic):
            sound(decoder, found)
        else:
            assert isinstance(found, Reject | Batch)
            assert not topic or (isinstance(found, Reject) and found.reason == Reason.TOPIC)
    assert decoder.source(topic) == ""


def test_a_payload_above_the_most_is_refused(name, corpus):
    decoder = corpus.decoder(name)
    for m in corpus.messages:
        decoder.decode(m)
        for padded in (corpus.padded(m.payload, corpus.most + 1), b" " * corpus.most + m.payload):
            found = decoder.decode(message(m.topic, padded))
            assert isinstance(found, Reject)
            assert found.reason == Reason.SIZE


def test_the_largest_payload_is_read(name, corpus):
    decoder = corpus.decoder(name)
    for m in corpus.messages:
        padded = corpus.padded(m.payload, corpus.most)
        assert len(padded) == corpus.most
        assert isinstance(decoder.decode(message(m.topic, padded)), Batch)


@pytest.mark.parametrize("options", [{"colour": "red"}, {"prefix": "a/#"}, {"prefix": "a\0"}, {"prefix": "x" * 600}])
def test_options_are_checked(name, corpus, options):
    with pytest.raises(InputError):
        make(name, {**corpus.options, **options})


def test_there_is_no_dialect_of_that_name():
    with pytest.raises(KeyError):
        make("smoke signals")


def test_what_the_broker_kept_is_marked(name, corpus):
    decoder = corpus.decoder(name)
    for m in corpus.messages:
        decoder.decode(m)
    kept = [decoder.decode(Message(m.topic, m.payload, EPOCH_MS * NS, 0, 1, True)) for m in corpus.messages]
    flags = [flag for batch in kept if isinstance(batch, Batch) for flag in batch.flags]
    assert flags
    assert all(flag & Flag.RETAINED for flag in flags)


def test_an_option_of_another_dialect_is_told_by_name():
    with pytest.raises(InputError, match="goes with --dialect sparkplug"):
        make("dsx", {"rebirth": "on_gap"})
    with pytest.raises(InputError, match="dsx needs no mapping"):
        make("dsx", {"mapping": "gateway.yaml"})
