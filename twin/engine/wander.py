"""The racks' wander: a piecewise-linear noise between knots, the same for every step length, block and thread.

A step inside one knot interval interpolates at its middle; a step across knots takes the exact mean, each knot
weighted by the integral of its hat function over the step.
"""

from __future__ import annotations

import numpy as np

from twin.core.columns import Group
from twin.core.jit import inner
from twin.engine.arrays import State
from twin.racks.kernel import KNOT_S, fill_noise
from twin.site.plan import Arrays

NOISE = int(Group.NOISE)


@inner
def _hat_integral(k: int, t0: float, t1: float) -> float:
    centre = float(k) * KNOT_S
    total = 0.0
    lo, hi = max(t0, centre - KNOT_S), min(t1, centre)
    if hi > lo:
        total += (hi - lo) * (1.0 - (centre - 0.5 * (lo + hi)) / KNOT_S)
    lo, hi = max(t0, centre), min(t1, centre + KNOT_S)
    if hi > lo:
        total += (hi - lo) * (1.0 - (0.5 * (lo + hi) - centre) / KNOT_S)
    return total


@inner
def mean_wander(
    za: np.ndarray, zb: np.ndarray, first: int, scale: float, seed: int, t0: float, t1: float, k0: int, k1: int
) -> None:
    """Write the wander's mean from ``t0`` to ``t1`` (s), between the knots ``k0 .. k1 + 1``, to both arrays."""
    for i in range(za.shape[0]):
        za[i] = 0.0
    for k in range(k0, k1 + 2):
        # Weight of knot k: the integral of its hat function over the step.
        weight = _hat_integral(k, t0, t1) / (t1 - t0)
        fill_noise(zb, first, scale * weight, seed, k)
        for i in range(za.shape[0]):
            za[i] += zb[i]
    for i in range(za.shape[0]):
        zb[i] = za[i]


@inner
def wander(a: Arrays, state: State, island: int, seed: int, t0: float, t1: float) -> float:
    """Prepare the racks' wander for a step and return the interpolation weight of its middle.

    The wander is piecewise linear between knots every ``KNOT_S`` seconds; a step across knots takes its exact mean.
    """
    k0 = int(np.floor(t0 / KNOT_S))
    k1 = int(np.floor((t1 - 1e-6) / KNOT_S))
    key = k0 if k0 == k1 else -2 - k0
    fresh = state.knot[island] != key
    state.knot[island] = key
    for n in range(a.island_ptr[island], a.island_ptr[island + 1]):
        h = a.island_hall[n]
        for g in range(a.hall_group[h], a.hall_group[h + 1]):
            scale = a.group[g, NOISE]
            if scale == 0.0:
                continue
            i, j = a.group_rack[g], a.group_rack[g + 1]
            za, zb = state.noise_a[i:j], state.noise_b[i:j]
            if k0 == k1:
                if fresh:
                    fill_noise(za, i, scale, seed, k0)
                    fill_noise(zb, i, scale, seed, k0 + 1)
            else:
                mean_wander(za, zb, i, scale, seed, t0, t1, k0, k1)
    return 0.5 * (t0 + t1) / KNOT_S - k0 if k0 == k1 else 0.0
