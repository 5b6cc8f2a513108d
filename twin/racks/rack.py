"""A rack of any technology: power at the AC input against utilisation, and two thermal nodes.

Every rack differs by coefficients, never by a branch in the loop.

Equations::

    P_dc(u) = P_idle + (P_rated - P_idle) u                      u in 0..1
    P_ac    = P_dc                        when the rating plane is the AC input
    P_ac    = psu_n(... psu_1(P_dc) ...)  when it is the DC bus: each conversion stage adds its loss once, and a load
                                          that joins behind a stage (network switches) is added there
    heat    = P_ac, split: liquid_share to the plate, body_share to the body, the rest straight to the air stream

Nodes: the *plate* (cold plate and what sits on it) meets the coolant; the *body* hangs either on the plate (chassis
mass of a wafer-scale system) or in the air stream (server mass of an air-cooled tray), never on both. The junction
stands above the plate (above the body of an air-cooled rack) by a rise that is proportional to power::

    T_j = T_watched + junction_rise_k P/P_rated,   T_j <= throttle_c: a rack that would exceed it draws less

With the plate that is ``R = R_cond + R_conv (w_rated/w)^n``: the rise does not hang on the flow, the plate's UA does.

Source: facts on CS-3, NVL72 and DGX as stated per figure in the library entry; network after Corrections 3 of the
physics sheet (body on plate).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from twin.core.ashrae import AirName
from twin.core.coolant import Coolant
from twin.core.params import Figure, Frozen, Params, Quantity, Share


class Conversion(Frozen):
    """One conversion stage between the DC load and the AC input, in order from the load upward."""

    device: str = Field(description="library id of a psu")
    count: int = Field(ge=1, le=100_000, description="devices in parallel in one rack, sharing equally")
    added_load_kw: Annotated[Figure | None, Quantity("kW", "load joining behind this stage", ge=0, le=5000)] = None


class RackStore(Frozen):
    """Stores inside a rack or its power shelves: they carry it when its cords are dead, or smooth what it draws."""

    device: str = Field(description="library id of a store: a battery module, the supercapacitors of a shelf")
    count: int = Field(1, ge=1, le=1000, description="of them in one rack, sharing equally")


class LeastFlow(Frozen):
    """A point of the least coolant flow against the temperature of the inlet."""

    inlet_c: Annotated[float, Quantity("degC", "coolant inlet", ge=0, le=90)]
    lpm_kw: Annotated[Figure, Quantity("L/(min kW)", "least flow per kW of liquid heat", gt=0, le=50)]


class Rack(Params):
    """Parameters of a rack."""

    KIND: ClassVar[str] = "rack"
    FOLDER: ClassVar[str] = "racks"

    systems: int = Field(ge=1, le=1000, description="systems (servers, wafers, trays) in one rack")
    rating_plane: Literal["ac_input", "dc_bus"] = Field(description="where rated and idle power are meant")
    rated_power_kw: Annotated[Figure, Quantity("kW", "sustained power at full load", gt=0, le=2000)]
    idle_power_kw: Annotated[Figure, Quantity("kW", "power when powered on without work", ge=0, le=2000)]
    conversion: list[Conversion] = Field(default_factory=list, description="stages from the DC bus to the AC input")
    store: RackStore | None = Field(None, description="battery modules or supercapacitors in the rack")
    coolant: Coolant = Field("water", description="coolant in the technology cooling system")
    liquid_share: Annotated[Share, Quantity("1", "share of the AC power that leaves by the coolant", ge=0, le=1)]
    body_share: Annotated[Share, Quantity("1", "share that heats the body before it reaches the air", ge=0, le=1)]
    liquid_flow_lpm: Annotated[Figure, Quantity("L/min", "coolant flow of the rack at rated power", ge=0, le=5000)]
    minimum_flow: list[LeastFlow] = Field(default_factory=list, description="least coolant flow, by rising inlet")
    liquid_inlet_max_c: Annotated[Figure, Quantity("degC", "highest allowed coolant inlet", gt=0, le=70)]
    air_inlet_max_c: Annotated[Figure, Quantity("degC", "highest allowed air inlet", gt=0, le=60)]
    air_rise_k: Annotated[Figure, Quantity("K", "air temperature rise across the rack at rated power", gt=1, le=40)]
    plate_conductance_kw_k: Annotated[Figure, Quantity("kW/K", "plate to coolant UA at rated flow", ge=0, le=1000)]
    plate_flow_exponent: Annotated[
        Figure | None, Quantity("1", "exponent of that UA on the flow; without, it does not hang on it", ge=0, le=1)
    ] = None
    plate_capacity_kj_k: Annotated[Figure, Quantity("kJ/K", "heat capacity at the plate", gt=0, le=10_000)]
    body_capacity_kj_k: Annotated[Figure, Quantity("kJ/K", "heat capacity of the body", gt=0, le=10_000)]
    body_to_plate_kw_k: Annotated[Figure, Quantity("kW/K", "conductance body to plate", ge=0, le=1000)]
    body_to_air_kw_k: Annotated[Figure, Quantity("kW/K", "conductance body to air stream", ge=0, le=1000)]
    throttle_c: Annotated[
        Figure | None, Quantity("degC", "junction temperature at which a system slows itself", gt=0, le=150)
    ] = None
    junction_rise_k: Annotated[
        Figure | None, Quantity("K", "junction above the plate (body where air-cooled) at rated power", ge=0, le=100)
    ] = None
    trip_c: Annotated[
        Figure | None, Quantity("degC", "junction temperature at which a system shuts down", gt=0, le=200)
    ] = None
    low_flow_trip_share: Annotated[
        Figure | None, Quantity("1", "share of the coolant asked for below which a rack shuts down", ge=0, lt=1)
    ] = None
    liquid_inlet_trip_c: Annotated[
        Figure | None, Quantity("degC", "coolant inlet above which a rack shuts down", gt=0, le=90)
    ] = None
    air_inlet_trip_c: Annotated[
        Figure | None, Quantity("degC", "air inlet above which a rack shuts down", gt=0, le=90)
    ] = None
    trip_delay_s: Annotated[
        Figure | None, Quantity("s", "how long flow, inlets or a leak alarm last before it does", ge=0, le=3600)
    ] = None
    ashrae_class: AirName | None = Field(None, description="ASHRAE air class that it is made for, where it is told")
    facts: dict[str, Figure] = Field(default_factory=dict, description="published facts not used by the model")

    @classmethod
    def reconciled(cls, numbers: dict[str, float]) -> dict[str, float]:
        """The coolant is measured, the body gets what is left at most; no rack draws more idle than at full load."""
        body = min(numbers["body_share"], 1.0 - numbers["liquid_share"])
        idle = min(numbers["idle_power_kw"], numbers["rated_power_kw"])
        return {**numbers, "body_share": body, "idle_power_kw": idle}

    @model_validator(mode="after")
    def _consistent(self) -> Rack:
        self._check_power()
        self._check_heat()
        inlets = [point.inlet_c for point in self.minimum_flow]
        if inlets != sorted(set(inlets)):
            raise PydanticCustomError("minimum_flow", "minimum_flow must be in order of its inlets, each once")
        if (self.throttle_c is None) != (self.junction_rise_k is None):
            raise PydanticCustomError("throttle", "throttle_c and junction_rise_k go together: give both or none")
        return self

    def least_flow(self, inlet_c: NDArray[np.float64]) -> NDArray[np.float64]:
        """Least coolant flow at inlets (n), L/min per kW of liquid heat: straight between the points, level beyond.

        0 where the entry states none.
        """
        inlets = [point.inlet_c for point in self.minimum_flow] or [0.0]
        return np.interp(inlet_c, inlets, [point.lpm_kw.value for point in self.minimum_flow] or [0.0])

    def _check_power(self) -> None:
        if self.idle_power_kw.value > self.rated_power_kw.value:
            raise PydanticCustomError("idle", "idle_power_kw is above rated_power_kw")
        if self.rating_plane == "ac_input" and self.conversion:
            raise PydanticCustomError("plane", "rating_plane ac_input already holds the PSU loss: drop conversion")

    def _check_heat(self) -> None:
        liquid, body = self.liquid_share.value, self.body_share.value
        if liquid + body > 1.0 + 1e-12:
            raise PydanticCustomError("shares", "liquid_share + body_share is above 1")
        if liquid > 0 and self.liquid_flow_lpm.value * self.plate_conductance_kw_k.value == 0:
            raise PydanticCustomError("plate", "a liquid_share needs liquid_flow_lpm and plate_conductance_kw_k > 0")
        if self.body_to_plate_kw_k.value > 0 and self.body_to_air_kw_k.value > 0:
            raise PydanticCustomError("body", "the body hangs on the plate or in the air, not on both")
        if body > 0 and self.body_to_plate_kw_k.value + self.body_to_air_kw_k.value == 0:
            raise PydanticCustomError("body", "heat into the body (body_share) needs a way out of it")
