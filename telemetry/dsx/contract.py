"""Objects and points of the BMS event bus 1.0.0: who publishes which pair, its unit, its quantity, what is possible.

A pair is (object type, point type). Limits are in the unit of the model and say what is *possible* for a quantity, not
what is good: readings beyond are marked, never dropped. They are estimates of ours, wide enough for whatever a campus
holds (a rack of 2 MW, a substation of 2 GW); the contract has none.
Source: NVIDIA/dsx-exchange, `schemas/asyncapi/bms/bms.yaml` 1.0.0 (Apache-2.0).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Measure = Literal["unit", "state", "either", "optional", "none"]


class PointType(NamedTuple):
    """What the metadata of a point type may say.

    ``measure``: whether ``engUnit`` or ``stateText`` is due. ``fixed``: the one unit allowed, "" for any of
    ``dimensions``, of which the first is the natural one. ``low``, ``high``: possible for the natural one. ``may``,
    ``must``: further keys.
    """

    quantity: str
    measure: Measure
    dimensions: tuple[str, ...] = ()
    low: float = float("-inf")
    high: float = float("inf")
    fixed: str = ""
    may: frozenset[str] = frozenset()
    must: frozenset[str] = frozenset()


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


AREA, TARGET = _keys("processArea"), _keys("processArea isSetpoint")
STATE = PointType("", "state")
LIQUID_T, AIR_T = (-60.0, 200.0), (-70.0, 150.0)
SHARE = (-0.05, 1.2)
EPOCH = (946_684_800.0, 4_102_444_800.0)  # s, 2000..2100


def _state(quantity: str, may: frozenset[str] = frozenset(), must: frozenset[str] = frozenset()) -> PointType:
    return PointType(quantity, "state", may=may, must=must)


def _rack(quantity: str, dimension: str, low: float, high: float, fixed: str) -> PointType:
    return PointType(quantity, "unit", (dimension,), low, high, fixed)


OWNED = _keys("integration")
HEARTBEAT = PointType("heartbeat", "none", ("time",), *EPOCH)

POINT_TYPES: dict[str, PointType] = {
    # Racks
    "RackLiquidSupplyTemperature": _rack("liquid_supply_temperature", "temperature", *LIQUID_T, "C"),
    "RackLiquidReturnTemperature": _rack("liquid_return_temperature", "temperature", *LIQUID_T, "C"),
    "RackLiquidFlow": _rack("liquid_volume_flow", "volume_flow", -1e-3, 0.1, "LPM"),
    "RackLiquidDifferentialPressure": _rack("liquid_differential_pressure", "pressure", -1e6, 2e6, "kPa"),
    "RackLiquidDifferentialPressureSp": _rack("liquid_differential_pressure", "pressure", -1e6, 2e6, "kPa")._replace(
        may=_keys("isSetpoint")
    ),
    "RackControlValvePosition": _rack("control_valve_position", "share", *SHARE, "%"),
    "RackPower": _rack("power", "power", -1e3, 2e6, "kW"),
    "RackLeakDetect": _state("leak"),
    "RackLeakSensorFault": _state("leak_sensor_fault"),
    "RackLiquidIsolationStatus": _state("liquid_isolation"),
    "RackElectricalIsolationStatus": _state("electrical_isolation"),
    "RackLeakDetectTray": _state("tray_leak", must=OWNED),
    "RackLiquidIsolationRequest": _state("liquid_isolation_request", must=OWNED),
    "RackElectricalIsolationRequest": _state("electrical_isolation_request", must=OWNED),
    # Power meters
    "Voltage": PointType("voltage", "unit", ("voltage",), -1e6, 1e6),
    "Frequency": PointType("frequency", "unit", ("frequency",), 0.0, 500.0),
    "ApparentPower": PointType("apparent_power", "unit", ("apparent_power",), -2e9, 2e9),
    "ActivePower": PointType("power", "unit", ("power",), -2e9, 2e9),
    "Current": PointType("current", "unit", ("current",), -1e5, 1e5),
    "CurrentLimit": PointType("current_limit", "unit", ("current", "share"), 0.0, 1e5),
    "PhaseCurrent": PointType("phase_current", "unit", ("current",), -1e5, 1e5, must=_keys("phase")),
    "PowerFactor": PointType("power_factor", "none", ("share",), -1.0, 1.0),
    # Equipment
    "LiquidTemperature": PointType("liquid_temperature", "unit", ("temperature",), *LIQUID_T, "C", TARGET),
    "AirTemperature": PointType("air_temperature", "unit", ("temperature",), *AIR_T, "C", TARGET),
    "LiquidDifferentialPressure": PointType(
        "liquid_differential_pressure", "either", ("pressure",), -1e7, 1e7, may=TARGET
    ),
    "LiquidPressure": PointType("liquid_pressure", "either", ("pressure",), -1e5, 1e8, may=TARGET),
    "LiquidFlow": PointType(
        "liquid_volume_flow", "either", ("volume_flow", "mass_flow", "share"), -0.1, 50.0, may=TARGET
    ),
    "AirDifferentialPressure": PointType("air_differential_pressure", "either", ("pressure",), -1e5, 1e5, may=TARGET),
    "AirPressure": PointType("air_pressure", "either", ("pressure",), -1e5, 1e6, may=TARGET),
    "AirFlow": PointType("air_volume_flow", "either", ("volume_flow", "mass_flow", "share"), -1.0, 5e3, may=TARGET),
    "AirRelativeHumidity": PointType("air_relative_humidity", "either", ("share",), 0.0, 1.05, may=TARGET),
    "ValvePosition": PointType("valve_position", "either", ("share",), *SHARE, may=AREA),
    "DamperPosition": PointType("damper_position", "either", ("share",), *SHARE, may=AREA),
    "PumpSpeed": PointType("pump_speed", "either", ("rotation", "share", "frequency"), -1.0, 1e3, may=AREA),
    "FanSpeed": PointType("fan_speed", "either", ("rotation", "share", "frequency"), -1.0, 1e3, may=AREA),
    "LeakDetect": _state("leak", AREA),
    "Status": _state("status", AREA | OWNED),
    "Available": _state("available", AREA | OWNED),
    "Sound": PointType("sound", "unit", ("sound",), -20.0, 200.0, may=AREA),
    "LiquidTemperatureSpRequest": PointType(
        "liquid_temperature_request", "unit", ("temperature",), *LIQUID_T, "C", AREA, OWNED
    ),
    "GenericPoint": PointType(
        "generic", "optional", may=_keys("processArea phase integration isSetpoint"), must=_keys("processArea")
    ),
    # The life of the systems themselves
    "HeartbeatTimestampBms": HEARTBEAT._replace(may=_keys("scope")),
    "HeartbeatEchoBms": HEARTBEAT._replace(quantity="heartbeat_echo", may=_keys("scope")),
    "HeartbeatTimestampIntegration": HEARTBEAT._replace(must=OWNED),
    "HeartbeatEchoIntegration": HEARTBEAT._replace(quantity="heartbeat_echo", must=OWNED),
}

LIMITS: dict[str, tuple[float, float]] = {"share": (-0.05, 1.5), "frequency": (0.0, 1e3), "mass_flow": (-100.0, 1e5)}
"""Possible where a point is written in another dimension than its natural one."""

_LIQUID = "LiquidTemperature LiquidDifferentialPressure LiquidFlow LiquidPressure"
_AIR = "AirTemperature AirDifferentialPressure AirRelativeHumidity AirFlow AirPressure LeakDetect"
_MACHINE = f"{_LIQUID} Status Available ValvePosition PumpSpeed FanSpeed DamperPosition {_AIR} GenericPoint"
_ELECTRIC = "Status Available GenericPoint"

_BMS: dict[str, str] = {
    "Rack": "RackLiquidSupplyTemperature RackLiquidReturnTemperature RackLiquidFlow RackLiquidDifferentialPressure "
    "RackLiquidDifferentialPressureSp RackControlValvePosition RackPower RackLeakDetect RackLeakSensorFault "
    "RackLiquidIsolationStatus RackElectricalIsolationStatus",
    "PowerMeter": "Voltage PowerFactor Frequency ApparentPower ActivePower Current CurrentLimit PhaseCurrent "
    "GenericPoint",
    **dict.fromkeys(("BESS", "UPS", "ATS", "Generator", "Shunt", "Breaker"), _ELECTRIC),
    **dict.fromkeys(("CDU", "CoolingTower", "HX", "CRAH", "CRAC", "AHU", "Chiller", "Tank"), _MACHINE),
    "Valve": "ValvePosition Available GenericPoint",
    "Pump": "PumpSpeed Available GenericPoint",
    "Fan": "FanSpeed Available GenericPoint",
    "Damper": "DamperPosition Available GenericPoint",
    "Sensor": f"{_LIQUID} {_AIR} Sound Available GenericPoint",
    "GenericObject": f"{_MACHINE} Sound",
    "System": "HeartbeatTimestampBms HeartbeatEchoBms Status Available GenericPoint",
}
_INTEGRATION: dict[str, str] = {
    **dict.fromkeys(_BMS, "GenericPoint"),
    "Rack": "RackLeakDetectTray RackLiquidIsolationRequest RackElectricalIsolationRequest",
    "CDU": "LiquidTemperatureSpRequest GenericPoint",
    "GenericObject": "LiquidTemperatureSpRequest GenericPoint",
    "System": "HeartbeatTimestampIntegration HeartbeatEchoIntegration Status Available GenericPoint",
}


def _pairs(table: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((thing, point) for thing, points in table.items() for point in points.split())


BMS_PAIRS = _pairs(_BMS)
INTEGRATION_PAIRS = _pairs(_INTEGRATION)
PAIRS = BMS_PAIRS | INTEGRATION_PAIRS

THINGS: dict[str, str] = {
    "PowerMeter": "meter",
    "CoolingTower": "tower",
    "HX": "exchanger",
    "GenericObject": "object",
}
"""Names of object types in the words of the model, where they are not the type in small letters."""
