"""The week and the hour in which a site has most to serve: where nothing else is asked for, the ones to look at.

Of the weeks (Monday 00:00 local standard time) of the default period, the one with the highest demand: each class per
its own highest week, classes alike. Of those within 0.1 % of it the one with the warmest hour.
"""

from __future__ import annotations

import numpy as np

from twin.core.columns import Group
from twin.core.units import DAY, HOUR
from twin.engine.demand import class_demands
from twin.engine.period import period, stamp
from twin.engine.prepare import load_curves
from twin.engine.serve import ClassDemand, PoolCurve
from twin.forcing.demand import MONDAY_S, RecordedRate
from twin.forcing.weather import Weather
from twin.site.load import LoadedSite
from twin.site.lower import local_midnight, lower

WEEK = 7 * DAY
ALIKE = 0.999
# A step of the default length; a recording that does not repeat is cut to whole ones.
WHOLE_S = 300.0


def peak_week(loaded: LoadedSite, weather: Weather) -> tuple[str, str]:
    """Start and end (ISO 8601, UTC) of that week; less than a week where a recording is shorter.

    Raises ``InputError`` for a faulty recording.
    """
    first, last = _peak_week(loaded, weather, class_demands(loaded))
    return stamp(first), stamp(last)


def peak_hour(loaded: LoadedSite, weather: Weather) -> float:
    """The end (s since 1970 UTC) of the hour of that week in which most is asked for; of equal ones the warmest.

    Where no racks serve, it is the hour in which the load curves, weighed by the racks on them, are highest.
    Raises ``InputError`` for a faulty recording, and for a load curve that does not reach there.
    """
    offset = round(loaded.site.utc_offset_h * HOUR)
    demand = class_demands(loaded)
    first, last = _peak_week(loaded, weather, demand)
    starts = np.arange(first, last - HOUR + 1.0, HOUR)
    if demand:
        return float(starts[_most(demand, weather, starts, HOUR, offset)] + HOUR)
    plan = lower(loaded)
    total, group = np.zeros(len(starts)), plan.arrays.group
    for c, curve in enumerate(load_curves(plan, loaded)):
        assert not isinstance(curve, PoolCurve)
        on_it = group[plan.arrays.group_curve == c]
        total += curve.sample(starts, starts + HOUR, offset) * (on_it[:, Group.RATED] * on_it[:, Group.COUNT]).sum()
    return float(starts[_warmest(total, weather, starts, HOUR)] + HOUR)


def _peak_week(loaded: LoadedSite, weather: Weather, demand: list[ClassDemand]) -> tuple[float, float]:
    offset = round(loaded.site.utc_offset_h * HOUR)
    halls = [hall.energised_on for b in loaded.site.buildings.values() for hall in b.halls.values()]
    first, last = period(None, None, max(float(local_midnight(day, loaded.site.utc_offset_h)) for day in halls))
    recorded = [d.curve.covers() for d in demand if isinstance(d.curve, RecordedRate) and not d.curve.repeat]
    if recorded:
        first, last = max(start for start, _ in recorded), min(end for _, end in recorded)
        first, last = np.ceil(first / WHOLE_S) * WHOLE_S, np.floor(last / WHOLE_S) * WHOLE_S
    monday = first + (-(first + offset - MONDAY_S)) % WEEK
    starts = np.arange(monday, last - WEEK + 1.0, WEEK)
    if not len(starts):
        return float(first), float(min(last, first + WEEK))
    best = float(starts[_most(demand, weather, starts, WEEK, offset)])
    return best, best + WEEK


def _most(demand: list[ClassDemand], weather: Weather, starts: np.ndarray, length: float, offset: int) -> int:
    """Index of the stretch of ``length`` s with the highest demand, of equal ones the warmest."""
    total = np.zeros(len(starts))
    for asks in demand:
        mean = asks.curve.sample(starts, starts + length, offset)
        total += mean / max(float(mean.max()), 1e-300)
    return _warmest(total, weather, starts, length)


def _warmest(total: np.ndarray, weather: Weather, starts: np.ndarray, length: float) -> int:
    """Index of the stretch with the warmest hour among those whose ``total`` is the highest."""
    hours = (starts[:, None] + HOUR * np.arange(1.0, length / HOUR + 1.0)).ravel()
    warmest = weather.sample(hours, HOUR).dry_bulb_c.reshape(len(starts), -1).max(axis=1)
    return int(np.argmax(np.where(total >= ALIKE * total.max(), warmest, -np.inf)))


__all__ = ["peak_hour", "peak_week"]
