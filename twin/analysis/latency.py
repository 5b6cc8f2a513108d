"""Latencies over a period from the percentiles of its intervals: shares within a promise, percentiles of the mixture.

Equations (interval i with weight w_i, S its share of requests that take longer than t)::

    ln S_i(t) linear in t through (0, 1), (p50, 0.5), (p90, 0.1), (p99, 0.01), and on along its last slope
    within(t) = sum w_i (1 - S_i(t)) / sum w_i;      percentile p: within(t) = p

Range: three percentiles an interval. At the recorded ones it is exact; between them a waiting time decays as the
exponential that a queue has, and a percentile of the period lies between those of its intervals.
"""

from __future__ import annotations

import numpy as np

from twin.analysis.period import Floats

SURVIVING = np.log([1.0, 0.5, 0.1, 0.01])
PASSES = 200
CLOSE = 1e-7
TINY = 1e-12


class Mixture:
    """The latency of a period's requests: ``values`` (n, 3) are p50, p90, p99 of intervals in s, ``weights`` (n) their
    requests. Intervals without requests say nothing, equal ones are put together.
    """

    def __init__(self, values: Floats, weights: Floats) -> None:
        some = weights > 0.0
        self._knots, self._slopes, self._starts = _lines(values)
        rows, place = np.unique(values[some], axis=0, return_inverse=True)
        self._weights = np.bincount(place.ravel(), weights[some], len(rows)) / max(float(weights.sum()), TINY)
        self._few = _lines(rows)
        self._most = float(rows.max()) if len(rows) else np.nan

    def shares(self, t: float | Floats) -> Floats:
        """Share (n) of the requests of each interval that take at most ``t`` s (one for all, or n x 1)."""
        return _shares(t, self._knots, self._slopes, self._starts)

    def within(self, t: float) -> float:
        """Share of all requests that take at most ``t`` s; NaN without requests."""
        return float(self._weights @ _shares(t, *self._few)) if len(self._weights) else np.nan

    def percentile(self, p: float) -> float:
        """Time in s that a share ``p`` (0..1) of all requests keeps; NaN without requests."""
        if not len(self._weights):
            return np.nan
        low, g_low, high = 0.0, -p, self._most
        while (g_high := self.within(high) - p) < 0.0:
            high *= 2.0
        for n in range(PASSES):  # regula falsi and halving by turns: the lines have kinks
            if high - low <= CLOSE * high or g_high <= TINY:
                break
            x = low - g_low * (high - low) / (g_high - g_low) if n % 2 == 0 else 0.5 * (low + high)
            g = self.within(x) - p
            if g >= 0.0:
                high, g_high = x, g
            else:
                low, g_low = x, g
        return high


def _lines(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Knots (n, 4) and, of the line from each on, slope and value at 0 (n, 3) of the log of what survives."""
    knots = np.concatenate([np.zeros((len(values), 1)), np.maximum(values, TINY)], axis=1)
    width = np.maximum(np.diff(knots, axis=1), TINY * np.maximum(knots[:, 1:], 1.0))
    slopes = np.diff(SURVIVING) / width
    return knots, slopes, SURVIVING[:-1] - slopes * knots[:, :-1]


def _shares(t: float | Floats, knots: Floats, slopes: Floats, starts: Floats) -> Floats:
    lines = starts + slopes * t
    at = np.ravel(t)
    log = np.where(at < knots[:, 1], lines[:, 0], np.where(at < knots[:, 2], lines[:, 1], lines[:, 2]))
    return np.asarray(-np.expm1(np.minimum(log, 0.0)))


__all__ = ["Mixture"]
