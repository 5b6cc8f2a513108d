"""What a trace of any size comes to: one pass, bounded memory, the same for every size of block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import numpy as np

from twin.core.errors import Problem
from twin.forcing.stream.chunk import Chunk
from twin.forcing.stream.faults import Faults
from twin.forcing.traces.arrivals import ArrivalCounts
from twin.forcing.traces.check import Duplicates
from twin.forcing.traces.curve import Curve, CurveCounts
from twin.forcing.traces.format import Format
from twin.forcing.traces.lengths import LengthCounts, Lengths

SECOND = 10**9


@dataclass(frozen=True)
class Summary:
    """Figures of a trace; None where the file cannot tell.

    ``start``: ISO 8601 of the first arrival, None for times from a zero of the trace's own; ``zone`` as the file states
    it; ``tick_s``: resolution of the times where some are equal; ``failed`` requests are in no other figure.
    ``fano`` and ``fano_minute`` at 1 s: see :mod:`twin.forcing.traces.arrivals`; ``peak_rps``: highest bin of the
    curve, whose bins last ``bin_s``.
    """

    file: str
    format: str
    kind: Literal["requests", "rate"]
    start: str | None
    zone: str
    span_s: float
    requests: float
    failed: int
    duplicates: int
    tick_s: float
    tied_share: float
    mean_rps: float | None
    gap_cv: float | None
    peak_rps: float | None
    bin_s: float
    peak_count_1s: int | None
    fano: float | None
    fano_minute: float | None
    input_tokens: Lengths | None
    output_tokens: Lengths | None
    prefix_hit_share: float | None
    gaps: int
    curve: Curve
    warnings: tuple[Problem, ...]


class Source(Protocol):
    """What a summary says of the file: its format, and what its times are."""

    @property
    def format(self) -> Format:
        """The format."""

    @property
    def absolute(self) -> bool:
        """Whether the times are those of a calendar."""

    @property
    def zone(self) -> str:
        """The zone that the file states."""

    @property
    def start_ns(self) -> int:
        """What is to be added to the times of the file."""


class Collector:
    """Takes the requests of a trace in the order of their times."""

    def __init__(self, faults: Faults, every_s: int | None = None) -> None:
        self._faults = faults
        self._arrivals, self._curve, self._twice = ArrivalCounts(), CurveCounts(every_s), Duplicates()
        self._input, self._output = LengthCounts(), LengthCounts()
        self._failed = 0
        self._blocks, self._hits = 0, 0.0

    def take(self, chunks: Iterator[Chunk]) -> None:
        """All of the requests. After the first fault they are only read, so that every fault is found."""
        for every in chunks:
            if self._faults.count:
                continue
            self._twice.add(every)
            self._failed += int(every.failed.sum())
            chunk = every.part(~every.failed) if every.failed.any() else every
            self._arrivals.add(chunk.time_ns)
            self._curve.add(chunk.time_ns, self._faults)
            self._input.add(chunk.input_tokens)
            self._output.add(chunk.output_tokens)
            known = ~np.isnan(chunk.hit_share)
            self._blocks += int(chunk.blocks[known].sum())
            self._hits += float((chunk.hit_share[known] * chunk.blocks[known]).sum())

    def result(self, source: Source) -> Summary:
        """The figures. Raises :class:`InputError` with every fault, or where there was no request."""
        self._faults.stop_if_any()
        found = self._arrivals.result()
        if found is None:
            some = f"all {self._failed:,} requests failed" if self._failed else "there are no rows"
            self._faults.add(f"{some}: nothing to summarise")
            self._faults.stop()
        self._twice.warn(self._faults)
        curve = self._curve.result(found.tick_s)
        assert curve is not None
        bin_s = float(curve.edges_s[1] - curve.edges_s[0])
        span = (found.last_ns - found.first_ns) / SECOND + found.tick_s
        return Summary(
            file=self._faults.file,
            format=source.format.name,
            kind="requests",
            start=iso(found.first_ns + source.start_ns) if source.absolute else None,
            zone=source.zone,
            span_s=span,
            requests=found.count,
            failed=self._failed,
            duplicates=self._twice.count,
            tick_s=found.tick_s,
            tied_share=found.tied / found.count,
            mean_rps=found.count / span if span > 0.0 else None,
            gap_cv=found.gap_cv,
            # The last bin may be shorter: one request in a part of a second is no burst.
            peak_rps=float((curve.rps * np.diff(curve.edges_s)).max() / bin_s),
            bin_s=bin_s,
            peak_count_1s=found.peak_count_1s,
            fano=found.fano,
            fano_minute=found.fano_minute,
            input_tokens=self._input.result(),
            output_tokens=self._output.result(),
            prefix_hit_share=self._hits / self._blocks if self._blocks else None,
            gaps=0,
            curve=curve,
            warnings=tuple(self._faults.warnings),
        )


def of_curve(curve: Curve, source: Source, faults: Faults, *, fill: bool) -> Summary:
    """The figures of a rate curve; ``fill``: gaps are interpolated, else they are left out of every figure."""
    gaps = int(curve.gaps.sum())
    if gaps == len(curve.rps):
        faults.add("every row is a gap", path="rps")
        faults.stop()
    used = curve.filled() if fill else curve
    width = np.where(used.gaps, 0.0, np.diff(used.edges_s))
    rps = np.where(used.gaps, 0.0, used.rps)
    mean = float((rps * width).sum() / width.sum())
    return Summary(
        file=faults.file, format=source.format.name, kind="rate",
        start=iso(source.start_ns) if source.absolute else None, zone=source.zone, span_s=float(curve.edges_s[-1]),
        requests=used.requests(), failed=0, duplicates=0, tick_s=0.0, tied_share=0.0, mean_rps=mean, gap_cv=None,
        peak_rps=float(rps.max()), bin_s=float(np.median(np.diff(curve.edges_s))), peak_count_1s=None, fano=None,
        fano_minute=None, input_tokens=None, output_tokens=None, prefix_hit_share=None, gaps=gaps, curve=used,
        warnings=tuple(faults.warnings),
    )  # fmt: skip


def iso(ns: int) -> str:
    """ISO 8601 (UTC, without a mark) with as many decimals as there are."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // SECOND)
    fraction = f".{ns % SECOND:09d}".rstrip("0").rstrip(".")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction


__all__ = ["Collector", "Summary", "iso", "of_curve"]
