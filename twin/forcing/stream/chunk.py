"""Requests as they come out of a file, some ten thousand at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Requests in the order of the file, arrays (n).

    ``line``: 1-based; ``time_ns``: since 1970 UTC, or since the trace's own zero; tokens: counts; ``hit_share``: share
    of the prompt found in a prefix cache (NaN where the file does not say), ``blocks``: its weight in 512-token blocks;
    ``failed``: the service gave no answer; ``key``: stands for all other cells of the row.
    """

    line: Ints
    time_ns: Ints
    input_tokens: Ints
    output_tokens: Ints
    hit_share: Floats
    blocks: Ints
    failed: Flags
    key: Ints

    def __len__(self) -> int:
        return len(self.line)

    def part(self, rows: Ints | Flags | slice) -> Chunk:
        """The requests of ``rows``."""
        return Chunk(*(getattr(self, item.name)[rows] for item in fields(self)))


@dataclass(frozen=True, slots=True)
class RateRows:
    """Rows of a rate curve, arrays (n): 1-based line, begin in ns from the curve's zero, requests/s (0 is a gap)."""

    line: Ints
    time_ns: Ints
    rps: Floats


def requests(
    line: Ints,
    time_ns: Ints,
    input_tokens: Ints,
    output_tokens: Ints,
    *,
    hit_share: Floats | None = None,
    blocks: Ints | None = None,
    failed: Flags | None = None,
    key: Ints | None = None,
) -> Chunk:
    """A chunk; what a format does not know is left out."""
    n = len(line)
    return Chunk(
        line,
        time_ns,
        input_tokens,
        output_tokens,
        np.full(n, np.nan) if hit_share is None else hit_share,
        np.zeros(n, np.int64) if blocks is None else blocks,
        np.zeros(n, bool) if failed is None else failed,
        np.zeros(n, np.int64) if key is None else key,
    )


__all__ = ["Chunk", "Flags", "Floats", "Ints", "RateRows", "requests"]
