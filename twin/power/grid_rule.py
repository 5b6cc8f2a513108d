"""What a grid asks of a large load: ramps, voltage, frequency, power factor, recovery after a sag; figures by utility.

Equations of the checks in ``twin.power.ride_through`` and ``twin.power.ramp``; an entry holds figures only::

    |dP/dt| <= ramp_mw_min                            in normal operation
    P >= recovery_share P_before  within recovery_s   of V >= recovery_voltage_pu
    V in voltage_low_pu..voltage_high_pu              is ridden through without end, sag_pu for sag_s
    f in frequency_low_hz..frequency_high_hz          without end, outside it for frequency_outside_s, trip beyond

A figure that is not given is not asked for, or not known to be.
Source: each figure its own; most from CIGRE's survey of North American utilities on large electronic
loads, 2025.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.params import Figure, Params, Quantity

VoltageLow = Quantity("1", "lowest voltage that is ridden through without end, per unit", gt=0, le=1)
VoltageHigh = Quantity("1", "highest voltage that is ridden through without end, per unit", ge=1, le=2)


class GridRule(Params):
    """What one utility or operator asks of a large load."""

    KIND: ClassVar[str] = "grid_rule"
    FOLDER: ClassVar[str] = "grid_rules"

    status: str = Field("", description="in force, proposed, or a specification of one's own")
    threshold_mw: Annotated[Figure | None, Quantity("MW", "load from which it holds", ge=0, le=20_000)] = None
    ramp_mw_min: Annotated[Figure | None, Quantity("MW/min", "fastest change, up and down", gt=0, le=100_000)] = None
    voltage_step: Annotated[
        Figure | None, Quantity("1", "largest sudden change of voltage at the connection, per unit", gt=0, le=0.5)
    ] = None
    power_factor_min: Annotated[Figure | None, Quantity("1", "lowest power factor at the meter", gt=0.5, le=1)] = None
    power_factor_max: Annotated[Figure | None, Quantity("1", "highest power factor at the meter", gt=0.5, le=1)] = None
    distortion_max: Annotated[
        Figure | None, Quantity("1", "largest total harmonic distortion of the voltage", gt=0, le=1)
    ] = None
    voltage_low_pu: Annotated[Figure | None, VoltageLow] = None
    voltage_high_pu: Annotated[Figure | None, VoltageHigh] = None
    sag_pu: Annotated[Figure | None, Quantity("1", "voltage of a sag that is ridden through", ge=0, lt=1)] = None
    sag_s: Annotated[Figure | None, Quantity("s", "how long that sag lasts at most", gt=0, le=60)] = None
    recovery_share: Annotated[
        Figure | None, Quantity("1", "share of the load before the fault that is back", gt=0, le=1)
    ] = None
    recovery_s: Annotated[Figure | None, Quantity("s", "time after the voltage in which it is back", gt=0, le=3600)] = (
        None
    )
    recovery_voltage_pu: Annotated[
        Figure | None, Quantity("1", "voltage from which that time counts, per unit", gt=0, le=1)
    ] = None
    frequency_low_hz: Annotated[Figure | None, Quantity("Hz", "lowest frequency without end", gt=40, le=60)] = None
    frequency_high_hz: Annotated[Figure | None, Quantity("Hz", "highest frequency without end", ge=50, le=70)] = None
    frequency_outside_s: Annotated[
        Figure | None, Quantity("s", "how long frequencies between that band and a trip last", gt=0, le=3600)
    ] = None
    frequency_trip_low_hz: Annotated[
        Figure | None, Quantity("Hz", "frequency below which the load may trip", gt=40, le=60)
    ] = None
    frequency_trip_high_hz: Annotated[
        Figure | None, Quantity("Hz", "frequency above which the load may trip", ge=50, le=70)
    ] = None
    band_share: Annotated[
        Figure | None, Quantity("1", "largest share of the swings' energy in the critical band", gt=0, le=1)
    ] = None
    band_low_hz: Annotated[Figure | None, Quantity("Hz", "lower end of the critical band", gt=0, le=1000)] = None
    band_high_hz: Annotated[Figure | None, Quantity("Hz", "upper end of the critical band", gt=0, le=1000)] = None

    @model_validator(mode="after")
    def _whole(self) -> GridRule:
        together = (
            ("sag_pu", "sag_s"),
            ("recovery_share", "recovery_s", "recovery_voltage_pu"),
            ("voltage_low_pu", "voltage_high_pu"),
            ("frequency_low_hz", "frequency_high_hz"),
            ("band_share", "band_low_hz", "band_high_hz"),
        )
        for keys in together:
            given = [getattr(self, key) is not None for key in keys]
            if any(given) and not all(given):
                raise PydanticCustomError("rule", "{keys} go together: give all or none", {"keys": " and ".join(keys)})
        return self


__all__ = ["GridRule"]
