"""Inverse-time overcurrent relays.

Equation (M current per pickup, above 1)::

    IEC standard inverse    t = TMS 0.14 / (M^0.02 - 1)
    IEEE very inverse       t = TD (19.61 / (M^2 - 1) + 0.491)

A current that changes uses the time up in parts, ``dR/dt = 1/t(M)``, trip at R >= 1; below the pickup the relay resets
at once, as numerical relays are set to do. t in s. Valid for 1 < M <= 20, as the curves are; held beyond.
Source: IEC 60255-151 and IEEE C37.112, coefficients as in the physics sheet 1.3.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

from twin.core.jit import kernel

Curve = Literal["none", "iec-standard-inverse", "ieee-very-inverse"]
CURVES: tuple[str, ...] = get_args(Curve)
LARGEST = 20.0


@kernel
def relay_time(curve: int, multiplier: float, m: float) -> float:
    """Seconds to trip at the steady current ``m`` per pickup by the curve (index of :data:`CURVES`); inf: never."""
    if curve == 0 or m <= 1.0:
        return math.inf
    m = min(m, LARGEST)
    if curve == 1:
        return float(multiplier * 0.14 / (m**0.02 - 1.0))
    return float(multiplier * (19.61 / (m * m - 1.0) + 0.491))


__all__ = ["CURVES", "Curve", "relay_time"]
