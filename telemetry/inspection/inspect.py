"""What is in a recording: messages, topics, rates, silences, and what a dialect makes of it; one pass, bounded memory.

    period  = (last - first) / (messages - 1)     of a topic
    silence = longest time between two messages of a topic, or from its last one to the end of the recording

Times are those of receipt. Messages take the path that they take live (:class:`~telemetry.pipeline.Pipeline`), so that
what is counted here is what the twin would have understood. At most ``MOST_TOPICS`` topics are told apart.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from telemetry.batch import Batch, Quality
from telemetry.clock import NS, ReplayClock
from telemetry.decode import Decoder, Watcher
from telemetry.dialect import unread
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.pipeline import Pipeline
from telemetry.points import Points
from telemetry.recording.read import Recording
from telemetry.state.counts import Counts

MOST_TOPICS = 200_000
MOST_LISTED = 1_000  # of identities and ids; all are counted
GROUPS = 40  # topics are told in at most so many groups
DEEPEST = 6  # levels of a group's name
VALUE_S, HEARTBEAT_S = 250.0, 30.0  # of telemetry.state.view
BMS = re.compile(r"(?P<prefix>^|.*?/)BMS/v1/(?P<by>[^/]+)/(?P<what>Value|Metadata)/(?P<tail>.+)", re.DOTALL)


class Topic:
    """What came on a topic; times in ns."""

    __slots__ = ("bytes", "count", "first_ns", "last_ns", "silence_ns", "since_ns")

    def __init__(self, at_ns: int) -> None:
        self.count = self.bytes = self.silence_ns = 0
        self.first_ns = self.last_ns = self.since_ns = at_ns

    def take(self, at_ns: int, size: int) -> None:
        """Count a message."""
        silence = at_ns - self.last_ns
        if silence > self.silence_ns:
            self.silence_ns, self.since_ns = silence, self.last_ns
        self.count += 1
        self.bytes += size
        self.last_ns = at_ns

    def end(self, at_ns: int) -> None:
        """Count the silence up to the end of the recording."""
        if at_ns - self.last_ns > self.silence_ns:
            self.silence_ns, self.since_ns = at_ns - self.last_ns, self.last_ns

    @property
    def period_ns(self) -> float:
        """Mean time between two messages; NaN for a single one."""
        return (self.last_ns - self.first_ns) / (self.count - 1) if self.count > 1 else float("nan")


@dataclass
class Listed:
    """How many there are, and the names of the first of them."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, names: Iterator[str]) -> Listed:
        """Count ``names`` and keep some."""
        made = cls()
        for name in names:
            made.count += 1
            if len(made.names) < MOST_LISTED:
                made.names.append(name)
        return made


@dataclass
class Understood:
    """What a dialect makes of a recording.

    ``units``: points and readings by variable, unit as written, unit here. ``undescribed``: identities with values and
    without metadata; ``valueless``: the other way round. ``dangling``: ids that are served, or that points hang on, and
    of which nothing is told. ``heartbeats``: identity to messages, period and longest silence, s. ``sources``: what a
    decoder that follows its sources tells of them.
    """

    dialect: str
    counts: Counts
    points: Points
    qualities: dict[str, int]
    units: dict[tuple[str, str, str], tuple[int, int]]
    skews: dict[str, float]
    undescribed: Listed
    valueless: Listed
    dangling: Listed
    heartbeats: dict[str, tuple[int, float, float]]
    waiting: int
    sources: dict[str, Any]


@dataclass
class Found:
    """What is in a recording; see the head of this file. Times in ns, None without messages."""

    recording: Recording
    messages: int
    payload_bytes: int
    retained: int
    qos: dict[int, int]
    first_ns: int | None
    last_ns: int | None
    most_in_a_second: int
    topics: dict[str, Topic]
    other_topics: int  # messages on topics beyond MOST_TOPICS
    out_of_sequence: int
    marks: list[Mark]
    understood: Understood | None
    notes: list[str]

    @property
    def span_s(self) -> float:
        """From the first message to the last, s."""
        return 0.0 if self.first_ns is None or self.last_ns is None else (self.last_ns - self.first_ns) / NS


class _Survey:
    """Counts messages one by one."""

    def __init__(self) -> None:
        self.messages = self.bytes = self.retained = self.most = self.other = self.breaks = 0
        self.qos: Counter[int] = Counter()
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.topics: dict[str, Topic] = {}
        self._second = self._in_second = 0
        self._sequence: int | None = None

    def take(self, message: Message) -> None:
        """Count a message."""
        at, size = message.received_ns, len(message.payload)
        self.messages += 1
        self.bytes += size
        self.retained += message.retain
        self.qos[message.qos] += 1
        if self.first_ns is None or self.last_ns is None:
            self.first_ns = self.last_ns = at
        elif at < self.first_ns:
            self.first_ns = at
        elif at > self.last_ns:
            self.last_ns = at
        second = at // NS
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second = second
        self.most = max(self.most, self._in_second)
        if self._sequence is not None and message.sequence != self._sequence + 1:
            self.breaks += 1
        self._sequence = message.sequence
        topic = self.topics.get(message.topic)
        if topic is None:
            if len(self.topics) >= MOST_TOPICS:
                self.other += 1
                return
            topic = self.topics[message.topic] = Topic(at)
        topic.take(at, size)


class _Readings:
    """Counts readings by quality and point."""

    def __init__(self, points: Points) -> None:
        self._points = points
        self.qualities = [0] * len(Quality)
        self.by_point: Counter[int] = Counter()
        self.beats: dict[str, int] = {}  # topics of heartbeats

    def take(self, message: Message, batch: Batch) -> None:
        """Count the readings of a message."""
        for point, quality in zip(map(int, batch.points), batch.qualities, strict=True):
            self.qualities[quality] += 1
            self.by_point[point] += 1
            if self._points[point].covers is not None:
                self.beats.setdefault(message.topic, point)


def inspect(
    recording: Recording, dialect: str = "", decoder: Decoder | None = None, epoch_ns: int | None = None
) -> Found:
    """Read ``recording`` through; ``decoder`` (of the named ``dialect``) None: its payloads are not looked into."""
    survey = _Survey()
    clock = ReplayClock((recording.span(epoch_ns) or (0, 0))[0], None)
    readings = None if decoder is None else _Readings(decoder.points)
    pipeline = None if decoder is None or readings is None else Pipeline(decoder, clock, seen=readings.take)
    for message in recording.messages(epoch_ns=epoch_ns):
        survey.take(message)
        if pipeline is not None:
            pipeline.take((message,))
    end = survey.last_ns or 0
    for topic in survey.topics.values():
        topic.end(end)
    understood = (
        None
        if decoder is None or pipeline is None or readings is None
        else _understood(dialect, decoder, pipeline, readings, survey)
    )
    return Found(
        recording=recording,
        messages=survey.messages,
        payload_bytes=survey.bytes,
        retained=survey.retained,
        qos=dict(sorted(survey.qos.items())),
        first_ns=survey.first_ns,
        last_ns=survey.last_ns,
        most_in_a_second=survey.most,
        topics=survey.topics,
        other_topics=survey.other,
        out_of_sequence=survey.breaks,
        marks=recording.marks(),
        understood=understood,
        notes=recording.notes()
        + unread(recording, survey.messages, 0 if understood is None else understood.counts.readings),
    )


def _understood(dialect: str, decoder: Decoder, pipeline: Pipeline, readings: _Readings, survey: _Survey) -> Understood:
    points, state = decoder.points, pipeline.state
    units: dict[tuple[str, str, str], tuple[int, int]] = {}
    for index, point in enumerate(points):
        key = point.variable, point.written, point.units
        known, came = units.get(key, (0, 0))
        units[key] = known + 1, came + readings.by_point[index]
    valued, described = _identities(survey.topics)
    silent = (point.identity for index, point in enumerate(points) if not readings.by_point[index])
    beats = {}
    for topic, index in sorted(readings.beats.items()):
        heard = survey.topics.get(topic)
        if heard is not None:
            beats[points[index].identity] = heard.count, heard.period_ns / NS, heard.silence_ns / NS
    return Understood(
        dialect=dialect,
        counts=state.counts,
        points=points,
        qualities={quality.name.lower(): n for quality, n in zip(Quality, readings.qualities, strict=True) if n},
        units=dict(sorted(units.items())),
        skews=state.clocks.skews(),
        undescribed=Listed.of(iter(sorted(valued - described))),
        valueless=Listed.of(silent),
        dangling=Listed.of(iter(_dangling(points))),
        heartbeats=beats,
        waiting=decoder.held,
        sources=decoder.told() if isinstance(decoder, Watcher) else {},
    )


def _identities(topics: dict[str, Topic]) -> tuple[set[str], set[str]]:
    """Identities of DSX that have values, and those that have metadata; none of other dialects."""
    found: dict[str, set[str]] = {"Value": set(), "Metadata": set()}
    for topic in topics:
        match = BMS.fullmatch(topic)
        if match is not None:
            found[match["what"]].add(match["prefix"] + match["tail"])
    return found["Value"], found["Metadata"]


def _dangling(points: Points) -> list[str]:
    """Ids that are spoken of and that are no point's item."""
    here = {point.item for point in points if not point.part_of}
    spoken = {name for point in points for name in (*point.serves, point.part_of) if name}
    return sorted(spoken - here)


def groups(topics: dict[str, Topic]) -> list[tuple[str, int, int, int]]:
    """Topics by their first levels, as many as make at most ``GROUPS`` groups: name, messages, bytes, topics."""
    made: dict[str, list[int]] = {}
    for depth in range(1, DEEPEST + 1):
        finer: dict[str, list[int]] = {}
        for name, topic in topics.items():
            row = finer.setdefault("/".join(name.split("/", depth)[:depth]), [0, 0, 0])
            row[0] += topic.count
            row[1] += topic.bytes
            row[2] += 1
            if len(finer) > GROUPS and made:
                break
        if len(finer) > GROUPS and made:
            break
        made = finer
    rows = [(name, messages, size, count) for name, (messages, size, count) in made.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def silences(topics: dict[str, Topic], least: int = 5) -> list[tuple[str, Topic]]:
    """Topics with at least ``least`` messages, those first that were silent longest against their period."""
    spoken = [(name, topic) for name, topic in topics.items() if topic.count >= least and topic.period_ns > 0.0]
    return sorted(spoken, key=lambda row: (-row[1].silence_ns / row[1].period_ns, row[0]))
