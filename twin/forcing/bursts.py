"""Bursts: arrivals that scatter more than independent users would, the same for every step length and every run.

Arrivals in disjoint intervals are independent negative binomial counts (Fano factor F > 1 at every window)::

    N over a step ~ NegBin(mean L, variance F L),  L = integral of the rate over the step
    N | G ~ Poisson((F - 1) G),  G ~ Gamma(shape L/(F - 1));   F = 1: Poisson(L)

This process is infinitely divisible, so counts of nested steps add up. One path is drawn for good: the count of each
UTC minute first (a generator per hour and seed, Philox); only where a step cuts a minute is its count dealt out to its
seconds, Dirichlet-multinomial with weights L_i/(F - 1), which is the law of the parts given their sum (a generator per
minute). Inside a second arrivals are even. Steps of whole minutes therefore cost one draw a minute, whoever asks in
whatever blocks gets the same path, and counts over 1 s sum to those over 60 s exactly. Slow change is not a burst: it
belongs into the rate.

Source: Fano factors of production traces as in the library of workloads; the negative binomial as a gamma-mixed
Poisson: Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., 5.3; the law of the parts: 5.12.3 there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.core.errors import one
from twin.forcing.demand import Demand, Floats

CELL_S = 60
HOUR_CELLS = 60
# Independent streams under one seed.
OF_HOURS, OF_SECONDS = 1, 2
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Bursty:
    """``base`` with bursts of Fano factor ``fano`` (1 or more), drawn with ``seed``.

    Give each class its own seed: the same seed makes the same bursts. With ``even_minutes`` the counts of minutes are
    drawn and arrivals are even within them.
    """

    base: Demand
    fano: float
    seed: int = 0
    even_minutes: bool = False

    def __post_init__(self) -> None:
        if not 1.0 <= self.fano <= 1e6:
            raise one(f"a Fano factor of bursts is 1 or more, got {self.fano:g}: without bursts arrivals are even")

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n), requests/s; a step without length has the rate of its second."""
        empty = end_s <= start_s
        first = np.where(empty, np.floor(start_s), start_s)
        last = np.where(empty, first + 1.0, end_s)
        return np.asarray(self.counts(first, last, utc_offset_s) / (last - first), np.float64)

    def counts(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Arrivals in each step (n): whole numbers where steps begin and end at whole seconds."""
        begin, end = self.base.covers()
        if start_s.min() < begin or end_s.max() > end:
            self.base.sample(start_s, end_s, utc_offset_s)  # it says what it lacks
        low, high = int(np.floor(start_s.min() / CELL_S)), int(np.ceil(end_s.max() / CELL_S))
        minute = self._minutes(low, high, utc_offset_s)
        before = np.concatenate(([0.0], np.cumsum(minute)))
        moments, back = np.unique(np.concatenate((start_s, end_s)), return_inverse=True)
        cell = np.minimum(np.floor(moments / CELL_S).astype(np.int64), high)
        inside = moments - cell * float(CELL_S)
        reached = before[cell - low]
        cut = np.flatnonzero(inside > 0.0)
        if self.even_minutes:
            reached[cut] += minute[cell[cut] - low] * inside[cut] / CELL_S
        else:
            reached[cut] += self._within(cell[cut], inside[cut], minute[cell[cut] - low], utc_offset_s)
        return np.asarray(reached[back[len(start_s) :]] - reached[back[: len(start_s)]])

    def covers(self) -> tuple[float, float]:
        """As the base."""
        return self.base.covers()

    def _minutes(self, low: int, high: int, utc_offset_s: int) -> Floats:
        """Arrivals of the minutes ``low``..``high`` (exclusive) since 1970; drawn by whole hours."""
        first, last = low // HOUR_CELLS, (high - 1) // HOUR_CELLS
        begin = first * HOUR_CELLS
        means = self._means(np.arange(begin, (last + 1) * HOUR_CELLS), 1, utc_offset_s).reshape(-1, HOUR_CELLS)
        drawn = [self._drawn(hour, mean) for hour, mean in zip(range(first, last + 1), means, strict=True)]
        return np.concatenate(drawn)[low - begin : high - begin]

    def _drawn(self, hour: int, means: Floats) -> Floats:
        """Negative binomial counts with these means."""
        rng = self._generator(OF_HOURS, hour)
        extra = self.fano - 1.0
        return rng.poisson(rng.gamma(means / extra, extra) if extra > 0.0 else means).astype(np.float64)

    def _within(self, cells: Ints, inside: Floats, counts: Floats, utc_offset_s: int) -> Floats:
        """Arrivals from the begin of each minute until ``inside`` s later (n); ``counts`` (n): of the whole minute."""
        minutes, first, back = np.unique(cells, return_index=True, return_inverse=True)
        means = self._means(minutes, CELL_S, utc_offset_s).reshape(-1, CELL_S)
        until = np.zeros((len(minutes), CELL_S + 1))
        for i, (minute, count) in enumerate(zip(minutes.tolist(), counts[first].tolist(), strict=True)):
            if count:
                until[i, 1:] = np.cumsum(self._dealt(minute, int(count), means[i]))
        second = np.floor(inside).astype(np.int64)
        at = until[back, second]
        return np.asarray(at + (inside - second) * (until[back, np.minimum(second + 1, CELL_S)] - at))

    def _dealt(self, minute: int, count: int, means: Floats) -> Ints:
        """A minute's arrivals dealt out to its seconds."""
        rng = self._generator(OF_SECONDS, minute)
        weights = rng.standard_gamma(means / (self.fano - 1.0)) if self.fano > 1.0 else means
        total = weights.sum()
        if total <= 0.0:  # every weight was too small for a float: one second has them all
            weights, total = np.eye(CELL_S)[rng.choice(CELL_S, p=means / means.sum())], 1.0
        return rng.multinomial(count, weights / total)

    def _means(self, cells: Ints, parts: int, utc_offset_s: int) -> Floats:
        """Mean arrivals in each of ``parts`` equal parts of each minute (n * parts); 0 where the base knows nothing."""
        width = CELL_S / parts
        begin, end = self.base.covers()
        start = np.repeat(cells * float(CELL_S), parts) + np.tile(np.arange(parts) * width, len(cells))
        low, high = np.clip(start, begin, end), np.clip(start + width, begin, end)
        known = high > low
        means = np.zeros(len(start))
        if known.any():
            means[known] = self.base.sample(low[known], high[known], utc_offset_s) * (high - low)[known]
        return means

    def _generator(self, stream: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self.seed, stream], counter=[0, 0, 0, number]))


__all__ = ["Bursty"]
