"""Storage that keeps a ramp limit at the grid: the load is served exactly, the grid side follows as fast as it may.

Equations, a step dP against a limit r::

    E = dP^2 / (2 r),   lasting dP / r,   power dP

and a series of step means P_k (constant within a step, jumps between them) that the grid side G(t) follows::

    dG/dt = r_up where G < T_k, -r_down where G > T_k, 0 where it is there;    T_k = P_k + (E_set - E)/t_restore
    store power S = P_k - G                     S > 0 discharges: dE/dt = -S/eta,  S < 0 charges: dE/dt = -S eta

Within a step G is a ramp and then level, so that energies are those of triangles and trapezia: exact for any step. The
energy that the store needs is the range of E; started at the share of it that it discharges first, it is never below 0
nor above full. Nobody foresees the load here. Who knows it beforehand needs at least the power

    max over i < j of (|P_j - P_i| - r (t_j - t_i)) / 2        (McShane's extension of a function with slope r)

Symbols: P, G, S in W; r in W/s; E in J at the store's terminals inside; eta one-way efficiency, 0 < eta <= 1; t in s.
Source: arithmetic; 20 MW/min in normal operation is Southern Company's limit (CIGRE survey of large loads, 2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Need:
    """Power (W) and energy (J) of a store, and for how long (s) it works."""

    power_w: float
    energy_j: float
    lasts_s: float


@dataclass(frozen=True)
class Limited:
    """A series under a limit: ``grid_w`` (n + 1) at the ends of the steps, its first value before the first of them.

    ``stored_j`` (n + 1) is the energy in the store at the same instants, less that at the begin; ``need`` what it
    takes, ``charge_j`` what must be in it at the begin. ``charged_j`` and ``discharged_j`` (n) are energies of each
    step at the store's AC terminals, both >= 0; ``met_j`` (n) the grid's energy of each step.
    """

    grid_w: Floats
    stored_j: Floats
    charged_j: Floats
    discharged_j: Floats
    met_j: Floats
    need: Need
    charge_j: float


@dataclass(frozen=True)
class Steepest:
    """The steepest change of a mean over a window: W/s, signed, and the step with which it ends."""

    rate_w_s: float
    at: int


def step_need(step_w: float, limit_w_s: float) -> Need:
    """What a step of the load of ``step_w`` (W, either sign) takes to meet a limit > 0 in W/s; nothing without one."""
    size = abs(step_w)
    if not isfinite(limit_w_s):
        return Need(0.0, 0.0, 0.0)
    return Need(size, size * size / (2.0 * limit_w_s), size / limit_w_s)


def limited(
    load_w: Floats,
    step_s: float,
    up_w_s: float,
    down_w_s: float | None = None,
    *,
    efficiency: float = 1.0,
    restore_s: float = inf,
) -> Limited:
    """Let the grid side follow the step means ``load_w`` (n, n >= 1) no faster than ``up_w_s`` and ``down_w_s`` (W/s).

    ``efficiency`` is one-way; ``restore_s`` the time constant with which the store is brought back to where it began,
    without which its losses and what ramps slowly up and fast down take from it for good. Raises ``ValueError`` for
    limits that are not above 0, an efficiency outside 0..1, a step that is not above 0, no values and unknown ones.
    """
    down = up_w_s if down_w_s is None else down_w_s
    if not (step_s > 0.0 and up_w_s > 0.0 and down > 0.0 and 0.0 < efficiency <= 1.0 and restore_s > 0.0):
        raise ValueError("ramp: expected a step, limits and restore_s above 0 and an efficiency in 0..1")
    if len(load_w) == 0:
        raise ValueError("ramp: expected at least one value")
    _known(load_w)
    count = len(load_w)
    grid, stored = np.empty(count + 1), np.zeros(count + 1)
    charged, discharged, met = np.zeros(count), np.zeros(count), np.zeros(count)
    grid[0] = load_w[0]
    largest, works = 0.0, 0.0
    for k in range(count):
        load, begin, have = float(load_w[k]), float(grid[k]), float(stored[k])
        toward = load - have / restore_s
        end = begin + min(max(toward - begin, -down * step_s), up_w_s * step_s)
        lasts = abs(end - begin) / (up_w_s if end > begin else down)
        gave, took = _areas(load - begin, load - end, min(lasts, step_s))
        rest = (load - end) * max(0.0, step_s - lasts)
        gave, took = gave + max(0.0, rest), took + max(0.0, -rest)
        grid[k + 1], discharged[k], charged[k] = end, gave, took
        met[k] = load * step_s - gave + took
        stored[k + 1] = have - gave / efficiency + took * efficiency
        largest = max(largest, abs(load - begin), abs(load - end))
        works += step_s if end != load else min(lasts, step_s)
    low, high = _extremes(load_w, grid, stored, step_s, (up_w_s, down), efficiency)
    need = Need(largest, high - low, works)
    return Limited(grid, stored, charged, discharged, met, need, -low)


def _known(load_w: Floats) -> None:
    """Refuse a series with a gap: what is not known must not pass for a power that does not change."""
    if not np.isfinite(load_w).all():
        raise ValueError("ramp: expected a power at every step, some are not known")


def _areas(first: float, last: float, lasts: float) -> tuple[float, float]:
    """Areas above and below 0, both >= 0, of a straight line from ``first`` to ``last`` over ``lasts``."""
    if first >= 0.0 and last >= 0.0:
        return 0.5 * (first + last) * lasts, 0.0
    if first <= 0.0 and last <= 0.0:
        return 0.0, -0.5 * (first + last) * lasts
    before = lasts * first / (first - last)
    above, below = 0.5 * abs(first) * before, 0.5 * abs(last) * (lasts - before)
    return (above, below) if first > 0.0 else (below, above)


def _extremes(
    load: Floats, grid: Floats, stored: Floats, step_s: float, limits: tuple[float, float], efficiency: float
) -> tuple[float, float]:
    """Least and most energy in the store over all time: at ends of steps, and where the store's power passes 0."""
    first, last = load - grid[:-1], load - grid[1:]
    crosses = first * last < 0.0
    rate = np.where(last < first, limits[0], limits[1])
    # From the begin of the step to the crossing the store works one way only: a triangle.
    area = 0.5 * first * np.abs(first) / rate
    turn = (stored[:-1] - np.where(area > 0.0, area / efficiency, area * efficiency))[crosses]
    return float(min(stored.min(), turn.min(initial=inf))), float(max(stored.max(), turn.max(initial=-inf)))


def foreseen_power(load_w: Floats, step_s: float, limit_w_s: float) -> float:
    """Least power in W of a store that meets a limit (W/s, both ways) on samples whose course is known beforehand."""
    _known(load_w)
    along = limit_w_s * step_s * np.arange(len(load_w))
    rise = (load_w - along) - np.minimum.accumulate(load_w - along)
    fall = np.maximum.accumulate(load_w + along) - (load_w + along)
    return 0.5 * float(max(rise.max(), fall.max()))


def steepest(load_w: Floats, step_s: float, window_s: float) -> tuple[Steepest, Steepest]:
    """Steepest rise and steepest fall of step means over a window of whole steps (one at least): up, down.

    The window is rounded to steps; a series shorter than it has no ramp (0 at its end).
    """
    _known(load_w)
    span = max(1, round(window_s / step_s))
    if len(load_w) <= span:
        return Steepest(0.0, len(load_w) - 1), Steepest(0.0, len(load_w) - 1)
    slope = (load_w[span:] - load_w[:-span]) / (span * step_s)
    up, down = int(slope.argmax()), int(slope.argmin())
    return Steepest(max(0.0, float(slope[up])), up + span), Steepest(min(0.0, float(slope[down])), down + span)


def breaches(grid_w: Sequence[float] | Floats, step_s: float, up_w_s: float, down_w_s: float | None = None) -> int:
    """Steps in which values at ends of steps change faster than a limit; rounding of the values is let pass."""
    values = np.asarray(grid_w, np.float64)
    _known(values)
    slack = 1e-12 * float(np.abs(values).max(initial=0.0))
    down = up_w_s if down_w_s is None else down_w_s
    change = np.diff(values)
    return int(((change > up_w_s * step_s + slack) | (change < -down * step_s - slack)).sum())


__all__ = ["Limited", "Need", "Steepest", "breaches", "foreseen_power", "limited", "steepest", "step_need"]
