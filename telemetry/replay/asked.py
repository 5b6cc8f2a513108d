"""What of a recording is replayed, how fast, and at what time: a period, topics, a speed, an epoch.

    received' = received + (epoch - begin),   stamps in payloads likewise where the dialect can move them

``epoch`` is a given instant, or now: then the last stamp is that of the end of the replay, so that at N times the speed
nobody is sent stamps of the future; the first is now at x1, and span (1 - 1/N) ago at xN.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any

from telemetry.clock import NS
from telemetry.decode import Decoder
from telemetry.dialect import make_decoder, spoken
from telemetry.mark import Mark
from telemetry.message import Message
from telemetry.recording.read import EPOCH_NS, Recording, open_recording
from telemetry.replay.jumps import continuous, jumps
from telemetry.replay.retime import MOVED, receipt
from telemetry.state.view import Limits
from telemetry.topics import filter_fault
from twin.core.errors import Faults, InputError, Problem, one, option
from twin.engine.period import instant, seconds

RECORDED, NOW = "recorded", "now"
FASTEST = 1e6
STALE_NS = round(Limits().value_s * NS)


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a recording is replayed, and how.

    ``speed``: times as fast as it was, None: as fast as it goes. ``epoch_ns``: when it begins; None: as recorded.
    ``start_ns``, ``end_ns``: a part of it, by time of receipt in the recording. ``topics``: MQTT filters, none: all.
    """

    speed: float | None = 1.0
    epoch_ns: int | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    topics: tuple[str, ...] = ()


def parse_speed(text: str) -> float | None:
    """``60``, ``x60``, ``60x``, ``×60``, ``0.5``; None for ``max``. Raises ``InputError``."""
    if text.strip().lower() == "max":
        return None
    try:
        speed = float(text.strip().lower().replace("×", "x").removeprefix("x").removesuffix("x"))
    except ValueError:
        speed = inf
    if not (isfinite(speed) and 0.0 < speed <= FASTEST):
        raise one(
            f'"{text}" is no speed, expected a number above 0 up to {FASTEST:,.0f}, or max', path=option("speed=")
        )
    return speed


def choose(
    recording: Recording,
    *,
    speed: str = "1",
    epoch: str = RECORDED,
    after: str | None = None,
    before: str | None = None,
    topics: Sequence[str] = (),
    now_ns: int | None = None,
) -> Choice:
    """A choice from what people write; raises ``InputError`` with all that is wrong.

    ``epoch``: ``now``, ``recorded`` or an instant. ``after``, ``before``: an instant, or a time since the begin.
    """
    faults = Faults()
    times = faults.of(parse_speed, speed)
    begin = begin_ns(recording)
    start = None if after is None else faults.of(_moment, after, option("after="), begin)
    end = None if before is None else faults.of(_moment, before, option("before="), begin)
    given = None if epoch in (NOW, RECORDED) else faults.of(instant, epoch, option("epoch="))
    if start is not None and end is not None and start >= end:
        faults.of(_raise, option("before="), f'the part is empty: "{before}" is not later than "{after}"')
    wrong = {topic: words for topic in topics if (words := filter_fault(topic))}
    faults.problems += [Problem(option("topic="), f'"{topic}": {words}') for topic, words in wrong.items()]
    faults.tell()
    epoch_ns = None if given is None else round(given) * NS
    if epoch == NOW:
        first, last = span(recording, start, end)
        epoch_ns = now_epoch_ns(max(0, last - first), times, time.time_ns() if now_ns is None else now_ns)
    return Choice(times, epoch_ns, start, end, tuple(topics))


def now_epoch_ns(span_ns: int, speed: float | None, now_ns: int) -> int:
    """When a replay of ``span_ns`` has to begin so that its last stamp is that of its end, or earlier."""
    takes_ns = 0 if speed is None else round(span_ns / speed)
    return now_ns - max(0, span_ns - takes_ns)


def _raise(path: str, words: str) -> None:
    raise one(words, path=path)


def _moment(text: str, place: str, begin_ns: int) -> int:
    """An instant, or a length of time since the begin. Raises ``InputError``."""
    try:
        return begin_ns + round(seconds(text, place) * NS)
    except InputError:
        return round(instant(text, place)) * NS


def begin_ns(recording: Recording) -> int:
    """When a recording begins, by its own time; a CSV without dates on the day that stands in for one."""
    return (recording.first_ns or 0) if recording.has_dates else EPOCH_NS


def span(recording: Recording, start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
    """Receipt of the first and the last message of a part (the part's own bounds, where nobody spoke at them).

    By a clock that nobody set: where ours was set while recording, the part is gone through.
    """
    begin, last = begin_ns(recording), recording.last_ns or 0
    last = last if recording.has_dates else EPOCH_NS + last
    found = set_clocks(recording)
    if found:
        times = [m.received_ns for m in continuous(recording.messages(start_ns, end_ns), found)]
        return (times[0], max(times)) if times else (begin, begin)
    return max(begin, start_ns or 0), last if end_ns is None else min(last, end_ns)


def set_clocks(recording: Recording) -> list[Mark]:
    """Jumps of our clock in a recording; of one without dates none are known."""
    if not recording.has_dates or recording.first_ns is None or recording.last_ns is None:
        return []
    return jumps(recording.marks(), recording.first_ns, recording.last_ns)


class Played:
    """A recording as it is to be replayed; can be gone through any number of times.

    ``begin_ns``: when the clock has to begin. ``stamps``: whether the instants in payloads are those of the replay:
    ``recorded`` (nothing is moved), ``moved``, or ``old``, because nobody knows how to move those of ``dialect``, whose
    ``options`` go into :meth:`decoder`.
    """

    def __init__(
        self, recording: Recording, choice: Choice, dialect: str, options: Mapping[str, str] | None = None
    ) -> None:
        self.recording, self.choice, self.dialect, self.options = recording, choice, dialect, dict(options or {})
        begin, self._last_ns = span(recording, choice.start_ns, choice.end_ns)
        self._jumps = set_clocks(recording)
        self.begin_ns = begin if choice.epoch_ns is None else choice.epoch_ns
        self._by_ns = self.begin_ns - begin
        self._move = MOVED.get(dialect, receipt)
        if choice.epoch_ns is None:
            self.stamps = "recorded"
        else:
            self.stamps = "moved" if dialect in MOVED or not recording.has_dates else "old"

    def decoder(self) -> Decoder:
        """A new decoder of what is replayed. Raises ``InputError`` where there is none of such a name or option."""
        return make_decoder(self.dialect, self.options)

    @property
    def takes_s(self) -> float:
        """How long it takes at its speed, s; 0 as fast as it goes."""
        if self.choice.speed is None:
            return 0.0
        return max(0, self._last_ns + self._by_ns - self.begin_ns) / NS / self.choice.speed

    @property
    def end_ns(self) -> int:
        """Receipt of the last message, in the time of the replay."""
        return self._last_ns + self._by_ns

    def is_old(self, now_ns: int) -> bool:
        """Whether who takes the last stamp for the present, when the replay ends, sees a value that is stale."""
        begin = self.begin_ns - self._by_ns if self.stamps == "old" else self.begin_ns
        last_ns = begin + self._last_ns + self._by_ns - self.begin_ns
        return now_ns + self.takes_s * NS - last_ns > STALE_NS

    def messages(self) -> Iterator[Message]:
        """Messages in the order of their receipt, at their new times."""
        asked, recording = self.choice, self.recording
        if recording.has_dates:
            found = recording.messages(asked.start_ns, asked.end_ns, topics=asked.topics)
            if self._jumps:
                found = continuous(found, self._jumps)
            yield from (self._move(message, self._by_ns) for message in found) if self._by_ns else found
            return
        start, end = (None if at is None else at + self._by_ns for at in (asked.start_ns, asked.end_ns))
        # Its stamps are filled in as it is read.
        yield from recording.messages(start, end, topics=asked.topics, epoch_ns=EPOCH_NS + self._by_ns)


def open_played(path: Path, dialect: str | None = None, options: Mapping[str, str] | None = None, **how: Any) -> Played:
    """The recording at ``path``, with what :func:`choose` takes. Raises ``InputError``.

    ``dialect`` None and ``options`` that are not given: what the recording says of itself, of a DSX CSV and where it
    says nothing ``dsx``.
    """
    recording = open_recording(path)
    return Played(recording, choose(recording, **how), *spoken(recording, dialect, options, default="dsx"))
