"""The same plant in EnergyPlus: two staged chillers behind a plate economiser, a Merkel tower, and a dry cooler apart.

Chilled water: variable flow, a rise of ``RISE_K`` at any load. On its way back it passes the economiser, then one or
two chillers that share the load equally. Condenser water: constant flow from the tower, half of it to the economiser
and a quarter to each condenser that runs, the rest through a bypass. The tower's set point is the water at which the
economiser carries the whole load, so that free cooling turns the fans down exactly as far as it can and any other hour
runs them at full speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.oracles.energyplus.loops import Objects, Part, merged, operation, outlet, set_point, side

CP, RHO = 4187.0, 999.0
SUPPLY_C = 8.0
RISE_K = 8.0
LOWEST_C = 5.0
SCHEDULES = ("heat", "flow", "target", "dry heat", "one", "two")
FAN = (-0.00932, 0.05123, -0.08384, 1.04192)
CHILLERS = [Part("Chiller:Electric:EIR", f"chiller {i}") for i in (1, 2)]
CONDENSERS = [Part("Chiller:Electric:EIR", f"chiller {i}", "condenser") for i in (1, 2)]
ECONOMIZER = Part("HeatExchanger:FluidToFluid", "economiser")
ECONOMIZER_COLD = Part("HeatExchanger:FluidToFluid", "economiser", "condenser")
TOWER = Part("CoolingTower:VariableSpeed:Merkel", "tower")
COOLER = Part("FluidCooler:SingleSpeed", "cooler")


@dataclass(frozen=True)
class Chiller:
    """A set of the CoolTools project: reference point, curves and their range."""

    capacity_w: float
    cop: float
    chilled_c: float
    condenser_c: float
    capacity_by_temperature: list[float]
    eir_by_temperature: list[float]
    eir_by_load: list[float]
    chilled_range_c: tuple[float, float]
    condenser_range_c: tuple[float, float]
    minimum_load: float
    maximum_load: float
    minimum_unloading: float


@dataclass(frozen=True)
class Tower:
    """A tower bank: UA at full flows (W/K), dry air (kg/s), its density at design (kg/m3), design wet bulb, fans."""

    ua_w_k: float
    air_kg_s: float
    air_kg_m3: float
    wet_bulb_c: float
    fan_w: float
    cycles: float
    drift: float


@dataclass(frozen=True)
class Cooler:
    """A dry cooler: UA (W/K), moist air (kg/s), its density at design (kg/m3), water (W/K), fans, entering water."""

    ua_w_k: float
    air_kg_s: float
    air_kg_m3: float
    water_w_k: float
    fan_w: float
    entering_c: float


@dataclass(frozen=True)
class Plant:
    """All that both models are made from."""

    chiller: Chiller
    tower: Tower
    cooler: Cooler
    economizer_ua_w_k: float
    condenser_w_k: float
    pump_w: float
    load_w: np.ndarray  # by hour of the year
    target_c: np.ndarray  # condenser water at which the economiser carries the whole load
    cooler_load_w: np.ndarray
    machines: np.ndarray  # 1 or 2 chillers, by hour

    @property
    def peak_w(self) -> float:
        """Largest load."""
        return float(self.load_w.max())


def _curve(name: str, names: list[str], c: list[float], x: tuple[float, float], y: Any = None) -> dict[str, Any]:
    limits = {"minimum_value_of_x": x[0], "maximum_value_of_x": x[1]}
    if y is not None:
        limits |= {"minimum_value_of_y": y[0], "maximum_value_of_y": y[1]}
    return {name: {**dict(zip(names, c, strict=True)), **limits}}


def _curves(chiller: Chiller) -> Objects:
    two = ["coefficient1_constant", "coefficient2_x", "coefficient3_x_2", "coefficient4_y", "coefficient5_y_2",
           "coefficient6_x_y"]  # fmt: skip
    one = ["coefficient1_constant", "coefficient2_x", "coefficient3_x_2", "coefficient4_x_3"]
    x, y = chiller.chilled_range_c, chiller.condenser_range_c
    load = (chiller.minimum_load, chiller.maximum_load)
    return {
        "Curve:Biquadratic": _curve("capacity", two, chiller.capacity_by_temperature, x, y)
        | _curve("eir", two, chiller.eir_by_temperature, x, y),
        "Curve:Quadratic": _curve("part load", one[:3], chiller.eir_by_load, load)
        | _curve("tower air", one[:3], [0.0, 1.3, -0.3], (0.0, 1.5))
        | _curve("tower water", one[:3], [0.1082, 1.667, -0.7713], (0.0, 1.5)),
        "Curve:Linear": _curve("tower wet bulb", one[:2], [1.0, 0.0081], (-60.0, 60.0)),
        "Curve:Cubic": _curve("fan", one, list(FAN), (0.0, 1.0)),
    }


def _chillers(plant: Plant) -> Objects:
    c = plant.chiller
    unit = {
        "reference_capacity": c.capacity_w,
        "reference_cop": c.cop,
        "reference_leaving_chilled_water_temperature": c.chilled_c,
        "reference_entering_condenser_fluid_temperature": c.condenser_c,
        "reference_chilled_water_flow_rate": plant.peak_w / RISE_K / CP / RHO,
        "reference_condenser_fluid_flow_rate": 0.25 * plant.condenser_w_k / CP / RHO,
        "cooling_capacity_function_of_temperature_curve_name": "capacity",
        "electric_input_to_cooling_output_ratio_function_of_temperature_curve_name": "eir",
        "electric_input_to_cooling_output_ratio_function_of_part_load_ratio_curve_name": "part load",
        "minimum_part_load_ratio": c.minimum_load,
        "maximum_part_load_ratio": c.maximum_load,
        "minimum_unloading_ratio": c.minimum_unloading,
        "condenser_type": "WaterCooled",
        "chiller_flow_mode": "NotModulated",
    }
    made = {
        part.name: {
            **unit,
            "chilled_water_inlet_node_name": part.node("in"),
            "chilled_water_outlet_node_name": part.node("out"),
            "condenser_inlet_node_name": cold.node("in"),
            "condenser_outlet_node_name": cold.node("out"),
        }
        for part, cold in zip(CHILLERS, CONDENSERS, strict=True)
    }
    return {"Chiller:Electric:EIR": made}


def _economizer(plant: Plant) -> Objects:
    unit = {
        "loop_demand_side_inlet_node_name": ECONOMIZER_COLD.node("in"),
        "loop_demand_side_outlet_node_name": ECONOMIZER_COLD.node("out"),
        "loop_demand_side_design_flow_rate": 0.5 * plant.condenser_w_k / CP / RHO,
        "loop_supply_side_inlet_node_name": ECONOMIZER.node("in"),
        "loop_supply_side_outlet_node_name": ECONOMIZER.node("out"),
        "loop_supply_side_design_flow_rate": plant.peak_w / RISE_K / CP / RHO,
        "heat_exchange_model_type": "CounterFlow",
        "heat_exchanger_u_factor_times_area_value": plant.economizer_ua_w_k,
        "control_type": "CoolingDifferentialOnOff",
        "heat_transfer_metering_end_use_type": "FreeCooling",
    }
    return {ECONOMIZER.kind: {ECONOMIZER.name: unit}}


def _tower(plant: Plant) -> Objects:
    t = plant.tower
    unit = {
        "water_inlet_node_name": TOWER.node("in"),
        "water_outlet_node_name": TOWER.node("out"),
        "performance_input_method": "UFactorTimesAreaAndDesignWaterFlowRate",
        "design_water_flow_rate": plant.condenser_w_k / CP / RHO,
        "design_air_flow_rate": t.air_kg_s / t.air_kg_m3,
        "minimum_air_flow_rate_ratio": 0.2,
        "design_fan_power": t.fan_w,
        "fan_power_modifier_function_of_air_flow_rate_ratio_curve_name": "fan",
        "u_factor_times_area_modifier_function_of_air_flow_ratio_curve_name": "tower air",
        "u_factor_times_area_modifier_function_of_wetbulb_temperature_difference_curve_name": "tower wet bulb",
        "u_factor_times_area_modifier_function_of_water_flow_ratio_curve_name": "tower water",
        "design_air_flow_rate_u_factor_times_area_value": t.ua_w_k,
        "design_inlet_air_wet_bulb_temperature": t.wet_bulb_c,
        "design_approach_temperature": 4.0,
        "design_range_temperature": 5.6,
        "evaporation_loss_mode": "SaturatedExit",
        "drift_loss_percent": 100.0 * t.drift,
        "blowdown_calculation_mode": "ConcentrationRatio",
        "blowdown_concentration_ratio": t.cycles,
        "cell_minimum_water_flow_rate_fraction": 0.2,
    }
    return {TOWER.kind: {TOWER.name: unit}}


def _cooler(plant: Plant) -> Objects:
    c = plant.cooler
    unit = {
        "water_inlet_node_name": COOLER.node("in"),
        "water_outlet_node_name": COOLER.node("out"),
        "performance_input_method": "UFactorTimesAreaAndDesignWaterFlowRate",
        "design_air_flow_rate_u_factor_times_area_value": c.ua_w_k,
        "design_entering_water_temperature": c.entering_c,
        "design_entering_air_temperature": 35.0,
        "design_entering_air_wetbulb_temperature": 25.0,
        "design_water_flow_rate": c.water_w_k / CP / RHO,
        "design_air_flow_rate": c.air_kg_s / c.air_kg_m3,
        "design_air_flow_rate_fan_power": c.fan_w,
    }
    return {COOLER.kind: {COOLER.name: unit}}


def _pump(name: str, w_k: float, power_w: float, *, variable: bool) -> Objects:
    flow = {"design_maximum_flow_rate" if variable else "design_flow_rate": w_k / CP / RHO}
    unit = {
        "inlet_node_name": f"{name} in",
        "outlet_node_name": ECONOMIZER.node("in") if variable else f"{name} out",
        "design_pump_head": 0.1,  # power is given; it all ends in the water
        "design_power_consumption": power_w,
        "motor_efficiency": 0.9,
        "fraction_of_motor_inefficiencies_to_fluid_stream": 1.0,
        "pump_control_type": "Intermittent" if variable else "Continuous",
    }
    return {"Pump:VariableSpeed" if variable else "Pump:ConstantSpeed": {name: {**unit, **flow}}}


def _load(name: str, w_k: float, heat: str, flow: str) -> Objects:
    unit = {
        "inlet_node_name": f"{name} in",
        "outlet_node_name": f"{name} out",
        "load_schedule_name": heat,
        "peak_flow_rate": w_k / CP / RHO,
        "flow_rate_fraction_schedule_name": flow,
    }
    return {"LoadProfile:Plant": {name: unit}}


def _loop(name: str, w_k: float, word: str) -> Objects:
    """The loop object; a condenser loop has other words for the same."""
    kind, lower = ("PlantLoop", "plant") if word == "Plant" else ("CondenserLoop", "condenser")
    prefix = "" if word == "Plant" else "condenser_"
    unit = {
        "fluid_type": "Water",
        f"{lower}_equipment_operation_scheme_name": f"{name} schemes",
        f"{prefix}loop_temperature_setpoint_node_name": outlet(f"{name} supply"),
        "maximum_loop_temperature": 90.0,
        "minimum_loop_temperature": 1.0,
        "maximum_loop_flow_rate": w_k / CP / RHO,
        f"{lower}_loop_volume": 1.0,
        f"{lower}_side_inlet_node_name": f"{name} pump in",
        f"{lower}_side_outlet_node_name": outlet(f"{name} supply"),
        f"{lower}_side_branch_list_name": f"{name} supply",
        f"{lower}_side_connector_list_name": f"{name} supply",
        "demand_side_inlet_node_name": f"{name} demand in",
        "demand_side_outlet_node_name": outlet(f"{name} demand"),
        f"{prefix}demand_side_branch_list_name": f"{name} demand",
        f"{prefix}demand_side_connector_list_name": f"{name} demand",
    }
    return {kind: {name: unit}}


def _staging(w: float) -> Objects:
    """One chiller or both, as schedules say; every component cools what reaches it down to its set point."""
    made: Objects = {"PlantEquipmentOperationSchemes": {"chilled schemes": {}}}
    for i, (name, running) in enumerate((("one", CHILLERS[:1]), ("two", CHILLERS)), 1):
        scheme: dict[str, Any] = {}
        for j, part in enumerate([ECONOMIZER, *running], 1):
            scheme |= {
                f"equipment_{j}_object_type": part.kind,
                f"equipment_{j}_name": part.name,
                f"demand_calculation_{j}_node_name": part.node("in"),
                f"setpoint_{j}_node_name": part.node("out"),
                f"component_{j}_flow_rate": w / CP / RHO,
                f"operation_{j}_type": "Cooling",
            }
        made.setdefault("PlantEquipmentOperation:ComponentSetpoint", {})[name] = scheme
        made["PlantEquipmentOperationSchemes"]["chilled schemes"] |= {
            f"control_scheme_{i}_object_type": "PlantEquipmentOperation:ComponentSetpoint",
            f"control_scheme_{i}_name": name,
            f"control_scheme_{i}_schedule_name": name,
        }
    return made


def _chilled(plant: Plant) -> Objects:
    w = plant.peak_w / RISE_K
    pump = Part("Pump:VariableSpeed", "chilled pump")
    return merged(
        side("chilled supply", [pump, ECONOMIZER], CHILLERS, bypass=True),
        side("chilled demand", [Part("Pipe:Adiabatic", "chilled demand")], [Part("LoadProfile:Plant", "load")]),
        _staging(w),
        set_point("chilled", "supply", outlet("chilled supply")),
        set_point("economiser", "supply", ECONOMIZER.node("out")),
        set_point("chiller 1", "supply", CHILLERS[0].node("out")),
        set_point("chiller 2", "supply", CHILLERS[1].node("out")),
        _pump("chilled pump", w, 1.0, variable=True),
        _load("load", w, "heat", "flow"),
        _loop("chilled", w, "Plant"),
    )


def _condenser(plant: Plant) -> Objects:
    pump = Part("Pump:ConstantSpeed", "condenser pump")
    return merged(
        side("condenser supply", [pump], [TOWER]),
        side(
            "condenser demand",
            [Part("Pipe:Adiabatic", "condenser demand")],
            [ECONOMIZER_COLD, *CONDENSERS],
            bypass=True,
        ),
        operation("condenser", TOWER, "Condenser"),
        set_point("condenser", "target", outlet("condenser supply")),
        _pump("condenser pump", plant.condenser_w_k, plant.pump_w, variable=False),
        _loop("condenser", plant.condenser_w_k, "Condenser"),
    )


def _dry(plant: Plant) -> Objects:
    w = plant.cooler.water_w_k
    pump = Part("Pump:ConstantSpeed", "dry pump")
    return merged(
        side("dry supply", [pump], [COOLER]),
        side("dry demand", [Part("Pipe:Adiabatic", "dry demand")], [Part("LoadProfile:Plant", "dry load")]),
        operation("dry", COOLER, "Condenser"),
        set_point("dry", "cold", outlet("dry supply")),
        _pump("dry pump", w, 1.0, variable=False),
        _load("dry load", w, "dry heat", "always"),
        _loop("dry", w, "Condenser"),
    )


def model(plant: Plant, outputs: list[str], file: str) -> Objects:
    """The whole epJSON; ``file`` is the CSV of the hourly schedules, see :func:`schedules`."""
    hourly = {
        name: {"schedule_type_limits_name": "any", "file_name": file, "column_number": i, "rows_to_skip_at_top": 1}
        for i, name in enumerate(SCHEDULES, 1)
    }
    constant = {"supply": SUPPLY_C, "always": 1.0, "cold": 1.0}
    base: dict[str, Any] = {
        "Version": {"v": {"version_identifier": "25.2"}},
        "SimulationControl": {"c": {"run_simulation_for_sizing_periods": "No"}},
        "Building": {"b": {"maximum_number_of_warmup_days": 6}},
        "GlobalGeometryRules": {"g": {"coordinate_system": "Relative", "starting_vertex_position": "UpperLeftCorner",
                                      "vertex_entry_direction": "Counterclockwise"}},
        "Timestep": {"t": {"number_of_timesteps_per_hour": 1}},
        "RunPeriod": {"year": {"begin_month": 1, "begin_day_of_month": 1, "end_month": 12, "end_day_of_month": 31,
                               "use_weather_file_daylight_saving_period": "No"}},
        "ConvergenceLimits": {"c": {"minimum_plant_iterations": 8, "maximum_plant_iterations": 30}},
        "ScheduleTypeLimits": {"any": {}},
        "Schedule:File": hourly,
        "Schedule:Constant": {n: {"schedule_type_limits_name": "any", "hourly_value": v} for n, v in constant.items()},
        "OutputControl:Files": {"f": {"output_csv": "Yes", "output_eso": "No", "output_sqlite": "No"}},
        "Output:Variable": {f"o{i}": {"key_value": "*", "variable_name": name, "reporting_frequency": "Hourly"}
                            for i, name in enumerate(outputs)},
    }  # fmt: skip
    return merged(base, _curves(plant.chiller), _chillers(plant), _economizer(plant), _tower(plant), _cooler(plant),
                  _chilled(plant), _condenser(plant), _dry(plant))  # fmt: skip


def schedules(plant: Plant) -> str:
    """The hourly schedules as CSV; a load that cools is negative."""
    one = (plant.machines < 2).astype(float)
    columns = (-plant.load_w, plant.load_w / plant.peak_w, plant.target_c, -plant.cooler_load_w, one, 1.0 - one)
    rows = zip(*columns, strict=True)
    return ",".join(SCHEDULES) + "\n" + "\n".join(",".join(f"{x:.9g}" for x in row) for row in rows)
