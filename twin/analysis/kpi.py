"""The key figures of a run, as one plain dictionary: what the terminal, the JSON output and the report all show.

Equations (boundaries as in ISO/IEC 30134)::

    PUE = energy at the meter / IT energy at the racks' AC input     (30134-2, category 3: IT input)
    WUE = make-up water / IT energy, L/kWh                           (30134-9, water used on site)

Keys carry their unit. Instants are ends of output intervals, UTC. A share or ratio has no unit. The contract of an
interval is that at its end; before the first tranche there is none, and the no-load losses of a path that stands are
no breach. Of a live run no interval counts in which the model did not stand yet on what is measured (``early``), unless
all are such: nothing in them was so at the campus. Those at whose ends its twin was STALE count: the model went on from
where it stood. Notes say how many they are.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from twin.analysis.consumers import consumer_rows, consumers_defect
from twin.analysis.energy_cost import grid_costs
from twin.analysis.findings import notes, violations
from twin.analysis.halls import hall_rows, loop_rows
from twin.analysis.period import Floats, Period, flag_names, iso, labels, period_of, plain, values
from twin.analysis.serving import serving
from twin.core.units import HOUR

Summary = dict[str, Any]
STALE = "STALE"  # as live runs have it among their modes
PUE_CATEGORY = "ISO/IEC 30134-2 category 3 (IT energy at the equipment's AC input), designed (predicted by a model)"


def summary(ds: xr.Dataset) -> Summary:
    """Every key figure of a run as plain JSON types; ``serving`` only where it has pools, ``grid`` where it is priced.

    Raises ``InputError`` where the Dataset is no run.
    """
    ds, early = settled(ds)
    period = period_of(ds)
    found: Summary = {
        "site": {"name": str(ds.attrs.get("site", "")), "title": str(ds.attrs.get("title", ""))},
        "period": _period(ds, period),
        "meter": _meter(ds, period),
        "it": _it(ds, period),
        "consumers": consumer_rows(ds, period.hours),
        "consumers_defect": consumers_defect(ds),
        "efficiency": _efficiency(ds, period),
        "energy_residual_maximum": _largest(ds, "energy_residual"),
        "weather": _weather(ds),
        "halls": hall_rows(ds, period),
        "loops": loop_rows(ds, period),
        "years": _years(ds, period),
        "priors": priors(ds),
    }
    served = serving(ds, period)
    if served is not None:
        found["serving"] = served
    costs = grid_costs(ds, period, served["tokens_s"] if served else None)
    if costs is not None:
        found["grid"] = costs
    found["notes"] = [*early, *stale(ds), *notes(ds, found)]
    found["violations"] = violations(ds, found)
    return found


def settled(ds: xr.Dataset) -> tuple[xr.Dataset, list[str]]:
    """The intervals that count, and a sentence on those that do not; all of them where there are no others."""
    early = np.asarray(ds["early"].values) != 0 if "early" in ds else np.zeros(0, np.bool_)
    count = int(early.sum())
    if not count:
        return ds, []
    whole = count == len(early)
    which = "All intervals are" if whole else f"{count:,} of {len(early):,} intervals {'is' if count == 1 else 'are'}"
    then = "" if whole else " They are not counted."
    return (
        ds if whole else ds.isel(time=np.flatnonzero(~early)),
        [f"{which} of a time in which not all that drives the model had been heard.{then}"],
    )


def stale(ds: xr.Dataset) -> list[str]:
    """A sentence on the intervals of a live run at whose ends its twin said STALE; none where there are none."""
    if "mode" not in ds:
        return []
    modes = flag_names(ds["mode"].attrs)
    count = sum(modes.get(int(mode)) == STALE for mode in ds["mode"].values)
    of = f"{count:,} of {ds.sizes['time']:,} intervals that count {'is' if count == 1 else 'are'}"
    return [f"{of} {STALE}: too little of what drives the model was usable at their ends."] if count else []


def priors(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The estimates and reports among the figures behind the run: rows of its attribute ``figures`` (JSON), or none."""
    try:
        rows = json.loads(ds.attrs.get("figures", "[]"))
    except (TypeError, ValueError):
        return []
    rows = rows if isinstance(rows, list) else []
    return [row for row in rows if isinstance(row, dict) and row.get("confidence") in ("estimate", "reported")]


def _period(ds: xr.Dataset, period: Period) -> Summary:
    return {
        "start_utc": iso(period.start[0]),
        "end_utc": iso(period.end[-1]),
        "hours": period.total_hours,
        "whole_years": period.whole_years,
        "step_s": plain(float(ds.attrs.get("step_s", np.nan))),
        "interval_s": period.interval_s,
        "seed": int(ds.attrs["seed"]) if "seed" in ds.attrs else None,
        "version": str(ds.attrs.get("version", "")),
        "weather": str(ds.attrs.get("weather", "")),
        "weather_stands_in_for": str(ds.attrs.get("weather_stands_in_for", "")),
    }


def _meter(ds: xr.Dataset, period: Period) -> Summary:
    power, peak, contract = values(ds, "site_power"), _peaks(ds), values(ds, "contract_power")
    agreed = contract > 0
    over = np.where(agreed, peak - contract, -np.inf)
    top, worst = int(np.argmax(peak)), int(np.argmax(over))
    early = values(ds, "site_it_power")[~agreed]
    return {
        "peak_mw": float(peak[top]) / 1e6,
        "peak_at_utc": iso(period.end[top]),
        "mean_mw": float(power.mean()) / 1e6,
        "energy_mwh": float(power.sum()) * period.hours / 1e6,
        "contract_mw": float(contract[-1]) / 1e6,
        "contract_at_peak_mw": float(contract[top]) / 1e6,
        "largest_exceedance_mw": max(0.0, float(over[worst])) / 1e6,
        "contract_at_largest_exceedance_mw": float(contract[worst]) / 1e6,
        "largest_exceedance_at_utc": iso(period.end[worst]) if over[worst] > 0 else None,
        "smallest_margin_mw": plain(-over[worst] / 1e6),
        "smallest_margin_at_utc": iso(period.end[worst]) if agreed.any() else None,
        "it_before_contract_mw": float(early.max()) / 1e6 if len(early) else 0.0,
        "hours_above_contract": float((over > 0).sum()) * period.hours,
    }


def _it(ds: xr.Dataset, period: Period) -> Summary:
    it = values(ds, "site_it_power")
    top = int(np.argmax(it))
    return {
        "peak_mw": float(it[top]) / 1e6,
        "peak_at_utc": iso(period.end[top]),
        "mean_mw": float(it.mean()) / 1e6,
        "energy_mwh": float(it.sum()) * period.hours / 1e6,
    }


def _efficiency(ds: xr.Dataset, period: Period) -> Summary:
    meter, it = float(values(ds, "site_power").sum()), float(values(ds, "site_it_power").sum())
    water_kg = float(values(ds, "site_water_flow").sum()) * period.hours * HOUR
    it_kwh = it * period.hours / 1e3
    whole = period.whole_years
    return {
        "pue": meter / it if it > 0 else None,
        "pue_category": PUE_CATEGORY + ("" if whole else ", interim: the period is not a whole year"),
        "interim": not whole,
        "wue_l_kwh": water_kg / it_kwh if it_kwh > 0 else None,
        "wue_category": "ISO/IEC 30134-9, make-up water used on site; water behind the electricity is not counted",
        "water_m3": water_kg / 1e3,
    }


def _weather(ds: xr.Dataset) -> Summary:
    dry, wet = (values(ds, f"outdoor_{bulb}_bulb_temperature") for bulb in ("dry", "wet"))
    return {
        "dry_bulb_mean_c": float(dry.mean()),
        "dry_bulb_maximum_c": float(dry.max()),
        "wet_bulb_mean_c": float(wet.mean()),
        "wet_bulb_maximum_c": float(wet.max()),
    }


def _years(ds: xr.Dataset, period: Period) -> list[Summary]:
    """A row for each calendar year (UTC) that the period touches."""
    power, peak, it = values(ds, "site_power"), _peaks(ds), values(ds, "site_it_power")
    contract, year = values(ds, "contract_power"), period.year
    share = values(ds, "hall_energised_share") if "hall_energised_share" in ds else None
    rows = []
    for number in np.unique(year):
        part = year == number
        last = int(np.flatnonzero(part)[-1])
        rows.append(
            {
                "year": int(number),
                "hours": float(part.sum()) * period.hours,
                "peak_mw": float(peak[part].max()) / 1e6,
                "mean_mw": float(power[part].mean()) / 1e6,
                "energy_mwh": float(power[part].sum()) * period.hours / 1e6,
                "it_mean_mw": float(it[part].mean()) / 1e6,
                "contract_mw": float(contract[last]) / 1e6,
                "energised_halls": None if share is None else int((share[last] > 0).sum()),
                "halls": len(labels(ds, "hall")) or None,
            }
        )
    return rows


def _peaks(ds: xr.Dataset) -> Floats:
    """Largest step-mean in each interval, W; the interval's mean where the run does not hold it."""
    return values(ds, "site_power_maximum" if "site_power_maximum" in ds else "site_power")


def _largest(ds: xr.Dataset, name: str) -> float | None:
    return plain(values(ds, name).max()) if name in ds else None
