"""A pump or fan that loses its drive: how its flow runs down.

Equations (x speed and flow per rated, t_c time constant, f friction per rated torque)::

    dx/dt = -(x^2 + f)/t_c
    x(t)  = sqrt(f) tan(atan(x_0/sqrt(f)) - sqrt(f) t/t_c),   0 from t_c atan(x_0/sqrt(f))/sqrt(f) on
    mean  = t_c/(2 t) ln((x_0^2 + f)/(x(t)^2 + f))

The mean is that of the step, so that halving a step moves what is cooled by little. Once it stands, a check valve is
shut: nothing flows. Source: physics sheet, Corrections 1; t_c 1-3 s and f 0.03-0.1 are priors, no data sheet has them.
"""

from __future__ import annotations

from math import atan, log, sqrt, tan

from twin.core.jit import kernel

COAST_DOWN_S = 2.0
FRICTION = 0.05


@kernel
def coast_down(x0: float, dt: float, t_c: float, friction: float) -> tuple[float, float]:
    """Speed after ``dt`` s without drive, and the mean over them; all per rated."""
    if x0 <= 0.0:
        return 0.0, 0.0
    root = sqrt(friction)
    angle = atan(x0 / root) - root * dt / t_c
    x1 = root * tan(angle) if angle > 0.0 else 0.0
    return x1, 0.5 * t_c / dt * log((x0 * x0 + friction) / (x1 * x1 + friction))


__all__ = ["COAST_DOWN_S", "FRICTION", "coast_down"]
