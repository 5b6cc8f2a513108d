"""The rack loop: utilisation, power and the two thermal nodes of every rack, one group of equal racks at a time.

Equations per rack (``u`` utilisation, ``P`` AC power in W, ``x`` coolant and ``a`` air inlet in degC, step means)::

    u   = clip(c (1 + offset + wander), 0, 1)
    P   = p0 + u (p1 + u p2)
    f_p = s_l P - G_p (T_p - x) - G_pb (T_p - T_b)
    f_b = s_b P - G_a (T_b - a) - G_pb (T_b - T_p)
    Tm  = T + M f                                    (M from ``twin.core.integrate.two_nodes``)
    q_l = G_p (Tm_p - x),  q_a = G_a (Tm_b - a),  q_pb = G_pb (Tm_p - Tm_b)
    T_p' = T_p + dt/C_p (s_l P - q_l - q_pb),  T_b' = T_b + dt/C_b (s_b P - q_a + q_pb)

All coefficients are scalars of the group, so a rack costs memory traffic only. The loops are written so that LLVM
vectorises them: local slices, no maximum as a reduction (the running maximum is elementwise), sums reassociated.
"""

from __future__ import annotations

import numpy as np

from twin.core.jit import fused, kernel

KNOT_S = 900
# Two summed uniforms in -1..1 have variance 2/3.
UNIT = 1.224744871391589


@kernel
def _hash(seed: np.uint64, index: np.uint64, knot: np.uint64) -> np.uint64:
    """SplitMix64 of (seed, index, knot): a counter-based generator, the same in any order and on any thread."""
    x = seed ^ (index * np.uint64(0x9E3779B97F4A7C15)) ^ (knot * np.uint64(0xD1B54A32D192ED03))
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel
def fill_noise(out: np.ndarray, first: int, scale: float, seed: int, knot: int) -> None:
    """Write noise of zero mean and standard deviation ``scale`` for racks ``first ..`` at a knot of the wander."""
    factor = scale * UNIT / 2147483648.0
    s, k = np.uint64(seed), np.uint64(knot + (1 << 40))
    for i in range(out.shape[0]):
        h = _hash(s, np.uint64(first + i), k)
        low = np.int64(h & np.uint64(0xFFFFFFFF)) - 2147483648
        high = np.int64(h >> np.uint64(32)) - 2147483648
        out[i] = factor * np.float64(low + high)


@fused
def power_pass(
    p: np.ndarray,
    offset: np.ndarray,
    z0: np.ndarray,
    z1: np.ndarray,
    f: float,
    curve: float,
    p0: float,
    p1: float,
    p2: float,
) -> tuple[float, float]:
    """Fill the AC power of a group of racks (W); returns its sum and the sum of utilisations."""
    total = 0.0
    used = 0.0
    for i in range(p.shape[0]):
        u = curve * (1.0 + offset[i] + z0[i] + f * (z1[i] - z0[i]))
        u = min(1.0, max(0.0, u))
        power = p0 + u * (p1 + u * p2)
        p[i] = power
        total += power
        used += u
    return total, used


@fused
def heat_pass(
    p: np.ndarray,
    t_p: np.ndarray,
    t_b: np.ndarray,
    row: np.ndarray,
    m_pp: float,
    m_pb: float,
    m_bb: float,
    g_p: float,
    x: float,
    a: float,
    dt: float,
) -> tuple[float, float, float, float]:
    """Step both nodes of a group; returns sums of liquid heat, air heat (W), and of the new plate and body (degC)."""
    s_l, s_b, s_a, c_p, c_b, g_pb, g_a = row[0], row[1], row[2], row[3], row[4], row[5], row[6]
    r_p, r_b = dt / c_p, dt / c_b
    liquid = 0.0
    air = 0.0
    sum_p = 0.0
    sum_b = 0.0
    for i in range(p.shape[0]):
        tp, tb, power = t_p[i], t_b[i], p[i]
        cross = g_pb * (tp - tb)
        f_p = s_l * power - g_p * (tp - x) - cross
        f_b = s_b * power - g_a * (tb - a) + cross
        mean_p = tp + m_pp * f_p + m_pb * f_b
        mean_b = tb + m_pb * f_p + m_bb * f_b
        q_l = g_p * (mean_p - x)
        q_a = g_a * (mean_b - a)
        q_pb = g_pb * (mean_p - mean_b)
        tp += r_p * (s_l * power - q_l - q_pb)
        tb += r_b * (s_b * power - q_a + q_pb)
        t_p[i] = tp
        t_b[i] = tb
        liquid += q_l
        air += q_a + s_a * power
        sum_p += tp
        sum_b += tb
    return liquid, air, sum_p, sum_b


@fused
def running_max(peak: np.ndarray, t: np.ndarray) -> None:
    """Elementwise running maximum."""
    for i in range(peak.shape[0]):
        peak[i] = max(peak[i], t[i])
