"""How far power wanders about its mean: a site's or pool's sum over any averaging window, and the lag behind a step.

Equations (phi = exp(-1 s/memory), k samples of 1 s in the window, sd of a 1 s reading)::

    Var(mean of k) = sd^2 [ (1 + phi)/(1 - phi) - 2 phi (1 - phi^k) / (k (1 - phi)^2) ] / k        AR(1)
    Cov(mean, next mean) = sd^2 phi ((1 - phi^k)/(1 - phi))^2 / k^2
    SD(sum)^2 = sum over pools of groups * (systems per group * W per system)^2 * sum of parts' variance

Groups are independent (replicas of their own), what is in one group moves in lock-step: n systems of one group add up n
times, n groups sqrt(n) times. Valid for windows >= 1 s, the meter's window; a shorter one counts as 1 s.

Source: Box, Jenkins, Reinsel, *Time Series Analysis*, section 3.2 (AR(1)); the parts are fitted to the correlation at
1-20 s of two logs of MLPerf Inference v5.1, closed division, Lenovo (b200x8 entries): SDs over 60 and 300 s follow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SAMPLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """An AR(1) part: SD of 1 s readings (any unit; of a draw a share of its power), memory in s (0: white)."""

    sd: float
    memory_s: float


@dataclass(frozen=True, slots=True)
class Wandering:
    """A pool's contribution to a sum: W of one system, systems that move in lock-step, independent groups, parts."""

    system_w: float
    systems_per_group: float
    groups: float
    parts: tuple[Part, ...]


def averaged(part: Part, window_s: float) -> tuple[float, float]:
    """SD of means over ``window_s`` and the correlation of one mean with the next: an AR(1) for steps of that length.

    A white part has no correlation. The exact process of window means is ARMA(1, 1); the AR(1) with the same two
    numbers keeps the SD and the first correlation.
    """
    k = max(window_s / SAMPLE_S, 1.0)
    if part.memory_s <= 0.0:
        return part.sd / math.sqrt(k), 0.0
    phi = math.exp(-SAMPLE_S / part.memory_s)
    decayed = -math.expm1(-k * SAMPLE_S / part.memory_s)  # 1 - phi^k
    rest = -math.expm1(-SAMPLE_S / part.memory_s)  # 1 - phi
    share = ((1.0 + phi) / rest - 2.0 * phi * decayed / (k * rest**2)) / k
    next_share = phi * (decayed / rest) ** 2 / k**2
    share = max(share, 0.0)
    return part.sd * math.sqrt(share), (next_share / share if share > 0.0 else 0.0)


def sum_sd_w(pools: Iterable[Wandering], window_s: float) -> float:
    """SD in W of the sum of all pools, averaged over ``window_s``."""
    variance = 0.0
    for pool in pools:
        group_w = pool.system_w * pool.systems_per_group
        variance += pool.groups * group_w**2 * sum(averaged(part, window_s)[0] ** 2 for part in pool.parts)
    return math.sqrt(variance)


def lagged_w(before_w: float, target_w: float, step_s: float, lag_s: float) -> tuple[float, float]:
    """Power at the end of a step and its mean over the step, first-order behind a constant target."""
    if lag_s <= 0.0:
        return target_w, target_w
    x = step_s / lag_s
    left = math.exp(-x)
    mean_left = -math.expm1(-x) / x if x > 0.0 else 1.0
    return target_w + (before_w - target_w) * left, target_w + (before_w - target_w) * mean_left


__all__ = ["Part", "Wandering", "averaged", "lagged_w", "sum_sd_w"]
