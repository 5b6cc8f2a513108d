"""What a run violates, as plain sentences: every limit that the model knows, with place, size, hours and worst instant.

Limits are those of :mod:`twin.analysis.limits`: the contract, what racks allow at their inlets, alarm limits and duties
of CDUs and air handlers, flows of loops, ratings of elements; besides them headroom, set points, promises to those who
are served, and the ledger. A
sentence can stand alone in a terminal or a ticket. Temperatures are those of the worst step and CDU of an interval.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from twin.analysis.air_class import held_to, outside_allowable, outside_recommended
from twin.analysis.limits import Limit, Limits, limits_of
from twin.analysis.period import Floats, Period, hours_text, iso, labels, period_of, values
from twin.analysis.serving_findings import broken, refused
from twin.core.ashrae import DEFAULT
from twin.core.units import MW

# Highest air temperature at a rack inlet, where the run states no limit of its own.
ALLOWABLE_INLET = Limit(DEFAULT.allowable.dry_high, f"ASHRAE TC 9.9, class {DEFAULT.name}, allowable")
RESIDUAL_LIMIT = 1e-9
# What a sensor in the coolant resolves; a supply that is held at its limit is not above it.
RESOLVED_K = 0.01
# Rounding of the single precision in which CDUs are recorded.
ROUNDING = 1e-6

Summary = dict[str, Any]
Words = Callable[[str, float, Limit], str]


def violations(ds: xr.Dataset, summary: Summary) -> list[str]:
    """Sentences, gravest kind first; empty where the run stays inside every limit."""
    halls, loops = summary["halls"], summary["loops"]
    limits, period = limits_of(ds), period_of(ds)
    found = [*_contract(summary["meter"], limits), *_temperatures(ds, period, limits), *_elements(ds, period, limits)]
    found += [*outside_allowable(ds, period), *_water(ds, period, limits)]
    found += _slowed(ds, period, limits)
    found += [*_headroom(halls, "cooling"), *_headroom(halls, "power")]
    found += [*_duties(ds, period, limits), *_flows(ds, period, limits)]
    found += _missed_loops(ds, period, loops)
    found += [
        f"Hall {row['hall']} misses its coolant or air set point for {hours_text(row['set_point_missed_hours'])}."
        for row in halls
        if row["set_point_missed_hours"] > 0
    ]
    found += broken(summary.get("serving"))
    residual = summary["energy_residual_maximum"]
    if residual is not None and residual > RESIDUAL_LIMIT:
        found.append(f"The energy ledger is open by {residual:.1e} of a step's flows, above {RESIDUAL_LIMIT:.0e}.")
    return found


def notes(ds: xr.Dataset, summary: Summary) -> list[str]:
    """Sentences that a reader needs in order to take the figures right; no limit is violated by them."""
    halls = summary["halls"]
    powered = any(row["energised_hours"] > 0 for row in halls) if halls else summary["it"]["peak_mw"] > 0
    if powered:
        return [*outside_recommended(ds, period_of(ds)), *_beyond_range(ds), *refused(summary.get("serving"))]
    first = ""
    if "hall_energised" in ds.coords:
        first = f": the first hall has power from {iso(ds['hall_energised'].values.min())} on"
    return [f"Nothing is energised in this period{first}."]


def _beyond_range(ds: xr.Dataset) -> list[str]:
    """Hours in which chillers run where their set says nothing: what they draw there is carried on, not known."""
    if "plant_beyond_range_share" not in ds:
        return []
    hours = np.nansum(values(ds, "plant_beyond_range_share"), axis=0) * period_of(ds).hours
    return [
        f"Chillers of loop {name} run beyond the range of their set for {hours_text(float(h))}: COP by the lift fit "
        "from its edge, capacity at most that of the edge."
        for name, h in zip(labels(ds, "loop"), hours, strict=True)
        if h > 0.0
    ]


def _over(
    names: list[str], series: Floats, limits: dict[str, Limit], period: Period, words: Words, slack: float = 0.0
) -> list[str]:
    """A sentence for each column of ``series`` (time, name) that goes above its limit; NaN is no value."""
    found = []
    for i, name in enumerate(names):
        limit = limits.get(name)
        if limit is None:
            continue
        over = np.nan_to_num(series[:, i], nan=-np.inf) > limit.value + slack + ROUNDING * abs(limit.value)
        if over.any():
            worst = int(np.nanargmax(series[:, i]))
            hours = hours_text(float(over.sum()) * period.hours)
            said = words(name, float(series[worst, i]), limit)
            found.append(f"{said}, in {hours}, most at {iso(period.end[worst])} ({limit.source}).")
    return found


def _contract(meter: Summary, limits: Limits) -> list[str]:
    found = []
    over, early = meter["largest_exceedance_mw"], meter["it_before_contract_mw"]
    if over > 0:
        agreed = meter["contract_at_largest_exceedance_mw"]
        source = f": the contract is {agreed:g} MW ({limits.contract[agreed]})" if agreed in limits.contract else ""
        found.append(
            f"The contract is exceeded in {hours_text(meter['hours_above_contract'])}, by at most {over:.2f} MW "
            f"at {meter['largest_exceedance_at_utc']}{source}."
        )
    if early > 0:
        found.append(f"Racks draw up to {early:.2f} MW before the first tranche of the contract.")
    return found


def _temperatures(ds: xr.Dataset, period: Period, limits: Limits) -> list[str]:
    """Coolant and air at the racks, coolant from the CDUs."""
    halls = labels(ds, "hall")
    if not halls or "hall_energised_share" not in ds:
        return []
    on = values(ds, "hall_energised_share") > 0
    coolant = np.where(on, values(ds, "hall_liquid_supply_temperature_maximum"), np.nan)
    air = np.where(on, values(ds, "hall_rack_inlet_temperature_maximum"), np.nan)
    unstated = {} if limits.air_inlet else dict.fromkeys(halls, ALLOWABLE_INLET)
    air_limits = unstated | held_to(ds, limits.air_inlet)
    found = _over(
        halls,
        coolant,
        limits.liquid_inlet,
        period,
        _reaches("at the racks' coolant inlets", "the racks' limit"),
        RESOLVED_K,
    )
    found += _over(halls, air, air_limits, period, _reaches("at the rack inlets", "the racks' limit"), RESOLVED_K)
    found += _over(
        halls,
        coolant,
        limits.cdu_supply,
        period,
        _reaches("in the coolant from its CDUs", "their alarm limit"),
        RESOLVED_K,
    )
    return found


def _reaches(where: str, whose: str) -> Words:
    return lambda name, value, limit: (
        f"Hall {name} reaches {value:.1f} degC {where}, above {whose} of {limit.value:g} degC"
    )


def _water(ds: xr.Dataset, period: Period, limits: Limits) -> list[str]:
    """Facility water that is warmer than the class of its loop."""
    if not limits.water or "fws_supply_temperature" not in ds:
        return []

    def words(name: str, value: float, limit: Limit) -> str:
        return f"Loop {name} supplies {value:.1f} degC, above the {limit.value:g} degC of its class"

    return _over(labels(ds, "loop"), values(ds, "fws_supply_temperature"), limits.water, period, words, RESOLVED_K)


def _slowed(ds: xr.Dataset, period: Period, limits: Limits) -> list[str]:
    """Racks at their junction limit: they draw less than they are asked for, and do less."""
    found: list[str] = []
    if "hall_slowed_share" not in ds:
        return found
    slowed, withheld = values(ds, "hall_slowed_share"), values(ds, "hall_withheld_power")
    for h, hall in enumerate(labels(ds, "hall")):
        if not (slowed[:, h] > 0).any():
            continue
        worst = int(np.argmax(withheld[:, h]))
        limit = limits.throttle.get(hall)
        source = f" ({limit.value:g} degC at the junction; {limit.source})" if limit else ""
        hours = hours_text(float((slowed[:, h] > 0).sum()) * period.hours)
        found.append(
            f"Racks of hall {hall} are too hot for full speed in {hours}, "
            f"most at {iso(period.end[worst])}: {100 * slowed[worst, h]:.0f} % of them, "
            f"{withheld[worst, h] / MW:.2f} MW less than asked for{source}."
        )
    return found


def _elements(ds: xr.Dataset, period: Period, limits: Limits) -> list[str]:
    names = labels(ds, "element")
    if not names or "element_loading_maximum" not in ds:
        return []
    ratings = {name: Limit(1.0, limits.rating.get(name, "its library entry")) for name in names}

    def words(name: str, value: float, limit: Limit) -> str:
        del limit
        return f"Element {name} carries up to {100 * value:.0f} % of its rating"

    return _over(names, values(ds, "element_loading_maximum"), ratings, period, words)


def _duties(ds: xr.Dataset, period: Period, limits: Limits) -> list[str]:
    """Heat against rated duty: each CDU where the run records it, else all of a hall together."""
    halls, found = labels(ds, "hall"), []
    if "cdu_heat" in ds:
        cdus, place = labels(ds, "cdu"), labels(ds, "cdu_hall")
        each = {
            cdu: Limit(limits.cdu_duty[hall].value / limits.cdus[hall], limits.cdu_duty[hall].source)
            for cdu, hall in zip(cdus, place, strict=True)
            if hall in limits.cdu_duty
        }
        found += _over(cdus, values(ds, "cdu_heat"), each, period, _carries("CDU {} carries"))
    elif "hall_liquid_heat" in ds:
        heat = values(ds, "hall_liquid_heat")
        found += _over(halls, heat, limits.cdu_duty, period, _carries("The CDUs of hall {} carry together"))
    if "hall_air_heat" in ds:
        heat = values(ds, "hall_air_heat")
        found += _over(halls, heat, limits.air_duty, period, _carries("The air handlers of hall {} carry"))
    return found


def _carries(who: str) -> Words:
    return lambda name, value, limit: (
        f"{who.format(name)} {value / MW:.3f} MW, above the rated duty of {limit.value / MW:.3f} MW"
    )


def _flows(ds: xr.Dataset, period: Period, limits: Limits) -> list[str]:
    """Loops that pump all they can: more was asked for, every branch got its share of what there is."""
    names = labels(ds, "loop")
    if not names or "fws_flow" not in ds:
        return []
    # The pumps never exceed their limit: from just below it on, they are at it.
    at = {name: Limit(limit.value * (1.0 - 2.0 * ROUNDING), limit.source) for name, limit in limits.loop_flow.items()}

    def words(name: str, value: float, limit: Limit) -> str:
        del limit
        return f"Loop {name} is asked for more than its largest flow, {value:,.0f} kg/s"

    return _over(names, values(ds, "fws_flow"), at, period, words)


def _missed_loops(ds: xr.Dataset, period: Period, rows: list[Summary]) -> list[str]:
    """Loops warmer than their set point: the capacity of the plant, or what it has left over from before, ran out."""
    found = []
    for i, row in enumerate(rows):
        if row["set_point_missed_hours"] <= 0:
            continue
        names = ("fws_supply_temperature", "fws_set_temperature", "plant_capacity", "plant_unmet_share")
        supply, target, room, unmet = (values(ds, name)[:, i] for name in names)
        worst = int(np.nanargmax(np.where(unmet > 0, supply - target, -np.inf)))
        found.append(
            f"Loop {row['loop']} misses its supply set point for {hours_text(row['set_point_missed_hours'])}, most at "
            f"{iso(period.end[worst])}: {supply[worst]:.1f} for {target[worst]:.1f} degC, where its plant can take "
            f"{room[worst] / MW:.2f} MW."
        )
    return found


def _headroom(halls: list[Summary], what: str) -> list[str]:
    found = []
    for row in halls:
        worst = row.get(f"{what}_headroom")
        if worst and worst["worst_mw"] < 0:
            found.append(
                f"Hall {row['hall']} lacks {what} headroom in {hours_text(worst['negative_hours'])}: "
                f"{worst['worst_mw']:.2f} MW at {worst['at_utc']}, bound by {worst['binding']}."
            )
    return found
