"""What the energy of a run costs and emits, from the section ``grid`` of its site.

Equations, over output intervals i with energy E_i and the mean price p_i and intensity c_i of the interval::

    energy cost = sum E_i p_i        carbon = sum E_i c_i
    demand charge = sum over local months of rate * highest 15 min mean of the month
    CUE = carbon / IT energy         (ISO/IEC 30134-8, electricity of the meter, location-based)

A month that the run covers in part is charged whole, as a bill does, and marked. Where intervals are longer than 15 min
the highest step stands in: with shorter steps it is at least the 15 min mean, with longer ones at most.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr
from pydantic import ValidationError

from twin.analysis.period import Floats, Period, plain, values
from twin.core.errors import InputError
from twin.core.units import HOUR, KW, MW
from twin.forcing.stepped import Stepped, daily
from twin.site.document import parse
from twin.site.grid_model import Carbon, Grid, Price
from twin.site.model import Site

Row = dict[str, Any]
DEMAND_S = 900.0


def grid_costs(ds: xr.Dataset, period: Period, tokens_s: float | None = None) -> Row | None:
    """Cost, demand charge and carbon as plain JSON types; None where the site has none of them.

    ``tokens_s`` is the mean rate of tokens, for the cost per million of them.
    """
    grid = _grid(ds)
    if grid is None or (grid.price is None and grid.carbon is None and grid.demand_charge_usd_kw_month is None):
        return None
    energy = values(ds, "site_power") * period.hours / MW
    found: Row = {"hourly_means": period.interval_s <= HOUR}
    if grid.price is not None:
        price = _series(ds, period, grid.price, "price")
        found["energy"] = _energy(price, energy, grid.price)
    if grid.demand_charge_usd_kw_month is not None:
        found["demand"] = _demand(ds, period, grid.demand_charge_usd_kw_month)
    if grid.carbon is not None:
        it_kwh = float(values(ds, "site_it_power").sum()) * period.hours / KW
        found["carbon"] = _carbon(_series(ds, period, grid.carbon, "carbon"), energy, it_kwh, grid.carbon)
    usd = [found[part]["usd"] for part in ("energy", "demand") if part in found]
    total = None if not usd or None in usd else sum(usd)
    mwh = float(energy.sum())
    found["total_usd"] = total
    found["usd_per_mwh"] = total / mwh if total is not None and mwh > 0.0 else None
    tokens = (tokens_s or 0.0) * period.total_hours * HOUR / 1e6
    if tokens > 0.0:
        found["usd_per_million_tokens"] = None if total is None else total / tokens
        found["kwh_per_million_tokens"] = mwh * 1e3 / tokens
    return found


def _grid(ds: xr.Dataset) -> Grid | None:
    """The section of the site that the run carries; None where it has none or this version refuses it."""
    try:
        return Site.model_validate(parse(str(ds.attrs.get("site_text", "")), "site_text").data).grid
    except (InputError, ValidationError):
        return None


def _series(ds: xr.Dataset, period: Period, part: Price | Carbon, key: str) -> Floats:
    """Means of a price (USD/MWh) or intensity (kg/MWh) over the intervals; NaN where nothing covers them."""
    start, end = (edge.astype("datetime64[s]").astype(np.float64) for edge in (period.start, period.end))
    flat, hours = (part.usd_mwh, part.hourly_usd_mwh) if isinstance(part, Price) else (part.kg_mwh, part.hourly_kg_mwh)
    if flat is not None:
        return np.full(len(end), flat)
    if hours is not None:
        return daily(hours, start[0], end[-1], _offset_s(ds)).mean(start, end)
    known = json.loads(ds.attrs.get("grid_series", "{}")).get(key)
    if known is None:
        return np.full(len(end), np.nan)
    return Stepped.of(known).mean(start, end)


def _offset_s(ds: xr.Dataset) -> float:
    return float(ds.attrs.get("utc_offset_h", 0.0)) * HOUR


def _energy(price: Floats, energy: Floats, part: Price) -> Row:
    covered, usd = bool(np.isfinite(price).all()), float((price * energy).sum())
    mwh = float(energy.sum())
    return {
        "usd": plain(usd),
        "price_mean_usd_mwh": plain(price.mean()),
        "price_paid_usd_mwh": usd / mwh if covered and mwh > 0.0 else None,
        "price_highest_usd_mwh": plain(price.max()),
        "covered_share": float(np.isfinite(price).mean()),
        "source": f"{part.source} ({part.confidence})",
    }


def _carbon(intensity: Floats, energy: Floats, it_kwh: float, part: Carbon) -> Row:
    kg = float((intensity * energy).sum())
    return {
        "kg": plain(kg),
        "intensity_mean_kg_mwh": plain(intensity.mean()),
        "cue_kg_kwh": plain(kg / it_kwh) if it_kwh > 0.0 else None,
        "cue_category": "ISO/IEC 30134-8, electricity at the meter, location-based",
        "covered_share": float(np.isfinite(intensity).mean()),
        "source": f"{part.source} ({part.confidence})",
    }


def _demand(ds: xr.Dataset, period: Period, usd_kw_month: float) -> Row:
    """The charge of each local month, from the highest 15 min or what stands in for it."""
    power, seconds, window, exact = _quarters(ds, period)
    local = (seconds + _offset_s(ds)).astype("datetime64[s]")
    month = local.astype("datetime64[M]")
    begin = period.start[0] + np.timedelta64(round(_offset_s(ds)), "s")
    end = period.end[-1] + np.timedelta64(round(_offset_s(ds)), "s")
    months = []
    for one in np.unique(month):
        highest = float(power[month == one].max())
        whole = begin <= one.astype("datetime64[s]") and end >= (one + np.timedelta64(1, "M")).astype("datetime64[s]")
        months.append(
            {"month": str(one), "highest_mw": highest / MW, "usd": usd_kw_month * highest / KW, "whole": bool(whole)}
        )
    return {
        "usd": sum(row["usd"] for row in months),
        "usd_kw_month": usd_kw_month,
        "window_s": window,
        "exact": exact,
        "months": months,
    }


def _quarters(ds: xr.Dataset, period: Period) -> tuple[Floats, Floats, float, bool]:
    """Mean powers (n) W, their begins (n) s since 1970 UTC, their length in s, whether they are 15 min means."""
    start = period.start.astype("datetime64[s]").astype(np.float64)
    length = period.interval_s
    if length <= DEMAND_S and DEMAND_S % length == 0.0:
        quarter = np.floor(start / DEMAND_S)
        each, inverse, count = np.unique(quarter, return_inverse=True, return_counts=True)
        means = np.bincount(inverse, values(ds, "site_power")) / count
        full = count * length >= DEMAND_S
        if full.any():
            return means[full], each[full] * DEMAND_S, DEMAND_S, True
    step = float(ds.attrs.get("step_s", length))
    power = values(ds, "site_power_maximum" if "site_power_maximum" in ds else "site_power")
    return power, start, step, step == DEMAND_S


__all__ = ["DEMAND_S", "grid_costs"]
