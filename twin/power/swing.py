"""Swings of training power that are faster than a step of the twin, carried through stages of storage in closed form.

A job draws ``mean + A (1 - d)`` for the share d of each period T and ``mean - A d`` for the rest. Equations::

    a_n = (2 A/(pi n)) |sin(pi n d)|               amplitude of the harmonic at n/T, n = 1, 2, ...
    |H(f)| = prod_i 1/sqrt(1 + (2 pi f tau_i)^2)   first-order stages on the way to the meter
    E = A d (1 - d) T                              store that takes the swing away: range of the integral about the mean
    P = A max(d, 1 - d)                            its power
    energy of a harmonic ~ (a_n |H_n|)^2 / 2       sum over all n without stages: A^2 d (1 - d)

Inside a job all racks swing in step and amplitudes add; jobs do not know of each other and their squares add. In time
the chain ``tau_i x_i' = x_(i-1) - x_i`` is linear with an input that is constant by parts: its course over a period is
exact by the matrix exponential, and with it the range and the steepest ramp of what leaves it. Without a stage the
ramp of a rectangle has no limit.

Symbols: A, P in W; T, tau in s; f in Hz; d share; ramps in W/s. Valid for any period above 0 and stages >= 0.
Source: Choukse et al., Power Stabilization for AI Training Datacenters, arXiv 2508.14318 (swings of a job in step,
energy at 0.2-3 Hz; a band of 0.1-20 Hz that utilities watch, in it about 20 % of the energy at most).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# The band that a specification of utilities names critical, that in which training swings lie, and its limit.
CRITICAL_HZ = (0.1, 20.0)
TRAINING_HZ = (0.2, 3.0)
CRITICAL_SHARE = 0.2
HARMONICS = 20_000
POINTS = 512  # at which each part of a period is read
FINER, CLOSER = 64, 3  # parts of two steps between them about a highest point; looks, each finer
# Of the sum of the stages: after it the course of a part is level to 1e-5.
SETTLED = 12.0


@dataclass(frozen=True)
class Job:
    """A job's swing: ``amplitude_w`` from low to high, ``period_s``, ``duty`` (share of the period that is high)."""

    amplitude_w: float
    period_s: float
    duty: float = 0.5

    def __post_init__(self) -> None:
        if not (self.amplitude_w >= 0.0 and self.period_s > 0.0 and 0.0 < self.duty < 1.0):
            raise ValueError("swing: expected an amplitude of 0 W or more, a period above 0 s, a duty between 0 and 1")

    @property
    def store_j(self) -> float:
        """Energy of a store that takes the swing away, J."""
        return self.amplitude_w * self.duty * (1.0 - self.duty) * self.period_s

    @property
    def store_w(self) -> float:
        """Power of a store that takes the swing away, W."""
        return self.amplitude_w * max(self.duty, 1.0 - self.duty)

    @property
    def rms_w(self) -> float:
        """Root of the mean square about the mean, W."""
        return self.amplitude_w * sqrt(self.duty * (1.0 - self.duty))


@dataclass(frozen=True)
class Passed:
    """What is left of a swing behind its stages: range in W, root mean square in W, steepest ramps (>= 0) in W/s."""

    range_w: float
    rms_w: float
    up_w_s: float
    down_w_s: float


def harmonics(job: Job, stages_s: Sequence[float] = (), count: int = HARMONICS) -> tuple[Floats, Floats]:
    """Frequencies (Hz) and amplitudes (W) of the first ``count`` harmonics behind first-order stages."""
    n = np.arange(1, count + 1)
    frequency = n / job.period_s
    amplitude = 2.0 * job.amplitude_w / (np.pi * n) * np.abs(np.sin(np.pi * n * job.duty))
    return frequency, amplitude * gain(frequency, stages_s)


def gain(frequency_hz: Floats, stages_s: Sequence[float]) -> Floats:
    """What first-order stages leave of an amplitude, 0..1."""
    made = np.ones_like(frequency_hz)
    for tau in stages_s:
        made = made / np.sqrt(1.0 + (2.0 * np.pi * frequency_hz * tau) ** 2)
    return made


def band_energy(
    jobs: Iterable[Job], band_hz: tuple[float, float], stages_s: Sequence[float] = ()
) -> tuple[float, float]:
    """Mean squares in W^2 of what jobs swing: inside a band, and in all; squares of jobs add.

    Of all that passes without stages the sum is known; with stages the harmonics beyond those summed are below 1e-5.
    """
    inside = total = 0.0
    for job in jobs:
        frequency, amplitude = harmonics(job, stages_s)
        squares = 0.5 * amplitude**2
        inside += float(squares[(frequency >= band_hz[0]) & (frequency <= band_hz[1])].sum())
        total += float(squares.sum()) if any(stages_s) else job.rms_w**2
    return inside, total


def band_share(jobs: Iterable[Job], band_hz: tuple[float, float], stages_s: Sequence[float] = ()) -> float:
    """Share 0..1 of the swings' energy that lies in a band; 0 where nothing swings."""
    inside, total = band_energy(jobs, band_hz, stages_s)
    return min(1.0, inside / total) if total > 0.0 else 0.0


def passed(job: Job, stages_s: Sequence[float] = ()) -> Passed:
    """What is left of a job's swing behind stages: exact but for the finite points at which its range is read."""
    taus = [tau for tau in stages_s if tau > 0.0]
    if not taus:
        steep = inf if job.amplitude_w > 0.0 else 0.0
        return Passed(job.amplitude_w, job.rms_w, steep, steep)
    chain, parts = _parts_of(job, taus)

    def level(states: Floats, at: float) -> Floats:
        del at
        return states[:, -1]

    def slope(states: Floats, at: float) -> Floats:
        before = states[:, -2] if len(taus) > 1 else at
        return (before - states[:, -1]) / taus[-1]

    _, amplitude = harmonics(job, taus)
    return Passed(
        _highest(chain, parts, level, 1.0) + _highest(chain, parts, level, -1.0),
        sqrt(0.5 * float((amplitude**2).sum())),
        max(0.0, _highest(chain, parts, slope, 1.0)),
        max(0.0, _highest(chain, parts, slope, -1.0)),
    )


def wave(job: Job, stages_s: Sequence[float], times_s: Floats, count: int = 2000) -> Floats:
    """The swing behind stages, W about its mean, at times (n) in s after a rise: for pictures, from its harmonics."""
    taus = [tau for tau in stages_s if tau > 0.0]
    if not taus:
        phase = np.mod(times_s / job.period_s, 1.0)
        return np.where(phase < job.duty, job.amplitude_w * (1.0 - job.duty), -job.amplitude_w * job.duty)
    n = np.arange(1, count + 1)
    omega = 2.0 * np.pi * n / job.period_s
    part = job.amplitude_w / (1j * np.pi * n) * (1.0 - np.exp(-2j * np.pi * n * job.duty))
    for tau in taus:
        part = part / (1.0 + 1j * omega * tau)
    return np.asarray(np.real(np.exp(1j * np.outer(times_s, omega)) @ part))


def together(parts: Iterable[float]) -> float:
    """What does not keep step, together: the root of the sum of squares."""
    return sqrt(sum(part * part for part in parts))


class _Part(NamedTuple):
    """A part of a period: its input about the mean, W, and the states of the chain (point, stage) every ``step_s``."""

    level: float
    step_s: float
    states: Floats


def _parts_of(job: Job, taus: Sequence[float]) -> tuple[Floats, list[_Part]]:
    """The chain of stages as a matrix, and both parts of a period at ``POINTS`` each."""
    size = len(taus)
    chain = np.diag([-1.0 / tau for tau in taus]) + np.diag([1.0 / tau for tau in taus[1:]], -1)
    high, low = job.amplitude_w * (1.0 - job.duty), -job.amplitude_w * job.duty
    long = _parts(job)
    # With an input u the state goes toward (u, ..., u): x' = M (x - u) + u over each part of the period.
    whole_on, whole_off = (_exponential(chain * part) for part in long)
    one = np.eye(size)
    shift = whole_off @ (one - whole_on) @ np.full(size, high) + (one - whole_off) @ np.full(size, low)
    state = np.linalg.solve(one - whole_off @ whole_on, shift)
    found = []
    for level, part, whole in ((high, long[0], whole_on), (low, long[1], whole_off)):
        step = min(part, SETTLED * sum(taus)) / POINTS
        found.append(_Part(level, step, _walk(chain, state, level, step, POINTS + 1)))
        state = whole @ (state - level) + level
    return chain, found


def _walk(chain: Floats, state: Floats, level: float, step_s: float, count: int) -> Floats:
    """States of the chain (count, stage) from ``state`` on, ``step_s`` apart, at a steady input."""
    over, made = _exponential(chain * step_s), np.empty((count, len(state)))
    for point in range(count):
        made[point] = state
        state = over @ (state - level) + level
    return made


def _highest(chain: Floats, parts: Sequence[_Part], read: Callable[[Floats, float], Floats], sign: float) -> float:
    """The highest of ``sign`` times what is read of the states; finely around the highest point."""
    best = -inf
    for part in parts:
        states, step = part.states, part.step_s
        for _ in range(CLOSER):
            values = sign * read(states, part.level)
            at = int(np.argmax(values))
            best = max(best, float(values[at]))
            first = min(max(0, at - 1), len(states) - 3)  # not beyond the part
            states = _walk(chain, states[first], part.level, 2.0 * step / FINER, FINER + 1)
            step *= 2.0 / FINER
    return best


def _parts(job: Job) -> tuple[float, float]:
    return job.duty * job.period_s, (1.0 - job.duty) * job.period_s


def _exponential(matrix: Floats) -> Floats:
    """Exponential of a small matrix: Taylor's series of a part of it, squared."""
    halvings = max(0, int(np.ceil(np.log2(max(1e-300, float(np.abs(matrix).sum(axis=1).max()))))) + 4)
    part = matrix / 2.0**halvings
    term = made = np.eye(len(matrix))
    for n in range(1, 14):
        term = term @ part / n
        made = made + term
    for _ in range(halvings):
        made = made @ made
    return np.asarray(made)


__all__ = [
    "CRITICAL_HZ", "CRITICAL_SHARE", "TRAINING_HZ", "Job", "Passed", "band_energy", "band_share", "gain", "harmonics",
    "passed", "together", "wave",
]  # fmt: skip
