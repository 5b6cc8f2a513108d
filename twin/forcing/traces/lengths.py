"""Token counts as a distribution, from any number of requests in bounded memory.

Counts below 2**20 are kept exactly; longer ones in bins of 0.07 % of their size. A distribution is given in two ways:
``grid``, the values at the probabilities (i + 1/2)/32; and ``parts``, the means of 32 equally many requests each, whose
plain mean is the mean of all (a grid loses the tail: of the Mooncake conversation prompts 2 % of the mean).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twin.forcing.stream.chunk import Floats, Ints

POINTS = 32
EXACT = 1 << 20
PER_OCTAVE = 1024
OCTAVES = 33


@dataclass(frozen=True)
class Lengths:
    """A distribution of token counts."""

    mean: float
    p50: float
    p90: float
    p99: float
    longest: float
    grid: tuple[float, ...]
    parts: tuple[float, ...]


class LengthCounts:
    """Collects token counts."""

    def __init__(self) -> None:
        self._exact = np.zeros(1 << 14, np.int64)
        self._long = np.zeros(OCTAVES * PER_OCTAVE, np.int64)
        self._total = 0

    def add(self, tokens: Ints) -> None:
        """Count ``tokens`` (n, not negative)."""
        if not len(tokens):
            return
        short = tokens[tokens < EXACT]
        counted = np.bincount(short, minlength=len(self._exact))
        counted[: len(self._exact)] += self._exact
        self._exact = counted
        self._total += int(tokens.sum())
        if len(short) < len(tokens):
            long = np.log2(tokens[tokens >= EXACT] / EXACT) * PER_OCTAVE
            np.add.at(self._long, np.minimum(long.astype(np.int64), len(self._long) - 1), 1)

    def result(self) -> Lengths | None:
        """The distribution of what was counted; None of nothing."""
        long = EXACT * 2.0 ** ((np.arange(len(self._long)) + 0.5) / PER_OCTAVE)
        values: Floats = np.concatenate((np.arange(len(self._exact)), long)).astype(np.float64)
        counts = np.concatenate((self._exact, self._long))
        some = counts > 0
        values, counts = values[some], counts[some]
        if not len(values):
            return None
        below = np.cumsum(counts)
        n = int(below[-1])
        middle = (np.arange(POINTS) + 0.5) / POINTS
        p50, p90, p99 = _at(values, below, np.array([0.5, 0.9, 0.99])).tolist()
        return Lengths(
            self._total / n, p50, p90, p99, float(values[-1]),
            tuple(_at(values, below, middle).tolist()), _parts(values, counts, self._total / n),
        )  # fmt: skip


def _at(values: Floats, below: Ints, probability: Floats) -> Floats:
    """The least value that at least this share of all does not exceed (the inverse of the empirical distribution)."""
    rank = np.ceil(probability * below[-1]).astype(np.int64)
    found: Floats = values[np.searchsorted(below, np.maximum(rank, 1))]
    return found


def _parts(values: Floats, counts: Ints, mean: float) -> tuple[float, ...]:
    """Means of equal parts of the sorted requests; a request at a border belongs to both in its shares."""
    share = np.concatenate(([0.0], np.cumsum(counts) / counts.sum()))
    sums = np.concatenate(([0.0], np.cumsum(values * counts) / counts.sum()))
    parts = np.diff(np.interp(np.arange(POINTS + 1) / POINTS, share, sums)) * POINTS
    # Long counts stand for their bin: the last digits of the mean are put right here.
    scale = mean / parts.mean() if parts.mean() > 0.0 else 1.0
    return tuple(np.maximum.accumulate(parts * scale).tolist())


__all__ = ["POINTS", "LengthCounts", "Lengths"]
