"""The chosen rack: what it is, where it stands, its power and temperature, measured beside simulated."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from dashboards.panels.panel import Word, Words, flag, opening
from dashboards.panels.rating import BEYOND, over
from dashboards.view import DASH, MEASURED, RESIDUAL, SIMULATED, View, degrees, signed, span, value, watts
from telemetry.live.frame import Frame

KEY, TITLE = "rack", "Rack"
ROWS = {
    "name": "Rack", "kind": "Kind", "place": "Hall, row, place", "measured": "Power, measured",
    "simulated": "Power, simulated", "residual": "measured − simulated", "rated": "Rated power",
    "warm": "Temperature, measured", "warm-sim": "Temperature, simulated", "age": "Age of its power",
}  # fmt: skip


class Rack:
    """A list of terms and values; a hint until a rack is chosen."""

    def __init__(self, view: View) -> None:
        self._view = view
        rows = "".join(f'<div><dt>{name}</dt><dd id="{KEY}-{key}"></dd></div>' for key, name in ROWS.items())
        self.parts = [
            f'{opening(KEY, TITLE)}<p class="none" id="{KEY}-none">Click a rack in the picture, or choose one in its '
            f'table.</p><dl class="facts-list" id="{KEY}-list" aria-live="polite" hidden>{rows}</dl></section>'
        ]

    def update(self, frame: Frame) -> Mapping[str, Word]:
        """The words of the chosen rack."""
        rack, t = self._view.rack, self._view.topology
        words: Words = {f"{KEY}-none@hidden": flag(rack is not None), f"{KEY}-list@hidden": flag(rack is None)}
        if not t.racks:
            words[f"{KEY}-none"] = "No racks are known here."
        if rack is None:
            return words
        measured, simulated = (value(frame, side, "rack_power", rack) for side in (MEASURED, SIMULATED))
        residual = value(frame, RESIDUAL, "rack_power", rack)
        warm, warm_sim = (value(frame, side, "rack_temperature", rack) for side in (MEASURED, SIMULATED))
        rated = float(t.rack_rated_w[rack])
        beyond = bool(over(np.array([measured, simulated]), np.array(rated)).any())
        used = frame.used.get("rack_power")
        drives = used is not None and bool(used[rack])
        ages = frame.age_s.get("rack_power")
        age = float(ages[rack]) if ages is not None else math.inf
        return words | {
            f"{KEY}-name": t.racks[rack],
            f"{KEY}-kind": t.rack_kind[rack],
            f"{KEY}-place": f"{t.halls[int(t.rack_hall[rack])]}, row {int(t.rack_row[rack]) + 1}, place "
            f"{int(t.rack_place[rack]) + 1}",
            f"{KEY}-measured": watts(measured),
            f"{KEY}-simulated": watts(simulated),
            f"{KEY}-simulated@class": "sim" if math.isfinite(simulated) else None,
            f"{KEY}-residual": "none: it drives the model" if drives else signed(watts(residual)),
            f"{KEY}-rated": f"{f'▲ exceeded by {BEYOND}: ' if beyond else ''}{watts(rated)}",
            f"{KEY}-rated@class": "wrong" if beyond else None,
            f"{KEY}-warm": degrees(warm),
            f"{KEY}-warm-sim": degrees(warm_sim),
            f"{KEY}-warm-sim@class": "sim" if math.isfinite(warm_sim) else None,
            f"{KEY}-age": span(age) if math.isfinite(age) else DASH,
        }


def build(view: View) -> Rack:
    """The panel."""
    return Rack(view)


__all__ = ["build"]
