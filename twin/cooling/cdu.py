"""Coolant distribution unit: a counterflow exchanger between facility water and the racks' loop, with its pumps.

Equations::

    duty limit  = min(flow limit, eps-NTU at the present facility supply)
    UA          = from the approach at the rated duty and flows, then with both flows (``twin.cooling.exchanger``)
    P_pump      = V dp / eta,   dp = dp_fixed + (dp_rated - dp_fixed)(V/V_rated)^2

The pump power goes into the coolant as heat and is never a share of the duty. Flow follows the racks' present power:
``V = max(V_min, min(V_rated, V_per_kW P))``, with a lag ``tau``, and is never more than the pumps that run can give
(``twin.cooling.pump_curve``).
Source: NVIDIA CDU self-qualification guideline DA-12515 (approach, external head), as quoted in the physics sheet.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from twin.cooling.pump_curve import Pumps
from twin.core.params import Figure, Params, Quantity, Share


class Cdu(Params):
    """Parameters of one CDU."""

    KIND: ClassVar[str] = "cdu"
    FOLDER: ClassVar[str] = "cdus"

    rated_kw: Annotated[Figure, Quantity("kW", "duty at the rated flows and approach", gt=0, le=20_000)]
    approach_k: Annotated[Figure, Quantity("K", "secondary supply minus facility supply at rated duty", gt=0.5, le=20)]
    secondary_flow_lpm: Annotated[Figure, Quantity("L/min", "largest flow to the racks", gt=0, le=100_000)]
    primary_flow_lpm: Annotated[Figure, Quantity("L/min", "largest facility-water flow", gt=0, le=100_000)]
    minimum_flow_share: Annotated[Share, Quantity("1", "lowest pump flow per rated flow", ge=0.02, le=1)]
    external_head_kpa: Annotated[Figure, Quantity("kPa", "secondary head at rated flow", gt=0, le=2000)]
    fixed_head_share: Annotated[Share, Quantity("1", "part of the head that does not fall with flow", ge=0, le=1)]
    pump_efficiency: Annotated[Share, Quantity("1", "wire to water", gt=0.05, le=0.95)]
    loop_volume_l_kw: Annotated[Figure, Quantity("L/kW", "manifold volume per rated kW, supply + return", gt=0, le=50)]
    flow_lag_s: Annotated[Figure, Quantity("s", "time constant of the pump speed", ge=0, le=600)]
    pumps: Pumps | None = Field(None, description="its pumps by their curve; without them they stand or run together")
