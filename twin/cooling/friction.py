"""Pressure lost in a pipe: Darcy and Weisbach with the friction factor of Colebrook and White.

Equations (v mean velocity, d inner diameter, e roughness, K sum of the fittings' loss coefficients)::

    dp = (f L/d + K) rho v^2/2,   Re = rho v d/mu
    f  = 64/Re                                                            Re <= 2300
    1/sqrt(f) = -2 log10(e/(3.7 d) + 2.51/(Re sqrt(f)))                   Re >= 4000; between them in a line

Units SI. Range: liquids that fill the pipe. Source: Colebrook, J. Inst. Civ. Eng. 11, 1939; physics sheet, V14.
"""

from __future__ import annotations

from math import log10, pi, sqrt

LAMINAR, TURBULENT = 2300.0, 4000.0
# Drawn or welded steel, somewhat used (estimate).
ROUGHNESS_M = 45e-6


def friction_factor(reynolds: float, roughness: float) -> float:
    """Darcy's factor at a Reynolds number > 0; ``roughness`` per diameter, 0..0.05."""
    if reynolds <= LAMINAR:
        return 64.0 / reynolds
    if reynolds < TURBULENT:
        low, high = friction_factor(LAMINAR, roughness), friction_factor(TURBULENT, roughness)
        return low + (high - low) * (reynolds - LAMINAR) / (TURBULENT - LAMINAR)
    x = 7.0  # 1/sqrt(f); the map shrinks errors some tenfold a pass
    for _ in range(20):
        x = -2.0 * log10(roughness / 3.7 + 2.51 * x / reynolds)
    return 1.0 / (x * x)


def pipe_drop(flow: float, diameter: float, length: float, density: float, viscosity: float, *,
              roughness: float = ROUGHNESS_M, fittings: float = 0.0) -> tuple[float, float]:  # fmt: skip
    """Pressure lost in Pa, and mean velocity in m/s, of ``flow`` m3/s > 0."""
    velocity = flow / (0.25 * pi * diameter * diameter)
    factor = friction_factor(density * velocity * diameter / viscosity, roughness / diameter)
    return (factor * length / diameter + fittings) * 0.5 * density * velocity * velocity, velocity


def diameter_for(drop: float, flow: float, length: float, density: float, viscosity: float) -> float:
    """Inner diameter in m of a pipe without fittings that loses ``drop`` Pa, found between 1 mm and 10 m."""
    low, high = 1e-3, 10.0
    for _ in range(60):
        middle = sqrt(low * high)
        if pipe_drop(flow, middle, length, density, viscosity)[0] > drop:
            low = middle
        else:
            high = middle
    return high


__all__ = ["ROUGHNESS_M", "diameter_for", "friction_factor", "pipe_drop"]
