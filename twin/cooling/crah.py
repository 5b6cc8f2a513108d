"""Computer-room air handler or fan wall: a chilled-water coil and a variable-speed fan.

Equations: coil by counterflow eps-NTU (several rows in counterflow), UA with both flows; fan
``P = P_r max(0, -0.00932 + 0.05123 x - 0.08384 x^2 + 1.04192 x^3)`` with ``x`` the flow fraction, never below the
floor. The fan power goes into the air. Airflow follows the racks' present heat at their design rise.
Source: fan curve of the EnergyPlus engineering reference; need of 150 cfm/kW from the DSX facilities guide.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from twin.core.params import Figure, Params, Quantity, Share

FAN_CURVE = (-0.00932, 0.05123, -0.08384, 1.04192)


class Crah(Params):
    """Parameters of one CRAH or fan-wall section."""

    KIND: ClassVar[str] = "crah"
    FOLDER: ClassVar[str] = "crahs"

    rated_kw: Annotated[Figure, Quantity("kW", "coil duty at the rated flows and approach", gt=0, le=5000)]
    airflow_m3_s: Annotated[Figure, Quantity("m3/s", "rated airflow", gt=0, le=500)]
    water_flow_lpm: Annotated[Figure, Quantity("L/min", "largest water flow", gt=0, le=20_000)]
    approach_k: Annotated[Figure, Quantity("K", "supply air minus supply water at rated duty", gt=0.5, le=20)]
    fan_kw: Annotated[Figure, Quantity("kW", "fan power at rated airflow", ge=0, le=1000)]
    minimum_speed: Annotated[Share, Quantity("1", "lowest fan speed", ge=0.05, le=1)]
    flow_lag_s: Annotated[Figure, Quantity("s", "time constant of the fan speed", ge=0, le=600)]
