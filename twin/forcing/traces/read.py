"""A trace file of any known format: summarised in one pass, read whole, or request by request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.core.errors import Problem, one
from twin.forcing.stream.chunk import Chunk, Floats, Ints
from twin.forcing.stream.faults import Faults
from twin.forcing.stream.lines import BLOCK
from twin.forcing.stream.order import in_order
from twin.forcing.stream.times import NAIVE, Zone, stated
from twin.forcing.traces.check import ascending
from twin.forcing.traces.curve import Curve, curve_of_rows
from twin.forcing.traces.format import Opened, recognised
from twin.forcing.traces.summary import SECOND, Collector, Summary, of_curve

FROM_ZERO = "from the trace's zero"


@dataclass(frozen=True)
class Trace:
    """The requests of a file, arrays (n), those that failed left out.

    ``arrival_s``: s from ``start_ns``, ascending, each spread over the tick of the file's times; ``start_ns``: first
    arrival in ns since 1970 UTC, or since the trace's own zero (``absolute`` tells); ``hit_share``: None where the file
    does not say.
    """

    file: str
    format: str
    arrival_s: Floats
    input_tokens: Ints
    output_tokens: Ints
    hit_share: Floats | None
    start_ns: int
    absolute: bool
    zone: str
    tick_s: float
    failed: int
    warnings: tuple[Problem, ...]

    def __len__(self) -> int:
        return len(self.arrival_s)


class Reading:
    """A file that was recognised and opened for one pass."""

    def __init__(self, path: Path, format: str | None, sort: bool, block: int) -> None:
        self.faults = Faults(str(path))
        self.format, head = recognised(path, format, self.faults)
        self.file = Opened(path, head, self.faults, block)
        self._sort = sort
        self._start = stated(head.about.get("start", ""), self.faults)

    def chunks(self) -> Iterator[Chunk]:
        """The requests in the order of their times; faults are noted, not raised."""
        assert self.format.read is not None
        raw = self.format.read(self.file)
        yield from in_order(raw) if self._sort else ascending(raw, self.faults)

    def curve(self) -> Curve:
        """The rows of a rate curve."""
        assert self.format.rates is not None
        about = self.file.head.about
        end = about.get("end_s", "0")
        end_s = float(end) if end.replace(".", "", 1).isdigit() else 0.0
        rows = self.format.rates(self.file)
        return curve_of_rows(rows, self.faults, zero_is_gap=about.get("zero") != "demand", end_s=end_s)

    @property
    def absolute(self) -> bool:
        """Whether the times are those of a calendar."""
        return self.file.zone.minutes is not None or self._start is not None

    @property
    def start_ns(self) -> int:
        """What is to be added to the times of the file."""
        return self._start[0] if self._start and self.file.zone.minutes is None else 0

    @property
    def zone(self) -> str:
        """The zone that the file states."""
        if self._start is not None and self.file.zone.minutes is None:
            return Zone(self._start[1]).name()
        return self.file.zone.name() if self.absolute else FROM_ZERO

    @property
    def zone_mark(self) -> str:
        """What follows a time written for this file."""
        minutes = self._start[1] if self._start and self.file.zone.minutes is None else self.file.zone.minutes
        return "" if minutes in (None, NAIVE) else "Z"


def summarise(
    path: str | Path, *, format: str | None = None, sort: bool = False, every_s: int | None = None,
    fill: bool = False, block: int = BLOCK,
) -> Summary:  # fmt: skip
    """The figures of a trace in one pass.

    ``format`` forces one; ``sort`` sorts by time first (on disk where needed); ``every_s`` is the width of the rate
    curve's bins in s; ``fill`` interpolates the gaps of a rate curve; ``block`` is what is read at once, in bytes.
    Raises :class:`InputError` with all faults of the file.
    """
    reading = Reading(Path(path), format, sort, block)
    if is_rate(reading):
        return curve_of(reading, fill=fill)
    collector = Collector(reading.faults, every_s)
    collector.take(reading.chunks())
    return collector.result(reading)


def read_trace(
    path: str | Path, *, format: str | None = None, sort: bool = False, seed: int = 0, spread: bool = True
) -> Trace:
    """The requests of a file that fits in memory. Raises :class:`InputError` with all faults, and for a rate curve.

    ``spread``: arrivals of a file whose times are ticks are spread evenly at random (``seed``) over their tick.
    """
    reading = Reading(Path(path), format, sort, BLOCK)
    _needs_requests(reading)
    collector, kept = Collector(reading.faults), list[Chunk]()
    collector.take(_noted(reading.chunks(), kept))
    found = collector.result(reading)
    time, into, out, hit, failed = (
        np.concatenate([getattr(chunk, name) for chunk in kept])
        for name in ("time_ns", "input_tokens", "output_tokens", "hit_share", "failed")
    )
    good = ~failed
    arrival = (time[good] - time[good][0]) / SECOND
    if spread and found.tick_s > 0.0:
        # Ticks do not overlap, so sorting moves no request out of its tick.
        arrival = np.sort(arrival + found.tick_s * np.random.default_rng(seed).random(len(arrival)))
    known = not np.isnan(hit[good]).all()
    return Trace(
        file=found.file, format=found.format, arrival_s=arrival, input_tokens=into[good], output_tokens=out[good],
        hit_share=hit[good] if known else None, start_ns=int(time[good][0]) + reading.start_ns,
        absolute=reading.absolute, zone=found.zone, tick_s=found.tick_s, failed=found.failed, warnings=found.warnings,
    )  # fmt: skip


def read_curve(path: str | Path, *, format: str | None = None, sort: bool = False, every_s: int | None = None,
               fill: bool = False) -> Curve:  # fmt: skip
    """The rate over time of any trace: see :func:`summarise`. Gaps that are not filled are NaN."""
    return summarise(path, format=format, sort=sort, every_s=every_s, fill=fill).curve


def is_rate(reading: Reading) -> bool:
    """Whether the file holds a rate curve and no single requests."""
    return reading.format.rates is not None


def curve_of(reading: Reading, *, fill: bool) -> Summary:
    """The figures of a rate curve."""
    return of_curve(reading.curve(), reading, reading.faults, fill=fill)


def _noted(chunks: Iterator[Chunk], kept: list[Chunk]) -> Iterator[Chunk]:
    for chunk in chunks:
        kept.append(chunk)
        yield chunk


def _needs_requests(reading: Reading) -> None:
    if is_rate(reading):
        raise one("a rate curve holds no single requests; `twin load show` summarises it", file=reading.faults.file)


__all__ = ["Curve", "Reading", "Summary", "Trace", "curve_of", "is_rate", "read_curve",
           "read_trace", "summarise"]  # fmt: skip
