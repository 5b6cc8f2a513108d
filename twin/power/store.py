"""Stores: UPS battery, rack BBU, BESS, supercapacitor shelf.

Equation (E energy stored in J, P power at the terminals in W; charging and discharging efficiency)::

    P_dis = min(P_req, P_max, eta_d (E - E_min)/dt)        P_ch = min(P_req, P_max, (E_max - E)/(eta_c dt))
    E1    = E + (eta_c P_ch - P_dis/eta_d) dt              cannot pass E_min or E_max; the ledger is exact
    empty after t = (E - E_min) eta_d / P                  E_max = E_new (1 - k_cal years - k_cyc cycles)

Recharge at a limited power: ``recharge_ratio`` times as long as a discharge at rated power. A cycle is one full
discharge. Valid for 0 <= E_min <= E <= E_max. Source: physics sheet 7.1 rule 8; fade linear in age and in cycles is a
prior per entry, not a law of the chemistry.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from twin.core.params import Figure, Params, Quantity, Share
from twin.core.units import KW

KWH = 3.6e6


class Store(Params):
    """Parameters of one store."""

    KIND: ClassVar[str] = "store"
    FOLDER: ClassVar[str] = "stores"

    form: Literal["ups-battery", "rack-bbu", "bess", "supercapacitor"] = Field(description="what it is and where")
    power_kw: Annotated[Figure, Quantity("kW", "rated discharge at the terminals", gt=0, le=2_000_000)]
    energy_kwh: Annotated[Figure, Quantity("kWh", "energy stored when new and full", gt=0, le=20_000_000)]
    minimum_soc: Annotated[Share, Quantity("1", "state of charge that is left in it", ge=0, lt=1)]
    charge_efficiency: Annotated[Figure, Quantity("1", "stored per power taken", gt=0.5, le=1)]
    discharge_efficiency: Annotated[Figure, Quantity("1", "delivered per energy taken out", gt=0.5, le=1)]
    start_s: Annotated[Figure, Quantity("s", "from the loss of the input until it carries", ge=0, le=60)]
    pulse_share: Annotated[Figure, Quantity("1", "largest power per rated power", ge=1, le=10)]
    pulse_s: Annotated[Figure, Quantity("s", "how long more than the rated power", ge=0, le=3600)]
    recharge_ratio: Annotated[Figure, Quantity("1", "recharge per discharge at rated power", gt=0, le=100)]
    calendar_fade: Annotated[Figure, Quantity("1/year", "capacity lost per year of age", ge=0, le=0.5)]
    cycle_fade: Annotated[Figure, Quantity("1", "capacity lost per full cycle", ge=0, le=0.01)]

    def health(self, years: float, cycles: float) -> float:
        """State of health: energy that can be stored per that when new, 0..1."""
        return max(0.0, 1.0 - self.calendar_fade.value * years - self.cycle_fade.value * cycles)

    def full_j(self, health: float = 1.0) -> float:
        """Energy stored when full, J."""
        return self.energy_kwh.value * KWH * health

    def usable_j(self, health: float = 1.0) -> float:
        """Energy at the terminals from full to the minimum, J."""
        return self.full_j(health) * (1.0 - self.minimum_soc.value) * self.discharge_efficiency.value

    def autonomy_s(self, power_w: float, health: float = 1.0) -> float:
        """How long a full store carries ``power_w``, s."""
        return self.usable_j(health) / power_w if power_w > 0.0 else math.inf

    def recharge_w(self) -> float:
        """Power taken as it recharges, W."""
        eta = self.charge_efficiency.value * self.discharge_efficiency.value
        return self.power_kw.value * KW / (eta * self.recharge_ratio.value)


class Step(NamedTuple):
    """A step of a store: power given and taken at the terminals (W), energy at its end (J)."""

    discharged: float
    charged: float
    energy: float


def step(
    energy: float, request_w: float, seconds: float, *, least: float, most: float, power_w: float, eta_c: float,
    eta_d: float,
) -> Step:  # fmt: skip
    """Rule 8 over ``seconds``: ``request_w`` above 0 discharges, below 0 charges; energies in J."""
    if request_w >= 0.0:
        given = min(request_w, power_w, eta_d * max(0.0, energy - least) / seconds)
        return Step(given, 0.0, max(min(least, energy), energy - given / eta_d * seconds))
    taken = min(-request_w, power_w, max(0.0, most - energy) / (eta_c * seconds))
    return Step(0.0, taken, min(max(most, energy), energy + eta_c * taken * seconds))


__all__ = ["Step", "Store", "step"]
