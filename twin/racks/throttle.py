"""Racks that would get too hot draw less: the power that leaves the junction at its limit at the end of the step.

Equations per rack (``P`` AC power in W; ``T'`` node at the end of the step, linear in power and inlet)::

    T_j = T' + R P,   T' = T'(0) + B P              T' plate, body where air-cooled; R = junction rise / rated power
    P   = min(asked, max(floor, (T_lim - T'(0)) / (B + R)))

So a rack meets its limit within the step and stays at it from there on, whatever the step's length: short steps draw in
full until the limit is near, a long one draws what its inlet takes away. Hysteresis is left out: slowing down is a
control that holds a temperature, and no public figure says how it does. Below ``floor`` (powered on, without work)
nothing is slowed, and the temperature goes where it goes.

``B`` and ``dT'/d inlet`` are the same for all racks of a group. Source: the two-node step of ``twin.racks.kernel``.
"""

from __future__ import annotations

import numpy as np

from twin.core.jit import inner


@inner
def response_to_power(
    row: np.ndarray, m_pp: float, m_pb: float, m_bb: float, g_p: float, plate: bool, dt: float
) -> float:
    """``B``: kelvins of the watched node at the end of the step per watt of AC power."""
    s_l, s_b, c_p, c_b, g_pb, g_a = row[0], row[1], row[3], row[4], row[5], row[6]
    mean_p = m_pp * s_l + m_pb * s_b
    mean_b = m_pb * s_l + m_bb * s_b
    cross = g_pb * (mean_p - mean_b)
    return dt / c_p * (s_l - g_p * mean_p - cross) if plate else dt / c_b * (s_b - g_a * mean_b + cross)


@inner
def response_to_inlet(
    row: np.ndarray, m_pp: float, m_pb: float, m_bb: float, g_p: float, plate: bool, dt: float
) -> float:
    """Kelvins of the watched node at the end of the step per kelvin of its inlet (coolant, or air)."""
    c_p, c_b, g_pb, g_a = row[3], row[4], row[5], row[6]
    if plate:
        return dt / c_p * g_p * (1.0 - g_p * m_pp - g_pb * (m_pp - m_pb))
    return dt / c_b * g_a * (1.0 - g_a * m_bb + g_pb * (m_pb - m_bb))


@inner
def unpowered(
    t_p: float, t_b: float, row: np.ndarray, m_pp: float, m_pb: float, m_bb: float, g_p: float, x: float, a: float,
    plate: bool, dt: float,
) -> float:  # fmt: skip
    """``T'(0)``: the watched node (degC) at the end of a step without power, inlets ``x`` and ``a`` held."""
    c_p, c_b, g_pb, g_a = row[3], row[4], row[5], row[6]
    cross = g_pb * (t_p - t_b)
    f_p = -g_p * (t_p - x) - cross
    f_b = -g_a * (t_b - a) + cross
    mean_p = t_p + m_pp * f_p + m_pb * f_b
    mean_b = t_b + m_pb * f_p + m_bb * f_b
    between = g_pb * (mean_p - mean_b)
    if plate:
        return t_p + dt / c_p * (-g_p * (mean_p - x) - between)
    return t_b + dt / c_b * (-g_a * (mean_b - a) + between)


@inner
def held_power(
    p: np.ndarray, t_p: np.ndarray, t_b: np.ndarray, row: np.ndarray, m_pp: float, m_pb: float, m_bb: float, g_p: float,
    x: float, a: float, plate: bool, dt: float, limit: float, per_watt: float, floor: float, write: bool,
) -> tuple[float, int, int]:  # fmt: skip
    """Power of a group whose racks stay at or below ``limit``: (sum in W, racks at their limit, racks slowed).

    ``p`` (rack) holds what is asked for and, with ``write``, afterwards what is drawn; ``per_watt`` is ``B + R``. A
    rack that is slowed down to ``floor`` is not at its limit: its power does not answer the inlet.
    """
    total, free, slowed = 0.0, 0, 0
    for i in range(p.shape[0]):
        end = unpowered(t_p[i], t_b[i], row, m_pp, m_pb, m_bb, g_p, x, a, plate, dt)
        most = (limit - end) / per_watt
        power = p[i]
        if power > most and power > floor:
            slowed += 1
            free += 1 if most > floor else 0
            power = max(floor, most)
        total += power
        if write:
            p[i] = power
    return total, free, slowed


__all__ = ["held_power", "response_to_inlet", "response_to_power", "unpowered"]
