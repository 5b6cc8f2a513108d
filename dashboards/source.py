"""What every chart draws from: a run, its key figures, its bins, its local time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from bokeh.models import Range1d

from dashboards.bins import DAY, Bins, Floats, Ints, for_charts, for_tables, regular
from twin.analysis.consumers import consumers
from twin.analysis.kpi import Summary, summary
from twin.analysis.period import Period, labels, period_of, values


@dataclass(frozen=True)
class Source:
    """A run opened for drawing; arrays are read once and kept."""

    ds: xr.Dataset
    summary: Summary
    period: Period
    offset_s: int

    @cached_property
    def start_s(self) -> Ints:
        """Beginnings of the intervals in local standard time, s since 1970."""
        return self.period.start.astype(np.int64) + self.offset_s

    @cached_property
    def bins(self) -> Bins:
        """Bins of the charts."""
        return for_charts(self.start_s, self.period.interval_s)

    @cached_property
    def rows(self) -> Bins:
        """Bins of the tables."""
        return for_tables(self.start_s, self.period.interval_s, self.bins)

    @cached_property
    def days(self) -> Bins:
        """Local days."""
        return regular(self.start_s, self.period.interval_s, DAY, "day")

    @cached_property
    def x_range(self) -> Range1d:
        """The time axis that all charts share: who zooms one zooms all."""
        first, last = float(self.bins.edges_ms[0]), float(self.bins.edges_ms[-1])
        return Range1d(start=first, end=last, bounds=(first, last))

    @cached_property
    def consumers(self) -> dict[str, Floats]:
        """Power of each consumer, MW."""
        return {name: part / 1e6 for name, part in consumers(self.ds).items()}

    @property
    def zone(self) -> str:
        """``UTC-6``: the local standard time of the axes."""
        return f"UTC{self.offset_s / 3600:+g}" if self.offset_s else "UTC"

    def of(self, name: str, scale: float = 1.0) -> Floats:
        """A variable times ``scale``, time first."""
        return values(self.ds, name) * scale

    def has(self, *names: str) -> bool:
        """Whether the run holds all of these variables."""
        return all(name in self.ds for name in names)

    def labels(self, name: str) -> list[str]:
        """A coordinate as text."""
        return labels(self.ds, name)

    def local_ms(self, utc: str) -> float:
        """An instant ``2028-07-01T15:00Z`` on the axes, ms."""
        return 1e3 * (float(np.datetime64(utc.rstrip("Z"), "s").astype(np.int64)) + self.offset_s)

    def local(self, utc: str | None) -> str:
        """An instant in local time, as a reader writes it: ``2028-07-01 09:00``."""
        if utc is None:
            return "-"
        moment = np.datetime64(utc.rstrip("Z"), "s") + np.timedelta64(self.offset_s, "s")
        return str(moment.astype("datetime64[m]")).replace("T", " ")


def source(ds: xr.Dataset) -> Source:
    """Open a run for drawing. Raises ``InputError`` where it is no run."""
    offset = 3600.0 * float(ds.attrs.get("utc_offset_h", 0.0))
    return Source(ds, summary(ds), period_of(ds), round(offset))
