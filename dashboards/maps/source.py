"""What the charts of a map draw from: its answers, the hall that is shown first, what the page's script has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

from dashboards.bins import Floats
from twin.analysis.map_answers import KINDS, Answers
from twin.core.units import MW

WORST = "the tightest hall"


@dataclass(frozen=True)
class MapSource:
    """A map opened for drawing; ``hall`` is the one to show first, None the tightest of each point."""

    answers: Answers
    hall: str | None = None

    @cached_property
    def outdoor_labels(self) -> list[str]:
        """Outdoor temperatures as the axes name them."""
        return [f"{t:g}" for t in self.answers.outdoor]

    @cached_property
    def load_labels(self) -> list[str]:
        """Loads as the axes name them."""
        return [f"{100 * x:g} %" for x in self.answers.load]

    @cached_property
    def hottest(self) -> int:
        """Position of the hottest outdoor temperature."""
        return len(self.answers.outdoor) - 1

    @cached_property
    def limits(self) -> dict[str, list[list[list[str]]]]:
        """Names of the limits by kind."""
        return {kind: self.answers.bindings(kind) for kind in KINDS}

    @cached_property
    def hall_power_mw(self) -> Floats:
        """Power into each hall (load, outdoor, hall), MW."""
        return self.answers.of("hall_power", 1.0 / MW)

    @cached_property
    def data(self) -> dict[str, Any]:
        """What the page's script chooses from: arrays [load][outdoor][hall] in MW, limits as positions in a list."""
        a = self.answers
        made: dict[str, Any] = {
            "halls": a.halls,
            "loads": self.load_labels,
            "outdoor": self.outdoor_labels,
            "wet": [f"{t:.1f}" for t in a.wet],
            "worst": WORST,
            "hall_power": _rounded(self.hall_power_mw),
        }
        for kind in KINDS:
            names = sorted({cell for plane in self.limits[kind] for row in plane for cell in row})
            place = {name: i for i, name in enumerate(names)}
            made[f"{kind}_limits"] = names
            made[f"{kind}_limit"] = [[[place[c] for c in row] for row in plane] for plane in self.limits[kind]]
            made[kind] = _rounded(a.headroom_mw(kind))
            band = a.band(f"hall_{kind}_headroom", 1.0 / MW)
            if band is not None:
                made[f"{kind}_band"] = [_rounded(end) for end in band]
        return made

    def json(self) -> str:
        """The data as the text of a script element: nothing in it ends the element."""
        return json.dumps(self.data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _rounded(values: Floats) -> Any:
    """Six significant digits, null where there is no number."""
    return _none(values.tolist())


def _none(value: Any) -> Any:
    if isinstance(value, list):
        return [_none(v) for v in value]
    return float(f"{value:.6g}") if isfinite(value) else None


__all__ = ["WORST", "MapSource"]
