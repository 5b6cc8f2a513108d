"""A year of the plant in EnergyPlus and in our kernel, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tests.oracles.energyplus.case import our_row, staged, their_plant
from tests.oracles.energyplus.plant import RISE_K, SUPPLY_C, Plant, model, schedules
from tests.oracles.energyplus.run import run
from twin.cooling.plant import Operation, operate
from twin.site.library import Library

SETTLED = 1e9
OUTPUTS = {
    "chiller_w": ("", "Chiller Electricity Rate"),
    "chiller_heat_w": ("", "Chiller Evaporator Cooling Rate"),
    "condenser_c": ("CHILLER 1:", "Chiller Condenser Inlet Temperature"),
    "second_w": ("CHILLER 2:", "Chiller Electricity Rate"),
    "economizer_w": ("", "Fluid Heat Exchanger Heat Transfer Rate"),
    "tower_out_c": ("TOWER:", "Cooling Tower Outlet Temperature"),
    "tower_heat_w": ("TOWER:", "Cooling Tower Heat Transfer Rate"),
    "fan_w": ("TOWER:", "Cooling Tower Fan Electricity Rate"),
    "fan": ("TOWER:", "Cooling Tower Fan Speed Ratio"),
    "evaporated_m3": ("TOWER:", "Cooling Tower Water Evaporation Volume"),
    "makeup_m3": ("TOWER:", "Cooling Tower Make Up Water Volume"),
    "dry_in_c": ("COOLER:", "Cooling Tower Inlet Temperature"),
    "dry_out_c": ("COOLER:", "Cooling Tower Outlet Temperature"),
    "dry_fan_w": ("COOLER:", "Cooling Tower Fan Electricity Rate"),
    "dry_heat_w": ("COOLER:", "Cooling Tower Heat Transfer Rate"),
    "dry_bulb_c": ("", "Site Outdoor Air Drybulb Temperature"),
    "wet_bulb_c": ("", "Site Outdoor Air Wetbulb Temperature"),
    "pressure_pa": ("", "Site Outdoor Air Barometric Pressure"),
}
Hours = dict[str, np.ndarray]


@dataclass(frozen=True)
class Year:
    """Both results by hour of a year; ``ours`` has the fields of ``Operation``."""

    climate: str
    plant: Plant
    theirs: Hours
    ours: Hours


def _read(table: Hours) -> Hours:
    """The columns that are compared, machines of a kind summed."""
    return {
        short: np.sum([v for k, v in table.items() if k.startswith(key) and f":{name} [" in k], axis=0)
        for short, (key, name) in OUTPUTS.items()
    }


def run_year(library: Library, climate: str, folder: Path) -> Year:
    """EnergyPlus with both chillers at any load, then staged by what it found; then our kernel in its weather."""
    plant = their_plant(library)
    wanted = sorted({name for _, name in OUTPUTS.values()})
    file = str(folder / "schedules.csv")
    both = _read(run(model(plant, wanted, file), schedules(plant), climate, folder))
    plant = replace(plant, machines=staged(plant, both["chiller_heat_w"], both["condenser_c"]))
    theirs = _read(run(model(plant, wanted, file), schedules(plant), climate, folder))
    return Year(climate, plant, theirs, _ours(library, plant, theirs))


def _ours(library: Library, plant: Plant, weather: Hours) -> Hours:
    row, bank = our_row(library)
    found = [
        operate(
            row, bank, q / RISE_K, q, SUPPLY_C + RISE_K, SUPPLY_C, 15.0, 15.0, SETTLED, t_db, t_wb, p, row[:0]
        )
        for q, t_db, t_wb, p in zip(
            plant.load_w, weather["dry_bulb_c"], weather["wet_bulb_c"], weather["pressure_pa"], strict=True
        )
    ]  # fmt: skip
    return dict(zip(Operation._fields, np.array(found).T, strict=True))
