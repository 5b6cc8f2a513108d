"""THE variable table: every result by name, with dimension, unit, meaning and how it is taken over an output interval.

A row here and the line of the kernel that writes ``slot[NAME]`` make an output; the recorder, the Dataset's attributes,
the NetCDF export and the documentation follow from the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["site", "building", "hall", "cdu", "loop", "element", "rack", "pool", "stream", "latency"]
How = Literal["mean", "maximum", "end"]
LEVELS: tuple[Level, ...] = ("site", "hall", "cdu", "loop", "element", "rack", "pool", "stream", "latency")


@dataclass(frozen=True)
class Variable:
    """One row of the table."""

    name: str
    level: Level
    how: How
    units: str
    long_name: str

    @property
    def cell_methods(self) -> str:
        """CF cell method over the output interval."""
        return "time: point" if self.how == "end" else f"time: {self.how}"


def _rows(level: Level, how: How, *rows: tuple[str, str, str]) -> list[Variable]:
    return [Variable(name, level, how, units, text) for name, units, text in rows]


TABLE: list[Variable] = [
    *_rows(
        "site",
        "mean",
        ("site_power", "W", "active power at the grid meter"),
        ("site_it_power", "W", "IT power at the racks' AC input"),
        ("site_cooling_power", "W", "electrical power of pumps, fans and chillers"),
        ("site_electrical_loss", "W", "losses of the electrical path from meter to racks and plant"),
        ("site_water_flow", "kg s-1", "make-up water of the towers"),
        ("outdoor_dry_bulb_temperature", "degC", "outdoor dry-bulb temperature"),
        ("outdoor_wet_bulb_temperature", "degC", "outdoor wet-bulb temperature"),
    ),
    *_rows(
        "site",
        "maximum",
        ("site_power_maximum", "W", "largest step-mean power at the grid meter in the interval"),
        ("energy_residual", "1", "largest energy defect of a step per sum of its energy flows"),
    ),
    *_rows("site", "end", ("contract_power", "W", "contracted power at the meter")),
    *_rows(
        "hall",
        "mean",
        ("hall_it_power", "W", "IT power at the racks' AC input"),
        ("hall_power", "W", "power into the hall's electrical chain, mechanical loads included"),
        ("hall_mechanical_power", "W", "CDU pumps and fans of the hall"),
        ("hall_electrical_loss", "W", "losses of the hall's own electrical chain"),
        ("hall_liquid_heat", "W", "heat carried off by the racks' coolant"),
        ("hall_air_heat", "W", "heat carried off by the air handlers"),
        ("hall_utilization", "1", "mean utilisation of the hall's racks"),
        ("hall_rack_inlet_temperature", "degC", "air temperature at the rack inlets, mean by flow"),
        ("hall_return_temperature", "degC", "return-air temperature"),
        ("hall_supply_air_temperature", "degC", "air that reaches the racks before any exhaust joins it"),
        ("hall_rack_outlet_temperature", "degC", "air that leaves the racks, mean by flow"),
        ("hall_rack_airflow", "kg s-1", "air that the racks draw at their design rise"),
        ("hall_handler_airflow", "kg s-1", "air that the air handlers move"),
        ("hall_liquid_supply_temperature", "degC", "coolant supply temperature, mean of the hall's CDUs"),
        ("hall_unmet_share", "1", "share of time in which a CDU or the air handlers miss their set point"),
        ("hall_withheld_power", "W", "IT power that racks do not draw because they are at their junction limit"),
        ("hall_slowed_share", "1", "share of the racks that are at their junction limit, over time"),
        ("hall_energised_share", "1", "share of time energised"),
    ),
    *_rows(
        "hall",
        "maximum",
        ("hall_rack_temperature_maximum", "degC", "hottest rack of the hall (plate, or body where air-cooled)"),
        ("hall_rack_inlet_temperature_maximum", "degC", "highest air temperature at the rack inlets"),
        ("hall_liquid_supply_temperature_maximum", "degC", "warmest coolant that a CDU of the hall supplied in a step"),
    ),
    *_rows(
        "hall",
        "end",
        ("hall_cooling_headroom", "W", "extra IT power of the hall's rack mix before the first cooling limit"),
        ("hall_cooling_binding", "1", "code of the cooling limit that binds"),
        ("hall_power_headroom", "W", "extra IT power of the hall's rack mix before the first electrical limit"),
        ("hall_power_binding", "1", "element index that binds, or -1 for the contract"),
    ),
    *_rows(
        "cdu",
        "mean",
        ("cdu_heat", "W", "heat given to the facility water"),
        ("cdu_supply_temperature", "degC", "coolant supplied to the racks"),
        ("cdu_return_temperature", "degC", "coolant returned to the exchanger"),
        ("cdu_flow", "kg s-1", "mass flow of the coolant"),
        ("cdu_primary_flow", "kg s-1", "mass flow of the facility water"),
        ("cdu_pump_power", "W", "pump power"),
        ("cdu_unmet_share", "1", "share of time in which the set point is missed"),
    ),
    *_rows(
        "loop",
        "mean",
        ("fws_supply_temperature", "degC", "facility-water supply"),
        ("fws_return_temperature", "degC", "facility-water return"),
        ("fws_set_temperature", "degC", "set point of the facility-water supply"),
        ("fws_flow", "kg s-1", "mass flow of the facility water"),
        ("fws_pump_power", "W", "facility-water pump power"),
        ("plant_heat", "W", "heat taken from the facility water"),
        ("plant_capacity", "W", "heat the plant could take at the present weather and return temperature"),
        ("plant_economizer_heat", "W", "heat taken by the economiser"),
        ("plant_chiller_power", "W", "compressor power"),
        ("plant_fan_power", "W", "fan power of towers or dry coolers"),
        ("plant_power", "W", "chillers, fans, condenser and facility-water pumps"),
        ("plant_rejected_heat", "W", "heat rejected to the outdoors"),
        ("plant_condenser_temperature", "degC", "water leaving the towers or dry coolers"),
        ("plant_water_flow", "kg s-1", "make-up water: evaporation, blowdown and drift"),
        ("plant_evaporation", "kg s-1", "water evaporated"),
        ("plant_blowdown", "kg s-1", "water drained against minerals"),
        ("plant_drift", "kg s-1", "water carried off as droplets"),
        ("plant_chillers_on", "1", "chillers that run, at the ends of the steps"),
        ("plant_beyond_range_share", "1", "share of time in which chillers run beyond the range of their set"),
        ("plant_unmet_share", "1", "share of time in which the supply set point is missed"),
        ("plant_energised_share", "1", "share of time energised"),
    ),
    *_rows(
        "element",
        "mean",
        ("element_power", "W", "power delivered by the element"),
        ("element_loss", "W", "loss of the element"),
    ),
    *_rows("element", "maximum", ("element_loading_maximum", "1", "largest load per rating in the interval")),
    *_rows(
        "rack",
        "mean",
        ("rack_power", "W", "power at the AC input"),
        ("rack_temperature", "degC", "plate temperature, body where air-cooled, at the ends of the steps"),
    ),
    *_rows("rack", "maximum", ("rack_temperature_maximum", "degC", "highest temperature in the interval")),
    *_rows(
        "pool",
        "mean",
        ("pool_power", "W", "power of the pool's systems at the racks' AC input"),
        ("pool_batch", "1", "sequences that a replica decodes at once"),
        ("pool_utilization", "1", "use of what the pool can do at its present mix, of prompts or of tokens"),
        ("pool_step_time", "s", "time per output token at the working point, stolen time included"),
    ),
    *_rows("pool", "maximum", ("pool_binding", "1", "code of what limits the pool")),
    *_rows("pool", "end", ("pool_systems", "1", "energised systems of the pool")),
    # A stream is what one class asks of one pool: (pool, workload).
    *_rows(
        "stream",
        "mean",
        ("pool_offered_rate", "s-1", "requests that are routed to the pool"),
        ("pool_served_rate", "s-1", "requests that are completed"),
        ("pool_shed_rate", "s-1", "requests that are refused"),
        ("pool_token_rate", "s-1", "tokens generated"),
        ("pool_queue_length", "1", "requests that wait"),
        ("pool_active_requests", "1", "requests in service"),
    ),
    *_rows("stream", "end", ("pool_backlog", "1", "requests that wait or are in service")),
    *_rows(
        "latency",
        "mean",
        ("pool_ttft", "s", "time to first token"),
        ("pool_tpot", "s", "time per output token"),
        ("pool_e2e", "s", "time to the last token"),
    ),
]

BY_NAME: dict[str, Variable] = {row.name: row for row in TABLE}


def rows(level: Level, how: How | None = None) -> list[Variable]:
    """Rows of a level, in the order of their columns."""
    return [row for row in TABLE if row.level == level and how in (None, row.how)]


def slot(name: str) -> int:
    """Column of a variable in the output array of its level."""
    row = BY_NAME[name]
    return [r.name for r in rows(row.level)].index(name)
