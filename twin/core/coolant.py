"""Coolants: density, heat capacity and viscosity of water and 25 % propylene glycol at a loop's reference temperature.

Equations: ``rho(T) = r0 + r1 T + r2 T^2`` in kg/m3, ``cp(T) = c0 + c1 T + c2 T^2`` in J/(kg K) and
``mu(T) = exp(m0 + m1 T + m2 T^2 + m3 T^3)`` in Pa s, T in degC.
Valid range: 5..60 degC, where the fits stay within 0.03 % (density), 0.09 % (heat capacity) and 0.2 % (viscosity).
of the source. Source: least squares on CoolProp 8.0.0 (water at 2 bar; MPG 25 % by mass), checked by the oracle tests.
"""

from __future__ import annotations

from math import exp
from typing import Final, Literal

Coolant = Literal["water", "pg25"]

# rows: r0, r1, r2, c0, c1, c2
FITS: Final[dict[str, tuple[float, float, float, float, float, float]]] = {
    "water": (1000.51, -0.0316752, -0.00431906, 4208.16, -1.54646, 0.0198615),
    "pg25": (1026.09, -0.283323, -0.00300271, 3871.75, 2.45848, -0.000940834),
}

# rows: m0, m1, m2, m3
VISCOSITY: Final[dict[str, tuple[float, float, float, float]]] = {
    "water": (-6.33181, -0.0332641, 0.000250859, -1.14751e-06),
    "pg25": (-5.20027, -0.047241, 0.000354581, -1.29437e-06),
}


def density(coolant: str, t_c: float) -> float:
    """Density in kg/m3 at ``t_c`` degC."""
    r0, r1, r2, *_ = FITS[coolant]
    return r0 + t_c * (r1 + t_c * r2)


def heat_capacity(coolant: str, t_c: float) -> float:
    """Specific heat capacity in J/(kg K) at ``t_c`` degC."""
    *_, c0, c1, c2 = FITS[coolant]
    return c0 + t_c * (c1 + t_c * c2)


def capacity_rate(coolant: str, t_c: float, flow_m3_s: float) -> float:
    """Heat capacity rate ``rho V cp`` in W/K of a volume flow in m3/s."""
    return density(coolant, t_c) * heat_capacity(coolant, t_c) * flow_m3_s


def viscosity(coolant: str, t_c: float) -> float:
    """Dynamic viscosity in Pa s at ``t_c`` degC."""
    m0, m1, m2, m3 = VISCOSITY[coolant]
    return exp(m0 + t_c * (m1 + t_c * (m2 + t_c * m3)))
