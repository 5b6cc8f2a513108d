"""Training jobs beside inference: a steady mean with swings in step on all racks of the job.

Every accelerator computes and then waits for the others, together: the load is high for ``duty`` of each ``period_s``
and low for the rest, by ``amplitude`` in all, and its mean over a period is ``mean``::

    high = mean + amplitude (1 - duty),  low = mean - amplitude duty
    mean over [s, e] = (whole periods between * mean * period + I(e) - I(s))/(e - s)
    I(t) = integral within the period: high min(x, duty period) + low max(0, x - duty period),  x = t mod period

Steps shorter than a period show the swings, long ones their mean; both are exact. The utilisation of a mean of
0.9 with an amplitude of 0.6 swings between nearly idle and full. Source: synchronous swings of training power, Choukse
et al., Power Stabilization for AI Training Datacenters, arXiv 2508.14318; amplitude, period and duty are the job's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from twin.core.errors import one
from twin.forcing.demand import ALWAYS, Floats


@dataclass(frozen=True)
class Training:
    """A job's utilisation 0..1: ``mean``, ``amplitude`` (high less low), ``period_s``, ``duty`` (share of it high).

    ``phase_s``: a rise from low to high is at this many s since 1970, UTC.
    """

    mean: float
    amplitude: float = 0.0
    period_s: float = 1.0
    duty: float = 0.5
    phase_s: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 < self.duty < 1.0 and self.period_s > 0.0 and self.amplitude >= 0.0):
            raise one("training: expected a duty between 0 and 1, a period above 0 s, an amplitude of 0 or more")
        if not (self.low >= -1e-12 and self.high <= 1.0 + 1e-12):
            raise one(f"training: the load swings from {self.low:.3g} to {self.high:.3g}, expected 0..1")

    @property
    def high(self) -> float:
        """Load while it computes."""
        return self.mean + self.amplitude * (1.0 - self.duty)

    @property
    def low(self) -> float:
        """Load while it waits."""
        return self.mean - self.amplitude * self.duty

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n); times in s since 1970, UTC."""
        del utc_offset_s
        start, end = start_s - self.phase_s, end_s - self.phase_s
        first, last = np.floor(start / self.period_s), np.floor(end / self.period_s)
        x, y = start - first * self.period_s, end - last * self.period_s
        load = (last - first) * self.period_s * self.mean + self._within(y) - self._within(x)
        length = end_s - start_s
        now = np.where(x < self.duty * self.period_s, self.high, self.low)
        return np.divide(load, length, out=now, where=length > 0.0)

    def covers(self) -> tuple[float, float]:
        """Always."""
        return ALWAYS

    def swing(self, start_s: Floats, end_s: Floats) -> Floats:
        """Step means (n) of what it swings about its mean; their mean over a period is 0."""
        return self.sample(start_s, end_s, 0) - self.mean

    def _within(self, x: Floats) -> Floats:
        on = self.duty * self.period_s
        return self.high * np.minimum(x, on) + self.low * np.maximum(0.0, x - on)


class Slow(Protocol):
    """A utilisation that changes over hours."""

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n), 0..1."""
        ...


@dataclass(frozen=True)
class Swinging:
    """A slow curve with the swings of a job on it; the swings keep its mean over every period of theirs."""

    base: Slow
    job: Training

    def sample(self, start_s: Floats, end_s: Floats, utc_offset_s: int) -> Floats:
        """Step means (n); times in s since 1970, UTC."""
        return self.base.sample(start_s, end_s, utc_offset_s) + self.job.swing(start_s, end_s)


__all__ = ["Swinging", "Training"]
