"""What a recording tells of its points: their metadata, and least, mean and greatest of their readings; one pass.

    mean = (sum of the good readings) / n        of a point; bad, empty and impossible readings count for nothing

Memory grows with the points, not with the messages.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from telemetry.batch import Batch, Quality, Reject
from telemetry.decode import make
from telemetry.dialect import spoken, unread
from telemetry.dsx.contract import PAIRS
from telemetry.points import Point
from telemetry.recording.read import Recording
from twin.core.errors import one

DIALECT = "dsx"
METADATA = re.compile(r"(?:^|/)BMS/v1/PUB/Metadata/")
GOOD = int(Quality.GOOD)


@dataclass
class Seen:
    """Readings of a point, in its unit: how many were good, least, sum, greatest, the newest."""

    count: int = 0
    least: float = float("inf")
    total: float = 0.0
    most: float = float("-inf")
    last: float = float("nan")

    def take(self, value: float) -> None:
        """Count a reading."""
        self.count += 1
        self.total += value
        self.last = value
        self.least, self.most = min(self.least, value), max(self.most, value)

    @property
    def mean(self) -> float:
        """Mean of the readings; NaN without any."""
        return self.total / self.count if self.count else float("nan")


@dataclass
class Survey:
    """What was found: ``points`` with their readings ``seen``, by the same index.

    ``messages``, ``metadata``: how many came, of these descriptions. ``rejects``: messages that were refused, by
    reason. ``day``: of the first message (UTC), None where the recording has no dates.
    """

    points: list[Point] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    messages: int = 0
    metadata: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    day: str | None = None


def survey(recording: Recording, dialect: str | None = None) -> Survey:
    """Read a recording whole. Raises ``InputError`` where it holds nothing that a site could be built from.

    ``dialect``: what it is written in; None: what the recording says, else DSX.
    """
    name, options = spoken(recording, dialect, default=DIALECT)
    label = str(recording.path)
    if name != DIALECT:
        text = f"the dialect {name} does not say what feeds what: a site is built from the metadata of {DIALECT}"
        raise one(text, file=label)
    made, decoder, seen = Survey(), make(DIALECT, options), dict[int, Seen]()
    for message in recording.messages():
        made.messages += 1
        made.metadata += METADATA.search(message.topic) is not None
        batch = decoder.decode(message)
        if isinstance(batch, Reject):
            made.rejects[batch.reason] += 1
            continue
        _take(batch, seen)
    made.points = list(decoder.points)
    made.seen = [seen.get(index, Seen()) for index in range(len(made.points))]
    if recording.has_dates and recording.first_ns is not None:
        made.day = datetime.fromtimestamp(recording.first_ns // 10**9, UTC).date().isoformat()
    _check(made, label, "".join(f"; {words}" for words in unread(recording, made.messages, len(made.points))))
    return made


def _take(batch: Batch, seen: dict[int, Seen]) -> None:
    for index, value, quality in zip(batch.points, batch.values, batch.qualities, strict=True):
        if int(quality) == GOOD:
            seen.setdefault(int(index), Seen()).take(float(value))


def _check(made: Survey, label: str, instead: str) -> None:
    """Say what is missing; ``instead``: what the recording says of its dialect, where it was not followed."""
    if not made.messages:
        raise one("the recording holds no messages", file=label)
    refused = sum(made.rejects.values())
    if refused == made.messages:
        what = ", ".join(f"{count:,} {reason}" for reason, count in sorted(made.rejects.items()))
        raise one(f"none of the {refused:,} messages is of the dialect {DIALECT} ({what}){instead}", file=label)
    if not made.points:
        text = (
            f"of {made.messages:,} messages none is metadata that can be read: a site is built from what describes the "
            "points; record with the retained metadata of the broker"
        )
        raise one(text, file=label)
    if not any(thing_of(point) == "Rack" for point in made.points):
        raise one(
            f"the metadata of {len(made.points):,} points speak of no rack: there is nothing to power", file=label
        )


def thing_of(point: Point) -> str:
    """Object type of a point, from its identity: behind a prefix stand object and point type."""
    parts = point.identity.split("/")
    return next((thing for thing, kind in pairwise(parts) if (thing, kind) in PAIRS), "")


__all__ = ["DIALECT", "Seen", "Survey", "survey", "thing_of"]
