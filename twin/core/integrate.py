"""Exponential integrators: exact for inputs held over a step, stable for any step.

Equations (z = G dt / C)::

    phi1(z) = (1 - e^{-z})/z,  phi2(z) = (1 - phi1(z))/z;   1 and 1/2 at z = 0
    flow tank:  T_mean = T_in (1 - phi1) + T0 phi1,  T1 = T0 + z (T_in - T_mean)
    two nodes:  T_mean = T0 + dt phi2(dt C^-1 K) C^-1 f(T0)

The end value is written from the mean flux, so that ``C (T1 - T0) = dt (in - out)`` holds in floating point.
Source: exponential time differencing, first order (Cox and Matthews, J. Comput. Phys. 176, 2002).
"""

from __future__ import annotations

from math import expm1, sqrt

from twin.core.jit import kernel


@kernel
def phi1(z: float) -> float:
    """``(1 - e^{-z})/z`` for z >= 0."""
    if z < 1e-8:
        return 1.0 - 0.5 * z
    return -expm1(-z) / z


@kernel
def phi2(z: float) -> float:
    """``(1 - phi1(z))/z`` for z >= 0; a series below 1e-3, where the difference would lose digits."""
    if z < 1e-3:
        return 0.5 - z * (1.0 / 6.0 - z * (1.0 / 24.0 - z / 120.0))
    return (1.0 + expm1(-z) / z) / z


@kernel
def two_nodes(dt: float, c_p: float, c_b: float, g_p: float, g_b: float, g_pb: float) -> tuple[float, float, float]:
    """Mean-response matrix (K/W) of two coupled nodes: ``T_mean - T0 = [[pp, pb], [pb, bb]] f(T0)``.

    ``c_p, c_b`` heat capacities (J/K), ``g_p, g_b`` conductances to the surroundings, ``g_pb`` between the nodes (W/K).
    The symmetrised matrix is turned to its axes by one Jacobi rotation, which is stable for equal eigenvalues too.
    """
    a = (g_p + g_pb) / c_p * dt
    d = (g_b + g_pb) / c_b * dt
    root = sqrt(c_p * c_b)
    if g_pb == 0.0:
        return dt * phi2(a) / c_p, 0.0, dt * phi2(d) / c_b
    b = -g_pb / root * dt
    tau = (d - a) / (2.0 * b)
    t = 1.0 / (tau + sqrt(1.0 + tau * tau)) if tau >= 0.0 else -1.0 / (-tau + sqrt(1.0 + tau * tau))
    c2 = 1.0 / (1.0 + t * t)
    s2 = 1.0 - c2
    # The smaller eigenvalue may come out as -1e-17 when the system is isolated.
    f1 = phi2(max(0.0, a - t * b))
    f2 = phi2(max(0.0, d + t * b))
    return (
        dt * (c2 * f1 + s2 * f2) / c_p,
        dt * t * c2 * (f2 - f1) / root,
        dt * (s2 * f1 + c2 * f2) / c_b,
    )
