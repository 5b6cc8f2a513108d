"""The week in which a site has most to serve: where nothing else is asked for, the one to look at.

Of the weeks (Monday 00:00 local standard time) of the default period, the one with the highest demand: each class per
its own highest week, classes alike. Of those within 0.1 % of it the one with the warmest hour.
"""

from __future__ import annotations

import numpy as np

from twin.core.units import DAY, HOUR
from twin.engine.demand import class_demands
from twin.engine.period import period, stamp
from twin.engine.serve import ClassDemand
from twin.forcing.demand import MONDAY_S, RecordedRate
from twin.forcing.weather import Weather
from twin.site.load import LoadedSite
from twin.site.lower import local_midnight

WEEK = 7 * DAY
ALIKE = 0.999
# A step of the default length; a recording that does not repeat is cut to whole ones.
WHOLE_S = 300.0


def peak_week(loaded: LoadedSite, weather: Weather) -> tuple[str, str]:
    """Start and end (ISO 8601, UTC) of that week; less than a week where a recording is shorter.

    Raises ``InputError`` for a faulty recording.
    """
    offset = round(loaded.site.utc_offset_h * HOUR)
    halls = [hall.energised_on for b in loaded.site.buildings.values() for hall in b.halls.values()]
    first, last = period(None, None, max(float(local_midnight(day, loaded.site.utc_offset_h)) for day in halls))
    demand = class_demands(loaded)
    recorded = [d.curve.covers() for d in demand if isinstance(d.curve, RecordedRate) and not d.curve.repeat]
    if recorded:
        first, last = max(start for start, _ in recorded), min(end for _, end in recorded)
        first, last = np.ceil(first / WHOLE_S) * WHOLE_S, np.floor(last / WHOLE_S) * WHOLE_S
    monday = first + (-(first + offset - MONDAY_S)) % WEEK
    starts = np.arange(monday, last - WEEK + 1.0, WEEK)
    if not len(starts):
        return stamp(first), stamp(min(last, first + WEEK))
    best = starts[_most(demand, weather, starts, offset)]
    return stamp(best), stamp(best + WEEK)


def _most(demand: list[ClassDemand], weather: Weather, starts: np.ndarray, offset: int) -> int:
    """Index of the week with the highest demand, of equal ones the warmest."""
    total = np.zeros(len(starts))
    for asks in demand:
        mean = asks.curve.sample(starts, starts + WEEK, offset)
        total += mean / max(float(mean.max()), 1e-300)
    hours = (starts[:, None] + HOUR * np.arange(1.0, WEEK / HOUR + 1.0)).ravel()
    warmest = weather.sample(hours, HOUR).dry_bulb_c.reshape(len(starts), -1).max(axis=1)
    return int(np.argmax(np.where(total >= ALIKE * total.max(), warmest, -np.inf)))


__all__ = ["peak_week"]
