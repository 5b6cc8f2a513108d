"""What one reader looks at: which hall, which rack, coloured by what, which tables are open; and numbers in words.

A value of a frame may be measured or simulated: the two are kept apart, and neither stands in for the other unsaid.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboards.chart import power
from telemetry.live.frame import Feed, Frame, Topology
from twin.core.units import HOUR, MW

Floats = NDArray[np.float64]
Side = str
MEASURED, SIMULATED, RESIDUAL = "measured", "simulated", "residual"
ESTIMATED = "estimated"  # measured but for a small part, which is the model's
MINUTE = 60.0
DASH = "–"
DRIVES = "drives the model"  # what is measured so is no finding about it


@dataclass
class View:
    """What a reader has chosen. ``hall``, ``rack``: index; ``metric``: key of a colouring, "" for the default.

    ``changed``: called after a choice that a picture has taken. ``say``: send words at once. ``later``: do the first
    off the document's lock and hand what it returns (None where it fails) to the second, with the lock.
    """

    feed: Feed
    hall: int | None = None
    rack: int | None = None
    metric: str = ""
    opened: set[str] = field(default_factory=set)
    changed: Callable[[], None] = lambda: None
    say: Callable[[Mapping[str, Any]], None] = lambda words: None
    later: Callable[[Callable[[], Any], Callable[[Any], None]], None] = lambda work, then: then(work())

    @property
    def topology(self) -> Topology:
        """The items of the site."""
        return self.feed.topology

    @property
    def focus(self) -> tuple[str, int, str]:
        """Variable, item and its name for the trend: of the rack, else of the hall, else of the site."""
        t = self.topology
        if self.rack is not None:
            return "rack_power", self.rack, f"rack {apart(t.racks[self.rack])}"
        if self.hall is not None:
            return "hall_it_power", self.hall, f"hall {apart(t.halls[self.hall])}, IT"
        return "site_power", 0, "site, at the meter"

    @property
    def chosen(self) -> dict[str, str]:
        """Choices as text, "" for none: what :meth:`choose` takes again."""
        t = self.topology
        return {
            "hall": "" if self.hall is None else t.halls[self.hall],
            "rack": "" if self.rack is None else t.racks[self.rack],
            "metric": self.metric,
        }

    def choose(self, what: str, value: str) -> None:
        """Take a choice of the reader; what is not known is left as it was."""
        t = self.topology
        if what == "hall":
            self.hall = t.halls.index(value) if value in t.halls else None
            if self.rack is not None and self.hall is not None and int(t.rack_hall[self.rack]) != self.hall:
                self.rack = None
        elif what == "rack":
            self.rack = t.racks.index(value) if value in t.racks else None
        elif what == "metric":
            self.metric = value
        elif what in ("open", "close"):
            (self.opened.add if what == "open" else self.opened.discard)(value)


def values(frame: Frame, side: Side, variable: str) -> Floats | None:
    """A variable of one side of a frame, flat; None where that side has none."""
    if side == RESIDUAL:
        return frame.residual(variable).ravel() if variable in frame.measured and variable in frame.simulated else None
    found = (frame.measured if side == MEASURED else frame.simulated).get(variable)
    return None if found is None else np.asarray(found, np.float64).ravel()


def value(frame: Frame, side: Side, variable: str, item: int = 0) -> float:
    """One number; NaN where there is none."""
    found = values(frame, side, variable)
    return math.nan if found is None or item >= len(found) else float(found[item])


def watts(w: float) -> str:
    """Power with its unit, three significant digits; kW below 1 MW."""
    return power(w / MW)


def per_second(rate: float) -> str:
    """A rate of things that were named: ``1.23 M/s``."""
    if not math.isfinite(rate):
        return DASH
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(rate) >= 0.9995 * size:
            scaled = rate / size
            return f"{scaled:.{0 if scaled >= 100 else 1 if scaled >= 10 else 2}f} {letter}/s"
    return f"{rate:.0f} /s"


def measured_racks(count: int, total: int) -> str:
    """How many are measured: what a sum of racks needs all of."""
    return f"{count:,} of {total:,} racks measured"


def degrees(c: float, digits: int = 1) -> str:
    """A temperature, a true minus."""
    return f"{c:.{digits}f} °C".replace("-", "−") if math.isfinite(c) else DASH


def signed(text: str) -> str:
    """A difference: with its sign, a true minus."""
    return text if text == DASH else f"−{text[1:]}" if text.startswith("-") else f"+{text}"


def apart(name: str) -> str:
    """A name as it stands in a sentence: one that is written from right to left does not turn round what follows it."""
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name)
    return f"\u2068{name}\u2069" if turns else name


def span(seconds: float) -> str:
    """A length of time in the largest unit of which there are two: ``4.2 s``, ``3 min``, ``5 h``."""
    if not math.isfinite(seconds):
        return DASH
    if seconds < 2 * MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:,.0f} h"


def moment(time_ns: int, offset_s: float = 0.0, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """An instant as text, so many seconds from UTC."""
    return datetime.fromtimestamp(time_ns / 1e9 + offset_s, UTC).strftime(form)


def zone(t: Topology) -> str:
    """``UTC-6``."""
    return f"UTC{t.utc_offset_s / HOUR:+g}" if t.utc_offset_s else "UTC"


__all__ = ["MEASURED", "RESIDUAL", "SIMULATED", "View", "apart", "degrees", "moment", "per_second", "signed", "span",
           "value", "values", "watts", "zone"]  # fmt: skip
