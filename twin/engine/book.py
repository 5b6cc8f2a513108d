"""Accumulators: where a step's results are added up, and how an interval's rows are written.

Every line here that adds to a column has its row in ``twin.core.variables``.
"""

from __future__ import annotations

import numpy as np

from twin.core.columns import Elm, Mode, Sec
from twin.core.jit import constant, inner
from twin.core.variables import rows, slot
from twin.engine.arrays import Out, Scratch
from twin.engine.hall import BYPASS, RECIRCULATION
from twin.engine.zones import mean_and_hottest
from twin.site.plan import Arrays

OPEN_MODE = int(Mode.OPEN)
LIMIT = int(Elm.LIMIT)


H_IT, H_POWER, H_MECHANICAL = slot("hall_it_power"), slot("hall_power"), slot("hall_mechanical_power")
H_LOSS, H_LIQUID, H_AIR = slot("hall_electrical_loss"), slot("hall_liquid_heat"), slot("hall_air_heat")
H_USED, H_INLET = slot("hall_utilization"), slot("hall_rack_inlet_temperature")
H_RETURN, H_SUPPLY = slot("hall_return_temperature"), slot("hall_liquid_supply_temperature")
H_WITHHELD, H_SLOWED = slot("hall_withheld_power"), slot("hall_slowed_share")
H_UNMET, H_ON, H_TMAX = slot("hall_unmet_share"), slot("hall_energised_share"), slot("hall_rack_temperature_maximum")
H_INLET_MAX = slot("hall_rack_inlet_temperature_maximum")
H_SUPPLY_MAX = slot("hall_liquid_supply_temperature_maximum")
H_AIR_SUPPLY, H_OUTLET, H_RACKS, H_HANDLERS = (
    slot("hall_supply_air_temperature"),
    slot("hall_rack_outlet_temperature"),
    slot("hall_rack_airflow"),
    slot("hall_handler_airflow"),
)
CP = int(Sec.CP)
C_HEAT, C_SUP, C_RET = slot("cdu_heat"), slot("cdu_supply_temperature"), slot("cdu_return_temperature")
C_FLOW, C_PRIMARY, C_PUMP, C_UNMET = (
    slot("cdu_flow"),
    slot("cdu_primary_flow"),
    slot("cdu_pump_power"),
    slot("cdu_unmet_share"),
)
L_SUPPLY, L_RETURN, L_SET = slot("fws_supply_temperature"), slot("fws_return_temperature"), slot("fws_set_temperature")
L_FLOW, L_PUMP, L_HEAT, L_CAP = slot("fws_flow"), slot("fws_pump_power"), slot("plant_heat"), slot("plant_capacity")
L_ECO, L_CHILLER, L_FAN = slot("plant_economizer_heat"), slot("plant_chiller_power"), slot("plant_fan_power")
L_POWER, L_REJECTED, L_CW = slot("plant_power"), slot("plant_rejected_heat"), slot("plant_condenser_temperature")
L_WATER, L_UNMET, L_ON = slot("plant_water_flow"), slot("plant_unmet_share"), slot("plant_energised_share")
L_EVAPORATED, L_BLOWDOWN, L_DRIFT = slot("plant_evaporation"), slot("plant_blowdown"), slot("plant_drift")
L_CHILLERS, L_BEYOND = slot("plant_chillers_on"), slot("plant_beyond_range_share")
E_POWER, E_LOSS, E_MAX = slot("element_power"), slot("element_loss"), slot("element_loading_maximum")
R_POWER, R_TEMP, R_MAX = slot("rack_power"), slot("rack_temperature"), slot("rack_temperature_maximum")

N_MEAN_HALL, N_MEAN_CDU = constant(len(rows("hall", "mean"))), constant(len(rows("cdu", "mean")))
N_MEAN_LOOP, N_MEAN_ELEMENT, N_MEAN_RACK = (
    constant(len(rows("loop", "mean"))),
    constant(len(rows("element", "mean"))),
    constant(len(rows("rack", "mean"))),
)

# Ledger columns, J per step: heat and losses to the outdoors, stored, sum of |C dT|.
# Below every temperature: a running maximum that has seen nothing.
NEVER = -1e300

OUTWARD, STORED, GROSS = 0, 1, 2


@inner
def _highest(peak: np.ndarray, first: int, last: int) -> float:
    top = NEVER
    for r in range(first, last):
        top = max(top, peak[r])
    return top


@inner
def tank(t0: float, t_in: float, t_mean: float, w: float, c: float, dt: float, ledger: np.ndarray) -> float:
    """End temperature of a flow tank from its mean flux; books what it stored."""
    t1 = t0 + w * dt / c * (t_in - t_mean)
    stored = c * (t1 - t0)
    ledger[STORED] += stored
    ledger[GROSS] += abs(stored)
    return t1


@inner
def flush(acc: np.ndarray, into: np.ndarray, means: int, first: int, last: int, elapsed: float) -> None:
    """Write accumulators of rows ``first .. last`` as an interval (means divided by its length) and clear them."""
    for i in range(first, last):
        for v in range(acc.shape[1]):
            into[i, v] = acc[i, v] / elapsed if v < means else acc[i, v]
            acc[i, v] = 0.0


@inner
def add_hall(a: Arrays, s: Scratch, out: Out, h: int, dt: float, heat: tuple[float, float]) -> None:
    """Add a step to the row of a hall and of its elements; ``heat`` is (liquid, air) of its racks in W."""
    row = out.hall[h]
    first, air = a.hall_sec[h], a.hall_sec[h + 1] - 1
    count = a.group_rack[a.hall_group[h + 1]] - a.group_rack[a.hall_group[h]]
    it, mechanical, top = s.hall_it[h], s.hall_mechanical[h], s.hall_top[h]
    row[H_IT] += it * dt
    row[H_POWER] += top * dt
    row[H_MECHANICAL] += mechanical * dt
    row[H_LOSS] += (top - it - mechanical) * dt
    row[H_LIQUID] += heat[0] * dt
    row[H_AIR] += s.heat[air] * dt
    row[H_USED] += s.hall_used[h] / count * dt
    mean, hottest = mean_and_hottest(a, s, h)
    row[H_INLET] += mean * dt
    row[H_OUTLET] += (mean + (heat[1] / s.w[air] if s.w[air] > 0.0 else 0.0)) * dt
    _add_air(a, s, row, air, dt)
    row[H_ON] += dt
    row[H_WITHHELD] += s.hall_withheld[h] * dt
    row[H_SLOWED] += s.hall_slowed[h] * dt
    unmet = False
    supply, warmest = 0.0, np.nan
    for j in range(first, air):
        supply += s.supply[j] / (air - first)
        warmest = s.supply[j] if j == first else max(warmest, s.supply[j])
        unmet = unmet or s.mode[j] == OPEN_MODE
    row[H_SUPPLY] += supply * dt if air > first else np.nan
    row[H_UNMET] += dt if unmet or s.mode[air] == OPEN_MODE else 0.0
    row[H_INLET_MAX] = max(row[H_INLET_MAX], hottest)
    row[H_SUPPLY_MAX] = max(row[H_SUPPLY_MAX], warmest) if air > first else np.nan
    for e in range(a.hall_element[h], a.hall_element[h + 1]):
        cell = out.element[e]
        cell[E_POWER] += s.element_out[e] * dt
        cell[E_LOSS] += (s.element_in[e] - s.element_out[e]) * dt
        if a.element[e, LIMIT] > 0.0:
            cell[E_MAX] = max(cell[E_MAX], s.element_out[e] / a.element[e, LIMIT])


@inner
def _add_air(a: Arrays, s: Scratch, row: np.ndarray, j: int, dt: float) -> None:
    """Add what the air handlers of a hall do: what passes no rack comes back to them as cold as it was supplied."""
    sec = a.sec[j]
    net = (1.0 - sec[RECIRCULATION]) * s.coil[j]
    mixed = sec[BYPASS] * s.heat[j] / net if net > 0.0 else 0.0
    row[H_RETURN] += (s.back[j] - mixed) * dt
    row[H_AIR_SUPPLY] += s.supply[j] * dt
    row[H_RACKS] += s.asked_flow[j] / sec[CP] * dt
    row[H_HANDLERS] += net / (1.0 - sec[BYPASS]) / sec[CP] * dt


@inner
def flush_island(a: Arrays, s: Scratch, out: Out, island: int, interval: int, elapsed: float, record: bool) -> None:
    """Write the island's rows of an output interval of ``elapsed`` seconds."""
    for n in range(a.island_ptr[island], a.island_ptr[island + 1]):
        h = a.island_hall[n]
        first, last = a.group_rack[a.hall_group[h]], a.group_rack[a.hall_group[h + 1]]
        for g in range(a.hall_group[h], a.hall_group[h + 1]):
            # What racks that are slowed are asked for: their hall's headroom is negative by what they withhold.
            out.power_rows[interval, g] = s.group_asked[g]
        out.hall[h, H_TMAX] = _highest(s.peak, first, last)
        flush(out.hall, out.hall_rows[interval], N_MEAN_HALL, h, h + 1, elapsed)
        flush(out.cdu, out.cdu_rows[interval], N_MEAN_CDU, a.hall_sec[h], a.hall_sec[h + 1], elapsed)
        flush(
            out.element,
            out.element_rows[interval],
            N_MEAN_ELEMENT,
            a.hall_element[h],
            a.hall_element[h + 1],
            elapsed,
        )
        if record:
            for r in range(first, last):
                out.rack[r, R_MAX] = s.peak[r]
            flush(out.rack, out.rack_rows[interval], N_MEAN_RACK, first, last, elapsed)
        for r in range(first, last):
            s.peak[r] = NEVER
    for n in range(a.island_fac_ptr[island], a.island_fac_ptr[island + 1]):
        f = a.island_fac[n]
        flush(out.loop, out.loop_rows[interval], N_MEAN_LOOP, f, f + 1, elapsed)
