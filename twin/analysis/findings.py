"""What a run violates, as plain sentences: the contract, headroom, set points, the racks' inlet limit, the ledger.

A sentence names the thing, the size, the hours and the worst instant: it can stand alone in a terminal or a ticket.
"""

from __future__ import annotations

from typing import Any

import xarray as xr

from twin.analysis.period import iso, labels

# ASHRAE TC 9.9, class A1: highest allowable air temperature at a rack inlet, where the run states no limit of its own.
ALLOWABLE_INLET_C = 32.0
INLET_LIMIT = "rack_inlet_limit"
RESIDUAL_LIMIT = 1e-9

Summary = dict[str, Any]


def violations(ds: xr.Dataset, summary: Summary) -> list[str]:
    """Sentences, gravest kind first; empty where the run stays inside every limit."""
    halls, loops = summary["halls"], summary["loops"]
    found = [*_contract(summary["meter"]), *_headroom(halls, "cooling"), *_headroom(halls, "power")]
    found += _missed("loop", "supply set point", loops)
    found += _missed("hall", "coolant or air set point", halls)
    found += _inlets(ds, halls)
    residual = summary["energy_residual_maximum"]
    if residual is not None and residual > RESIDUAL_LIMIT:
        found.append(f"The energy ledger is open by {residual:.1e} of a step's flows, above {RESIDUAL_LIMIT:.0e}.")
    return found


def notes(ds: xr.Dataset, summary: Summary) -> list[str]:
    """Sentences that a reader needs in order to take the figures right; no limit is violated by them."""
    halls = summary["halls"]
    powered = any(row["energised_hours"] > 0 for row in halls) if halls else summary["it"]["peak_mw"] > 0
    if powered:
        return []
    first = ""
    if "hall_energised" in ds.coords:
        first = f": the first hall has power from {iso(ds['hall_energised'].values.min())} on"
    return [f"Nothing is energised in this period{first}."]


def _contract(meter: Summary) -> list[str]:
    found = []
    over, early = meter["largest_exceedance_mw"], meter["it_before_contract_mw"]
    if over > 0:
        found.append(
            f"The contract is exceeded in {_hours(meter['hours_above_contract'])}, by at most {over:.2f} MW "
            f"at {meter['largest_exceedance_at_utc']}."
        )
    if early > 0:
        found.append(f"Racks draw up to {early:.2f} MW before the first tranche of the contract.")
    return found


def _headroom(halls: list[Summary], what: str) -> list[str]:
    found = []
    for row in halls:
        worst = row.get(f"{what}_headroom")
        if worst and worst["worst_mw"] < 0:
            found.append(
                f"Hall {row['hall']} lacks {what} headroom in {_hours(worst['negative_hours'])}: "
                f"{worst['worst_mw']:.2f} MW at {worst['at_utc']}, bound by {worst['binding']}."
            )
    return found


def _missed(level: str, what: str, rows: list[Summary]) -> list[str]:
    return [
        f"{level.capitalize()} {row[level]} misses its {what} for {_hours(row['set_point_missed_hours'])}."
        for row in rows
        if row["set_point_missed_hours"] > 0
    ]


def _inlets(ds: xr.Dataset, halls: list[Summary]) -> list[str]:
    stated = INLET_LIMIT in ds.coords
    limits = [float(v) for v in labels(ds, INLET_LIMIT)] if stated else [ALLOWABLE_INLET_C] * len(halls)
    whose = "the racks' limit" if stated else "the allowable limit of ASHRAE class A1"
    return [
        f"Hall {row['hall']} reaches {row['rack_inlet_temperature_maximum_c']:.1f} degC at the rack inlets, "
        f"above {whose} of {limit:g} degC."
        for row, limit in zip(halls, limits, strict=True)
        if (row["rack_inlet_temperature_maximum_c"] or -273.0) > limit
    ]


def _hours(hours: float) -> str:
    return f"{hours:,.2f} h" if hours < 10 else f"{hours:,.0f} h"
