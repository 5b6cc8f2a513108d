"""Circuit breaker: a thermal element with memory, an instantaneous release, and a relay where it has one.

Equation (i current per rating, theta temperature rise per that at the rating, tau in s)::

    theta1 = i^2 + (theta0 - i^2) e^(-dt/tau)         trip at theta >= 1
    t      = tau ln((i^2 - theta0)/(i^2 - 1))         i > 1; theta0 = 0 cold, i0^2 after a long load i0

and at once at ``instantaneous`` times the rating. Continuous load up to 80 % of the rating unless the breaker is rated
for 100 % (NEC 210.20, 215.3). Valid for steady current between two instants; fault currents are not modelled.
Source: physics sheet 1.3; tau 9050 s is a fit to 135 % within 2 h (UL 489).
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.jit import kernel
from twin.core.params import Figure, Params, Quantity
from twin.core.units import KW
from twin.power.relay import CURVES, Curve


class Breaker(Params):
    """Parameters of one breaker; with a relay its curve acts beside the thermal element."""

    KIND: ClassVar[str] = "breaker"
    FOLDER: ClassVar[str] = "breakers"

    rated_kva: Annotated[Figure | None, Quantity("kVA", "rating as apparent power", gt=0, le=5_000_000)] = None
    rated_a: Annotated[Figure | None, Quantity("A", "rated current", gt=0, le=100_000)] = None
    voltage_v: Annotated[Figure | None, Quantity("V", "voltage between the lines", gt=0, le=1_000_000)] = None
    continuous_share: Annotated[Figure, Quantity("1", "continuous load per rating", gt=0, le=1)]
    tau_s: Annotated[Figure, Quantity("s", "time constant of the thermal element", gt=0, le=1e6)]
    instantaneous: Annotated[Figure, Quantity("1", "instantaneous release per rating", gt=1, le=100)]
    relay: Curve = Field("none", description="curve of its relay: none, iec-standard-inverse, ieee-very-inverse")
    relay_time: Annotated[Figure | None, Quantity("1", "TMS (IEC) or TD (IEEE)", gt=0, le=20)] = None
    relay_pickup: Annotated[Figure | None, Quantity("1", "pickup of the relay per rating", gt=0, le=10)] = None

    @model_validator(mode="after")
    def _one_rating(self) -> Breaker:
        amps = self.rated_a is not None and self.voltage_v is not None
        if amps == (self.rated_kva is not None) or (self.rated_a is None) != (self.voltage_v is None):
            raise PydanticCustomError("rating", "give either rated_kva, or rated_a together with voltage_v")
        if (self.relay != "none") != (self.relay_time is not None and self.relay_pickup is not None):
            raise PydanticCustomError("relay", "a relay needs relay_time and relay_pickup, and no relay neither")
        return self

    def rated_va(self) -> float:
        """Rating of one breaker, VA."""
        if self.rated_kva is not None:
            return self.rated_kva.value * KW
        assert self.rated_a is not None
        assert self.voltage_v is not None
        return math.sqrt(3.0) * self.voltage_v.value * self.rated_a.value

    def continuous_w(self, power_factor: float) -> float:
        """Continuous active power of one breaker, W."""
        return self.rated_va() * power_factor * self.continuous_share.value

    def relay_row(self) -> tuple[int, float, float]:
        """Code of the relay's curve, its time multiplier, its pickup per rating."""
        if self.relay_time is None or self.relay_pickup is None:
            return 0, 1.0, math.inf
        return CURVES.index(self.relay), self.relay_time.value, self.relay_pickup.value


@kernel
def thermal(theta: float, i: float, seconds: float, tau: float) -> float:
    """Temperature rise of the element after ``seconds`` at the current ``i`` per rating."""
    return i * i + (theta - i * i) * math.exp(-seconds / tau)


@kernel
def thermal_trip(theta: float, i: float, tau: float, instantaneous: float) -> float:
    """Seconds until the breaker trips at the steady current ``i`` per rating; inf where it does not."""
    if theta >= 1.0 or i >= instantaneous:
        return 0.0
    if i * i <= 1.0:
        return math.inf
    return tau * math.log((i * i - theta) / (i * i - 1.0))


__all__ = ["Breaker", "thermal", "thermal_trip"]
