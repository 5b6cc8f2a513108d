"""How well the air of a hall is kept apart: indices of its exhaust, from what a run records.

Equations (sums over the intervals of a run; ``Q`` heat of the racks to the air in W, ``F`` the air that they draw at
their design rise in kg/s)::

    dQ  = sum Q (T_in - T_sup) / (T_out - T_in)     heat that comes back into the inlets
    SHI = dQ / (sum Q + dQ)                         supply heat index, 0 sealed ... 1
    RHI = 1 - SHI                                   return heat index
    RTI = sum F cp (T_ret - T_sup) / sum Q          return temperature index: handlers' rise per racks' rise

so that of one interval SHI is ``(T_in - T_sup)/(T_out - T_sup)``. RTI above 1 tells of racks that draw more than the
handlers bring (net recirculation), below 1 of supply air that passes no rack (net bypass, or fans at their lowest
speed); heat of fans and losses in the hall's air raises it a little. ``T_in`` and ``T_out`` are means of the racks by
flow, ``T_ret`` is what reaches the coils.

Range: steady intervals; within one, products of means stand for the mean of products. SHI is by flow, as first defined;
the ratio of plain sums of temperatures is the same where all racks draw alike. The rack cooling index asks for every
rack's own inlet and is not computed: runs do not record it.
Source: SHI and RHI: Sharma, Bash, Patel, AIAA 2002-3091, doi:10.2514/6.2002-3091; RTI: Herrlin, ASHRAE Transactions 114
(2008) part 2, 1-8.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from twin.analysis.period import values
from twin.site.lower_hall import AIR_CP

NEEDED = ("hall_supply_air_temperature", "hall_rack_outlet_temperature", "hall_rack_airflow")
NOTHING: dict[str, float | None] = {
    "supply_heat_index": None,
    "return_heat_index": None,
    "return_temperature_index": None,
}


def indices(ds: xr.Dataset) -> list[dict[str, Any]]:
    """SHI, RHI and RTI of each hall; None where a hall has no heat in its air, or the run none of its temperatures."""
    heat = values(ds, "hall_it_power") - values(ds, "hall_liquid_heat")
    if any(name not in ds for name in NEEDED):
        return [dict(NOTHING) for _ in range(heat.shape[1])]
    inlet, outlet, supply, returned = (
        values(ds, f"hall_{name}_temperature") for name in ("rack_inlet", "rack_outlet", "supply_air", "return")
    )
    rise = np.nansum(values(ds, "hall_rack_airflow") * AIR_CP * (returned - supply), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        flow = np.where(outlet > inlet, heat / (outlet - inlet), 0.0)
    back = np.nansum(flow * (inlet - supply), axis=0)
    return [_of(*numbers) for numbers in zip(heat.sum(axis=0), back, rise, strict=True)]


def _of(heat: float, back: float, rise: float) -> dict[str, Any]:
    if heat <= 0.0:
        return dict(NOTHING)
    shi = float(back / (heat + back))
    return {
        "supply_heat_index": shi,
        "return_heat_index": 1.0 - shi,
        "return_temperature_index": float(rise / heat),
    }


__all__ = ["indices"]
