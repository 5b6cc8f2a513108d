"""Exact means of hourly readings over steps of any length.

A signal is linear between its readings at the whole hours. Its mean over a step [a, b] (hours) is

    mean = ( rest of a's hour + sum of the trapezoids between + begun part of b's hour ) / (b - a)

where each part is its width times the value at its middle. Steps of a second, of an hour and of a month
therefore agree: the mean of the means of a split step is the mean of the step. Every step is placed and
summed on its own, so that its mean does not depend, not even in the last bit, on the other steps asked for at
the same time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Hours = NDArray[np.int64]
HOUR_S = 3600.0


def step_means(readings: Floats, first_hour: int, start_s: Floats, end_s: Floats) -> Floats:
    """Means over the steps ``start_s``..``end_s`` (n, seconds, start <= end).

    ``readings`` (m) hold the values at the instants ``first_hour``, ``first_hour + 1``, ... in hours, from at
    or before the first start until after the last end. Returns (n,) in the unit of the readings; a step
    without length gives the value at its instant. The work grows with n and the hours covered when the steps
    ascend.
    """
    first, from_x = _place(start_s, first_hour)
    end, to_x = _place(end_s, first_hour)
    rise = np.diff(readings)

    inside = readings[first] + rise[first] * (from_x + to_x) * 0.5
    rest = (1.0 - from_x) * (readings[first] + rise[first] * (from_x + 1.0) * 0.5)
    begun = to_x * (readings[end] + rise[end] * to_x * 0.5)
    between = np.where(end > first + 1, _sums(readings, first + 1, end), 0.0)
    length = (1.0 - from_x) + (end - first - 1) + to_x
    same = first == end
    return np.where(same, inside, (rest + between + begun) / np.where(same, 1.0, length))


def _place(moment_s: Floats, first_hour: int) -> tuple[Hours, Floats]:
    """Index of the reading at or before each moment, and the part 0..1 of the hour gone since."""
    hour = np.floor(moment_s / HOUR_S)
    return hour.astype(np.int64) - first_hour, (moment_s - hour * HOUR_S) / HOUR_S


def _sums(readings: Floats, first: Hours, end: Hours) -> Floats:
    """Sum of the trapezoids of hours ``first``..``end`` (exclusive); meaningless where ``end <= first``."""
    trapezoids = np.append(0.5 * (readings[:-1] + readings[1:]), 0.0)
    pairs = np.column_stack((first, end)).ravel()
    return np.add.reduceat(trapezoids, pairs)[::2]
