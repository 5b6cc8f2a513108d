"""What a run says about each hall and each facility-water loop: energised hours, peaks, hottest rack, worst hour.

Headroom is a value at the END of an output interval; its worst hour is the smallest value while the hall is energised,
with the instant and the limit that binds there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from twin.analysis.air_indices import indices
from twin.analysis.period import Bools, Floats, Period, flag_names, iso, labels, plain, values
from twin.core.units import HOUR

Row = dict[str, Any]


def hall_rows(ds: xr.Dataset, period: Period) -> list[Row]:
    """One row for each hall; powers in MW, temperatures in degC, times in h. Empty where the run holds no halls."""
    names = labels(ds, "hall")
    if not names or "hall_it_power" not in ds:
        return []
    share = values(ds, "hall_energised_share")
    it, used, unmet = (values(ds, f"hall_{v}") for v in ("it_power", "utilization", "unmet_share"))
    hottest, inlet = values(ds, "hall_rack_temperature_maximum"), values(ds, "hall_rack_inlet_temperature_maximum")
    coolant = values(ds, "hall_liquid_supply_temperature_maximum")
    slowed, withheld = values(ds, "hall_slowed_share"), values(ds, "hall_withheld_power")
    buildings = labels(ds, "hall_building") or [name.partition("/")[0] for name in names]
    kinds = labels(ds, "hall_kind") or [""] * len(names)
    rows, apart = [], indices(ds)
    for h, name in enumerate(names):
        on = share[:, h] > 0
        hours = float(share[:, h].sum()) * period.hours
        rows.append(
            {
                "hall": name,
                "building": buildings[h],
                "kind": kinds[h],
                "energised_from_utc": _energised_from(on, share[:, h], period),
                "energised_before_period": bool(on[0]) and float(share[0, h]) >= 1.0,
                "energised_hours": hours,
                "energised_share": hours / period.total_hours,
                "it_mean_mw": _per(float(it[:, h].sum()) * period.hours / 1e6, hours),
                "it_peak_mw": float(it[:, h].max()) / 1e6,
                "utilization_mean": _per(float(used[:, h].sum()) * period.hours, hours),
                "rack_temperature_maximum_c": _extreme(hottest[:, h], on),
                "rack_inlet_temperature_maximum_c": _extreme(inlet[:, h], on),
                "coolant_supply_maximum_c": _extreme(coolant[:, h], on),
                "set_point_missed_hours": float(unmet[:, h].sum()) * period.hours,
                "slowed_hours": float((slowed[:, h] > 0).sum()) * period.hours,
                "withheld_mwh": float(withheld[:, h].sum()) * period.hours / 1e6,
                **apart[h],
            }
        )
    _add_headroom(ds, period, share > 0, rows)
    return rows


def _add_headroom(ds: xr.Dataset, period: Period, on: Bools, rows: list[Row]) -> None:
    elements = labels(ds, "element")
    for what in ("cooling", "power"):
        headroom, binding = f"hall_{what}_headroom", f"hall_{what}_binding"
        if headroom not in ds:
            continue
        room = values(ds, headroom)
        codes = values(ds, binding) if binding in ds else np.full_like(room, np.nan)
        flags = flag_names(ds[binding].attrs) if binding in ds else {}
        for h, row in enumerate(rows):
            worst = worst_hour(room[:, h], on[:, h])
            row[f"{what}_headroom"] = worst and {
                "worst_mw": float(room[worst[0], h]) / 1e6,
                "at_utc": iso(period.end[worst[0]]),
                "binding": binding_name(codes[worst[0], h], what, flags, elements),
                "negative_hours": worst[1] * period.hours,
            }


def worst_hour(room: Floats, on: Bools) -> tuple[int, int] | None:
    """(interval of the smallest headroom while energised, intervals below zero); None where there is no value."""
    known = on & np.isfinite(room)
    if not known.any():
        return None
    return int(np.argmin(np.where(known, room, np.inf))), int((known & (room < 0)).sum())


def binding_name(code: float, what: str, flags: dict[int, str], elements: list[str]) -> str:
    """The limit behind a code: a named cooling limit, an element of the electrical path, or the contract."""
    if not np.isfinite(code):
        return "unknown"
    if what == "cooling":
        return flags.get(int(code), f"limit {int(code)}")
    return elements[int(code)] if 0 <= int(code) < len(elements) else "contract"


def loop_rows(ds: xr.Dataset, period: Period) -> list[Row]:
    """One row for each facility-water loop. An interval counts as free cooling when no chiller ran in it."""
    names = labels(ds, "loop")
    if not names or "plant_power" not in ds:
        return []
    share, chiller = values(ds, "plant_energised_share"), values(ds, "plant_chiller_power")
    unmet, heat = values(ds, "plant_unmet_share"), values(ds, "plant_heat")
    spare, water = values(ds, "plant_capacity") - heat, values(ds, "plant_water_flow")
    power, supply = values(ds, "plant_power"), values(ds, "fws_supply_temperature")
    rows = []
    for f, name in enumerate(names):
        on = share[:, f] > 0
        rows.append(
            {
                "loop": name,
                "building": name.partition("/")[0],
                "energised_hours": float(share[:, f].sum()) * period.hours,
                "free_cooling_hours": float(share[on & (chiller[:, f] <= 0), f].sum()) * period.hours,
                "set_point_missed_hours": float(unmet[:, f].sum()) * period.hours,
                "supply_maximum_c": _extreme(supply[:, f], on),
                "heat_peak_mw": float(heat[:, f].max()) / 1e6,
                "spare_capacity_minimum_mw": _least(spare[:, f] / 1e6, on),
                "plant_energy_mwh": float(power[:, f].sum()) * period.hours / 1e6,
                "chiller_energy_mwh": float(chiller[:, f].sum()) * period.hours / 1e6,
                "water_m3": float(water[:, f].sum()) * period.hours * HOUR / 1e3,
            }
        )
    return rows


def _energised_from(on: Bools, share: Floats, period: Period) -> str | None:
    """Instant of energisation, to the second where it falls inside an interval; None where it never comes."""
    if not on.any():
        return None
    first = int(np.argmax(on))
    late = round((1.0 - float(share[first])) * period.interval_s)
    return iso(period.start[first] + np.timedelta64(late, "s"))


def _per(amount: float, hours: float) -> float | None:
    return amount / hours if hours > 0 else None


def _extreme(series: Floats, on: Bools) -> float | None:
    known = series[on & np.isfinite(series)]
    return plain(known.max()) if len(known) else None


def _least(series: Floats, on: Bools) -> float | None:
    known = series[on & np.isfinite(series)]
    return plain(known.min()) if len(known) else None
