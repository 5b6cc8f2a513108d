"""What one unit of the electrical path may carry: for ever (normal) and for a limited time (emergency).

Equations, per unit, with the site's power factor ``pf`` turning kVA into kW::

    normal    = min(limit of the device,               continuous_share x limit of the breaker)
    emergency = min(limit of the device x emergency,   limit of the breaker)

``emergency`` is the entry's ``emergency_share``, else the last row of its overload table. A breaker carries 80 % of its
rating for ever unless it is 100 %-rated (``continuous_share: 1``), NEC 210.20 and 215.3. What nobody states is NaN:
unknown, never fine.
"""

from __future__ import annotations

from math import inf

import numpy as np

from twin.core.params import Params
from twin.core.units import HOUR
from twin.power.breaker import Breaker, thermal_trip
from twin.power.loss import LossLaw
from twin.power.transformer import Transformer
from twin.power.ups import Ups

UNKNOWN = float("nan")


def limits_w(device: Params, breaker: Params | None, power_factor: float) -> tuple[float, float]:
    """``(normal, emergency)`` of one unit in W; NaN where nobody states it."""
    normal = limit_w(device, power_factor)
    emergency = normal * emergency_share(device)
    if isinstance(breaker, Breaker):
        # NumPy's minimum keeps NaN, Python's does not.
        normal = float(np.minimum(normal, breaker.continuous_w(power_factor)))
        emergency = float(np.minimum(emergency, breaker.rated_va() * power_factor))
    return normal, emergency


def limit_w(device: Params, power_factor: float) -> float:
    """Largest active output of one unit, W; NaN where its entry gives none."""
    return (device.limit_w(power_factor) or UNKNOWN) if isinstance(device, LossLaw | Transformer) else UNKNOWN


def emergency_share(device: Params) -> float:
    """Output for a limited time per rating; NaN where nobody states it."""
    if isinstance(device, LossLaw | Transformer) and device.emergency_share is not None:
        return device.emergency_share.value
    if isinstance(device, Ups) and device.overload_mains is not None:
        return device.overload_mains.load[-1]
    return UNKNOWN


def allowed_s(device: Params, breaker: Params | None, out_w: float, before_w: float, power_factor: float) -> float:
    """How long a unit carries ``out_w`` after a long time at ``before_w``, s; inf for ever, NaN where nobody says so.

    The least of its overload table or emergency rating and of the thermal element of its breaker.
    """
    load, times = out_w / limit_w(device, power_factor), [inf]
    if load > 1.0 + 1e-9:
        if isinstance(device, Ups) and device.overload_mains is not None:
            times.append(device.overload_mains.allowed_s(load))
        elif isinstance(device, LossLaw | Transformer) and device.emergency_h and load <= emergency_share(device):
            times.append(device.emergency_h.value * HOUR)
        else:
            times.append(UNKNOWN)
    if isinstance(breaker, Breaker):
        trip = breaker.rated_va() * power_factor
        theta = min(1.0, before_w / trip) ** 2
        times.append(float(thermal_trip(theta, out_w / trip, breaker.tau_s.value, breaker.instantaneous.value)))
    return float(np.minimum.reduce(times))


__all__ = ["UNKNOWN", "allowed_s", "emergency_share", "limit_w", "limits_w"]
