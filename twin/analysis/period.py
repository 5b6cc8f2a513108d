"""The time axis of a run, and the access to its variables that all answers share.

The time label of a Dataset is the END of an output interval, UTC. Years and days are those in which an interval begins:
the interval that ends at midnight belongs to the day before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from twin.core.errors import one
from twin.core.units import HOUR

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
YEAR_DAYS = (365, 366)


@dataclass(frozen=True)
class Period:
    """Ends (``datetime64[s]``, UTC) and length in s of the output intervals."""

    end: NDArray[np.datetime64]
    interval_s: float

    @property
    def start(self) -> NDArray[np.datetime64]:
        """Beginnings of the intervals, UTC."""
        return self.end - np.timedelta64(round(self.interval_s), "s")

    @property
    def hours(self) -> float:
        """Length of an interval, h."""
        return self.interval_s / HOUR

    @property
    def total_hours(self) -> float:
        """Length of the period, h."""
        return self.hours * len(self.end)

    @property
    def year(self) -> NDArray[np.int64]:
        """Calendar year (UTC) in which each interval begins."""
        return self.start.astype("datetime64[Y]").astype(np.int64) + 1970

    @property
    def whole_years(self) -> bool:
        """Whether the period is a whole number of years, as an annual figure asks for."""
        first, last = self.start[0], self.end[-1]
        years = int(last.astype("datetime64[Y]").astype(np.int64) - first.astype("datetime64[Y]").astype(np.int64))
        months = first.astype("datetime64[M]")
        later = (months + np.timedelta64(12 * years, "M")).astype("datetime64[s]") + (first - months)
        return years >= 1 and bool(later == last)


def period_of(ds: xr.Dataset) -> Period:
    """The time axis of a run. Raises ``InputError`` where the Dataset is no run or holds no interval."""
    if "time" not in ds.coords or "site_power" not in ds or "interval_s" not in ds.attrs:
        raise one("this is no run: it lacks `time`, `site_power` or the attribute `interval_s`", path="dataset")
    end = np.asarray(ds["time"].values).astype("datetime64[s]")
    if len(end) == 0:
        raise one("the run holds no output interval yet", path="dataset")
    return Period(end, float(ds.attrs["interval_s"]))


def values(ds: xr.Dataset, name: str) -> Floats:
    """A variable as float64, time first. Raises ``InputError`` where the run does not hold it."""
    if name not in ds:
        raise one(f"the run holds no `{name}`: run again with that level of output", path="dataset")
    return np.asarray(ds[name].transpose("time", ...).values, np.float64)


def hours_text(hours: float) -> str:
    """Hours for people: two digits behind the point below ten."""
    return f"{hours:,.2f} h" if hours < 10 else f"{hours:,.0f} h"


def labels(ds: xr.Dataset, name: str) -> list[str]:
    """A coordinate as text; empty where the run does not hold it."""
    return [str(v) for v in ds[name].values] if name in ds.coords else []


def iso(moment: np.datetime64) -> str:
    """``2028-07-01T15:00Z``."""
    return str(moment.astype("datetime64[m]")) + "Z"


def plain(value: float) -> float | None:
    """A float for JSON: None where it is no number."""
    number = float(value)
    return number if np.isfinite(number) else None


def flag_names(attrs: dict[str, Any]) -> dict[int, str]:
    """Names of a variable's codes from its CF attributes ``flag_values`` and ``flag_meanings``."""
    codes, names = _listed(attrs.get("flag_values")), _listed(attrs.get("flag_meanings"))
    return {
        int(float(code)): name.replace("_", " ").replace("cdu", "CDU") for code, name in zip(codes, names, strict=False)
    }


def _listed(given: Any) -> list[str]:
    if given is None:
        return []
    if isinstance(given, str):
        return given.replace(",", " ").split()
    return [str(item) for item in np.ravel(np.asarray(given))]
