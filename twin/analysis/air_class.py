"""A run against the ASHRAE classes that its halls and loops name: what is not allowed, and hours outside recommended.

The class of a hall is in the run (its own, else the strictest of its racks); halls without one are told by the limits
of their racks alone. Temperatures above are those of the hottest inlets of an interval's worst step, those below and
rates of change those of a hall's mean. Moisture is not told: the model keeps none in its halls.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from twin.analysis.limits import Limit
from twin.analysis.period import Bools, Floats, Period, hours_text, iso, labels, values
from twin.core.ashrae import AIR, RATE_K_15_MIN, RATE_K_H, SOURCE, AirClass
from twin.core.units import HOUR

QUARTER_S = 900.0


def classes(ds: xr.Dataset) -> dict[str, AirClass]:
    """Air classes by hall; those that name none are left out."""
    named = zip(labels(ds, "hall"), labels(ds, "hall_ashrae_class"), strict=False)
    return {hall: AIR[name] for hall, name in named if name in AIR}


def held_to(ds: xr.Dataset, limits: dict[str, Limit]) -> dict[str, Limit]:
    """The highest inlet of each hall: what its racks allow, or its class where that is lower."""
    found = dict(limits)
    for hall, made_for in classes(ds).items():
        most = Limit(made_for.allowable.dry_high, f"{SOURCE}, class {made_for.name}, allowable")
        if hall not in found or most.value < found[hall].value:
            found[hall] = most
    return found


def outside_allowable(ds: xr.Dataset, period: Period) -> list[str]:
    """Sentences on inlets that are too cold for a class, or change too fast; those that are too hot are told apart."""
    found = []
    for hall, made_for, mean, _ in _inlets(ds):
        cold = np.nan_to_num(mean, nan=np.inf) < made_for.allowable.dry_low
        if cold.any():
            at = int(np.nanargmin(mean))
            found.append(
                f"Hall {hall} falls to {mean[at]:.1f} degC at the rack inlets, below the "
                f"{made_for.allowable.dry_low:g} degC of class {made_for.name}, in "
                f"{_hours(cold, period)}, most at {iso(period.end[at])} ({SOURCE})."
            )
        found += _too_fast(hall, made_for, mean, period)
    return found


def _too_fast(hall: str, made_for: AirClass, mean: Floats, period: Period) -> list[str]:
    """The allowed change within 15 min and within an hour, as far as the output intervals resolve them."""
    found = []
    for within_s, most, words in ((QUARTER_S, RATE_K_15_MIN, "15 min"), (HOUR, RATE_K_H, "an hour")):
        n = int(within_s // period.interval_s)
        if n < 1 or len(mean) <= n:
            continue
        change = np.nan_to_num(np.abs(mean[n:] - mean[:-n]))
        if (change > most).any():
            at = int(np.argmax(change))
            found.append(
                f"Air at the rack inlets of hall {hall} changes by {change[at]:.1f} K within {words}, up to "
                f"{iso(period.end[at + n])}: class {made_for.name} allows {most:g} K ({SOURCE})."
            )
    return found


def outside_recommended(ds: xr.Dataset, period: Period) -> list[str]:
    """A sentence for each hall whose inlets leave what is recommended for its class."""
    found = []
    for hall, made_for, mean, top in _inlets(ds):
        best = made_for.recommended
        hot = np.nan_to_num(top, nan=-np.inf) > best.dry_high
        cold = np.nan_to_num(mean, nan=np.inf) < best.dry_low
        if (hot | cold).any():
            found.append(
                f"Rack inlets of hall {hall} are outside the {best.dry_low:g} to {best.dry_high:g} degC that ASHRAE "
                f"recommends for class {made_for.name} in {_hours(hot | cold, period)} (too hot {_hours(hot, period)}, "
                f"too cold {_hours(cold, period)})."
            )
    return found


def _inlets(ds: xr.Dataset) -> list[tuple[str, AirClass, Floats, Floats]]:
    """Hall, class, mean and hottest inlet (time) in degC, NaN where it is not energised, of each hall with a class."""
    named = classes(ds)
    if not named or "hall_energised_share" not in ds:
        return []
    on = values(ds, "hall_energised_share") > 0
    mean, top = (np.where(on, values(ds, f"hall_rack_inlet_temperature{end}"), np.nan) for end in ("", "_maximum"))
    halls = labels(ds, "hall")
    return [(hall, named[hall], mean[:, i], top[:, i]) for i, hall in enumerate(halls) if hall in named]


def _hours(of: Bools, period: Period) -> str:
    return hours_text(float(of.sum()) * period.hours)


__all__ = ["classes", "held_to", "outside_allowable", "outside_recommended"]
